"""What each store operation does, once for every database.

Operations are scripts: generators that yield statements and are sent rows. `sqlite` and `postgres` only play them, each
inside one transaction. A writing script first takes the head of the audit, which puts all writers of all processes in a
line; so what it reads afterwards is what it decides on.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from maton_mailgun.approval.binding import seal
from maton_mailgun.approval.store import audit, table
from maton_mailgun.approval.store.audit import Chain, Head, Watermark
from maton_mailgun.approval.store.daily_use import released, reserved, used_now
from maton_mailgun.approval.store.deadlines import Deadlines
from maton_mailgun.approval.store.failures import (
    AllStopped,
    Conflict,
    IllegalMove,
    PutBack,
    StoreError,
    StoreUnavailable,
    Tampered,
    TooManyPending,
)
from maton_mailgun.approval.store.outside_mark import Marks
from maton_mailgun.approval.store.record import CLAIM, GUESS, MOVES, TERMINAL, Changes, Record, State, guessed
from maton_mailgun.approval.store.script import Script
from maton_mailgun.approval.store.table import Rows, StoredRow
from maton_mailgun.approval.store.told_of_change import about_change
from maton_mailgun.mail.person_names import key_of

_log = logging.getLogger(__name__)
_YES: frozenset[State] = frozenset({"held", "approved"})
_CHANGEABLE = frozenset(Changes.__annotations__)
SYSTEM = "system"
"""The actor of moves that nobody made: time ran out, or a process died."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripts:
    """The scripts, under one installation's key and clocks. A script returns a StoreError where what it wrote on the
    way must be kept; the player raises it after the commit."""

    chain: Chain
    rows: Rows
    deadlines: Deadlines
    clock: Callable[[], float]
    mark: Watermark = field(default_factory=Watermark)

    # Reading

    def get(self, approval_id: str) -> Script[Record | None]:
        found = yield table.ONE, (approval_id,)
        return self.rows.check(found[0]).record if found else None

    def envelope(self, approval_id: str) -> Script[bytes]:
        found = yield table.ONE, (approval_id,)
        envelope = self.rows.check(found[0]).envelope if found else None
        if envelope is None:
            raise seal.Unsealable(approval_id, "it is finished, and what is finished keeps no request")
        return envelope

    def listing(self, principal: str | None, states: Collection[State] | None, limit: int) -> Script[Sequence[Record]]:
        if states is not None and not states:
            return []
        statement = table.newest(principal=principal is not None, states=len(states or ()))
        who = () if principal is None else (table.ascii_text(principal),)
        each = [value for state in sorted(states or ()) for value in (state, *who, limit)]
        found = yield statement, (*(each if states else who), limit)
        return [row.record for row in self._readable(found)]

    def history(self, principal: str, digests: Collection[str], since: float) -> Script[Sequence[Record]]:
        found: list[Record] = []
        for digest in digests:
            rows = yield table.HISTORY, (table.ascii_text(principal), digest, since)
            found += [self.rows.check(row).record for row in rows if row[9] == self.rows.key_id]
        return sorted(found, key=lambda record: (record.created_at, record.id), reverse=True)

    def alike(self, digests: Collection[str], since: float) -> Script[Sequence[Record]]:
        found: list[Record] = []
        for digest in digests:
            found += [row.record for row in self._readable((yield table.ALIKE, (since, digest)))]
        return sorted(found, key=lambda record: (record.created_at, record.id))

    def by_state(self) -> Script[dict[str, int]]:
        found = yield table.BY_STATE, ()
        return {str(state): int(number) for state, number in found}

    def spent(self, names: Iterable[str], now: float) -> Script[dict[str, int]]:
        head = self._head((yield audit.HEAD, ()))
        used = used_now(head, now)
        return {name: used.get(name, 0) for name in names}

    def changed(self) -> Script[int]:
        found = yield audit.HEAD_SEQ, ()
        return int(found[0][0])

    def lapsed(self, now: float) -> Script[Sequence[str]]:
        """Ids of the open records that time has closed."""
        found = yield table.OPEN_ALL, ()
        self.deadlines.forget_all_but([row[0] for row in found])
        return [row.record.id for row in self._readable(found) if self.deadlines.lapsed(row.record, now)]

    # Writing

    def open(self, *, adopt: bool) -> Script[None]:
        """Begin the chain, or go on with it. With `adopt`, a chain under a lost key is continued under ours."""
        empty = Head(0, audit.START, "", {})
        yield audit.NEW_HEAD, self.chain.head_row(empty)
        found = yield audit.HEAD_LOCKED, ()
        if found[0][4] == self.chain.key_id:
            self._head(found)
            return
        if not adopt:
            raise StoreUnavailable(
                f"The database was written under the key {found[0][4]}, but this process has {self.chain.key_id}. "
                "Every replica needs the same key file: copy it from one that works. If the key is lost for good, "
                "use a new database, or drop the tables maton_mailgun_*."
            )
        lost = audit.under_lost_key(found[0])
        closed = yield table.ABANDON, (self.rows.key_id,)
        _log.warning("The key was lost: %d open approvals were closed and must be proposed again.", len(closed))
        yield from self._append(lost, None, "", "", SYSTEM, {"lost_key": found[0][4], "closed": len(closed)}, "")

    def insert(self, record: Record, envelope: bytes, max_pending: int) -> Script[tuple[Record, bool] | StoreError]:
        now = self.clock()
        head = self._head((yield audit.HEAD_LOCKED, ()))
        if head.stop > 0:  # guard: 102-asked
            return AllStopped()
        found = yield table.OPEN_ONE, (table.ascii_text(record.principal), record.digest)
        for row in found:
            earlier = self.rows.check(row)
            if not self.deadlines.lapsed(earlier.record, now):  # guard: 39-joins.store
                return earlier.record, True
            head, _ = yield from self._lapse(head, earlier, now)
        waiting = yield table.PENDING_OF, (table.ascii_text(record.principal),)
        pending = [row.record for row in self._readable(waiting)]
        if sum(not self.deadlines.lapsed(other, now) for other in pending) >= max_pending:
            return TooManyPending(max_pending)
        stored = yield from self._begin(head, record, envelope, record.principal, now)
        return stored, False

    def move(self, record: Record, to: State, actor: str, changes: Changes) -> Script[Record | StoreError]:
        now = self.clock()
        head, row = yield from self._current(record)
        current = row.record
        if current.version != record.version:
            return Conflict(current)
        if not _may_move(current, to, changes):
            return IllegalMove(current, to)
        if current.state == "pending" and to in _YES and self.deadlines.lapsed(current, now):  # guard: 00-late
            _, expired = yield from self._lapse(head, row, now)
            return Conflict(expired)
        if current.state == "held" and to == "approved" and self.deadlines.lapsed(current, now):  # guard: 304-late
            _, expired = yield from self._lapse(head, row, now)
            return Conflict(expired)
        if (current.state, to) == ("executing", "approved"):
            head = released(head, current)
            changes = {"lease_until": None, **changes}
        _, moved = yield from self._write(head, row, to, actor, now, **changes)
        return moved

    def amend(self, record: Record, actor: str, changes: Changes) -> Script[Record | StoreError]:
        head, row = yield from self._current(record)
        now = self.clock()
        if row.record.version != record.version:
            return Conflict(row.record)
        if row.record.state == "pending" and self.deadlines.lapsed(row.record, now):  # guard: 369-late
            _, expired = yield from self._lapse(head, row, now)
            return Conflict(expired)
        # A finished record may only lose a sealed secret from its result, once that was shown.
        if row.record.state in TERMINAL and set(changes) != {"result"}:
            return IllegalMove(row.record, row.record.state)
        _, amended = yield from self._write(head, row, row.record.state, actor, now, **changes)
        return amended

    def claim(
        self,
        record: Record,
        actor: str,
        lease_seconds: float,
        budgets: Sequence[tuple[str, int]],
        message_id: str | None,
        token: str | None,
        now: float,
        marks: Marks,
    ) -> Script[Record | StoreError]:
        head, row = yield from self._current(record)
        current = row.record
        if current.version != record.version:  # guard: 32-claim.version
            return Conflict(current)
        if current.state != "approved":  # guard: 32-claim.state
            return IllegalMove(current, "executing")
        if self.deadlines.lapsed(current, now):
            _, expired = yield from self._lapse(head, row, now)
            return Conflict(expired)
        yield from self._unbroken_since(current, head)
        yield from self._as_remembered(head, marks)
        if (yield from self._stopped_since(current, head)):  # guard: 102-claimed
            _, closed = yield from self._write(
                head, row, "stale", SYSTEM, now, finished_at=now, reason="All writes were stopped after this yes."
            )
            return Conflict(closed)
        head = reserved(head, budgets, now)
        _, claimed = yield from self._write(
            head,
            row,
            "executing",
            actor,
            now,
            lease_until=now + lease_seconds,
            attempted_at=now,
            message_id=message_id if message_id is not None else current.message_id,
            budget_rules=tuple(rule for rule, _ in budgets),
            result={CLAIM: token} if token is not None else None,
        )
        return claimed

    def lapse(self, approval_id: str, now: float) -> Script[Record | None]:
        """Close one record that time has closed, unless another process just changed it."""
        head = self._head((yield audit.HEAD_LOCKED, ()))
        found = yield table.ONE, (approval_id,)
        row = self.rows.check(found[0])
        if not self.deadlines.lapsed(row.record, now):
            return None
        _, closed = yield from self._lapse(head, row, now)
        return closed

    # Steps

    def _current(self, record: Record) -> Script[tuple[Head, StoredRow]]:
        """The head, and the row as it is now: checked, and the one that the audit saw last."""
        head = self._head((yield audit.HEAD_LOCKED, ()))
        found = yield table.ONE, (record.id,)
        if not found:
            raise Tampered(record.id, "it was removed")
        row = self.rows.check(found[0])
        yield from self._as_audited(row)
        return head, row

    def _as_audited(self, row: StoredRow) -> Script[None]:
        latest = yield audit.LATEST, (row.record.id,)
        entry = audit.entry_of(latest[0]) if latest else None
        left = (row.record.state, row.record.version, row.mac)
        if entry is None or not self.chain.holds(entry) or (entry.to_state, entry.version, entry.row_mac) != left:
            raise Tampered(row.record.id, "the audit knows it in another state")  # guard: 37-audit

    def _unbroken_since(self, record: Record, head: Head) -> Script[None]:
        """Nothing was taken out of the audit since this record's last entry: so that entry *is* its last."""
        latest = yield audit.LATEST, (record.id,)
        since = yield audit.FROM_SEQ, (latest[0][0],)
        try:
            self.chain.span([audit.entry_of(row) for row in since], head)
        except audit.Broken as broken:
            raise Tampered(record.id, f"audit entry {broken.seq}: {broken.why}") from broken

    def _stopped_since(self, record: Record, head: Head) -> Script[bool]:
        """Whether a stop came after the yes, in the order of the audit: no clock can hide it."""
        if not head.stop:
            return False
        yes = yield audit.LAST_YES, (record.id,)
        return not yes or int(yes[0][0]) < abs(head.stop)

    def _as_remembered(self, head: Head, marks: Marks) -> Script[None]:
        """The chain still has what was seen of it when an earlier write was carried out."""
        first = yield audit.AT, (1,)
        self.mark.origin = first[0][0] if first else ""
        kept = marks.get(self.mark.origin)
        if kept is None:
            return
        there = yield audit.AT, (kept.seq,)
        if not there or there[0][0] != kept.hash:  # guard: 65-put-back
            raise PutBack(head.seq, kept.seq)

    def _lapse(self, head: Head, row: StoredRow, now: float) -> Script[tuple[Head, Record]]:
        to, changes = self.deadlines.closing(row.record, now)
        return (yield from self._write(head, row, to, SYSTEM, now, **changes))

    def _begin(self, head: Head, record: Record, envelope: bytes, actor: str, now: float) -> Script[Record]:
        """Insert a row, with the entry that says so."""
        columns = self.rows.columns(record, envelope, now)
        yield table.INSERT, columns
        stored = self.rows.check(columns)
        about = {"operation": record.operation, "connection_id": record.connection_id, "risk": record.risk}
        if record.replaces is not None:
            about |= {"replaces": record.replaces, "changed_by": "person" if record.edited_by else "agent"}
        yield from self._append(head, stored, "", record.state, actor, about, stored.mac)
        self.deadlines.watch(stored.record, now)
        return stored.record

    def _write(
        self, head: Head, row: StoredRow, to: State, actor: str, now: float, **changes: Any
    ) -> Script[tuple[Head, Record]]:
        """Replace the row by its next version and append the entry that says so."""
        before = row.record
        record = replace(before, **changes, state=to, version=before.version + 1)
        envelope = None if to in TERMINAL else row.envelope
        columns = self.rows.columns(record, envelope, now)
        update = (to, record.version, now, columns[7], envelope, columns[10], record.id, before.version, columns[9])
        if not (yield table.UPDATE, update):
            raise StoreUnavailable(f"Another process changed {record.id} at this moment. Read it again.")
        written = self.rows.check(columns)
        about = about_change(before, written.record, changes)
        head = yield from self._append(head, written, before.state, to, actor, about, written.mac)
        self.deadlines.watch(written.record, now)
        return head, written.record

    def _append(
        self,
        head: Head,
        row: StoredRow | None,
        from_state: str,
        to: str,
        actor: str,
        about: Mapping[str, Any],
        row_mac: str,
    ) -> Script[Head]:
        record = row.record if row else None
        entry = self.chain.link(
            head,
            at=float(self.clock()),
            approval_id=record.id if record else "",
            version=record.version if record else 0,
            from_state=from_state,
            to_state=to,
            actor=table.ascii_text(actor),
            channel=(record.channel or "") if record else "",
            level=record.level if record else "",
            digest=record.digest if record else "",
            detail=json.dumps(about, sort_keys=True, separators=(",", ":")),
            row_mac=row_mac,
        )
        yield audit.APPEND, audit.columns_of(entry)
        head = replace(head, seq=entry.seq, hash=entry.hash)
        yield audit.SET_HEAD, self.chain.head_row(head)
        self.mark.writing(head)
        return head

    def _head(self, found: list[tuple[Any, ...]]) -> Head:
        if not found:
            raise Tampered("the audit", "its end was removed")
        try:
            head = self.chain.head(found[0])
            self.mark.reached(head)
        except audit.Broken as broken:
            if found[0][4] != self.chain.key_id:
                raise StoreUnavailable(
                    f"Another process continued this database under the key {found[0][4]}. Restart this one."
                ) from broken
            raise Tampered("the audit", broken.why) from broken
        return head

    def _readable(self, found: Iterable[tuple[Any, ...]]) -> Iterator[StoredRow]:
        """The rows that hold; one bad row must not hide the good ones, nor keep a server from starting."""
        for row in found:
            try:
                yield self.rows.check(row)
            except (Tampered, seal.Unsealable) as error:
                _log.warning("%s", error)


def _may_move(current: Record, to: State, changes: Changes) -> bool:
    """Whether the state machine has this move. Only `claim` makes a record `executing`, and only
    `supersede` makes one `superseded`."""
    if (current.state, to) == ("approved", "pending"):
        return current.channel == "policy"  # guard: 61-asked-instead
    if current.state == "pending" and to in _YES and len(_people(current, changes)) < current.approvers:
        return False  # guard: 319-several
    if current.state == "pending" and to == "approved" and current.hold:
        return False  # guard: 302-held
    if to in MOVES[current.state]:
        return to not in ("executing", "superseded")
    # What was concluded by looking gives way to what the service itself said.
    told = not (changes.get("result") or {}).get(GUESS)
    return guessed(current) and to in ("succeeded", "failed") and told  # guard: 62-corrected


def _people(current: Record, changes: Changes) -> set[str]:
    """The different people whose yes this move rests upon; somebody unnamed where one is enough."""
    if current.approvers < 2:
        return {""}
    return {key_of(str(one["person"])) for one in changes.get("yeses", ())}


def permitted(changes: Changes) -> Changes:
    """`changes`, unless they touch what was shown or what identifies a record. Raises ValueError."""
    if fixed := changes.keys() - _CHANGEABLE:
        raise ValueError(f"These fields of a record never change: {', '.join(sorted(fixed))}.")
    return changes

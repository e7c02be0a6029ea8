"""What is done to all approvals at once: stopped and let go on, removed when their time is over, emptied of a person.

Nothing here can bring an approval forward. What is removed leaves its entries in the audit, with its id, its digest and
how it ended, so that it can be told and never run; what is emptied keeps its state too, so that "exactly this was sent
today" is said still.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from maton_mailgun.approval.binding import seal
from maton_mailgun.approval.store import audit, table
from maton_mailgun.approval.store.audit import AuditEntry, Head
from maton_mailgun.approval.store.failures import Conflict, IllegalMove, StoreError, StoreUnavailable, Tampered
from maton_mailgun.approval.store.record import TERMINAL, Changes, Record
from maton_mailgun.approval.store.script import Script
from maton_mailgun.approval.store.scripts import SYSTEM
from maton_mailgun.approval.store.superseding import Superseding
from maton_mailgun.approval.store.table import StoredRow

AT_ONCE = 50
"""Approvals removed in one transaction: some milliseconds, and other processes get their turn between."""
PEOPLE = "people"
"""What an entry leads to that says who may decide by name."""
EMPTIED = "(removed at a person's request)"
"""Stands where the target was of an approval that was emptied."""

_log = logging.getLogger(__name__)


class Reached(NamedTuple):
    """How far a walk through what is finished has come."""

    changed_at: float = 0.0
    id: str = ""


@dataclass(frozen=True, slots=True)
class Removed:
    """What one step of removing did."""

    count: int
    place: Reached | None
    """Where the next step goes on; None where nothing is left."""


@dataclass(frozen=True, slots=True)
class Gone:
    """What is still known of an approval that was removed."""

    principal: str
    state: str
    """How it ended."""
    at: float
    """When it was removed, Unix seconds."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Who may decide by name."""

    seq: int
    """Number of the entry that says so; 0 where one passphrase is shared."""
    known: Mapping[str, str]
    """Their names, in the order in which they came, each with the digest of what they sign in with."""


@dataclass(frozen=True, slots=True)
class SomeRows:
    """Some rows on a walk through all."""

    rows: tuple[StoredRow, ...]
    unreadable: tuple[str, ...]
    """Ids of rows that were changed, or are under a lost key."""
    last: str | None
    """The last id; None at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep(Superseding):
    """The scripts of the whole store."""

    def stop(self, actor: str, reason: str | None) -> Script[Sequence[Record]]:
        """Close everything that waits for a yes or for its turn, and take nothing new until `go_on`."""
        now = self.clock()
        head = self._head((yield audit.HEAD_LOCKED, ()))
        found = yield table.OPEN_ALL, ()
        closed = []
        for row in self._readable(found):
            if row.record.state == "pending":
                answer: Changes = {"decided_at": now, "decided_by": actor, "channel": None, "reason": reason}
                head, record = yield from self._write(head, row, "rejected", actor, now, finished_at=now, **answer)
            elif row.record.state in ("held", "approved"):  # guard: 305-stopped
                head, record = yield from self._write(head, row, "stale", actor, now, finished_at=now, reason=reason)
            else:
                continue
            closed.append(record)
        head = replace(head, stop=head.seq + 1)
        yield from self._append(head, None, "", "stopped", actor, {"closed": len(closed)}, "")
        first = yield audit.AT, (1,)
        self.mark.origin = first[0][0]
        return closed

    def go_on(self, actor: str) -> Script[bool]:
        """Lift a stop. Returns whether there was one."""
        head = self._head((yield audit.HEAD_LOCKED, ()))
        if head.stop <= 0:
            return False
        yield from self._append(replace(head, stop=-head.stop), None, "", "resumed", actor, {}, "")
        return True

    def stopped(self) -> Script[AuditEntry | None]:
        """The entry of the stop that is in force."""
        head = self._head((yield audit.HEAD, ()))
        found = (yield audit.WHOLE, (head.stop,)) if head.stop > 0 else []
        return audit.entry_of(found[0]) if found else None

    def people(self) -> Script[Listed]:
        """Who may decide by name, as the last entry about it says. Raises Tampered where nobody can vouch for it."""
        return (yield from self._listed(self._head((yield audit.HEAD, ()))))

    def _listed(self, head: Head) -> Script[Listed]:
        if not head.people:
            return Listed(0, {})
        found = yield audit.WHOLE, (head.people,)
        entry = audit.entry_of(found[0]) if found else None
        if entry is None or entry.to_state != PEOPLE or not self.chain.holds(entry):  # guard: 311-listed
            raise Tampered("the people who may decide", "their entry in the audit does not hold")
        return Listed(entry.seq, dict(json.loads(entry.detail)[PEOPLE]))

    def set_people(
        self, known: Mapping[str, str], after: int, actor: str, what: Mapping[str, str]
    ) -> Script[Listed | StoreError]:
        """Say who may decide by name from now on, unless that was changed since entry `after`."""
        head = self._head((yield audit.HEAD_LOCKED, ()))
        before = yield from self._listed(head)
        if before.seq != after:
            return StoreUnavailable(
                "The people were changed at this moment by somebody else. Look again.", certain=True
            )
        head = replace(head, people=head.seq + 1)
        about = {PEOPLE: [list(one) for one in known.items()], **what}
        yield from self._append(head, None, "", PEOPLE, actor, about, "")
        first = yield audit.AT, (1,)
        self.mark.origin = first[0][0]
        return Listed(head.people, dict(known))

    def remove_finished(self, before: float, place: Reached) -> Script[Removed]:
        """Remove some of what was finished, and not changed, before then; what cannot be vouched for stays."""
        head = self._head((yield audit.HEAD_LOCKED, ()))
        found = yield table.FINISHED, (before, *place, AT_ONCE)
        removed = 0
        for row in found:
            place = Reached(row[6], row[0])
            try:
                stored = self.rows.check(row)
                yield from self._as_audited(stored)
            except (Tampered, seal.Unsealable) as error:
                _log.warning("Kept although its time is over: %s", error)
                continue
            head = yield from self._remove(head, stored)
            removed += 1
        return Removed(removed, place if len(found) == AT_ONCE else None)

    def _remove(self, head: Head, row: StoredRow) -> Script[Head]:
        record = row.record
        if not (yield table.DELETE, (record.id, record.version, row.mac)):
            raise StoreUnavailable(f"Another process changed {record.id} at this moment.")
        # Nobody's decision: the entry names the state it ended in, and neither who decided nor how.
        after = replace(row, record=replace(record, version=record.version + 1, channel=None))
        about = {"operation": record.operation, "principal": table.ascii_text(record.principal)}
        return (yield from self._append(head, after, record.state, audit.REMOVED, SYSTEM, about, ""))

    def gone(self, approval_id: str) -> Script[Gone | None]:
        """What is still known of an approval that is stored no more."""
        latest = yield audit.LATEST, (approval_id,)
        entry = audit.entry_of(latest[0]) if latest else None
        if entry is None or entry.to_state != audit.REMOVED or not self.chain.holds(entry):
            return None
        return Gone(table.text_of(json.loads(entry.detail)["principal"]), entry.from_state, entry.at)

    def empty(self, record: Record, actor: str) -> Script[Record | StoreError]:
        """Take all words out of a finished record: what was proposed, shown and answered, and who asked with what."""
        head, row = yield from self._current(record)
        if row.record.version != record.version:
            return Conflict(row.record)
        if row.record.state not in TERMINAL:  # guard: 103-finished
            return IllegalMove(row.record, row.record.state)
        blank: dict[str, Any] = {
            "preview": {"title": EMPTIED, "target": EMPTIED, "operation": record.operation, "action": record.access},
            "client": "", "snapshot": None, "reason": None, "result": None,
        }  # fmt: skip
        _, emptied = yield from self._write(head, row, row.record.state, actor, self.clock(), **blank)
        return emptied

    def every(self, after: str) -> Script[SomeRows]:
        """The next rows by id, whatever their state."""
        found = yield table.EVERY, (after, AT_ONCE)
        readable = list(self._readable(found))
        known = {row.record.id for row in readable}
        unreadable = tuple(str(row[0]) for row in found if row[0] not in known)
        return SomeRows(tuple(readable), unreadable, str(found[-1][0]) if found else None)

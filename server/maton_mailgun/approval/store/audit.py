"""The audit: who moved which approval when, in a chain that an editor of the database cannot forge.

Every entry's hash is an HMAC over the entry and the hash before it, and the head (its number, its hash, today's
budgets) carries an HMAC of its own: an edit, a removal in the middle, a cut tail and a changed order all show. Each
entry also names the checksum of the row it left behind, so that a row put back to an earlier version shows too.
It holds no secret, no body and no recipient.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol, TypeVar

from maton_mailgun.approval.binding import seal
from maton_mailgun.approval.store.failures import Tampered
from maton_mailgun.approval.store.outside_mark import FILE, Mark, Marks
from maton_mailgun.approval.store.script import Script
from maton_mailgun.approval.store.table import EVERY, Rows

T = TypeVar("T")

SCHEMA: tuple[str, ...] = (
    """CREATE TABLE IF NOT EXISTS maton_mailgun_audit (
        seq BIGINT PRIMARY KEY, at DOUBLE PRECISION NOT NULL, approval_id TEXT NOT NULL, version BIGINT NOT NULL,
        from_state TEXT NOT NULL, to_state TEXT NOT NULL, actor TEXT NOT NULL, channel TEXT NOT NULL,
        level TEXT NOT NULL, digest TEXT NOT NULL, detail TEXT NOT NULL, row_mac TEXT NOT NULL,
        key_id TEXT NOT NULL, prev_hash TEXT NOT NULL, hash TEXT NOT NULL)""",
    """CREATE INDEX IF NOT EXISTS maton_mailgun_audit_approval ON maton_mailgun_audit (approval_id, seq)""",
    """CREATE TABLE IF NOT EXISTS maton_mailgun_head (
        one BIGINT PRIMARY KEY CHECK (one = 1), seq BIGINT NOT NULL, hash TEXT NOT NULL, day TEXT NOT NULL,
        budgets TEXT NOT NULL, key_id TEXT NOT NULL, mac TEXT NOT NULL)""",
)

_COLUMNS = (
    "seq, at, approval_id, version, from_state, to_state, actor, channel, level, digest, detail, row_mac, key_id, "
    "prev_hash, hash"
)
_FROM = f"SELECT {_COLUMNS} FROM maton_mailgun_audit"  # noqa: S608 - names of our own
APPEND = f"INSERT INTO maton_mailgun_audit ({_COLUMNS}) VALUES ({', '.join('?' * 15)})"  # noqa: S608
AFTER = f"{_FROM} WHERE seq > ? ORDER BY seq LIMIT ?"
FROM_SEQ = f"{_FROM} WHERE seq >= ? ORDER BY seq"
LATEST = f"{_FROM} WHERE approval_id = ? ORDER BY seq DESC LIMIT 1"
HEAD = "SELECT seq, hash, day, budgets, key_id, mac FROM maton_mailgun_head WHERE one = 1"
HEAD_LOCKED = f"{HEAD} /*lock*/"
"""Every write takes this row first: appends, budgets and state changes happen one after the other."""
HEAD_SEQ = "SELECT seq FROM maton_mailgun_head WHERE one = 1"
NEW_HEAD = (
    "INSERT INTO maton_mailgun_head (one, seq, hash, day, budgets, key_id, mac) VALUES (1, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (one) DO NOTHING"
)
SET_HEAD = "UPDATE maton_mailgun_head SET seq = ?, hash = ?, day = ?, budgets = ?, key_id = ?, mac = ?"

LAST_YES = (
    f"{_FROM} WHERE approval_id = ? AND from_state = 'pending' AND to_state IN ('approved', 'held') "
    "ORDER BY seq DESC LIMIT 1"
)

AT = "SELECT hash FROM maton_mailgun_audit WHERE seq = ?"
WHOLE = f"{_FROM} WHERE seq = ?"

REMOVED = "removed"
"""What the last entry leads to of an approval whose time to be kept is over: nothing of it is stored any more."""
START = "0" * 64
"""What stands for the hash before the first entry."""
_PAGE = 500
_STOP, _PEOPLE = "", "\x03"
_PUT_BACK = (
    f". What is approved in it may have been carried out already; look in Mailgun. Then wait until nothing is approved "
    f"or pending any more, and delete the file {FILE} in the state directory to go on with this database"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One transition. `from_state` is empty for a new approval; `detail` is JSON about the change, never content."""

    seq: int
    at: float
    approval_id: str
    version: int
    from_state: str
    to_state: str
    actor: str
    channel: str
    level: str
    digest: str
    detail: str
    row_mac: str
    key_id: str
    prev_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain, and the budgets used on `day` (UTC, ISO 8601)."""

    seq: int
    hash: str
    day: str
    budgets: Mapping[str, int]
    stop: int = 0
    """Number of the entry that stopped all writes last; negative once that was lifted, 0 if it never was."""
    people: int = 0
    """Number of the entry that says who may decide by name; 0 where one passphrase is shared."""


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """What checking the whole audit found. `first_bad` is the number of the first entry that does not hold."""

    ok: bool
    entries: int
    first_bad: int | None = None
    why: str = ""


class Broken(Exception):
    """The chain does not hold; `seq` is the first entry that shows it."""

    def __init__(self, seq: int, why: str) -> None:
        super().__init__(why)
        self.seq = seq
        self.why = why


@dataclass(slots=True)
class Watermark:
    """How far this process has seen the chain go. A database put back whole to an earlier moment has every checksum
    right; but an approval that was used since then would be usable again."""

    seq: int = 0
    hash: str = ""
    origin: str = ""
    """The hash of the first entry, which tells this chain from another one; empty while it was not read."""
    _written: tuple[int, str] = (0, "")

    def reached(self, head: Head) -> None:
        """Note a stored head. Raises Broken when the chain has become shorter."""
        if head.seq < self.seq:
            raise Broken(head.seq, f"it ended at entry {self.seq} before and now ends at {head.seq}")
        self.seq, self.hash = self._written = head.seq, head.hash

    def writing(self, head: Head) -> None:
        """Note an entry that is not committed yet."""
        self._written = head.seq, head.hash

    def ended(self, *, committed: bool) -> None:
        """The transaction is over: what it wrote counts, or never was."""
        if committed and self._written[0] >= self.seq:
            self.seq, self.hash = self._written
        self._written = self.seq, self.hash


class Audited(Protocol):
    """The part of a store that the audit needs."""

    chain: Chain
    rows: Rows

    async def remembered(self) -> Marks: ...

    async def read(self, script: Script[T]) -> T: ...


@dataclass(frozen=True, slots=True)
class Chain:
    """Makes and checks entries and heads under one key."""

    entry_key: bytes
    head_key: bytes
    key_id: str

    @classmethod
    def under(cls, seal_key: bytes) -> Chain:
        """The chain of the installation with this key."""
        return cls(seal.derive(seal_key, "audit-entry"), seal.derive(seal_key, "audit-head"), seal.key_id(seal_key))

    def link(self, head: Head, **content: Any) -> AuditEntry:
        """The next entry after `head`."""
        unsigned = AuditEntry(**content, seq=head.seq + 1, key_id=self.key_id, prev_hash=head.hash, hash="")
        return AuditEntry(**{**asdict(unsigned), "hash": self._entry_hash(unsigned)})

    def holds(self, entry: AuditEntry) -> bool:
        """Whether the entry is one we wrote, unchanged."""
        return entry.key_id == self.key_id and seal.same(entry.hash, self._entry_hash(entry))

    def head_row(self, head: Head) -> tuple[Any, ...]:
        """The head as columns, with its checksum."""
        # Beside the budgets, under the name that no rule can have: the checksum covers it, and no column is needed.
        beside = {_STOP: head.stop, _PEOPLE: head.people}
        kept = {**head.budgets, **{name: value for name, value in beside.items() if value}}
        budgets = json.dumps(kept, sort_keys=True)
        return (head.seq, head.hash, head.day, budgets, self.key_id, self._head_mac(head, budgets))

    def head(self, row: tuple[Any, ...]) -> Head:
        """The head in a row. Raises Broken."""
        head = Head(row[0], row[1], row[2], *_unpacked(row[3]))
        if row[4] != self.key_id or not seal.same(row[5], self._head_mac(head, row[3])):
            raise Broken(head.seq, "the end of the audit was changed outside maton-mailgun")
        return head

    def span(self, entries: list[AuditEntry], head: Head) -> None:
        """Check that `entries` run without a gap or an edit to `head`. Raises Broken."""
        if not entries or entries[-1].hash != head.hash or entries[-1].seq != head.seq:
            raise Broken(head.seq, "entries at the end of the audit are missing")
        for before, entry in zip([None, *entries], entries, strict=False):
            if not self.holds(entry):
                raise Broken(entry.seq, "this entry was changed")
            if before is not None and (entry.prev_hash != before.hash or entry.seq != before.seq + 1):
                raise Broken(entry.seq, "an entry before this one was removed or moved")

    def _entry_hash(self, entry: AuditEntry) -> str:
        content = list(asdict(entry).values())[:-1]
        return seal.mac(self.entry_key, json.dumps(content).encode("ascii"))

    def _head_mac(self, head: Head, budgets: str) -> str:
        return seal.mac(self.head_key, json.dumps([head.seq, head.hash, head.day, budgets, self.key_id]).encode())


def under_lost_key(row: tuple[Any, ...]) -> Head:
    """The head of a chain whose key is lost, for one that goes on from it: nobody can vouch for its budgets, nobody
    has lifted its stop, and its people stay locked."""
    _, stop, people = _unpacked(row[3])
    return Head(row[0], row[1], "", {}, stop, people)


def _unpacked(kept: str) -> tuple[dict[str, int], int, int]:
    budgets = json.loads(kept)
    return budgets, budgets.pop(_STOP, 0), budgets.pop(_PEOPLE, 0)


def entry_of(row: tuple[Any, ...]) -> AuditEntry:
    """An entry from its columns."""
    return AuditEntry(**dict(zip(_COLUMNS.split(", "), row, strict=True)))


def columns_of(entry: AuditEntry) -> tuple[Any, ...]:
    """An entry as columns."""
    return tuple(asdict(entry).values())


async def verify(store: Audited) -> AuditVerdict:
    """Check every entry, the end of the chain, and that every stored record is the one its last entry left."""
    try:
        marks = await store.remembered()
    except Tampered as problem:
        return AuditVerdict(False, 0, None, str(problem))
    return await store.read(_verification(store.chain, store.rows, marks))


async def export(store: Audited) -> AsyncIterator[str]:
    """The audit as JSON lines, oldest first, one object for each entry with its hashes."""
    after = 0
    while page := await store.read(_page(after)):
        for entry in page:
            content = asdict(entry)
            yield json.dumps({**content, "detail": json.loads(entry.detail)})
        after = page[-1].seq


def _page(after: int) -> Script[list[AuditEntry]]:
    found = yield AFTER, (after, _PAGE)
    return [entry_of(row) for row in found]


def _verification(chain: Chain, codec: Rows, marks: Marks) -> Script[AuditVerdict]:
    """Never raises for what it finds: the first finding is the verdict."""
    head_rows = yield HEAD, ()
    previous, count = START, 0
    latest: dict[str, AuditEntry] = {}
    foreign: AuditEntry | None = None
    kept: Mark | None = None
    while page := (yield AFTER, (count, _PAGE)):
        for row in page:
            entry = entry_of(row)
            if entry.seq != count + 1 or entry.prev_hash != previous:
                return AuditVerdict(False, count, count + 1, "an entry is missing here, or the order was changed")
            if entry.key_id != chain.key_id:
                foreign = foreign or entry
            elif not chain.holds(entry):
                return AuditVerdict(False, count, entry.seq, "this entry was changed")
            previous, count = entry.hash, entry.seq
            if count == 1:
                kept = marks.get(entry.hash)
            if kept is not None and count == kept.seq and not seal.same(entry.hash, kept.hash):
                why = "the database was put back to an earlier moment and went on from there"
                return AuditVerdict(False, count - 1, count, f"{why}{_PUT_BACK}")
            latest[entry.approval_id] = entry
    try:
        head = chain.head(head_rows[0])
    except Broken as broken:
        return AuditVerdict(False, count, count, broken.why)
    except IndexError:
        return AuditVerdict(False, count, count, "the end of the audit was removed")
    if (head.seq, head.hash) != (count, previous):
        return AuditVerdict(False, count, count + 1, f"entries {count + 1} to {head.seq} are missing at the end")
    if kept is not None and kept.seq > count:
        why = f"entries {count + 1} to {kept.seq} are missing: the database was put back to an earlier moment"
        return AuditVerdict(False, count, count + 1, f"{why}{_PUT_BACK}")
    if foreign is not None:
        why = f"from here on entries were written under the key {foreign.key_id}, which is lost: nobody can vouch"
        return AuditVerdict(False, count, foreign.seq, f"{why} for them")
    return (yield from _rows_agree(codec, latest, count))


def _rows_agree(codec: Rows, latest: dict[str, AuditEntry], count: int) -> Script[AuditVerdict]:
    after = ""
    while page := (yield EVERY, (after, _PAGE)):
        for row in page:
            after = row[0]
            entry = latest.pop(after, None)
            if entry is None:
                return AuditVerdict(False, count, None, f"{after} is stored, but the audit does not know it")
            try:
                stored = codec.check(row)
            except (Tampered, seal.Unsealable) as error:
                return AuditVerdict(False, count, entry.seq, str(error))
            left = (stored.record.version, stored.record.state, stored.mac)
            if left != (entry.version, entry.to_state, entry.row_mac):
                return AuditVerdict(False, count, entry.seq, f"{after} is not stored as this entry left it")
    latest.pop("", None)
    missing = [entry for entry in latest.values() if entry.to_state != REMOVED]
    if missing:
        entry = min(missing, key=lambda item: item.seq)
        return AuditVerdict(False, count, entry.seq, f"{entry.approval_id} was removed from the store")
    return AuditVerdict(True, count)

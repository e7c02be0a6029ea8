"""Records as rows: the statements, the text form, and the checksum that every read checks.

A row holds the whole record in `body`, as ASCII JSON that is sealed and written in base64; the other columns repeat in
clear what statements search by: id, principal, digest, state, version and two times. The checksum covers all of them,
the JSON and the sealed request, so no column can be edited by itself, and one row cannot stand for another. It is over
the JSON and not over its seal: to seal what an earlier version left in clear changes no checksum and no audit.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from maton_mailgun.approval.binding import seal
from maton_mailgun.approval.store.failures import StoreUnavailable, Tampered
from maton_mailgun.approval.store.record import OPEN, TERMINAL, Record

_OPEN_LIST = ", ".join(f"'{state}'" for state in sorted(OPEN))
_FINISHED = sorted(TERMINAL)  # guard: 103-removed
# SQLite would rather read all of each state and sort it than go by time, where a state is asked for plainly.
_IS_FINISHED = f"(state IN ({', '.join(repr(state) for state in _FINISHED)})) IS TRUE"

SCHEMA: tuple[str, ...] = (
    """CREATE TABLE IF NOT EXISTS maton_mailgun_approvals (
        id TEXT PRIMARY KEY, principal TEXT NOT NULL, digest TEXT NOT NULL, state TEXT NOT NULL,
        version BIGINT NOT NULL, created_at DOUBLE PRECISION NOT NULL, changed_at DOUBLE PRECISION NOT NULL,
        body TEXT NOT NULL, envelope BYTEA, key_id TEXT NOT NULL, mac TEXT NOT NULL)""",
    # One open record for one call of one principal: if two writers ever passed each other, the database refuses one.
    # That of earlier versions does not know `held`.
    "DROP INDEX IF EXISTS maton_mailgun_approvals_open",
    f"""CREATE UNIQUE INDEX IF NOT EXISTS maton_mailgun_approvals_unended
        ON maton_mailgun_approvals (principal, digest) WHERE state IN ({_OPEN_LIST})""",
    """CREATE INDEX IF NOT EXISTS maton_mailgun_approvals_same
        ON maton_mailgun_approvals (principal, digest, changed_at)""",
    """CREATE INDEX IF NOT EXISTS maton_mailgun_approvals_newest ON maton_mailgun_approvals (created_at)""",
    """CREATE INDEX IF NOT EXISTS maton_mailgun_approvals_state ON maton_mailgun_approvals (state)""",
    # What one principal has in a state, and their newest ones, whatever else was kept. They hold the whole order of a
    # list: SQLite rather reads all of a principal in that order than sorts what shares a moment.
    """CREATE INDEX IF NOT EXISTS maton_mailgun_approvals_each
        ON maton_mailgun_approvals (state, principal, created_at, id)""",
    """CREATE INDEX IF NOT EXISTS maton_mailgun_approvals_theirs
        ON maton_mailgun_approvals (principal, created_at, id)""",
    # Everybody's newest ones in a state.
    """CREATE INDEX IF NOT EXISTS maton_mailgun_approvals_everybodys
        ON maton_mailgun_approvals (state, created_at, id)""",
    # What is finished, by how long ago. That of earlier versions does not know `superseded`.
    "DROP INDEX IF EXISTS maton_mailgun_approvals_finished",
    f"""CREATE INDEX IF NOT EXISTS maton_mailgun_approvals_ended
        ON maton_mailgun_approvals (changed_at, id) WHERE {_IS_FINISHED}""",
    # What an earlier version left in clear: empty but for the first start after it.
    """CREATE INDEX IF NOT EXISTS maton_mailgun_approvals_clear
        ON maton_mailgun_approvals (id) WHERE substr(body, 1, 1) = '{'""",
)

COLUMNS = "id, principal, digest, state, version, created_at, changed_at, body, envelope, key_id, mac"
_FROM = f"SELECT {COLUMNS} FROM maton_mailgun_approvals"  # noqa: S608 - names of our own

INSERT = f"INSERT INTO maton_mailgun_approvals ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
UPDATE = (
    "UPDATE maton_mailgun_approvals SET state = ?, version = ?, changed_at = ?, body = ?, envelope = ?, mac = ? "
    "WHERE id = ? AND version = ? AND key_id = ? RETURNING id"
)
ONE = f"{_FROM} WHERE id = ?"
OPEN_ONE = f"{_FROM} WHERE principal = ? AND digest = ? AND state IN ({_OPEN_LIST})"
OPEN_ALL = f"{_FROM} WHERE state IN ({_OPEN_LIST}) ORDER BY created_at, id"
PENDING_OF = f"{_FROM} WHERE principal = ? AND state = 'pending'"
_OF_LATE = "(changed_at >= ? OR state = 'unknown')"  # guard: 188-unknown
HISTORY = f"{_FROM} WHERE principal = ? AND digest = ? AND {_OF_LATE}"
ALIKE = f"{_FROM} WHERE created_at >= ? AND digest = ?"
BY_STATE = "SELECT state, COUNT(*) FROM maton_mailgun_approvals GROUP BY state"
EVERY = f"{_FROM} WHERE id > ? ORDER BY id LIMIT ?"
IN_CLEAR = f"{_FROM} WHERE substr(body, 1, 1) = '{{' AND id > ? ORDER BY id LIMIT ?"
SEAL_ONE = "UPDATE maton_mailgun_approvals SET body = ? WHERE id = ? AND version = ? AND mac = ?"
FINISHED = (
    f"{_FROM} WHERE {_IS_FINISHED} AND changed_at < ? AND (changed_at, id) > (?, ?) ORDER BY changed_at, id LIMIT ?"
)
DELETE = "DELETE FROM maton_mailgun_approvals WHERE id = ? AND version = ? AND mac = ? RETURNING id"
# After the key was lost nothing can vouch for these rows; they only stop being in the way.
ABANDON = (
    "UPDATE maton_mailgun_approvals SET envelope = NULL, "  # noqa: S608
    "state = CASE state WHEN 'executing' THEN 'unknown' ELSE 'expired' END "
    f"WHERE key_id <> ? AND state IN ({_OPEN_LIST}) RETURNING id"
)

_NAMES = tuple(field.name for field in fields(Record))


def newest(*, principal: bool, states: int) -> str:
    """The statement that lists rows, newest first: of one principal, in any of so many states.

    Its values are, for each state, the state, the principal and the limit, and the limit at the end; without states the
    principal and the limit. Each state is read by an index from its newest row on, so that what it costs goes by the
    limit and not by how much is kept.
    """
    order = "ORDER BY created_at DESC, id DESC LIMIT ?"
    whose = "principal = ?" if principal else ""
    if not states:
        return f"{_FROM}{' WHERE ' if whose else ''}{whose} {order}"
    one = f"{_FROM} WHERE state = ?{' AND ' if whose else ''}{whose} {order}"
    # SQLite takes an order within a part of a union only where the part is a table of its own.
    parts = " UNION ALL ".join(f"SELECT {COLUMNS} FROM ({one}) AS part{number}" for number in range(states))  # noqa: S608
    return f"SELECT {COLUMNS} FROM ({parts}) AS parts {order}"  # noqa: S608


def ascii_text(text: str) -> str:
    """Text as every database can hold it: control characters, NUL and surrogates as JSON escapes."""
    return json.dumps(text)[1:-1]


def text_of(ascii_form: str) -> str:
    """The text that `ascii_text` was given."""
    found: str = json.loads(f'"{ascii_form}"')
    return found


@dataclass(frozen=True, slots=True)
class StoredRow:
    """One checked row: the record, its sealed request and its checksum."""

    record: Record
    envelope: bytes | None
    changed_at: float
    mac: str


@dataclass(frozen=True, slots=True)
class Rows:
    """Writes and checks rows under one key."""

    key: bytes
    body_key: bytes
    key_id: str

    @classmethod
    def under(cls, seal_key: bytes) -> Rows:
        """The row codec of the installation with this key."""
        return cls(seal.derive(seal_key, "row"), seal.derive(seal_key, "body"), seal.key_id(seal_key))

    def columns(self, record: Record, envelope: bytes | None, changed_at: float) -> tuple[Any, ...]:
        """The row for `record`, in the order of `COLUMNS`."""
        row = (
            record.id,
            ascii_text(record.principal),
            record.digest,
            record.state,
            record.version,
            float(record.created_at),
            float(changed_at),
            _body(record),
        )
        body = self.sealed(record)  # guard: 101-sealed
        return (*row[:7], body, envelope, self.key_id, self._mac(row, envelope))

    def sealed(self, record: Record) -> str:
        """The record as its row holds it; another text each time."""
        return self.sealed_body(record.id, record.digest, _body(record))

    def sealed_body(self, approval_id: str, digest: str, body: str) -> str:
        """A body as its row holds it. Of an earlier version it is sealed to the letter: it knows fewer fields, and the
        checksum is over it as it was written."""
        envelope = seal.seal(self.body_key, body.encode("ascii"), approval_id=approval_id, digest=digest)
        return base64.b64encode(envelope).decode("ascii")

    def check(self, row: tuple[Any, ...]) -> StoredRow:
        """The record in a row. Raises Tampered, seal.Unsealable (sealed under a lost key) or StoreUnavailable."""
        approval_id = str(row[0])
        envelope = None if row[8] is None else bytes(row[8])
        if row[9] != self.key_id:
            raise seal.Unsealable(
                approval_id,
                f"it was written under the key {row[9]}, which this installation no longer has. If it was being "
                "executed, look in Mailgun for its outcome first",
            )
        body = self._opened(approval_id, str(row[2]), str(row[7]))
        if not seal.same(str(row[10]), self._mac((*row[:7], body), envelope)):  # guard: 37-checksum
            raise Tampered(approval_id)
        return StoredRow(_record(approval_id, body), envelope, row[6], row[10])

    def _opened(self, approval_id: str, digest: str, body: str) -> str:
        if body.startswith("{"):
            return body  # by an earlier version; the checksum vouches for it
        try:
            envelope = base64.b64decode(body, validate=True)
            return seal.unseal(self.body_key, envelope, approval_id=approval_id, digest=digest).decode("ascii")
        except (binascii.Error, ValueError, seal.Unsealable) as error:
            # Its key is the one the row names: what does not open was changed.
            raise Tampered(approval_id) from error

    def _mac(self, row: tuple[Any, ...], envelope: bytes | None) -> str:
        sealed = None if envelope is None else hashlib.sha256(envelope).hexdigest()
        return seal.mac(self.key, json.dumps([self.key_id, sealed, *row]).encode("ascii"))


def _body(record: Record) -> str:
    content = {name: _plain(getattr(record, name)) for name in _NAMES}
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


def _record(approval_id: str, body: str) -> Record:
    content = json.loads(body)
    for several in ("budget_rules", "edited_by", "written_by", "yeses"):
        content[several] = tuple(content.get(several, ()))
    if not content.keys() <= set(_NAMES):
        raise StoreUnavailable(f"{approval_id} was written by a newer maton-mailgun; update this one to read it.")
    return Record(**content)

"""Where approvals live: what every store can do, how it fails, and how one is opened.

Times are Unix seconds. Every write is one transaction that also appends to the audit, and is durable when the method
returns. Several processes may use one store; whoever is slower gets `Conflict` with the record as it is now.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypedDict, TypeVar, Unpack

if TYPE_CHECKING:
    from maton_mailgun.approval.audit import Chain
    from maton_mailgun.approval.keys import Keys
    from maton_mailgun.approval.record import Channel, Record, State
    from maton_mailgun.approval.rows import Rows as RowCodec

T = TypeVar("T")

Statement = tuple[str, tuple[object, ...]]
Rows = list[tuple[Any, ...]]
Script = Generator[Statement, Rows, T]
"""One operation, written once for both databases: it yields statements and is sent their rows.
Placeholders are written `?`; `/*lock*/` marks where a database with row locks takes one."""


# StoreError
# ├── StoreUnavailable   the database cannot be used
# ├── Tampered           a row was changed behind our back: it is never acted on
# ├── Conflict           another process was faster, or time ran out: `.current` is what is there now
# ├── IllegalMove        the state machine has no such move; terminal states never change
# ├── TooManyPending     the principal must wait for answers first
# └── BudgetSpent        a policy rule's daily budget is used up


class StoreError(Exception):
    """The root of everything a store raises on purpose."""


class StoreUnavailable(StoreError):
    """The database cannot be used just now; the text says why and what would be right.

    Nothing of the operation was kept; except that PostgreSQL may have kept all of it when the connection was lost in
    the very moment of the commit. Read the record again before going on; a claim without a return value is no claim.
    """


class Tampered(StoreError):
    """A stored row does not carry our checksum, or is not the version the audit knows."""

    def __init__(self, approval_id: str, why: str = "its checksum does not fit") -> None:
        super().__init__(
            f"The stored record of {approval_id} was changed outside maton-mailgun ({why}). It is refused. "
            "Run `maton-mailgun audit verify` to see what else was touched."
        )
        self.approval_id = approval_id


class Conflict(StoreError):
    """The record is no longer the one this decision was about."""

    def __init__(self, current: Record) -> None:
        super().__init__(f"Approval {current.id} is {current.state} meanwhile; read it again before deciding.")
        self.current = current


class IllegalMove(StoreError):
    """The state machine has no such move."""

    def __init__(self, record: Record, to: State) -> None:
        super().__init__(f"Approval {record.id} is {record.state} and cannot become {to}.")
        self.record = record
        self.to = to


class TooManyPending(StoreError):
    """The principal has as many open questions as it may have."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"{limit} approvals are already waiting for an answer, which is the most allowed at once. "
            "Wait until they are decided, or withdraw some with cancel_approval."
        )
        self.limit = limit


class BudgetSpent(StoreError):
    """A policy rule's budget for the UTC day is used up."""

    def __init__(self, rule: str, per_day: int) -> None:
        super().__init__(f'The policy rule "{rule}" allows {per_day} a day (UTC), and they are used up.')
        self.rule = rule
        self.per_day = per_day


class Changes(TypedDict, total=False):
    """The fields of a record that may change after it was opened."""

    expires_at: float
    shown_at: float | None
    decided_at: float | None
    decided_by: str | None
    channel: Channel | None
    reason: str | None
    lease_until: float | None
    message_id: str | None
    attempted_at: float | None
    finished_at: float | None
    retry_at: float | None
    result: Mapping[str, Any] | None
    duplicate_of: str | None
    rule: str | None


class Store(Protocol):
    """Durable approvals. Every method may raise StoreUnavailable; every read of a row may raise Tampered."""

    chain: Chain
    rows: RowCodec
    """How this store checks entries and rows (see `audit.verify` and `audit.export`)."""

    async def insert(self, record: Record, envelope: bytes, *, max_pending: int) -> tuple[Record, bool]:
        """Store a pending record with its sealed request, or join the open one of the same principal and digest.

        Returns the stored record, and True when it is an earlier one. Raises TooManyPending.
        """
        ...

    async def get(self, approval_id: str) -> Record | None:
        """The record, or None where there is none."""
        ...

    async def envelope(self, approval_id: str) -> bytes:
        """The sealed request. Raises seal.Unsealable when it was wiped (terminal states) or never existed."""
        ...

    async def list(
        self, principal: str | None = None, states: Collection[State] | None = None, limit: int = 50
    ) -> Sequence[Record]:
        """Newest first; unreadable rows are left out and logged."""
        ...

    async def history(self, principal: str, digest: str, since: float) -> Sequence[Record]:
        """The same call by the same principal, as far as anything happened to it since then; newest first."""
        ...

    async def move(self, record: Record, to: State, *, actor: str, **changes: Unpack[Changes]) -> Record:
        """Compare-and-set to another state, with its audit entry; terminal states drop the sealed request.

        Raises Conflict (also when `record` has expired: `.current` is then `expired`) and IllegalMove.
        """
        ...

    async def amend(self, record: Record, *, actor: str, **changes: Unpack[Changes]) -> Record:
        """Compare-and-set of fields without a change of state (shown, lease, next look). Raises Conflict.

        In a terminal state only `result` may be amended: a secret in it is taken out when it was shown. Else
        IllegalMove.
        """
        ...

    async def claim(
        self,
        record: Record,
        *,
        actor: str,
        lease_seconds: float,
        budgets: Sequence[tuple[str, int]] = (),
        message_id: str | None = None,
        now: float | None = None,
    ) -> Record:
        """approved -> executing, for exactly one caller, with the daily budgets reserved in the same transaction.

        Raises Conflict, BudgetSpent, and Tampered when row and audit disagree.
        """
        ...

    async def spent(self, rules: Iterable[str], now: float | None = None) -> dict[str, int]:
        """How much of each rule's budget is used today (UTC)."""
        ...

    async def sweep(self, now: float | None = None) -> Sequence[Record]:
        """Close what time has closed: expired questions and approvals, writes whose process died. Returns them."""
        ...

    async def changed(self) -> int:
        """A number that grows with every write by any process."""
        ...

    async def read(self, script: Script[T]) -> T:
        """Run a reading script in one consistent snapshot."""
        ...

    async def close(self) -> None:
        """Let go of the database."""
        ...


async def open_store(
    url: str | None,
    home: Path,
    keys: Keys,
    *,
    clock: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
) -> Store:
    """Open the store: PostgreSQL for `postgresql://...`, else SQLite in the file `approvals.sqlite` under `home`.

    Raises StoreUnavailable with what would be right.
    """
    if url is None:
        from maton_mailgun.approval.sqlite import open_sqlite

        return await open_sqlite(home / "approvals.sqlite", keys, clock=clock, monotonic=monotonic)
    if url.startswith(("postgresql://", "postgres://")):
        from maton_mailgun.approval.postgres import open_postgres

        return await open_postgres(url, keys, clock=clock, monotonic=monotonic)
    raise StoreUnavailable(
        "The database URL is not one this server knows. Leave it out for SQLite in the state directory, or give "
        "postgresql://user:password@host/database."
    )

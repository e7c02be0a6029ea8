"""What every store of approvals can do.

Times are Unix seconds. Every write is one transaction that also appends to the audit, and is durable when the method
returns. Several processes may use one store; whoever is slower gets `Conflict` with the record as it is now.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar, Unpack

from maton_mailgun.approval.store.audit import Chain
from maton_mailgun.approval.store.outside_mark import Marks
from maton_mailgun.approval.store.record import Changes, Record, State
from maton_mailgun.approval.store.script import Script
from maton_mailgun.approval.store.table import Rows
from maton_mailgun.approval.store.upkeep import Gone, Listed, Reached, Removed, SomeRows

T = TypeVar("T")

ALL = 2**31 - 1
"""A limit for lists that must leave nothing out: whoever works off what waits may not look at the newest alone."""


@dataclass(frozen=True, slots=True)
class Stop:
    """All writes are stopped: by whom, and since when (Unix seconds)."""

    by: str
    at: float


class Store(Protocol):
    """Durable approvals. Every method may raise StoreUnavailable; every read of a row may raise Tampered."""

    chain: Chain
    rows: Rows
    """How this store checks entries and rows (see `audit.verify` and `audit.export`)."""
    clock: Callable[[], float]
    """Unix seconds, the same ones for every process that uses this store."""

    async def insert(self, record: Record, envelope: bytes, *, max_pending: int) -> tuple[Record, bool]:
        """Store a pending record with its sealed request, or join the open one of the same principal and digest.

        Returns the stored record, and True when it is an earlier one. Raises TooManyPending and AllStopped.
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

    async def history(self, principal: str, digests: Collection[str], since: float) -> Sequence[Record]:
        """The call that any of these digests names, by the same principal: as far as anything happened to it since
        then, and what of it is in doubt still, however old; newest first."""
        ...

    async def alike(self, digests: Collection[str], since: float) -> Sequence[Record]:
        """The call that any of these digests names, whoever proposed it since then; oldest first. Unreadable rows are
        left out and logged."""
        ...

    async def move(self, record: Record, to: State, *, actor: str, **changes: Unpack[Changes]) -> Record:
        """Compare-and-set to another state, with its audit entry; terminal states drop the sealed request.

        Raises Conflict (also when `record` has expired: `.current` is then `expired`) and IllegalMove.
        """
        ...

    async def supersede(self, old: Record, new: Record, envelope: bytes, *, actor: str) -> Record:
        """Put a new pending record in the place of one that waits: the old one becomes `superseded`, in the same
        transaction. Returns the new one as it is stored.

        Raises IllegalMove where the old one does not wait any more, Conflict where its time is over, and AlreadyWaits
        where the new one's digest is open already.
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
        token: str | None = None,
        now: float | None = None,
    ) -> Record:
        """approved -> executing, for exactly one caller, with the daily budgets reserved in the same transaction.

        The claim is kept in the mark outside the database too when this returns. `token` names this claim in the
        record, for a caller whose connection breaks.

        Raises Conflict, BudgetSpent, Tampered when row and audit disagree, and PutBack when the database lacks what
        the mark says was in it.
        """
        ...

    async def remember(self) -> None:
        """Keep, outside the database, how far the audit went as this process saw it last."""
        ...

    async def remembered(self) -> Marks:
        """What is kept outside the database about how far audits went. Raises Tampered."""
        ...

    async def spent(self, rules: Iterable[str], now: float | None = None) -> dict[str, int]:
        """How much of each rule's budget is used today (UTC)."""
        ...

    async def sweep(self, now: float | None = None) -> Sequence[Record]:
        """Close what time has closed: expired questions and approvals, writes whose process died. Returns them."""
        ...

    async def stop(self, *, actor: str, reason: str | None = None) -> Sequence[Record]:
        """Reject all that waits for a person, give up what is approved and not begun, and refuse everything new, for
        every process, until `go_on`. A yes from before the stop stays without effect. Returns what was closed."""
        ...

    async def go_on(self, *, actor: str) -> bool:
        """Lift a stop. Returns whether there was one."""
        ...

    async def stopped(self) -> Stop | None:
        """The stop in force, if there is one."""
        ...

    async def people(self) -> Listed:
        """Who may decide by name. Raises Tampered where nobody can vouch for it."""
        ...

    async def set_people(self, known: Mapping[str, str], *, after: int, actor: str, what: Mapping[str, str]) -> Listed:
        """Say who may decide by name from now on, with an audit entry of what was changed.

        Args:
            known: Names, each with the digest of what they sign in with.
            after: The entry that this goes on from. Raises StoreUnavailable where there is a newer one.
        """
        ...

    async def by_state(self) -> dict[str, int]:
        """How many records are kept in each state; states without any are left out."""
        ...

    async def changed(self) -> int:
        """A number that grows with every write by any process."""
        ...

    async def remove_finished(self, before: float, place: Reached) -> Removed:
        """Remove the next few records that were finished, and not changed, before then, from this place on. Their audit
        entries stay, and one says that they were removed. Open ones, and those of unknown outcome, are never touched.
        """
        ...

    async def gone(self, approval_id: str) -> Gone | None:
        """What the audit still knows of a record that was removed; None where none of this id was."""
        ...

    async def empty(self, record: Record, *, actor: str) -> Record:
        """Take all words out of a finished record; its id, digest, state and times stay. Raises Conflict, IllegalMove
        where it is not finished."""
        ...

    async def every(self, after: str) -> SomeRows:
        """A few records of everybody by id, those after `after`, with their sealed requests."""
        ...

    async def wipe(self) -> str:
        """Let no byte of what was deleted or replaced stay in the database's files, as far as it can be had.

        Returns what stays nevertheless, in words; empty where nothing does.
        """
        ...

    async def read(self, script: Script[T]) -> T:
        """Run a reading script in one consistent snapshot."""
        ...

    async def close(self) -> None:
        """Let go of the database."""
        ...

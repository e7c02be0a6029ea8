"""The store methods, over whatever plays the scripts."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Self, TypeVar, Unpack

from maton_mailgun.approval.binding.keys import Keys
from maton_mailgun.approval.store.audit import Chain
from maton_mailgun.approval.store.contract import Stop
from maton_mailgun.approval.store.deadlines import Deadlines
from maton_mailgun.approval.store.failures import StoreError
from maton_mailgun.approval.store.outside_mark import Mark, Marks, OutsideMark
from maton_mailgun.approval.store.record import Changes, Record, State
from maton_mailgun.approval.store.script import Script
from maton_mailgun.approval.store.scripts import permitted
from maton_mailgun.approval.store.sealing import seal_some
from maton_mailgun.approval.store.table import Rows
from maton_mailgun.approval.store.upkeep import Gone, Listed, Reached, Removed, SomeRows, Upkeep

T = TypeVar("T")
_log = logging.getLogger(__name__)


class DurableStore(ABC):
    """A `contract.Store`; the databases add how a script is read and how it is written."""

    def __init__(self, keys: Keys, home: Path, *, clock: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self.chain = Chain.under(keys.seal)
        self.rows = Rows.under(keys.seal)
        self.clock = clock
        self.outside = OutsideMark.beside(home, keys.seal)
        self._scripts = Upkeep(chain=self.chain, rows=self.rows, deadlines=Deadlines(monotonic), clock=clock)

    @abstractmethod
    async def start(self) -> None:
        """Open the database and make the tables."""

    @abstractmethod
    async def read(self, script: Script[T]) -> T:
        """Play a reading script in one snapshot."""

    @abstractmethod
    async def write(self, script: Script[T]) -> T:
        """Play a writing script in one transaction, durable at return; it runs to its end even if nobody waits."""

    @abstractmethod
    async def wipe(self) -> str:
        """See `contract.Store`."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of the database."""

    async def started(self) -> Self:
        """This store, ready; where it cannot start, nothing of it stays open."""
        try:
            await self.start()
        except BaseException:
            await self.close()
            raise
        return self

    async def seal_all(self) -> None:
        """Seal every record that an earlier version left in clear."""
        after: str | None = ""
        while after is not None:
            after = await self.write(seal_some(self.rows, after))

    async def insert(self, record: Record, envelope: bytes, *, max_pending: int) -> tuple[Record, bool]:
        """See `contract.Store`."""
        if record.state != "pending":
            raise ValueError(f"A new record is pending, not {record.state}.")
        return _kept(await self.write(self._scripts.insert(record, envelope, max_pending)))

    async def get(self, approval_id: str) -> Record | None:
        """See `contract.Store`."""
        return await self.read(self._scripts.get(approval_id))

    async def envelope(self, approval_id: str) -> bytes:
        """See `contract.Store`."""
        return await self.read(self._scripts.envelope(approval_id))

    async def list(
        self, principal: str | None = None, states: Collection[State] | None = None, limit: int = 50
    ) -> Sequence[Record]:
        """See `contract.Store`."""
        return await self.read(self._scripts.listing(principal, states, limit))

    async def by_state(self) -> dict[str, int]:
        """See `contract.Store`."""
        return await self.read(self._scripts.by_state())

    async def history(self, principal: str, digests: Collection[str], since: float) -> Sequence[Record]:
        """See `contract.Store`."""
        return await self.read(self._scripts.history(principal, digests, since))

    async def alike(self, digests: Collection[str], since: float) -> Sequence[Record]:
        """See `contract.Store`."""
        return await self.read(self._scripts.alike(digests, since))

    async def move(self, record: Record, to: State, *, actor: str, **changes: Unpack[Changes]) -> Record:
        """See `contract.Store`."""
        moved = _kept(await self.write(self._scripts.move(record, to, actor, permitted(changes))))
        if record.state == "executing":
            try:
                await self.remember()
            except StoreError as problem:
                # It only makes the end that `audit verify` can vouch for an earlier one.
                _log.warning("the mark of the audit was not kept", extra={"why": str(problem)})
        return moved

    async def supersede(self, old: Record, new: Record, envelope: bytes, *, actor: str) -> Record:
        """See `contract.Store`."""
        fits = (new.state, new.replaces, new.principal) == ("pending", old.id, old.principal)
        if not fits or new.connection_id != old.connection_id or new.operation != old.operation:
            raise ValueError("What takes the place of a proposal is pending, of the same tool, account and principal.")
        return _kept(await self.write(self._scripts.supersede(old, new, envelope, actor)))

    async def amend(self, record: Record, *, actor: str, **changes: Unpack[Changes]) -> Record:
        """See `contract.Store`."""
        return _kept(await self.write(self._scripts.amend(record, actor, permitted(changes))))

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
        """See `contract.Store`."""
        marks = await asyncio.to_thread(self.outside.read)
        at = self._now(now)
        script = self._scripts.claim(record, actor, lease_seconds, budgets, message_id, token, at, marks)
        claimed = _kept(await self.write(script))
        await self.remember()  # guard: 65-remembered
        return claimed

    async def remember(self) -> None:
        """See `contract.Store`."""
        seen = self._scripts.mark
        if seen.origin:
            await asyncio.to_thread(self.outside.write, seen.origin, Mark(seen.seq, seen.hash))

    async def remembered(self) -> Marks:
        """See `contract.Store`."""
        return await asyncio.to_thread(self.outside.read)

    async def spent(self, rules: Iterable[str], now: float | None = None) -> dict[str, int]:
        """See `contract.Store`."""
        return await self.read(self._scripts.spent(rules, self._now(now)))

    async def sweep(self, now: float | None = None) -> Sequence[Record]:
        """See `contract.Store`."""
        at = self._now(now)
        closed = []
        for approval_id in await self.read(self._scripts.lapsed(at)):
            record = await self.write(self._scripts.lapse(approval_id, at))
            if record is not None:
                closed.append(record)
        return closed

    async def stop(self, *, actor: str, reason: str | None = None) -> Sequence[Record]:
        """See `contract.Store`."""
        closed = await self.write(self._scripts.stop(actor, reason))
        await self.remember()
        return closed

    async def go_on(self, *, actor: str) -> bool:
        """See `contract.Store`."""
        return await self.write(self._scripts.go_on(actor))

    async def stopped(self) -> Stop | None:
        """See `contract.Store`."""
        entry = await self.read(self._scripts.stopped())
        return Stop(entry.actor, entry.at) if entry is not None else None

    async def people(self) -> Listed:
        """See `contract.Store`."""
        return await self.read(self._scripts.people())

    async def set_people(self, known: Mapping[str, str], *, after: int, actor: str, what: Mapping[str, str]) -> Listed:
        """See `contract.Store`."""
        listed = _kept(await self.write(self._scripts.set_people(known, after, actor, what)))
        await self.remember()
        return listed

    async def changed(self) -> int:
        """See `contract.Store`."""
        return await self.read(self._scripts.changed())

    async def remove_finished(self, before: float, place: Reached) -> Removed:
        """See `contract.Store`."""
        return await self.write(self._scripts.remove_finished(before, place))

    async def gone(self, approval_id: str) -> Gone | None:
        """See `contract.Store`."""
        return await self.read(self._scripts.gone(approval_id))

    async def empty(self, record: Record, *, actor: str) -> Record:
        """See `contract.Store`."""
        return _kept(await self.write(self._scripts.empty(record, actor)))

    async def every(self, after: str) -> SomeRows:
        """See `contract.Store`."""
        return await self.read(self._scripts.every(after))

    def _now(self, now: float | None) -> float:
        return self.clock() if now is None else now


def _kept(outcome: T | StoreError) -> T:
    """Raise the error of a script whose writes were committed."""
    if isinstance(outcome, StoreError):
        raise outcome
    return outcome

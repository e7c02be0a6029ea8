"""The undo window: a yes that is held for a while before anything leaves, and can be taken back meanwhile.

Whoever took the yes alone lets it go on, when the window is over by a clock that nobody sets; no other process takes a
held one up. Should that process end before, time closes the record, and nothing was sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from maton_mailgun.approval.lifecycle.decide import APPROVED_SECONDS, NotDecidable
from maton_mailgun.approval.store.contract import Store
from maton_mailgun.approval.store.deadlines import HELD_DIED
from maton_mailgun.approval.store.failures import Conflict, IllegalMove, StoreError, StoreUnavailable
from maton_mailgun.approval.store.record import Channel, Record

TAKEN_BACK = "Taken back while it could be undone."
LOOK_SECONDS = 0.25
"""How often a window is looked at; a wait of one piece would not notice that a machine slept."""
_TURNS = 5

log = logging.getLogger(__name__)


class Clocks(Protocol):
    """The clocks of a process."""

    @property
    def clock(self) -> Callable[[], float]:
        """Unix seconds, as the store counts them."""

    @property
    def monotonic(self) -> Callable[[], float]:
        """Seconds that never run backwards."""


async def undo(store: Store, record: Record, *, by: str, channel: Channel, now: float) -> Record:
    """Take a held yes back: it ends as rejected, and nothing is sent.

    Args:
        by: Who takes it back, in words for the audit.
        now: Unix seconds.

    Raises:
        NotDecidable: The window is over, or there never was one.
    """
    for _ in range(_TURNS):
        if record.state != "held":
            raise NotDecidable(record, f"It cannot be undone: it is {record.state}.")
        try:
            return await store.move(
                record, "rejected", actor=by, decided_at=now, decided_by=by, channel=channel, reason=TAKEN_BACK,
                finished_at=now,
            )  # fmt: skip
        except Conflict as lost:
            record = lost.current
        except IllegalMove as lost:
            record = lost.record
    raise NotDecidable(record, "It changed again and again at this moment. Try again.")


async def wait_out(store: Store, record: Record, ends: float, clocks: Clocks) -> Record | None:
    """Wait until the window of a held yes is over, and let it go on. None where it does not: it was taken back, or
    its time ran out while nothing could be recorded.

    Args:
        record: As it was when this very process had recorded the yes.
        ends: The end of the window by the clock that nobody sets.

    Raises:
        StoreError: The store refuses the record.
    """
    while True:
        left = ends - clocks.monotonic()  # guard: 303-window
        if left <= 0:
            break
        await asyncio.sleep(min(left, LOOK_SECONDS))
    while True:
        try:
            return await store.move(
                record, "approved", actor="gate", held_until=None, expires_at=clocks.clock() + APPROVED_SECONDS
            )
        except (Conflict, IllegalMove):
            return None
        except StoreUnavailable as problem:
            log.warning("a held approval could not go on", extra={"approval": record.id, "why": str(problem)})
            if clocks.clock() >= record.expires_at:
                return None
            await asyncio.sleep(LOOK_SECONDS)


async def give_up(store: Store, record: Record, now: float) -> None:
    """End a held yes whose window nobody will wait out: nothing was sent. Where it cannot be recorded, time does it."""
    with suppress(StoreError):
        await store.move(record, "expired", actor="gate", reason=HELD_DIED, finished_at=now)


class Holding:
    """The yeses that one process holds."""

    def __init__(
        self,
        store: Store,
        clocks: Clocks,
        carry_out: Callable[[Record], object],
        announce: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._clocks = clocks
        self._carry_out = carry_out
        self._announce = announce
        self._held: dict[asyncio.Task[None], Record] = {}

    def after(self, record: Record) -> None:
        """Tell of what was decided here just now, and carry out a yes; one that is held, after its window."""
        self._announce()
        if record.state == "approved":
            self._carry_out(record)
        elif record.state == "held":
            task = asyncio.create_task(
                self._hold(record, self._clocks.monotonic() + record.hold), name=f"hold-{record.id}"
            )
            self._held[task] = record
            task.add_done_callback(lambda ended: self._held.pop(ended, None))

    async def undo(self, record: Record, by: str, channel: Channel) -> Record:
        """See `undo`."""
        record = await undo(self._store, record, by=by, channel=channel, now=self._clocks.clock())
        self._announce()
        return record

    async def _hold(self, record: Record, ends: float) -> None:
        try:
            released = await wait_out(self._store, record, ends, self._clocks)
        except StoreError as problem:
            log.warning("a held approval cannot go on", extra={"approval": record.id, "why": str(problem)})
            return
        if released is not None:
            self._carry_out(released)

    async def close(self) -> None:
        """This process ends: what it holds is not sent, and says so."""
        held = dict(self._held)
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)
        for record in held.values():
            await give_up(self._store, record, self._clocks.clock())

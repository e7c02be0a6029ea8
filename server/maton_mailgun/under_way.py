"""Calls that are being answered: a server that stops has each of them answered, be it with what is known so far."""

from __future__ import annotations

import asyncio
import math
from types import TracebackType


class Limited:
    """One limit of time, which counts among the others while it is entered. A class, as every call enters one: a
    generator for it takes four times as long (measured)."""

    __slots__ = ("_among", "_idle", "_limit")

    def __init__(self, among: set[asyncio.Timeout], idle: asyncio.Event, ends: float | None) -> None:
        self._among = among
        self._idle = idle
        self._limit = asyncio.timeout_at(ends)

    async def __aenter__(self) -> asyncio.Timeout:
        self._among.add(self._limit)
        self._idle.clear()
        return await self._limit.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        self._among.discard(self._limit)
        if not self._among:
            self._idle.set()
        return await self._limit.__aexit__(kind, raised, trace)  # type: ignore[func-returns-value]


class UnderWay:
    """Limits of time that can all be brought forward."""

    def __init__(self) -> None:
        self._limits: set[asyncio.Timeout] = set()
        self._latest = math.inf
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def anything(self) -> bool:
        """Whether a call is being answered."""
        return bool(self._limits)

    async def nothing(self) -> None:
        """Wait until no call is being answered."""
        await self._idle.wait()

    @property
    def hurried(self) -> bool:
        """Whether `hurry` was called."""
        return math.isfinite(self._latest)

    def limited(self, until: float = math.inf) -> Limited:
        """Raises TimeoutError at `until`, a moment of the loop's clock, or when everybody was told to hurry."""
        ends = min(until, self._latest)
        return Limited(self._limits, self._idle, ends if math.isfinite(ends) else None)

    def hurry(self, seconds: float) -> None:
        """What is under way, and what begins yet, ends in so many seconds at the latest."""
        self._latest = min(self._latest, asyncio.get_running_loop().time() + seconds)
        for limit in self._limits:
            when = limit.when()
            if when is None or when > self._latest:
                limit.reschedule(self._latest)

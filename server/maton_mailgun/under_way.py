"""Calls that are being answered: a server that stops has each of them answered, be it with what is known so far."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


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

    @asynccontextmanager
    async def limited(self, until: float = math.inf) -> AsyncIterator[None]:
        """Raises TimeoutError at `until`, a moment of the loop's clock, or when everybody was told to hurry."""
        ends = min(until, self._latest)
        async with asyncio.timeout_at(ends if math.isfinite(ends) else None) as limit:
            self._limits.add(limit)
            self._idle.clear()
            try:
                yield
            finally:
                self._limits.discard(limit)
                if not self._limits:
                    self._idle.set()

    def hurry(self, seconds: float) -> None:
        """What is under way, and what begins yet, ends in so many seconds at the latest."""
        self._latest = min(self._latest, asyncio.get_running_loop().time() + seconds)
        for limit in self._limits:
            when = limit.when()
            if when is None or when > self._latest:
                limit.reschedule(self._latest)

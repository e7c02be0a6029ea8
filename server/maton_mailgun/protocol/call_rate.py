"""How often one person may call: by whom the token names, not by the address, behind which a whole office may be."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

BURST_SECONDS = 10.0
"""Of the rate, how much may come at once: agents read several things at a time."""
LEAST_BURST = 10.0
MOST_PEOPLE = 10_000
"""Who are remembered; beyond them, whoever was quiet longest is forgotten, and had their rest."""


class CallRate:
    """Buckets of one process.

    Args:
        per_minute: Calls each may make a minute.
        clock: Seconds that never run backwards.
    """

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_minute / 60.0
        self._most = max(LEAST_BURST, self._per_second * BURST_SECONDS)
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, principal: str) -> float:
        """Seconds until this principal may call again; 0 where it may now, which counts as a call."""
        now = self._clock()
        left, at = self._left.pop(principal, (self._most, now))
        left = min(self._most, left + (now - at) * self._per_second)
        allowed = left >= 1.0  # guard: 340-rate
        self._left[principal] = (left - 1.0 if allowed else left, now)
        while len(self._left) > MOST_PEOPLE:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1.0 - left) / self._per_second

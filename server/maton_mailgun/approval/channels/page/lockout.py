"""Failures counted by who made them: too many, and that one has to wait, longer each time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_LONGEST = 15 * 60.0
_MOST_KNOWN = 2_000
"""Callers remembered at once; the one not seen for longest is forgotten first, so memory stays bounded."""


@dataclass(slots=True)
class _Count:
    failures: int = 0
    since: float = 0.0
    lockouts: int = 0
    locked_until: float = 0.0


class Lockout:
    """Allows `failures` within `window` seconds, then locks for `seconds`, twice as long each time up to 15 minutes.

    Args:
        clock: Seconds that never run backwards, so that setting the wall clock cannot end a lockout.
    """

    def __init__(
        self, clock: Callable[[], float], *, failures: int, window: float = 60.0, seconds: float = 30.0
    ) -> None:
        self._clock = clock
        self._failures = failures
        self._window = window
        self._seconds = seconds
        self._counts: OrderedDict[str, _Count] = OrderedDict()

    def seconds_left(self, who: str) -> float:
        """How long `who` still has to wait; 0 when not locked out."""
        count = self._counts.get(who)
        return max(0.0, count.locked_until - self._clock()) if count else 0.0

    def failed(self, who: str) -> None:
        """Count one failure."""
        now = self._clock()
        count = self._counts.setdefault(who, _Count(since=now))
        self._counts.move_to_end(who)
        if now - count.since > self._window:
            count.failures, count.since = 0, now
        count.failures += 1
        if count.failures >= self._failures:
            count.locked_until = now + min(_LONGEST, self._seconds * 2**count.lockouts)
            count.lockouts = min(count.lockouts + 1, 16)
            count.failures = 0
        while len(self._counts) > _MOST_KNOWN:
            self._counts.popitem(last=False)

    def forgive(self, who: str) -> None:
        """Forget the failures of `who`, who has just succeeded."""
        self._counts.pop(who, None)

"""When time closes an open record.

Expiry is judged by the wall clock, which may be wrong, and it never revives anything:
* a clock set forward expires early, and what expired stays so when the clock is set right;
* a clock set back cannot lengthen a question: within a process a monotonic deadline counts as well, and a record from
  the future (by more than a minute, which replicas may differ) is expired, not young;
* a write in flight is judged by time that passed, not by what the clock was set to: its lease is taken over into
  monotonic time when this process wrote it or first sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from maton_mailgun.approval.store.record import OPEN, Changes, Record, State

CLOCK_TOLERANCE = 60.0
"""Seconds by which a record may lie in the future."""

DIED = (
    "The process that carried this out did not say in time how it ended. The request may have been sent. "
    "Look in Mailgun before proposing it again; nothing is sent again by itself."
)

HELD_DIED = (
    "The process that took the yes ended while it could still be undone, so nothing was sent. Propose it again if it "
    "is still wanted."
)


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Judges expiry; remembers for each open record that this process wrote when it ends in monotonic time."""

    monotonic: Callable[[], float]
    _ends: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Approval id -> the end by the wall clock, and the same moment in monotonic time."""

    def watch(self, record: Record, now: float) -> None:
        """Note the monotonic deadline of a record as it was just written, or forget a closed one."""
        end = _end(record)
        if record.state not in OPEN or end is None:
            self._ends.pop(record.id, None)
        elif self._ends.get(record.id, (None, 0.0))[0] != end:
            # An unchanged end keeps its first deadline: a later write under a clock set back must not move it.
            self._ends[record.id] = (end, self.monotonic() + (end - now))

    def lapsed(self, record: Record, now: float) -> bool:
        """Whether an open record's time is over."""
        end = _end(record)
        if record.state not in OPEN or end is None:
            return False
        if record.state == "executing":
            return self._in_flight_too_long(record, end, now)
        past_wall = now >= end or now < _begin(record) - CLOCK_TOLERANCE
        known_end, deadline = self._ends.get(record.id, (None, 0.0))
        return past_wall or (known_end == end and self.monotonic() >= deadline)  # guard: 34-clock

    def _in_flight_too_long(self, record: Record, end: float, now: float) -> bool:
        known_end, deadline = self._ends.get(record.id, (None, 0.0))
        if known_end != end:
            left = min(max(end - now, 0.0), end - _begin(record))
            deadline = self.monotonic() + left
            self._ends[record.id] = (end, deadline)
        return self.monotonic() >= deadline  # guard: 62-lease

    def forget_all_but(self, ids: Collection[str]) -> None:
        """Nothing else is open: drop what was noted about it."""
        for gone in self._ends.keys() - set(ids):
            del self._ends[gone]

    def closing(self, record: Record, now: float) -> tuple[State, Changes]:
        """What a lapsed record becomes: unanswered or unused is expired, in flight is unknown."""
        if record.state == "held":
            return "expired", {"finished_at": now, "reason": HELD_DIED}
        if record.state != "executing":
            return "expired", {"finished_at": now}
        result = {"status": "unknown", "executed": None, "message": DIED}
        return "unknown", {"lease_until": None, "result": result}  # guard: 33-unknown


def _end(record: Record) -> float | None:
    return record.lease_until if record.state == "executing" else record.expires_at


def _begin(record: Record) -> float:
    times = {"held": record.decided_at, "approved": record.decided_at, "executing": record.attempted_at}
    return times.get(record.state) or record.created_at

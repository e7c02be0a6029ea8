"""A domain's events in order of time, and the hourly counts that statistics are made of."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from maton_mailgun.sandbox.wire import Record

Position = tuple[float, int]
"""Timestamp and running number: unique, and the order of the log."""

HOUR = 3600


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one recipient of one message. `extra` holds what only this kind of event carries."""

    timestamp: float
    number: int
    kind: str
    recipient: str
    message_key: str
    extra: Record

    @property
    def position(self) -> Position:
        return (self.timestamp, self.number)


@dataclass
class EventLog:
    """Events sorted by position; late ones find their place. Counts are kept per hour while events are added."""

    events: list[Event] = field(default_factory=list)
    hours: dict[int, Counter[str]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    _positions: list[Position] = field(default_factory=list, repr=False)

    def add(self, event: Event) -> None:
        if not self._positions or event.position > self._positions[-1]:
            self._positions.append(event.position)
            self.events.append(event)
        else:
            at = bisect_left(self._positions, event.position)
            insort(self._positions, event.position)
            self.events.insert(at, event)
        self._count(event)

    def _count(self, event: Event) -> None:
        hour = self.hours.setdefault(int(event.timestamp // HOUR), Counter())
        hour[event.kind] += 1
        if event.kind == "failed":
            hour["failed." + event.extra["severity"]] += 1
            hour["failed." + event.extra["severity"] + "." + event.extra["reason"]] += 1
        if event.kind in ("opened", "clicked"):
            fingerprint = f"{event.kind} {event.message_key} {event.recipient}"
            if fingerprint not in self.seen:
                self.seen.add(fingerprint)
                hour[event.kind + ".unique"] += 1

    def upward(self, behind: Position | None, begin: float | None, end: float | None) -> Iterator[Event]:
        """Oldest first, strictly behind a position, within [begin, end]."""
        at = 0 if behind is None else bisect_right(self._positions, behind)
        if begin is not None:
            at = max(at, bisect_left(self._positions, (begin, -1)))
        while at < len(self.events) and (end is None or self.events[at].timestamp <= end):
            yield self.events[at]
            at += 1

    def downward(self, behind: Position | None, begin: float | None, end: float | None) -> Iterator[Event]:
        """Newest first, strictly before a position, within [begin, end]."""
        at = len(self.events) if behind is None else bisect_left(self._positions, behind)
        if end is not None:
            at = min(at, bisect_left(self._positions, (end, 1 << 62)))
        while at > 0 and (begin is None or self.events[at - 1].timestamp >= begin):
            at -= 1
            yield self.events[at]

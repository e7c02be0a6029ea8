"""A domain's events in order of time, and the hourly counts that statistics are made of."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from maton_mailgun.sandbox.web.calls import Record

Position = tuple[float, int]
"""Timestamp and running number: unique, and the order of the log."""

HOUR = 3600
_BEFORE_ALL, _AFTER_ALL = -1, 1 << 62


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


class Series:
    """Events sorted by position. A late one finds its place; a page costs what it holds."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._positions: list[Position] = []

    def add(self, event: Event) -> None:
        at = len(self.events)
        if at and event.position < self._positions[-1]:
            at = bisect_left(self._positions, event.position)
        self._positions.insert(at, event.position)
        self.events.insert(at, event)

    def upward(self, behind: Position | None, begin: float | None, end: float | None) -> Iterator[Event]:
        """Oldest first, strictly behind a position, within [begin, end]."""
        at = 0 if behind is None else bisect_right(self._positions, behind)
        if begin is not None:
            at = max(at, bisect_left(self._positions, (begin, _BEFORE_ALL)))
        while at < len(self.events) and (end is None or self.events[at].timestamp <= end):
            yield self.events[at]
            at += 1

    def downward(self, behind: Position | None, begin: float | None, end: float | None) -> Iterator[Event]:
        """Newest first, strictly before a position, within [begin, end]."""
        at = len(self.events) if behind is None else bisect_left(self._positions, behind)
        if end is not None:
            at = min(at, bisect_left(self._positions, (end, _AFTER_ALL)))
        while at > 0 and (begin is None or self.events[at - 1].timestamp >= begin):
            at -= 1
            yield self.events[at]


@dataclass
class EventLog:
    """All events of a domain, the same by kind, recipient and message, and their counts per hour."""

    everything: Series = field(default_factory=Series)
    kinds: dict[str, Series] = field(default_factory=dict)
    recipients: dict[str, Series] = field(default_factory=dict)
    messages: dict[str, Series] = field(default_factory=dict)
    hours: dict[int, Counter[str]] = field(default_factory=dict)
    _seen: set[tuple[str, str, str]] = field(default_factory=set)

    def add(self, event: Event) -> None:
        self.everything.add(event)
        self.kinds.setdefault(event.kind, Series()).add(event)
        self.recipients.setdefault(event.recipient.lower(), Series()).add(event)
        self.messages.setdefault(event.message_key, Series()).add(event)
        hour = self.hours.setdefault(int(event.timestamp // HOUR), Counter())
        hour[event.kind] += 1
        if event.kind == "failed":
            hour["failed." + event.extra["severity"]] += 1
            hour["failed." + event.extra["severity"] + "." + event.extra["reason"]] += 1
        first = (event.kind, event.message_key, event.recipient)
        if event.kind in ("opened", "clicked") and first not in self._seen:
            self._seen.add(first)
            hour[event.kind + ".unique"] += 1

    def narrowest(self, kind: str | None, recipient: str | None, message_key: str | None = None) -> Series:
        """The shortest series that holds every event of this message, recipient or kind; None does not narrow."""
        if message_key is not None:
            return self.messages.get(message_key, Series())
        if recipient is not None:
            return self.recipients.get(recipient.lower(), Series())
        if kind is not None:
            return self.kinds.get(kind.lower(), Series())
        return self.everything

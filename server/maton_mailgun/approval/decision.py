"""A person's answer, and why it may not count."""

from __future__ import annotations

from dataclasses import dataclass

from .record import Channel, Level, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Yes or no, by whom and through which channel."""

    approve: bool
    level: Level
    channel: Channel
    decider: str
    reason: str | None = None


class NotDecidable(Exception):
    """The record cannot be decided like this (any more); `record` is as it is now."""

    def __init__(self, record: Record, why: str) -> None:
        super().__init__(why)
        self.record = record
        self.why = why

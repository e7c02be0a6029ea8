"""Records for the tests: one with plain values, of which a test changes what it is about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from maton_mailgun.approval.store.record import Record, new_approval_id

NOON = 1_800_000_000.0
"""A fixed moment: 2027-01-15 08:00:00 UTC."""


def a_record(**changes: Any) -> Record:
    """A pending record that a minute-old question would have."""
    record = Record(
        id=new_approval_id(),
        digest="sha256:" + "0" * 64,
        operation="create_route",
        access="create",
        principal="local",
        client="a client",
        connection_id="conn-1",
        preview={
            "whole": True,
            "title": "Create a route",
            "sections": [{"heading": "Route", "rows": []}],
            "warnings": [],
        },
        snapshot=None,
        risk="low",
        rule=None,
        level="client",
        state="pending",
        version=1,
        created_at=NOON,
        expires_at=NOON + 900,
    )
    return replace(record, **changes)


class Clock:
    """Wall and monotonic time that only a test moves; `wall` may also be set, as an operator sets a clock."""

    def __init__(self) -> None:
        self.wall = NOON
        self.steady = 1000.0

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.steady

    def pass_by(self, seconds: float) -> None:
        """Let real time pass: both go on."""
        self.wall += seconds
        self.steady += seconds

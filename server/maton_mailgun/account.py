"""Which Mailgun account something is about."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """The Mailgun account behind a connection, as a person may know it."""

    connection_id: str
    label: str
    sandbox: bool = False

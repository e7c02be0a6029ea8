"""Maton's connections: who is connected to which app, and which connection serves a call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from maton_mailgun.sandbox.web.calls import Record

STATES = ("ACTIVE", "PENDING", "FAILED")
METHODS = ("API_KEY", "BASIC", "JWT", "OAUTH1", "OAUTH2", "MCP")
APPS = frozenset(
    {"mailgun", "airtable", "dropbox", "github", "gmail", "google-drive", "hubspot", "notion", "slack", "wrike"}
)
"""App names the sandbox knows. Only Mailgun answers behind them."""


@dataclass
class Connection:
    """One connection. `mailgun_key` is the credential it holds for Mailgun; it never appears in an answer."""

    connection_id: str
    status: str
    creation_time: str
    last_updated_time: str
    url: str
    app: str = "mailgun"
    method: str | None = "API_KEY"
    metadata: Record = field(default_factory=dict)
    mailgun_key: str = "key-sandbox"

    def shown(self) -> Record:
        """As Maton lists it; the session token in `url` is part of it."""
        record: Record = {
            "connection_id": self.connection_id,
            "status": self.status,
            "creation_time": self.creation_time,
            "last_updated_time": self.last_updated_time,
            "url": self.url,
            "app": self.app,
            "metadata": self.metadata,
        }
        return record if self.method is None else {**record, "method": self.method}


def connect_url(token: str) -> str:
    return f"https://connect.maton.ai/?session_token={token}"


def default_connection(connections: Iterable[Connection], app: str, which: str) -> Connection | None:
    """The ACTIVE connection that serves a call naming none: the oldest or the newest."""
    active = sorted(
        (connection for connection in connections if connection.app == app and connection.status == "ACTIVE"),
        key=lambda connection: connection.creation_time,
    )
    if not active:
        return None
    return active[-1] if which == "newest" else active[0]

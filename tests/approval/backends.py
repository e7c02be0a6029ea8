"""Both databases behind one face: opened as the server opens them, and edited as an intruder would."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from maton_mailgun.approval.binding.keys import Keys, load_keys
from maton_mailgun.approval.store.contract import Store
from maton_mailgun.approval.store.opening import open_store

from .records import Clock


@dataclass
class Backend:
    """A database (`url`, or SQLite in `home`) with the key file in `home`."""

    url: str | None
    home: Path
    clock: Clock = field(default_factory=Clock)

    @property
    def keys(self) -> Keys:
        return load_keys(self.home)

    async def open(self, clock: Clock | None = None) -> Store:
        """Another process's view of the same store."""
        time = clock or self.clock
        return await open_store(self.url, self.home, self.keys, clock=time.now, monotonic=time.monotonic)

    def intrude(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run SQL past the store. Placeholders are `?`."""
        if self.url is None:
            database = sqlite3.connect(self.home / "approvals.sqlite", isolation_level=None)
            try:
                return database.execute(statement, values).fetchall()
            finally:
                database.close()
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.replace("?", "%s").encode(), values)
            return cursor.fetchall() if cursor.description else []

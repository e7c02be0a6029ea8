"""Opens the store that the settings name, without loading the database that they do not."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from maton_mailgun.approval.binding.keys import Keys
from maton_mailgun.approval.store.contract import Store
from maton_mailgun.approval.store.failures import StoreUnavailable
from maton_mailgun.config import DATABASE


async def open_store(
    url: str | None,
    home: Path,
    keys: Keys,
    *,
    clock: Callable[[], float] | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Store:
    """Open the store: PostgreSQL for `postgresql://...`, else SQLite in the file `approvals.sqlite` under `home`.

    The clock is this machine's for SQLite and the database's for PostgreSQL, unless one is given.

    Raises StoreUnavailable with what would be right.
    """
    if url is None:
        from maton_mailgun.approval.store.sqlite import open_sqlite

        return await open_sqlite(home / DATABASE, keys, clock=clock or time.time, monotonic=monotonic)
    if url.startswith(("postgresql://", "postgres://")):
        from maton_mailgun.approval.store.postgres import open_postgres

        return await open_postgres(url, keys, home, clock=clock, monotonic=monotonic)
    raise StoreUnavailable(
        "The database URL is not one this server knows. Leave it out for SQLite in the state directory, or give "
        "postgresql://user:password@host/database."
    )

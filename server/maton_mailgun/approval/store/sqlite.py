"""Approvals in one SQLite file, by the standard library, in a thread of its own.

WAL with `synchronous=FULL`: a commit is on the disk when it returns, and readers never wait for a writer. Any number of
processes on one machine may share the file (SQLite documents that WAL does not work over a network file system).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from maton_mailgun.approval.binding.keys import Keys
from maton_mailgun.approval.store import audit, table
from maton_mailgun.approval.store.durable import DurableStore
from maton_mailgun.approval.store.failures import StoreUnavailable
from maton_mailgun.approval.store.script import Script
from maton_mailgun.ownership import why_untrusted

T = TypeVar("T")
_log = logging.getLogger(__name__)

LIBRARY = sqlite3.sqlite_version
"""The version of SQLite that does the work."""
BUSY_SECONDS = 10.0
"""How long a write waits for another process's write; ours take milliseconds."""
_RETRY_SECONDS = 0.01
_SEALED = 1
"""The `user_version` of a file that holds nobody's words in clear, in its free pages neither."""
_COMPANIONS = ("", "-wal", "-shm", "-journal")
"""What SQLite keeps beside a database has these endings. What a log holds is part of the database, and a journal that
is found there is played back into it."""


class SqliteStore(DurableStore):
    """See `contract.Store`."""

    def __init__(self, path: Path, keys: Keys, *, clock: Callable[[], float], monotonic: Callable[[], float]) -> None:
        super().__init__(keys, path.parent, clock=clock, monotonic=monotonic)
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._closed = False
        # One thread: the connection belongs to it, and operations of this process never interleave.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="maton-mailgun-approvals")

    async def start(self) -> None:
        """Open the file and make the tables."""
        await self._in_thread(self._open)
        await self.write(self._scripts.open(adopt=True))
        if await self._in_thread(self._layout) < _SEALED:
            await self.seal_all()
            if why := await self._in_thread(self._wipe):
                _log.warning("What an earlier version wrote in clear is sealed, but not yet wiped: %s", why)

    async def read(self, script: Script[T]) -> T:
        """Play a reading script in one snapshot."""
        return await self._in_thread(lambda: self._play(script, "BEGIN"))

    async def write(self, script: Script[T]) -> T:
        """Play a writing script in one transaction, durable at return."""
        # IMMEDIATE takes the write lock at once: what the script reads cannot change before it writes.
        return await self._in_thread(lambda: self._play(script, "BEGIN IMMEDIATE"))

    async def wipe(self) -> str:
        """See `contract.Store`: the file is written anew, and its log emptied."""
        why = await self._in_thread(self._wipe)
        return f"The database was not written anew, and its log may hold old pages: {why}" if why else ""

    async def close(self) -> None:
        """Close the file; waits for the operation that is running. Closing twice is fine."""
        if not self._closed:
            self._closed = True
            await self._in_thread(self._close)
            self._thread.shutdown()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            future = asyncio.get_running_loop().run_in_executor(self._thread, work)
        except RuntimeError as error:
            raise StoreUnavailable("The approval store is closed.") from error
        return await asyncio.shield(future)

    def _play(self, script: Script[T], begin: str) -> T:
        connection = self._open_connection()
        committing = False
        try:
            connection.execute(begin)
            try:
                outcome = _run(connection, script)
                committing = True  # guard: 109-commit
                connection.execute("COMMIT")
            except BaseException:
                _roll_back(connection)
                self._scripts.mark.ended(committed=False)
                raise
            self._scripts.mark.ended(committed=True)
        except sqlite3.Error as error:
            raise _unavailable(self._path, error, certain=not committing) from error
        return outcome

    def _open(self) -> None:
        for ending in _COMPANIONS:
            why = why_untrusted(self._path.with_name(self._path.name + ending))
            if why is not None:
                raise StoreUnavailable(f"The approval database is not taken: {why}")
        try:
            # Created by us, so that it is private from its first byte; SQLite gives its companions the same mode.
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)
        except OSError as error:
            raise StoreUnavailable(
                f"The approval database {self._path} cannot be made: {error.strerror}. The state directory must be "
                "writable; MATON_MAILGUN_HOME names another one."
            ) from error
        except sqlite3.Error as error:
            raise _unavailable(self._path, error) from error
        try:
            _patiently(lambda: connection.execute("PRAGMA journal_mode = WAL"))
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("BEGIN IMMEDIATE")
            if not connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall():
                connection.execute(f"PRAGMA user_version = {_SEALED}")
            for statement in (*table.SCHEMA, *audit.SCHEMA):
                connection.execute(statement)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            connection.close()
            raise _unavailable(self._path, error) from error
        self._connection = connection

    def _layout(self) -> int:
        return int(self._open_connection().execute("PRAGMA user_version").fetchone()[0])

    def _wipe(self) -> str:
        """Write the file anew and empty its log: what was freed, or stood in an earlier page, is gone from both.

        While another process uses the file this cannot be. Returns why it could not, empty where it could.
        """
        connection = self._open_connection()
        try:
            connection.execute("VACUUM")  # guard: 108-written-anew
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            if busy:
                return "another process is using it"
            if self._layout() < _SEALED:
                connection.execute(f"PRAGMA user_version = {_SEALED}")
        except sqlite3.Error as error:
            return str(error)
        return ""

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreUnavailable("The approval store is closed.")
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


async def open_sqlite(
    path: Path, keys: Keys, *, clock: Callable[[], float], monotonic: Callable[[], float]
) -> SqliteStore:
    """Open or make the database file. Raises StoreUnavailable."""
    return await SqliteStore(path, keys, clock=clock, monotonic=monotonic).started()


def _run(connection: sqlite3.Connection, script: Script[T]) -> T:
    try:
        statement, values = next(script)
        while True:
            statement, values = script.send(connection.execute(statement, values).fetchall())
    except StopIteration as done:
        outcome: T = done.value
        return outcome


def _roll_back(connection: sqlite3.Connection) -> None:
    # SQLite has rolled back by itself after some errors (a full disk, say); a second time is an error then.
    with contextlib.suppress(sqlite3.Error):
        connection.execute("ROLLBACK")


def _patiently(work: Callable[[], object]) -> None:
    """The change to WAL does not wait by itself when another process makes it at the same moment."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            work()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_SECONDS)
        else:
            return


def _unavailable(path: Path, error: sqlite3.Error, *, certain: bool = False) -> StoreUnavailable:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the primary result code
    advice = {
        sqlite3.SQLITE_FULL: "the disk is full. Make room, then try again",
        sqlite3.SQLITE_READONLY: "it is read-only. The file and its directory must be writable for this user",
        sqlite3.SQLITE_CANTOPEN: "it cannot be opened. The state directory must exist and be writable",
        sqlite3.SQLITE_BUSY: f"another process held it for {BUSY_SECONDS:.0f} s. End that process, or try again",
        sqlite3.SQLITE_IOERR: "the disk failed to read or write (full, read-only, or a quota?). Check it and retry",
        sqlite3.SQLITE_CORRUPT: "it is damaged. Put back a backup, or move it away to begin anew",
        sqlite3.SQLITE_NOTADB: "it is not a database. Put back a backup, or move it away to begin anew",
    }.get(code, f"SQLite says: {error}")
    return StoreUnavailable(f"The approval database {path} cannot be used: {advice}.", certain=certain)

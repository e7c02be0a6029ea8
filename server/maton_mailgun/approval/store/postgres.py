"""Approvals in PostgreSQL, for several replicas, by psycopg 3 (the extra `postgres`).

One connection for a process. Every write takes the head of the audit with FOR UPDATE, so writers of all replicas stand
in one line; approvals happen at the pace of people. Replicas share the key file as well as the database.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from maton_mailgun.approval.binding.keys import Keys
from maton_mailgun.approval.store import audit, table
from maton_mailgun.approval.store.durable import DurableStore
from maton_mailgun.approval.store.failures import StoreUnavailable
from maton_mailgun.approval.store.script import Script

if TYPE_CHECKING:
    import psycopg

T = TypeVar("T")

_SCHEMA_LOCK = 0x6D61746F6E  # "maton": CREATE TABLE IF NOT EXISTS alone may collide with itself
_CONNECT_SECONDS = 10
_LOCK_SECONDS = 10
_ANSWER_SECONDS = 20.0
"""For one operation, waits for locks included: a server that says nothing must not hold a call for ever."""
_END_SECONDS = 2.0
_NOW = "SELECT extract(epoch FROM clock_timestamp())::float8"
_BEGIN_READ = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
# READ COMMITTED: what a statement sees was committed when the head became ours, not when we began. The settings hold
# for the one transaction: a pooler may give the next one another session.
_BEGIN_WRITE = (
    "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; "
    f"SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'"
)


@dataclass(slots=True)
class DatabaseClock:
    """The database's time, as it was told with the last transaction and went on since: replicas whose own clocks differ
    agree about what has expired."""

    monotonic: Callable[[], float]
    _at: tuple[float, float] | None = None

    def __call__(self) -> float:
        if self._at is None:
            return time.time()
        told, ticks = self._at
        return told + self.monotonic() - ticks

    def told(self, seconds: float) -> None:
        """Take over what the database says."""
        self._at = (seconds, self.monotonic())


class PostgresStore(DurableStore):
    """See `contract.Store`."""

    def __init__(
        self, url: str, keys: Keys, home: Path, *, clock: Callable[[], float] | None, monotonic: Callable[[], float]
    ) -> None:
        self._told = DatabaseClock(monotonic)
        super().__init__(keys, home, clock=clock or self._told, monotonic=monotonic)
        self._url = url
        self._connection: psycopg.AsyncConnection[tuple[Any, ...]] | None = None
        self._closed = False
        self._turn = asyncio.Lock()
        self._running: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        """Connect and make the tables."""
        await self.write(self._schema())
        await self.write(self._scripts.open(adopt=False))
        await self.seal_all()

    async def read(self, script: Script[T]) -> T:
        """Play a reading script in one snapshot."""
        return await self._to_the_end(script, _BEGIN_READ)

    async def write(self, script: Script[T]) -> T:
        """Play a writing script in one transaction, durable at return."""
        return await self._to_the_end(script, _BEGIN_WRITE)

    async def wipe(self) -> str:
        """See `contract.Store`: the table is written anew into another file, which takes its lock for a moment."""
        import psycopg

        try:
            fresh = await psycopg.AsyncConnection.connect(
                self._url, connect_timeout=_CONNECT_SECONDS, prepare_threshold=None, autocommit=True,
                application_name="maton-mailgun",
            )  # fmt: skip
            try:
                await fresh.execute(f"SET lock_timeout = '{_LOCK_SECONDS}s'")
                await fresh.execute("VACUUM (FULL) maton_mailgun_approvals")
            finally:
                await fresh.close()
        except psycopg.Error as error:
            why = _unavailable(error, certain=True)
            return f"The table was not written anew ({why}): old rows stay in it until its next vacuum."
        return (
            "PostgreSQL keeps the sealed rows in the old file of the table until its next checkpoint, in its "
            "write-ahead log until that is recycled, and in archived logs, replicas and backups as long as these last."
        )

    async def close(self) -> None:
        """Close the connection; waits for the operation that is running."""
        async with self._turn:
            self._closed = True
            if self._connection is not None:
                await self._connection.close()
                self._connection = None

    async def _to_the_end(self, script: Script[T], mode: str) -> T:
        """A caller that goes away must not tear a transaction apart: the work goes on in a task of its own."""
        task = asyncio.create_task(self._play(script, mode))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _play(self, script: Script[T], mode: str) -> T:
        async with self._turn:
            if self._closed:
                raise StoreUnavailable("The approval store is closed.")
            work = asyncio.create_task(self._transact(script, mode))
            await asyncio.wait({work}, timeout=_ANSWER_SECONDS)
            if not work.done():
                await self._given_up(work)
                raise StoreUnavailable(
                    f"The approval database cannot be used: it has not answered for {_ANSWER_SECONDS:.0f} s. Check the "
                    "server and the network between."
                )
            return work.result()

    async def _transact(self, script: Script[T], mode: str) -> T:
        import psycopg

        committing = False
        try:
            connection = await self._begun(mode)
            try:
                outcome = await _run(connection, script)
                committing = True
                await connection.commit()
            except BaseException:
                self._scripts.mark.ended(committed=False)
                with contextlib.suppress(psycopg.Error):
                    await connection.rollback()
                raise
            self._scripts.mark.ended(committed=True)
        except psycopg.Error as error:
            raise _unavailable(error, certain=not committing) from error
        return outcome

    async def _given_up(self, work: asyncio.Task[Any]) -> None:
        """Let go of a connection whose server is silent. Its socket is shut down, so that the driver, which would wait
        for an answer even to a cancellation, sees an end."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(OSError, ValueError), socket.socket(fileno=os.dup(connection.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)
        else:
            work.cancel()
        await asyncio.wait({work}, timeout=_END_SECONDS)
        if work.done() and not work.cancelled():
            work.exception()
        self._scripts.mark.ended(committed=False)

    async def _begun(self, mode: str) -> psycopg.AsyncConnection[tuple[Any, ...]]:
        """A connection with a transaction begun. A lost connection is replaced only here, before the first
        statement of an operation: nothing can have been done twice."""
        import psycopg

        if self._connection is not None:
            try:
                await self._begin(self._connection, mode)
            except psycopg.OperationalError:
                await self._connection.close()
            else:
                return self._connection
        fresh = await psycopg.AsyncConnection.connect(
            self._url,
            connect_timeout=_CONNECT_SECONDS,
            prepare_threshold=None,  # a pooler in transaction mode has no prepared statements of ours
            application_name="maton-mailgun",
        )
        self._connection = fresh
        await self._begin(fresh, mode)
        return fresh

    async def _begin(self, connection: psycopg.AsyncConnection[tuple[Any, ...]], mode: str) -> None:
        cursor = await connection.execute(cast(Any, f"{mode}; {_NOW}"))
        while cursor.nextset():
            pass
        told = await cursor.fetchone()
        if told is not None:
            self._told.told(float(told[0]))

    @staticmethod
    def _schema() -> Script[None]:
        yield "SELECT pg_advisory_xact_lock(?)", (_SCHEMA_LOCK,)
        for statement in (*table.SCHEMA, *audit.SCHEMA):
            yield statement, ()


async def open_postgres(
    url: str, keys: Keys, home: Path, *, clock: Callable[[], float] | None, monotonic: Callable[[], float]
) -> PostgresStore:
    """Connect and make the tables. Raises StoreUnavailable; its text never holds the URL."""
    try:
        import psycopg  # noqa: F401 - asked for here, so that its absence is told in plain words
    except ImportError as error:
        raise StoreUnavailable(
            "A PostgreSQL database is set, but its driver is not installed. Install maton-mailgun[postgres]."
        ) from error
    return await PostgresStore(url, keys, home, clock=clock, monotonic=monotonic).started()


async def _run(connection: psycopg.AsyncConnection[tuple[Any, ...]], script: Script[T]) -> T:
    try:
        statement, values = next(script)
        while True:
            cursor = await connection.execute(cast(Any, _dialect(statement)), values)
            found = await cursor.fetchall() if cursor.description is not None else []
            statement, values = script.send(found)
    except StopIteration as done:
        outcome: T = done.value
        return outcome


def _dialect(statement: str) -> str:
    """Our statements hold neither a literal `?` nor a `%`."""
    return statement.replace("?", "%s").replace("/*lock*/", "FOR UPDATE")


def _unavailable(error: psycopg.Error, *, certain: bool) -> StoreUnavailable:
    import psycopg

    if isinstance(error, psycopg.errors.LockNotAvailable):
        advice = f"another process held the audit for {_LOCK_SECONDS} s. Try again"
    elif isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
        advice = "it is read-only. Point the database URL at the primary"
    elif isinstance(error, psycopg.errors.InsufficientPrivilege | psycopg.errors.InvalidSchemaName):
        advice = "the user lacks rights. It must be able to create and write tables maton_mailgun_* in its schema"
    elif isinstance(error, psycopg.errors.DiskFull):
        advice = "its disk is full. Make room, then try again"
    elif isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
        advice = "there is no connection. Check host, port, user and password in the database URL, and the server"
    else:
        advice = f"it answered with SQLSTATE {error.sqlstate}"
    return StoreUnavailable(f"The approval database cannot be used: {advice}.", certain=certain)

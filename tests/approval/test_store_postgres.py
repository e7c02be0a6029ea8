"""What only PostgreSQL can do to a store: lose the connection, be read-only, be absent."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from maton_mailgun.approval.binding.keys import load_keys
from maton_mailgun.approval.store import audit, postgres
from maton_mailgun.approval.store.contract import Store
from maton_mailgun.approval.store.failures import StoreUnavailable
from maton_mailgun.approval.store.opening import open_store
from maton_mailgun.approval.store.script import Script

from .backends import Backend
from .records import NOON, a_record

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]


@pytest.fixture
def backend(postgres_backend: Backend) -> Backend:
    return postgres_backend


def cut_connections(backend: Backend) -> int:
    """End the sessions of every store, as a restarted server does. Returns how many there were."""
    return len(
        backend.intrude(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE application_name = 'maton-mailgun' AND pid <> pg_backend_pid()"
        )
    )


async def test_a_lost_connection_is_replaced_before_the_next_operation(backend: Backend, store: Store) -> None:
    record, _ = await store.insert(a_record(), b"sealed", max_pending=10)

    assert cut_connections(backend) == 1
    assert await store.get(record.id) == record
    assert cut_connections(backend) == 1
    approved = await store.move(record, "approved", actor="ann")

    assert await store.get(record.id) == approved
    assert await audit.verify(store) == audit.AuditVerdict(ok=True, entries=2)


async def test_a_connection_lost_inside_a_write_keeps_nothing_and_is_told(backend: Backend, store: Store) -> None:
    record, _ = await store.insert(a_record(), b"sealed", max_pending=10)

    def torn() -> Script[None]:
        yield "UPDATE maton_mailgun_head SET seq = 99", ()
        cut_connections(backend)
        yield "SELECT 1", ()

    with pytest.raises(StoreUnavailable, match=r"no connection|57P01"):
        await store.write(torn())  # type: ignore[attr-defined]

    assert await store.get(record.id) == record
    assert await audit.verify(store) == audit.AuditVerdict(ok=True, entries=1)


async def test_attack_35_a_read_only_database_is_told(backend: Backend, store: Store) -> None:
    record, _ = await store.insert(a_record(), b"sealed", max_pending=10)
    read_only = Backend(f"{backend.url}%20-cdefault_transaction_read_only%3Don", backend.home)

    with pytest.raises(StoreUnavailable, match=r"read-only.*primary"):
        await read_only.open()
    assert await store.get(record.id) == record


async def test_a_user_without_rights_is_told_what_it_needs(backend: Backend) -> None:
    assert backend.url is not None
    with psycopg.connect(backend.url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS guest")
        connection.execute("CREATE ROLE guest LOGIN")
    as_guest = Backend(backend.url.replace("tester@", "guest@"), backend.home)

    with pytest.raises(StoreUnavailable, match="lacks rights"):
        await as_guest.open()


async def test_an_absent_server_is_told_without_the_password(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"postgresql://tester:canary@127.0.0.1:{unused.getsockname()[1]}/postgres"
        with pytest.raises(StoreUnavailable, match="no connection") as error:
            await open_store(url, tmp_path, load_keys(tmp_path))

    assert "canary" not in str(error.value)


async def test_a_missing_driver_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(StoreUnavailable, match=r"maton-mailgun\[postgres\]"):
        await open_store("postgresql://tester@127.0.0.1/postgres", tmp_path, load_keys(tmp_path))


async def test_a_writer_does_not_wait_for_ever(backend: Backend, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert backend.url is not None
    monkeypatch.setattr(postgres, "_BEGIN_WRITE", "SET LOCAL lock_timeout = '20ms'")
    with psycopg.connect(backend.url) as other:
        other.execute("SELECT 1 FROM maton_mailgun_head FOR UPDATE")
        with pytest.raises(StoreUnavailable, match="another process held the audit"):
            await store.insert(a_record(), b"sealed", max_pending=1)

    _, joined = await store.insert(a_record(), b"sealed", max_pending=1)
    assert joined is False


class Wire:
    """Carries bytes between a client and the database, until it falls silent."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.silent = False
        self._lines: list[asyncio.StreamWriter] = []

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, onward = await asyncio.open_connection("127.0.0.1", self._port)
        self._lines += [writer, onward]
        await asyncio.gather(self._one_way(reader, onward), self._one_way(there, writer))

    async def _one_way(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            if not self.silent:
                sink.write(data)

    def close(self) -> None:
        for line in self._lines:
            line.close()


async def test_a_database_that_falls_silent_ends_every_operation_and_the_closing(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert backend.url is not None
    monkeypatch.setattr(postgres, "_ANSWER_SECONDS", 0.3)
    port = urlsplit(backend.url).port
    assert port is not None
    wire = Wire(port)
    server = await asyncio.start_server(wire.carry, "127.0.0.1", 0)
    here = server.sockets[0].getsockname()[1]
    store = await Backend(backend.url.replace(f":{port}/", f":{here}/"), backend.home).open()
    try:
        record, _ = await store.insert(a_record(), b"sealed", max_pending=1)
        wire.silent = True
        async with asyncio.timeout(10):
            for operation in (store.get(record.id), store.move(record, "approved", actor="ann", decided_at=NOON)):
                with pytest.raises(StoreUnavailable, match="has not answered for"):
                    await operation
            wire.silent = False
            assert await store.get(record.id) == record
            wire.silent = True
            await store.close()
    finally:
        wire.close()
        server.close()


async def test_replicas_take_the_time_from_the_database(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of this machine is 400 seconds ahead."""
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 400.0)
    store = await open_store(backend.url, backend.home, backend.keys)
    try:
        await store.changed()
        assert abs(store.clock() - real()) < 30.0
    finally:
        await store.close()

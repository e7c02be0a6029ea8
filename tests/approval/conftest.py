"""The backends that the tests of the approval store run on."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from maton_mailgun.approval.store.contract import Store

from .backends import Backend
from .own_postgres import NotHere, own_postgres


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The store runs on asyncio (psycopg and the server do)."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of an empty database on a server that lives as long as the test session."""
    try:
        with own_postgres() as url:
            yield url
    except NotHere as why:
        pytest.skip(str(why))


@pytest.fixture
def postgres_backend(postgres_url: str, tmp_path: Path) -> Backend:
    """An empty schema on the PostgreSQL server."""
    schema = f"t{secrets.token_hex(8)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}".encode())
    return Backend(f"{postgres_url}?options=-csearch_path%3D{schema}", tmp_path)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    """An empty database of either kind, with a key and a clock of its own."""
    if request.param == "sqlite":
        return Backend(None, tmp_path)
    found: Backend = request.getfixturevalue("postgres_backend")
    return found


@pytest.fixture
async def store(backend: Backend) -> AsyncIterator[Store]:
    """An open store on the backend."""
    opened = await backend.open()
    yield opened
    await opened.close()

"""A sandbox on a port and a real PostgreSQL, for tests that run on asyncio."""

import pytest

from approval.backends import Backend
from approval.conftest import anyio_backend, postgres_backend, postgres_url
from e2e.conftest import running

__all__ = ["anyio_backend", "postgres_backend", "postgres_url", "running"]


@pytest.fixture
def own_database(postgres_backend: Backend) -> str:
    """The URL of a database that no other test has used, under another key."""
    assert postgres_backend.url is not None
    return postgres_backend.url

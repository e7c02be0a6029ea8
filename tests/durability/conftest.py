"""A sandbox on a port and a real PostgreSQL, for tests that run on asyncio."""

from approval.conftest import anyio_backend, postgres_url
from e2e.conftest import running

__all__ = ["anyio_backend", "postgres_url", "running"]

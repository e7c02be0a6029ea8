"""A sandbox on a port and a real PostgreSQL."""

from approval.conftest import postgres_url
from e2e.conftest import running

__all__ = ["postgres_url", "running"]

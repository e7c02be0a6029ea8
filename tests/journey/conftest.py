"""Real server processes and a real browser together."""

from e2e.conftest import running
from page.conftest import chromium, open_chromium, shared_chromium

__all__ = ["chromium", "open_chromium", "running", "shared_chromium"]

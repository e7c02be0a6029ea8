"""Real server processes and a real browser together."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mcp.client.stdio import StdioServerParameters

from e2e.conftest import running
from maton_mailgun.sandbox import RunningSandbox
from page.conftest import chromium, open_chromium, shared_chromium

from .desktop import Desktop

__all__ = ["chromium", "open_chromium", "running", "shared_chromium"]


@pytest.fixture
def desktop(tmp_path: Path) -> Iterator[Desktop]:
    found = Desktop(tmp_path)
    yield found
    # A page that waits for somebody would wait as long as its question.
    found.kill_lingering()


@pytest.fixture
def server(running: RunningSandbox, desktop: Desktop, tmp_path: Path) -> StdioServerParameters:
    """A server over stdio on a desktop with a browser."""
    running.sandbox.reset()
    environment = {
        "PATH": os.environ["PATH"],
        "BROWSER": str(desktop.browser),
        "HOME": str(desktop.home),
        "MATON_API_URL": running.url,
        "MATON_API_KEY": "sandbox-maton-key",
        "MATON_MAILGUN_HOME": str(tmp_path / "home"),
    }
    return StdioServerParameters(command=sys.executable, args=["-P", "-m", "maton_mailgun"], env=environment)

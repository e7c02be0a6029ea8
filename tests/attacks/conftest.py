"""A fresh installation and a fresh sandbox account for every test."""

from __future__ import annotations

from pathlib import Path

import pytest

from maton_mailgun.sandbox import Sandbox

from .bench import Clock, Desk


@pytest.fixture
def anyio_backend() -> str:
    """The server runs on asyncio."""
    return "asyncio"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """An installation that works on the sandbox's seed account."""
    clock = Clock()
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return Desk(home, Sandbox(clock=clock), clock)

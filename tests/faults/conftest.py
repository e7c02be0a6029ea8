"""One sandbox on a real port, put back to its seed before each call."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from maton_mailgun.sandbox import RunningSandbox, Sandbox, serve


@pytest.fixture(scope="session")
def port() -> Iterator[RunningSandbox]:
    with serve(Sandbox()) as served:
        yield served


@pytest.fixture
def running(port: RunningSandbox) -> RunningSandbox:
    port.sandbox.reset()
    return port

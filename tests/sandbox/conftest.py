"""One sandbox on a real port for all tests of this directory, put back to its seed before each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from maton_mailgun.sandbox import RunningSandbox, Sandbox, serve

from .wire import Clock, Wire


@pytest.fixture(scope="session")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def running(clock: Clock) -> Iterator[RunningSandbox]:
    with serve(Sandbox(clock=clock)) as served:
        yield served


@pytest.fixture
def api(running: RunningSandbox, clock: Clock) -> Wire:
    clock.now = Clock.START
    running.sandbox.reset()
    return Wire(running.host, running.port, clock)


@pytest.fixture
def sandbox(running: RunningSandbox) -> Sandbox:
    """The object behind `api`."""
    return running.sandbox

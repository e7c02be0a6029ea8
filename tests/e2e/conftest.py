"""One sandbox on a port for all end-to-end tests, and what a server process needs to reach it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mcp.client.stdio import StdioServerParameters

from maton_mailgun.sandbox import RunningSandbox, Sandbox, serve

from .account import Account
from .host import Host, host
from .wire import FILES

WAIT_SECONDS = 20.0


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with serve(Sandbox()) as served:
        yield served


@pytest.fixture(scope="module")
def account(running: RunningSandbox) -> Account:
    return Account(running)


@pytest.fixture(scope="session")
def attachments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one directory files may be sent from."""
    folder = tmp_path_factory.mktemp("attachments")
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def environment(
    running: RunningSandbox, attachments: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], dict[str, str]]:
    """Makes the environment of one server process, each with a state directory of its own."""

    def made() -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "MATON_API_URL": running.url,
            "MATON_API_KEY": "sandbox-maton-key",
            "MATON_MAILGUN_HOME": str(tmp_path_factory.mktemp("home")),
            "MATON_MAILGUN_ATTACHMENTS": str(attachments),
            "MATON_MAILGUN_PAGE": "false",
            "MATON_MAILGUN_TOOLSETS": "all",
            # Otherwise the first call would load the server, and find it cold.
            "MATON_MAILGUN_PRELOAD": "true",
        }

    return made


@pytest.fixture(scope="module")
def process(environment: Callable[[], dict[str, str]]) -> Callable[[], StdioServerParameters]:
    """Makes the parameters of one server process over stdio."""
    arguments = ["-P", "-m", "maton_mailgun", "serve"]
    return lambda: StdioServerParameters(command=sys.executable, args=arguments, env=environment())


def wait_until(seen: Callable[[], bool], what: str) -> None:
    """Look again and again until it is so."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not seen():
        assert time.monotonic() < deadline, f"waited in vain for {what}"


def let_warm_up(connected: Host, account: Account) -> None:
    """Return when the connection that a server opens ahead of its first call has arrived: it is no part of a test."""
    account.prepare("")
    connected.tools()
    wait_until(lambda: bool(account.arrived()), "the warm-up")


@pytest.fixture(scope="module")
def approving(process: Callable[[], StdioServerParameters], account: Account) -> Iterator[Host]:
    """A 2026-07-28 client whose person approves everything."""
    with host(process()) as connected:
        let_warm_up(connected, account)
        yield connected

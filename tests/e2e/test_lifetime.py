"""A process that is told to stop lets go of nothing that has left."""

from __future__ import annotations

import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from catalogue.files import EXAMPLES
from engine.child import INITIALIZE, READY, process

from .account import Account
from .conftest import wait_until

Environment = Callable[[], dict[str, str]]
_SERVE = ("-P", "-m", "maton_mailgun", "serve")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no signal that asks to stop")
@pytest.mark.parametrize("order", ["signal", "signals", "end and signal"])
def test_a_signal_lets_an_approved_write_over_stdio_settle(
    order: str, environment: Environment, account: Account
) -> None:
    """The service answers late, and the host stops the process meanwhile: the outcome is known all the same."""
    account.prepare("")
    account.arm({"fault": {"delay": 1.5}, "match": {"method": "POST", "path_regex": "/bounces"}, "act": True})
    settings = environment()
    home = Path(settings.pop("MATON_MAILGUN_HOME"))
    with process(home, *_SERVE, environ=settings) as server:
        server.send({**INITIALIZE, "params": {**INITIALIZE["params"], "capabilities": {"elicitation": {}}}})
        server.receive()
        call = {"name": "add_bounce", "arguments": EXAMPLES["add_bounce"]["minimal"]}
        server.send(READY, {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call})
        question = server.receive()["id"]
        server.send({"jsonrpc": "2.0", "id": question, "result": _YES})
        wait_until(lambda: bool(account.writes()), "the write to leave")
        if order == "end and signal":
            assert server.popen.stdin is not None
            server.popen.stdin.close()
        for _ in range(2 if order == "signals" else 1):
            server.popen.send_signal(signal.SIGTERM)
        assert server.popen.wait(timeout=20) == 0
    assert [request["status"] for request in account.writes()] == [200]
    assert _states(home) == ["succeeded"]


_YES = {"action": "accept", "content": {"decision": "approve"}}


def _states(home: Path) -> list[str]:
    """Of all approvals in a state directory."""
    database = sqlite3.connect(home / "approvals.sqlite")
    try:
        return [state for (state,) in database.execute("SELECT state FROM maton_mailgun_approvals")]
    finally:
        database.close()

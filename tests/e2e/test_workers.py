"""One server of two processes on one port: what a client, a person and an operator see of it is one server."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
from argparse import Namespace
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cli.conftest import PASSPHRASE
from maton_mailgun.cli.flags import settings_of
from maton_mailgun.config import load
from maton_mailgun.errors import SetupError
from maton_mailgun.protocol.workers import serve_with_workers

from .account import Account
from .conftest import wait_until
from .deciding import decide, set_passphrase
from .host import content, host
from .serving import Serving, serving
from .test_operating import get, numbers

pytestmark = pytest.mark.slow

Environment = Callable[[], dict[str, str]]
_TRIES = 60
"""Of fresh connections, which the system spreads over both."""
_CALL = {
    "domain": "mg.example.com",
    "from": "desk@mg.example.com",
    "to": ["reader@example.net"],
    "subject": "by one of two",
    "text": "hello",
}


@pytest.fixture(scope="module")
def env(environment: Environment) -> dict[str, str]:
    return {**environment(), "MATON_MAILGUN_METRICS": "127.0.0.1:0"}


@pytest.fixture(scope="module")
def server(env: dict[str, str]) -> Iterator[Serving]:
    set_passphrase(env, Path(env["MATON_MAILGUN_HOME"]))
    with serving(env, "127.0.0.1:0", "--workers", "2") as started:
        yield started


def ask(server: Serving, message: dict[str, Any], **headers: str) -> tuple[int, dict[str, str], str]:
    """One message of an earlier client, over a connection of its own."""
    kinds = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    connection = HTTPConnection(server.netloc, timeout=20)
    connection.request("POST", "/mcp", json.dumps({"jsonrpc": "2.0", "id": 1, **message}), {**kinds, **headers})
    answer = connection.getresponse()
    said = answer.read().decode()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, said


def session(server: Serving) -> str:
    known = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    status, headers, _ = ask(server, {"method": "initialize", "params": known})
    assert status == 200
    return headers["mcp-session-id"]


def sessions_at_both(server: Serving) -> dict[str, str]:
    """A session at each worker, by the worker that its id names."""
    found: dict[str, str] = {}
    for _ in range(_TRIES):
        one = session(server)
        found.setdefault(one.partition(".")[0], one)
        if len(found) == 2:
            return found
    raise AssertionError(f"all {_TRIES} connections went to one worker")


def pinged(server: Serving, session_id: str) -> int:
    status, _, _ = ask(server, {"method": "ping"}, **{"Mcp-Session-Id": session_id})
    return status


def workers(server: Serving) -> set[int]:
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    return {int(pid) for pid in children.read_text().split()}


def test_a_session_is_found_over_whichever_connection_its_requests_come(server: Serving) -> None:
    both = sessions_at_both(server)
    assert set(both) == {"0", "1"}
    assert {pinged(server, one) for one in both.values() for _ in range(8)} == {200}


def test_so_are_those_of_several_clients_whom_a_proxy_puts_on_one_connection(server: Serving) -> None:
    """The next request comes as soon as the answer is whole, when the call behind that has not quite ended."""
    ping = b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}'
    requests = [
        f"POST /mcp HTTP/1.1\r\nHost: {server.netloc}\r\nMcp-Session-Id: {one}\r\nContent-Length: {len(ping)}\r\n"
        "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\r\n".encode()
        + ping
        for one in sessions_at_both(server).values()
    ]
    answers = []
    name, _, port = server.netloc.partition(":")
    with socket.create_connection((name, int(port)), timeout=20) as connection:
        for request in requests * 6:
            connection.sendall(request)
            answer = b""
            while not answer.endswith((b"\r\n0\r\n\r\n", b"}")):
                answer += connection.recv(65_536)
            answers.append(answer[:15])
    assert answers == [b"HTTP/1.1 200 OK"] * len(answers)


def test_so_is_a_request_that_is_longer_than_what_travels_with_its_connection(server: Serving) -> None:
    long = {"name": "list_domains", "arguments": {"search": "x" * 200_000}}
    for one in sessions_at_both(server).values():
        for _ in range(4):
            status, _, said = ask(server, {"method": "tools/call", "params": long}, **{"Mcp-Session-Id": one})
            assert (status, "bad_arguments" in said) == (200, True)


def test_a_session_that_nobody_has_is_unknown(server: Serving) -> None:
    assert {pinged(server, f"{worker}.{'0' * 32}") for worker in (0, 1, 7) for _ in range(3)} == {404}


def test_the_page_is_in_one_process_however_its_address_is_written(server: Serving) -> None:
    """Each process that served it would count wrong passphrases for itself."""
    served = set()
    for path in ("/approvals/", "/%61pprovals/", "//approvals/", "/approvals/?here=tab") * 6:
        status, said = get(server.netloc, path)
        assert status in (200, 404)
        served |= set(re.findall(r"static/[\w-]+/", said))
    assert len(served) == 1


def test_who_signed_in_at_the_page_stays_so_over_every_connection(server: Serving) -> None:
    page = HTTPConnection(server.netloc, timeout=20)
    headers = {"Content-Type": "application/json", "Origin": server.url}
    page.request("POST", "/approvals/api/session", json.dumps({"passphrase": PASSPHRASE}), headers)
    answer = page.getresponse()
    cookie, key = (answer.getheader("Set-Cookie") or "").partition(";")[0], json.loads(answer.read())["key"]
    page.close()
    known = {"Cookie": cookie, "X-Approval-Key": key}
    assert {get(server.netloc, "/approvals/api/approvals", **known)[0] for _ in range(8)} == {200}


def test_what_one_proposes_is_carried_out_once(server: Serving, env: dict[str, str], account: Account) -> None:
    account.prepare("")
    home = Path(env["MATON_MAILGUN_HOME"])
    with host(f"{server.url}/mcp", person="absent") as client:
        asked = content(client.call("send_message", _CALL))
        assert (asked["status"], asked["executed"]) == ("approval_required", False)
        decide("approve", asked["approval_id"], env, home)
        told = content(client.call("get_approval", {"approval_id": asked["approval_id"], "wait_seconds": 4}))
    assert told["status"] == "executed"
    assert len([one for one in account.arrived() if one["method"] == "POST"]) == 1


def test_numbers_are_those_of_both(server: Serving) -> None:
    netloc = server.said.partition("metrics at http://")[2].partition("/metrics")[0]
    name = "maton_mailgun_calls_total"
    unknown = {"method": "tools/call", "params": {"name": "nowhere", "arguments": {}}}
    before = numbers(netloc)[name].get((("outcome", "unknown_tool"), ("tool", "other")), 0.0)
    for one in sessions_at_both(server).values():
        ask(server, unknown, **{"Mcp-Session-Id": one})
    for _ in range(6):
        found = numbers(netloc)
        assert found[name][("outcome", "unknown_tool"), ("tool", "other")] == before + 2
        # Of both processes, as each alone is smaller.
        assert found["process_resident_memory_bytes"][()] > 60e6
        assert "maton_mailgun_store_up" in found


def test_a_worker_that_is_killed_is_replaced_and_its_sessions_alone_are_gone(server: Serving) -> None:
    both, before = sessions_at_both(server), workers(server)
    victim = sorted(before)[0]
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: len(workers(server) - {victim}) == 2, "another worker")
    assert len(workers(server) & before) == 1
    answers = sorted(pinged(server, one) for one in both.values())
    assert answers == [200, 404]
    assert len(sessions_at_both(server)) == 2


def test_they_end_together_after_a_signal_and_with_the_process_that_began_them(environment: Environment) -> None:
    """The first is asked to end, the second has no time to tell its workers."""
    with serving(environment(), "127.0.0.1:0", "--workers", "2") as stopped:
        theirs = workers(stopped)
        assert len(theirs) == 2
        stopped.process.send_signal(signal.SIGTERM)
        assert stopped.process.wait(timeout=20) == 0
        assert not [pid for pid in theirs if Path(f"/proc/{pid}").exists()]
    with serving(environment(), "127.0.0.1:0", "--workers", "2") as killed:
        wait_until(lambda: get(killed.netloc, "/healthz")[0] == 200, "an answer")
        theirs = workers(killed)
        killed.process.kill()
        wait_until(lambda: not any(_alive(pid) for pid in theirs), "the workers to end")


def _alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("given", ["0", "65", "many", "1.5"])
def test_a_number_of_workers_that_there_cannot_be_stops_the_start(given: str) -> None:
    with pytest.raises(SetupError, match=f"MATON_MAILGUN_WORKERS is '{given}'. Use a number from 1 to 64."):
        load({"MATON_MAILGUN_WORKERS": given})
    with pytest.raises(SetupError, match=f"--workers is '{given}'. Use a number from 1 to 64."):
        settings_of(Namespace(workers=given))


def test_the_built_in_sandbox_has_no_workers() -> None:
    engine: Any = SimpleNamespace(settings=load({}, sandbox=True, workers=2))
    with pytest.raises(SetupError, match="The built-in sandbox is in the memory of one process"):
        serve_with_workers(engine, "127.0.0.1:0")

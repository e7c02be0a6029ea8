"""Streamable HTTP for both protocol eras: the same wire, the same gate, and who may come in at all."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPConnection
from typing import Any

import httpx2
import pytest
from mcp.client.streamable_http import streamable_http_client

from catalogue.files import EXAMPLES, ROWS

from .account import Account
from .comparing import documented, shape
from .conftest import let_warm_up, wait_until
from .host import Era, Host, content, draws_what_it_asks, host, text
from .serving import Serving, serving
from .wire import WIRE

pytestmark = pytest.mark.slow

Environment = Callable[[], dict[str, str]]
ERAS: tuple[Era, ...] = ("modern", "legacy")
TOKEN = "http-token-of-forty-characters-0123456789"
SAMPLE_READS = ("list_domains", "list_events", "get_mailing_list_member", "get_stats", "list_connections")
SAMPLE_WRITES = ("send_message", "send_mime_message", "update_route", "delete_bounce", "create_credential")
_ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


@pytest.fixture(scope="module")
def server(environment: Environment) -> Iterator[Serving]:
    with serving(environment()) as started:
        yield started


@pytest.fixture(scope="module")
def approving(server: Serving, account: Account) -> Iterator[dict[Era, Host]]:
    url = f"{server.url}/mcp"
    with host(url) as modern, host(url, era="legacy") as legacy:
        let_warm_up(modern, account)
        yield {"modern": modern, "legacy": legacy}


@pytest.fixture(scope="module")
def rejecting(server: Serving) -> Iterator[dict[Era, Host]]:
    url = f"{server.url}/mcp"
    with host(url, "rejects") as modern, host(url, "rejects", "legacy") as legacy:
        yield {"modern": modern, "legacy": legacy}


@pytest.fixture(scope="module")
def unable_to_ask(server: Serving) -> Iterator[dict[Era, Host]]:
    url = f"{server.url}/mcp"
    with host(url, "absent") as modern, host(url, "absent", "legacy") as legacy:
        yield {"modern": modern, "legacy": legacy}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("tool", SAMPLE_READS)
def test_a_read_makes_the_documented_request(tool: str, era: Era, approving: dict[Era, Host], account: Account) -> None:
    account.prepare(tool)
    result = approving[era].call(tool, EXAMPLES[tool]["full"])
    assert content(result)["status"] == "ok"
    expected = WIRE[tool]["full"]
    assert [shape(request, expected) for request in account.reads()] == [documented(expected)]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("tool", SAMPLE_WRITES)
def test_an_approved_write_makes_the_documented_request_once(
    tool: str, era: Era, approving: dict[Era, Host], account: Account
) -> None:
    account.prepare(tool)
    client = approving[era]
    asked_before = len(client.asked)
    result = client.call(tool, EXAMPLES[tool]["full"])
    assert content(result)["status"] == "executed", text(result)
    expected = WIRE[tool]["full"]
    assert [shape(request, expected) for request in account.writes()] == [documented(expected)]
    assert len(client.asked) == asked_before + 1


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("tool", SAMPLE_WRITES)
def test_a_rejected_write_never_leaves(tool: str, era: Era, rejecting: dict[Era, Host], account: Account) -> None:
    account.prepare(tool)
    result = rejecting[era].call(tool, EXAMPLES[tool]["minimal"])
    assert (content(result)["status"], content(result)["executed"]) == ("rejected", False)
    assert account.writes() == []


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("tool", SAMPLE_WRITES)
def test_a_write_of_a_client_that_cannot_ask_waits_and_never_leaves(
    tool: str, era: Era, unable_to_ask: dict[Era, Host], account: Account
) -> None:
    account.prepare(tool)
    client = unable_to_ask[era]
    waiting = content(client.call(tool, EXAMPLES[tool]["full"]))
    assert (waiting["status"], waiting["executed"]) == ("approval_required", False)
    assert content(client.call("cancel_approval", {"approval_id": waiting["approval_id"]}))["status"] == "cancelled"
    assert account.writes() == []


def test_modern_answers_are_plain_json_without_a_session(server: Serving) -> None:
    status, headers, body = _modern(server, "tools/list")
    assert (status, headers["content-type"], "mcp-session-id" in headers) == (200, "application/json", False)
    assert len(body["result"]["tools"]) == len(ROWS) + 4


def test_earlier_answers_are_event_streams_within_a_session(server: Serving) -> None:
    status, headers, _ = _initialize(server)
    assert (status, headers["content-type"], "mcp-session-id" in headers) == (200, "text/event-stream", True)


def test_a_foreign_host_name_is_turned_away(server: Serving) -> None:
    """A page that rebinds its own name to this machine arrives with that name."""
    assert _modern(server, "tools/list", {"Host": "evil.example.com"})[0] == 421
    assert _request(server, "GET", "/approvals/", {"Host": "evil.example.com"})[0] == 421


@pytest.mark.parametrize("path", ["/mcp", "/approvals/", "/approvals", "/"])
@pytest.mark.parametrize(
    "named", [[], ["{own}", "{own}"], ["{own}", "evil.example.com"], ["{own}@evil.example.com"], ["{own}/"]], ids=str
)
def test_a_request_that_does_not_say_its_host_once_and_rightly_is_a_bad_one(
    server: Serving, path: str, named: list[str]
) -> None:
    """RFC 9112, section 3.2; whichever HTTP parser is installed."""
    hosts = "".join(f"Host: {host.format(own=server.netloc)}\r\n" for host in named)
    address, port = server.netloc.split(":")
    with socket.create_connection((address, int(port)), timeout=20) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n".encode())
        assert connection.makefile("rb").readline().split()[1] == b"400"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "localhost:80@evil.example"}, 400),
        ({"Host": "localhost:80.evil.example"}, 400),
        ({"Origin": "http://localhost:3000.evil.example"}, 403),
        ({"Origin": "http://localhost:3000@evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:80/../evil.example"}, 403),
        ({"Origin": "http://[::1]:80evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Content-Type": "application/jsonx"}, 415),
        ({"Content-Type": "application/json-patch+json"}, 415),
        ({"Content-Type": "text/plain"}, 415),
        ({"Origin": "http://localhost:3000", "Content-Type": "application/json; charset=utf-8"}, 200),
        ({"Origin": "http://[::1]:3000", "Content-Type": "Application/JSON"}, 200),
    ],
)
def test_what_only_begins_like_one_of_ours_is_turned_away(
    server: Serving, headers: dict[str, str], status: int
) -> None:
    assert _modern(server, "tools/list", headers)[0] == status


def test_a_foreign_origin_is_turned_away(server: Serving) -> None:
    assert _modern(server, "tools/list", {"Origin": "https://evil.example.com"})[0] == 403


def test_the_approval_page_is_served_beside_mcp(server: Serving) -> None:
    status, headers, body = _request(server, "GET", "/approvals/", {})
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert b"<html" in body
    own = re.search(r"approvals at http://([^/]+)/", server.said)
    assert own is not None, server.said
    assert _request(server, "GET", "/approvals/", {"Host": own[1]})[0] == 200
    assert _request(server, "GET", "/mcp", {"Host": own[1]})[0] == 421
    status, headers, _ = _request(server, "GET", "/approvals", {})
    assert (status, headers["location"]) == (307, "/approvals/")
    assert _request(server, "GET", "/approvals/api/approvals", {})[0] == 401


def test_a_client_that_cannot_ask_is_told_where_the_page_is_without_a_token(
    server: Serving, unable_to_ask: dict[Era, Host], account: Account
) -> None:
    account.prepare("delete_bounce")
    pending = content(unable_to_ask["modern"].call("delete_bounce", EXAMPLES["delete_bounce"]["full"]))
    approval_id = pending["approval_id"]
    page = re.search(r"approvals at (http://[0-9a-f]{20}\.localhost:\d+/approvals/), listening", server.said)
    assert page is not None, server.said
    assert pending["decide"] == [
        {"channel": "page", "url": f"{page[1]}#/a/{approval_id}"},
        {"channel": "cli", "command": f"maton-mailgun approvals show {approval_id}"},
    ]


@pytest.mark.parametrize("era", ERAS)
def test_a_host_that_shows_apps_draws_what_waits_and_where_the_page_is(
    era: Era, server: Serving, account: Account
) -> None:
    account.prepare("send_message")
    with host(f"{server.url}/mcp", "absent", era, apps=True) as client:
        shown = draws_what_it_asks(client, {**EXAMPLES["send_message"]["full"], "subject": f"Drawn in {era}"})
    page = re.search(r"approvals at (http://[0-9a-f]{20}\.localhost:\d+/approvals/), listening", server.said)
    assert page is not None, server.said
    assert (shown["heading"], shown["decide"][0]) == (
        f"Drawn in {era}",
        {"channel": "page", "url": f"{page[1]}#/a/{shown['approval_id']}"},
    )
    assert account.writes() == []


def test_other_paths_answer_404(server: Serving) -> None:
    status, _, body = _request(server, "GET", "/", {})
    assert (status, body) == (404, b"There is nothing here. MCP is at /mcp.\n")


def test_the_server_names_neither_itself_nor_its_software(server: Serving) -> None:
    assert "server" not in _request(server, "GET", "/", {})[1]


@pytest.fixture(scope="module")
def guarded(environment: Environment) -> Iterator[Serving]:
    with serving({**environment(), "MATON_MAILGUN_HTTP_TOKEN": TOKEN}) as started:
        yield started


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}"],
)
def test_without_the_token_no_request_is_answered(guarded: Serving, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    for status, answered, body in (
        _modern(guarded, "tools/list", headers),
        _initialize(guarded, headers),
        _request(guarded, "GET", "/mcp", {**_ACCEPT, **headers}),
        _request(guarded, "DELETE", "/mcp", headers),
    ):
        assert (status, answered["www-authenticate"]) == (401, 'Bearer realm="maton-mailgun"')
        assert TOKEN not in str(body)


def test_two_authorization_headers_are_refused(guarded: Serving) -> None:
    connection = HTTPConnection(guarded.netloc, timeout=10)
    connection.putrequest("POST", "/mcp")
    for value in (f"Bearer {TOKEN}", "Bearer other"):
        connection.putheader("Authorization", value)
    connection.putheader("Content-Length", "0")
    connection.endheaders()
    assert connection.getresponse().status == 401


@pytest.mark.parametrize("era", ERAS)
def test_with_the_token_a_client_works_as_that_principal(era: Era, guarded: Serving, account: Account) -> None:
    account.prepare("delete_bounce")
    client = httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)
    with host(streamable_http_client(f"{guarded.url}/mcp", http_client=client), era=era) as connected:
        result = connected.call("delete_bounce", EXAMPLES["delete_bounce"]["full"])
    assert content(result)["status"] == "executed"
    assert "for “http:" in connected.asked[0]
    assert TOKEN not in connected.asked[0]


@pytest.mark.parametrize(
    ("address", "settings", "said"),
    [
        ("0.0.0.0:0", {}, "MATON_MAILGUN_HTTP_TOKEN"),
        ("[::]:0", {}, "MATON_MAILGUN_HTTP_TOKEN"),
        ("192.0.2.7:8000", {}, "MATON_MAILGUN_HTTP_TOKEN"),
        ("example.com:8000", {}, "MATON_MAILGUN_HTTP_TOKEN"),
        ("0.0.0.0:0", {"MATON_MAILGUN_HTTP_TOKEN": "short"}, "at least 32 characters"),
        ("127.0.0.1:0", {"MATON_MAILGUN_HTTP_TOKEN": "with a blank in the middle of it all"}, "without blanks"),
        ("127.0.0.1", {}, "Give HOST:PORT"),
        (":8000", {}, "Give HOST:PORT"),
        ("::1:8000", {}, "Give HOST:PORT"),
        ("127.0.0.1:99999", {}, "Give HOST:PORT"),
        ("127.0.0.1:0", {"MATON_MAILGUN_HTTP_URL": "mcp.example.com"}, "MATON_MAILGUN_HTTP_URL"),
    ],
)
def test_an_unsafe_or_broken_address_stops_the_start(
    address: str, settings: dict[str, str], said: str, environment: Environment
) -> None:
    command = [sys.executable, "-P", "-m", "maton_mailgun", "serve", "--http", address]
    done = subprocess.run(
        command, env={**environment(), **settings}, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("maton-mailgun: ")
    assert said in done.stderr
    assert not any(value in done.stderr for name, value in settings.items() if name.endswith("TOKEN"))


def test_a_taken_port_stops_the_start_with_the_reason(server: Serving, environment: Environment) -> None:
    command = [sys.executable, "-P", "-m", "maton_mailgun", "serve", "--http", server.netloc]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "Cannot listen on 127.0.0.1 port" in done.stderr


def test_other_machines_may_come_in_with_the_token_and_by_the_public_name(environment: Environment) -> None:
    settings = {"MATON_MAILGUN_HTTP_TOKEN": TOKEN, "MATON_MAILGUN_HTTP_URL": "https://mcp.example.com"}
    with serving({**environment(), **settings}, "0.0.0.0:0") as started:
        assert started.said.startswith("maton-mailgun: MCP at https://mcp.example.com/mcp (bearer token needed)")
        token = {"Authorization": f"Bearer {TOKEN}"}
        assert _modern(started, "tools/list", {**token, "Host": "mcp.example.com"})[0] == 200
        assert _modern(started, "tools/list", {**token, "Host": "other.example.com"})[0] == 421
        assert _request(started, "GET", "/approvals/", {"Host": "mcp.example.com"})[0] == 200


def test_a_signal_lets_a_call_in_flight_end_and_its_write_settle(environment: Environment, account: Account) -> None:
    """The service answers late and the process gets SIGTERM meanwhile: the caller has its result all the same."""
    account.prepare("")
    account.arm({"fault": {"delay": 1.0}, "match": {"method": "POST", "path_regex": "/bounces"}, "act": True})
    with serving(environment()) as started, host(f"{started.url}/mcp") as connected, ThreadPoolExecutor() as pool:
        connected.tools()
        calling = pool.submit(connected.call, "add_bounce", EXAMPLES["add_bounce"]["full"])
        wait_until(lambda: bool(account.writes()), "the write to leave")
        started.process.send_signal(signal.SIGTERM)
        assert content(calling.result(timeout=20))["status"] == "executed"
        assert started.process.wait(timeout=20) == 0
    assert [request["status"] for request in account.writes()] == [200]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows counts no sockets among files")
def test_connections_with_unfinished_headers_keep_nobody_out(environment: Environment) -> None:
    """More of them than the process may have open at all."""
    from resource import RLIMIT_NOFILE, getrlimit, setrlimit

    before = getrlimit(RLIMIT_NOFILE)
    setrlimit(RLIMIT_NOFILE, (256, before[1]))
    try:
        started_with_few = serving(environment())
        started = started_with_few.__enter__()
    finally:
        setrlimit(RLIMIT_NOFILE, before)
    with ExitStack() as held:
        held.push(started_with_few)
        address, port = started.netloc.split(":")
        for _ in range(400):
            junk = held.enter_context(socket.create_connection((address, int(port)), timeout=20))
            junk.sendall(b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-Half: ")
        assert _modern(started, "tools/list")[0] == 200
        assert _request(started, "GET", "/approvals/", {})[0] == 200


def test_an_idle_session_does_not_keep_the_process_from_stopping(environment: Environment) -> None:
    with serving(environment()) as started, host(f"{started.url}/mcp", era="legacy") as connected:
        connected.tools()
        started.process.send_signal(signal.SIGINT)
        assert started.process.wait(timeout=5) == 0


def _request(
    server: Serving, method: str, path: str, headers: dict[str, str], body: str | None = None
) -> tuple[int, dict[str, str], bytes]:
    connection = HTTPConnection(server.netloc, timeout=10)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, content


def _modern(server: Serving, method: str, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], Any]:
    """One request of 2026-07-28: everything about the client travels with it."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    }
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": meta}})
    sent = {**_ACCEPT, "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method, **(headers or {})}
    status, answered, content = _request(server, "POST", "/mcp", sent, body)
    return status, answered, json.loads(content) if answered.get("content-type") == "application/json" else content


def _initialize(server: Serving, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
    """The first request of an earlier client."""
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})
    return _request(server, "POST", "/mcp", {**_ACCEPT, **(headers or {})}, body)

"""What an operator sees of `serve --http`: whether it lives, whether it is ready, its numbers, and how it stops."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import anyio
import mcp_types as types
import pytest
from mcp import Client
from prometheus_client.parser import text_string_to_metric_families

from catalogue.files import EXAMPLES

from .account import Account
from .conftest import wait_until
from .host import VERSIONS, Era, content, host
from .serving import Serving, serving

pytestmark = pytest.mark.slow

Environment = Callable[[], dict[str, str]]
ERAS: tuple[Era, ...] = ("modern", "legacy")


@pytest.fixture(scope="module")
def watched(environment: Environment) -> Iterator[tuple[Serving, str]]:
    """A server, and the host and port of its numbers."""
    with serving({**environment(), "MATON_MAILGUN_METRICS": "127.0.0.1:0"}) as started:
        _, _, rest = started.said.partition("metrics at http://")
        yield started, rest.partition("/metrics")[0]


def get(netloc: str, path: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    connection = HTTPConnection(netloc, timeout=20)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    said = answer.read().decode()
    connection.close()
    return answer.status, said


def numbers(netloc: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """All samples by name and labels, as Prometheus' own parser reads them."""
    status, said = get(netloc, "/metrics")
    assert status == 200
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(said):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def test_it_says_that_it_lives_and_is_ready_under_any_name_and_nothing_else(watched: tuple[Serving, str]) -> None:
    server, _ = watched
    for named in ({}, {"Host": "10.0.0.7:8000"}):
        assert get(server.netloc, "/healthz", **named) == (200, '{"status":"alive"}')
        assert get(server.netloc, "/readyz", **named) == (200, '{"status":"ready"}')
    assert get(server.netloc, "/readyz", "HEAD") == (200, "")
    assert get(server.netloc, "/readyz", "POST")[0] == 405


def test_it_is_not_ready_while_the_policy_cannot_be_read(environment: Environment, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[[rule]]\nname = "all"\ndecision = "ask"\n')
    with serving({**environment(), "MATON_MAILGUN_POLICY": str(policy)}) as started:
        assert get(started.netloc, "/readyz")[0] == 200
        policy.write_text("[[rule]")
        unready = '{"status":"not ready","why":"policy"}'
        wait_until(lambda: get(started.netloc, "/readyz") == (503, unready), "the broken policy to be seen")
        assert get(started.netloc, "/healthz")[0] == 200


def test_it_is_not_ready_where_the_store_cannot_be_opened(environment: Environment) -> None:
    settings = {**environment(), "MATON_MAILGUN_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    with serving(settings) as started:
        assert get(started.netloc, "/readyz") == (503, '{"status":"not ready","why":"store"}')
        assert get(started.netloc, "/healthz")[0] == 200


@pytest.mark.parametrize("era", ERAS)
def test_calls_are_counted_by_tool_and_outcome(era: Era, watched: tuple[Serving, str], account: Account) -> None:
    server, netloc = watched
    account.prepare("delete_bounce")
    before = numbers(netloc)

    def more(name: str, **labels: str) -> float:
        key = tuple(sorted(labels.items()))
        return numbers(netloc)[name].get(key, 0.0) - before.get(name, {}).get(key, 0.0)

    with host(f"{server.url}/mcp", era=era) as client:
        assert content(client.call("list_domains", {}))["status"] == "ok"
        assert content(client.call("delete_bounce", EXAMPLES["delete_bounce"]["full"]))["status"] == "executed"
        assert content(client.call("get_domain", {"domain": "absent.example.com"}))["status"] == "error"
    assert more("maton_mailgun_calls_total", tool="list_domains", outcome="ok") == 1
    assert more("maton_mailgun_calls_total", tool="delete_bounce", outcome="executed") == 1
    assert more("maton_mailgun_calls_total", tool="get_domain", outcome="mailgun_refused") == 1
    assert more("maton_mailgun_gateway_requests_total", status="404") == 1
    assert more("maton_mailgun_call_seconds_count") == (4 if era == "modern" else 3)
    succeeded = (("state", "succeeded"),)
    wait_until(lambda: numbers(netloc)["maton_mailgun_approvals"].get(succeeded, 0) >= 1, "the approval to be counted")
    assert numbers(netloc)["maton_mailgun_store_up"][()] == 1


def test_no_label_holds_a_name_an_address_or_an_id(watched: tuple[Serving, str], account: Account) -> None:
    server, netloc = watched
    account.prepare("delete_bounce")
    with host(f"{server.url}/mcp") as client:
        client.call("delete_bounce", EXAMPLES["delete_bounce"]["full"])
    labels = {value for samples in numbers(netloc).values() for key in samples for _, value in key}
    told = {one for one in labels if "@" in one or "apr_" in one or "mg.example" in one or "sandbox-maton" in one}
    assert told == set()


def test_numbers_and_mcp_are_apart(watched: tuple[Serving, str]) -> None:
    server, netloc = watched
    assert get(server.netloc, "/metrics")[0] == 404
    assert {get(netloc, path)[0] for path in ("/mcp", "/approvals/", "/healthz", "/")} == {404}
    assert get(netloc, "/metrics", "POST")[0] == 405


@pytest.mark.parametrize(
    ("address", "said"), [("8000", "Give HOST:PORT"), ("192.0.2.7:9464", "Cannot listen on 192.0.2.7 port 9464")]
)
def test_an_address_for_numbers_that_cannot_be_used_stops_the_start(
    address: str, said: str, environment: Environment
) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "maton_mailgun", "serve", "--http", "127.0.0.1:0"],
        env={**environment(), "MATON_MAILGUN_METRICS": address}, capture_output=True, text=True, timeout=30,
        check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert said in done.stderr


# Stopping ---------------------------------------------------------------------------------------------------------


async def _slow_person(context: Any, params: Any) -> types.ElicitResult:
    await anyio.sleep_forever()
    raise AssertionError


def told_when_stopped(started: Serving, call: Callable[[Client], Any], begun: Callable[[], bool], era: Era) -> Any:
    """What a call that is under way is told when the process gets SIGTERM, and after how many seconds."""

    async def calling() -> Any:
        mode: Any = "legacy" if era == "legacy" else "auto"
        async with Client(f"{started.url}/mcp", mode=mode, elicitation_callback=_slow_person) as client:
            assert client.protocol_version == VERSIONS[era]
            # The client looks at them after the first call otherwise, and nobody answers any more.
            await client.list_tools()
            return await call(client)

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(anyio.run, calling)
        wait_until(begun, "the call to be under way")
        at = time.monotonic()
        started.process.send_signal(signal.SIGTERM)
        result = waiting.result(timeout=30)
    return result, time.monotonic() - at


def waits(started: Serving, home: dict[str, str], number: int) -> bool:
    """Whether so many approvals wait for a person."""
    command = [sys.executable, "-P", "-m", "maton_mailgun", "approvals", "list", "--json"]
    done = subprocess.run(command, env=home, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout.count('"pending"') >= number


def test_a_call_that_waits_for_a_person_is_told_so_when_the_server_stops(
    environment: Environment, account: Account
) -> None:
    """An earlier client, whose form is open in the middle of its call."""
    account.prepare("delete_bounce")
    settings = environment()
    with serving(settings) as started:

        async def call(client: Client) -> Any:
            return await client.call_tool("delete_bounce", EXAMPLES["delete_bounce"]["full"])

        result, seconds = told_when_stopped(started, call, lambda: waits(started, settings, 1), "legacy")
        told = content(result)
        assert (told["status"], told["executed"]) == ("approval_required", False)
        assert "form" not in {way["channel"] for way in told["decide"]}
        assert seconds < 4
        assert started.process.wait(timeout=20) == 0
    assert account.writes() == []


@pytest.mark.parametrize("era", ERAS)
def test_a_call_that_waits_for_a_decision_is_told_so_when_the_server_stops(
    era: Era, environment: Environment, account: Account
) -> None:
    account.prepare("delete_bounce")
    settings = {**environment(), "MATON_MAILGUN_APPROVAL": "operator"}
    with serving(settings) as started:
        waiting = anyio.Event()

        async def call(client: Client) -> Any:
            asked = await client.call_tool("delete_bounce", EXAMPLES["delete_bounce"]["full"])
            waiting.set()
            asking = {"approval_id": content(asked)["approval_id"], "wait_seconds": 4}
            return await client.call_tool("get_approval", asking)

        result, seconds = told_when_stopped(started, call, waiting.is_set, era)
        assert (content(result)["status"], content(result)["executed"]) == ("approval_required", False)
        assert seconds < 3
        assert started.process.wait(timeout=20) == 0
    assert account.writes() == []


@pytest.mark.parametrize("era", ERAS)
def test_a_write_that_outlasts_the_stop_is_told_as_under_way_and_settles(
    era: Era, environment: Environment, account: Account
) -> None:
    account.prepare("")
    account.arm({"fault": {"delay": 8.0}, "match": {"method": "POST", "path_regex": "/bounces"}, "act": True})
    settings = environment()
    with serving(settings) as started, ThreadPoolExecutor() as pool, host(f"{started.url}/mcp", era=era) as connected:
        connected.tools()
        calling = pool.submit(connected.call, "add_bounce", EXAMPLES["add_bounce"]["full"])
        wait_until(lambda: bool(account.writes()), "the write to leave")
        started.process.send_signal(signal.SIGTERM)
        wait_until(lambda: get(started.netloc, "/readyz")[0] == 503, "the server to say that it stops")
        assert get(started.netloc, "/readyz") == (503, '{"status":"not ready","why":"stopping"}')
        assert get(started.netloc, "/healthz")[0] == 200
        assert get(started.netloc, "/mcp", "POST")[0] == 503
        told = content(calling.result(timeout=20))
        assert told["status"] in ("executing", "outcome_unknown"), told
        assert started.process.wait(timeout=20) == 0
    assert [request["status"] for request in account.writes()] == [200]
    with serving(settings) as again, host(f"{again.url}/mcp", era=era) as connected:
        now = content(connected.call("get_approval", {"approval_id": told["approval_id"]}))
    assert now["status"] == "executed", json.dumps(now)
    assert len(account.writes()) == 1


@pytest.mark.parametrize("era", ERAS)
def test_a_read_that_outlasts_the_stop_is_told_that_nothing_came(
    era: Era, environment: Environment, account: Account
) -> None:
    account.prepare("")
    account.arm({"fault": {"delay": 12.0}, "match": {"method": "GET", "path_regex": "/v3/domains"}, "act": True})
    with serving(environment()) as started:

        async def call(client: Client) -> Any:
            return await client.call_tool("list_domains", {})

        result, _ = told_when_stopped(started, call, lambda: "/v3/domains" in str(account.reads()), era)
        assert content(result)["error"]["kind"] == "stopping"
        assert started.process.wait(timeout=20) == 0

"""Attacks 27, 32, 33 and 36 with real processes: secrets in what they leave behind, races, sudden deaths, restarts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from maton_mailgun.approval.channels import terminal as approver
from maton_mailgun.approval.lifecycle.decide import Decision
from maton_mailgun.approval.lifecycle.reconcile import GRACE_SECONDS, LEASE_SECONDS
from maton_mailgun.approval.store import audit
from maton_mailgun.approval.store.record import finished
from maton_mailgun.sandbox import RunningSandbox, Sandbox, serve
from maton_mailgun.sandbox.account.seed import CONNECTION_ID, DOMAIN, ROUTE_ID
from maton_mailgun.sandbox.control.faults import parse_fault

from .bench import APPROVE, KEY, LETTER, Desk, decide, structured

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
VICTIM = Path(__file__).with_name("victim.py")
ROUTE = {"route_id": ROUTE_ID}


@pytest.fixture
def running() -> Iterator[RunningSandbox]:
    """A sandbox on a real port."""
    with serve(Sandbox()) as served:
        yield served


@pytest.fixture
def desk(tmp_path: Path, running: RunningSandbox) -> Desk:
    """An installation whose processes reach that sandbox."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return Desk(home, running.sandbox, api_url=running.url)


class Victim:
    """A server process under test."""

    def __init__(self, desk: Desk, *words: str) -> None:
        command = [sys.executable, str(VICTIM), str(desk.home), desk.api_url, *words]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def hear(self) -> dict[str, Any]:
        """The next thing it says."""
        assert self.process.stdout is not None
        said: dict[str, Any] = json.loads(self.process.stdout.readline())
        return said

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def until(condition: Callable[[], bool]) -> None:
    """Look until something is so, for at most 20 s."""
    deadline = time.monotonic() + 20.0
    while not condition():
        assert time.monotonic() < deadline
        os.sched_yield()


async def approve_elsewhere(desk: Desk, approval_id: str) -> None:
    """A yes by a process that carries nothing out."""
    there = await approver.Terminal.open(replace(desk.settings))
    record = await there.get(approval_id)
    assert record is not None
    await there.decide(record, Decision(approve=True, level="operator", channel="cli", decider="tester at a terminal"))
    await there.close()


# 32 ------------------------------------------------------------------------------------------------------------------


async def test_attack_32_two_processes_with_one_approval_make_one_write(desk: Desk) -> None:
    racers = [Victim(desk, "race"), Victim(desk, "race")]
    assert [racer.hear() for racer in racers] == [{"at": "ready"}] * 2
    for number in range(5):
        async with desk.open() as house, house.client() as client:
            letter = {**LETTER, "subject": f"Race {number}"}
            approval_id = structured(await client.call_tool("send_message", letter))["approval_id"]
        await approve_elsewhere(desk, approval_id)
        for racer in racers:
            racer.tell(approval_id)
        assert [racer.hear() for racer in racers] == [{"state": "succeeded"}] * 2
        assert len(desk.writes()) == number + 1
    for racer in racers:
        racer.tell("")
        assert racer.process.wait(20) == 0
    async with desk.open() as house:
        assert (await audit.verify(house.gate.store)).ok


# 33 ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tool", "arguments", "point", "writes", "at_once", "later"),
    [
        ("send_message", LETTER, "before the claim", 1, "succeeded", "succeeded"),
        ("send_message", LETTER, "after the claim", 0, "executing", "unknown"),
        ("send_message", LETTER, "after the request", 1, "executing", "succeeded"),
        ("send_message", LETTER, "before settling", 1, "executing", "succeeded"),
        ("delete_route", ROUTE, "after the claim", 0, "executing", "failed"),
        ("delete_route", ROUTE, "after the request", 1, "executing", "succeeded"),
    ],
)
async def test_accident_33_a_sudden_death_is_at_most_one_write_and_the_right_state(
    desk: Desk, tool: str, arguments: dict[str, Any], point: str, writes: int, at_once: str, later: str
) -> None:
    """Before the claim the yes is still good and the next process acts on it; after it nothing is sent again."""
    if point == "after the request":
        method = "DELETE" if tool == "delete_route" else "POST"
        desk.sandbox.faults.append(
            parse_fault({"fault": {"delay": 60.0}, "act": True, "match": {"method": method}}),
        )
    victim = Victim(desk, "die", point, tool, json.dumps(arguments))
    try:
        if point == "after the request":
            until(lambda: bool(desk.writes()) and desk.writes()[0]["acted"])
        else:
            assert victim.hear() == {"at": point}
    finally:
        victim.kill()
    desk.clock.now = time.time()
    async with desk.open() as house:
        approval_id = (await house.only()).id
        record = await house.gate.wait(approval_id, 0.5 if at_once == "executing" else 10.0, finished)
        assert record.state == at_once
    async with desk.open() as house:
        for seconds in (LEASE_SECONDS + 1.0, LEASE_SECONDS + GRACE_SECONDS + 1.0):
            desk.clock.let_pass(seconds)
            await house.gate.store.sweep()
            found = await house.gate.get(approval_id)
            assert found is not None
            if found.state == "unknown":
                found = await house.gate._reconciliation.look(found)
        assert found is not None
        assert found.state == later
        async with house.client() as client:
            told = await client.call_tool("get_approval", {"approval_id": approval_id})
        status = {"succeeded": "executed", "unknown": "outcome_unknown", "failed": "failed"}[later]
        executed = {"succeeded": True, "unknown": "unknown", "failed": False}[later]
        assert (structured(told)["status"], structured(told)["executed"]) == (status, executed)
        assert str(structured(told).get("headline", "")).startswith("OUTCOME UNKNOWN") == (later == "unknown")
        assert (await audit.verify(house.gate.store)).ok
    assert len(desk.writes()) == writes


# 36 ------------------------------------------------------------------------------------------------------------------


def server(desk: Desk, **environment: str) -> StdioServerParameters:
    """The server as a client starts it."""
    own = {
        "MATON_API_KEY": KEY,
        "MATON_API_URL": desk.api_url,
        "MATON_MAILGUN_HOME": str(desk.home),
        "MATON_MAILGUN_PAGE": "false",
    }
    return StdioServerParameters(
        command=sys.executable, args=["-P", "-m", "maton_mailgun", "serve"], env={**os.environ, **own, **environment}
    )


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_accident_36_a_restart_while_pending_keeps_id_preview_and_state(desk: Desk, mode: str) -> None:
    async with Client(stdio_client(server(desk)), mode=mode) as client:
        before = structured(await client.call_tool("delete_route", ROUTE))
    async with Client(stdio_client(server(desk)), mode=mode) as client:
        asked = structured(await client.call_tool("get_approval", {"approval_id": before["approval_id"]}))
        again = structured(await client.call_tool("delete_route", ROUTE))
        assert asked == again == before
        assert desk.writes() == []
        await approve_elsewhere(desk, before["approval_id"])
        waited = {"approval_id": before["approval_id"], "wait_seconds": 20}
        done = structured(await client.call_tool("get_approval", waited))
        assert (done["status"], done["approved_by"]) == ("executed", "tester at a terminal")
    assert len(desk.writes()) == 1


# 27 ------------------------------------------------------------------------------------------------------------------

CANARIES = {
    "the Maton key": "canary-key-4f1d9c",
    "a password that was given": "canary-given-77aa31",
    "a password that Mailgun made": "canary-made-0b52e8",
    "a password in an answer": "canary-told-6c90d2",
    "a session token": "canary-token-91be44",
}


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


async def test_attack_27_no_secret_is_in_any_result_log_or_file(desk: Desk, tmp_path: Path) -> None:
    sandbox = desk.sandbox
    sandbox.api_keys = (CANARIES["the Maton key"],)
    sandbox.settings.smtp_password_in_answers = True
    sandbox.account.domains[DOMAIN].smtp_password = CANARIES["a password in an answer"]
    connection = sandbox.connections[CONNECTION_ID]
    connection.url = f"https://connect.maton.ai/?session_token={CANARIES['a session token']}"
    given, made, token = (
        CANARIES[name] for name in ("a password that was given", "a password that Mailgun made", "a session token")
    )
    domain = {"name": "new.example.com", "smtp_password": given}
    login = {"domain": DOMAIN, "login": "alice", "password": given}
    generated = {"message": "Created", "credentials": {"bob@mg.example.com": made}}
    link = {"connection_id": "c", "status": "PENDING", "app": "mailgun", "url": connection.url}
    faults: list[tuple[str, dict[str, Any], dict[str, Any] | None]] = [
        ("list_connections", {}, None),
        ("get_connection", {"connection_id": CONNECTION_ID}, None),
        ("list_domains", {}, None),
        ("get_domain", {"domain": DOMAIN}, None),
        ("delete_domain", {"domain": DOMAIN}, {"status": 403, "body": {"message": "no"}}),
        ("create_domain", domain, None),
        ("create_domain", domain, {"status": 400, "body": {"message": f"the value {given} is too weak"}}),
        ("create_domain", {**domain, "name": "two.example.com"}, {"status": 400, "body": f"smtp_password: {given}"}),
        ("create_domain", {**domain, "name": "three.example.com"}, {"status": 500, "body": f"<b>{given}</b>"}),
        ("create_domain", {**domain, "name": "four.example.com"}, {"drop": "after"}),
        ("create_domain", {**domain, "name": "five.example.com"}, {"status": 200, "body": {"domain": {"x": given}}}),
        ("create_domain", {**domain, "smtp_pasword": given}, None),
        ("create_domain", {**domain, "smtp_password": [given]}, None),
        ("create_credential", login, None),
        ("create_credential", {**login, "login": "carol"}, {"status": 429, "body": {"message": given}}),
        ("create_credential", {"domain": DOMAIN, "login": "bob"}, {"status": 200, "body": generated}),
        ("create_connection", {}, {"status": 200, "body": link}),
        ("create_connection", {}, {"status": 400, "body": {"message": f"see {connection.url}"}}),
        ("delete_connection", {"connection_id": CONNECTION_ID}, {"status": 500, "body": {"error": connection.url}}),
        ("list_domains", {}, {"status": 401, "body": {"error": {"code": 1, "message": CANARIES["the Maton key"]}}}),
        ("send_message", {**LETTER, "subject": "Two"}, {"status": 400, "body": CANARIES["the Maton key"]}),
        ("send_message", LETTER, {"status": 401, "body": {"message": f"Bearer {CANARIES['the Maton key']} is bad"}}),
    ]
    seen: list[str] = []
    results: list[str] = []

    async def yes(context: Any, params: Any) -> types.ElicitResult:
        seen.append(params.message)
        return types.ElicitResult(action="accept", content=dict(APPROVE))

    parameters = server(desk, MATON_API_KEY=CANARIES["the Maton key"], MATON_MAILGUN_LOG_LEVEL="debug")
    with (tmp_path / "log").open("w") as log:
        transport = stdio_client(parameters, errlog=log)
        async with Client(transport, elicitation_callback=yes) as client:
            for name, arguments, fault in faults:
                if fault is not None:
                    methods = {"delete": "DELETE", "list": "GET"}
                    matched = {"method": methods.get(name.partition("_")[0], "POST")}
                    sandbox.faults.append(parse_fault({"fault": fault, "match": matched}))
                result = await client.call_tool(name, arguments)
                results.append(f"{name}: {result.model_dump_json()}")
                sandbox.faults.clear()
            results.append((await client.call_tool("list_approvals", {"limit": 100})).model_dump_json())
    left = files(tmp_path)
    assert left["log"]
    assert len(seen) >= 12
    places = {**left, **{f"question {n}": text.encode() for n, text in enumerate(seen)}}
    places |= {f"result {n}": text.encode() for n, text in enumerate(results)}
    found = {
        (what, place) for what, canary in CANARIES.items() for place, text in places.items() if canary.encode() in text
    }
    assert found == set()
    assert token not in json.dumps(results)


async def test_attack_27_a_password_that_mailgun_made_is_shown_once_to_the_approver(desk: Desk) -> None:
    made = CANARIES["a password that Mailgun made"]
    body = {"message": "Created", "credentials": {"bob@mg.example.com": made}}
    desk.sandbox.faults.append(parse_fault({"fault": {"status": 200, "body": body}, "match": {"method": "POST"}}))
    async with desk.open() as house, house.client() as client:
        proposed = structured(await client.call_tool("create_credential", {"domain": DOMAIN, "login": "bob"}))
        record = await decide(house, proposed["approval_id"])
        told = await client.call_tool("get_approval", {"approval_id": record.id})
        assert made not in told.model_dump_json()
        assert "secret_note" in structured(told)
        assert await house.gate.secret(record.id) == {"bob@mg.example.com": made}
        assert await house.gate.secret(record.id) is None
        assert structured(await client.call_tool("get_approval", {"approval_id": record.id})) == structured(told)

"""What `doctor` says of the account, to the person who can mend it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from engine.doubles import Says, Scripted, connection, engine_over
from maton_mailgun import errors
from maton_mailgun.catalogue.rows import load
from maton_mailgun.cli.account_findings import account, clock, refused
from maton_mailgun.cli.findings import Finding
from maton_mailgun.errors import CallError
from maton_mailgun.exchange import Outcome
from maton_mailgun.protocol.approval_schemas import TOOLS
from maton_mailgun.sandbox import RunningSandbox

from .conftest import Cli

EU = "Domains of Mailgun's EU region (api.eu.mailgun.net) cannot be reached through this gateway"


def listed(**domains: str) -> Says:
    """Mailgun's list of domains, by their state."""
    items = [{"name": f"{name}.example.com", "state": state, "type": "custom"} for name, state in domains.items()]
    return Says(body={"items": items, "total_count": len(items)})


def found(transport: Scripted, **settings: Any) -> dict[str, Finding]:
    """What is found of an account, by what it is about."""
    return {one.about: one for one in asyncio.run(account(engine_over(transport, **settings)))}


def test_an_account_that_works_is_told_with_its_domains_by_state() -> None:
    assert found(Scripted([listed(one="active", two="active")])) == {
        "Maton key": Finding("good", "Maton key", "set"),
        "gateway": Finding("good", "gateway", "http://127.0.0.1:9 answers and takes the key"),
        "connections": Finding("good", "connections", "78b5a036-c621-40c2-b74b-276195735af2 is used"),
        "domains": Finding("good", "domains", "2 active"),
    }


def test_domains_that_are_not_verified_are_named() -> None:
    names = {f"d{number}": "unverified" for number in range(7)}
    assert found(Scripted([listed(one="active", **names)]))["domains"] == Finding(
        "warn",
        "domains",
        "1 active; 7 unverified",
        "Not verified: “d0.example.com”, “d1.example.com”, “d2.example.com”, “d3.example.com”, “d4.example.com” and 2 "
        "more. Set the DNS records that Mailgun names.",
    )


def test_no_domain_at_all_hints_at_the_eu_region() -> None:
    domains = found(Scripted([listed()]))["domains"]
    assert (domains.verdict, domains.found, EU in domains.right) == ("warn", "none", True)


def test_each_of_several_connections_is_looked_into_and_a_choice_asked_for() -> None:
    seen = found(Scripted([listed(one="active"), listed()], [connection("conn-1"), connection("conn-2")]))
    assert seen["connections"] == Finding(
        "warn",
        "connections",
        "2 active and none chosen",
        "Set MATON_CONNECTION_ID to one of conn-1, conn-2; else the assistant asks which is meant.",
    )
    assert [(name, one.found) for name, one in seen.items() if name.startswith("domains")] == [
        ("domains of conn-1", "1 active"),
        ("domains of conn-2", "none"),
    ]


def test_a_chosen_connection_is_the_one_that_is_looked_into() -> None:
    transport = Scripted([listed(one="active")], [connection("conn-1"), connection("conn-2")])
    seen = found(transport, connection_id="conn-2")
    assert (seen["connections"].found, seen["domains"].found) == ("conn-2 is used", "1 active")
    assert [request.headers["maton-connection"] for request in transport.arrived] == ["conn-2"]


def test_what_mailgun_refuses_is_told_with_what_a_person_can_do() -> None:
    domains = found(Scripted([Says(401, b"Forbidden", {"content-type": "text/plain"})]))["domains"]
    assert (domains.verdict, domains.right) == (
        "bad",
        "Connect Mailgun anew at maton.ai: what the connection holds no longer opens the account.",
    )


KINDS = [
    one
    for one in vars(errors).values()
    if isinstance(one, type) and issubclass(one, CallError) and one is not CallError
]


@pytest.mark.parametrize("kind", sorted({one.kind for one in KINDS}))
def test_no_advice_is_for_a_model(kind: str) -> None:
    outcome = Outcome({"error": {"kind": kind, "message": "It failed", "next": "Call list_domains."}}, is_error=True)
    right = refused("gateway", "https://api.maton.ai", outcome).right
    names = {*load(), *(tool["name"] for tool in TOOLS)}
    assert right
    assert [name for name in names if name in right] == []
    assert "Ask the user" not in right


@pytest.mark.parametrize(
    ("off", "words"),
    [
        (0.0, None),
        (59.0, None),
        (-59.0, None),
        (61.0, "this machine's clock is at least 60 seconds ahead of the gateway's"),
        (-3600.0, "this machine's clock is at least 3,599 seconds behind the gateway's"),
    ],
)
def test_a_clock_that_is_off_is_told(off: float, words: str | None) -> None:
    there = 1_800_000_000
    told = clock(there, there + off + 0.2, there + off + 0.9)
    assert (told.verdict, told.found) == (
        ("good", "this machine's clock agrees with the gateway's") if words is None else ("warn", words)
    )


class OnTime(Scripted):
    """The same, saying what time it is."""

    async def handle_async_request(self, request: Any) -> Any:
        reply = await super().handle_async_request(request)
        reply.headers["date"] = "Fri, 01 Jan 2027 00:00:00 GMT"
        return reply


def test_the_clock_is_held_against_the_gateways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maton_mailgun.cli.account_findings.time.time", lambda: 1_798_761_600.0 - 7200)
    told = found(OnTime([listed(one="active")]))["time"]
    assert (told.verdict, told.found) == ("warn", "this machine's clock is at least 7,200 seconds behind the gateway's")


@pytest.mark.slow
def test_as_json_it_is_one_document_with_the_same_verdicts_and_exit_status(
    online: Cli, sandbox: RunningSandbox
) -> None:
    done = online("doctor", "--json")
    told = json.loads(done.out)
    by_about = {one["about"]: one["verdict"] for one in told["findings"]}
    assert (done.status, done.err, told["ready"]) == (0, "", True)
    assert {"Python", "versions", "Maton key", "gateway", "time", "domains", "state directory"} <= by_about.keys()
    assert (by_about["time"], by_about["domains"]) == ("good", "warn")
    assert sandbox.sandbox.api_keys[0] not in done.out
    online.env["MATON_API_KEY"] = "another-key"
    done = online("doctor", "--json")
    assert (done.status, json.loads(done.out)["ready"]) == (1, False)
    assert "another-key" not in done.out


@pytest.mark.slow
def test_toolsets_on_offer_do_not_keep_it_from_looking(online: Cli) -> None:
    online.env["MATON_MAILGUN_TOOLSETS"] = "templates"
    done = online("doctor")
    assert (done.status, "domains: 2 active" in done.out) == (0, True), done.out


@pytest.mark.slow
def test_where_nobody_could_decide_it_is_not_ready(online: Cli) -> None:
    online.env["MATON_MAILGUN_APPROVAL"] = "operator"
    done = online("doctor")
    assert done.status == 1
    assert "✘ approval: only the page or the terminal counts here, and neither can be used" in done.out


@pytest.mark.slow
def test_off_the_path_its_commands_run_as_they_are_printed(online: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    online.env["PATH"] = "/usr/bin:/bin"
    told = [line for line in online("doctor").out.splitlines() if "run: " in line]
    commands = [line.partition("run: ")[2].split() for line in told]
    assert [Path(command[0]).is_absolute() for command in commands] == [True, True]
    assert [command[-2:] for command in commands] == [["approvals", "passphrase"], ["HOST", "--write"]]

"""Attack 102: an operator stops everything. Nothing gets through until a person lifts it, whatever a model tries."""

from __future__ import annotations

from typing import Any

import pytest

from maton_mailgun.approval.channels.terminal import Terminal
from maton_mailgun.approval.told import timestamp

from .bench import APPROVE, DOMAIN, LETTER, Desk, Person, headline, structured

pytestmark = pytest.mark.anyio
ERAS = pytest.mark.parametrize("mode", ["auto", "legacy"])
ALLOW = '[[rule]]\nname = "all"\ntools = ["*"]\ndecision = "allow"\n'


async def stop(desk: Desk, reason: str | None = None) -> int:
    """As `approvals stop` does, in a process of its own."""
    terminal = await Terminal.open(desk.settings)
    try:
        return await terminal.stop(by="ann at a terminal", reason=reason)
    finally:
        await terminal.close()


async def go_on(desk: Desk) -> bool:
    terminal = await Terminal.open(desk.settings)
    try:
        return await terminal.go_on(by="ann at a terminal")
    finally:
        await terminal.close()


@ERAS
async def test_attack_102_while_stopped_a_write_is_refused_and_a_read_is_not(desk: Desk, mode: str) -> None:
    person = Person(desk.clock, APPROVE)
    async with desk.open() as house, house.client(person, mode=mode) as client:
        before = desk.clock()
        assert await stop(desk) == 0
        moments = {timestamp(second) for second in range(int(before), int(desk.clock()) + 3)}
        refused = await client.call_tool("send_message", LETTER)
        read = await client.call_tool("list_domains", {})

        assert refused.is_error
        error = structured(refused)["error"]
        said = "All writes were stopped by a person, and nobody has lifted that yet. Nothing was sent. "
        assert error["kind"] == "refused"
        assert error["message"] in {f"{said}It was ann at a terminal, {moment}." for moment in moments}
        assert "maton-mailgun approvals resume" in error["next"]
        assert not read.is_error
        assert (person.questions, await house.gate.list()) == ([], [])

        assert await go_on(desk)
        assert structured(await client.call_tool("send_message", LETTER))["executed"] is True
    assert len(desk.writes()) == 1


async def test_attack_102_a_rule_that_allows_everything_lets_nothing_through_while_stopped(desk: Desk) -> None:
    policy = desk.home / "policy.toml"
    policy.write_text(ALLOW)
    policy.chmod(0o600)
    async with desk.open(policy=policy) as house, house.client() as client:
        assert structured(await client.call_tool("delete_bounce", _BOUNCE))["executed"] is True
        await stop(desk)
        refused = await client.call_tool("delete_bounce", {**_BOUNCE, "address": "full@example.org"})
        assert refused.is_error
        assert "stopped by a person" in structured(refused)["error"]["message"]
    assert len(desk.writes()) == 1


@ERAS
async def test_attack_102_a_yes_to_a_form_that_was_open_at_the_stop_sends_nothing(desk: Desk, mode: str) -> None:
    person = Person(desk.clock, APPROVE)
    person.meanwhile = lambda: stop(desk, "the key leaked")
    async with desk.open() as house, house.client(person, mode=mode) as client:
        told = await client.call_tool("send_message", LETTER)
        assert headline(told).startswith("NOT EXECUTED")
        assert (structured(told)["status"], structured(told)["reason"]) == ("rejected", "the key leaked")
        assert (await house.only()).state == "rejected"
    assert desk.writes() == []


async def test_attack_102_a_write_under_way_is_not_cut_and_its_outcome_is_told(desk: Desk) -> None:
    async with desk.open() as house, house.client(Person(desk.clock, APPROVE)) as client:
        house.line.before = lambda: stop(desk)
        told = structured(await client.call_tool("send_message", LETTER))
        assert (told["status"], told["executed"]) == ("executed", True)
    assert len(desk.writes()) == 1


async def test_attack_102_what_is_under_way_and_told_to_come_later_does_not_come_after_the_stop(desk: Desk) -> None:
    desk.arm("rate_429_retry_seconds")
    async with desk.open() as house, house.client(Person(desk.clock, APPROVE)) as client:
        house.line.before = lambda: stop(desk)
        first = structured(await client.call_tool("send_message", LETTER))
        assert first["status"] == "approved"
        house.line.before = None
        desk.clock.let_pass(70.0)
        for lifted in (False, True):
            assert await go_on(desk) is lifted if lifted else True
            told = structured(await client.call_tool("get_approval", {"approval_id": first["approval_id"]}))
            assert (told["status"], told["executed"]) == ("stale", False)
            assert told["reason"] == "All writes were stopped after this yes."
    assert len(desk.writes()) == 1


async def test_attack_102_no_tool_and_no_argument_lifts_a_stop(desk: Desk) -> None:
    async with desk.open() as house, house.client(Person(desk.clock, APPROVE)) as client:
        await stop(desk)
        tools = [tool.name for tool in (await client.list_tools()).tools]
        approval_tools = [name for name in tools if "approval" in name]
        assert approval_tools == ["get_approval", "list_approvals", "replace_approval", "cancel_approval"]
        for name in approval_tools:
            for argument in ("resume", "stop", "go_on"):
                given: dict[str, Any] = {"approval_id": "apr_" + "0" * 32, argument: True}
                assert (await client.call_tool(name, given)).is_error
        assert await house.gate.stopped() is not None


_BOUNCE = {"domain": DOMAIN, "address": "gone@example.net"}

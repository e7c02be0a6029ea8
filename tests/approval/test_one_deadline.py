"""A client gives a call about a minute: a write that takes longer is told as it is then, and goes on by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from attacks.bench import APPROVE, DOMAIN, LETTER, ME, Clock, Desk, House, Person, headline, structured
from maton_mailgun.approval.lifecycle.decide import Decision
from maton_mailgun.exchange import Caller, Outcome
from maton_mailgun.protocol.patience import CallPatience
from maton_mailgun.sandbox import Sandbox

pytestmark = pytest.mark.anyio
LIST = f"developers@{DOMAIN}"
SOON = 0.5
"""Seconds after which a call must be answered here: what hangs, hangs until it is let go."""
YES = Decision(approve=True, level="operator", channel="page", decider="person at the page")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    clock = Clock()
    return Desk(tmp_path, Sandbox(clock=clock), clock)


@pytest.fixture
async def house(desk: Desk) -> AsyncIterator[House]:
    async with desk.open() as opened:
        yield opened


class Gap:
    """A place on the wire where everything stands still until it is let go."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self) -> None:
        self.reached.set()
        await self.open.wait()


def due(seconds: float = 0.0) -> float:
    """A moment of the loop's clock."""
    return asyncio.get_running_loop().time() + seconds


async def proposed(house: House, tool: str = "send_message", **arguments: Any) -> str:
    """The id of a question that waits."""
    async with house.client() as client:
        told = structured(await client.call_tool(tool, {**(arguments or LETTER)}))
    approval_id: str = told["approval_id"]
    return approval_id


async def test_a_write_whose_answer_takes_too_long_is_told_as_in_progress_and_ends_by_itself(
    desk: Desk, house: House
) -> None:
    house.line.before = gap = Gap()
    patience = CallPatience(call=SOON)
    async with house.client(Person(desk.clock, APPROVE), mode="legacy", patience=patience) as client:
        async with asyncio.timeout(20):
            first = await client.call_tool("send_message", LETTER)
        assert headline(first).startswith("IN PROGRESS.")
        assert (structured(first)["status"], structured(first)["executed"]) == ("executing", "unknown")
        gap.open.set()
        asked = {"approval_id": structured(first)["approval_id"], "wait_seconds": 30}
        done = structured(await client.call_tool("get_approval", asked))
    assert (done["status"], done["executed"], len(desk.writes())) == ("executed", True, 1)


async def test_a_yes_whose_checks_take_too_long_is_told_as_approved_and_is_carried_out_by_itself(
    desk: Desk, house: House
) -> None:
    approval_id = await proposed(house, "add_mailing_list_member", list_address=LIST, address="new@example.net")
    house.line.after_read = gap = Gap()
    await house.gate.decide(approval_id, YES)
    await gap.reached.wait()
    async with house.client(patience=CallPatience(wait=SOON)) as client:
        async with asyncio.timeout(20):
            early = await client.call_tool("get_approval", {"approval_id": approval_id, "wait_seconds": 30})
        assert headline(early) == (
            "NOT EXECUTED YET. It is approved and is being carried out: do not repeat the call. Call get_approval."
        )
        assert (structured(early)["status"], structured(early)["executed"]) == ("approved", False)
        assert desk.writes() == []
        gap.open.set()
        ran = await house.gate.run(approval_id)
    assert (ran.state, len(desk.writes())) == ("succeeded", 1)


async def test_what_another_process_carries_out_is_not_waited_for_longer_than_the_call_may_take(house: House) -> None:
    approval_id = await proposed(house)
    record = await house.gate.store.get(approval_id)
    assert record is not None
    now = house.clock()
    approved = await house.gate.store.move(
        record, "approved", actor="ann", decided_at=now, decided_by="ann", channel="page", expires_at=now + 300.0
    )
    await house.gate.store.claim(approved, actor="another", lease_seconds=60.0)
    async with asyncio.timeout(10):
        found = await house.gate.run(approval_id, due())
    assert found.state == "executing"


async def test_a_look_at_the_account_that_hangs_ends_in_time_and_the_person_is_told(desk: Desk, house: House) -> None:
    async with house.client() as client:
        await client.call_tool("list_domains", {})
    house.line.after_read = Gap()
    call = {"list_address": LIST, "address": "new@example.net"}
    async with asyncio.timeout(20):
        told = await house.engine.call("add_mailing_list_member", call, Caller(ME, "tester", until=due(SOON)))
    assert isinstance(told, Outcome)
    assert told.content["status"] == "approval_required"
    assert told.content["preview"]["unchecked"] == [
        "could not check its present state: no whole answer came within the time this call may take",
        "could not check whether the member is a list: no whole answer came within the time this call may take",
        "could not check “Members now”: no whole answer came within the time this call may take",
    ]
    assert desk.writes() == []


async def test_a_look_up_of_the_connection_that_hangs_ends_a_write_in_time(desk: Desk, house: House) -> None:
    house.line.after_read = Gap()
    async with asyncio.timeout(20):
        told = await house.engine.call("send_message", LETTER, Caller(ME, "tester", until=due(SOON)))
    assert isinstance(told, Outcome)
    assert told.content["error"]["kind"] == "unreachable"
    assert (await house.gate.list(), desk.writes()) == ([], [])


@pytest.mark.parametrize(
    ("client", "seconds"), [("unknown", 50.0), ("claude-code", 50.0), ("gemini-cli-mcp-client-x", 350.0)]
)
def test_a_call_is_answered_before_its_client_gives_it_up(client: str, seconds: float) -> None:
    patience = CallPatience().of(client)
    assert (patience.call, patience.form < patience.call) == (seconds, True)

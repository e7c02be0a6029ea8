"""Attack 104: on an emergency stop."""

from __future__ import annotations

import argparse
import asyncio
import json

import pytest
from mcp import Client

from approval.records import NOON, a_record
from maton_mailgun.approval.channels.passphrase import Passphrase
from maton_mailgun.approval.gate import finished
from maton_mailgun.approval.store import audit
from maton_mailgun.approval.store.contract import Store
from maton_mailgun.approval.store.failures import Conflict, StoreError
from maton_mailgun.approval.store.record import Record
from maton_mailgun.approval.store.stop import Halted
from maton_mailgun.cli import approvals, halting
from maton_mailgun.cli.exit_status import NO_PASSPHRASE, CommandFailed
from maton_mailgun.protocol.approval_schemas import RELAY, TOOLS

from .bench import KEY, LETTER, Desk, House, decide, headline, structured

pytestmark = pytest.mark.anyio

DAY = 86_400.0
ALLOW = """[[rule]]
name = "letters"
tools = ["send_message"]
per_day = 9
decision = "allow"
"""
WHO = "ann at a terminal"


async def ask(client: Client, **changes: object) -> str:
    """Propose a letter. Returns the approval's id."""
    found: str = structured(await client.call_tool("send_message", {**LETTER, **changes}))["approval_id"]
    return found


async def approved(store: Store, **changes: object) -> Record:
    """A stored yes that nobody has carried out."""
    record, _ = await store.insert(a_record(created_at=store.clock(), **changes), b"sealed", max_pending=10)
    now = store.clock()
    return await store.move(record, "approved", actor="ann", decided_at=now, channel="page", expires_at=now + 300)


# 104: an emergency stop -------------------------------------------------------------------------------------------


async def test_attack_104_what_was_approved_is_not_begun_and_what_waits_is_rejected(desk: Desk) -> None:
    async with desk.open() as here, desk.open() as there, here.client() as client:
        waits, yes = await ask(client), await ask(client, subject="Another")
        record = await here.gate.get(yes)
        assert record is not None
        now = desk.clock()
        await there.gate.store.move(
            record, "approved", actor="ann", decided_at=now, channel="cli", expires_at=now + 300
        )
        await there.gate.store.stop(by=WHO, channel="cli", reason="the agent runs wild")

        states = [(await here.gate.wait(one, 5.0, finished)).state for one in (waits, yes)]
        assert states == ["rejected", "stale"]
        told = structured(await client.call_tool("get_approval", {"approval_id": waits}))
        assert (told["status"], told["executed"], told["rejected_by"]) == ("rejected", False, WHO)
        assert "ann at a terminal stopped all writes on" in told["reason"]
        assert "the agent runs wild" in told["reason"]
        assert (await audit.verify(here.gate.store)).ok
    assert desk.writes() == []


async def test_attack_104_every_process_refuses_new_proposals_at_once_and_says_who_and_what_to_do(desk: Desk) -> None:
    async with desk.open() as here, desk.open() as there, here.client() as client:
        await there.gate.store.stop(by=WHO, channel="cli", reason="")
        result = await client.call_tool("send_message", LETTER)
        error = structured(result)["error"]
        assert result.is_error
        assert error["message"].startswith("NOT EXECUTED. ann at a terminal stopped all writes on ")
        assert "Tell the user who stopped it and since when" in error["next"]
        assert "approvals resume`, in a terminal; you cannot" in error["next"]
        assert list(await here.gate.list()) == []
        assert not structured(await client.call_tool("list_routes", {})).get("error")  # reads go on


async def test_attack_104_a_stop_between_the_look_and_the_record_keeps_the_proposal_out(desk: Desk) -> None:
    async with desk.open() as here, desk.open() as there, here.client() as client:
        reads = 0

        async def stop() -> None:
            nonlocal reads
            reads += 1
            if reads == 2:  # the connection was read before; this is the look at the domain or its lists
                await there.gate.store.stop(by=WHO, channel="cli")

        here.line.after_read = stop
        result = await client.call_tool("send_message", LETTER)
        assert reads > 2
        assert "stopped all writes" in structured(result)["error"]["message"]
        assert list(await here.gate.list()) == []


async def test_attack_104_a_rule_lets_nothing_through_while_stopped(desk: Desk) -> None:
    policy = desk.home.parent / "policy.toml"
    policy.write_text(ALLOW)
    async with desk.open(policy=policy) as house, house.client() as client:
        assert structured(await client.call_tool("send_message", LETTER))["status"] == "executed"
        await house.gate.store.stop(by=WHO, channel="cli")
        assert "error" in structured(await client.call_tool("send_message", {**LETTER, "subject": "Again"}))
    assert len(desk.writes()) == 1


async def test_attack_104_a_yes_that_comes_back_from_too_many_requests_is_not_begun_again(desk: Desk) -> None:
    """The write under way is not cut; the service says to come back, and by then all is stopped."""
    desk.arm("status", fault={"status": 429, "headers": {"Retry-After": "1"}, "body": {"message": "slow down"}})
    async with desk.open() as house, house.client() as client:
        approval_id = await ask(client)
        store = house.gate.store

        async def stop() -> None:
            await store.stop(by=WHO, channel="cli")

        house.line.before = stop
        record = await decide(house, approval_id)
        house.line.before = None
        assert record.state == "approved"
        writes = len(desk.writes())
        desk.clock.let_pass(5.0)
        result = await client.call_tool("get_approval", {"approval_id": approval_id})
        assert headline(result).startswith("NOT EXECUTED. It is approved, and all writes are stopped")
        assert structured(result)["error"]["kind"] == "stopped"
        assert len(desk.writes()) == writes

        await store.resume(by=WHO)
        assert (await house.gate.run(approval_id)).state == "succeeded"


async def test_attack_104_of_a_stop_and_a_claim_at_the_same_moment_one_is_first(desk: Desk) -> None:
    """Whatever the order: what is begun was begun before the stop, and after it nothing is."""
    async with desk.open() as here, desk.open() as there:
        begun = 0
        for number in range(20):
            record = await approved(here.gate.store, digest=f"sha256:{number:064d}")
            claim = here.gate.store.claim(record, actor="gate", lease_seconds=60)
            stop = there.gate.store.stop(by=WHO, channel="cli")
            both = (claim, stop) if number % 2 else (stop, claim)
            results = await asyncio.gather(*both, return_exceptions=True)
            failed = [one for one in results if isinstance(one, Exception)]
            assert all(isinstance(one, Conflict | Halted) for one in failed)
            entries = [json.loads(line) async for line in audit.export(here.gate.store)]
            after = [
                one["to_state"]
                for one in entries[max(i for i, one in enumerate(entries) if one["to_state"] == "stopped") :]
            ]
            assert "executing" not in after
            begun += not failed
            await there.gate.store.resume(by=WHO)
        assert begun + sum(record.state == "stale" for record in await here.gate.list()) == 20


async def test_attack_104_a_stop_outlives_the_night_and_every_restart(desk: Desk) -> None:
    """Budgets begin anew at midnight; the stop does not."""
    async with desk.open() as house:
        record = await approved(house.gate.store)
        await house.gate.store.claim(record, actor="gate", lease_seconds=60, budgets=[("rule", 5)])
    desk.clock.let_pass(2 * DAY)
    async with desk.open() as house:
        await house.gate.store.stop(by=WHO, channel="cli", reason="wild")
    desk.clock.let_pass(2 * DAY)
    async with desk.open() as house, house.client() as client:
        stop = await house.gate.stopped()
        assert stop is not None
        assert (stop.by, stop.reason) == (WHO, "wild")
        assert "error" in structured(await client.call_tool("send_message", LETTER))


@pytest.mark.parametrize(
    "edit",
    [
        "DELETE FROM maton_mailgun_audit WHERE to_state = 'stopped'",
        "UPDATE maton_mailgun_audit SET to_state = 'resumed' WHERE to_state = 'stopped'",
        "UPDATE maton_mailgun_head SET budgets = '{}'",
    ],
)
async def test_attack_104_no_edit_of_the_database_lifts_a_stop(desk: Desk, edit: str) -> None:
    async with desk.open() as house, house.client() as client:
        await house.gate.store.stop(by=WHO, channel="cli")
        desk.intrude(edit)
        assert "error" in structured(await client.call_tool("send_message", LETTER))
        assert list(await house.gate.list()) == []
        assert not (await audit.verify(house.gate.store)).ok


async def test_attack_104_a_lost_key_does_not_lift_a_stop(desk: Desk) -> None:
    async with desk.open() as house:
        await house.gate.store.stop(by=WHO, channel="cli", reason="wild")
    for file in desk.home.glob("keys.json"):
        file.unlink()
    async with desk.open() as house:
        stop = await house.gate.stopped()
    assert stop is not None
    assert (stop.by, stop.reason) == (WHO, "")


async def test_attack_104_nothing_that_a_model_calls_stops_or_lifts(desk: Desk) -> None:
    offered = {tool["name"] for tool in (*TOOLS, RELAY)}
    assert not any(word in name for name in offered for word in ("stop", "resume", "forget"))
    assert not hasattr(House, "resume")


@pytest.mark.parametrize("typed", ["wrong words here", None])
def test_attack_104_only_who_types_the_passphrase_lifts_a_stop(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, typed: str | None
) -> None:
    monkeypatch.setenv("MATON_MAILGUN_HOME", str(desk.home))
    monkeypatch.setenv("MATON_API_KEY", KEY)
    nothing = argparse.Namespace(sandbox=None, reason="", read_only=None, toolsets=None)

    def type_it(_prompt: str) -> str:
        if typed is None:
            raise EOFError
        return typed

    monkeypatch.setattr(approvals, "ask_passphrase", type_it)
    assert halting.stop(nothing) == 0
    Passphrase(desk.home).set("three plain words", now=NOON)
    with pytest.raises(CommandFailed) as refused:
        halting.resume(nothing)
    assert refused.value.status == NO_PASSPHRASE
    assert approvals.at_desk(desk.settings, lambda found: found.stopped()) is not None


async def test_a_stop_that_stands_stays_who_and_when_it_was(desk: Desk) -> None:
    async with desk.open() as house:
        first, _ = await house.gate.store.stop(by=WHO, channel="cli", reason="wild")
        desk.clock.let_pass(60.0)
        again = await house.gate.store.stop(by="somebody else", channel="page", reason="too")
        assert again == (first, 0)
        assert await house.gate.store.resume(by=WHO) == first
        assert await house.gate.store.resume(by=WHO) is None
        assert (await audit.verify(house.gate.store)).ok
        assert not issubclass(Halted, Conflict)
        assert issubclass(Halted, StoreError)

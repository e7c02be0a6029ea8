"""Attacks 300 and 302 to 306: a yes that can be undone leaves only through its window, by the process that took it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from maton_mailgun.approval.channels.terminal import Terminal
from maton_mailgun.approval.gate import Gate
from maton_mailgun.approval.lifecycle import watch
from maton_mailgun.approval.lifecycle.decide import Decision
from maton_mailgun.approval.store.deadlines import HELD_DIED
from maton_mailgun.approval.store.failures import IllegalMove
from maton_mailgun.approval.store.record import Record
from maton_mailgun.cli import approvals
from maton_mailgun.cli.screen import Screen

from .bench import APPROVE, LETTER, Desk, House, Person, headline, structured

pytestmark = pytest.mark.anyio
YES = Decision(approve=True, level="operator", channel="page", decider="ann at the page")
SLOWLY = '[[rule]]\nname = "slowly"\ndecision = "ask"\nhold = "{}"\n'
SOON = 10.0


@pytest.fixture(autouse=True)
def _swept_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """What time has closed is looked for every 20 s; no test waits that long."""
    monkeypatch.setattr(watch, "SWEEP_SECONDS", 0.1)


def policy(desk: Desk, text: str) -> Path:
    path = desk.home / "policy.toml"
    path.write_text(text)
    path.chmod(0o600)
    return path


async def held(house: House) -> Record:
    """One letter that a person has said yes to."""
    async with house.client() as client:
        asked = structured(await client.call_tool("send_message", LETTER))
    await house.gate.shown(asked["approval_id"])
    record = await house.gate.decide(asked["approval_id"], YES)
    assert record.state == "held"
    return record


async def became(gate: Gate, record: Record, *states: str) -> Record:
    def there(now: Record) -> bool:
        return now.state in states

    found = await gate.wait(record.id, SOON, there)
    assert there(found), found.state
    return found


async def looked_around(gate: Gate) -> None:
    """Until the gate's watch has looked at what is stored once more."""
    looked = asyncio.Event()
    take_up: Callable[[], object] = gate._watcher.take_up

    async def noted() -> None:
        await take_up()  # type: ignore[misc]
        looked.set()

    gate._watcher.take_up = noted  # type: ignore[method-assign]
    await gate.stop("nobody")
    await gate.store.go_on(actor="nobody")
    await asyncio.wait_for(looked.wait(), SOON)


# Attack 300: more in an hour than its limit ----------------------------------------------------------------------


async def test_attack_300_an_hour_is_used_up_by_all_processes_and_no_clock_set_back_renews_it(desk: Desk) -> None:
    rules = policy(desk, '[[rule]]\nname = "few"\ntools = ["send_message"]\ndecision = "allow"\nper_hour = 1\n')
    desk.clock.now = desk.clock.now // 3_600 * 3_600 + 60
    told: list[str] = []
    for seconds in (0.0, 0.0, -3_000.0, 3_600.0):
        desk.clock.set_by(seconds)
        async with desk.open(policy=rules) as house, house.client() as client:
            letter = {**LETTER, "subject": f"Number {len(told)}"}
            told.append(structured(await client.call_tool("send_message", letter))["status"])
    assert told == ["executed", "approval_required", "approval_required", "approval_required"]
    desk.clock.set_by(3_000.0)
    async with desk.open(policy=rules) as house, house.client() as client:
        assert structured(await client.call_tool("send_message", {**LETTER, "subject": "The last"}))["executed"] is True
    assert len(desk.writes()) == 2


# Attack 302: another process takes a held yes up -----------------------------------------------------------------


async def test_attack_302_a_held_yes_is_sent_by_the_process_that_took_it_after_its_window(desk: Desk) -> None:
    async with desk.open(policy=policy(desk, SLOWLY.format("30s"))) as house:
        record = await held(house)
        assert (record.hold, record.held_until) == (30.0, desk.clock() + 30.0)
        desk.clock.let_pass(30.0)
        done = await became(house.gate, record, "succeeded")
    assert (done.decided_by, done.held_until) == ("ann at the page", None)
    assert len(desk.writes()) == 1


async def test_attack_302_another_process_neither_takes_a_held_yes_up_nor_lets_it_go_on(desk: Desk) -> None:
    rules = policy(desk, SLOWLY.format("30s"))
    async with desk.open(policy=rules) as house, desk.open(policy=rules) as other:
        record = await held(house)
        await looked_around(other.gate)
        assert await other.state(record.id) == "stale"
    async with desk.open(policy=rules) as house, desk.open(policy=rules) as other:
        record = await held(house)
        (holds,) = house.gate.holding._held
        holds.cancel()
        desk.clock.let_pass(45.0)
        again = structured(await _call(other, LETTER))
        assert (again["status"], again["approval_id"]) == ("held", record.id)
        desk.clock.let_pass(60.0)
        ended = await became(other.gate, record, "expired")
    assert (ended.reason, ended.attempted_at) == (HELD_DIED, None)
    assert desk.writes() == []


async def test_attack_302_a_process_that_ends_in_the_window_sends_nothing_and_the_next_one_says_so(desk: Desk) -> None:
    rules = policy(desk, SLOWLY.format("30s"))
    async with desk.open(policy=rules) as house:
        record = await held(house)
    async with desk.open(policy=rules) as house, house.client() as client:
        told = await client.call_tool("get_approval", {"approval_id": record.id})
        assert headline(told) == (
            "NOT EXECUTED. It was approved, and the server ended while the yes could still be taken back."
        )
        assert (structured(told)["status"], structured(told)["reason"]) == ("expired", HELD_DIED)
    assert desk.writes() == []


async def test_attack_302_what_is_undone_is_a_no_and_sends_nothing(desk: Desk) -> None:
    async with desk.open(policy=policy(desk, SLOWLY.format("30s"))) as house:
        record = await held(house)
        terminal = await Terminal.open(desk.settings)
        try:
            undone = await terminal.undo(record, "bob at a terminal")
        finally:
            await terminal.close()
        assert (undone.state, undone.decided_by, undone.channel) == ("rejected", "bob at a terminal", "cli")
        (holds,) = house.gate.holding._held
        desk.clock.let_pass(30.0)
        await asyncio.wait_for(holds, SOON)
        assert await house.state(record.id) == "rejected"
    assert desk.writes() == []


@pytest.mark.parametrize("late", [True, False])
async def test_who_ends_the_command_that_holds_a_yes_is_told_whether_it_was_in_time(
    desk: Desk, late: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    async with desk.open(policy=policy(desk, SLOWLY.format("30s"))) as house:
        async with house.client() as client:
            asked = structured(await client.call_tool("send_message", LETTER))
        terminal = await Terminal.open(desk.settings)
        try:
            record = await terminal.decide(await house.only(), replace(YES, channel="cli"))
            waits = asyncio.create_task(approvals._held(terminal, Screen(), record))
            await asyncio.sleep(0)
            if late:
                await terminal.store.move(record, "approved", actor="gate", held_until=None)
                await house.gate.run(record.id)
            waits.cancel()
            await asyncio.gather(waits, return_exceptions=True)
        finally:
            await terminal.close()
        told = " ".join(capsys.readouterr().out.split())
        state = await house.state(asked["approval_id"])
    if late:
        assert "Not undone: It cannot be undone: it is succeeded." in told
        assert (state, len(desk.writes())) == ("succeeded", 1)
    else:
        assert "Undone. Nothing was sent." in told
        assert (state, desk.writes()) == ("rejected", [])


# Attack 302: around the window ------------------------------------------------------------------------------------


async def test_attack_302_no_yes_passes_the_window_by(desk: Desk) -> None:
    async with desk.open(policy=policy(desk, SLOWLY.format("30s"))) as house, house.client() as client:
        asked = structured(await client.call_tool("send_message", LETTER))
        record = await house.only()
        with pytest.raises(IllegalMove):
            await house.gate.store.move(record, "approved", actor="ann", decided_at=desk.clock())
        assert await house.state(asked["approval_id"]) == "pending"
    assert desk.writes() == []


async def test_attack_302_no_form_is_asked_for_a_yes_that_it_could_not_undo(desk: Desk) -> None:
    person = Person(desk.clock, APPROVE)
    async with desk.open(policy=policy(desk, SLOWLY.format("2m"))) as house:
        async with house.client(person) as client:
            asked = structured(await client.call_tool("send_message", LETTER))
        record = await house.only()
        assert (person.questions, record.state, record.level, record.hold) == ([], "pending", "operator", 120.0)
        await house.gate.decide(record.id, YES)
        async with house.client() as client:
            told = await client.call_tool("get_approval", {"approval_id": asked["approval_id"]})
        assert headline(told).startswith("NOT EXECUTED YET. It was approved, and the person can take that back")
        assert structured(told)["status"] == "held"
    assert desk.writes() == []


# Attack 303: clocks ----------------------------------------------------------------------------------------------


async def test_attack_303_a_clock_set_forward_does_not_shorten_the_window(desk: Desk) -> None:
    async with desk.open(policy=policy(desk, SLOWLY.format("30s"))) as house:
        record = await held(house)
        (holds,) = house.gate.holding._held
        desk.clock.set_by(31.0)
        await looked_around(house.gate)
        assert not holds.done()
        assert await house.state(record.id) == "stale"
    assert desk.writes() == []


async def test_attack_304_who_slept_through_the_end_lets_nothing_go_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk.open(policy=policy(desk, SLOWLY.format("30s"))) as house:
        monkeypatch.setattr(watch, "SWEEP_SECONDS", 1_000.0)
        record = await held(house)
        (holds,) = house.gate.holding._held
        desk.clock.set_by(100.0)
        desk.clock.ticks += 30.0
        await asyncio.wait_for(holds, SOON)
        ended = await became(house.gate, record, "expired")
    assert ended.reason == HELD_DIED
    assert desk.writes() == []


# Attack 305 and 306: a stop, a stricter rule ----------------------------------------------------------------------


async def test_attack_305_a_stop_ends_what_is_held(desk: Desk) -> None:
    async with desk.open(policy=policy(desk, SLOWLY.format("30s"))) as house:
        record = await held(house)
        assert await house.gate.stop("bob") == 1
        assert await house.gate.store.go_on(actor="bob")
        (holds,) = house.gate.holding._held
        desk.clock.let_pass(30.0)
        await asyncio.wait_for(holds, SOON)
        assert await house.state(record.id) == "stale"
    assert desk.writes() == []


async def test_attack_306_a_window_that_was_made_longer_meanwhile_is_not_met_by_a_shorter_one(desk: Desk) -> None:
    async with desk.open(policy=policy(desk, SLOWLY.format("1s"))) as house:
        record = await held(house)
        policy(desk, SLOWLY.format("30s"))
        desk.clock.let_pass(1.0)
        ended = await became(house.gate, record, "stale")
    assert ended.reason == "The policy now wants a yes to be held for longer, so that it can be taken back."
    assert desk.writes() == []


async def _call(house: House, arguments: dict[str, object]) -> object:
    async with house.client() as client:
        return await client.call_tool("send_message", arguments)

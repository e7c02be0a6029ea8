"""What is told about a yes is true: whatever clocks, databases, budgets and late answers do."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import httpx2
import pytest

from maton_mailgun.approval.channels.terminal import Terminal
from maton_mailgun.approval.lifecycle import execute
from maton_mailgun.approval.lifecycle.decide import Decision
from maton_mailgun.approval.lifecycle.reconcile import GRACE_SECONDS, LEASE_SECONDS
from maton_mailgun.approval.store import audit
from maton_mailgun.approval.store.failures import IllegalMove, StoreUnavailable
from maton_mailgun.approval.store.record import finished
from maton_mailgun.approval.store.sqlite import SqliteStore
from maton_mailgun.call import Engine
from maton_mailgun.catalogue.rows import load
from maton_mailgun.exchange import Caller, Outcome, Question
from maton_mailgun.sandbox.account.seed import ROUTE_ID, TEMPLATE
from maton_mailgun.wire.gateway import Gateway

from .bench import APPROVE, DOMAIN, LETTER, ME, Desk, House, Line, Person, decide, headline, structured

pytestmark = pytest.mark.anyio
ROUTE = {"route_id": ROUTE_ID}
CHANGE = {**ROUTE, "priority": 3}


async def proposed(house: House, name: str, arguments: dict[str, Any]) -> str:
    told = await house.engine.call(name, arguments, Caller(ME, "a client"))
    assert isinstance(told, Outcome)
    approval_id: str = told.content["approval_id"]
    return approval_id


class Held:
    """A write that has left, from whichever of these servers, and is not answered until the test says so."""

    def __init__(self, *houses: House) -> None:
        self.left, self.go = asyncio.Event(), asyncio.Event()
        for house in houses:
            house.line.before = self._hold

    async def _hold(self) -> None:
        self.left.set()
        await self.go.wait()


async def look(house: House, approval_id: str) -> str:
    """Everything that runs in the background of a server, once."""
    await house.gate.store.sweep()
    record = await house.gate.get(approval_id)
    assert record is not None
    if record.state in ("unknown", "executing"):
        record = await house.gate._reconciliation.look(record)
    return record.state


# 62: clocks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [600.0, -600.0, 86_400.0])
async def test_accident_62_a_clock_that_is_set_while_a_write_is_in_flight_changes_no_word(
    desk: Desk, step: float
) -> None:
    """Seen by the process that sends, and by another one on the same store that saw the write begin."""
    async with desk.open() as house, desk.open() as other:
        approval_id = await proposed(house, "update_route", CHANGE)
        held = Held(house, other)
        deciding = asyncio.create_task(decide(house, approval_id))
        await asyncio.wait_for(held.left.wait(), 10)
        states = [await look(house, approval_id), await look(other, approval_id)]
        desk.clock.set_by(step)
        for _ in range(3):
            states += [await look(house, approval_id), await look(other, approval_id)]
        held.go.set()
        assert (await deciding).state == "succeeded"
        assert states == ["executing"] * 8
    assert len(desk.writes()) == 1


async def test_accident_62_a_server_that_is_ahead_never_calls_a_write_in_flight_a_failure(desk: Desk) -> None:
    """It sees the lease as lapsed: doubt is right, a failure is not, and the real answer is what stays."""
    async with desk.open() as house:
        approval_id = await proposed(house, "update_route", CHANGE)
        held = Held(house)
        deciding = asyncio.create_task(decide(house, approval_id))
        await asyncio.wait_for(held.left.wait(), 10)
        desk.clock.set_by(400.0)
        async with desk.open() as ahead:
            assert await look(ahead, approval_id) == "unknown"
            desk.clock.ticks += GRACE_SECONDS + 1.0
            assert await look(ahead, approval_id) == "unknown"
            assert await look(house, approval_id) == "unknown"
            again = await ahead.engine.call("update_route", CHANGE, Caller(ME, "a client"))
            assert isinstance(again, Outcome)
            assert "may have happened" in str(again.content["preview"]["history"])
        held.go.set()
        assert (await deciding).state == "succeeded"
        assert await house.state(approval_id) == "succeeded"
    assert len(desk.writes()) == 1


async def test_accident_62_a_real_answer_corrects_what_was_concluded_meanwhile(desk: Desk) -> None:
    async with desk.open() as house:
        approval_id = await proposed(house, "update_route", CHANGE)
        held = Held(house)
        deciding = asyncio.create_task(decide(house, approval_id))
        await asyncio.wait_for(held.left.wait(), 10)
        desk.clock.set_by(LEASE_SECONDS + 1.0)
        async with desk.open() as other:
            assert await look(other, approval_id) == "unknown"
            desk.clock.ticks += LEASE_SECONDS + GRACE_SECONDS + 1.0
            assert await look(other, approval_id) == "failed"
        held.go.set()
        assert (await deciding).state == "succeeded"
        record = await house.gate.get(approval_id)
        assert record is not None
        assert (record.state, (record.result or {})["result"]["message"]) == ("succeeded", "Route has been updated")
        assert (await audit.verify(house.gate.store)).ok
    assert len(desk.writes()) == 1


async def test_accident_62_what_this_process_sends_is_not_looked_up(desk: Desk) -> None:
    async with desk.open() as house:
        approval_id = await proposed(house, "delete_route", ROUTE)
        held = Held(house)
        deciding = asyncio.create_task(decide(house, approval_id))
        await asyncio.wait_for(held.left.wait(), 10)
        reads = len(desk.sandbox.requests)
        assert await look(house, approval_id) == "executing"
        assert len(desk.sandbox.requests) == reads
        held.go.set()
        assert (await deciding).state == "succeeded"


async def test_two_looks_at_once_tell_the_same(desk: Desk) -> None:
    """The one that ends first settles the outcome; the other must not say that it is still open."""
    desk.arm("drop_before", match={"method": "PUT"})
    async with desk.open() as house:
        approval_id = await proposed(house, "update_route", CHANGE)
        assert (await decide(house, approval_id)).state == "unknown"
        desk.clock.let_pass(GRACE_SECONDS + 1.0)
        slow, read, go = ContextVar("slow", default=False), asyncio.Event(), asyncio.Event()

        async def hold() -> None:
            if slow.get():
                read.set()
                await go.wait()

        house.line.after_read = hold
        slow.set(True)
        looking = asyncio.create_task(look(house, approval_id))
        slow.set(False)
        await asyncio.wait_for(read.wait(), 10)
        await house.gate._reconciliation._turn(approval_id)
        assert await house.state(approval_id) == "failed"
        go.set()
        assert await looking == "failed"


# 63: time runs out ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sleeping", [False, True], ids=["an hour passes", "the machine sleeps for an hour"])
async def test_accident_63_a_yes_is_not_carried_out_an_hour_later(desk: Desk, sleeping: bool) -> None:
    attempts = []

    async def refused() -> None:
        attempts.append(1)
        if len(attempts) > 1:
            return
        desk.clock.now += 3_600.0
        desk.clock.ticks += 0.0 if sleeping else 3_600.0
        raise httpx2.ConnectError("refused")

    async with desk.open() as house:
        house.line.before = refused
        approval_id = await proposed(house, "send_message", LETTER)
        record = await decide(house, approval_id)
        assert record.state == "failed"
        async with house.client() as client:
            told = await client.call_tool("get_approval", {"approval_id": approval_id})
    assert headline(told).startswith("NOT EXECUTED")
    assert "the time of the yes was over" in structured(told)["error"]["message"]
    assert len(attempts) == 1
    assert desk.writes() == []


# 64: the database fails under a yes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "not kept"])
async def test_accident_64_a_claim_whose_connection_breaks_is_one_write(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    broken: list[int] = []
    claim = SqliteStore.claim

    async def breaking(store: SqliteStore, record: Any, **given: Any) -> Any:
        if broken:
            return await claim(store, record, **given)
        broken.append(1)
        if kept:
            await claim(store, record, **given)
        raise StoreUnavailable("the connection was lost")

    monkeypatch.setattr(SqliteStore, "claim", breaking)
    monkeypatch.setattr(execute, "CLAIM_PAUSES", (0.0, 0.0))
    async with desk.open() as house, house.client(Person(desk.clock, APPROVE)) as client:
        told = structured(await client.call_tool("send_message", LETTER))
    assert (told["status"], told["executed"]) == ("executed", True)
    assert len(desk.writes()) == len(desk.sandbox.messages) == 1


async def test_accident_64_a_claim_of_another_process_is_never_taken_for_our_own(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: list[Any] = []
    claim = SqliteStore.claim

    async def outrun(store: SqliteStore, record: Any, **given: Any) -> Any:
        if not others:
            others.append(await claim(store, record, **{**given, "token": "another"}))
            await store.move(others[0], "failed", actor="gate", result={})
            raise StoreUnavailable("the connection was lost")
        return await claim(store, record, **given)

    monkeypatch.setattr(SqliteStore, "claim", outrun)
    monkeypatch.setattr(execute, "CLAIM_PAUSES", (0.0,))
    async with desk.open() as house:
        assert (await decide(house, await proposed(house, "send_message", LETTER))).state == "failed"
    assert desk.writes() == []


async def test_accident_64_a_yes_that_will_be_carried_out_by_itself_is_told_so_and_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = SqliteStore.claim

    async def broken(store: SqliteStore, record: Any, **given: Any) -> Any:
        raise StoreUnavailable("the connection was lost")

    monkeypatch.setattr(SqliteStore, "claim", broken)
    monkeypatch.setattr(execute, "CLAIM_PAUSES", ())
    async with desk.open() as house, house.client(Person(desk.clock, APPROVE)) as client:
        result = await client.call_tool("send_message", LETTER)
        assert headline(result).startswith("NOT EXECUTED YET. It is approved and will be carried out by itself")
        assert structured(result)["error"]["kind"] == "store_failed"
        assert desk.writes() == []
        monkeypatch.setattr(SqliteStore, "claim", claim)
        record = await house.gate.wait(structured(result)["approval_id"], 10.0, finished)
        assert record.state == "succeeded"
    assert len(desk.writes()) == 1


async def test_accident_64_a_claim_that_was_kept_though_nobody_heard_of_it_is_given_back_and_carried_out_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = SqliteStore.claim

    async def unheard(store: SqliteStore, record: Any, **given: Any) -> Any:
        await claim(store, record, **given)
        raise StoreUnavailable("the connection was lost")

    monkeypatch.setattr(SqliteStore, "claim", unheard)
    monkeypatch.setattr(execute, "CLAIM_PAUSES", ())
    async with desk.open() as house, house.client(Person(desk.clock, APPROVE)) as client:
        result = await client.call_tool("send_message", LETTER)
        assert headline(result).startswith("NOT EXECUTED YET. It is approved and will be carried out by itself")
        monkeypatch.setattr(SqliteStore, "claim", claim)
        record = await house.gate.wait(structured(result)["approval_id"], 10.0, finished)
        assert record.state == "succeeded"
        assert (await audit.verify(house.gate.store)).ok
    assert len(desk.writes()) == len(desk.sandbox.messages) == 1


async def test_accident_64_what_was_approved_while_no_server_ran_is_taken_up_at_the_start(desk: Desk) -> None:
    async with desk.open() as house:
        approval_id = await proposed(house, "send_message", LETTER)
    terminal = await Terminal.open(desk.settings)
    record = await terminal.get(approval_id)
    assert record is not None
    await terminal.decide(record, Decision(approve=True, level="operator", channel="cli", decider="ann"))
    assert desk.writes() == []
    engine = Engine(desk.settings, load(), Gateway(desk.settings, Line(desk.sandbox)))
    engine.resume_soon()
    try:
        done = await terminal.wait(approval_id, 10.0, finished)
    finally:
        await engine.aclose()
        await terminal.close()
    assert done.state == "succeeded"
    assert len(desk.writes()) == 1


async def test_accident_64_a_server_that_starts_where_nothing_was_proposed_opens_no_store(desk: Desk) -> None:
    engine = Engine(desk.settings, load(), Gateway(desk.settings, Line(desk.sandbox)))
    engine.resume_soon()
    await engine.aclose()
    assert list(desk.home.iterdir()) == []


# 65: the database is put back ----------------------------------------------------------------------------------------


async def test_attack_65_a_yes_of_a_database_that_was_put_back_is_not_spent_again(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, backup = SqliteStore.claim, tmp_path / "backup.sqlite"

    async def backed_up(store: SqliteStore, record: Any, **given: Any) -> Any:
        """The moment of the backup: the yes is there and was not used."""
        with (
            closing(sqlite3.connect(desk.home / "approvals.sqlite")) as here,
            closing(sqlite3.connect(backup)) as there,
        ):
            here.backup(there)
        return await claim(store, record, **given)

    monkeypatch.setattr(SqliteStore, "claim", backed_up)
    async with desk.open() as house:
        approval_id = await proposed(house, "send_message", LETTER)
        assert (await decide(house, approval_id)).state == "succeeded"
    monkeypatch.setattr(SqliteStore, "claim", claim)
    for path in desk.home.glob("approvals.sqlite*"):
        path.unlink()
    backup.chmod(0o600)
    backup.rename(desk.home / "approvals.sqlite")
    async with desk.open() as house, house.client() as client:
        told = await client.call_tool("get_approval", {"approval_id": approval_id})
        assert headline(told).startswith("NOT EXECUTED. It is approved, and this server does not carry it out.")
        assert "put back to an earlier moment" in structured(told)["error"]["message"]
        verdict = await audit.verify(house.gate.store)
        assert (verdict.ok, "put back to an earlier moment" in verdict.why) == (False, True)
    assert len(desk.writes()) == len(desk.sandbox.messages) == 1


async def test_attack_65_the_mark_is_kept_before_the_request_leaves(desk: Desk) -> None:
    kept = []

    async def leaving() -> None:
        kept.append((desk.home / "audit.mark").exists())

    async with desk.open() as house:
        house.line.before = leaving
        assert (await decide(house, await proposed(house, "send_message", LETTER))).state == "succeeded"
    assert kept == [True]


async def test_attack_65_a_mark_that_somebody_changed_is_not_believed(desk: Desk) -> None:
    async with desk.open() as house:
        assert (await decide(house, await proposed(house, "send_message", LETTER))).state == "succeeded"
        mark = desk.home / "audit.mark"
        mark.write_text(mark.read_text(encoding="ascii").replace('"marks": {', '"marks": {"x": [1, "y"], '), "ascii")
        approval_id = await proposed(house, "delete_route", ROUTE)
        assert (await decide(house, approval_id)).state == "approved"
        assert not (await audit.verify(house.gate.store)).ok
    assert len(desk.writes()) == 1


# 66: a yes and no room -----------------------------------------------------------------------------------------------


async def test_accident_66_a_yes_outlives_the_moment_at_which_the_service_wants_to_be_asked_again(desk: Desk) -> None:
    desk.arm("mailgun_401", fault={"status": 429, "body": {"message": "limit exceeded, try again after 302 seconds"}})
    async with desk.open() as house, house.client() as client:
        approval_id = await proposed(house, "send_message", LETTER)
        assert (await decide(house, approval_id)).state == "approved"
        desk.clock.let_pass(303.0)
        told = structured(await client.call_tool("get_approval", {"approval_id": approval_id}))
        assert (told["status"], told["executed"]) == ("executed", True)
    assert [request["acted"] for request in desk.writes()] == [False, True]


async def test_accident_66_after_a_yes_nobody_is_told_that_nobody_decided(desk: Desk) -> None:
    desk.arm("maton_429")
    async with desk.open() as house, house.client() as client:
        approval_id = await proposed(house, "send_message", LETTER)
        assert (await decide(house, approval_id)).state == "approved"
        desk.clock.let_pass(900.0)
        result = await client.call_tool("get_approval", {"approval_id": approval_id})
    assert headline(result).startswith(
        "NOT EXECUTED. It was approved, and the yes ran out before it could be carried out."
    )
    told = structured(result)
    assert (told["status"], told["executed"], told["approved_by"]) == ("expired", False, "person at the page")
    assert "next" not in told["error"]


# 61: budgets ---------------------------------------------------------------------------------------------------------


async def test_accident_61_what_a_budget_does_not_hold_is_asked_and_never_told_as_stale(
    desk: Desk, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(
        '[[rule]]\nname = "a few"\ntools = ["send_message"]\nrecipients = ["*@example.net"]\nmax_recipients = 5\n'
        'per_day = 5\ndecision = "allow"\n',
        encoding="utf-8",
    )
    policy.chmod(0o600)
    async with desk.open(policy=policy) as one, desk.open(policy=policy) as other:
        calls = [
            house.engine.call("send_message", {**LETTER, "subject": f"{who} {number}"}, Caller(who, "c", can_ask=True))
            for number in range(8)
            for house, who in ((one, "local:ann"), (other, "local:bob"))
        ]
        told = await asyncio.gather(*calls)
    asked = [one for one in told if isinstance(one, Question)]
    executed = [one for one in told if isinstance(one, Outcome) and one.content["status"] == "executed"]
    assert (len(executed), len(asked)) == (5, 11)
    assert len(desk.sandbox.messages) == 5


async def test_attack_61_the_yes_of_a_person_never_becomes_a_question_again(desk: Desk) -> None:
    async with desk.open() as house:
        approval_id = await proposed(house, "send_message", LETTER)
        record = await house.gate.get(approval_id)
        assert record is not None
        later = desk.clock() + 1_000.0
        yes = await house.gate.store.move(record, "approved", actor="ann", channel="page", retry_at=later)
        with pytest.raises(IllegalMove):
            await house.gate.store.move(yes, "pending", actor="gate", channel=None)
        assert await house.state(approval_id) == "approved"


# 67: look-ups --------------------------------------------------------------------------------------------------------


async def test_accident_67_something_of_this_name_with_other_content_is_not_what_was_asked_for(desk: Desk) -> None:
    """Somebody else made a template of the same name while ours was lost."""
    desk.arm("drop_before")

    async def somebody_else() -> None:
        templates = desk.sandbox.account.domains[DOMAIN].templates
        there = templates.get(TEMPLATE)
        assert there is not None
        templates.put("fresh", {**there, "name": "fresh"})

    async with desk.open() as house:
        house.line.before = somebody_else
        wanted = {"domain": DOMAIN, "name": "fresh", "description": "Ours"}
        approval_id = await proposed(house, "create_template", wanted)
        assert (await decide(house, approval_id)).state == "unknown"
        assert "fresh" in desk.sandbox.account.domains[DOMAIN].templates
        assert await look(house, approval_id) == "unknown"


async def test_accident_67_a_page_that_answers_for_everybody_shows_nothing(desk: Desk) -> None:
    """404 from something that is not the service does not show that the target is gone."""
    desk.arm("drop_before", match={"method": "DELETE"})
    async with desk.open() as house:
        approval_id = await proposed(house, "delete_route", ROUTE)

        async def portal() -> None:
            desk.arm("html_404", match={"method": "GET"}, times=99)

        house.line.before = portal
        assert (await decide(house, approval_id)).state == "unknown"
        assert await look(house, approval_id) == "unknown"


async def test_accident_67_each_doubt_has_its_turn(desk: Desk) -> None:
    """Those that cannot be found again and again do not keep the others from being looked at."""
    desk.arm("drop_before", times=6)
    ids = []
    async with desk.open() as house:
        for number in range(6):
            ids.append(await proposed(house, "send_message", {**LETTER, "subject": f"lost {number}"}))
            assert (await decide(house, ids[-1])).state == "unknown"
    async with desk.open() as house:
        reads = len(desk.sandbox.requests)
        looked: set[str] = set()
        async with asyncio.timeout(10):
            while len(looked) < 6:
                await asyncio.sleep(0)
                looked = {one["path"] for one in desk.sandbox.requests[reads:] if "message-id" in one["path"]}

"""What becomes of a yes when networks, services, disks and clocks fail: at most one write, and no doubt is hidden."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import pytest

from maton_mailgun.approval.lifecycle.decide import NotDecidable
from maton_mailgun.approval.lifecycle.reconcile import LEASE_SECONDS
from maton_mailgun.approval.preview import standing
from maton_mailgun.approval.store.failures import StoreUnavailable
from maton_mailgun.approval.store.record import finished
from maton_mailgun.approval.store.sqlite import SqliteStore
from maton_mailgun.errors import Refused
from maton_mailgun.sandbox.account.seed import ROUTE_ID, TEMPLATE

from .bench import APPROVE, DOMAIN, LETTER, Desk, House, Person, decide, headline, structured, text

pytestmark = pytest.mark.anyio
ERAS = pytest.mark.parametrize("mode", ["auto", "legacy"])
DAY = 86_400.0
ROUTE = {"route_id": ROUTE_ID}
NEW_PRIORITY = {**ROUTE, "priority": 3}


async def run(house: House, name: str, arguments: dict[str, Any]) -> tuple[str, Any]:
    """Propose a write, let a person approve it, return its id and what the model is told then."""
    async with house.client(Person(house.clock, APPROVE)) as client:
        result = await client.call_tool(name, arguments)
    return structured(result).get("approval_id", ""), result


def sent_id(desk: Desk) -> str:
    """The id of the one message that was sent, as events have it."""
    (message,) = desk.sandbox.messages
    return str(message["id"]).strip("<>")


async def looked_up(house: House, approval_id: str) -> str:
    """The state after what time has closed was closed, and one more look."""
    await house.gate.store.sweep()
    record = await house.gate.get(approval_id)
    assert record is not None
    if record.state == "unknown":
        record = await house.gate._reconciliation.look(record)
    return record.state


async def after_restart(desk: Desk, approval_id: str, seconds: float) -> str:
    """The state that a new process has found out when it ran for so long."""
    async with desk.open() as house:
        await looked_up(house, approval_id)
        desk.clock.let_pass(seconds)
        return await looked_up(house, approval_id)


# Sends ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["drop_after", "truncated", "html_500", "bad_gateway_502", "gateway_timeout_504"])
@ERAS
async def test_a_send_whose_answer_was_lost_is_found_in_the_events(desk: Desk, kind: str, mode: str) -> None:
    desk.arm(kind, act=True)
    async with desk.open() as house, house.client(Person(desk.clock, APPROVE), mode=mode) as client:
        content = structured(await client.call_tool("send_message", LETTER))
        assert (await house.only()).state == "succeeded"
    assert content["status"] == "executed"
    assert content["result"] == {"id": sent_id(desk), "found_by": "looking it up afterwards"}
    assert len(desk.writes()) == len(desk.sandbox.messages) == 1


async def test_what_is_told_of_a_send_that_was_found_leads_to_its_events(desk: Desk) -> None:
    """One spelling of its id: as a send that was answered has it, and as list_events takes and tells it."""
    desk.arm("drop_after")
    async with desk.open() as house, house.client(Person(desk.clock, APPROVE)) as client:
        found = structured(await client.call_tool("send_message", LETTER))["result"]["id"]
        answered = structured(await client.call_tool("send_message", {**LETTER, "subject": "Another"}))["result"]["id"]
        events = structured(
            await client.call_tool("list_events", {"domain": DOMAIN, "message_id": found, "distinct": "message_id"})
        )
    assert events["result"]["message_id"] == [found]
    assert found != answered
    assert [one.partition("@")[2] for one in (found, answered)] == [DOMAIN, DOMAIN]


async def test_a_send_that_timed_out_is_found_in_the_events(desk: Desk) -> None:
    async def too_late() -> None:
        raise httpx2.ReadTimeout("no answer")

    async with desk.open() as house:
        house.line.after = too_late
        _, result = await run(house, "send_message", LETTER)
        assert (await house.only()).state == "succeeded"
    assert structured(result)["status"] == "executed"
    assert len(desk.writes()) == len(desk.sandbox.messages) == 1


@pytest.mark.parametrize("kind", ["drop_before", "html_500", "bad_gateway_502", "maton_500"])
async def test_a_send_that_may_have_been_lost_stays_unknown_and_is_never_repeated(desk: Desk, kind: str) -> None:
    """Absent events prove nothing: they can be late. A person decides about another attempt, and is told why."""
    desk.arm(kind)
    async with desk.open() as house:
        approval_id, result = await run(house, "send_message", LETTER)
        assert await house.state(approval_id) == "unknown"
        assert not result.is_error
        assert headline(result).startswith("OUTCOME UNKNOWN")
        assert structured(result)["executed"] == "unknown"
        async with house.client() as client:
            again = structured(await client.call_tool("send_message", LETTER))
        assert again["status"] == "approval_required"
        assert again["approval_id"] != approval_id
        (said,) = again["preview"]["history"]
        assert said.endswith("it may have happened.")
    for seconds in (120.0, DAY):
        assert await after_restart(desk, approval_id, seconds) == "unknown"
    assert len(desk.writes()) == 1
    assert desk.sandbox.messages == []


async def test_a_send_whose_events_come_late_is_found_after_a_restart(desk: Desk) -> None:
    desk.arm("drop_after")
    desk.arm("items_null", match={"path_regex": "events.message-id"}, times=9)
    async with desk.open() as house:
        approval_id, _ = await run(house, "send_message", LETTER)
        assert await house.state(approval_id) == "unknown"
    desk.sandbox.faults.clear()
    assert await after_restart(desk, approval_id, 60.0) == "succeeded"
    assert len(desk.writes()) == 1


@pytest.mark.parametrize("kind", ["mailgun_401", "sandbox_403", "html_404", "maton_400_no_connection"])
async def test_a_definite_no_is_a_failure(desk: Desk, kind: str) -> None:
    desk.arm(kind)
    async with desk.open() as house:
        approval_id, result = await run(house, "send_message", LETTER)
        assert await house.state(approval_id) == "failed"
    assert result.is_error
    assert headline(result).startswith("NOT EXECUTED. It was approved, and the service refused it.")
    assert len(desk.writes()) == 1


@pytest.mark.parametrize("status", [302, 307, 408, 500, 503])
async def test_an_answer_that_proves_nothing_is_unknown(desk: Desk, status: int) -> None:
    desk.arm("mailgun_401", fault={"status": status, "headers": {"Location": "http://evil.example.net/v3/x"}})
    async with desk.open() as house:
        approval_id, _ = await run(house, "send_message", LETTER)
        assert await house.state(approval_id) == "unknown"
    assert len(desk.writes()) == 1


async def test_a_gateway_that_cannot_be_reached_is_a_failure_without_a_write(desk: Desk) -> None:
    attempts = []

    async def refuse() -> None:
        attempts.append(1)
        raise httpx2.ConnectError("refused")

    async with desk.open() as house:
        house.line.before = refuse
        approval_id, result = await run(house, "send_message", LETTER)
        assert await house.state(approval_id) == "failed"
        assert result.is_error
    assert len(attempts) == 4
    assert desk.writes() == []


async def test_a_connection_that_comes_up_at_the_second_try_is_one_write(desk: Desk) -> None:
    attempts = []

    async def refuse_once() -> None:
        attempts.append(1)
        if len(attempts) == 1:
            raise httpx2.ConnectError("refused")

    async with desk.open() as house:
        house.line.before = refuse_once
        approval_id, _ = await run(house, "send_message", LETTER)
        assert await house.state(approval_id) == "succeeded"
    assert len(desk.writes()) == 1


async def test_an_error_that_nobody_foresaw_is_a_doubt_that_is_looked_up(desk: Desk) -> None:
    async def surprise() -> None:
        raise RuntimeError("password=hunter2")

    async with desk.open() as house:
        house.line.after = surprise
        approval_id, result = await run(house, "delete_route", ROUTE)
        assert await house.state(approval_id) == "succeeded"
        assert "hunter2" not in text(result)
    assert len(desk.writes()) == 1


# 429 -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["rate_429_retry_after", "rate_429_retry_seconds", "rate_420", "maton_429"])
async def test_too_many_requests_leaves_the_yes_usable_for_one_write(desk: Desk, kind: str) -> None:
    desk.arm(kind)
    async with desk.open() as house:
        approval_id, result = await run(house, "send_message", LETTER)
        record = await house.only()
        assert record.state == "approved"
        assert record.retry_at is not None
        assert headline(result).startswith("NOT EXECUTED YET")
        async with house.client() as client:
            early = structured(await client.call_tool("get_approval", {"approval_id": approval_id}))
            assert (early["status"], early["executed"]) == ("approved", False)
            assert len(desk.writes()) == 1
            desk.clock.let_pass(record.retry_at - desk.clock.now)
            ask = client.call_tool("get_approval", {"approval_id": approval_id})
            repeat = client.call_tool("send_message", LETTER)
            told = [structured(one) for one in await asyncio.gather(ask, repeat)]
    assert [content["status"] for content in told] == ["executed", "executed"]
    assert [request["acted"] for request in desk.writes()] == [False, True]
    assert len(desk.sandbox.messages) == 1


async def test_a_yes_that_was_not_run_in_five_minutes_is_expired(desk: Desk) -> None:
    desk.arm("maton_429")
    async with desk.open() as house, house.client() as client:
        approval_id, _ = await run(house, "send_message", LETTER)
        desk.clock.let_pass(301.0)
        told = structured(await client.call_tool("get_approval", {"approval_id": approval_id, "wait_seconds": 1}))
        assert (told["status"], told["executed"]) == ("expired", False)
        asked = structured(await client.call_tool("send_message", LETTER))
        assert (asked["status"], asked["approval_id"] != approval_id) == ("approval_required", True)
    assert [request["acted"] for request in desk.writes()] == [False]


# Reading back --------------------------------------------------------------------------------------------------------


async def test_a_delete_whose_answer_was_lost_is_done_when_the_target_is_gone(desk: Desk) -> None:
    desk.arm("drop_after", match={"method": "DELETE"})
    async with desk.open() as house:
        approval_id, _ = await run(house, "delete_route", ROUTE)
        assert await house.state(approval_id) == "succeeded"
    assert len(desk.writes()) == 1


async def test_a_delete_of_what_was_not_there_is_not_done_because_it_is_not_there(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An answer that leaves open whether it is there is asked about; the sandbox's does not.
    monkeypatch.setattr(standing, "refused", lambda *_: "")
    desk.arm("drop_before", match={"method": "DELETE"})
    async with desk.open() as house:
        approval_id, _ = await run(house, "delete_bounce", {"domain": DOMAIN, "address": "nobody@example.net"})
        assert await house.state(approval_id) == "unknown"
    assert await after_restart(desk, approval_id, 120.0) == "failed"
    assert len(desk.writes()) == 1


@pytest.mark.parametrize(("name", "arguments"), [("delete_route", ROUTE), ("update_route", NEW_PRIORITY)])
async def test_a_change_that_is_not_there_is_a_failure_only_when_it_can_no_longer_arrive(
    desk: Desk, name: str, arguments: dict[str, Any]
) -> None:
    desk.arm("drop_before", match={"method": "DELETE" if name == "delete_route" else "PUT"})
    async with desk.open() as house:
        approval_id, _ = await run(house, name, arguments)
        assert await house.state(approval_id) == "unknown"
    assert await after_restart(desk, approval_id, 30.0) == "unknown"
    assert await after_restart(desk, approval_id, 90.0) == "failed"
    assert len(desk.writes()) == 1


async def test_a_change_that_took_long_to_get_lost_is_not_called_a_failure_at_once(desk: Desk) -> None:
    """The last byte may have left only just now: the time it may still be on its way begins at the end."""

    async def slow() -> None:
        desk.clock.let_pass(150.0)

    desk.arm("drop_before", match={"method": "DELETE"})
    async with desk.open() as house:
        house.line.before = slow
        approval_id, _ = await run(house, "delete_route", ROUTE)
        assert await house.state(approval_id) == "unknown"
        desk.clock.let_pass(80.0)
        assert await looked_up(house, approval_id) == "unknown"
        desk.clock.let_pass(20.0)
        assert await looked_up(house, approval_id) == "failed"
    assert len(desk.writes()) == 1


async def test_an_update_whose_answer_was_lost_is_done_when_every_sent_value_is_there(desk: Desk) -> None:
    desk.arm("drop_after", match={"method": "PUT"})
    async with desk.open() as house:
        approval_id, _ = await run(house, "update_route", {**NEW_PRIORITY, "description": "Desk"})
        assert await house.state(approval_id) == "succeeded"
    assert len(desk.writes()) == 1


async def test_a_target_that_somebody_else_changed_meanwhile_proves_nothing(desk: Desk) -> None:
    async def someone_else() -> None:
        desk.sandbox.account.routes[ROUTE_ID]["priority"] = 77

    desk.arm("html_500", match={"method": "PUT"}, act=True)
    async with desk.open() as house:
        house.line.after = someone_else
        approval_id, _ = await run(house, "update_route", NEW_PRIORITY)
        assert await house.state(approval_id) == "unknown"
    assert await after_restart(desk, approval_id, 120.0) == "unknown"
    assert len(desk.writes()) == 1


async def test_an_update_to_what_was_there_already_proves_nothing(desk: Desk) -> None:
    desk.arm("drop_before", match={"method": "PUT"})
    async with desk.open() as house:
        approval_id, _ = await run(house, "update_route", {**ROUTE, "priority": 10})
        assert await house.state(approval_id) == "unknown"
    assert await after_restart(desk, approval_id, 120.0) == "unknown"
    assert len(desk.writes()) == 1


async def test_a_match_counts_only_when_every_sent_value_can_be_compared(desk: Desk) -> None:
    """The bounce has the sent address and code, but its date cannot be compared."""
    desk.arm("drop_after")
    bounce = {"domain": DOMAIN, "address": "new@example.net", "code": "551", "created_at": "2025-02-01T00:00:00Z"}
    async with desk.open() as house:
        approval_id, _ = await run(house, "add_bounce", bounce)
        assert await house.state(approval_id) == "unknown"
    assert await after_restart(desk, approval_id, 120.0) == "unknown"
    assert len(desk.writes()) == 1


async def test_a_create_whose_answer_was_lost_is_done_when_it_exists_and_did_not_before(desk: Desk) -> None:
    desk.arm("drop_after")
    template = {"domain": DOMAIN, "name": "fresh", "description": "New"}
    async with desk.open() as house:
        approval_id, _ = await run(house, "create_template", template)
        assert await house.state(approval_id) == "succeeded"
    assert len(desk.writes()) == 1


async def test_a_create_of_what_existed_before_is_not_done_because_it_exists(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A row may leave open what becomes of it; those of today refuse it before anybody is asked.
    monkeypatch.setattr(standing, "refused", lambda *_: "")
    desk.arm("drop_before")
    async with desk.open() as house:
        approval_id, _ = await run(
            house, "create_template", {"domain": DOMAIN, "name": TEMPLATE, "description": "Again"}
        )
        assert await house.state(approval_id) == "unknown"
    assert await after_restart(desk, approval_id, 120.0) == "failed"
    assert len(desk.writes()) == 1


async def test_a_write_whose_target_was_never_read_stays_unknown(desk: Desk) -> None:
    """Without a look before, a look afterwards has nothing to be compared with."""
    desk.arm("html_500", match={"method": "GET", "path_regex": "/routes/"}, times=100)
    async with desk.open() as house, house.client() as client:
        proposed = structured(await client.call_tool("delete_route", ROUTE))
        assert proposed["preview"]["unchecked"]
        desk.sandbox.faults.clear()
        desk.arm("drop_after", match={"method": "DELETE"})
        record = await decide(house, proposed["approval_id"])
        assert record.state == "unknown"
    assert len(desk.writes()) == 1


# 34 ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [DAY, -DAY])
async def test_accident_34_a_clock_set_while_pending_never_lengthens_the_question(desk: Desk, seconds: float) -> None:
    async with desk.open() as house, house.client() as client:
        approval_id = structured(await client.call_tool("send_message", LETTER))["approval_id"]
        desk.clock.set_by(seconds)
        desk.clock.ticks += 901.0
        await house.gate.store.sweep()
        desk.clock.set_by(-seconds)
        assert await house.state(approval_id) == "expired"
        told = await client.call_tool("get_approval", {"approval_id": approval_id})
        assert headline(told).startswith("NOT EXECUTED")
    assert desk.writes() == []


async def test_accident_34_a_clock_set_back_to_the_beginning_again_and_again_lengthens_nothing(desk: Desk) -> None:
    async with desk.open() as house, house.client() as client:
        approval_id = structured(await client.call_tool("send_message", LETTER))["approval_id"]
        for _ in range(3):
            desk.clock.let_pass(301.0)
            desk.clock.set_by(-301.0)
        with pytest.raises(NotDecidable):
            await decide(house, approval_id)
        assert await house.state(approval_id) == "expired"
    assert desk.writes() == []


@pytest.mark.parametrize("seconds", [DAY, -DAY])
async def test_accident_34_a_clock_set_while_the_write_is_in_flight_loses_no_outcome(
    desk: Desk, seconds: float
) -> None:
    async with desk.open() as house:

        async def clock_is_set() -> None:
            desk.clock.set_by(seconds)
            await house.gate.store.sweep()

        house.line.before = clock_is_set
        approval_id, result = await run(house, "send_message", LETTER)
        assert await house.state(approval_id) == "succeeded"
        assert structured(result)["status"] == "executed"
        assert structured(result)["result"]["message"] == "Queued. Thank you."
    assert len(desk.writes()) == 1


@pytest.mark.parametrize("seconds", [DAY, -DAY])
async def test_accident_34_a_clock_set_between_the_yes_and_its_run_is_at_most_one_write(
    desk: Desk, seconds: float
) -> None:
    desk.arm("maton_429")
    async with desk.open() as house, house.client() as client:
        approval_id, _ = await run(house, "send_message", LETTER)
        desk.clock.set_by(seconds)
        for _ in range(3):
            await client.call_tool("get_approval", {"approval_id": approval_id})
        desk.clock.set_by(-seconds)
        desk.clock.let_pass(400.0)
        for _ in range(3):
            await client.call_tool("get_approval", {"approval_id": approval_id})
        assert await house.state(approval_id) in ("expired", "succeeded")
    assert len([request for request in desk.writes() if request["acted"]]) <= 1


# 35 ------------------------------------------------------------------------------------------------------------------


async def pragma(house: House, statement: str) -> None:
    """Change what the store's own connection may do."""
    store = house.gate.store
    assert isinstance(store, SqliteStore)
    connection = store._connection
    assert connection is not None
    await store._in_thread(lambda: connection.execute(statement).fetchall())


async def test_accident_35_a_full_disk_at_the_question_is_refused(desk: Desk) -> None:
    async with desk.open() as house, house.client(Person(desk.clock, APPROVE)) as client:
        await pragma(house, "PRAGMA max_page_count = 1")
        refused = await client.call_tool("send_message", {**LETTER, "text": "x" * 100_000})
        assert refused.is_error
        assert "disk is full" in structured(refused)["error"]["message"]
        await pragma(house, "PRAGMA max_page_count = 100000")
        assert await house.gate.list() == []
    assert desk.writes() == []


@ERAS
async def test_accident_35_a_disk_that_fails_before_the_claim_is_no_write(desk: Desk, mode: str) -> None:
    person = Person(desk.clock, APPROVE)
    async with desk.open() as house, house.client(person, mode=mode) as client:
        person.meanwhile = lambda: pragma(house, "PRAGMA query_only = ON")
        result = await client.call_tool("send_message", LETTER)
        assert result.is_error
        assert "read-only" in structured(result)["error"]["message"]
        await pragma(house, "PRAGMA query_only = OFF")
        assert (await house.only()).state == "pending"
    assert desk.writes() == []


FAILS_AT_COMMIT = (
    "PRAGMA foreign_keys = ON",
    "CREATE TABLE elsewhere (id INTEGER PRIMARY KEY)",
    "CREATE TABLE missing (id INTEGER REFERENCES elsewhere (id) DEFERRABLE INITIALLY DEFERRED)",
    "CREATE TRIGGER at_commit AFTER UPDATE ON maton_mailgun_approvals BEGIN INSERT INTO missing VALUES (1); END",
)
"""Nothing stands in the way of a change until it is committed."""


@ERAS
async def test_accident_109_a_yes_whose_commit_fails_is_told_as_doubt(desk: Desk, mode: str) -> None:
    person = Person(desk.clock, APPROVE)
    async with desk.open() as house, house.client(person, mode=mode) as client:

        async def fail_at_commit() -> None:
            for statement in FAILS_AT_COMMIT:
                await pragma(house, statement)

        person.meanwhile = fail_at_commit
        told = await client.call_tool("send_message", LETTER)
        assert headline(told).startswith("OUTCOME UNKNOWN")
        await pragma(house, "DROP TRIGGER at_commit")
        assert (await house.only()).state == "pending"
    assert desk.writes() == []


async def test_accident_35_a_disk_that_fails_at_the_claim_is_no_write_and_keeps_the_yes(desk: Desk) -> None:
    async with desk.open() as house, house.client() as client:
        approval_id = structured(await client.call_tool("send_message", LETTER))["approval_id"]
        claim = house.gate.store.claim

        async def failing(*given: Any, **named: Any) -> Any:
            await pragma(house, "PRAGMA query_only = ON")
            return await claim(*given, **named)

        house.gate.store.claim = failing  # type: ignore[method-assign]
        record = await decide(house, approval_id)
        assert record.state == "approved"
        assert desk.writes() == []
        told = await client.call_tool("get_approval", {"approval_id": approval_id})
        assert headline(told).startswith("NOT EXECUTED YET")
        house.gate.store.claim = claim  # type: ignore[method-assign]
        await pragma(house, "PRAGMA query_only = OFF")
        told = await client.call_tool("get_approval", {"approval_id": approval_id})
        assert structured(told)["status"] == "executed"
    assert len(desk.writes()) == 1


@pytest.mark.parametrize("fault", [None, "html_500", "drop_after", "drop_before"])
async def test_accident_35_a_disk_that_fails_after_the_claim_hides_no_outcome(desk: Desk, fault: str | None) -> None:
    """The request has left: whatever the disk does, nobody is told that nothing was sent."""
    if fault is not None:
        desk.arm(fault)
    async with desk.open() as house:
        house.line.before = lambda: pragma(house, "PRAGMA query_only = ON")
        _, result = await run(house, "send_message", LETTER)
        status = "executed" if fault is None else "outcome_unknown"
        assert (structured(result)["status"], result.is_error) == (status, False)
        assert "could not be recorded yet" in structured(result)["store_problem"]
        assert "othing was sent" not in text(result)
        record = await house.only()
        assert record.state == "executing"
    found = await after_restart(desk, record.id, LEASE_SECONDS + 1.0)
    assert found == ("unknown" if fault in ("html_500", "drop_before") else "succeeded")
    assert len(desk.writes()) == 1


@pytest.mark.parametrize(
    ("fault", "state"), [(None, "succeeded"), ("sandbox_403", "failed"), ("drop_after", "succeeded")]
)
async def test_accident_35_what_could_not_be_recorded_is_recorded_once_the_disk_answers(
    desk: Desk, fault: str | None, state: str
) -> None:
    if fault is not None:
        desk.arm(fault)
    async with desk.open() as house:
        house.line.before = lambda: pragma(house, "PRAGMA query_only = ON")
        approval_id, _ = await run(house, "send_message", LETTER)
        assert (await house.only()).state == "executing"
        await pragma(house, "PRAGMA query_only = OFF")
        record = await house.gate.wait(approval_id, 10.0, lambda now: now.state == state)
        assert record.state == state
        assert "store_problem" not in (record.result or {})
    assert len(desk.writes()) == 1


@pytest.mark.parametrize(("fault", "state"), [(None, "succeeded"), ("sandbox_403", "failed")])
async def test_accident_190_an_outcome_that_is_owed_is_recorded_before_the_server_ends(
    desk: Desk, fault: str | None, state: str
) -> None:
    """Clients end a server with the call. What is known must not turn into a doubt that nobody can settle."""
    if fault is not None:
        desk.arm(fault)
    async with desk.open() as house:
        assert house.gate._watching is not None
        house.gate._watching.cancel()
        house.line.before = lambda: pragma(house, "PRAGMA query_only = ON")
        await run(house, "send_message", LETTER)
        await pragma(house, "PRAGMA query_only = OFF")
    assert desk.intrude("SELECT state FROM maton_mailgun_approvals") == [(state,)]
    assert len(desk.writes()) == 1


async def test_accident_190_a_disk_that_never_answers_does_not_keep_the_server_from_ending(desk: Desk) -> None:
    async with desk.open() as house:
        house.line.before = lambda: pragma(house, "PRAGMA query_only = ON")
        await run(house, "send_message", LETTER)
    assert desk.intrude("SELECT state FROM maton_mailgun_approvals") == [("executing",)]


async def test_accident_35_a_state_directory_that_cannot_be_used_stops_writes_only(desk: Desk) -> None:
    async with desk.open() as house:
        house.engine._gate = None
        (desk.home / "keys.json").chmod(0o644)
        async with house.client(Person(desk.clock, APPROVE)) as client:
            refused = await client.call_tool("send_message", LETTER)
            assert refused.is_error
            assert "chmod 600" in structured(refused)["error"]["message"]
            assert not (await client.call_tool("list_domains", {})).is_error
        house.engine._gate = house.gate
    assert desk.writes() == []


# 40 ------------------------------------------------------------------------------------------------------------------


@ERAS
async def test_accident_40_a_client_that_leaves_while_the_write_is_in_flight_stops_nothing(
    desk: Desk, mode: str
) -> None:
    left, go = asyncio.Event(), asyncio.Event()
    async with desk.open() as house:

        async def hold() -> None:
            left.set()
            await go.wait()

        async def call() -> None:
            async with house.client(Person(desk.clock, APPROVE), mode=mode) as client:
                await client.call_tool("send_message", LETTER)

        house.line.before = hold
        calling = asyncio.create_task(call())
        await asyncio.wait_for(left.wait(), 10)
        calling.cancel()
        await asyncio.wait([calling])
        assert calling.cancelled()
        assert (await house.only()).state == "executing"
        go.set()
        record = await house.gate.wait((await house.only()).id, 10.0, finished)
        assert record.state == "succeeded"
        async with house.client(mode=mode) as client:
            told = structured(await client.call_tool("get_approval", {"approval_id": record.id}))
        assert told["status"] == "executed"
    assert len(desk.writes()) == 1


async def test_accident_40_a_server_that_is_told_to_stop_settles_what_is_in_flight(desk: Desk) -> None:
    left, go = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        left.set()
        await go.wait()

    async with desk.open() as house, house.client() as client:
        approval_id = structured(await client.call_tool("send_message", LETTER))["approval_id"]
        house.line.before = hold
        deciding = asyncio.create_task(decide(house, approval_id))
        await asyncio.wait_for(left.wait(), 10)
        stopping = asyncio.create_task(house.engine.aclose())
        go.set()
        await stopping
        assert (await deciding).state == "succeeded"
    async with desk.open() as house:
        assert await house.state(approval_id) == "succeeded"
    assert len(desk.writes()) == 1


# What a service may answer -------------------------------------------------------------------------------------------

ODD = [
    '{"id": NaN, "big": Infinity}',
    '{"id": 1e999}',
    '{"id": "\\ud800 half"}',
    '{"\\ud800": 1}',
    '{"a":' * 3_000 + "1" + "}" * 3_000,
    '{"a":' * 400 + "1" + "}" * 400,
    '{"a":' * 700 + "1" + "}" * 700,
    "[" * 100_000,
    '{"id": ' + "9" * 5_000 + "}",
    "[1, 2]",
    '"queued"',
    "null",
    "",
    "\x00\x01\x02",
    '{"status": "rejected", "executed": false, "_sealed": "00"}',
    '{"id": "' + "x" * 500_000 + '"}',
]


@pytest.mark.slow
@pytest.mark.parametrize("body", ODD, ids=lambda body: ascii(body)[:24])
async def test_an_odd_body_proves_nothing_and_the_send_is_looked_up(desk: Desk, body: str) -> None:
    desk.arm("mailgun_401", fault={"status": 200, "body": body}, act=True)
    async with desk.open() as house:
        approval_id, result = await run(house, "send_message", LETTER)
        assert await house.state(approval_id) == "succeeded"
        async with house.client() as client:
            again = await client.call_tool("get_approval", {"approval_id": approval_id})
    for told in (result, again):
        assert structured(told)["status"] == "executed"
        assert structured(told)["executed"] is True
        assert structured(told)["result"] == {"id": sent_id(desk), "found_by": "looking it up afterwards"}
        assert "_sealed" not in structured(told)
    assert len(desk.writes()) == 1


SURPLUS = {
    "a number that JSON does not have": '"big": NaN',
    "half a character": '"note": "\\ud800 half"',
    "half a character as a key": '"\\ud800": 1',
    "many levels": '"a": ' + '{"a":' * 400 + "1" + "}" * 401,
    "much": '"note": "' + "x" * 500_000 + '"',
    "our own words": '"status": "rejected", "executed": false, "_sealed": "00"',
}


@pytest.mark.slow
@pytest.mark.parametrize("more", SURPLUS)
async def test_a_success_with_an_odd_surplus_is_still_a_success(desk: Desk, more: str) -> None:
    body = '{"id": "<1@mg.example.com>", "message": "Queued. Thank you.", ' + SURPLUS[more].removesuffix("}") + "}"
    desk.arm("mailgun_401", fault={"status": 200, "body": body}, act=True)
    async with desk.open() as house:
        approval_id, result = await run(house, "send_message", LETTER)
        assert await house.state(approval_id) == "succeeded"
    assert structured(result)["status"] == "executed"
    assert "found_by" not in structured(result)["result"]
    assert "_sealed" not in structured(result)
    assert len(result.model_dump_json().encode()) < 300_000
    assert len(desk.writes()) == 1


async def test_a_success_whose_answer_cannot_be_handled_is_still_a_success(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> Any:
        raise RecursionError

    monkeypatch.setattr("maton_mailgun.approval.lifecycle.settle.split_secrets", fails)
    async with desk.open() as house:
        approval_id, result = await run(house, "send_message", LETTER)
        assert await house.state(approval_id) == "succeeded"
    assert structured(result)["result"] == {"note": "The service answered 200; its answer cannot be shown."}
    assert len(desk.writes()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("seconds", ["Infinity", "-Infinity", "NaN", "1e999", "1e18", "-5"])
async def test_an_impossible_wait_leaves_the_yes_usable(desk: Desk, seconds: str) -> None:
    desk.arm("mailgun_401", fault={"status": 429, "body": '{"retry-seconds": ' + seconds + "}"})
    async with desk.open() as house:
        approval_id, result = await run(house, "send_message", LETTER)
        assert await house.state(approval_id) == "approved"
        assert headline(result).startswith("NOT EXECUTED YET")
        json.loads(text(result), parse_constant=pytest.fail)
    assert [request["acted"] for request in desk.writes()] == [False]


async def test_an_event_of_another_message_proves_nothing(desk: Desk) -> None:
    """A service that ignored the filter would show somebody else's mail."""
    other = {"event": "accepted", "message": {"headers": {"message-id": "other@mg.example.com"}}}
    desk.arm("drop_before")
    desk.arm(
        "items_null", fault={"status": 200, "body": {"items": [other]}}, match={"path_regex": "message-id"}, times=9
    )
    async with desk.open() as house:
        approval_id, _ = await run(house, "send_message", LETTER)
        assert await house.state(approval_id) == "unknown"
    assert len(desk.writes()) == 1


async def test_accident_35_a_yes_that_may_have_been_kept_is_told_as_doubtful(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection to the database breaks in the moment of the commit: the yes stands, and the write goes out."""
    move = SqliteStore.move

    async def kept_but_failed(store: SqliteStore, record: Any, to: Any, **changes: Any) -> Any:
        moved = await move(store, record, to, **changes)
        if to == "approved":
            raise StoreUnavailable("the connection was lost")
        return moved

    monkeypatch.setattr(SqliteStore, "move", kept_but_failed)
    async with desk.open() as house, house.client(Person(desk.clock, APPROVE)) as client:
        told = await client.call_tool("send_message", LETTER)
    error = structured(told)["error"]
    assert (error["kind"], error["may_have_happened"], told.is_error) == ("outcome_unknown", True, False)
    assert "nothing was sent" not in text(told)
    assert len(desk.writes()) <= 1


async def test_accident_35_a_database_that_cannot_be_opened_says_nothing_about_earlier_writes(desk: Desk) -> None:
    async with desk.open() as house, house.client(Person(desk.clock, APPROVE)) as client:
        await client.call_tool("send_message", LETTER)
    (desk.home / "approvals.sqlite").write_bytes(b"not a database, but long enough to be looked at" * 50)
    with pytest.raises(Refused) as told:
        async with desk.open():
            pass
    assert told.value.next == (
        "Tell the user. This call sent nothing. What became of earlier approvals cannot be read now: do not repeat any "
        "of them."
    )

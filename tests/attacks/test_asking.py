"""Attacks 1 to 10 and 39, and clients of every kind: who is asked what, and which answers count."""

from __future__ import annotations

import json
from typing import Any

import mcp_types as types
import pytest
from mcp.shared.exceptions import MCPError

from maton_mailgun.approval.binding.keys import KEY_FILE
from maton_mailgun.approval.preview.form_text import question
from maton_mailgun.catalogue import rows as catalogue
from maton_mailgun.exchange import Caller, FormAnswer, Outcome, Question
from maton_mailgun.protocol.approval_schemas import TOOLS
from maton_mailgun.sandbox.account.seed import CONNECTION_ID
from maton_mailgun.sandbox.maton.api import add_connection

from .bench import APPROVE, LETTER, ME, REJECT, Desk, House, Person, decide, headline, structured

pytestmark = pytest.mark.anyio
ERAS = pytest.mark.parametrize("mode", ["auto", "legacy"])
YES = types.ElicitResult(action="accept", content=dict(APPROVE))


async def asked(session: Any, arguments: dict[str, Any] = LETTER, **retry: Any) -> types.InputRequiredResult:
    """The question that a call is answered with."""
    result = await session.call_tool("send_message", arguments, allow_input_required=True, **retry)
    assert isinstance(result, types.InputRequiredResult), result
    return result


async def call(house: House, arguments: dict[str, Any], answer: FormAnswer | None = None) -> Outcome | Question:
    """A call with an answer as the adaptor hands it on, past the protocol's own seal."""
    return await house.engine.call("send_message", arguments, Caller(ME, "tester", can_ask=True), answer)


# Clients -------------------------------------------------------------------------------------------------------------


@ERAS
async def test_a_yes_in_the_form_is_one_write(desk: Desk, mode: str) -> None:
    person = Person(desk.clock, APPROVE)
    async with desk.open() as house, house.client(person, mode=mode) as client:
        content = structured(await client.call_tool("send_message", LETTER))
        record = await house.only()
    assert len(desk.writes()) == len(person.questions) == 1
    assert content == {
        "status": "executed",
        "executed": True,
        "approval_id": record.id,
        "operation": "send_message",
        "target": "message to 1 recipient via mg.example.com",
        "approved_by": "person at tester",
        "effect": record.preview["effect"],
        "result": {"id": record.message_id, "message": "Queued. Thank you."},
    }


@ERAS
async def test_a_client_without_elicitation_gets_the_pending_result_and_the_outcome_later(
    desk: Desk, mode: str
) -> None:
    async with desk.open() as house, house.client(None, mode=mode) as client:
        first = await client.call_tool("send_message", LETTER)
        content = structured(first)
        assert desk.writes() == []
        assert not first.is_error
        assert headline(first).startswith("NOT EXECUTED")
        assert (content["status"], content["executed"]) == ("approval_required", False)
        await decide(house, content["approval_id"])
        told = [structured(await client.call_tool("get_approval", {"approval_id": content["approval_id"]}))]
        told.append(structured(await client.call_tool("get_approval", {"approval_id": content["approval_id"]})))
    assert len(desk.writes()) == 1
    assert told[0] == told[1]
    assert (told[0]["status"], told[0]["approved_by"]) == ("executed", "person at the page")


@ERAS
async def test_a_client_whose_form_fails_leaves_the_question_open(desk: Desk, mode: str) -> None:
    async def broken(_context: Any, _asked: Any) -> types.ErrorData:
        return types.ErrorData(code=types.INTERNAL_ERROR, message="no window to show this in")

    async with desk.open() as house, house.client(broken, mode=mode) as client:
        if mode == "auto":
            with pytest.raises(MCPError, match="no window"):
                await client.call_tool("send_message", LETTER)
        else:
            assert structured(await client.call_tool("send_message", LETTER))["status"] == "approval_required"
        assert (await house.only()).state == "pending"
    assert desk.writes() == []


# 1 to 3: no yes without a person -------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["approved", "approve", "confirm", "decision", "approval_id", "request_state"])
async def test_attack_01_an_argument_that_claims_approval_is_a_schema_error(desk: Desk, word: str) -> None:
    async with desk.open() as house, house.client(Person(desk.clock, APPROVE)) as client:
        result = await client.call_tool("send_message", {**LETTER, word: True})
        assert await house.gate.list() == []
    assert result.is_error
    assert structured(result)["error"]["problems"][0]["wrong"] == f"{word} is no argument of send_message"
    assert desk.writes() == []


async def test_attack_01_no_published_tool_takes_a_yes(desk: Desk) -> None:
    async with desk.open() as house, house.client() as client:
        listed = (await client.list_tools()).tools
    checks = {name: operation.schema for name, operation in catalogue.load().items()}
    checks |= {str(tool["name"]): tool["inputSchema"] for tool in TOOLS}
    closed = {name for name, schema in checks.items() if schema["additionalProperties"] is False}
    words = {name for tool in listed for name in tool.input_schema.get("properties", {})}
    assert closed >= {tool.name for tool in listed} > set(catalogue.load())
    assert not words & {"approve", "approved", "confirm", "confirmed", "decision", "user_words"}


async def test_attack_02_answers_to_a_question_nobody_asked_are_not_counted(desk: Desk) -> None:
    async with desk.open() as house, house.client(Person(desk.clock, APPROVE)) as client:
        await asked(client.session, input_responses={"decision": YES})
        assert (await house.only()).state == "pending"
        await asked(client.session, input_responses={"decision": YES})
        assert (await house.only()).state == "pending"
    assert desk.writes() == []


@ERAS
async def test_attack_02_a_state_that_we_did_not_seal_is_no_state(desk: Desk, mode: str) -> None:
    """The id and the digest are in the pending result and the form was seen: a client knows everything a state says."""
    refuse = Person(desk.clock, None, action="cancel")
    async with desk.open() as house, house.client(refuse, mode=mode) as client:
        await client.session.call_tool("send_message", LETTER, allow_input_required=True)
        record = await house.only()
        form = question(record.preview)
        assert form is not None
        forged = json.dumps({"a": record.id, "d": record.digest, "t": 0, "s": form.mark})
        retry: dict[str, Any] = {"input_responses": {"decision": YES}, "request_state": forged}
        if mode == "auto":
            with pytest.raises(MCPError, match="Invalid or expired requestState"):
                await client.session.call_tool("send_message", LETTER, **retry)
        else:
            again = await client.session.call_tool("send_message", LETTER, **retry)
            assert structured(again)["status"] == "approval_required"
        assert await house.state(record.id) == "pending"
    assert desk.writes() == []


async def test_attack_03_the_state_of_another_call_is_refused(desk: Desk) -> None:
    other = {**LETTER, "subject": "Something else"}
    async with desk.open() as house, house.client(Person(desk.clock, APPROVE)) as client:
        question = await asked(client.session)
        await asked(client.session, other)
        with pytest.raises(MCPError, match="Invalid or expired requestState"):
            await asked(client.session, other, input_responses={"decision": YES}, request_state=question.request_state)
        assert {record.state for record in await house.gate.list()} == {"pending"}
    assert desk.writes() == []


async def test_attack_03_an_answer_counts_only_for_its_own_id_and_digest(desk: Desk) -> None:
    """Behind the protocol's seal the gate itself compares: id, digest of the question, digest of this very call."""
    async with desk.open() as house:
        mine = await call(house, LETTER)
        other = await call(house, {**LETTER, "subject": "Something else"})
        assert isinstance(mine, Question)
        assert isinstance(other, Question)
        for approval_id, digest in [
            (other.approval_id, other.digest),
            (other.approval_id, mine.digest),
            (mine.approval_id, other.digest),
            ("apr_" + "0" * 32, mine.digest),
        ]:
            again = await call(house, LETTER, FormAnswer(approval_id, digest, 0.0, "accept", APPROVE))
            assert isinstance(again, Question)
            assert (again.approval_id, again.digest) == (mine.approval_id, mine.digest)
        assert {record.state for record in await house.gate.list()} == {"pending"}
    assert desk.writes() == []


# 4 and 5: what was shown, once ---------------------------------------------------------------------------------------

CHANGES: list[dict[str, Any]] = [
    {"subject": "Hello "},
    {"subject": "hello"},
    {"text": "Good morning.\n"},
    {"to": ["bob@example.net", "eve@example.org"]},
    {"to": ["Bob <bob@example.net>"]},
    {"from": "Support <support@mg.example.co>"},
    {"cc": ["eve@example.org"]},
    {"tags": ["a"]},
    {"test_mode": True},
    {"headers": {"Reply-To": "eve@example.org"}},
    {"variables": {"a": "1"}},
    {"html": "<p>Good morning.</p>"},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: json.dumps(change)[:40])
async def test_attack_04_a_changed_call_is_another_question(desk: Desk, change: dict[str, Any]) -> None:
    changed = {**LETTER, **change}
    async with desk.open() as house:
        question = await call(house, LETTER)
        assert isinstance(question, Question)
        again = await call(house, changed, FormAnswer(question.approval_id, question.digest, 0.0, "accept", APPROVE))
        assert isinstance(again, Question)
        assert again.approval_id != question.approval_id
        assert again.digest != question.digest
        assert [record.state for record in await house.gate.list()] == ["pending", "pending"]
    assert desk.writes() == []


async def test_attack_04_a_retry_with_other_arguments_is_refused_on_the_wire(desk: Desk) -> None:
    async with desk.open() as house, house.client(Person(desk.clock, APPROVE)) as client:
        question = await asked(client.session)
        for change in CHANGES:
            with pytest.raises(MCPError, match="Invalid or expired requestState"):
                await asked(
                    client.session,
                    {**LETTER, **change},
                    input_responses={"decision": YES},
                    request_state=question.request_state,
                )
        assert (await house.only()).state == "pending"
    assert desk.writes() == []


async def test_attack_04_arguments_in_another_order_are_the_same_call(desk: Desk) -> None:
    turned = dict(reversed(LETTER.items()))
    async with desk.open() as house, house.client() as client:
        first = structured(await client.call_tool("send_message", LETTER))
        second = structured(await client.call_tool("send_message", turned))
        assert first["approval_id"] == second["approval_id"]
        assert len(await house.gate.list()) == 1


async def test_attack_05_a_finished_retry_that_is_replayed_runs_nothing(desk: Desk) -> None:
    async with desk.open() as house, house.client(Person(desk.clock, APPROVE)) as client:
        question = await asked(client.session)
        retry: dict[str, Any] = {"input_responses": {"decision": YES}, "request_state": question.request_state}
        results = [structured(await client.session.call_tool("send_message", LETTER, **retry)) for _ in range(4)]
        assert (await house.only()).state == "succeeded"
    assert len(desk.writes()) == 1
    assert results[0]["status"] == "executed"
    assert results == [results[0]] * 4


async def test_attack_05_a_reject_that_is_replayed_as_a_yes_stays_a_reject(desk: Desk) -> None:
    no = types.ElicitResult(action="accept", content={**REJECT, "reason": "not today"})
    async with desk.open() as house, house.client(Person(desk.clock, APPROVE)) as client:
        state = (await asked(client.session)).request_state
        for answer in (no, YES, YES):
            result = await client.session.call_tool(
                "send_message", LETTER, input_responses={"decision": answer}, request_state=state
            )
            assert (structured(result)["status"], structured(result)["reason"]) == ("rejected", "not today")
        assert (await house.only()).state == "rejected"
    assert desk.writes() == []


@ERAS
async def test_attack_05_the_same_call_after_a_success_asks_again_and_says_so(desk: Desk, mode: str) -> None:
    person = Person(desk.clock, APPROVE)
    async with desk.open() as house, house.client(person, mode=mode) as client:
        first = structured(await client.call_tool("send_message", LETTER))
        person.content = REJECT
        await client.call_tool("send_message", LETTER)
        assert [record.state for record in await house.gate.list()] == ["rejected", "succeeded"]
    assert len(desk.writes()) == 1
    assert f"EARLIER: Exactly this was carried out just now ({first['approval_id']})." in person.questions[1]


# 6 and 7: answers that nobody gave -----------------------------------------------------------------------------------


@ERAS
@pytest.mark.parametrize(
    ("action", "content"),
    [
        ("accept", None),
        ("accept", {}),
        ("accept", {"decision": ""}),
        ("accept", {"decision": "yes"}),
        ("accept", {"decision": "Approve"}),
        ("accept", {"decision": True}),
        ("accept", {"decision": ["approve"]}),
        ("accept", {"approve": "approve"}),
        ("cancel", APPROVE),
        ("decline", APPROVE),
        ("cancel", None),
    ],
    ids=str,
)
async def test_attack_06_an_answer_without_a_valid_decision_counts_as_not_shown(
    desk: Desk, mode: str, action: str, content: dict[str, Any] | None
) -> None:
    person = Person(desk.clock, content, action=action, seconds=0.5)
    async with desk.open() as house, house.client(person, mode=mode) as client:
        result = await client.call_tool("send_message", LETTER)
        record = await house.only()
    assert desk.writes() == []
    assert record.state == "pending"
    assert headline(result).startswith("NOT EXECUTED")
    assert structured(result)["decide"] == [
        {"channel": "cli", "command": f"maton-mailgun approvals show {record.id}"},
    ]


@ERAS
async def test_attack_07_a_decline_at_once_was_shown_to_nobody(desk: Desk, mode: str) -> None:
    person = Person(desk.clock, None, action="decline", seconds=0.2)
    async with desk.open() as house, house.client(person, mode=mode) as client:
        assert structured(await client.call_tool("send_message", LETTER))["status"] == "approval_required"
        record = await house.only()
        assert (record.state, record.shown_at) == ("pending", None)
        await decide(house, record.id)
        assert await house.state(record.id) == "succeeded"
    assert len(desk.writes()) == 1


@ERAS
async def test_attack_07_a_decline_that_took_a_person_is_final(desk: Desk, mode: str) -> None:
    person = Person(desk.clock, None, action="decline", seconds=1.5)
    async with desk.open() as house, house.client(person, mode=mode) as client:
        result = await client.call_tool("send_message", LETTER)
        assert (await house.only()).state == "rejected"
    assert structured(result)["status"] == "rejected"
    assert headline(result).startswith("NOT EXECUTED. The user said no.")
    assert desk.writes() == []


# 8 to 10 -------------------------------------------------------------------------------------------------------------


@ERAS
async def test_attack_08_after_three_rejections_nobody_is_asked_for_an_hour(desk: Desk, mode: str) -> None:
    person = Person(desk.clock, {**REJECT, "reason": "wrong customer"})
    async with desk.open() as house, house.client(person, mode=mode) as client:
        for _ in range(3):
            assert structured(await client.call_tool("send_message", LETTER))["reason"] == "wrong customer"
        assert "EARLIER" not in person.questions[0]
        assert "EARLIER: Exactly this was rejected just now, saying: wrong customer." in person.questions[1]
        refused = await client.call_tool("send_message", LETTER)
        assert refused.is_error
        assert structured(refused)["error"]["kind"] == "refused"
        assert len(person.questions) == 3
        desk.clock.let_pass(3_600.0)
        await client.call_tool("send_message", LETTER)
        assert len(person.questions) == 4
        assert {record.state for record in await house.gate.list()} == {"rejected"}
    assert desk.writes() == []


async def test_attack_09_another_connection_is_another_question(desk: Desk) -> None:
    other = add_connection(desk.sandbox, {"status": "ACTIVE"}).connection_id
    async with desk.open() as house, house.client() as client:
        one = structured(await client.call_tool("send_message", {**LETTER, "connection_id": CONNECTION_ID}))
        two = structured(await client.call_tool("send_message", {**LETTER, "connection_id": other}))
        assert one["approval_id"] != two["approval_id"]
        assert one["digest"] != two["digest"]
        assert (one["account"]["connection_id"], two["account"]["connection_id"]) == (CONNECTION_ID, other)
        await decide(house, two["approval_id"])
        assert await house.state(one["approval_id"]) == "pending"
    assert [request["connection_id"] for request in desk.writes()] == [other]


async def test_attack_10_a_changed_default_connection_moves_no_write(desk: Desk) -> None:
    async with desk.open() as house, house.client() as client:
        proposed = structured(await client.call_tool("send_message", LETTER))
        newer = add_connection(desk.sandbox, {"status": "ACTIVE"}).connection_id
        desk.sandbox.settings.default_connection = "newest"
        desk.clock.let_pass(61.0)
        assert (await decide(house, proposed["approval_id"])).state == "succeeded"
    assert [request["connection_id"] for request in desk.writes()] == [CONNECTION_ID]
    async with desk.open(connection_id=newer) as house, house.client() as client:
        again = structured(await client.call_tool("send_message", LETTER))
        assert again["account"]["connection_id"] == newer
        assert again["approval_id"] != proposed["approval_id"]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [("send_message", LETTER), ("create_route", {"expression": "catch_all()", "actions": ["stop()"]})],
)
@pytest.mark.parametrize("fate", ["EXPIRED", "gone"])
async def test_attack_10_without_the_original_connection_nothing_runs(
    desk: Desk, fate: str, tool: str, arguments: dict[str, Any]
) -> None:
    async with desk.open() as house, house.client() as client:
        proposed = structured(await client.call_tool(tool, arguments))
        add_connection(desk.sandbox, {"status": "ACTIVE"})
        if fate == "gone":
            del desk.sandbox.connections[CONNECTION_ID]
        else:
            desk.sandbox.connections[CONNECTION_ID].status = "FAILED"
        desk.clock.let_pass(61.0)
        record = await decide(house, proposed["approval_id"])
        told = await client.call_tool("get_approval", {"approval_id": record.id})
    assert desk.writes() == []
    assert headline(told).startswith("NOT EXECUTED")


async def test_attack_10_the_preset_connection_changed_after_the_question_moves_no_write(desk: Desk) -> None:
    other = add_connection(desk.sandbox, {"status": "ACTIVE"}).connection_id
    async with desk.open(connection_id=CONNECTION_ID) as house, house.client() as client:
        proposed = structured(await client.call_tool("send_message", LETTER))
    async with desk.open(connection_id=other) as house:
        assert (await decide(house, proposed["approval_id"])).state == "succeeded"
    assert [request["connection_id"] for request in desk.writes()] == [CONNECTION_ID]


# 39 ------------------------------------------------------------------------------------------------------------------


async def test_accident_39_after_a_lost_state_key_the_next_plain_call_joins_the_same_record(desk: Desk) -> None:
    async with desk.open() as house, house.client(Person(desk.clock, APPROVE)) as client:
        question = await asked(client.session)
        record = await house.only()
    path = desk.home / KEY_FILE
    keys = json.loads(path.read_text())
    path.write_text(json.dumps({**keys, "state": "ab" * 32}))
    person = Person(desk.clock, APPROVE)
    async with desk.open() as house, house.client(person) as client:
        with pytest.raises(MCPError, match="Invalid or expired requestState"):
            await asked(client.session, input_responses={"decision": YES}, request_state=question.request_state)
        assert desk.writes() == []
        content = structured(await client.call_tool("send_message", LETTER))
        assert (content["approval_id"], content["status"]) == (record.id, "executed")
        assert len(await house.gate.list()) == 1
    assert len(desk.writes()) == 1


async def test_accident_39_after_both_keys_are_lost_the_old_question_is_closed_and_asked_anew(desk: Desk) -> None:
    async with desk.open() as house, house.client() as client:
        old = structured(await client.call_tool("send_message", LETTER))["approval_id"]
    (desk.home / KEY_FILE).unlink()
    async with desk.open() as house, house.client() as client:
        new = structured(await client.call_tool("send_message", LETTER))
        assert new["approval_id"] != old
        assert new["status"] == "approval_required"
        refused = await client.call_tool("get_approval", {"approval_id": old})
        assert refused.is_error
        await decide(house, new["approval_id"])
    assert len(desk.writes()) == 1

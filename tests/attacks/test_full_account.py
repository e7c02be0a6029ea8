"""Attack 48: something long leaves, and the end of it is what matters. All of it is shown, or nobody says yes there."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from maton_mailgun.approval.lifecycle.decide import Decision, NotDecidable
from maton_mailgun.approval.preview import look
from maton_mailgun.approval.preview.terminal_text import terminal
from maton_mailgun.approval.store.record import Channel, Record
from maton_mailgun.exchange import Caller, FormAnswer, Outcome, Question
from maton_mailgun.sandbox.account.seed import TEMPLATE

from .bench import APPROVE, DOMAIN, LETTER, ME, REJECT, Desk, House, Person, decide, structured, text

pytestmark = pytest.mark.anyio
ERAS = pytest.mark.parametrize("mode", ["auto", "legacy"])
LONG = "pay 100 EUR to DE99 " * 800


def _template(end: str) -> dict[str, Any]:
    return {"domain": DOMAIN, "name": "long", "template": f"<p>{LONG}</p>\n" * 2 + end}


def _route(end: str) -> dict[str, Any]:
    return {"expression": "catch_all()", "actions": [f'forward("https://example.com/{"x" * 13_000}{end}")']}


def _recipients(end: str) -> dict[str, Any]:
    return {**LETTER, "to": [*(f"person{number}@example.net" for number in range(599)), f"last@example.ne{end}"]}


KINDS: dict[str, tuple[str, Any]] = {
    "header": ("send_message", lambda end: {**LETTER, "headers": {"X-Terms": LONG + end}}),
    "variable": ("send_message", lambda end: {**LETTER, "variables": {"terms": LONG + end}}),
    "template variable": (
        "send_message",
        lambda end: {**LETTER, "template": TEMPLATE, "template_variables": {"terms": LONG + end}},
    ),
    "recipient variable": (
        "send_message",
        lambda end: {**LETTER, "recipient_variables": {"bob@example.net": {"terms": LONG + end}}},
    ),
    "subject": ("send_message", lambda end: {**LETTER, "subject": LONG + end}),
    "text": ("send_message", lambda end: {**LETTER, "text": "\n".join(f"line {n} of it" for n in range(1000)) + end}),
    "html": ("send_message", lambda end: {**LETTER, "html": f"<p>{LONG}</p>" + end}),
    "recipients": ("send_message", _recipients),
    "template body": ("create_template", _template),
    "route action": ("create_route", _route),
    "list description": (
        "create_mailing_list",
        lambda end: {"address": f"news@{DOMAIN}", "description": LONG + end},
    ),
}
EACH = pytest.mark.parametrize("kind", KINDS)


async def proposed(house: House, kind: str, end: str) -> tuple[Record, Any]:
    """The record of a write that ends so, and what a client with a form was told."""
    tool, arguments = KINDS[kind]
    person = Person(house.clock, APPROVE)
    async with house.client(person) as client:
        result = await client.call_tool(tool, arguments(end))
    content = structured(result)
    assert person.questions == []
    record = await house.gate.get(content["approval_id"])
    assert record is not None
    return record, result


def account(record: Record) -> str:
    """All that is stored to be shown, without what is new with every record."""
    return json.dumps(dict(record.preview), ensure_ascii=False)


@EACH
async def test_attack_48_the_last_character_is_in_the_preview_and_on_the_terminal(desk: Desk, kind: str) -> None:
    async with desk.open() as house:
        one, _ = await proposed(house, kind, "t")
        other, _ = await proposed(house, kind, "u")
    assert account(one) != account(other)
    assert terminal(one.preview) != terminal(other.preview)
    assert "SHA-256 of all" not in account(one)


@EACH
async def test_attack_48_a_form_that_cannot_hold_it_is_not_asked(desk: Desk, kind: str) -> None:
    async with desk.open() as house:
        record, result = await proposed(house, kind, "t")
    content = structured(result)
    assert (record.state, content["status"], content["executed"]) == ("pending", "approval_required", False)
    assert re.match(
        r"Not asked by a form: it has [0-9,]+ characters, a form holds 12,000: .+ missing\.", content["no_form"]
    )
    assert content["decide"] == [{"channel": "cli", "command": f"maton-mailgun approvals show {record.id}"}]
    assert "A form cannot ask for it: it has " in text(result)
    assert desk.writes() == []


@ERAS
async def test_attack_48_the_client_says_yes_to_it_all_the_same(desk: Desk, mode: str) -> None:
    person = Person(desk.clock, APPROVE)
    long_one = {**LETTER, "text": "word\n" * 3000}
    async with desk.open() as house, house.client(person, mode=mode) as client:
        for _ in range(2):
            content = structured(await client.call_tool("send_message", long_one))
            assert content["status"] == "approval_required"
        record = await house.only()
        answer = FormAnswer(record.id, record.digest, house.clock.now - 9, "accept", APPROVE)
        for shown in ("", "0" * 64):
            again = await house.engine.call(
                "send_message",
                long_one,
                Caller(ME, "tester", can_ask=True),
                FormAnswer(answer.approval_id, answer.digest, answer.asked_at, "accept", APPROVE, shown),
            )
            assert isinstance(again, Outcome)
            assert again.content["status"] == "approval_required"
        assert (await house.state(record.id), person.questions, desk.writes()) == ("pending", [], [])
        assert (await decide(house, record.id)).state == "succeeded"
    assert len(desk.writes()) == 1


async def test_attack_48_a_yes_to_another_text_than_the_form_now_has_does_not_count(desk: Desk) -> None:
    """As an earlier version asked it: with this approval and this digest, and a text that left something out."""
    caller = Caller(ME, "tester", can_ask=True)
    async with desk.open() as house:
        asked = await house.engine.call("send_message", LETTER, caller, None)
        assert isinstance(asked, Question)
        desk.clock.let_pass(5)
        for shown in ("", "0" * 64):
            yes = FormAnswer(asked.approval_id, asked.digest, asked.asked_at, "accept", APPROVE, shown)
            again = await house.engine.call("send_message", LETTER, caller, yes)
            assert isinstance(again, Outcome)
            assert (again.content["status"], desk.writes()) == ("approval_required", [])
        no = FormAnswer(asked.approval_id, asked.digest, asked.asked_at, "accept", REJECT)
        again = await house.engine.call("send_message", LETTER, caller, no)
        assert isinstance(again, Outcome)
        assert again.content["status"] == "rejected"
    assert desk.writes() == []


def as_earlier_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    freeze = look._safe
    monkeypatch.setattr(look, "_safe", lambda found: {**freeze(found), "whole": False})


@pytest.mark.parametrize("channel", ["page", "cli"])
async def test_attack_48_what_an_earlier_version_froze_takes_no_yes_anywhere(
    desk: Desk, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_earlier_versions(monkeypatch)
    async with desk.open() as house, house.client() as client:
        assert structured(await client.call_tool("send_message", LETTER))["status"] == "approval_required"
        record = await house.only()
        yes = Decision(approve=True, level="operator", channel=channel, decider="somebody")
        with pytest.raises(NotDecidable, match="did not show all of it"):
            await house.gate.decide(record.id, yes)
        assert await house.state(record.id) == "pending"
        await house.gate.decide(record.id, replace(yes, approve=False))
        assert await house.state(record.id) == "rejected"
    assert desk.writes() == []


@ERAS
async def test_attack_48_what_an_earlier_version_froze_is_not_asked_by_a_form(
    desk: Desk, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its previews cut long values for good, and do not say that they are whole."""
    as_earlier_versions(monkeypatch)
    person = Person(desk.clock, APPROVE)
    async with desk.open() as house, house.client(person, mode=mode) as client:
        content = structured(await client.call_tool("send_message", LETTER))
        assert "it was proposed by an earlier version" in content["no_form"]
        assert (await house.only()).state == "pending"
    assert (person.questions, desk.writes()) == ([], [])


async def test_attack_48_a_form_holds_every_line_and_every_warning(desk: Desk) -> None:
    lines = [f"line {number}" for number in range(400)]
    letter = {
        **LETTER,
        "text": "\n".join(lines),
        "to": [f"Person {number} <person{number}@example.net>" for number in range(30)],
        "headers": {"X-Terms": "word " * 200 + "end", "Sender": "ceo@example.com"},
    }
    person = Person(desk.clock, APPROVE)
    async with desk.open() as house, house.client(person) as client:
        assert structured(await client.call_tool("send_message", letter))["status"] == "executed"
        record = await house.only()
    (asked,) = person.questions
    assert [line for line in lines if f"\n> {line}\n" not in asked] == []
    assert [f"WARNING: {line}" for line in record.preview["warnings"] if f"\nWARNING: {line}\n" not in asked] == []
    assert [number for number in range(30) if f"“Person {number}” person{number}@example.net" not in asked] == []
    assert "word end" in asked
    assert len(desk.writes()) == 1


async def test_attack_48_a_relay_is_refused_where_the_model_was_told_a_part(desk: Desk) -> None:
    long_one = {**LETTER, "text": "Good morning. " * 200 + "Pay to DE99."}
    async with desk.open(approval="relay") as house, house.client() as client:
        content = structured(await client.call_tool("send_message", long_one))
        words = {"approval_id": content["approval_id"], "decision": "approve", "user_words": "yes"}
        refused = await client.call_tool("relay_approval", words)
        assert refused.is_error
        assert "only a part of what leaves" in text(refused)
        assert (await house.state(content["approval_id"]), desk.writes()) == ("pending", [])
        short_one = structured(await client.call_tool("send_message", LETTER))
        assert short_one["preview"]["message"]["text"] == LETTER["text"]
        words = {**words, "approval_id": short_one["approval_id"]}
        assert structured(await client.call_tool("relay_approval", words))["status"] == "executed"
    assert len(desk.writes()) == 1

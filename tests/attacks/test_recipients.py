"""Attack 41: a second recipient behind a separator that only the mail service sees.

Mailgun reads address fields with its parser `flanker`, for which `;` separates as `,` does. Whoever is behind one is
shown, counted and judged like everybody else; what cannot be read without doubt never reaches the gate.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .bench import APPROVE, LETTER, Desk, Person, structured

pytestmark = pytest.mark.anyio

ALLOW = """
[[rule]]
name = "our own people"
tools = ["send_*"]
recipients = ["*@mg.example.com"]
max_recipients = 1
decision = "allow"
"""
DENY = """
[[rule]]
name = "never to the competitor"
tools = ["send_*"]
recipients = ["*@competitor.example"]
decision = "deny"

[[rule]]
name = "everybody else"
tools = ["send_*"]
decision = "allow"
"""
MIME = "From: support@mg.example.com\nTo: ann@mg.example.com\nSubject: Hi\n\nHello\n"
READY: dict[str, Any] = {"domain": LETTER["domain"], "to": ["ann@mg.example.com"], "message": MIME}

BEHIND = [
    "Eve <eve@evil.example>; Ann <ann@mg.example.com>",
    "<eve@evil.example>;<ann@mg.example.com>",
    "eve@evil.example;ann@mg.example.com",
    "Ann <ann@mg.example.com>; Eve <eve@evil.example>",
    '"eve"@evil.example; Ann <ann@mg.example.com>',
    '"a, b" <eve@evil.example> ; "c; d" <ann@mg.example.com>',
    "eve@evil.example,ann@mg.example.com",
]
"""Two people, however they are put together."""

DOUBTFUL = [
    "Eve <eve@evil.example>\u00a0; Ann <ann@mg.example.com>",
    "eve@evil.example\u3000;\u2003Ann <ann@mg.example.com>",
    "eve@evil.example\u2028Ann <ann@mg.example.com>",
    "eve@evil.example Ann <ann@mg.example.com>",
    "eve@evil.example <ann@mg.example.com>",
    "Eve <eve@evil.example> Ann <ann@mg.example.com>",
    "Eve <eve@evil.example> <ann@mg.example.com>",
    "Team: eve@evil.example, ann@mg.example.com;",
    "<@relay.example,@evil.example:ann@mg.example.com>",
    "(eve@evil.example; ) Ann <ann@mg.example.com>",
    "Ann (; eve@evil.example) <ann@mg.example.com>",
    '"Ann <ann@mg.example.com>; Eve <eve@evil.example>',
    '"Eve" <eve@evil.example>"; <ann@mg.example.com>',
    "Ann <ann@mg.example.com; eve@evil.example>",
    "[eve@evil.example; Ann](mailto:ann@mg.example.com)",
    "https://evil.example/?; ann@mg.example.com",
    "=?utf-8?q?Eve?= =?utf-8?q?=3Ceve=40evil=2Eexample=3E=2C?= <ann@mg.example.com>",
]
"""What one reader takes for one person and another for two."""


def _ruled(desk: Desk, rules: str) -> Path:
    policy = desk.home.parent / "policy.toml"
    policy.write_text(rules)
    return policy


def _calls(text: str) -> list[tuple[str, dict[str, Any]]]:
    """The text in every place that holds recipients."""
    to_ann = {**LETTER, "to": ["ann@mg.example.com"]}
    return [
        ("send_message", {**LETTER, "to": [text]}),
        ("send_message", {**to_ann, "cc": [text]}),
        ("send_message", {**to_ann, "bcc": [text]}),
        ("send_message", {**to_ann, "headers": {"Bcc": text}}),
        ("send_message", {**to_ann, "headers": {"resent-to": text}}),
        ("send_mime_message", {**READY, "to": [text]}),
        ("send_mime_message", {**READY, "headers": {"Cc": text}}),
        ("send_mime_message", {**READY, "message": MIME.replace("To: ann@mg.example.com", f"To: {text}")}),
        ("send_mime_message", {**READY, "message": f"Resent-Bcc: {text}\n{MIME}"}),
    ]


@pytest.mark.parametrize("text", BEHIND)
async def test_attack_41_no_rule_lets_a_second_recipient_through_unasked(desk: Desk, text: str) -> None:
    async with desk.open(policy=_ruled(desk, ALLOW)) as house, house.client() as client:
        for name, arguments in _calls(text):
            content = structured(await client.call_tool(name, arguments))
            assert content["status"] == "approval_required", (name, arguments)
            record = await house.gate.get(content["approval_id"])
            assert record is not None
            seen = str(record.preview)
            assert "eve" in seen
            assert "ann@mg.example.com" in seen
    assert desk.writes() == []


@pytest.mark.parametrize("text", BEHIND)
async def test_attack_41_a_deny_rule_sees_every_recipient(desk: Desk, text: str) -> None:
    hidden = text.replace("evil.example", "competitor.example")
    async with desk.open(policy=_ruled(desk, DENY)) as house, house.client() as client:
        for name, arguments in _calls(hidden):
            error = structured(await client.call_tool(name, arguments))["error"]
            assert error["kind"] == "refused", (name, arguments)
        assert await house.gate.list() == []
    assert desk.writes() == []


@pytest.mark.parametrize("text", BEHIND)
async def test_attack_41_two_recipients_in_one_text_are_two_for_a_relay(desk: Desk, text: str) -> None:
    async with desk.open(approval="relay") as house, house.client() as client:
        asked = structured(await client.call_tool("send_message", {**LETTER, "to": [text]}))
        words = {"approval_id": asked["approval_id"], "decision": "approve", "user_words": "yes"}
        assert (await client.call_tool("relay_approval", words)).is_error
        record = await house.only()
        assert len(record.preview["recipients"]) == 2
        assert record.preview["target"] == "message to 2 recipients via mg.example.com"
    assert desk.writes() == []


@pytest.mark.parametrize("text", DOUBTFUL)
async def test_attack_41_what_can_be_read_in_two_ways_is_refused_before_anybody_is_asked(desk: Desk, text: str) -> None:
    person = Person(desk.clock, APPROVE)
    async with desk.open(policy=_ruled(desk, ALLOW)) as house, house.client(person) as client:
        for name, arguments in _calls(text):
            error = structured(await client.call_tool(name, arguments))["error"]
            assert error["kind"] == "bad_arguments", (name, arguments)
            assert all(problem["wrong"] and problem["right"] for problem in error["problems"])
        assert await house.gate.list() == []
    assert person.questions == []
    assert desk.writes() == []


@pytest.mark.parametrize("text", DOUBTFUL[:6])
async def test_attack_41_a_message_from_a_file_is_held_to_the_same(desk: Desk, text: str) -> None:
    folder = desk.home.parent / "files"
    folder.mkdir()
    (folder / "ready.eml").write_bytes(f"Cc: {text}\n{MIME}".encode())
    arguments = {"domain": LETTER["domain"], "to": ["ann@mg.example.com"], "message_file": "ready.eml"}
    async with desk.open(policy=_ruled(desk, ALLOW), attachments=folder) as house, house.client() as client:
        error = structured(await client.call_tool("send_mime_message", arguments))["error"]
        assert error["kind"] == "bad_arguments"
        assert [problem["path"] for problem in error["problems"]] == ["message_file"]
        assert await house.gate.list() == []
    assert desk.writes() == []


async def test_attack_41_what_reaches_the_service_is_the_list_that_was_shown(desk: Desk) -> None:
    person = Person(desk.clock, APPROVE)
    given = {
        "to": ["Eve <eve@evil.example>; Ann <ann@mg.example.com>", "Dr. J. Smith <J@Example.NET>"],
        "cc": ['"Doe, John" <john@example.net>,"x;y" <z@example.net>;'],
        "headers": {"Reply-To": "Pat O'Neil <pat@example.net>; desk@mg.example.com"},
    }
    async with desk.open() as house, house.client(person) as client:
        content = structured(await client.call_tool("send_message", {**LETTER, **given}))
        record = await house.only()
    assert content["status"] == "executed"
    shown = [one["address"] for one in record.preview["recipients"]]
    assert shown == ["eve@evil.example", "ann@mg.example.com", "J@example.net", "john@example.net", "z@example.net"]
    (write,) = desk.writes()
    sent = [(name, value) for name, value in write["form"] if name in ("to", "cc", "h:Reply-To")]
    assert sent == [
        ("to", "Eve <eve@evil.example>"),
        ("to", "Ann <ann@mg.example.com>"),
        ("to", '"Dr. J. Smith" <J@example.net>'),
        ("cc", '"Doe, John" <john@example.net>'),
        ("cc", '"x;y" <z@example.net>'),
        ("h:Reply-To", "Pat O'Neil <pat@example.net>, desk@mg.example.com"),
    ]
    assert sorted(desk.sandbox.messages[-1]["recipients"]) == sorted(address.lower() for address in shown)


@pytest.mark.parametrize("name", ["from", "From", "Sender", "resent-from", "Return-Path"])
@pytest.mark.parametrize("text", ["Ann <ann@mg.example.com>; Eve", "Ann ann@mg.example.com", *DOUBTFUL[:3]])
async def test_attack_41_a_sender_that_can_be_read_in_two_ways_is_refused(desk: Desk, name: str, text: str) -> None:
    calls: list[tuple[str, dict[str, Any]]]
    if name == "from":
        calls = [("send_message", {**LETTER, "from": text})]
    else:
        calls = [
            ("send_message", {**LETTER, "headers": {name: text}}),
            ("send_mime_message", {**READY, "message": f"{name}: {text}\n{MIME}"}),
        ]
    async with desk.open() as house, house.client(Person(desk.clock, APPROVE)) as client:
        for tool, arguments in calls:
            error = structured(await client.call_tool(tool, arguments))["error"]
            assert error["kind"] == "bad_arguments", (tool, arguments)
    assert desk.writes() == []


SINGLE = [
    ("add_mailing_list_member", {"list_address": "team@mg.example.com", "address": "@"}),
    ("update_mailing_list_member", {"list_address": "team@mg.example.com", "member_address": "@", "name": "x"}),
    ("update_mailing_list_member", {"list_address": "team@mg.example.com", "member_address": "a@b.c", "address": "@"}),
    ("create_mailing_list", {"address": "@"}),
    ("update_mailing_list", {"list_address": "team@mg.example.com", "address": "@"}),
    ("delete_mailing_list", {"list_address": "@"}),
    ("add_bounce", {"domain": "mg.example.com", "address": "@"}),
    ("add_unsubscribe", {"domain": "mg.example.com", "address": "@"}),
    ("add_complaint", {"domain": "mg.example.com", "address": "@"}),
    ("add_whitelist", {"domain": "mg.example.com", "address": "@"}),
    ("delete_unsubscribe", {"domain": "mg.example.com", "address": "@"}),
]


@pytest.mark.parametrize("text", [*BEHIND, *DOUBTFUL, "Ann <ann@mg.example.com>", "<ann@mg.example.com>", "ann", "*"])
async def test_attack_41_an_argument_for_one_address_takes_one_plain_address(desk: Desk, text: str) -> None:
    async with desk.open() as house, house.client(Person(desk.clock, APPROVE)) as client:
        for name, template in SINGLE:
            arguments = {key: text if value == "@" else value for key, value in template.items()}
            error = structured(await client.call_tool(name, arguments))["error"]
            assert error["kind"] == "bad_arguments", (name, arguments)
    assert desk.writes() == []

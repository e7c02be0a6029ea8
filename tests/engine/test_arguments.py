"""Arguments are held to what clients were shown; every problem is named at once, with what would be right."""

from __future__ import annotations

from typing import Any

import pytest

from catalogue.files import EXAMPLES, ROWS

from .doubles import DOMAIN, Says, Scripted, called, engine_over, error, problems

pytestmark = pytest.mark.anyio

SEND = {"domain": DOMAIN, "from": "a@mg.example.com", "to": ["b@example.net"], "subject": "Hi", "text": "Hello"}
OWN = "is set by this server so that the outcome can be found"
SECRET = "canary-value-that-must-not-come-back"


async def _refused(tool: str, **arguments: Any) -> list[tuple[str, str]]:
    """What is wrong with a call; nothing of it was sent."""
    transport = Scripted([Says(500)])
    outcome = await called(engine_over(transport), tool, **arguments)
    assert outcome.is_error
    assert error(outcome)["kind"] == "bad_arguments"
    assert (transport.arrived, transport.looked_up) == ([], 0)
    return problems(outcome)


@pytest.mark.parametrize("tool", ROWS)
async def test_an_unknown_argument_is_refused_not_dropped(tool: str) -> None:
    found = await _refused(tool, **EXAMPLES[tool]["minimal"], surprise=1)
    assert found == [("", f"surprise is no argument of {tool}")]


@pytest.mark.parametrize("name", ["approved", "confirm", "force", "o:tag", "h:Bcc", "skip_approval"])
async def test_no_argument_approves_or_reaches_the_wire_by_its_wire_name(name: str) -> None:
    """Attack 1."""
    assert await _refused("send_message", **SEND, **{name: True}) == [("", f"{name} is no argument of send_message")]


async def test_a_near_miss_is_told_the_right_name() -> None:
    outcome = await called(engine_over(Scripted([Says(500)])), "list_domains", limt=3)
    (problem,) = error(outcome)["problems"]
    assert problem["right"].startswith("Did you mean limit? It takes state, search, sort, ")


async def test_every_problem_stands_in_one_answer() -> None:
    found = await _refused(
        "send_message",
        domain="..",
        to="b@example.net",
        text="x",
        html=3,
        tracking="maybe",
        delivery_time="soon",
        tag="a",
    )
    assert found == [
        ("", "tag is no argument of send_message"),
        ("html", "is a whole number"),
        ("to", "is text"),
        ("tracking", "is not one of the values there are"),
        ("", "none of from, template is given"),
        ("", "none of subject, template, reply_to_message is given"),
        ("domain", "is a dot segment, which would name another resource"),
        ("delivery_time", "is not a date"),
    ]


async def test_a_word_is_no_boolean() -> None:
    assert await _refused("update_open_tracking", domain=DOMAIN, active="yes") == [("active", "is text")]
    assert await _refused("list_mailing_list_members", list_address="a@b", subscribed=1) == [
        ("subscribed", "is a whole number")
    ]


@pytest.mark.parametrize("value", ['{"name":', ["name"], 7, "null"])
async def test_what_is_no_object_is_none_as_text_either(value: Any) -> None:
    """The server writes the JSON text itself; any text given for an object would be quoted twice."""
    ((path, wrong),) = await _refused("send_message", **{**SEND, "template": "t"}, template_variables=value)
    assert (path, wrong.partition(" ")[0]) == ("template_variables", "is")


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        ({"text": [None]}, ("text", "is a list")),
        ({"html": "<p>", "template": "t"}, ("html", "cannot go together with template")),
        ({"template_version": "v1"}, ("template_version", "has no effect without template")),
        ({"subject": "a\r\nBcc: c@example.net"}, ("subject", "has a line break or a control character")),
        ({"subject": "a\x00b"}, ("subject", "has a NUL or a broken character")),
        ({"to": ["b@example.net\n"]}, ("to[0]", "has a line break or a control character")),
        ({"text": "a\x00b"}, ("text", "has a NUL or a broken character")),
        ({"headers": {"X-A": "1\r\nBcc: c@example.net"}}, ("headers.X-A", "has a line break or a control character")),
        ({"headers": {"X A": "1"}}, ("headers.X A", "is not a name Mailgun takes")),
        ({"headers": {"X:A": "1"}}, ("headers.X:A", "is not a name Mailgun takes")),
        ({"headers": {"Message-ID": "<1@b>"}}, ("headers.Message-ID", OWN)),
        ({"variables": {"a b": "1"}}, ("variables.a b", "is not a name Mailgun takes")),
        ({"tags": ["a\nb"]}, ("tags[0]", "has U+000A")),
        ({"to": []}, ("to", "is empty")),
    ],
)  # fmt: skip
async def test_a_value_that_would_change_the_message_is_refused(arguments: Any, wrong: tuple[str, str]) -> None:
    """Attacks 14 and 15."""
    found = await _refused("send_message", **{**SEND, **arguments})
    assert wrong in found


async def test_texts_may_have_line_breaks_where_they_are_texts() -> None:
    transport = Scripted([Says(body={"items": []})])
    engine = engine_over(transport)
    prepared = await engine.prepare("send_message", {**SEND, "text": "a\r\nb\tc", "html": "<p>\n</p>"})
    assert dict(prepared.request.form)["text"] == "a\r\nb\tc"


async def test_a_refusal_does_not_repeat_what_was_given() -> None:
    """It may be a key, a password or a whole message."""
    transport = Scripted([Says(500)])
    for arguments in (
        {"login": "alice", "password": SECRET * 9},
        {"login": "alice", "password": [SECRET]},
        {"login": "alice", "password": {"a": SECRET}},
        {"login": "alice", "password": SECRET + "\n"},
    ):
        outcome = await called(engine_over(transport), "create_credential", domain=DOMAIN, **arguments)
        assert outcome.is_error
        assert SECRET not in outcome.text


async def test_a_hostile_argument_name_comes_back_harmless() -> None:
    outcome = await called(engine_over(Scripted([Says(500)])), "list_ips", **{"\x1b[31m\u202e" + "x" * 500: 1})
    (problem,) = error(outcome)["problems"]
    assert problem["wrong"].startswith("?[31m\\u202exxx")
    assert len(problem["wrong"]) < 100


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("get_bounce", {"domain": DOMAIN, "address": f"{'x' * 100_000}@example.net"}),
        ("list_events", {"domain": DOMAIN, "subject": "x" * 100_000}),
    ],
)
async def test_a_value_too_long_for_an_address_is_refused(tool: str, arguments: dict[str, str]) -> None:
    assert await _refused(tool, **arguments) == [("", "a value is too long for an address")]


async def test_every_address_that_is_not_clear_is_named_at_once_with_its_place() -> None:
    outcome = await called(
        engine_over(Scripted([Says(500)])),
        "send_message",
        **{**SEND, "from": "Acme, Inc. <a@mg.example.com>", "to": ["b@example.net", "Doe, John <john@example.net>"]},
        bcc=["c@example.net; d"],
        headers={"Reply-To": "Team: a@example.net;", "X-Note": "Doe, John"},
    )
    assert [tuple(problem.values()) for problem in error(outcome)["problems"]] == [
        ("from", "“Acme” has no @", 'If Acme, Inc. is the name, write "Acme, Inc." <a@mg.example.com>'),
        ("to[1]", "“Doe” has no @", 'If Doe, John is the name, write "Doe, John" <john@example.net>'),
        ("bcc[0]", "“d” has no @", 'Give ann@example.com, Ann <ann@example.com> or "Ann, Sales" <ann@example.com>'),
        (
            "headers.Reply-To",
            "holds a colon outside quotes: a group, a route, or mailto:; the part before the @ is not valid",
            "Give the plain address: a@example.net",
        ),
    ]


async def test_the_addresses_of_a_field_are_counted_not_its_texts() -> None:
    many = "; ".join(f"p{number}@example.net" for number in range(1_001))
    assert await _refused("send_message", **{**SEND, "to": [many]}) == [("to", "names 1001 addresses")]


async def test_an_unclear_header_of_a_ready_message_is_refused() -> None:
    message = "From: Acme, Inc. <a@mg.example.com>\nTo: b@example.net\n\nHello"
    assert await _refused("send_mime_message", domain=DOMAIN, to=["b@example.net"], message=message) == [
        ("message", "has a header From that cannot be read for certain: “Acme” has no @")
    ]

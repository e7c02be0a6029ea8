"""What the service is sure to refuse, or finds nothing for, is refused before anybody is asked, with what is right."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from catalogue.files import ROWS

from .doubles import DOMAIN, Says, Scripted, called, engine_over, error

pytestmark = pytest.mark.anyio

SEND = {"domain": DOMAIN, "from": "a@mg.example.com", "to": ["b@example.net"], "subject": "Hi", "text": "Hello"}
MIME = {"domain": DOMAIN, "to": ["b@example.net"], "message": "From: a@mg.example.com\nSubject: Hi\n\nHello\n"}
EVENTS = ROWS["list_events"]["words"]["event"]
SPAN = "Give 5m to 24h, such as 5m"


async def _refused(tool: str, **arguments: Any) -> list[tuple[str, str, str]]:
    transport = Scripted([Says(500)])
    outcome = await called(engine_over(transport), tool, **arguments)
    assert error(outcome)["kind"] == "bad_arguments"
    assert (transport.arrived, transport.looked_up) == ([], 0)
    return [tuple(problem.values()) for problem in error(outcome)["problems"]]


async def _fields(tool: str, **arguments: Any) -> dict[str, str]:
    prepared = await engine_over(Scripted([Says(body={"items": []})])).prepare(tool, arguments)
    return dict(prepared.request.form or prepared.request.query)


# Host names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("mg.example.com ", "mg.example.com"),
        (" mg.example.com", "mg.example.com"),
        ("https://api.mailgun.net/v3/mg.example.com", "mg.example.com"),
        ("https://api.eu.mailgun.net/v3/mg.example.com/messages", "mg.example.com"),
        ("https://mg.example.com/", "mg.example.com"),
        ("mg.example.com/messages", "mg.example.com"),
        ("postmaster@mg.example.com", "mg.example.com"),
        ("<mg.example.com>", "mg.example.com"),
        ("mg.example.com.", "mg.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
    ],
)
@pytest.mark.parametrize("tool", ["get_domain", "delete_domain", "list_events", "get_stats", "send_message"])
async def test_a_domain_with_anything_around_it_is_told_how_it_is_written(tool: str, given: str, meant: str) -> None:
    more = {**SEND} if tool == "send_message" else {"events": ["delivered"]} if tool == "get_stats" else {}
    assert await _refused(tool, **{**more, "domain": given}) == [("domain", "is not a host name", f"Give {meant}")]


@pytest.mark.parametrize(
    "given", ["mg example.com", "mg", "-mg.example.com", "mg..example.com", "mg.example.com?x=1", "%"]
)
async def test_what_is_no_host_name_at_all_is_told_what_one_looks_like(given: str) -> None:
    ((path, wrong, right),) = await _refused("get_domain", domain=given)
    assert (path, wrong) == ("domain", "is not a host name")
    assert right.startswith("Give ")


@pytest.mark.parametrize("given", ["mg.example.com", "MG.Example.com", "a_b.example.com", "xn--bcher-kva.example"])
async def test_a_host_name_stays_as_it_is(given: str) -> None:
    prepared = await engine_over(Scripted([Says(body={})])).prepare("get_domain", {"domain": given})
    assert prepared.request.path == f"/v3/domains/{given}"


async def test_a_new_domain_is_a_host_name_too() -> None:
    assert await _refused("create_domain", name="https://mail.example.com") == [
        ("name", "is not a host name", "Give mail.example.com")
    ]


# Tags, recipients, options --------------------------------------------------------------------------------------------


async def test_the_characters_a_tag_cannot_have_are_named_all_at_once() -> None:
    ascii_only = "Use letters, digits and signs of ASCII only"
    assert await _refused("send_message", **SEND, tags=["Grüße", "a\tb", "ok", "x" * 129, "日本"]) == [
        ("tags[0]", "has “ü”, “ß”", ascii_only),
        ("tags[1]", "has U+0009", ascii_only),
        ("tags[3]", "has 129 characters", "Give at most 128"),
        ("tags[4]", "has “日”, “本”", ascii_only),
    ]
    assert await _refused("send_mime_message", **MIME, tags=[f"t{number}" for number in range(11)]) == [
        ("tags", "has 11 entries", "Give at most 10")
    ]


def _people(first: int, number: int) -> list[str]:
    return [f"p{index}@example.net" for index in range(first, first + number)]


async def test_more_than_a_thousand_people_in_all_fields_are_too_many() -> None:
    right = "Give at most 1,000 in one message"
    assert await _refused("send_message", **{**SEND, "to": _people(0, 700)}, bcc=_people(700, 500)) == [
        ("", "to, bcc name 1,200 people together", right)
    ]
    joined = ["; ".join(_people(999, 2))]
    assert await _refused("send_message", **{**SEND, "to": _people(0, 500)}, cc=_people(500, 499), bcc=joined) == [
        ("", "to, cc, bcc name 1,001 people together", right)
    ]


async def test_a_thousand_people_and_those_who_stand_twice_are_not_too_many() -> None:
    given = {**SEND, "to": _people(0, 700), "cc": _people(600, 400), "bcc": _people(0, 100)}
    assert (await _fields("send_message", **given))["subject"] == "Hi"


async def test_options_headers_and_variables_have_16_kilobytes_together() -> None:
    own = len("h:Message-Id") + 35 + len(DOMAIN)
    room = 16_384 - own - len("v:a") - len("h:X-B") - len("t:variables") - len('{"c":""}') - len("ok")
    fit = {"headers": {"X-B": "ok"}, "template_variables": {"c": "x" * 8_000}, "template": "welcome"}
    given = {name: value for name, value in SEND.items() if name != "text"}
    assert (await _fields("send_message", **given, **fit, variables={"a": "x" * (room - 8_000)}))["h:X-B"] == "ok"
    assert await _refused("send_message", **given, **fit, variables={"a": "x" * (room - 7_999)}) == [
        ("", "headers, template_variables, variables are 16,385 bytes together", "Keep them within 16,384 bytes")
    ]
    ((_, wrong, _),) = await _refused("send_mime_message", **MIME, variables={"a": "ü" * 9_000})
    assert wrong == f"variables are {18_000 + len('v:a') + own:,} bytes together"


# Times ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "sent"),
    [("30m", "0h30m"), ("1h", "1h0m"), ("1h30m", "1h30m"), ("90m", "1h30m"), ("5m", "0h5m"), ("24h", "24h0m")],
)
async def test_a_span_goes_in_the_documented_form(given: str, sent: str) -> None:
    assert (await _fields("send_message", **SEND, deliver_within=given))["o:deliver-within"] == sent


@pytest.mark.parametrize(
    ("given", "told"), [("4m", "short"), ("0h", "short"), ("24h1m", "long"), ("48h", "long"), ("1500m", "long")]
)
async def test_a_span_outside_its_limits_is_refused(given: str, told: str) -> None:
    for tool, arguments in (("send_message", SEND), ("send_mime_message", MIME)):
        found = await _refused(tool, **arguments, deliver_within=given)
        assert found == [("deliver_within", f"is too {told}", SPAN)]


@pytest.mark.parametrize("given", ["12h", "73h"])
async def test_the_period_of_an_optimised_time_has_limits_too(given: str) -> None:
    ((path, _, right),) = await _refused("send_message", **SEND, deliverytime_optimize_period=given)
    assert (path, right) == ("deliverytime_optimize_period", "Give 24h to 72h, such as 24h")


async def test_mail_for_more_than_a_week_ahead_is_refused() -> None:
    week = int(time.time()) + 7 * 86_400
    ((path, wrong, right),) = await _refused("send_message", **SEND, delivery_time=week + 7_200)
    assert (path, wrong) == ("delivery_time", "is more than 7 days ahead")
    assert re.fullmatch(r"Give a time within 7 days; it is 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ now", right)
    assert "o:deliverytime" in await _fields("send_message", **SEND, delivery_time=week)


# Message ids ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("a.1@example.net", "<a.1@example.net>"),
        ("<a.1@example.net>", "<a.1@example.net>"),
        ("a@x.net b@y.net", "<a@x.net> <b@y.net>"),
        ("<a@x.net> b@y.net,<c@z.net>", "<a@x.net> <b@y.net> <c@z.net>"),
        ("<a@x.net><b@y.net>", "<a@x.net> <b@y.net>"),
    ],
)
@pytest.mark.parametrize("header", ["In-Reply-To", "References", "references"])
async def test_message_ids_get_their_angle_brackets(header: str, given: str, sent: str) -> None:
    for tool, arguments in (("send_message", SEND), ("send_mime_message", MIME)):
        assert (await _fields(tool, **arguments, headers={header: given}))[f"h:{header}"] == sent


@pytest.mark.parametrize("given", ["your mail of yesterday", "", "a@b@c", "<a b@c>", "Re: <a@x.net>", '"<a@x.net>"'])
async def test_what_is_no_message_id_is_refused(given: str) -> None:
    ((path, wrong, right),) = await _refused("send_message", **SEND, headers={"In-Reply-To": given})
    assert (path, wrong) == ("headers.In-Reply-To", "holds something that is no message id")
    assert right == "Give ids such as <20261125.1@mg.example.com>, a blank between two"


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("<a.1@mg.example.com>", "a.1@mg.example.com"),
        ("a.1@mg.example.com", "a.1@mg.example.com"),
        ("<a@x.net> OR <b@y.net>", "a@x.net OR b@y.net"),
    ],
)
async def test_a_message_id_is_looked_for_without_its_brackets(given: str, asked: str) -> None:
    assert (await _fields("list_events", domain=DOMAIN, message_id=given))["message-id"] == asked


# Words ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    ["failed", "delivered OR failed", "NOT (opened OR clicked)", '"accepted"', "accepted OR (failed AND NOT opened)"],
)
async def test_events_that_exist_may_be_joined(given: str) -> None:
    assert (await _fields("list_events", domain=DOMAIN, event=given))["event"] == given


@pytest.mark.parametrize(
    ("given", "wrong", "right"),
    [
        ("bounced", "has bounced, which there is not", "Use "),
        ("deliverd", "has deliverd, which there is not", "Did you mean delivered? Use "),
        ("Failed", "has Failed, which there is not", "Did you mean failed? Use "),
        ("delivered OR bounced", "has bounced, which there is not", "Use "),
    ],
)
async def test_an_event_that_does_not_exist_is_told_those_that_do(given: str, wrong: str, right: str) -> None:
    words = f"{right}{', '.join(EVENTS)}; or several: accepted OR rejected"
    assert await _refused("list_events", domain=DOMAIN, event=given) == [("event", wrong, words)]


async def test_what_joins_nothing_is_told() -> None:
    assert await _refused("list_events", domain=DOMAIN, event="delivered, failed") == [
        ("event", "has a comma, which joins nothing", "Write accepted OR rejected")
    ]
    assert await _refused("list_events", domain=DOMAIN, event="delivered or failed") == [
        ("event", "has or, which joins nothing in small letters", "Write OR")
    ]


# Names that are meant otherwise ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("reply_to", 'Give headers: {"Reply-To": "ann@example.com"}'),
        ("Reply-To", 'Give headers: {"Reply-To": "ann@example.com"}'),
        ("in_reply_to", 'Give headers: {"In-Reply-To": "<id@host>"}'),
        ("list_unsubscribe", 'Give headers: {"List-Unsubscribe": "<https://example.com/unsubscribe>"}'),
        ("body", "Give text, html or both"),
        ("send_at", "Give delivery_time"),
    ],
)
async def test_a_name_that_is_no_argument_is_told_what_is_meant(name: str, right: str) -> None:
    assert await _refused("send_message", **SEND, **{name: "x@example.com"}) == [
        ("", f"{name} is no argument of send_message", right)
    ]


async def test_a_known_mistake_beside_an_unknown_one_is_told_both() -> None:
    ((_, wrong, right),) = await _refused("send_message", **SEND, reply_to="x@example.com", surprise=1)
    assert wrong == "reply_to, surprise are no argument of send_message"
    assert right.startswith('Give headers: {"Reply-To": "ann@example.com"}. It takes domain, from, ')


# All at once ----------------------------------------------------------------------------------------------------------


async def test_every_problem_of_a_call_is_told_at_once() -> None:
    given = {
        **SEND,
        "domain": "mg.example.com ",
        "to": _people(0, 700),
        "bcc": _people(700, 500),
        "tags": ["Grüße"],
        "headers": {"In-Reply-To": "your mail"},
        "deliver_within": "48h",
        "reply_to": "x@example.com",
    }
    assert sorted(await _refused("send_message", **given)) == [
        ("", "reply_to is no argument of send_message", 'Give headers: {"Reply-To": "ann@example.com"}'),
        ("", "to, bcc name 1,200 people together", "Give at most 1,000 in one message"),
        ("deliver_within", "is too long", SPAN),
        ("domain", "is not a host name", "Give mg.example.com"),
        (
            "headers.In-Reply-To",
            "holds something that is no message id",
            "Give ids such as <20261125.1@mg.example.com>, a blank between two",
        ),
        ("tags[0]", "has “ü”, “ß”", "Use letters, digits and signs of ASCII only"),
    ]


async def test_what_is_wrong_with_a_ready_message_is_told_beside_the_rest() -> None:
    given = {**MIME, "message": "\nFrom: a@mg.example.com\n\nHello\n", "tags": ["Grüße"], "deliver_within": "4m"}
    paths = [path for path, _, _ in await _refused("send_mime_message", **given)]
    assert paths == ["tags[0]", "deliver_within", "message"]


@pytest.mark.parametrize(
    ("tool", "given", "told"),
    [
        ("send_message", {"tags": ["a\u00a0b"]}, ("tags[0]", "U+00A0", "ASCII")),
        ("send_message", {"tags": ["a’b"]}, ("tags[0]", "’", "ASCII")),
        ("send_message", {"tags": ["\U0001f600"]}, ("tags[0]", "\U0001f600", "ASCII")),
        (
            "send_message",
            {"to": _people(0, 334), "cc": _people(334, 334), "bcc": _people(668, 333)},
            ("", "1,001", "1,000"),
        ),
        ("send_message", {"cc": _people(0, 1_001)}, ("cc", "1001", "1000")),
        ("send_message", {"to": [", ".join(_people(0, 1_001))]}, ("to", "1001", "1000")),
        ("send_mime_message", {"to": ["; ".join(_people(0, 1_001))]}, ("to", "1001", "1000")),
        ("send_message", {"headers": {"References": "<a@b.net> later"}}, ("headers.References", "message id", "<")),
        ("send_message", {"headers": {"In-Reply-To": "a@b.net, c"}}, ("headers.In-Reply-To", "message id", "<")),
        ("send_message", {"headers": {"in-reply-to": "20261125"}}, ("headers.in-reply-to", "message id", "<")),
        ("send_message", {"deliver_within": "0h4m"}, ("deliver_within", "short", "5m to 24h")),
        ("send_message", {"deliver_within": "25h"}, ("deliver_within", "long", "5m to 24h")),
        ("send_message", {"deliver_within": "1d"}, ("deliver_within", "form", "1h30m")),
        ("send_message", {"deliver_within": "half an hour"}, ("deliver_within", "form", "1h30m")),
        ("list_events", {"event": "sent"}, ("event", "sent", "delivered")),
        ("list_events", {"event": "hard_bounce"}, ("event", "hard_bounce", "failed")),
        ("list_events", {"event": "delivered|failed"}, ("event", "delivered|failed", "accepted OR rejected")),
        ("send_message", {"replyTo": "x@example.com"}, ("", "replyTo", "Reply-To")),
        ("send_message", {"reply-to": "x@example.com"}, ("", "reply-to", "Reply-To")),
        ("send_message", {"replyto": "x@example.com"}, ("", "replyto", "Reply-To")),
        ("send_mime_message", {"reply_to": "x@example.com"}, ("", "reply_to", "Reply-To")),
    ],
)  # fmt: skip
async def test_what_is_like_it_is_refused_in_the_same_way(
    tool: str, given: dict[str, Any], told: tuple[str, str, str]
) -> None:
    wholes: dict[str, dict[str, Any]] = {
        "list_events": {"domain": DOMAIN},
        "send_message": SEND,
        "send_mime_message": MIME,
    }
    whole = wholes[tool]
    ((path, wrong, right),) = await _refused(tool, **{**whole, **given})
    assert (path, told[1] in wrong, told[2] in right) == (told[0], True, True), (wrong, right)


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("<a.1@mg.example.com> ", "a.1@mg.example.com"),
        ("NOT <a@x.net>", "NOT a@x.net"),
        ("(<a@x.net> OR b@y.net)", "(a@x.net OR b@y.net)"),
    ],
)
async def test_ids_in_brackets_are_found_whatever_is_around_them(given: str, asked: str) -> None:
    assert (await _fields("list_events", domain=DOMAIN, message_id=given))["message-id"].strip() == asked

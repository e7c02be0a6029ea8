"""Attack 119: a header in the message, or beside it, says what a field of the call says too, and another thing.

Over SMTP, Mailgun takes options and variables from headers. What counts where both are given is documented nowhere, so
nobody is asked about such a call; a header that stands alone is shown with what it does.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from .bench import APPROVE, LETTER, Desk, Person, structured
from .telling import READY, asked

pytestmark = pytest.mark.anyio
PERSON = LETTER["to"][0]
ANN = READY["to"][0]


def _mime(**headers: str) -> str:
    lines = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in headers.items())
    return f"From: Ada <ada@mg.example.com>\nTo: {ANN}\nSubject: Hi\n{lines}\nHello\n"


CLASHES: list[tuple[str, str, dict[str, Any]]] = [
    ("X-Mailgun-Variables", '{"paid": true}', {"variables": {"paid": False}}),
    ("x-mailgun-variables", '{"a": 1, "paid": true}', {"template_variables": {"paid": False}, "template": "welcome"}),
    ("X-Mailgun-Template-Variables", '{"paid": true}', {"template_variables": {"b": 1}, "template": "welcome"}),
    ("X-Mailgun-Template-Name", "evil", {"template": "welcome"}),
    ("X-Mailgun-Recipient-Variables", '{"ann@example.net": {"a": 1}}', {}),
    ("X-Mailgun-Recipient-Variables", '{"ann@example.net": {"a": 1}}', {"recipient_variables": {ANN: {"a": "2"}}}),
    ("X-Mailgun-Drop-Message", "no", {"test_mode": True}),
    ("X-Mailgun-Track", "yes", {"tracking": "no"}),
    ("X-Mailgun-Track-Clicks", "yes", {"tracking_clicks": "no"}),
    ("X-Mailgun-Deliver-By", "Fri, 27 Nov 2026 10:00:00 +0000", {"deliver_within": "1h", "delivery_time": 1}),
    ("X-Mailgun-Dkim", "no", {"dkim": True}),
    ("X-Mailgun-Require-TLS", "no", {"require_tls": True}),
    ("X-Mailgun-Sending-Ip-Pool", "other", {"sending_ip_pool": "pool-1"}),
    ("X-Mailgun-Archive-To", "https://evil.example/", {"archive_to": "https://archive.example.com/"}),
]


@pytest.mark.parametrize(("header", "value", "more"), CLASHES)
async def test_attack_119_what_a_header_and_a_field_both_say_reaches_nobody(
    desk: Desk, header: str, value: str, more: dict[str, Any]
) -> None:
    person = Person(desk.clock, APPROVE)
    letter = {name: part for name, part in LETTER.items() if name != "text" or "template" not in more}
    calls = [
        ("send_message", {**letter, "headers": {header: value}}),
        ("send_mime_message", {**READY, "message": _mime(**{header: value})}),
    ]
    async with desk.open() as house, house.client(person) as client:
        for tool, arguments in calls:
            error = structured(await client.call_tool(tool, {**arguments, **more})).get("error", {"kind": None})
            assert error["kind"] == "bad_arguments", tool
            assert any(header in problem["wrong"] for problem in error["problems"]), error
    assert (person.questions, desk.writes()) == ([], [])


async def test_attack_119_the_words_say_which_and_what_would_be_right(desk: Desk) -> None:
    async with desk.open() as house, house.client() as client:
        given = {
            **READY,
            "message": _mime(X_Mailgun_Variables='{"paid": true}', X_Mailgun_Track="yes", X_Mailgun_Dkim="no"),
            "headers": {"X-Mailgun-Dkim": "yes"},
            "variables": {"paid": False},
            "tracking": "no",
            "tags": ["Grüße"],
        }
        error = structured(await client.call_tool("send_mime_message", given))["error"]
    assert [tuple(problem.values()) for problem in error["problems"]] == [
        ("tags[0]", "has “ü”, “ß”", "Use letters, digits and signs of ASCII only"),
        (
            "message",
            "has the header X-Mailgun-Track, which sets what tracking sets: either may count",
            "Leave the header out and give tracking alone",
        ),
        ("message", "has the header X-Mailgun-Dkim, which headers give too", "Give it once"),
        (
            "message",
            "has paid in the header X-Mailgun-Variables, and so has variables: either may count",
            "Give paid once",
        ),
    ]


@pytest.mark.parametrize("value", ["paid", '["paid"]', '{"paid": ', "[" * 5_000])
async def test_attack_119_variables_that_are_no_json_are_refused(desk: Desk, value: str) -> None:
    async with desk.open() as house, house.client() as client:
        given = {**LETTER, "headers": {"X-Mailgun-Variables": value}}
        error = structured(await client.call_tool("send_message", given))["error"]
    assert error["problems"] == [
        {
            "path": "headers.X-Mailgun-Variables",
            "wrong": "has the header X-Mailgun-Variables, which is no JSON object",
            "right": 'Write it as {"name": "value"}',
        }
    ]


async def test_attack_119_what_stands_in_one_place_is_shown_and_told(desk: Desk) -> None:
    values = json.dumps({"order": 7})
    source = _mime(X_Mailgun_Variables=values, X_Mailgun_Tag="spring", X_Mailgun_Drop_Message="yes")
    found = await asked(
        desk, "send_mime_message", {**READY, "message": source, "variables": {"other": "1"}, "tags": ["summer"]}
    )
    assert f"X-Mailgun-Variables: {values}" in found.text
    assert "The header X-Mailgun-Drop-Message steers Mailgun: yes" in found.warnings
    assert "The header X-Mailgun-Tag steers Mailgun: spring" in found.warnings

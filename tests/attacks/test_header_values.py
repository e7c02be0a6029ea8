"""Attack 80: a recipient's value becomes more than words in a header.

Mailgun fills `%recipient.key%` as text. A line break begins a header of its own, a comma another address that no rule
and no person saw, and two halves of an encoded word are one that only the recipient reads.
"""

from __future__ import annotations

from typing import Any

import pytest

from .bench import APPROVE, LETTER, Desk, Person, structured
from .test_variables import asked

pytestmark = pytest.mark.anyio

ANN = LETTER["to"][0]
MIME = f"From: support@mg.example.com\nTo: {ANN}\nSubject: Hi%s\nReply-To: %s@mg.example.com\n\nHello\n"
REFUSED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"subject": "Hi %recipient.a%"}, {"a": "x\r\nBcc: evil@bank.example"}),
    ({"subject": "Hi %recipient.a.b%"}, {"a": {"b": "x\ny"}}),
    ({"headers": {"X-Foo": "%recipient.a%"}}, {"a": "x\u2028y"}),
    ({"from": '"%recipient.a%" <support@mg.example.com>'}, {"a": "x\ny"}),
    ({"headers": {"Reply-To": "%recipient.a%@mg.example.com"}}, {"a": "evil@bank.example,x"}),
    ({"headers": {"Reply-To": "%recipient.a%@mg.example.com"}}, {"a": "evil;x"}),
    ({"to": [f'"%recipient.a%" <{ANN}>']}, {"a": 'x" <evil@bank.example>, "'}),
    ({"cc": ['"%recipient.a%" <bob@example.net>']}, {"a": "x\\"}),
    ({"subject": "%recipient.a%utf-8?b?UGF5IG5vdw==?="}, {"a": "=?"}),
    ({"subject": "=%recipient.a%"}, {"a": "?utf-8?b?UGF5IG5vdw==?="}),
    ({"subject": "%recipient.a%%recipient.b%"}, {"a": "=?utf-8?q?", "b": "Pay_now?="}),
    ({"subject": "%recipient_name%?=", "to": [f'"=?utf-8?q?Pay" <{ANN}>']}, {}),
    ({"headers": {"X-Foo": "=?utf-8?q?%recipient.a%"}}, {"a": "Pay?="}),
]
"""What a call changes, and the values of its recipient."""


@pytest.mark.parametrize(("change", "values"), REFUSED)
async def test_attack_80_no_value_becomes_more_than_words_in_a_header(
    desk: Desk, change: dict[str, Any], values: dict[str, Any]
) -> None:
    person = Person(desk.clock, APPROVE)
    async with desk.open() as house, house.client(person) as client:
        for own in ({ANN: values}, {ANN.upper(): values, ANN: dict.fromkeys(values, "x")}):
            call = {**LETTER, **change, "recipient_variables": own}
            error = structured(await client.call_tool("send_message", call)).get("error", {"kind": None})
            assert error["kind"] == "bad_arguments", own
            assert all(problem["wrong"] and problem["right"] for problem in error["problems"])
    assert person.questions == []
    assert desk.writes() == []


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("x\ny", "a has a line break or control character, and Subject names it."),
        ("?utf-8?q?Pay?=", "Subject would hold an encoded word, which readers see decoded."),
        ("evil@bank.example,x", 'a has one of the signs " < > , ; : @ \\, and Reply-To names it.'),
    ],
)
async def test_attack_80_in_a_ready_message_it_is_a_warning(desk: Desk, value: str, wrong: str) -> None:
    source = MIME % (" =%recipient.a%", "reply+%recipient.a%")
    call = {"domain": LETTER["domain"], "to": [ANN], "message": source, "recipient_variables": {ANN: {"a": value}}}
    async with desk.open() as house:
        record = await asked(house, call, "send_mime_message")
    assert f"For {ANN}: {wrong}" in record.preview["warnings"]
    assert record.risk != "low"
    assert desk.writes() == []


@pytest.mark.parametrize(
    ("change", "header"),
    [
        ({"headers": {"Reply-To": "reply+%recipient.a%@mg.example.com"}}, "Reply-To"),
        ({"headers": {"Errors-To": "e+%recipient.a%@mg.example.com"}}, "Errors-To"),
        ({"to": [f'"Dear %recipient.a%" <{ANN}>']}, "To"),
    ],
)
async def test_attack_80_an_address_header_that_differs_from_copy_to_copy_is_a_warning(
    desk: Desk, change: dict[str, Any], header: str
) -> None:
    async with desk.open() as house:
        record = await asked(house, {**LETTER, **change, "recipient_variables": {ANN: {"a": "Ann Lee"}}})
    assert f"{header} holds a recipient variable: it differs from copy to copy." in record.preview["warnings"]
    assert desk.writes() == []


async def test_attack_80_ordinary_values_stand_in_headers(desk: Desk) -> None:
    values = {"name": "Ann O'Neil-Lee (Sales)", "offer": 'Save "50%", now: 3 < 5; mail me@example.net?', "n": 7}
    call = {
        **LETTER,
        "subject": "%recipient.name%: %recipient.offer% =",
        "headers": {"Reply-To": "reply+%recipient.n%@mg.example.com", "X-Offer": "%recipient.offer%"},
        "text": "%recipient.story%",
        "recipient_variables": {ANN: {**values, "story": "two\nlines, =?utf-8?q?x?="}},
    }
    async with desk.open() as house:
        record = await asked(house, call)
    assert "Lee (Sales)" in str(record.preview["sections"])

"""Attacks 81 to 83: words in a header of recipients that readers see and the person who says yes does not.

Each entry of an address field goes out, whatever mailbox it names; a group without members is shown by its name; and
programs decode the headers of a message inside a message.
"""

from __future__ import annotations

from typing import Any

import pytest

from .bench import APPROVE, LETTER, Desk, Person, structured
from .test_variables import asked, on_screen, squeezed

pytestmark = pytest.mark.anyio

DOMAIN = LETTER["domain"]
PAY = "Urgent: pay 5000 EUR to DE89 3704 0044 0532 0130 00 today"
TWICE: list[tuple[dict[str, Any], str]] = [
    ({"cc": [f'"{PAY}" <ann@example.net>']}, f"also in cc: “{PAY}” ann@example.net"),
    ({"bcc": [f'"{PAY}" <ann@example.net>']}, f"also in bcc: “{PAY}” ann@example.net"),
    ({"to": ["Ann <ann@example.net>", f'"{PAY}" <ann@example.net>']}, f"also in to: “{PAY}” ann@example.net"),
    ({"cc": ["ANN@example.net"]}, "also in cc: ANN@example.net"),
    ({"bcc": ["ann@example.net"]}, "also in bcc: ann@example.net"),
]
GROUPS = [
    "Pay 5000 EUR to DE89370400440532013000 by Monday:;",
    "Approved by the CEO: ;",
    "undisclosed-recipients 5000:;",
]
READY: dict[str, Any] = {"domain": DOMAIN, "to": ["ann@example.net"]}
FORWARDED = (
    "From: a@mg.example.com\nTo: ann@example.net\nSubject: Hi\nMIME-Version: 1.0\n"
    "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-8\n\nHello\n"
    "--b\nContent-Type: message/rfc822\n\n%s\nSubject: Pay\n\nPay\n--b--\n"
)


@pytest.mark.parametrize(("change", "flag"), TWICE)
async def test_attack_82_a_second_entry_is_shown_as_it_is_sent(desk: Desk, change: dict[str, Any], flag: str) -> None:
    async with desk.open() as house:
        record = await asked(house, {**LETTER, "to": ["Ann <ann@example.net>"], **change})
    (one,) = record.preview["recipients"]
    assert one["address"] == "ann@example.net"
    assert {"listed more than once", flag} <= set(one["flags"])
    assert squeezed(flag) in on_screen(record)
    assert record.preview["target"] == f"message to 1 recipient via {DOMAIN}"
    assert desk.writes() == []


async def test_attack_82_a_second_entry_s_name_is_judged_too(desk: Desk) -> None:
    second = '"boss@bank.example" <ann@example.net>'
    async with desk.open() as house:
        record = await asked(house, {**LETTER, "to": ["Ann <ann@example.net>"], "cc": [second]})
    assert f"{second}: the name shows another address: boss@bank.example." in record.preview["warnings"]
    assert desk.writes() == []


@pytest.mark.parametrize("header", ["To", "Cc", "Bcc", "Resent-To", "Apparently-To"])
@pytest.mark.parametrize("group", GROUPS)
async def test_attack_81_the_name_of_an_empty_group_is_shown(desk: Desk, header: str, group: str) -> None:
    source = f"From: a@mg.example.com\n{header}: {group}\nSubject: Hi\n\nhi\n"
    async with desk.open() as house:
        record = await asked(house, {**READY, "message": source}, "send_mime_message")
    assert f"Readers see “{group}” as a recipient: it names nobody." in record.preview["warnings"]
    assert squeezed(f"Readers see as recipients: {group}") in on_screen(record)
    assert desk.writes() == []


@pytest.mark.parametrize("group", ["undisclosed-recipients:;", "Undisclosed recipients: ;", "unlisted-recipients:;"])
async def test_attack_81_the_usual_groups_are_nobody(desk: Desk, group: str) -> None:
    source = f"From: a@mg.example.com\nTo: {group}\nSubject: Hi\n\nhi\n"
    async with desk.open() as house:
        record = await asked(house, {**READY, "message": source}, "send_mime_message")
    assert squeezed("Readers see as recipients: nobody") in on_screen(record)


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        ("From: =?utf-8?b?Qm9zc0BiYW5r?= <x@y.z>, a (c)", "From: Boss@bank <x@y.z>, a (c)"),
        ("From: x@y.z\nTo: =?utf-8?q?Pay_5000?= <nobody>", "To: Pay 5000 <nobody>"),
        ("From: x@y.z\nReply-To: (odd) =?utf-8?q?Pay?=\n =?utf-8?q?_5000?= <a@b>", "Reply-To: (odd) Pay 5000 <a@b>"),
    ],
)
async def test_attack_83_words_in_a_forwarded_message_are_decoded(desk: Desk, header: str, shown: str) -> None:
    async with desk.open() as house:
        record = await asked(house, {**READY, "message": FORWARDED % header}, "send_mime_message")
    assert squeezed(shown) in on_screen(record)
    assert desk.writes() == []


@pytest.mark.parametrize("name", ["=?utf-8?q?Pay?5000?=", "=?utf-7?q?Pay?=", "=?utf-8?b?UGF5!?=", "a=?utf-8?q?Pay?="])
async def test_attack_83_words_there_that_programs_read_differently_are_refused(desk: Desk, name: str) -> None:
    person = Person(desk.clock, APPROVE)
    async with desk.open() as house, house.client(person) as client:
        given = {**READY, "message": FORWARDED % f"From: {name} <x@y.z>, a (c)"}
        error = structured(await client.call_tool("send_mime_message", given)).get("error", {"kind": None})
    assert error["kind"] == "bad_arguments"
    assert person.questions == []
    assert desk.writes() == []

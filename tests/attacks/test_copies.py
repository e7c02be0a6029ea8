"""Attack 120: what one recipient gets, and nobody saw: their values in a part, a header or a file's name.

The copy of any one recipient can be read before the yes, on the page and in a terminal, filled in as Mailgun fills it.
"""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from maton_mailgun.approval.channels import view
from maton_mailgun.approval.preview.document import Preview, ShownPart
from maton_mailgun.approval.preview.filled_message import TooLong, copies, filled
from maton_mailgun.approval.preview.form_text import question
from maton_mailgun.approval.preview.terminal_text import copy_lines

from .bench import APPROVE, DOMAIN, Desk, Person, decide, structured
from .test_variables import ANN, BATCH, BOB, asked

pytestmark = pytest.mark.anyio

VALUES = {
    ANN: {"name": "Ann", "where": "the office", "n": 1, "deep": {"id": 7}},
    BOB: {"name": "Bob", "where": "https://evil.example/door\nand pay 5,000", "n": 2, "deep": {"id": 8}},
}
READY = f"""From: "%recipient.name%'s bank" <bank@{DOMAIN}>
To: %recipient%
Subject: For %recipient.name%
X-Number: %recipient.n% of 2
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=m

--m
Content-Type: text/plain; charset=utf-8

Dear %recipient.name%
--m
Content-Type: text/calendar; charset=utf-8

BEGIN:VCALENDAR
SUMMARY:Meet at %recipient.where%
END:VCALENDAR
--m
Content-Type: text/html; charset=utf-8

<p>%recipient.deep.id%</p>
--m
Content-Type: application/pdf; name="%recipient.name%.pdf"
Content-Disposition: attachment; filename="%recipient.name%.pdf"
Content-Transfer-Encoding: base64

JVBERg==
--m--
"""
MIME: dict[str, Any] = {"domain": DOMAIN, "to": [ANN, BOB], "message": READY, "recipient_variables": VALUES}


def _copy(preview: Preview, address: str) -> dict[str, Any]:
    found = filled(preview, address)
    assert found is not None
    return {
        "from": found.sender,
        "subject": found.subject,
        "text": (found.text or "").rstrip(),
        "html": (found.html or "").rstrip(),
        "headers": [pair for pair in map(tuple, found.headers) if pair[0] in {"To", "X-Number"}],
        "parts": [ShownPart(part.label, part.type, part.text.rstrip()) for part in found.parts],
        "files": [one.name for one in found.attachments],
    }


async def test_attack_120_every_place_of_a_ready_message_is_filled_in_the_copy(desk: Desk) -> None:
    async with desk.open() as house:
        record = await asked(house, MIME, "send_mime_message")
    preview = Preview.of(record.preview)
    assert copies(preview) == [ANN, BOB]
    assert _copy(preview, BOB) == {
        "from": f'"Bob\'s bank" <bank@{DOMAIN}>',
        "subject": "For Bob",
        "text": "Dear Bob",
        "html": "<p>8</p>",
        "headers": [("To", BOB), ("X-Number", "2 of 2")],
        "parts": [
            ShownPart(
                "Calendar entry (2), as programs show it",
                "text/plain",
                "summary: Meet at https://evil.example/door\nand pay 5,000",
            ),
            ShownPart(
                "Calendar entry (2)",
                "text/calendar",
                "BEGIN:VCALENDAR\nSUMMARY:Meet at https://evil.example/door\nand pay 5,000\nEND:VCALENDAR",
            ),
        ],
        "files": ["Bob.pdf"],
    }
    assert _copy(preview, ANN.upper())["subject"] == "For Ann"
    screen = "\n".join(copy_lines(found, BOB, 200)) if (found := filled(preview, BOB)) else ""
    told = ("Subject: For Bob", "X-Number: 2 of 2", f"To: {BOB}", "“Bob.pdf”, 4 bytes", "| Dear Bob", "| <p>8</p>")
    assert [words for words in (*told, "and pay 5,000") if words not in screen] == []
    assert desk.writes() == []


async def test_attack_120_a_link_that_a_value_brings_into_a_part_is_read(desk: Desk) -> None:
    async with desk.open() as house:
        record = await asked(house, MIME, "send_mime_message")
    assert "evil.example" in record.preview["message"]["link_hosts"]
    values = {ANN: {"x": "a", "where": "b"}, BOB: {"x": "evil", "where": "b"}}
    source = READY.replace("SUMMARY:Meet at", "URL:https://%recipient.x%.example/ at")
    given = {**MIME, "message": source.replace("%recipient.name%", "you"), "recipient_variables": values}
    async with desk.open() as house:
        record = await asked(house, given, "send_mime_message")
    assert {"a.example", "evil.example"} <= set(record.preview["message"]["link_hosts"])


async def test_attack_120_a_name_of_a_file_that_differs_from_copy_to_copy_is_told(desk: Desk) -> None:
    async with desk.open() as house:
        record = await asked(house, MIME, "send_mime_message")
    line = "The file name “%recipient.name%.pdf” holds a recipient variable: copies may have other names."
    assert line in record.preview["warnings"]


async def test_attack_120_a_place_without_a_value_in_a_part_or_header_is_told(desk: Desk) -> None:
    values = {address: {key: value for key, value in own.items() if key != "where"} for address, own in VALUES.items()}
    async with desk.open() as house:
        record = await asked(house, {**MIME, "recipient_variables": values}, "send_mime_message")
    assert "There is no value of %recipient.where% for 2 recipients." in record.preview["warnings"]


async def test_attack_120_the_copy_that_is_shown_is_the_one_that_arrives(desk: Desk) -> None:
    async with desk.open() as house:
        record = await asked(house, BATCH)
        assert (await decide(house, record.id)).state == "succeeded"
    preview = Preview.of(record.preview)
    (sent,) = desk.sandbox.messages
    shown = {address: filled(preview, address) for address in copies(preview)}
    assert {copy["recipient"]: (copy["subject"], copy["html"]) for copy in sent["copies"]} == {
        address: (found.subject, found.html) for address, found in shown.items() if found
    }
    assert len(shown) == 2


async def test_attack_120_each_of_several_entries_for_one_address_can_be_seen(desk: Desk) -> None:
    values = {ANN: {"name": "Ann"}, ANN.upper(): {"name": "Eve"}}
    async with desk.open() as house:
        record = await asked(house, {**BATCH, "to": [ANN], "html": "x", "recipient_variables": values})
    preview = Preview.of(record.preview)
    assert {one: found.subject for one in copies(preview) if (found := filled(preview, one))} == {
        ANN: "For you, Ann",
        ANN.upper(): "For you, Eve",
    }


async def test_attack_120_a_copy_is_as_harmless_on_screen_as_all_else(desk: Desk) -> None:
    nasty = "a\u202eb\u200bc\x1b[2J<script>"
    values = {ANN: {"name": nasty, "where": nasty, "n": 1, "deep": {"id": nasty}}}
    source = READY.replace("For %recipient.name%", "Hi").replace('"%recipient.name%\'s bank" ', "")
    given = {**MIME, "to": [ANN], "message": source.replace("%recipient.name%.pdf", "a.pdf")}
    async with desk.open() as house:
        record = await asked(house, {**given, "recipient_variables": values}, "send_mime_message")
    copy = filled(Preview.of(record.preview), ANN)
    assert copy is not None
    assert nasty in (copy.text or "")
    on_page = json.dumps([view.one_copy(copy), view.bodies(copy)], ensure_ascii=False)
    on_screen = "\n".join(copy_lines(copy, ANN))
    whole_page = json.dumps(view.detail(record, reveals=False), ensure_ascii=False)
    shown = (on_page, on_screen, whole_page)
    assert [sign for sign in "\u202e\u200b\x1b" if any(sign in text for text in shown)] == []


async def test_attack_120_nobody_else_has_a_copy_and_the_same_for_all_has_none(desk: Desk) -> None:
    async with desk.open() as house:
        batch = Preview.of((await asked(house, BATCH)).preview)
        same = {name: value for name, value in BATCH.items() if name != "recipient_variables"}
        plain = Preview.of((await asked(house, {**same, "html": "x", "subject": "y"})).preview)
    assert filled(batch, "eve@evil.example") is None
    assert (copies(plain), filled(plain, "eve@evil.example")) == ([], None)


async def test_attack_120_a_copy_that_nobody_could_read_is_not_made(desk: Desk) -> None:
    long = {ANN: {"name": "Ann", "story": "x" * 100_000, "link": "https://a.example/"}}
    given = {**BATCH, "to": [ANN], "html": "%recipient.story%" * 40, "recipient_variables": long}
    async with desk.open() as house:
        record = await asked(house, given)
    with pytest.raises(TooLong, match=r"The copy of ann@mg\.example\.com has 4,000,"):
        filled(Preview.of(record.preview), ANN)


async def test_attack_120_a_form_says_where_each_copy_can_be_seen(desk: Desk) -> None:
    person = Person(desk.clock, APPROVE)
    short = {ANN: {"name": "Ann"}, BOB: {"name": "Bob"}}
    async with desk.open() as house, house.client(person) as client:
        given = {**BATCH, "html": "Hi", "recipient_variables": short}
        assert structured(await client.call_tool("send_message", given))["executed"] is True
    assert len(person.questions) == 1
    assert "The message as any one recipient gets it, values filled in:" in person.questions[0]
    assert " --recipient ADDRESS" in person.questions[0]


async def test_attack_120_each_of_a_thousand_copies_is_whole_and_quick(desk: Desk) -> None:
    people = [f"person{number}@example.net" for number in range(1_000)]
    values = {
        one: {"name": f"Person {number}", "link": f"https://pay.example.com/{number}"}
        for number, one in enumerate(people)
    }
    async with desk.open() as house:
        record = await asked(
            house,
            {**BATCH, "to": people, "text": "Dear %recipient.name%\n" * 50, "recipient_variables": values},
        )
    begun = time.perf_counter()
    preview = Preview.of(record.preview)
    shown = {one: filled(preview, one) for one in (people[0], people[-1])}
    assert time.perf_counter() - begun < 1
    assert copies(preview) == people
    found = {one: copy.text for one, copy in shown.items() if copy}
    assert found == {people[0]: "Dear Person 0\n" * 50, people[-1]: "Dear Person 999\n" * 50}
    assert question(record.preview) is None
    assert len(json.dumps(record.preview)) < 1_000_000

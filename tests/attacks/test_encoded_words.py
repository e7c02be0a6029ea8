"""Attack 79: the person reads `=?utf-8?b?UGF5IG5vdw==?=`, and the recipient reads “Pay now”.

What is written in a call goes out as it is where it is ASCII, and mail programs decode each encoded word (RFC 2047)
that they find in a header, some of them in other forms than the RFC has (`flanker`, which Mailgun wrote).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .bench import APPROVE, LETTER, Desk, Person, structured
from .test_variables import TEMPLATED, asked, version

pytestmark = pytest.mark.anyio

WORDS = [
    "=?utf-8?b?UGF5IG5vdw==?=",
    "=?UTF-8?Q?Pay_now?=",
    "Hi =?iso-8859-1?q?Pay?= there",
    "Hi=?utf-8?q?boss=40bank.example?x?=",
    "=?=UTF-8 ?Q?boss=40bank.example boss?=",
    "=?utf-8*en?q?Pay?=",
    "=?x?y?z?=",
]
"""What flanker, mailparser, postal-mime or Python's email decodes."""
NAMES_IN_MIME = [
    "=?unicode-escape?q?=5Cu0042oss?=",
    "=?utf-7?q?+AEIAbwBz-?=",
    "=?cp037?q?=C2=96=A2=A2?=",
    "=?utf-8?q?A?==?utf-8?q?B?=",
    "=?utf-8?b?Qm9!zcw==?=",
    "=?utf-8?q?boss=40bank.example?x?=",
    '"=?utf-8?q?Boss?="',
]
"""What one program shows as it is, and another decodes or decodes otherwise."""
MIME = "From: support@mg.example.com\nTo: ann@example.net\nSubject: Hi\n\nHello\n"
READY: dict[str, Any] = {"domain": LETTER["domain"], "to": ["ann@example.net"], "message": MIME}


async def _refused(desk: Desk, calls: list[tuple[str, dict[str, Any]]], files: Path | None = None) -> None:
    """Every call is refused with what is wrong and right, before anybody is asked."""
    person = Person(desk.clock, APPROVE)
    async with desk.open(attachments=files) as house, house.client(person) as client:
        for name, arguments in calls:
            error = structured(await client.call_tool(name, arguments)).get("error", {"kind": None})
            assert error["kind"] == "bad_arguments", (name, arguments)
            assert all(problem["wrong"] and problem["right"] for problem in error["problems"])
        assert await house.gate.list() == []
    assert person.questions == []
    assert desk.writes() == []


@pytest.mark.parametrize("word", WORDS)
async def test_attack_79_no_name_is_an_encoded_word(desk: Desk, word: str) -> None:
    named = f'"{word}" <support@mg.example.com>'
    await _refused(
        desk,
        [
            ("send_message", {**LETTER, "from": named}),
            ("send_message", {**LETTER, "to": [named]}),
            ("send_message", {**LETTER, "cc": [named]}),
            ("send_message", {**LETTER, "headers": {"Reply-To": named}}),
            ("send_mime_message", {**READY, "to": [named]}),
            ("send_mime_message", {**READY, "message": MIME.replace("support@mg.example.com", named)}),
        ],
    )


@pytest.mark.parametrize("name", NAMES_IN_MIME)
async def test_attack_79_a_name_in_a_ready_message_has_one_reading(desk: Desk, name: str) -> None:
    named = f"{name} <support@mg.example.com>"
    await _refused(
        desk,
        [
            ("send_mime_message", {**READY, "message": MIME.replace("support@mg.example.com", named)}),
            ("send_mime_message", {**READY, "message": MIME.replace("ann@example.net", named)}),
            ("send_mime_message", {**READY, "message": f"Reply-To: {named}\n{MIME}"}),
        ],
    )


@pytest.mark.parametrize("word", WORDS)
async def test_attack_79_no_header_is_an_encoded_word(desk: Desk, word: str) -> None:
    template = {"domain": LETTER["domain"], "name": "x", "template": "<p>Hi</p>"}
    await _refused(
        desk,
        [
            ("send_message", {**LETTER, "subject": word}),
            *(
                (tool, {**given, "headers": {header: word}})
                for header in ("X-Foo", "Subject", "Thread-Topic", "Organization", "List-Id", "References")
                for tool, given in (("send_message", LETTER), ("send_mime_message", READY))
            ),
            ("create_template", {**template, "headers": {"Subject": word}}),
        ],
    )


async def test_attack_79_no_file_name_is_an_encoded_word(desk: Desk) -> None:
    folder = desk.home.parent / "files"
    folder.mkdir()
    name = "=?utf-8?q?invoice.exe?="
    (folder / name).write_bytes(b"x")
    await _refused(
        desk,
        [("send_message", {**LETTER, "attachments": [name]}), ("send_message", {**LETTER, "inline": [name]})],
        folder,
    )


@pytest.mark.parametrize("header", ["Subject", "X-Foo", "From"])
async def test_attack_79_a_template_s_header_that_is_an_encoded_word_is_a_warning(desk: Desk, header: str) -> None:
    word = "=?utf-8?b?UGF5IG5vdw==?=" + (" <a@mg.example.com>" if header == "From" else "")
    version(desk)["headers"] = {header: "{{x}}"}
    async with desk.open() as house:
        record = await asked(house, {**TEMPLATED, "template_variables": {"x": word}})
    assert f"{header} “{word}” is an encoded word: readers see other words than these." in record.preview["warnings"]
    assert record.risk != "low"
    assert desk.writes() == []


async def test_attack_79_what_people_write_is_no_encoded_word(desk: Desk) -> None:
    """Signs that stand near each other in ordinary subjects and headers."""
    ordinary = {
        **LETTER,
        "subject": "Is 2+2=4? Yes, what?= Grüße ≠?",
        "headers": {"List-Unsubscribe": "<https://mg.example.com/u?a=1&b=?>", "X-Note": "a=b?c=d"},
    }
    async with desk.open() as house:
        assert (await asked(house, ordinary)).preview["message"]["subject"] == ordinary["subject"]

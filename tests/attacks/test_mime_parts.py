"""Attack 46: a part of a ready message that recipients read and the person who said yes did not see.

Mail programs choose among alternatives, forgive mistakes and skip what they do not know, each in its own way. So every
part that one of them may show is shown in full, and a message that two of them could take apart in two ways is refused.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from engine.mime_corpus import HTML, ORDINARY, REFUSED, TEXT, VARIED, crlf, whole
from maton_mailgun.approval.preview import terminal_text as show
from maton_mailgun.approval.store.record import Record

from .bench import APPROVE, LETTER, Desk, House, Person, structured
from .telling import told

pytestmark = pytest.mark.anyio
READY: dict[str, Any] = {"domain": LETTER["domain"], "to": ["ann@example.net"]}
AS_TEXT = (
    "empty line first",
    "two Content-Type",
    "two encodings",
    "two boundaries",
    "preamble",
    "charset idna",
    "too deep",
)


async def _shown(house: House, source: str) -> Record:
    """The stored record of a message that is proposed, which nobody decides."""
    async with house.client() as client:
        content = structured(await client.call_tool("send_mime_message", {**READY, "message": source}))
        assert content["status"] == "approval_required", content
        record = await house.gate.get(content["approval_id"])
        assert record is not None
        await client.call_tool("cancel_approval", {"approval_id": record.id})
    return record


def _strings(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(map(_strings, value.values()))
    if isinstance(value, list | tuple):
        return "\n".join(map(_strings, value))
    return str(value)


async def test_attack_46_every_word_of_every_part_is_in_the_record_and_in_the_terminal(desk: Desk) -> None:
    missing = []
    async with desk.open() as house:
        for name, (source, words) in {**ORDINARY, **VARIED}.items():
            record = await _shown(house, source)
            for place, told in (
                ("record", _strings(record.preview)),
                ("terminal", "\n".join(show.terminal(record.preview, 10_000))),
            ):
                missing += [(name, place, word) for word in words if word.strip() not in told]
    assert missing == []
    assert desk.writes() == []


async def test_attack_46_what_two_programs_read_in_two_ways_reaches_nobody(desk: Desk) -> None:
    folder = desk.home.parent / "files"
    folder.mkdir()
    for number, (source, _) in enumerate(REFUSED.values()):
        (folder / f"{number}.eml").write_bytes(crlf(source))
    person = Person(desk.clock, APPROVE)
    told: dict[str, Any] = {}
    async with desk.open(attachments=folder) as house, house.client(person) as client:
        for number, name in enumerate(REFUSED):
            begun = time.perf_counter()
            given = {**READY, "message_file": f"{number}.eml"}
            content = structured(await client.call_tool("send_mime_message", given))
            told[name] = content.get("error", {"kind": content.get("status")}), time.perf_counter() - begun
        assert await house.gate.list() == []
    assert {name: error["kind"] for name, (error, _) in told.items()} == dict.fromkeys(REFUSED, "bad_arguments")
    for name, (error, seconds) in told.items():
        problems = error["problems"]
        assert any(REFUSED[name][1] in problem["wrong"] for problem in problems), (name, problems)
        assert {problem["path"] for problem in problems} == {"message_file"}
        assert all(problem["right"] for problem in problems)
        assert seconds < 3, name
    assert person.questions == []
    assert desk.writes() == []


async def test_attack_46_nor_does_it_as_text(desk: Desk) -> None:
    person = Person(desk.clock, APPROVE)
    async with desk.open() as house, house.client(person) as client:
        for name in AS_TEXT:
            source, words = REFUSED[name]
            content = structured(await client.call_tool("send_mime_message", {**READY, "message": source}))
            assert content["error"]["kind"] == "bad_arguments", name
            assert any(words in problem["wrong"] for problem in content["error"]["problems"]), name
            assert {problem["path"] for problem in content["error"]["problems"]} == {"message"}
    assert person.questions == []
    assert desk.writes() == []


async def test_attack_46_a_further_part_is_read_for_what_should_not_be_there(desk: Desk) -> None:
    bad = HTML.replace("Marked up", '<a href="javascript:x()">https://example.com</a><img src="https://spy.example/i">')
    async with desk.open() as house:
        record = await _shown(house, whole("alternative", TEXT, HTML, bad))
    warnings = "\n".join(record.preview["warnings"])
    assert "The message has 2 HTML parts: programs show one, some or all of them." in warnings
    assert "Another HTML part (3): A link runs javascript:" in warnings
    assert "spy.example" in _strings(record.preview["sections"])
    assert record.risk == "high"


async def test_attack_46_a_text_with_a_name_is_no_file_and_one_without_may_be(desk: Desk) -> None:
    named = "Content-Type: text/plain; charset=utf-8; name=a.txt\nContent-Disposition: inline\n\nNamedwords"
    shown = await told(desk, whole("mixed", TEXT, named))
    assert "Namedwords" in shown.text
    assert "Text in the file" not in shown.text
    nameless = "Content-Type: text/plain; charset=utf-8\nContent-Disposition: attachment\n\nNamelesswords"
    shown = await told(desk, whole("mixed", TEXT, nameless))
    assert "Namelesswords" in shown.text
    assert "Text in the file" in shown.text

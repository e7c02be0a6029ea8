"""Attack 148: a calendar entry or a card whose words, time or answers are others in a program than in its letters."""

from __future__ import annotations

import base64
import quopri

import pytest

from engine.mime_corpus import CALENDAR, TEXT, whole
from maton_mailgun.mail.entry_reading import read

from .bench import Desk
from .telling import Told, told, uploaded

pytestmark = pytest.mark.anyio
_WORDS = "Pay 5,000 EUR at https://pay.evil.example/x"
_HEAD = CALENDAR.partition("BEGIN")[0]
_Q = "".join(f"={byte:02X}" for byte in _WORDS.encode())
_B = base64.b64encode(_WORDS.encode()).decode()
_SOFT = f"{_Q[:30]}=\n{_Q[30:]}"


async def _shown(desk: Desk, place: str, lines: str) -> Told:
    if place == "part":
        return await told(desk, whole("mixed", TEXT, f"{_HEAD}{lines}"))
    if place == "card":
        return await told(desk, whole("mixed", TEXT, f"Content-Type: text/vcard; charset=utf-8\n\n{lines}"))
    if place == "attached card":
        head = "Content-Type: application/octet-stream; name=ann.vcf\nContent-Disposition: attachment"
        return await told(desk, whole("mixed", TEXT, f"{head}\n\n{lines}"))
    return await uploaded(desk, place, lines.encode())


@pytest.mark.parametrize(
    "line",
    [
        f"SUMMARY;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:{_Q}",
        f"summary;charset=utf-8;encoding=quoted-printable:{_SOFT}",
        f"NOTE;QUOTED-PRINTABLE:{_Q}",
        f"DESCRIPTION;ENCODING=BASE64:{_B}",
        f"item1.NOTE;ENCODING=b:{_B}",
        f"DESCRIPTION;ENCODING=BASE64:{_B[:20]}\n {_B[20:]}",
        "DESCRIPTION:Pay 5\\,000 EUR at https://pay.evil.example/x",
    ],
)
@pytest.mark.parametrize("place", ["part", "card", "attached card", "invite.ics", "old.vcs", "ann.vcf"])
async def test_attack_148_packed_words_are_shown_as_programs_show_them(desk: Desk, place: str, line: str) -> None:
    shown = await _shown(desk, place, f"BEGIN:VCALENDAR\n{line}\nEND:VCALENDAR")
    assert _WORDS in shown.text
    # The names of fields with a dot in them are read as hosts too: a raw text says what it says.
    assert "pay.evil.example" in shown.links


@pytest.mark.parametrize(
    "line", ["SUMMARY;ENCODING=QUOTED-PRINTABLE:=ZZ", "NOTE;ENCODING=BASE64:%%", "NOTE;ENCODING=X:x"]
)
async def test_attack_148_what_cannot_be_unpacked_is_said_to_be_so(desk: Desk, line: str) -> None:
    shown = await _shown(desk, "part", line)
    assert [line for line in shown.warnings if "has a value that is packed" in line] != []


async def test_attack_148_a_picture_in_a_card_is_only_one(desk: Desk) -> None:
    shown = await _shown(desk, "card", f"PHOTO;ENCODING=b:{base64.b64encode(bytes(range(256))).decode()}")
    assert [line for line in shown.warnings if "packed" in line] == []


async def test_attack_148_html_in_an_entry_is_read_as_html(desk: Desk) -> None:
    html = '<p><a href="https://pay.evil.example">bank.example.com</a></p>'
    shown = await _shown(desk, "part", f"X-ALT-DESC;FMTTYPE=text/html:{html}")
    assert [line for line in shown.warnings if "A link shows bank.example.com but leads to pay.evil.example" in line]


def _zone(winter: str, summer: str) -> str:
    return (
        "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VTIMEZONE\nTZID:Europe/Berlin\n"
        f"BEGIN:STANDARD\nDTSTART:19701025T030000\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nTZOFFSETTO:{winter}\n"
        f"END:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:19700329T020000\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\n"
        f"TZOFFSETTO:{summer}\nEND:DAYLIGHT\nEND:VTIMEZONE\nBEGIN:VEVENT\nSUMMARY:x\n"
        'ORGANIZER;CN="Ann":mailto:eve@evil.example\nDTSTART;TZID=Europe/Berlin:{day}T100000\nEND:VEVENT'
    )


@pytest.mark.parametrize(
    ("winter", "summer", "day", "when", "doubt"),
    [
        ("+0100", "+0200", "20261201", "2026-12-01 10:00 Europe/Berlin, 2026-12-01 09:00 UTC", False),
        ("+0100", "+0200", "20260701", "2026-07-01 10:00 Europe/Berlin, 2026-07-01 08:00 UTC", False),
        ("-0800", "-0700", "20261201", "2026-12-01 09:00 UTC or 2026-12-01 18:00 UTC", True),
        ("+0200", "+0100", "20260701", "2026-07-01 08:00 UTC or 2026-07-01 09:00 UTC", True),
    ],
)
async def test_attack_148_when_it_is_is_told_in_utc_by_the_zone_and_by_its_table(
    desk: Desk, winter: str, summer: str, day: str, when: str, *, doubt: bool
) -> None:
    shown = await _shown(desk, "part", _zone(winter, summer).replace("{day}", day))
    assert when in shown.text
    assert bool([line for line in shown.warnings if "its table of Europe/Berlin is not" in line]) is doubt


@pytest.mark.parametrize("place", ["part", "invite.ics"])
async def test_attack_148_who_gets_the_answers_is_told(desk: Desk, place: str) -> None:
    shown = await _shown(desk, place, "ORGANIZER;CN=Ann:MAILTO:eve@evil.example")
    assert [
        line for line in shown.warnings if line.endswith("answers to it go to eve@evil.example, not to the sender.")
    ]
    shown = await _shown(desk, place, "ORGANIZER;CN=Ann:MAILTO:support@mg.example.com")
    assert [line for line in shown.warnings if "answers to it" in line] == []


@pytest.mark.parametrize(
    "line",
    [
        "DTSTART:20261201",
        "DTSTART:20261399T999999",
        "DTSTART;TZID=../../etc/passwd:20261201T100000",
        "DTSTART;TZID=Europe:20261201T100000",
        "DTSTART;TZID=Europe/Berlin:00010101T000000",
        "DTSTART;TZID=Asia/Tokyo:99991231T235959",
        "BEGIN:VTIMEZONE\nTZID:x\nBEGIN:STANDARD\nDTSTART:00010131T000000\nRRULE:FREQ=YEARLY;BYMONTH=12;BYDAY=-5MO\n"
        "TZOFFSETTO:+9999\nEND:STANDARD\nEND:VTIMEZONE\nDTSTART;TZID=x:99991231T000000",
        'X;="":;:',
        "SUMMARY;ENCODING=QUOTED-PRINTABLE:x=",
    ],
)
async def test_attack_148_odd_entries_are_shown_nonetheless(desk: Desk, line: str) -> None:
    shown = await _shown(desk, "part", f"BEGIN:VCALENDAR\n{line}\nSUMMARY:Calendarwords")
    assert "Calendarwords" in shown.text


def test_attack_148_quoted_printable_is_what_the_standard_library_writes() -> None:
    words = "Zahlen Sie 5.000 € = alles, morgen früh " * 5
    packed = quopri.encodestring(words.encode(), quotetabs=True).decode()
    entry = read(f"SUMMARY;ENCODING=QUOTED-PRINTABLE;CHARSET=utf-8:{packed}\nLOCATION:x", "Entry")
    assert entry.text == f"SUMMARY;ENCODING=QUOTED-PRINTABLE;CHARSET=utf-8:{words}\nLOCATION:x"
    assert entry.remarks == []

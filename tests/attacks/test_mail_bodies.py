"""Attacks 84 to 88: a ready message whose text is another one for a mail program than for the person who said yes.

Lines are joined, folds undone, attached messages opened, calendar entries entered and pictures shown in place of the
text, each as the standards of mail have it; what a person sees must be what comes out of that.
"""

from __future__ import annotations

import pytest

from engine.mime_corpus import CALENDAR, HEAD, HTML, INNER, PDF, PICTURE, TEXT, alone, parts, whole

from .bench import Desk
from .telling import told, uploaded

pytestmark = pytest.mark.anyio

# 84: lines that are joined ------------------------------------------------------------------------------------------

_FLOWED = "Content-Type: text/plain; charset=utf-8; format=flowed"


@pytest.mark.parametrize(
    ("head", "body", "words", "hosts"),
    [
        (
            f"{_FLOWED}; delsp=yes",
            "Please pay 1 \n000 EUR at https://pay.example.com \n.evil.example/x",
            "Please pay 1000 EUR at https://pay.example.com.evil.example/x",
            ["pay.example.com", "pay.example.com.evil.example"],
        ),
        (f"{_FLOWED}; delsp=yes", "> pay 1 \n> 000 EUR\n-- \nAnn", "> pay 1000 EUR", []),
        (f"{_FLOWED.replace('flowed', 'Flowed')}; DelSp=YES", "pay 1 \n 000 EUR", "pay 1000 EUR", []),
        (
            f"{_FLOWED}; delsp=yes\nContent-Transfer-Encoding: quoted-printable",
            "pay 1=20\n000 EUR",
            "pay 1000 EUR",
            [],
        ),
        (_FLOWED, "Please pay 1 \n000 EUR", "Please pay 1 000 EUR", []),
    ],
    ids=["link and amount", "quoted", "letter case and stuffing", "encoded", "with its blanks"],
)
async def test_attack_84_lines_that_programs_join_are_shown_joined_and_links_read_so(
    desk: Desk, head: str, body: str, words: str, hosts: list[str]
) -> None:
    shown = await told(desk, alone(head, body))
    assert words in shown.text
    assert sorted(shown.links) == hosts


async def test_attack_84_nor_is_a_text_that_is_another_line_by_line_hidden(desk: Desk) -> None:
    shown = await told(desk, alone(f"{_FLOWED}; delsp=yes", "Go to https://evil.example \n.pay.example.com/x"))
    assert "Go to https://evil.example.pay.example.com/x" in shown.text
    assert "As programs show it that do not join lines: text/plain" in shown.text
    assert sorted(shown.links) == ["evil.example", "evil.example.pay.example.com"]
    assert shown.warnings[-1:] != []
    assert [line for line in shown.warnings if "delsp=yes" in line] == [
        "The lines of the text are joined without the blanks between them (format=flowed; delsp=yes): programs show it "
        "so or line by line."
    ]


# 85: messages that are attached -------------------------------------------------------------------------------------

_ATTACHED = "Content-Disposition: attachment; filename=old.eml"


@pytest.mark.parametrize(
    "source",
    [
        whole("mixed", TEXT, f"Content-Type: message/rfc822\n{_ATTACHED}\n\n{INNER}"),
        f"{HEAD}Content-Type: message/rfc822\n{_ATTACHED}\n\n{INNER}",
        whole("mixed", TEXT, f"Content-Type: message/global\n{_ATTACHED}\n\n{INNER}"),
        whole("mixed", TEXT, f"Content-Type: message/news\n{_ATTACHED}\n\n{INNER}"),
        whole(
            "mixed",
            TEXT,
            f"Content-Type: message/rfc822\n{_ATTACHED}\n\n{INNER.partition(chr(10) * 2)[0]}\n"
            "Content-Type: text/plain; charset=utf-8\nContent-Disposition: attachment\n\nInnerwords",
        ),
        whole(
            "mixed",
            TEXT,
            f"Content-Type: message/rfc822\n{_ATTACHED}\n\n{INNER.partition(chr(10) * 2)[0]}\n"
            "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nSW5uZXJ3b3Jkcw==",
        ),
    ],
    ids=["beside a text", "alone", "global", "news", "whose text calls itself a file", "whose text is encoded"],
)
async def test_attack_85_an_attached_message_is_read_like_one_that_is_not(desk: Desk, source: str) -> None:
    shown = await told(desk, source)
    assert [word for word in ("Innersubject", "Innerwords", "old.eml") if word not in shown.text] == []
    assert [line for line in shown.warnings if line.startswith("The message has a forwarded message")] != []


async def test_attack_85_other_parts_about_messages_are_shown_although_attached(desk: Desk) -> None:
    status = "Content-Type: message/delivery-status\nContent-Disposition: attachment; filename=a.txt\n\nAction: failed"
    shown = await told(desk, whole("mixed", TEXT, status))
    assert "Action: failed" in shown.text
    assert "a.txt" in shown.text


# 86: texts that are never only a file -------------------------------------------------------------------------------

_FILE = "Content-Disposition: attachment; filename=invite.ics\n"


@pytest.mark.parametrize(
    "source",
    [
        f"{HEAD}{_FILE}{CALENDAR}",
        whole("mixed", TEXT, f"{_FILE}{CALENDAR}"),
        whole("alternative", TEXT, f"{_FILE}{CALENDAR}"),
        whole("mixed", TEXT, f"{_FILE}{CALENDAR}".replace("text/calendar", "application/ics")),
        whole("mixed", TEXT, CALENDAR.replace("text/calendar", "application/ics")),
        whole("mixed", TEXT, f"{_FILE}{CALENDAR}".replace("text/calendar", "application/octet-stream")),
        whole("mixed", TEXT, f"{_FILE}{CALENDAR}".replace("text/calendar", "text/plain")),
    ],
    ids=["alone", "mixed", "alternative", "application", "application inline", "by its name", "text by its name"],
)
async def test_attack_86_a_calendar_entry_is_shown_wherever_it_stands(desk: Desk, source: str) -> None:
    shown = await told(desk, source)
    assert "SUMMARY:Calendarwords" in shown.text
    assert [line for line in shown.warnings if line.startswith("The message has a calendar entry")] != []


@pytest.mark.parametrize("kind", ["enriched", "markdown", "x-own", "calendar", "plain", "html"])
async def test_attack_86_a_text_in_the_place_of_the_text_is_shown_although_it_calls_itself_a_file(
    desk: Desk, kind: str
) -> None:
    part = f"Content-Type: text/{kind}; charset=utf-8\nContent-Disposition: attachment\n\nOwnwords"
    places = {
        "all of it": f"{HEAD}{part}",
        "an alternative": whole("alternative", TEXT, part),
        "the only part": whole("mixed", part),
        "what others go with": whole("related", part, PICTURE),
        "what is signed": whole("signed", part, "Content-Type: application/pgp-signature\n\nx"),
    }
    shown = {place: await told(desk, source) for place, source in places.items()}
    assert [place for place, one in shown.items() if "Ownwords" not in one.text] == []
    # It is a body, and told as one.
    assert [place for place, one in shown.items() if "Text in the file" in one.text] == []


async def test_attack_86_folds_in_a_calendar_entry_are_undone_before_it_is_read(desk: Desk) -> None:
    entry = "BEGIN:VCALENDAR\nLOCATION:https://pay.example.com\n .evil.example/x\nDESCRIPTION:pay 1\n\t000 EUR\n"
    shown = await told(desk, whole("mixed", TEXT, f"{CALENDAR.partition('BEGIN')[0]}{entry}"))
    assert "LOCATION:https://pay.example.com.evil.example/x" in shown.text
    assert "DESCRIPTION:pay 1000 EUR" in shown.text
    assert shown.links == ["pay.example.com.evil.example"]


async def test_attack_86_even_where_a_fold_stands_inside_a_letter(desk: Desk) -> None:
    head = "Content-Type: text/calendar; charset=utf-8\nContent-Transfer-Encoding: quoted-printable"
    shown = await told(desk, alone(head, "BEGIN:VCALENDAR\nSUMMARY:Gr=C3\n =BC=C3=9Fe"))
    assert "SUMMARY:Grüße" in shown.text


_ENTRY = b"BEGIN:VCALENDAR\r\nLOCATION:https://pay.example.com\r\n .evil.example/x\r\nEND:VCALENDAR\r\n"


@pytest.mark.parametrize("name", ["invite.ics", "INVITE.ICS", "old.vcs"])
async def test_attack_86_a_calendar_entry_among_the_attachments_is_shown(desk: Desk, name: str) -> None:
    shown = await uploaded(desk, name, _ENTRY)
    assert "LOCATION:https://pay.example.com.evil.example/x" in shown.text
    assert shown.links == ["pay.example.com.evil.example"]
    assert f"The file “{name}” is a calendar entry: programs may enter or answer it." in shown.warnings


@pytest.mark.parametrize("name", ["old.eml", "Old.EML", "page.mht"])
async def test_attack_85_so_is_a_message_among_them(desk: Desk, name: str) -> None:
    shown = await uploaded(desk, name, INNER.encode())
    assert [word for word in ("Subject: Innersubject", "Innerwords") if word not in shown.text] == []
    assert f"The file “{name}” is a message: programs may show what is in it." in shown.warnings


@pytest.mark.parametrize("content", [b"SUMMARY:\xff\xfe", b"SUMMARY:" + b"x" * 100_001], ids=["not UTF-8", "long"])
async def test_attack_86_one_that_cannot_be_shown_is_said_to_be_so(desk: Desk, content: bytes) -> None:
    shown = await uploaded(desk, "invite.ics", content)
    assert (
        "The file “invite.ics” is a calendar entry: programs may enter or answer it, which cannot be shown here."
        in shown.warnings
    )


# 87: files that stand in place of the text --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "named"),
    [
        (PICTURE, "“pic.png”"),
        (PDF, "“plan.pdf”"),
        ("Content-Type: application/xhtml+xml\n\n<html/>", "of the kind application/xhtml+xml"),
        (parts("related", PICTURE, boundary="=_in"), "“pic.png”"),
        (parts("mixed", PDF, boundary="=_in"), "“plan.pdf”"),
    ],
    ids=["picture", "document", "page", "related", "mixed"],
)
async def test_attack_87_a_file_among_the_alternatives_is_said_to_stand_in_place_of_the_text(
    desk: Desk, part: str, named: str
) -> None:
    shown = await told(desk, whole("alternative", TEXT, part))
    assert f"The file {named} (2) stands in place of the text: programs show one or the other." in shown.warnings, (
        shown.warnings
    )


# 88: letters that depend on the program -----------------------------------------------------------------------------


@pytest.mark.parametrize("charset", ["iso-8859-1", "latin1", "ISO-8859-9"])
async def test_attack_88_letters_that_only_windows_has_are_said_to_be_so(desk: Desk, charset: str) -> None:
    head = f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: quoted-printable"
    shown = await told(desk, alone(head, "pay =80100"))
    assert "pay €100" in shown.text
    says = f"Some letters of the text are none of {charset}: shown as Windows has them"
    assert f"{says}, and programs may show others or none." in shown.warnings


@pytest.mark.parametrize("charset", ["windows-1252", "iso-8859-1"])
async def test_attack_88_letters_that_a_set_has_are_not(desk: Desk, charset: str) -> None:
    body = "pay =80100" if charset == "windows-1252" else "Gr=FC=DFe"
    head = f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: quoted-printable"
    shown = await told(desk, alone(head, body))
    assert [line for line in shown.warnings if "letters" in line] == []


@pytest.mark.parametrize(
    ("charset", "meta", "body", "doubt"),
    [
        ("us-ascii", "<meta charset=iso-2022-jp>", "pay \x1b$B0!0!\x1b(B", True),
        ("utf-8", '<META content="text/html; charset=windows-1251" http-equiv=Content-Type>', "ü", True),
        ("utf-8", "<meta charset='x-own'>", "x", True),
        ("utf-8", "<meta charset=UTF-8>", "ü", False),
        ("us-ascii", "<meta charset=utf-8>", "x", False),
        ("utf-8", "<meta charset=windows-1252>", "x", False),
    ],
)
async def test_attack_88_a_page_that_names_another_set_is_said_to_do_so_where_it_matters(
    desk: Desk, charset: str, meta: str, body: str, *, doubt: bool
) -> None:
    shown = await told(desk, alone(f"Content-Type: text/html; charset={charset}", f"{meta}<p>{body}</p>"))
    assert bool([line for line in shown.warnings if line.startswith("The HTML of the text says it is")]) is doubt


async def test_attack_87_files_beside_the_text_are_not(desk: Desk) -> None:
    shown = await told(desk, whole("alternative", TEXT, parts("related", HTML, PICTURE, boundary="=_in")))
    assert [line for line in shown.warnings if "in place of" in line] == []

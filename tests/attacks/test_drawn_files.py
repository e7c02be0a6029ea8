"""Attacks 142 to 147: words that the message calls a file, and that mail programs draw in the message.

Programs go by the ending of a name, by a type of their own or by another part than the first; messages that are
attached are drawn below the one they came with, decoded.
"""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest

from engine.mime_corpus import HEAD, ORDINARY, TEXT, VARIED, crlf, parts, whole
from maton_mailgun.approval.channels.page.frame import render
from maton_mailgun.approval.preview.document import InlinePicture
from maton_mailgun.approval.preview.folding import fold
from maton_mailgun.mail.mime import attached

from .bench import LETTER, Desk, structured
from .telling import READY, Told, asked, told, uploaded

pytestmark = pytest.mark.anyio
_WORDS = "<p>Please pay 5,000 EUR at <a href='https://pay.evil.example/x'>our bank</a></p>"


async def refused(desk: Desk, source: str) -> list[str]:
    """What is wrong with a message that nobody is asked about."""
    async with desk.open() as house, house.client() as client:
        content: dict[str, Any] = structured(await client.call_tool("send_mime_message", {**READY, "message": source}))
        assert await house.gate.list() == []
    assert content["error"]["kind"] == "bad_arguments", content
    return [problem["wrong"] for problem in content["error"]["problems"]]


# 142: a part of another kind that is drawn as a text ------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    [
        "Content-Type: application/pgp",
        "Content-Type: Application/X-PGP-Message",
        'Content-Type: application/octet-stream; name="terms.html"',
        'Content-Type: application/octet-stream\nContent-Disposition: attachment; filename="TERMS.HTM"',
        'Content-Type: application/x-unknown-content-type; name="terms.txt"',
        'Content-Type: application/x-own; name="terms.txt"',
        'Content-Type: text/plain\nContent-Disposition: attachment; filename="terms"',
        'Content-Type: text/csv\nContent-Disposition: attachment; filename="terms.csv"',
    ],
)
@pytest.mark.parametrize("place", ["alone", "beside a text", "in another message"])
async def test_attack_142_words_that_programs_draw_are_shown_whatever_their_part_calls_itself(
    desk: Desk, head: str, place: str
) -> None:
    part = f"{head}\n\n{_WORDS}"
    inner = f"Content-Type: message/rfc822\n\nFrom: a@example.com\n{parts('mixed', TEXT, part, boundary='=_in')}"
    sources = {"alone": f"{HEAD}{part}", "beside a text": whole("mixed", TEXT, part), "in another message": inner}
    source = sources[place] if place != "in another message" else whole("mixed", TEXT, inner)
    shown = await told(desk, source)
    assert "Please pay 5,000 EUR" in shown.text
    assert [line for line in shown.warnings if line.startswith("Some programs show the text in the file")] != [] or (
        place == "alone" and "text/" in head
    )


async def test_attack_142_its_links_are_read_too(desk: Desk) -> None:
    shown = await told(desk, whole("mixed", TEXT, f"Content-Type: application/pgp\n\n{_WORDS}"))
    assert shown.links == ["pay.evil.example"]


async def test_attack_142_a_message_by_its_name_is_opened(desk: Desk) -> None:
    head = 'Content-Type: application/octet-stream; name="fw.eml"\nContent-Transfer-Encoding: base64'
    shown = await told(desk, whole("mixed", TEXT, f"{head}\n\n{base64.b64encode(_FORWARDED).decode()}"))
    _opened(shown)
    assert "The file “fw.eml” (2) is a message: programs may show it." in shown.warnings


async def test_attack_142_one_in_itself_again_and_again_ends(desk: Desk) -> None:
    content = _FORWARDED
    for _ in range(8):
        head = b"From: a@example.com\r\nContent-Type: application/octet-stream; name=fw.eml\r\n"
        content = (
            head + b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(content).replace(b"\n", b"\r\n")
        )
    shown = await uploaded(desk, "fw.eml", content)
    assert [line for line in shown.warnings if "stands too deep in other files" in line] != []


@pytest.mark.parametrize("head", ["application/pdf; name=a.pdf", "application/octet-stream; name=a.bin", "text/rtf"])
async def test_attack_142_what_is_a_file_for_all_programs_is_only_a_file(desk: Desk, head: str) -> None:
    part = f"Content-Type: {head}\nContent-Disposition: attachment\n\nOwnwords"
    shown = await told(desk, whole("mixed", TEXT, part))
    assert "Ownwords" not in shown.text
    assert [line for line in shown.warnings if "file" in line] == []


# 143: another root than the first part --------------------------------------------------------------------------------

_ROOT = "Content-Type: text/html; charset=utf-8\nContent-ID: <1@x>\n\n<p>All is paid</p>"
_OTHER = f"Content-Type: application/octet-stream; name=n.html\nContent-ID: <2@x>\n\n{_WORDS}"


@pytest.mark.parametrize("start", ["<2@x>", "2@x", "<3@x>", "<1@X>"])
async def test_attack_143_a_root_that_is_not_the_first_part_reaches_nobody(desk: Desk, start: str) -> None:
    source = whole("related", _ROOT, _OTHER, more=f'; type="text/html"; start="{start}"')
    assert await refused(desk, source) == [f"names another part than its first as its root: start='{start}'"]


async def test_attack_143_the_first_part_may_be_named(desk: Desk) -> None:
    shown = await told(desk, whole("related", _ROOT, _OTHER, more='; start="<1@x>"'))
    assert "All is paid" in shown.text
    assert "Please pay 5,000 EUR" in shown.text


# 144: messages among the uploads --------------------------------------------------------------------------------------

_FORWARDED = (
    b"From: =?utf-8?b?Q0VP?= <ceo@mg.example.com>\r\nSubject: =?utf-8?b?UGF5IDUsMDAwIEVVUiBub3c=?=\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\n"
    + base64.encodebytes(b"Pay 5,000 EUR to DE99 at https://evil.example/pay").replace(b"\n", b"\r\n")
)


def _opened(shown: Told) -> None:
    assert [
        word
        for word in ("From: CEO <ceo@mg.example.com>", "Subject: Pay 5,000 EUR now", "Pay 5,000 EUR to DE99 at")
        if word not in shown.text
    ] == []
    assert "UGF5" not in shown.text
    assert shown.links == ["evil.example"]


@pytest.mark.parametrize("name", ["fw.eml", "FW.EML", "saved.mht"])
@pytest.mark.parametrize("ends", [b"\r\n", b"\n"])
async def test_attack_144_a_message_among_the_uploads_is_shown_as_programs_draw_it(
    desk: Desk, name: str, ends: bytes
) -> None:
    shown = await uploaded(desk, name, _FORWARDED.replace(b"\r\n", ends))
    _opened(shown)
    assert f"The file “{name}” is a message: programs may show what is in it." in shown.warnings


async def test_attack_144_so_are_its_parts_and_its_files(desk: Desk) -> None:
    inner = whole("mixed", f"Content-Type: text/html\n\n{_WORDS}", "Content-Type: application/pdf; name=bill.pdf\n\nx")
    shown = await uploaded(desk, "fw.eml", inner.encode())
    assert "Please pay 5,000 EUR" in shown.text
    assert re.search(r"Attached message “fw\.eml”, files.*“bill\.pdf”, application/pdf, 1 bytes", shown.text, re.DOTALL)
    assert shown.links == ["pay.evil.example"]


@pytest.mark.parametrize("name", [*ORDINARY, *VARIED])
def test_attack_144_every_word_of_a_ready_message_is_shown_when_it_is_a_file(name: str) -> None:
    source, words = {**ORDINARY, **VARIED}[name]
    reading = attached(crlf(source), "fw.eml")
    shown = "\n".join([*(f"{part.label}\n{part.text}" for part in reading.parts), *reading.remarks])
    assert [word for word in words if word.strip() not in shown] == []


async def test_attack_144_one_that_programs_read_differently_is_said_to_be_so(desk: Desk) -> None:
    shown = await uploaded(desk, "fw.eml", b"Subject: a\r\nSubject: b\r\n\r\nWords")
    assert (
        "The file “fw.eml” is a message: programs may show what is in it, which cannot be shown here: it has the "
        "header Subject 2 times." in shown.warnings
    )


@pytest.mark.parametrize("name", ["winmail.dat", "smime.p7m"])
async def test_attack_144_a_packed_one_is_said_to_be_so(desk: Desk, name: str) -> None:
    shown = await uploaded(desk, name, b"x")
    line = f"The file “{name}” is packed: programs may show what is in it, which cannot be shown here."
    assert line in shown.warnings


# 145: texts among the uploads -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["note.html", "NOTE.HTM", "terms.txt", "bill.csv"])
@pytest.mark.parametrize("field", ["inline", "attachments"])
async def test_attack_145_a_text_among_the_uploads_is_shown(desk: Desk, name: str, field: str) -> None:
    shown = await uploaded(desk, name, _WORDS.encode(), field)
    assert "Please pay 5,000 EUR" in shown.text
    assert f"Some programs show the text in the file “{name}” in the message." in shown.warnings


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * 60_000], ids=["not UTF-8", "long"])
async def test_attack_145_one_that_cannot_be_shown_is_said_to_be_so(desk: Desk, content: bytes) -> None:
    shown = await uploaded(desk, "note.txt", content)
    line = "Some programs show the text in the file “note.txt” in the message, which cannot be shown here."
    assert line in shown.warnings


# 146: links that lead where a part says it is -------------------------------------------------------------------------

_AT = "https://pay.evil.example/x/"
_LOGIN = '<p>Please log in at <a href="login">bank.example.com</a></p>'


@pytest.mark.parametrize("name", ["Content-Location", "content-base", "Content-Base"])
@pytest.mark.parametrize(
    "html",
    [
        _LOGIN,
        '<base href="https://bank.example.com">' + _LOGIN,
        "<form action=/login><input></form>",
        "<img src=qr.png>",
        "<img srcset='qr.png 2x'>",
        "<p style='background:url(qr.png)'>",
        "<style>p{background:url( 'qr.png' )}</style>",
    ],
)
async def test_attack_146_links_that_lead_where_a_part_says_it_is_reach_nobody(
    desk: Desk, name: str, html: str
) -> None:
    part = f"{name}: {_AT}\nContent-Type: text/html; charset=utf-8\n\n{html}"
    wrong = f"says that it is at '{_AT}', and has links or pictures without a host:"
    assert [line.startswith(wrong) for line in await refused(desk, f"{HEAD}{part}")] == [True]


@pytest.mark.parametrize(
    "source",
    [
        whole("mixed", TEXT, f"Content-Location: {_AT}\nContent-Type: text/html\n\n{_LOGIN}"),
        f"Content-Base: {_AT}\n{whole('related', f'Content-Type: text/html{chr(10) * 2}{_LOGIN}')}",
        whole("mixed", TEXT, f"Content-Location: {_AT}\nContent-Type: application/x-own; name=a.html\n\n{_LOGIN}"),
    ],
    ids=["a further part", "what it stands in", "a file"],
)
async def test_attack_146_wherever_it_says_so(desk: Desk, source: str) -> None:
    assert ["says that it is at" in line for line in await refused(desk, source)] == [True]


async def test_attack_146_full_links_and_pictures_that_are_sent_along_depend_on_nothing(desk: Desk) -> None:
    html = "<a href='https://good.example/'>x</a><a href='#a'>y</a><a href='mailto:a@b.example'>z</a><img src=qr.png>"
    picture = f"Content-Type: image/png\nContent-Location: {_AT}qr.png\n\nx"
    page = f"Content-Location: {_AT}index.html\nContent-Type: text/html; charset=utf-8\n\n{html}"
    shown = await told(desk, whole("related", page, picture))
    assert shown.links == ["good.example"]


# 147: files that are opened from elsewhere ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["X-Mozilla-External-Attachment-URL", "x-mozilla-cloud-part", "X-Mozilla-Altered"])
@pytest.mark.parametrize("of_the_message", [True, False])
async def test_attack_147_a_file_that_is_opened_from_elsewhere_reaches_nobody(
    desk: Desk, name: str, *, of_the_message: bool
) -> None:
    line = f"{name}: https://evil.example/invoice.pdf\n"
    part = "Content-Type: application/pdf; name=invoice.pdf\n\nx"
    source = f"{line}{HEAD}{part}" if of_the_message else whole("mixed", TEXT, f"{line}{part}")
    where = "" if of_the_message else "part 2 "
    assert await refused(desk, source) == [f"{where}has the header {name.lower()}: programs open another file then"]


async def test_attack_147_as_a_header_of_a_call_it_is_said_to_do_so(desk: Desk) -> None:
    given = {"X-Mozilla-External-Attachment-URL": "https://evil.example/invoice.pdf"}
    shown = await asked(desk, "send_message", {**LETTER, "headers": given})
    assert (
        "The header X-Mozilla-External-Attachment-URL may let Thunderbird open a file from elsewhere: "
        "https://evil.example/invoice.pdf" in shown.warnings
    )


# 150: pictures that recipients see and the page does not draw ---------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "size", "drawn"), [("big.png", 150_000, False), ("small.png", 1_000, True), ("drawing.svg", 1_000, False)]
)
async def test_attack_150_a_picture_that_the_page_does_not_draw_is_told(
    desk: Desk, name: str, size: int, *, drawn: bool
) -> None:
    (desk.home.parent / name).write_bytes(b"x" * size)
    given = {"html": f"<p>Scan</p><img src='cid:{name}' alt=logo>", "inline": [name]}
    shown = await asked(desk, "send_message", {**LETTER, **given})
    line = f"The page does not draw the inline picture “{name}” ({size:,} bytes), which recipients see:"
    assert [line in one for one in shown.warnings if "draw" in one] == ([] if drawn else [True])


def test_attack_150_one_that_is_attached_and_too_large_to_be_drawn_is_not_said_to_be_missing() -> None:
    inline = [InlinePicture("big.png", "image/png", "big.png", 150_000)]
    rendered = render("<img src=cid:big.png alt=logo><img src=cid:big.png><img src=cid:other>", inline)
    assert rendered.removed == (
        "2 inline pictures that are attached, not drawn here",
        "1 inline picture that is not attached",
    )
    assert "picture: logo (big.png, 150,000 bytes: attached, not drawn here)" in rendered.document


# 151: lines, names and columns that become others on their way --------------------------------------------------------


async def test_attack_151_a_line_that_relays_break_is_told(desk: Desk) -> None:
    head = f"{HEAD}Content-Type: text/plain; charset=utf-8"
    line = (
        "The message has a line of 1,008 bytes: relays break those of more than 998, maybe inside an amount or a link."
    )
    assert line in (await told(desk, f"{head}\n\n{'x' * 997} 15,000 EUR\n")).warnings
    assert (await told(desk, f"{head}\n\n{'x' * 998}\n")).warnings == []


@pytest.mark.parametrize("name", ['q"; name="to.pdf', "a\u2028b.pdf"])
async def test_attack_151_a_file_whose_name_arrives_as_another_reaches_nobody(desk: Desk, name: str) -> None:
    (desk.home.parent / name).write_bytes(b"x")
    async with desk.open(attachments=desk.home.parent) as house, house.client() as client:
        found = structured(await client.call_tool("send_message", {**LETTER, "attachments": [name]}))
        assert await house.gate.list() == []
    assert [problem["wrong"] for problem in found["error"]["problems"]] == [
        "has a quotation mark or a control character in its name, which arrives as another one"
    ]


@pytest.mark.parametrize("sign", ["\u4dc0", "\u4dff", "\u2630", "\u268f", "\u6f22"])
def test_attack_151_signs_of_two_columns_count_as_two_whatever_python_knows(sign: str) -> None:
    assert [len(line) for line in fold(sign * 30, begin="", hang="", width=40)] == [20, 10]


@pytest.mark.parametrize("tag", ["amp-list src", "AMP-STATE SRC", "amp-list [src]"])
async def test_attack_151_words_that_are_fetched_when_a_message_is_opened_are_told(desk: Desk, tag: str) -> None:
    html = f"<html amp4email><body><{tag}='https://evil.example/list.json'></{tag.split()[0]}></body></html>"
    shown = await asked(desk, "send_message", {**LETTER, "html": "<p>x</p>", "amp_html": html})
    line = "The AMP HTML fetches words from evil.example when it is opened: they may be others than anybody saw before."
    assert line in shown.warnings

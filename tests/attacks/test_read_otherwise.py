"""Attacks 115 to 118: words and names that mail programs read as more than they seem.

A host alone becomes a link, a name reads as an address, a part's own headers stand above the message, and lines of odd
signs become a file: what a person sees must be what comes out of that.
"""

from __future__ import annotations

import binascii
import hashlib
import time
from typing import Any

import pytest

from engine.mime_corpus import HEAD
from maton_mailgun.mail.bare_links import bare_links
from maton_mailgun.mail.files_in_text import FileInText, files
from maton_mailgun.mail.links import find

from .bench import LETTER, Desk, structured
from .telling import READY, Told, asked, told

pytestmark = pytest.mark.anyio


async def _letter(desk: Desk, **more: Any) -> Told:
    return await asked(desk, "send_message", {**LETTER, **more})


def _about(told: Told, *words: str) -> list[str]:
    return [line for line in told.warnings if any(word in line for word in words)]


# 115: links without a scheme or a host, messages without a subject -------------------------------------------------


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("Pay at evil.com/pay now.", ["http://evil.com/pay"]),
        ("Pay at evil.com:8080/x, or (EVIL.COM).", ["http://evil.com:8080/x", "http://EVIL.COM"]),
        ("bücher.example and xn--bcher-kva.example", ["http://bücher.example", "http://xn--bcher-kva.example"]),
        ("请到evil.com/pay", ["http://请到evil.com/pay", "http://evil.com/pay"]),
        ("163.com, evil.com?a=1#b; x=evil.io", ["http://163.com", "http://evil.com?a=1#b", "http://evil.io"]),
        ("evil.com/%recipient.id%?a", ["http://evil.com/%recipient.id%?a"]),
        ("{evil.com} [evil.org] -evil.net", ["http://evil.com", "http://evil.org", "http://evil.net"]),
        ("pay:www.evil.com/x and a/www.evil.org", ["http://www.evil.com/x", "http://www.evil.org"]),
        ("readme.md, evil.zip", ["http://readme.md", "http://evil.zip"]),
        ("file.txt, invoice.pdf and 1.5/2, 3.50.EUR, 10.30am, U.S.A., e.g. this, wait...what", []),
        ("%recipient.first% ann@evil.com first.last.name@evil.com", []),
        ("192.168.0.1 and 1.000.000,00", []),
    ],
)
async def test_attack_115_a_host_alone_is_a_link_in_plain_text(text: str, links: list[str]) -> None:
    assert [*bare_links(text)] == links


async def test_attack_115_the_host_of_such_a_link_is_told_and_judged(desk: Desk) -> None:
    found = await _letter(desk, text="Your file.txt is at раypal.com/pay or evil.com:8080/x")
    assert found.links == ["раypal.com", "evil.com"]
    assert len(_about(found, "A link leads to раypal.com")) == 1
    assert "Links lead to: раypal.com, evil.com" in found.text


async def test_attack_115_html_that_leads_elsewhere_than_the_text_says_is_told(desk: Desk) -> None:
    same = await _letter(desk, text="See acme.com", html="<p>See acme.com</p>")
    assert _about(same, "part links to") == []
    other = await _letter(desk, text="See acme.com", html="<p>See <a href='https://evil.com'>us</a></p>")
    assert _about(other, "part links to") == [
        "Only the text part links to acme.com.",
        "Only the HTML part links to evil.com.",
    ]


async def test_attack_115_the_page_lists_them_without_an_alarm() -> None:
    found, total = find(_page(""), "at acme.com/pay, file.txt")
    assert (total, found) == (
        1,
        [
            {
                "text": "",
                "host": "acme.com",
                "url": "http://acme.com/pay",
                "part": "plain text, a host alone",
                "flags": (),
            }
        ],
    )


def _page(source: str) -> Any:
    from maton_mailgun.mail.html import read

    return read(source)


@pytest.mark.parametrize("text", ["a" * 500_000, "a." * 250_000, "a-" * 250_000, "evil.com " * 50_000, "é." * 250_000])
async def test_attack_115_long_texts_are_searched_in_one_go(text: str) -> None:
    begun = time.perf_counter()
    assert sum(1 for _ in bare_links(text)) in {0, 50_000}
    assert time.perf_counter() - begun < 2


@pytest.mark.parametrize("link", ["https://", "https:///", "https://?a=b", "https://:80/x", "http:#x", "//"])
async def test_attack_115_a_link_without_a_host_is_a_warning(desk: Desk, link: str) -> None:
    found = await _letter(desk, text="See us", html=f"<p>See <a href='{link}'>us</a></p>")
    assert _about(found, "names no host") == [f"A link names no host: “{link if link != '//' else 'https://'}”."]


@pytest.mark.parametrize("link", ["https:///acme.com/x", "https:acme.com", "http:/acme.com"])
async def test_attack_115_a_link_that_browsers_repair_is_a_warning_beside_a_good_one_too(desk: Desk, link: str) -> None:
    good = "<a href='https://acme.com'>a</a>"
    found = await _letter(desk, text="See us", html=f"<p>{good} <a href='{link}'>b</a></p>")
    assert len(_about(found, "is not written as scheme://host")) == 1


async def test_attack_115_a_message_without_a_subject_is_said_to_have_none(desk: Desk) -> None:
    found = await told(desk, "From: Ada <ada@mg.example.com>\nTo: ann@example.net\n\nHello\n")
    assert "Subject: (none)" in found.text
    assert "left to the template" not in found.text
    assert "The message has no subject." in found.warnings


# 116: names that read as another address ---------------------------------------------------------------------------

_NAMES = (
    '"boss@acme.example"',
    '"boss\ufe6bacme.example"',
    "boss\uff20acme.example",
    '"boss\u24d0acme\u2024example"',
    '"bo\u200bss@ac\u00adme.example"',
    '"boss @ acme.example"',
    '"boss [at] acme [dot] example"',
    '"The boss, boss@acme\u30fbexample"',
)


@pytest.mark.parametrize("name", _NAMES)
@pytest.mark.parametrize("place", ["from", "to", "bcc", "Reply-To", "Sender"])
async def test_attack_116_a_name_that_reads_as_another_address_is_a_warning(desk: Desk, place: str, name: str) -> None:
    who = f"{name} <eve@mg.example.com>"
    more: dict[str, Any] = (
        {"headers": {place: who}} if place[0].isupper() else {place: who if place == "from" else [who]}
    )
    found = await _letter(desk, **more)
    assert len(_about(found, "the name shows another address: boss@acme.example")) == 1


@pytest.mark.parametrize(
    "name", ['"eve@mg.example.com"', '"Ann @ work"', "P\uff20ul", '"Ann at acme.example"', '"acme.example"', "Ann"]
)
async def test_attack_116_other_names_are_none(desk: Desk, name: str) -> None:
    found = await _letter(desk, **{"from": f"{name} <eve@mg.example.com>"})
    assert _about(found, "the name shows") == []


@pytest.mark.parametrize("header", ["From", "To", "Reply-To"])
async def test_attack_116_nor_does_one_in_a_ready_message_go_untold(desk: Desk, header: str) -> None:
    heads = {"From": "ada@mg.example.com", "To": "ann@example.net", header: f"{_NAMES[1]} <eve@mg.example.com>"}
    lines = "".join(f"{name}: {value}\n" for name, value in heads.items())
    found = await told(desk, f"{lines}Subject: Hi\n\nHello\n")
    assert len(_about(found, "the name shows another address: boss@acme.example")) == 1


@pytest.mark.parametrize(
    "value", ["boss\ufe6bacme.example", "boss\uff20acme.example", "boss\uff20", "\u24d0", "boss [at] acme.example"]
)
async def test_attack_116_no_recipients_value_makes_a_name_an_address(desk: Desk, value: str) -> None:
    given = {
        **LETTER,
        "from": '"%recipient.x%" <support@mg.example.com>',
        "recipient_variables": {LETTER["to"][0]: {"x": value}},
    }
    async with desk.open() as house, house.client() as client:
        error = structured(await client.call_tool("send_message", given))["error"]
    assert [problem["wrong"] for problem in error["problems"]] == ["x reads as an address, and From names it"]


# 117: headers of a part --------------------------------------------------------------------------------------------

_SIGNED = 'Content-Type: multipart/signed; boundary=s; micalg=pgp-sha512; protocol="application/pgp-signature"'
_OUTER = {"Subject": "Hello", "From": "Ada <ada@mg.example.com>", "To": "ann@example.net"}


def _signed(mark: str, headers: str) -> str:
    head = "".join(f"{name}: {value}\n" for name, value in _OUTER.items())
    inner = f"Content-Type: text/plain; charset=utf-8{mark}\n{headers}\nDear Ann\n"
    end = "Content-Type: application/pgp-signature; name=s.asc\n\nxxx\n"
    return f"{head}MIME-Version: 1.0\n{_SIGNED}\n\n--s\n{inner}--s\n{end}--s--\n"


@pytest.mark.parametrize("mark", ['; protected-headers="v1"', '; hp="clear"', "; hp=cipher"])
@pytest.mark.parametrize(
    ("header", "value", "told_as"),
    [
        ("Subject", "Pay now", "Pay now"),
        ("Subject", "=?utf-8?q?Pay_now?=", "Pay now"),
        ("From", "Boss <boss@acme.example>", "Boss <boss@acme.example>"),
        ("To", "carl@example.net", "carl@example.net"),
    ],
)
async def test_attack_117_a_protected_header_that_differs_is_shown_and_told(
    desk: Desk, mark: str, header: str, value: str, told_as: str
) -> None:
    found = await told(desk, _signed(mark, f"{header}: {value}\n"))
    assert _about(found, "of its own") == [
        f"Part 1 has a {header} of its own, “{told_as}”: programs that know protected headers show it in place of "
        f"“{_OUTER[header]}”."
    ]
    assert f"{header}: {told_as}" in found.text


async def test_attack_117_one_that_the_message_lacks_is_told_and_one_that_is_the_same_is_not(desk: Desk) -> None:
    found = await told(desk, _signed('; hp="clear"', "Subject: Hello\nReply-To: eve@evil.example\n"))
    assert _about(found, "of its own") == [
        "Part 1 has a Reply-To of its own, “eve@evil.example”: programs that know protected headers show it where the "
        "message has none."
    ]


async def test_attack_117_a_name_in_a_protected_header_is_judged_as_any(desk: Desk) -> None:
    found = await told(desk, _signed('; hp="clear"', 'From: "ada@mg.example.com" <eve@evil.example>\n'))
    assert len(_about(found, "(the name shows another address: ada@mg.example.com)")) == 1


async def test_attack_117_headers_without_a_mark_and_wrapped_messages_are_told_too(desk: Desk) -> None:
    unmarked = await told(desk, _signed("", "Subject: Pay now\nX-Other: 1\n"))
    assert _about(unmarked, "of its own") == [
        "Part 1 has a Subject of its own, “Pay now”: some programs may show it in place of “Hello”."
    ]
    inner = "Subject: Pay now\nFrom: Ada <ada@mg.example.com>\nContent-Type: text/plain; charset=utf-8\n\nDear Ann\n"
    for forwarded, number in (("; forwarded=no", 1), ("", 0)):
        source = _signed("", "").replace(
            "Content-Type: text/plain; charset=utf-8\n\nDear Ann\n",
            f"Content-Type: message/rfc822{forwarded}\n\n{inner}",
        )
        found = await told(desk, source)
        assert len(_about(found, "“Pay now”: programs that know protected headers")) == number


# 118: files in a text ----------------------------------------------------------------------------------------------


def _uu(content: bytes, name: str = "pay.txt") -> str:
    lines = [binascii.b2a_uu(content[at : at + 45]).decode() for at in range(0, len(content), 45)]
    return f"begin 644 {name}\n{''.join(lines)}`\nend\n"


SECRET = "Pay 5,000 EUR to DE89 3704 0044 0532 0130 00, see https://evil.example/pay\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (_uu(b"abc"), [FileInText("pay.txt", b"abc", whole=True)]),
        (f"Hi\n{_uu(SECRET.encode() * 3)}Bye\n{_uu(b'x', 'b c.bin')}", [
            FileInText("pay.txt", SECRET.encode() * 3, whole=True), FileInText("b c.bin", b"x", whole=True)
        ]),
        (_uu(b"abc").replace("\n", "\r\n"), [FileInText("pay.txt", b"abc", whole=True)]),
        ("begin-base64 644 a.txt\nYWJj\n====\n", [FileInText("a.txt", b"abc", whole=True)]),
        (_uu(b"abc").removesuffix("`\nend\n"), [FileInText("pay.txt", b"abc", whole=False)]),
        ("begin 644 pay.txt\nHello there, this is no file\nend\n", [FileInText("pay.txt", b"", whole=False)]),
        ("Begin 100 new things\nbegin with me\n  begin 644 x\n", []),
    ],
)  # fmt: skip
async def test_attack_118_a_uuencoded_file_is_found(text: str, found: list[FileInText]) -> None:
    assert files(text) == found


async def test_attack_118_what_is_in_it_is_shown_and_judged(desk: Desk) -> None:
    ready = f"{HEAD}Content-Type: text/plain; charset=utf-8\n\nHello\n{_uu(SECRET.encode())}"
    for found in (await _letter(desk, text=f"Hello\n{_uu(SECRET.encode())}"), await told(desk, ready)):
        assert (
            "The text holds the uuencoded file “pay.txt”: programs show it as a file, or what is in it."
            in found.warnings
        )
        digest = hashlib.sha256(SECRET.encode()).hexdigest()
        assert f"File in the text: “pay.txt”, {len(SECRET)} bytes, SHA-256 {digest}" in found.text
        assert SECRET.strip() in found.text
        assert found.links == ["evil.example"]


async def test_attack_118_a_file_of_no_text_is_listed(desk: Desk) -> None:
    found = await _letter(desk, text=f"Hello\n{_uu(bytes(range(256)), 'x.exe')}")
    assert f"“x.exe”, 256 bytes, SHA-256 {hashlib.sha256(bytes(range(256))).hexdigest()}" in found.text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("=ybegin line=128 size=3 name=a.txt\n\x8b\x8c\n=yend size=3\n", "in the form of yEnc"),
        ("(This file must be converted with BinHex 4.0)\n:abc:\n", "in the form of BinHex"),
        ("begin  the meeting at ten\n", "begins as a uuencoded file does"),
    ],
)
async def test_attack_118_other_forms_are_shown_raw_with_a_warning(desk: Desk, text: str, words: str) -> None:
    assert len(_about(await _letter(desk, text=f"Hello\n{text}"), words)) == 1


async def test_attack_118_a_file_that_a_recipients_value_brings_is_told(desk: Desk) -> None:
    person = LETTER["to"][0]
    found = await _letter(
        desk, text="Hi %recipient.x%", recipient_variables={person: {"x": f"\n{_uu(SECRET.encode())}"}}
    )
    assert len(_about(found, "holds the uuencoded file “pay.txt”")) >= 1


@pytest.mark.parametrize("encoding", ["x-uuencode", "uuencode", "x-uue", "uue", "x-uu", "x-yenc"])
async def test_attack_118_such_an_encoding_of_a_part_is_refused(desk: Desk, encoding: str) -> None:
    source = f"{HEAD}Content-Type: text/plain\nContent-Transfer-Encoding: {encoding}\n\n{_uu(b'abc')}"
    async with desk.open() as house, house.client() as client:
        content = structured(await client.call_tool("send_mime_message", {**READY, "message": source}))
    assert content["error"]["kind"] == "bad_arguments"
    assert [problem["wrong"] for problem in content["error"]["problems"]] == [
        f"has an unknown Content-Transfer-Encoding: {encoding!r}"
    ]

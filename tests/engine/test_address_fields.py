"""One grammar for address fields: what is accepted, what is sent, and what everybody else reads in it."""

from __future__ import annotations

from email.headerregistry import AddressHeader, HeaderRegistry
from email.utils import getaddresses

import pytest

from maton_mailgun.mail.address_fields import bare, entry, header_on_the_wire, one, read
from maton_mailgun.mail.addresses import Address, parse_all
from maton_mailgun.mail.mime import refusals
from maton_mailgun.mail.unclear import Unclear

from .address_lines import lines

ORDINARY = {
    "a@b.c": ["a@b.c"],
    "Name <a@b.c>": ["Name <a@b.c>"],
    "Name<a@b.c>": ["Name <a@b.c>"],
    "<a@b.c>": ["a@b.c"],
    '"Quoted, Name" <a@b.c>': ['"Quoted, Name" <a@b.c>'],
    '"Plain Name" <a@b.c>': ["Plain Name <a@b.c>"],
    "Dr. J. Smith <j@x.y>": ['"Dr. J. Smith" <j@x.y>'],
    "Pat O'Neil <pat@example.com>": ["Pat O'Neil <pat@example.com>"],
    "R&D / QA 24-7 <r@example.com>": ["R&D / QA 24-7 <r@example.com>"],
    "Jürgen Müller <j@example.com>": ["Jürgen Müller <j@example.com>"],
    "山田　太郎 <t@example.com>": ['"山田　太郎" <t@example.com>'],
    "岡（営業） <t@example.com>": ['"岡（営業）" <t@example.com>'],
    "Ann 😀 <a@example.com>": ['"Ann 😀" <a@example.com>'],
    'Ann "Annie" Lee <a@example.com>': ["Ann Annie Lee <a@example.com>"],
    r'"Ann \"A\" \\ Lee" <a@example.com>': [r'"Ann \"A\" \\ Lee" <a@example.com>'],
    "ann+news@example.com": ["ann+news@example.com"],
    "o'neil_x-1.2=3@Example.COM": ["o'neil_x-1.2=3@example.com"],
    "a@bücher.example": ["a@xn--bcher-kva.example"],
    "a@xn--bcher-kva.example": ["a@xn--bcher-kva.example"],
    "ö@example.com": ["ö@example.com"],
    '"john..doe."@docomo.example': ['"john..doe."@docomo.example'],
    "%recipient.name% <reply+%recipient.id%@mg.example.com>": [
        '"%recipient.name%" <reply+%recipient.id%@mg.example.com>'
    ],
    "a@b.c, d@e.f;g@h.i": ["a@b.c", "d@e.f", "g@h.i"],
    '"evil"@competitor.example; Bob <b@mycompany.example>': ["evil@competitor.example", "Bob <b@mycompany.example>"],
    "<a@x.example>;<b@y.example>": ["a@x.example", "b@y.example"],
    '"a; b" <a@b.c>;': ['"a; b" <a@b.c>'],
    '"1+1=? Ask Ann" <a@b.c>': ["1+1=? Ask Ann <a@b.c>"],
    "What? = Ann <a@b.c>": ["What? = Ann <a@b.c>"],
    " a@b.c ,\td@e.f ": ["a@b.c", "d@e.f"],
}


@pytest.mark.parametrize(("text", "written"), ORDINARY.items())
def test_every_ordinary_address_works_and_is_sent_in_one_spelling(text: str, written: list[str]) -> None:
    assert [address.written for address in read(text)] == written


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("Acme, Inc. <billing@mg.example.com>", 'write "Acme, Inc." <billing@mg.example.com>'),
        ("Doe, John <john@example.net>", 'write "Doe, John" <john@example.net>'),
        ("Acme; Inc <a@example.com>, b@example.com", 'write "Acme; Inc" <a@example.com>'),
        ("b@example.com, Smith, Wesson, Co <a@example.com>", 'write "Smith, Wesson, Co" <a@example.com>'),
        ("Ann (Sales) <a@example.com>", 'write "Ann (Sales)" <a@example.com>'),
        ("Ann [x] <a@example.com>", 'write "Ann [x]" <a@example.com>'),
        ("Re: Ann <a@example.com>", 'write "Re: Ann" <a@example.com>'),
        ("Ann \\ Lee <a@example.com>", 'write "Ann \\\\ Lee" <a@example.com>'),
        ("boss@example.com <thief@example.net>", 'write "boss@example.com" <thief@example.net>'),
        ("Team: a@x.example, b@y.example;", "Give the plain address: a@x.example, b@y.example"),
        ("<@a.example,@b.example:c@d.example>", "c@d.example"),
        ("mailto:ann@example.com", "Give the plain address: ann@example.com"),
        ("[Ann](mailto:ann@example.com)", "Give the plain address: ann@example.com"),
        ("[ann@example.com](mailto:ann@example.com)", "ann@example.com"),
        ("ann@example.com (Ann)", "Give the plain address: ann@example.com"),
        ("(Ann) ann@example.com", "Give the plain address: ann@example.com"),
        ("ann(x)@example.com", "Give ann@example.com"),
        ("ann", "Give ann@example.com"),
        ("ann at example.com", "Give ann@example.com"),
        ("@example.com", "Give ann@example.com"),
        ("ann@", "Give ann@example.com"),
        ("", "Give an address"),
        (" ; , ", "Give an address"),
        ('"Ann <ann@example.com>', "ann@example.com"),
        ('Ann" <ann@example.com>', "ann@example.com"),
        ("Ann <ann@example.com", "ann@example.com"),
        ("Ann ann@example.com>", "ann@example.com"),
        ("Ann <<ann@example.com>>", "ann@example.com"),
        ("Ann <ann@example.com> Lee", "ann@example.com"),
        ("Ann <a@example.com> <b@example.com>", "a@example.com, b@example.com"),
        ("a@example.com b@example.com", "a@example.com, b@example.com"),
        ("Ann <a@example.com; b@example.com>", "a@example.com, b@example.com"),
        ("ann@example.com.", "Give the plain address: ann@example.com"),
        ("< ann@example.com >", "Give the plain address: ann@example.com"),
        ("ann@example.com\u00a0; bob@example.com", "Give the plain address: ann@example.com"),
        ("Ann\u2003<ann@example.com>", "ann@example.com"),
        ("Ann\u00a0<ann@example.com>", "ann@example.com"),
        ("ann@example.com\u3000", "ann@example.com"),
        ("ann@exam\nple.com", ""),
        ("Ann\x00 <ann@example.com>", ""),
        ("Ann\u2028 <ann@example.com>", ""),
        ("a..b@example.com", ""),
        (".a@example.com", ""),
        ("ａ@example.com", ""),
        ("a\u200b@example.com", ""),
        ('"a b"@example.com', ""),
        ("a@-example.com", ""),
        ("a@[127.0.0.1]", ""),
        ("a@xn--zzzz99999.example", ""),
        ("=?utf-8?q?Ann?= <ann@example.com>", "ann@example.com"),
        ("=?utf-8?q?ann?=@example.com", ""),
        ("Ann <=?utf-8?q?eve=40evil=2Eexample=2C?=@example.com>", ""),
        ('"=?utf-8?b?QW5u?=" <ann@example.com>', "ann@example.com"),
        ('"=?utf-8?q?boss=40bank.example?x?=" <ann@example.com>', "ann@example.com"),
        ('"=?=UTF-8 ?Q?boss=40bank.example boss?=" <ann@example.com>', "ann@example.com"),
        ('"=?UTF-8?B?Qm9zcw==_\\"é?Q??=" <ann@example.com>', "ann@example.com"),
        ('"=?utf-8?q?Ann" "b?=" <ann@example.com>', "ann@example.com"),
        ('"=?utf-8?q?a?="@example.com', ""),
        ("http://example.com/", ""),
        ("x" * 901 + " <ann@example.com>", ""),
    ],
)
def test_what_is_not_clear_is_refused_with_what_would_be_right(text: str, right: str) -> None:
    with pytest.raises(Unclear) as refused:
        read(text)
    assert refused.value.wrong
    assert right in refused.value.right


def test_what_would_be_right_is_accepted() -> None:
    for text in lines(7, 2_000):
        try:
            read(text)
        except Unclear as problem:
            _, write, right = problem.right.partition(" is the name, write ")
            if write and not right.endswith("..."):
                assert len(read(right)) == 1, text


def test_a_field_for_one_mailbox_takes_one() -> None:
    assert one("Ann <ann@example.com>").written == "Ann <ann@example.com>"
    with pytest.raises(Unclear, match="names 2 addresses"):
        one("Ann <ann@example.com>; bob@example.com")


@pytest.mark.parametrize(
    "text",
    ["Ann <a@b.c>", "<a@b.c>", " a@b.c", "a@b.c ", "a@b.c;", "a@b.c,", "a@b.c; d@e.f", "a@b.c,d@e.f", "a", "*@b.c d"],
)
def test_a_field_for_one_plain_address_takes_nothing_else(text: str) -> None:
    for reader in (bare, entry):
        with pytest.raises(Unclear):
            reader(text)


@pytest.mark.parametrize("text", ["a..b@example.com", ".a@x_y.example", "a@-b-.example"])
def test_an_odd_entry_of_a_list_can_be_named_but_not_made(text: str) -> None:
    entry(text)
    with pytest.raises(Unclear):
        bare(text)


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("To", "Ann\r\n <ann@example.com>,\r\n\tbob@example.com", "Ann <ann@example.com>, bob@example.com"),
        ("To", "=?utf-8?q?M=C3=BCller=2C?= =?utf-8?b?IEhhbnM=?= <h@x.example>", '"Müller, Hans" <h@x.example>'),
        ("Cc", "undisclosed-recipients:;", "undisclosed-recipients:;"),
        ("To", "%recipient%", "%recipient%"),
        ("Return-Path", "<>", "<>"),
        ("From", "a@b.c, d@e.f", "a@b.c, d@e.f"),
        ("from", "M\udcc3\udcbcller <h@x.example>", "Müller <h@x.example>"),
        ("From", "Банк =?utf-8?q?Support?= <a@mg.example.com>", "Банк Support <a@mg.example.com>"),
        ("From", "=?utf-8?q?Support?= Банк <a@mg.example.com>", "Support Банк <a@mg.example.com>"),
        ("From", '=?utf-8?q?Ann?= "B. C." =?utf-8?q?Lee?= <a@mg.example.com>', '"Ann B. C. Lee" <a@mg.example.com>'),
        ("From", "=?utf-8?q?=22Ann=22?= <a@mg.example.com>", r'"\"Ann\"" <a@mg.example.com>'),
        ("From", "=?iso-2022-jp?B?GyRCOzNFRBsoQg==?= <a@mg.example.com>", "山田 <a@mg.example.com>"),
        ("From", "=?ISO-8859-1*de?Q?M=FCller?= <a@mg.example.com>", "Müller <a@mg.example.com>"),
    ],
)
def test_a_header_of_a_ready_message_is_read_as_it_stands(name: str, raw: str, value: str) -> None:
    assert header_on_the_wire(name, raw) == value


@pytest.mark.parametrize(
    "header",
    [
        "To: Acme, Inc. <billing@example.com>",
        "To: Team: a@example.com, b@example.com;",
        "Cc: a@example.com b@example.com",
        "bcc: <a@example.com; b@example.com>",
        "Resent-To: a@example.com\u00a0; b@example.com",
        "From: boss@example.com <thief@example.net>",
        "Sender: a@example.com, b@example.com",
        "Reply-To: [Ann](mailto:ann@example.com)",
        "To: =?utf-8?q?Eve_=3Ceve=40evil=2Eexample=3E=2C?= <ann@example.com>",
        "To: =?utf-8?q?a=0AB?= <ann@example.com>",
        "To: =?utf-8?q?eve?=@evil.example",
        "To: =?no-such?q?a?= <ann@example.com>",
        "To: =?unicode-escape?q?=5Cu0042oss?= <ann@example.com>",
        "To: =?utf-7?q?+AEIAbwBz-?= <ann@example.com>",
        "To: =?cp037?q?=C2?= <ann@example.com>",
        "To: =?utf-8?q?A?==?utf-8?q?B?= <ann@example.com>",
        "To: =?utf-8?b?Qm9!zcw==?= <ann@example.com>",
        "To: =?utf-8?b?Qm9zcw?= <ann@example.com>",
        "To: =?utf-8?q?boss=40bank.example?x?= <ann@example.com>",
        "To: =?utf-8?q?=3D=3Futf-8=3Fq=3FAnn=3F=3D?= <ann@example.com>",
        "To: =?x =?q?boss?= <ann@example.com>",
        'To: "=?utf-8?q?Boss?=" <ann@example.com>',
        'To: Ann "=?utf-8?q?Boss?=" <ann@example.com>',
        "To: ",
        "To : a@example.com",
        "no header",
    ],
)
def test_a_ready_message_with_an_unclear_header_is_refused(header: str) -> None:
    sender = "" if header.startswith("From") else "From: me@mg.example.com\r\n"
    source = f"Subject: x\r\n{header}\r\n{sender}\r\nHello; to: nobody"
    assert len(refusals(source.encode())) == 1
    clear = "To: a@example.com; B <b@example.com>" if sender else "From: Boss <boss@example.com>"
    assert refusals(source.replace(header, clear).encode()) == []


def test_a_header_that_is_not_utf_8_is_refused() -> None:
    [(wrong, _)] = refusals(b"To: M\xfcller <a@example.com>\r\n\r\nx")
    assert "not UTF-8" in wrong


@pytest.mark.parametrize("seed", range(3))
def test_the_standard_library_reads_in_what_is_sent_the_addresses_that_are_shown(seed: int) -> None:
    registry = HeaderRegistry()
    accepted = several = 0
    for text in lines(seed, 1_500):
        try:
            shown = read(text)
        except Unclear:
            continue
        accepted, several = accepted + 1, several + (len(shown) > 1)
        sent = ", ".join(address.written for address in shown)
        addresses = [address.address for address in shown]
        assert [address for _, address in getaddresses([sent])] == addresses, text
        header = registry("to", sent)
        assert isinstance(header, AddressHeader)
        read_by_registry = [one.addr_spec.replace('"', "") for one in header.addresses]
        assert read_by_registry == [address.replace('"', "") for address in addresses], text
        again = [Address(one.written, one.name, one.local, one.ascii_domain, one.ascii_domain) for one in shown]
        assert parse_all(sent) == again, text
    assert min(accepted, several) > 100, "too few were accepted for this to tell anything"


def test_long_fields_are_read_in_one_pass() -> None:
    """Each took a second and more where a reader starts again at every sign."""
    for text in (
        "," * 200_000,
        "(" * 200_000,
        "<" * 200_000,
        '"' * 200_001,
        "a " * 100_000,
        'a"' * 100_000,
        "\\" * 200_000,
    ):
        with pytest.raises(Unclear):
            read(text)
    assert len(read("; ".join(["Ann <ann@example.com>"] * 1_000))) == 1_000

"""Ready messages: ordinary ones, ones that programs show in different ways, and ones nobody can show for certain."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator

HEAD = "From: Support <support@mg.example.com>\nTo: ann@example.net\nSubject: Words\nMIME-Version: 1.0\n"
TEXT = "Content-Type: text/plain; charset=utf-8\n\nPlainly said"
HTML = "Content-Type: text/html; charset=utf-8\n\n<p>Marked up</p>"
PDF = 'Content-Type: application/pdf; name="plan.pdf"\nContent-Disposition: attachment; filename="plan.pdf"\n'
PDF += "Content-Transfer-Encoding: base64\n\nJVBERi0xLjQKJeLjz9MK\nJVBERi0xLjQKJeLjz9MK"
PICTURE = "Content-Type: image/png\nContent-ID: <pic>\nContent-Disposition: inline; filename=pic.png\n"
PICTURE += "Content-Transfer-Encoding: base64\n\niVBORw0KGgo="
INNER = "From: Eve <eve@evil.example>\nTo: ann@example.net\nSubject: Innersubject\n\nInnerwords"
CALENDAR = "Content-Type: text/calendar; charset=utf-8; method=REQUEST\n\n"
CALENDAR += "BEGIN:VCALENDAR\nSUMMARY:Calendarwords\nEND:VCALENDAR"


def alone(headers: str, body: str) -> str:
    """A message of one part."""
    return f"{HEAD}{headers}\n\n{body}\n"


def parts(kind: str, *inner: str, boundary: str = "=_outer", more: str = "") -> str:
    """A part of several."""
    lines = "".join(f"--{boundary}\n{part}\n" for part in inner)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"{more}\n\n{lines}--{boundary}--'


def whole(kind: str, *inner: str, boundary: str = "=_outer", more: str = "") -> str:
    """A message of several parts."""
    return f"{HEAD}{parts(kind, *inner, boundary=boundary, more=more)}\n"


def encoded(text: str, charset: str) -> str:
    """A message in base64."""
    lines = base64.encodebytes(text.encode(charset)).decode().rstrip()
    return alone(f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: base64", lines)


def crlf(text: str) -> bytes:
    """As it goes on the wire."""
    return text.replace("\n", "\r\n").encode("utf-8", "surrogateescape")


_BOTH = parts("alternative", TEXT, HTML, boundary="=_inner")
_QP = "Content-Type: text/plain; charset=utf-8; format=flowed; delsp=yes\nContent-Transfer-Encoding: quoted-printable"
_SIGNATURE = 'Content-Type: application/pgp-signature; name="signature.asc"\n\n-----BEGIN PGP SIGNATURE-----\n\niQEz\n'
_SIGNATURE += "-----END PGP SIGNATURE-----"
_SMIME = 'Content-Type: application/pkcs7-signature; name="smime.p7s"\nContent-Transfer-Encoding: base64\n'
_SMIME += 'Content-Disposition: attachment; filename="smime.p7s"\n\nMIIF'
_REFERENCES = "\n ".join(f"<{number}.reference@mail.example.com>" for number in range(60))
_TRACE = "".join(
    f"Received: from a.example.com by b.example.com with ESMTPS id {number}\n for <ann@example.net>; Sun, 22 Nov 2026 "
    "10:00:00 +0000\n"
    for number in range(12)
)
_TRACE += "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=s1;\n\tbh=abc=; b=def==\n" * 2

ORDINARY: dict[str, tuple[str, tuple[str, ...]]] = {
    "no content type": (f"{HEAD}\nPlainly said\n", ("Plainly said",)),
    "no final newline": (f"{HEAD}\nPlainly said", ("Plainly said",)),
    "no body": (f"{HEAD}\n", ("Words",)),
    "alternative": (whole("alternative", TEXT, HTML), ("Plainly said", "Marked up")),
    "mixed": (whole("mixed", TEXT, PDF), ("Plainly said", "plan.pdf", "application/pdf")),
    "mixed, alternative": (whole("mixed", _BOTH, PDF), ("Plainly said", "Marked up", "plan.pdf")),
    "mixed, related, alternative": (
        whole("mixed", parts("related", _BOTH, PICTURE, boundary="=_mid"), PDF),
        ("Plainly said", "Marked up", "pic.png", "plan.pdf"),
    ),
    "the usual sentence": (
        whole("mixed", TEXT, PDF).replace("\n\n--", "\n\nThis is a multi-part message in MIME format.\n\n--", 1),
        ("Plainly said",),
    ),
    "signed": (
        whole("signed", _BOTH, _SIGNATURE, more='; micalg=pgp-sha512;\n protocol="application/pgp-signature"'),
        ("Plainly said", "Marked up", "signature.asc"),
    ),
    "signed with a certificate": (
        whole("signed", TEXT, _SMIME, more='; protocol="application/pkcs7-signature"; micalg=sha-256'),
        ("Plainly said", "smime.p7s"),
    ),
    "signed by OpenSSL": (
        "To: ann@example.net\nFrom: Support <support@mg.example.com>\nSubject: Words\nMIME-Version: 1.0\nContent-Type: "
        'multipart/signed; protocol="application/pkcs7-signature"; micalg="sha-256"; boundary="----1D8A"\n\n'
        f"This is an S/MIME signed message\n\n------1D8A\n{TEXT}\n\n------1D8A\n{_SMIME}\n\n------1D8A--\n\n",
        ("Plainly said", "smime.p7s"),
    ),
    **{
        f"the sentence of {program}": (
            whole("mixed", TEXT, PDF).replace("\n\n--", f"\n\n{words}\n\n--", 1),
            ("Plainly said",),
        )
        for program, words in {
            "Exchange": "This message is in MIME format. Since your mail reader does not understand\nthis format, some "
            "or all of this message may not be legible.",
            "Alpine": "  This message is in MIME format.  The first part should be readable text,\n  while the "
            "remaining parts are likely unreadable without MIME-aware tools.",
            "others": "This is a message with multiple parts in MIME format.",
        }.items()
    },
    "a comment in a list's field": (
        f"List-Unsubscribe: <https://example.com/u> (=?UTF-8?Q?=C3=9Cnsub?=)\n{HEAD}\nx",
        ("https://example.com/u", "Ünsub"),
    ),
    "letters of Japanese telephones": (
        alone("Content-Type: text/plain; charset=iso-2022-jp", "\x1b$B-!-j$3$s\x1b(B yen"),
        ("①㈱こん yen",),
    ),
    "the same in EUC-JP": (
        alone("Content-Type: text/plain; charset=euc-jp\nContent-Transfer-Encoding: base64", "raGt6qSzpPM="),
        ("①㈱こん",),
    ),
    "invitation": (whole("alternative", TEXT, HTML, CALENDAR), ("Plainly said", "Marked up", "Calendarwords")),
    "forwarded original": (
        whole("mixed", TEXT, f"Content-Type: message/rfc822\nContent-Disposition: attachment\n\n{INNER}"),
        ("Plainly said", "message/rfc822", "Innersubject", "Innerwords"),
    ),
    "report": (
        whole(
            "report",
            TEXT,
            "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.com\n\nAction: failed",
        ),
        ("Plainly said", "mx.example.com", "Action: failed"),
    ),
    "flowed": (alone(_QP, "Gr=C3=BC=C3=9Fe =\nsoftly 1=3D1"), ("Grüße softly 1=1",)),
    "utf-8 header": (
        "From: a@mg.example.com\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n =?utf-8?b?IGFsbGU=?=\n\nx",
        ("Grüße alle",),
    ),
    "references": (f"References: {_REFERENCES}\n{HEAD}\nPlainly said", ("59.reference@mail",)),
    "trace": (f"{_TRACE}{HEAD}\nPlainly said", ("Received", "DKIM-Signature")),
    "apple": (
        f"{HEAD}\n--x no boundary\n".replace("1.0", "1.0 (Mac OS X Mail 16.0 \\(3776.700.51\\))"),
        ("x no boundary",),
    ),
    "rfc 2231": (
        whole("mixed", TEXT, PDF.replace('filename="plan.pdf"', "filename*0*=utf-8''pl%61;\n filename*1=n.pdf")),
        ("plan.pdf",),
    ),
    **{
        charset: (encoded(text, charset), (text,))
        for charset, text in {
            "iso-8859-1": "Grüße",
            "windows-1252": "„Grüße“ €",
            "gb18030": "你好世界",
            "iso-2022-jp": "こんにちは",
            "shift_jis": "こんにちは",
            "koi8-r": "Привет",
            "utf-8": "Grüße " * 60,
        }.items()
    },
}
"""Messages as programs write them, and words of theirs that must be shown."""

_MESSAGE = "Content-Type: message/rfc822\n\n"
_SMALL = "Content-Type: text/plain\n\nsmall"
VARIED: dict[str, tuple[str, tuple[str, ...]]] = {
    "two HTML parts": (
        whole("alternative", TEXT, HTML, HTML.replace("Marked up", "Seconds")),
        ("Marked up", "Seconds"),
    ),
    "two plain parts": (whole("mixed", TEXT, TEXT.replace("Plainly", "Secondly")), ("Plainly said", "Secondly said")),
    "HTML with a name": (whole("mixed", TEXT, HTML.replace("utf-8", 'utf-8; name="a.html"')), ("Marked up", "a.html")),
    "inline HTML with a file name": (
        whole("mixed", TEXT, f'Content-Disposition: inline; filename="b.html"\n{HTML}'),
        ("Marked up", "b.html"),
    ),
    "plain text with a name": (
        whole("mixed", TEXT, TEXT.replace("utf-8", "utf-8; name=c.txt").replace("Plainly", "Namely")),
        ("Namely said", "c.txt"),
    ),
    "an alternative that calls itself a file": (
        whole("alternative", TEXT, f"Content-Disposition: attachment; filename=d.html\n{HTML}"),
        ("Marked up", "d.html"),
    ),
    "all of it calls itself a file": (
        alone("Content-Type: text/html\nContent-Disposition: attachment", "<p>Marked up</p>"),
        ("Marked up",),
    ),
    "an unknown disposition": (whole("mixed", TEXT, f"Content-Disposition: odd\n{HTML}"), ("Marked up",)),
    "enriched": (whole("alternative", TEXT, "Content-Type: text/enriched\n\n<bold>Richly</bold>"), ("Richly",)),
    "enriched alone": (alone("Content-Type: text/enriched", "<bold>Richly</bold>"), ("Richly",)),
    "calendar": (whole("mixed", TEXT, CALENDAR), ("Calendarwords",)),
    "calendar alone": (HEAD + CALENDAR, ("Calendarwords",)),
    "unknown text": (whole("mixed", TEXT, "Content-Type: text/x-own\n\nOwnwords"), ("Ownwords",)),
    "markdown": (whole("alternative", TEXT, "Content-Type: text/markdown\n\n*Starry*"), ("Starry",)),
    "inline message": (
        whole("mixed", TEXT, f"Content-Type: message/rfc822\n\n{INNER}"),
        ("Innersubject", "Innerwords"),
    ),
    "nothing but a message": (f"{HEAD}Content-Type: message/rfc822\n\n{INNER}", ("Innersubject", "Innerwords")),
    "digest": (whole("digest", f"{_MESSAGE}{INNER}", f"{_MESSAGE}{INNER.replace('Inner', 'Other')}"), ("Otherwords",)),
    "inline message of parts": (
        whole(
            "mixed",
            TEXT,
            f"Content-Type: message/rfc822\nContent-Disposition: inline\n\n{INNER.partition(chr(10) * 2)[0]}\n{_BOTH}",
        ),
        ("Innersubject", "Marked up"),
    ),
    "winmail": (
        whole("mixed", TEXT, PDF.replace("application/pdf", "application/ms-tnef").replace("plan.pdf", "winmail.dat")),
        ("winmail.dat", "unpack"),
    ),
    "a header of a part": (whole("mixed", f"X-Hidden: Secretly\n{TEXT}", PDF), ("Secretly",)),
    "after many": (whole("mixed", TEXT, *[_SMALL] * 97, HTML), ("Marked up",)),
    "deep": (HEAD + _SMALL, ("small",)),
}
"""Messages with parts that programs show in different ways, and words that must be shown."""
_deep = HTML
for _depth in range(19):
    _deep = parts("mixed", _deep, boundary=f"=_{_depth:02}_")
VARIED["deep"] = (f"{HEAD}{_deep}\n", ("Marked up",))
_deeper = parts("mixed", parts("mixed", _deep, boundary="=_20_"), boundary="=_21_")

_TYPE = "Content-Type: text/plain; charset=utf-8"
_CODED = f"{_TYPE}\nContent-Transfer-Encoding: "
_MIXED = whole("mixed", TEXT, HTML)
REFUSED: dict[str, tuple[str, str]] = {
    "empty line first": (f"\n{HEAD}\nx", "has no headers"),
    "nothing": ("", "has no headers"),
    "no From": ("To: ann@example.net\nSubject: x\n\ny", "has no From header"),
    "two From": (f"From: eve@example.org\n{HEAD}\nx", "has the header From 2 times"),
    "two Subject": (f"subject: x\n{HEAD}\nx", "has the header subject 2 times"),
    "two Date": (f"Date: x\nDate: y\n{HEAD}\nx", "has the header Date 2 times"),
    "two Content-Type": (alone(f"{_TYPE}\nContent-Type: text/html", "x"), "has the header Content-Type 2 times"),
    "two encodings": (alone(f"{_CODED}base64\nContent-Transfer-Encoding: 7bit", "eA=="), "Encoding 2 times"),
    "two dispositions": (
        whole("mixed", f"Content-Disposition: inline\nContent-Disposition: attachment\n{TEXT}"),
        "part 1 has the header Content-Disposition 2 times",
    ),
    "two MIME-Version": (f"MIME-Version: 1.0\n{HEAD}\nx", "has the header MIME-Version 2 times"),
    "two boundaries": (_MIXED.replace("\n\n--", "; boundary=other\n\n--", 1), "has the parameter boundary more than"),
    "two charsets": (alone(f"{_TYPE}; charset=utf-16", "x"), "has the parameter charset more than once"),
    "two names": (alone(f"{_TYPE}; name=a; NAME=b", "x"), "has the parameter name more than once"),
    "two forms of a name": (alone(f"{_TYPE}; name=a; name*=utf-8''b", "x"), "has the parameter name more than once"),
    "names that differ": (
        whole("mixed", TEXT, PDF.replace('filename="plan.pdf"', "filename=plan.exe")),
        "part 2 has two file names: 'plan.exe' and 'plan.pdf'",
    ),
    "no boundary": (alone("Content-Type: multipart/mixed", "x"), "without a usable boundary"),
    "boundary that does not occur": (alone("Content-Type: multipart/mixed; boundary=a", "x"), "does not occur"),
    "boundary not closed": (_MIXED.replace("--=_outer--", ""), "not closed"),
    "boundary of another": (
        whole("mixed", parts("alternative", TEXT, HTML), boundary="=_outer2"),
        "boundaries begin alike",
    ),
    "boundary with more": (_MIXED.replace("Plainly", "--=_outerwise\nPlainly"), "looks like a boundary"),
    "boundary with a blank": (_MIXED.replace("--=_outer\n", "--=_outer \n", 1), "looks like a boundary"),
    "boundary after the end": (
        whole("mixed", _BOTH, HTML.replace("Marked", "\n--=_inner\nMarked")),
        "looks like a boundary",
    ),
    "preamble": (_MIXED.replace("\n\n--", "\n\nPreambled\n--", 1), "has text before its first part"),
    "epilogue": (f"{_MIXED}Epilogue\n", "has text before its first part or after its last"),
    "unknown encoding": (alone(f"{_CODED}x-uuencode", "x"), "unknown Content-Transfer-Encoding"),
    "encoding with a comment": (alone(f"{_CODED}base64 (or not)", "eA=="), "unknown Content-Transfer-Encoding"),
    "encoded multipart": (
        _MIXED.replace("MIME-", "Content-Transfer-Encoding: base64\nMIME-"),
        "is multipart/mixed and encoded as base64",
    ),
    "junk in base64": (alone(f"{_CODED}base64", "eHh4!eHh4"), "is not base64 throughout"),
    "base64 after its end": (alone(f"{_CODED}base64", "eHg=eHg="), "is not base64 throughout"),
    "base64 that is cut": (alone(f"{_CODED}base64", "eHh4e"), "is not base64 throughout"),
    "broken quoted-printable": (alone(f"{_CODED}quoted-printable", "a=b"), "is not quoted-printable throughout"),
    "raw quoted-printable": (alone(f"{_CODED}quoted-printable", "ü"), "is not quoted-printable throughout"),
    "blank after a soft break": (alone(f"{_CODED}quoted-printable", "a= \nb"), "is not quoted-printable throughout"),
    **{
        f"charset {name}": (alone(f"Content-Type: text/html; charset={name}", "a\\ud800"), "character set")
        for name in ("idna", "undefined", "rot13", "raw_unicode_escape", "utf-7", "utf-16", "no-such")
    },
    "charset that does not fit": (
        alone("Content-Type: text/plain; charset=us-ascii", "ü"),
        "bytes that are not us-ascii",
    ),
    "charset with a NUL": (alone('Content-Type: text/plain; charset="utf-8\0"', "x"), "NUL"),
    "mark against charset": (
        alone("Content-Type: text/html; charset=iso-8859-1", "\ufeffx"),
        "belies its character set",
    ),
    "sentences of one's own": (
        _MIXED.replace("\n\n--", "\n\nThis is an S/MIME signed message to pay\n--", 1),
        "has text before its first part",
    ),
    "a word at a bracket elsewhere": (f"X-Note: (=?utf-8?q?b?=)\n{HEAD}\nx", "programs read differently"),
    "half a Japanese letter": (
        alone("Content-Type: text/plain; charset=iso-2022-jp", "\x1b$B-\x1b(B"),
        "bytes that are not iso-2022-jp",
    ),
    "Japanese shifted out": (
        alone("Content-Type: text/plain; charset=iso-2022-jp", "a\x0eb"),
        "bytes that are not iso-2022-jp",
    ),
    "bare carriage return": (f"{HEAD}\nx\ry", "line ends of several kinds"),
    "NUL": (f"{HEAD}\nx\0y", "holds a NUL byte"),
    "header that is not UTF-8": (f"X-Note: M\udcfcller\n{HEAD}\nx", "not UTF-8"),
    "header name with a blank": (f"X Note: x\n{HEAD}\nx", "no header"),
    "blank before the colon": (f"X-Note : x\n{HEAD}\nx", "no header"),
    "empty continuation": (f"X-Note: x\n \n{HEAD}\nx", "no header"),
    "mailbox line": (f"From eve@example.org Sun Nov 22\n{HEAD}\nx", "no header"),
    "no header in a part": (whole("mixed", "Nothing but words", HTML), "part 1 has a line above its text"),
    "partial": (alone("Content-Type: message/partial; id=a; number=1", "x"), "is message/partial"),
    "external": (alone("Content-Type: message/external-body; access-type=URL", "x"), "is message/external-body"),
    "kind that there is not": (_MIXED.replace("multipart/", "multi%part/", 1), "is of a kind that there is not"),
    "digest of no kind": (whole("digest", f"\n{INNER}"), "part 1 of a digest has no Content-Type"),
    "no kind": (alone("Content-Type: text", "x"), "Content-Type that is none"),
    "comment in a type": (alone("Content-Type: text/plain (or text/html)", "x"), "programs read differently"),
    "broken encoded word": (f"X-Note: a=?utf-8?q?b?=c\n{HEAD}\nx", "encoded word that programs read differently"),
    "encoded word of another form": (f"X-Note: =?utf-8?x?b?=\n{HEAD}\nx", "take for an encoded word"),
    "encoded word in pieces": (f"X-Note: =?=utf-8 ?Q?b c?=\n{HEAD}\nx", "take for an encoded word"),
    "encoded word in another one": (
        f"X-Note: =?utf-8?q?=3D=3Futf-8=3Fq=3Fb=3F=3D?=\n{HEAD}\nx",
        "take for an encoded word",
    ),
    "encoded word in an encoded file name": (
        whole("mixed", TEXT, PDF.replace('filename="plan.pdf"', "filename*=utf-8''%3D%3Futf-8%3Fq%3Fb%3F%3D")),
        "has an encoded word in its filename*",
    ),
    "encoded word of no charset": (f"X-Note: =?idna?q?b?=\n{HEAD}\nx", "character set"),
    "same picture twice": (whole("related", HTML, PICTURE, PICTURE), "two parts with the Content-ID pic"),
    "too deep": (f"{HEAD}{_deeper}\n", "nested deeper than 20"),
    "600 nested": (
        HEAD
        + "".join(f"Content-Type: multipart/mixed; boundary=b{number}z\n\n--b{number}z\n" for number in range(600))
        + HTML,
        "not closed",
    ),
    "260 small ones": (whole("mixed", *[_SMALL] * 260, HTML), "more than 100 parts"),
    "long encoding": (alone(f"Content-Transfer-Encoding: {'x;' * 16_000}", "x"), "has a header of 32,"),
    "long charset": (
        alone('Content-Type: text/plain; charset="rot13"' + "charset=rot13" * 2_000, "x"),
        "has a header of",
    ),
    "long name": (alone("Content-Disposition: attachment; filename=" + '"a"' * 4_000, "x"), "has a header of 12,"),
    "commas": (f"From: a@mg.example.com\nTo: {',' * 7_000}\n\nx", "cannot be read for certain"),
    "many addresses": (
        "".join(f"{name}: {'ann@example.net, ' * 400}bob@example.net\n" for name in ("To", "Cc", "Reply-To")) + "\nx",
        "too many addresses in its headers",
    ),
    "many headers": ("X-Note: x\n" * 201 + HEAD + "\nx", "has 205 headers"),
    "much in headers": (f"X-Note: {'x' * 7_000}\n" * 10 + HEAD + "\nx", "bytes of headers"),
    "much quoted-printable": (alone(f"{_CODED}quoted-printable", "=41" * 1_700_000), "bytes of quoted-printable"),
    "much text": (f"{HEAD}\n{'word ' * 100_001}", "characters of text"),
    "much text in a second part": (whole("mixed", TEXT, TEXT.replace("said", "word " * 20_001)), "beside its bodies"),
}
"""Messages that nobody can show for certain, and the words of the refusal."""


def mangled(seed: int, number: int) -> Iterator[bytes]:
    """Ordinary messages with a few changes that programs forgive in different ways."""
    chance = random.Random(seed)
    sources = [source for source, _ in (*ORDINARY.values(), *VARIED.values()) if len(source) < 4_000]
    lines = sorted({line for source in sources for line in source.split("\n")})
    for _ in range(number):
        found = chance.choice(sources).split("\n")
        for _ in range(chance.randrange(1, 4)):
            place = chance.randrange(len(found))
            match chance.randrange(4):
                case 0:
                    found.insert(place, chance.choice(lines))
                case 1:
                    found.insert(place, chance.choice(found))
                case 2 if len(found) > 1:
                    del found[place]
                case _:
                    line = found[place]
                    at = chance.randrange(len(line) + 1)
                    found[place] = line[:at] + chance.choice(' ;"=-()\tx\\?%') + line[at + chance.randrange(2) :]
        yield crlf("\n".join(found))

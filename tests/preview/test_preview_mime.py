from __future__ import annotations

import asyncio
import hashlib
import random
import threading
from typing import Any

import pytest
from fake_account import FakeAccount, part, propose, section

from engine.mime_corpus import ORDINARY, VARIED, crlf
from maton_mailgun.approval.preview import ready_mime
from maton_mailgun.approval.preview.audience import recipients
from maton_mailgun.approval.preview.look import Look, make
from maton_mailgun.mail.letter import FurtherPart
from maton_mailgun.mail.mime import examine
from maton_mailgun.mail.mime_reading import MimeReading

D = "mg.example.com"
MIME = f"""From: Ada <ada@{D}>
To: bob@example.net, Carl <carl@example.net>
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
Reply-To: help@example.org
Message-ID: <1@mg.example.com>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=m

--m
Content-Type: multipart/alternative; boundary=a

--a
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Gr=C3=BC=C3=9Fe from https://example.com/a
--a
Content-Type: text/html; charset=utf-8

<p>See <a href="https://evil.example.net/">https://example.com/a</a> <img src="cid:pic"></p>
--a--
--m
Content-Type: image/png; name=pic.png
Content-ID: <pic>
Content-Disposition: inline
Content-Transfer-Encoding: base64

iVBORw==
--m
Content-Type: application/pdf
Content-Disposition: attachment; filename="plan.pdf"
Content-Transfer-Encoding: base64

JVBERg==
--m--
""".replace("\n", "\r\n").encode()


def look(source: bytes, to: list[str], **arguments: Any) -> Look:
    files = (part("message.mime", source, field="message", kind="message/rfc822"),)
    given = {"domain": D, "to": to, "message": "…", **arguments}
    account = FakeAccount({f"GET /v3/domains/{D}": {"domain": {"state": "active"}}})
    return asyncio.run(make(propose("send_mime_message", given, account, files=files)))


def test_a_mime_message_is_shown_like_any_other() -> None:
    found = look(MIME, ["bob@example.net", "eve@example.org"])
    message = found.preview["message"]
    assert message == {
        "from": f"Ada <ada@{D}>",
        "reply_to": "help@example.org",
        "subject": "Grüße",
        "text": "Grüße from https://example.com/a",
        "html": '<p>See <a href="https://evil.example.net/">https://example.com/a</a> <img src="cid:pic"></p>',
        "amp_html": None,
        "inline": [
            {
                "cid": "pic",
                "content_type": "image/png",
                "name": "pic.png",
                "size": 4,
                "data_uri": "data:image/png;base64,iVBORw==",
            }
        ],
        "attachments": [
            {
                "name": "plan.pdf",
                "type": "application/pdf",
                "size": 4,
                "sha256": hashlib.sha256(b"%PDF").hexdigest(),
            }
        ],
        "link_hosts": ["example.com", "evil.example.net"],
        "rendered_by": "as given",
    }
    assert found.warnings == [
        f"Hidden copy (Bcc) to eve@example.org, outside {D}, for the first time.",
        f"Answers go to help@example.org, outside {D}, and not to the sender.",
        "1 recipient not named in the headers: a blind copy.",
        "1 person named in the headers will not get the message.",
        "A link shows example.com but leads to evil.example.net.",
        "Only the text part links to example.com.",
        "Only the HTML part links to evil.example.net.",
    ]
    assert found.preview["effect"].startswith(
        f"Sends 1 message from “Ada <ada@{D}>” to 2 recipients, all of them outside {D}"
    )


def test_the_envelope_is_who_gets_it_and_the_headers_what_readers_see() -> None:
    found = look(MIME, ["bob@example.net", "eve@example.org"])
    assert section(found, "Envelope and headers") == {
        "Readers see as recipients": "bob@example.net, Carl <carl@example.net>",
        "Get it without being named (blind copies)": "eve@example.org",
        "Named but will not get it": "carl@example.net",
    }
    assert [one["address"] for one in found.preview["recipients"]] == ["bob@example.net", "eve@example.org"]


def test_an_empty_group_names_nobody() -> None:
    source = MIME.replace(b"To: bob@example.net, Carl <carl@example.net>", b"To: undisclosed-recipients:;")
    assert section(look(source, ["bob@example.net"]), "Envelope and headers") == {
        "Readers see as recipients": "nobody",
        "Get it without being named (blind copies)": "bob@example.net",
    }
    proposal = propose(
        "send_mime_message",
        {"domain": D, "to": ["bob@example.net"], "message": "…"},
        files=(part("m", source, field="message"),),
    )
    named = recipients(proposal.operation, proposal.arguments, proposal.request)
    assert [one.address for one in named] == ["bob@example.net"]


def test_attack_15_policy_sees_envelope_and_headers() -> None:
    files = (part("m", MIME, field="message"),)
    arguments = {"domain": D, "to": ["bob@example.net"], "message": "…", "headers": {"Bcc": "dan@example.org"}}
    proposal = propose("send_mime_message", arguments, files=files)
    named = recipients(proposal.operation, proposal.arguments, proposal.request)
    assert {one.address for one in named} == {"bob@example.net", "carl@example.net", "dan@example.org"}


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"\r\n\r\n",
        b"no headers at all",
        b"From: a\r\nFrom: b\r\nSubject: x\r\nSubject: y\r\n\r\nz",
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x",
        b"Content-Type: text/plain; charset=no-such\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!",
        b"To: \xff\xfe <@\r\nSubject: =?bad?q?=C3?=\r\n\r\n\xff",
        b"Content-Type: message/rfc822\r\n\r\nFrom: inner@example.net\r\n\r\ninner",
        b"Content-Disposition: attachment; filename*=utf-8''%zz\r\nContent-Type: ;;;\r\n\r\nx",
        b"To: " + b"(" * 2000 + b"\r\n\r\nx",
        b"From:" + b" x" * 5000,
    ],
)
def test_malformed_mime_never_crashes_the_preview(source: bytes) -> None:
    found = look(source, ["bob@example.net"])
    assert found.preview["recipients"][0]["address"] == "bob@example.net"


def test_noise_never_crashes_the_preview() -> None:
    random.seed(7)
    for _ in range(60):
        mangled = bytearray(MIME)
        for _ in range(random.randrange(1, 40)):
            mangled[random.randrange(len(mangled))] = random.randrange(256)
        assert look(bytes(mangled), ["bob@example.net"]).preview["action"] == "send"


def test_doubled_headers_are_said_to_be_malformed() -> None:
    found = look(b"From: a@mg.example.com\r\nFrom: b@example.net\r\nTo: bob@example.net\r\n\r\nx", ["bob@example.net"])
    assert "The MIME text is malformed: mail programs may show something else than this preview." in found.warnings
    assert section(found, "MIME text")["Malformed"] == "has the header From 2 times"


def test_a_message_whose_file_cannot_be_read_is_unchecked() -> None:
    found = asyncio.run(
        make(propose("send_mime_message", {"domain": D, "to": ["a@example.net"], "message_file": "m.eml"}))
    )
    assert "could not check what is in the message: its file could not be read" in found.preview["unchecked"]
    assert found.risk == "high"


@pytest.mark.parametrize(
    ("name", "warnings"),
    [
        ("alternative", []),
        ("mixed, related, alternative", ["The HTML does not use the inline image pic."]),
        (
            "invitation",
            ["The message has a calendar entry (3): programs may enter or answer it."],
        ),
        ("two HTML parts", ["The message has 2 HTML parts: programs show one, some or all of them."]),
        ("HTML with a name", ["The HTML body is named “a.html”: programs may show a file."]),
        ("enriched", ["The message has Enriched text text/enriched (2): shown as it is written."]),
        ("unknown text", ["The message has a text of the kind text/x-own (2): shown as it is written."]),
        ("inline message", ["The message has a forwarded message (2): programs show it below or as a file."]),
        (
            "winmail",
            [
                "The message has a file of the kind application/ms-tnef: programs unpack it and show what is in it, "
                "which cannot be shown here."
            ],
        ),
    ],
)
def test_what_programs_show_in_different_ways_is_a_warning(name: str, warnings: list[str]) -> None:
    source, _ = {**ORDINARY, **VARIED}[name]
    assert look(crlf(source), ["ann@example.net"]).warnings == warnings


def test_further_parts_are_shown_in_full_where_they_stand() -> None:
    found = look(crlf(VARIED["inline message of parts"][0]), ["ann@example.net"])
    assert section(found, "Further parts") == {
        "Forwarded message (2)": "From: Eve <eve@evil.example>⏎To: ann@example.net⏎Subject: Innersubject⏎"
        'Content-Type: multipart/alternative; boundary="=_inner"',
        "Forwarded message, Text (2.1.1)": "Plainly said",
        "Forwarded message, HTML (2.1.2)": "<p>Marked up</p>",
    }
    message = found.preview["message"]
    assert (message["text"], message["html"], message["attachments"]) == ("Plainly said", None, [])


def test_a_large_message_is_read_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []

    def noted(source: bytes) -> MimeReading:
        threads.append(threading.current_thread())
        return examine(source)

    monkeypatch.setattr(ready_mime, "examine", noted)
    look(MIME, ["bob@example.net"])
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()


@pytest.mark.parametrize(("kind", "read"), [("text/plain", True), ("text/csv", True), ("application/pdf", False)])
def test_a_text_sent_as_a_file_is_told_as_one_that_some_programs_show(kind: str, *, read: bool) -> None:
    def source(words: str) -> str:
        return (
            f"From: a@{D}\nSubject: s\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=m\n\n"
            "--m\nContent-Type: text/plain; charset=utf-8\n\nWords\n"
            f"--m\nContent-Type: {kind}; charset=utf-8\n"
            f'Content-Disposition: attachment; filename="terms.x"\n\n{words}\n--m--\n'
        )

    reading = examine(crlf(source("More")))
    assert reading.remarks == (["Some programs show the text in the file “terms.x” in the message."] if read else [])
    assert reading.parts == ([FurtherPart("Text in the file “terms.x” (2)", kind, "More", "2")] if read else [])
    long = "The text in the file “terms.x” is not shown here: some programs show it in the message."
    assert examine(crlf(source("More\n" * 20_000))).remarks == ([long] if read else [])

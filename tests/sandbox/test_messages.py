"""Sending: the order of the checks, their exact texts, what is kept of a message."""

from __future__ import annotations

import re
from hashlib import sha256

import pytest

from .test_domains import SANDBOX_DOMAIN
from .wire import DOMAIN, Part, Wire

PATH = f"/v3/{DOMAIN}/messages"
OK_FORM = [("from", "me@mg.example.com"), ("to", "you@example.net"), ("subject", "Hi"), ("text", "Hello")]


def test_accepted_message_answers_id_with_brackets(api: Wire) -> None:
    reply = api.send_mail()
    assert reply.status == 200
    assert reply.json["message"] == "Queued. Thank you."
    assert re.fullmatch(r"<20260115120000\.1\.[0-9A-F]{16}@mg\.example\.com>", reply.json["id"])


def test_the_outbox_shows_the_whole_message(api: Wire) -> None:
    reply = api.send_mail(
        ("cc", "c@example.net"),
        ("bcc", "b@example.net"),
        ("o:tag", "news"),
        ("o:tag", "weekly"),
        ("o:tracking", "htmlonly"),
        ("h:Reply-To", "answers@mg.example.com"),
        ("v:order", '{"id": 7}'),
        ("v:plain", "x"),
        to="A <a@example.net>, b@example.net",
        html="<b>Hello</b>",
    )
    (message,) = api.outbox()
    copies = message.pop("copies")
    key = message.pop("storage_key")
    assert message == {
        "id": reply.json["id"],
        "domain": DOMAIN,
        "from": "Me <me@mg.example.com>",
        "to": ["A <a@example.net>", "b@example.net"],
        "cc": ["c@example.net"],
        "bcc": ["b@example.net"],
        "recipients": ["a@example.net", "b@example.net", "c@example.net"],
        "subject": "Hi",
        "text": "Hello",
        "html": "<b>Hello</b>",
        "amp_html": None,
        "template": None,
        "headers": {"Reply-To": "answers@mg.example.com"},
        "options": {"o:tracking": ["htmlonly"], "o:tag": ["news", "weekly"]},
        "variables": {"order": {"id": 7}, "plain": "x"},
        "template_variables": {"order": {"id": 7}, "plain": "x"},
        "recipient_variables": {},
        "attachments": [],
        "inline": [],
        "mime": None,
        "test_mode": False,
        "at": api.clock.START,
        "deliver_at": None,
    }
    assert len(key) > 20
    assert [(copy["recipient"], copy["to"]) for copy in copies] == [
        ("a@example.net", ["A <a@example.net>", "b@example.net"]),
        ("b@example.net", ["A <a@example.net>", "b@example.net"]),
        ("c@example.net", ["A <a@example.net>", "b@example.net"]),
    ]


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ([], "from parameter is missing"),
        ([("from", "me@mg.example.com")], "to parameter is missing"),
        (
            [("from", "nonsense"), ("to", "also nonsense")],
            "from parameter is not a valid address. please check documentation",
        ),
        (
            [("from", "me@mg.example.com"), ("to", "Doe, Jane <jane@example.net>")],
            "to parameter is not a valid address. please check documentation",
        ),
        (
            [("from", "me@mg.example.com"), ("to", "a@example.net"), ("cc", "x")],
            "cc parameter is not a valid address. please check documentation",
        ),
        (
            [("from", "me@mg.example.com"), ("to", "a@example.net"), ("bcc", "a@@example.net")],
            "bcc parameter is not a valid address. please check documentation",
        ),
        (
            [("from", "me@mg.example.com"), ("to", "a@example.net")],
            "Need at least one of 'text', 'html', 'amp-html' or 'template' parameters specified",
        ),
        (
            [*OK_FORM, ("html", "<p>"), ("template", "welcome")],
            "Only one parameters 'html' or 'template' is allowed",
        ),
        (
            [*OK_FORM, ("v:long", "x" * 16384)],
            "Send options (parameters starting with o:, h:, or v:) are limited to 16KB total",
        ),
        (
            [*OK_FORM, ("to", ",".join(f"u{n}@example.net" for n in range(1000)))],
            "Too many recipients, max is 1000",
        ),
        ([*OK_FORM, ("h:X-Näme", "x")], "Header name must be pure ASCII: X-Näme"),
        ([*OK_FORM, ("recipient-variables", "{no}")], "'recipient-variables' parameter is not a valid JSON"),
        ([*OK_FORM, ("t:variables", "[1]")], "'t:variables' parameter is not a valid JSON"),
        (
            [*OK_FORM, ("o:deliverytime", "2026-01-16T12:00:00Z")],
            "2026-01-16T12:00:00Z is not an RFC-2822 compliant date",
        ),
        ([*OK_FORM, ("o:deliver-within", "soon")], "invalid delivery time format"),
        ([*OK_FORM, ("o:deliver-within", "0h4m")], "'o:deliver-within' is between 5m and 24h"),
        ([*OK_FORM, ("o:deliver-within", "24h1m")], "'o:deliver-within' is between 5m and 24h"),
        (
            [*OK_FORM, ("o:deliverytime", "Thu, 22 Jan 2026 12:00:01 +0000")],
            "'o:deliverytime' is more than 7 days ahead",
        ),
        (
            [*OK_FORM, ("o:tracking", "on")],
            "Invalid value 'on' for parameter 'o:tracking'. It can be any of: yes, no, true, false, htmlonly",
        ),
        (
            [*OK_FORM, ("o:dkim", "1")],
            "Invalid value '1' for parameter 'o:dkim'. It can be any of: yes, no, true, false",
        ),
        ([*OK_FORM, *(("o:tag", f"t{n}") for n in range(11))], "Too many tags, max is 10"),
        ([*OK_FORM, ("o:tag", "grün")], "Tags must be 1 to 128 ASCII characters long"),
        ([*OK_FORM, ("o:secondary-dkim-public", "a/b")], "'o:secondary-dkim-public' needs 'o:secondary-dkim'"),
        ([*OK_FORM, ("o:sending-ip", "203.0.113.9")], "IP 203.0.113.9 does not belong to the account"),
    ],
)
def test_refusals_in_mailguns_words(api: Wire, form: list[tuple[str, str]], message: str) -> None:
    reply = api.call("POST", PATH, form)
    assert (reply.status, reply.json) == (400, {"message": message})
    assert api.outbox() == []


def test_checks_run_in_order(api: Wire) -> None:
    """Each step repairs only the fault reported last; the next one appears."""
    form = {"html": "<p>", "template": "welcome", "o:deliverytime": "tomorrow", "v:big": "x" * 17000, "cc": "bad"}
    repairs: list[tuple[str, str | None]] = [
        ("from", "me@mg.example.com"),
        ("to", "stranger@example.net"),
        ("cc", None),
        ("template", None),
        ("v:big", None),
        ("o:deliverytime", None),
    ]
    seen = []
    for name, value in repairs:
        seen.append(api.call("POST", f"/v3/{SANDBOX_DOMAIN}/messages", form.items()).json["message"])
        form = {key: text for key, text in form.items() if key != name} | ({name: value} if value else {})
    last = api.call("POST", f"/v3/{SANDBOX_DOMAIN}/messages", form.items())
    assert [text[:24] for text in seen] == [
        "from parameter is missin",
        "to parameter is missing",
        "cc parameter is not a va",
        "Only one parameters 'htm",
        "Send options (parameters",
        "tomorrow is not an RFC-2",
    ]
    assert last.status == 403


def test_unknown_domain_answers_404_with_its_name(api: Wire) -> None:
    reply = api.call("POST", "/v3/nobody.test/messages", OK_FORM)
    assert (reply.status, reply.json) == (404, {"message": "Domain not found: nobody.test"})


def test_a_json_body_on_messages_counts_as_no_field(api: Wire) -> None:
    reply = api.call("POST", PATH, json_body={"from": "me@mg.example.com", "to": "a@example.net", "text": "x"})
    assert (reply.status, reply.json) == (400, {"message": "from parameter is missing"})


def test_subject_may_be_missing(api: Wire) -> None:
    assert api.send_mail(subject=None).status == 200


@pytest.mark.parametrize(
    ("domain", "text"),
    [
        (
            SANDBOX_DOMAIN,
            f"Domain {SANDBOX_DOMAIN} is not allowed to send: Sandbox subdomains are for test purposes only. "
            "Please add your own domain or add the address to authorized recipients in Account Settings.",
        ),
        (
            "unverified.example.com",
            "The domain is unverified and requires DNS configuration. "
            "Log in to your control panel to view required DNS records.",
        ),
        ("disabled.example.com", "Domain disabled.example.com is not allowed to send: domain is disabled"),
    ],
)
def test_domains_that_may_not_send_answer_403(api: Wire, domain: str, text: str) -> None:
    reply = api.send_mail(domain=domain)
    assert (reply.status, reply.json) == (403, {"message": text})


def test_sandbox_domain_sends_to_authorized_recipients_only(api: Wire) -> None:
    assert api.send_mail(domain=SANDBOX_DOMAIN, to="Authorized@example.com").status == 200
    assert api.send_mail(("cc", "you@example.net"), domain=SANDBOX_DOMAIN, to="authorized@example.com").status == 403


def test_repeated_keys_brackets_and_commas_are_one_list_without_duplicates(api: Wire) -> None:
    form = [
        ("from[]", "me@mg.example.com"),
        ("text", "x"),
        ("to", "a@example.net, A@Example.net"),
        ("to[]", "b@example.net"),
    ]
    assert api.call("POST", PATH, form).status == 200
    assert api.outbox()[0]["recipients"] == ["a@example.net", "b@example.net"]


def test_quoted_comma_in_a_friendly_name_is_one_address(api: Wire) -> None:
    api.send_mail(to='"Doe, Jane" <jane@example.net>')
    assert api.outbox()[0]["recipients"] == ["jane@example.net"]


def test_attachments_need_multipart_and_keep_name_and_bytes(api: Wire) -> None:
    parts = [Part(name, value.encode()) for name, value in OK_FORM]
    parts += [
        Part("attachment", b"\x00\xff%PDF", "report 1.pdf", "application/pdf"),
        Part("inline", b"GIF89a", "logo.gif", "image/gif"),
    ]
    assert api.call("POST", PATH, parts=parts).status == 200
    (message,) = api.outbox()
    assert message["attachments"] == [
        {
            "name": "attachment",
            "filename": "report 1.pdf",
            "content_type": "application/pdf",
            "size": 6,
            "sha256": sha256(b"\x00\xff%PDF").hexdigest(),
        }
    ]
    assert message["inline"][0]["filename"] == "logo.gif"
    assert api.requests()[0]["files"][0]["sha256"] == message["attachments"][0]["sha256"]


def test_part_with_another_name_is_no_attachment(api: Wire) -> None:
    parts = [*(Part(name, value.encode()) for name, value in OK_FORM), Part("attachments", b"x", "a.txt")]
    api.call("POST", PATH, parts=parts)
    assert api.outbox()[0]["attachments"] == []
    assert api.requests()[0]["ignored"] == ["attachments"]


def test_broken_multipart_is_refused(api: Wire) -> None:
    reply = api.maton("POST", "/mailgun" + PATH, headers={"Content-Type": "multipart/form-data"})
    assert (reply.status, reply.json) == (400, {"message": "malformed multipart/form-data request"})


def test_message_id_header_is_echoed_and_does_not_deduplicate(api: Wire) -> None:
    replies = [api.send_mail(("h:Message-Id", "mine@mg.example.com")) for _ in range(2)]
    assert [reply.json["id"] for reply in replies] == ["<mine@mg.example.com>"] * 2
    assert len(api.outbox()) == 2


def test_unknown_options_are_ignored_and_the_record_says_so(api: Wire) -> None:
    assert api.send_mail(("o:tags", "x"), ("subjekt", "y")).status == 200
    assert api.requests()[0]["ignored"] == ["o:tags", "subjekt"]


MIME = (
    b"From: Me <me@mg.example.com>\r\nTo: you@example.net\r\nCc: third@example.net\r\n"
    b"Subject: Raw\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n"
)


def test_mime_message_reaches_its_envelope_only(api: Wire) -> None:
    """Cc in the text makes nobody a recipient."""
    parts = [Part("to", b"you@example.net"), Part("message", MIME, "message.mime", "message/rfc2822")]
    reply = api.call("POST", PATH + ".mime", parts=parts)
    assert (reply.status, reply.json["message"]) == (200, "Queued. Thank you.")
    (message,) = api.outbox()
    assert {key: message[key] for key in ("from", "to", "recipients", "subject", "text")} == {
        "from": "Me <me@mg.example.com>",
        "to": ["you@example.net"],
        "recipients": ["you@example.net"],
        "subject": "Raw",
        "text": "Grüße\r\n" if "\r" in message["text"] else "Grüße\n",
    }
    assert message["mime"] == MIME.decode()


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([Part("message", MIME, "m")], "to parameter is missing"),
        ([Part("to", b"a@example.net")], "message parameter is missing"),
        ([Part("to", b"a@example.net"), Part("message", MIME)], "'message' parameter is not a file"),
    ],
)
def test_mime_refusals(api: Wire, parts: list[Part], message: str) -> None:
    reply = api.call("POST", PATH + ".mime", parts=parts)
    assert (reply.status, reply.json) == (400, {"message": message})


def test_mime_insists_on_multipart(api: Wire) -> None:
    reply = api.call("POST", PATH + ".mime", [("to", "a@example.net"), ("message", MIME.decode())])
    assert (reply.status, reply.json) == (
        400,
        {
            "message": "Invalid request content type. Expecting 'multipart/form-data' "
            "but got 'application/x-www-form-urlencoded'"
        },
    )


def test_a_request_above_52_megabytes_answers_413(api: Wire) -> None:
    reply = api.call("POST", PATH, parts=[Part("attachment", bytes(55 * 1024 * 1024), "big.bin")])
    assert (reply.status, reply.json) == (413, {"message": "request size exceeds 52.4MiB limit"})


def test_a_message_above_25_megabytes_answers_413(api: Wire) -> None:
    parts = [Part(name, value.encode()) for name, value in OK_FORM]
    reply = api.call("POST", PATH, parts=[*parts, Part("attachment", bytes(25 * 1024 * 1024 + 1), "big.bin")])
    assert (reply.status, list(reply.json)) == (413, ["message"])
    assert api.outbox() == []

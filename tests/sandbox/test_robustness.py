"""Whatever arrives, the sandbox answers as Mailgun would and never falls over."""

from __future__ import annotations

import pytest

from maton_mailgun.sandbox import Sandbox
from maton_mailgun.sandbox.mailgun.operations import OPERATIONS, answer
from maton_mailgun.sandbox.web.calls import JSON, Call, Files, SentFields, Upload
from maton_mailgun.sandbox.web.router import MailgunOperation

pytestmark = pytest.mark.slow

NASTY = [
    "",
    "\x00",
    "x" * 5000,
    "-1",
    "9" * 30,
    "{}",
    "[]",
    '{"a": "\\ud800"}',
    '[{"address": 5}, "a@example.net"]',
    "[" * 10_000,
    "Fri, 14 Oct 0001 23:10:10 +0100",
    "Fri, 31 Feb 2020 25:61:10 +0000",
    "99999999999",
    "( OR",
    '"',
    "https://[::1",
    "a@example.net\r\nBcc: b@example.net",
    "9999m",
    "é",
]
KEYS = [
    "limit",
    "skip",
    "page",
    "address",
    "term",
    "p",
    "tag",
    "tags",
    "prefix",
    "state",
    "sort",
    "search",
    "event",
    "begin",
    "end",
    "ascending",
    "start",
    "duration",
    "resolution",
    "subscribed",
    "active",
    "name",
    "template",
    "headers",
    "description",
    "vars",
    "upsert",
    "members",
    "expression",
    "action",
    "priority",
    "id",
    "url",
    "login",
    "password",
    "created_at",
    "code",
    "error",
    "domain",
    "to",
    "cc",
    "bcc",
    "subject",
    "text",
    "html",
    "t:version",
    "t:variables",
    "o:tag",
    "o:deliverytime",
    "o:deliver-within",
    "recipient-variables",
    "v:x",
    "h:X-Y",
    "h:Message-Id",
    "h:X-Mailgun-Variables",
    "html_footer",
    "message_ttl",
    "recipient",
    "size",
    "message-id",
    "headers",
]
PLACES = {
    "domain": "mg.example.com",
    "name": "welcome",
    "id": "6797c62f6ee0a9fcb1ec5eee",
    "member": "alice@example.com",
}
EXPECTED = {200, 400, 403, 404, 413}


def call_of(operation: MailgunOperation, value: str, *, key: str | None) -> Call:
    """A call with `value` under one key, or under every key that is not needed to get past the first checks."""
    good = [("from", "a@mg.example.com"), ("to", "b@example.net"), ("text", "x")] if key is not None else []
    pairs = [*good, *((name, value) for name in KEYS if key in (None, name))]
    segments = tuple(
        PLACES.get(word.strip("{}"), "developers@mg.example.com") if word.startswith("{") else word
        for word in operation.segments
    )
    return Call(
        operation.method,
        "/" + "/".join(segments),
        "",
        segments,
        {},
        query=SentFields(pairs),
        content_type="multipart/form-data",
        form=SentFields(pairs),
        files=Files([Upload("message", "m", "message/rfc2822", b"From: a@b.test\r\n\r\n" + value.encode())]),
    )


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: f"{operation.method} {operation.pattern}")
def test_nasty_values_get_an_answer(operation: MailgunOperation) -> None:
    sandbox = Sandbox()
    for value in NASTY:
        for key in (None, *KEYS):
            reply = answer(sandbox.account, call_of(operation, value, key=key), key_is_good=True)
            assert reply.status in EXPECTED, (key, value)
            if operation.method == "DELETE":
                sandbox.reset()


@pytest.mark.parametrize("table", ["bounces", "unsubscribes", "complaints"])
@pytest.mark.parametrize(
    "item", [5, None, "a@example.net", {"address": 5}, {"address": "a@example.net", "tags": 3}, []]
)
def test_odd_items_of_a_batch_get_an_answer(table: str, item: object) -> None:
    sandbox = Sandbox()
    segments = ("v3", "mg.example.com", table)
    call = Call("POST", "/" + "/".join(segments), "", segments, {}, content_type=JSON, json=[item])
    assert answer(sandbox.account, call, key_is_good=True).status in EXPECTED

"""A stored message as the caller is told of it, and what is said where it cannot be had."""

from __future__ import annotations

import json
from typing import Any

import mcp_types as types
import pytest
from mcp import Client

from maton_mailgun.catalogue import files
from maton_mailgun.catalogue.rows import read
from maton_mailgun.errors import SetupError
from maton_mailgun.mail.authentication import AuthenticationResult, verdicts
from maton_mailgun.protocol.server import build
from maton_mailgun.wire.fencing import fenced
from maton_mailgun.wire.stored_message import CLAIMED, LONGEST_TEXT, MOST_HEADERS, told

from .doubles import DOMAIN, Says, Scripted, called, engine_over, error

KEY = "BAABAgQ"
HEADERS = [
    ["Received", "from mail.example.net by mxa.mailgun.org"],
    ["Authentication-Results", "mxa.mailgun.org; spf=pass smtp.mailfrom=dave@example.net; dkim=fail; dmarc=none"],
    ["From", "Dave <dave@example.net>"],
    ["Reply-To", "elsewhere@example.org"],
    ["To", "support@mg.example.com"],
    ["Subject", "My order"],
    ["Date", "Thu, 15 Jan 2026 12:00:00 +0000"],
    ["Message-Id", "<1@example.net>"],
    ["References", "<0@mg.example.com>"],
]
STORED: dict[str, Any] = {
    "sender": "dave@example.net",
    "recipients": "support@mg.example.com",
    "From": "Dave <dave@example.net>",
    "subject": "My order",
    "body-plain": "Where is it?\n\n> Sent on Monday.\n",
    "body-html": "<p>Where is it?</p>",
    "stripped-text": "Where is it?",
    "message-headers": HEADERS,
    "attachments": [
        {
            "name": "order.pdf",
            "content-type": "application/pdf",
            "size": 12,
            "url": "https://storage-us-east4.api.mailgun.net/v3/domains/mg.example.com/messages/K/attachments/0",
        }
    ],
}
TOLD = {
    "from": "⟪Dave <dave@example.net>",
    "to": "support@mg.example.com",
    "reply_to": "elsewhere@example.org",
    "subject": "⟪My order",
    "date": "Thu, 15 Jan 2026 12:00:00 +0000",
    "message_id": "<1@example.net>",
    "references": "<0@mg.example.com>",
    "envelope_sender": "dave@example.net",
    "envelope_recipients": "support@mg.example.com",
    "authentication": [
        {"method": method, "result": result, "header": "Authentication-Results", "by": "mxa.mailgun.org"}
        for method, result in (("spf", "pass"), ("dkim", "fail"), ("dmarc", "none"))
    ],
    "authentication_note": CLAIMED,
    "text": "⟪Where is it?\n\n> Sent on Monday.\n",
    "attachments": [{"name": "order.pdf", "type": "application/pdf", "bytes": 12}],
    "other_headers": [["Received", "⟪from mail.example.net by mxa.mailgun.org"]],
}


@pytest.mark.anyio
async def test_a_stored_message_is_told_shortly_and_marked_as_outside_text() -> None:
    transport = Scripted([Says(body=STORED)])
    outcome = await called(
        engine_over(transport), "get_stored_message", domain=DOMAIN, storage_key=KEY, connection_id="c"
    )
    assert outcome.content["result"] == TOLD
    assert outcome.content["notice"].startswith("⟪ begins text from outside")
    assert [request.url.path for request in transport.arrived] == [f"/mailgun/v3/domains/{DOMAIN}/messages/{KEY}"]


@pytest.mark.anyio
@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_clients_of_both_eras_are_told_the_same(era: str) -> None:
    async with Client(build(engine_over(Scripted([Says(body=STORED)]))), mode=era) as client:
        given = {"domain": DOMAIN, "storage_key": KEY, "connection_id": "c"}
        result = await client.call_tool("get_stored_message", given)
    assert isinstance(result, types.CallToolResult)
    assert result.structured_content is not None
    assert result.structured_content["result"] == TOLD


def test_what_is_for_reads_stops_the_start_in_a_row_that_writes() -> None:
    rows = files.texts("tools", ".toml")
    rows["messages"] = rows["messages"].replace("[tools.send_message]", '[tools.send_message]\nabsent = "Gone."', 1)
    with pytest.raises(SetupError, match=r"send_message\]: absent is for tools that read"):
        read(rows, files.texts("schemas", ".json"))


@pytest.mark.anyio
async def test_what_is_not_at_the_api_host_may_lie_where_the_gateway_does_not_reach() -> None:
    transport = Scripted([Says(404, {"message": "Message not found"})])
    outcome = await called(
        engine_over(transport), "get_stored_message", domain=DOMAIN, storage_key=KEY, connection_id="c"
    )
    assert error(outcome)["kind"] == "mailgun_refused"
    assert "storage host of Mailgun's that this gateway does not reach" in error(outcome)["next"]
    assert len(transport.arrived) == 1


@pytest.mark.anyio
async def test_a_connection_that_maton_does_not_know_is_told_as_that() -> None:
    body = {"message": "Connection c not found", "type": "Not Found", "code": 404}
    outcome = await called(
        engine_over(Scripted([Says(404, body)])),
        "get_stored_message",
        domain=DOMAIN,
        storage_key=KEY,
        connection_id="c",
    )
    assert (error(outcome)["kind"], "list_connections" in error(outcome)["next"]) == ("connection_unknown", True)


def test_lists_that_come_as_texts_are_read_as_lists() -> None:
    """Mailgun's routes hand on both as JSON texts, and so may what it keeps of them."""
    texts = {name: json.dumps(STORED[name]) for name in ("message-headers", "attachments")}
    assert fenced(told({**STORED, **texts})) == TOLD


@pytest.mark.parametrize("odd", [None, 7, "no JSON", {"a": 1}, [["From"]], [1, None]])
def test_what_is_no_list_of_headers_or_files_is_left_out(odd: Any) -> None:
    assert told({"From": "a@example.net", "message-headers": odd, "attachments": odd}) == {
        "from": "a@example.net",
        "text": "",
        "attachments": [],
        "other_headers": [],
    }


def test_long_texts_and_many_headers_are_cut_with_how_much_was_left_out() -> None:
    many = [[f"X-{number}", "v" * 600] for number in range(MOST_HEADERS + 5)]
    found = told({"body-plain": "x" * (LONGEST_TEXT + 1), "message-headers": many})
    assert found["cut"] == "Only the first 20,000 of 20,001 characters are shown."
    assert (len(found["text"]), len(found["other_headers"]), found["other_headers_left_out"]) == (LONGEST_TEXT, 60, 5)
    assert found["other_headers"][0] == ["X-0", "v" * 500 + "… (100 more characters)"]


def test_html_is_told_where_there_is_no_text() -> None:
    assert told({"body-plain": " \n", "body-html": "<p>Hi</p>"})["html"] == "<p>Hi</p>"


def test_a_header_that_stands_twice_is_pointed_at() -> None:
    """Programs show different ones: who it is from is not certain."""
    twice = [["From", "a@example.net"], ["from", "b@example.org"], ["Subject", "s"]]
    assert told({"message-headers": twice})["repeated_headers"] == ["From"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # Examples of RFC 8601, appendix B.
        ("example.org 1; none", []),
        ("example.com; spf=pass smtp.mailfrom=example.net", [("spf", "pass")]),
        ("example.com;\r\n auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n spf=pass x=y", [("spf", "pass")]),
        ("example.com; dkim=pass (good signature) header.d=example.com", [("dkim", "pass")]),
        (
            "foo.example.net (foobar) 1 (baz);\r\n dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n"
            " policy (A dot can go here) . (like that) expired (this surfaced) = (as I wanted to see it) 1362471462",
            [("dkim", "fail")],
        ),
        # What stands in an aside or in quotes is no result.
        ("mx.example.com (; dkim=pass (; spf=pass)); dmarc=fail", [("dmarc", "fail")]),
        (r'mx.example.com; dkim=fail reason="x; spf=pass \"; dmarc=pass"', [("dkim", "fail")]),
        ("mx.example.com; x=dkim=pass; DKIM = Pass", [("dkim", "pass")]),
        ("", []),
    ],
)
def test_results_are_read_as_the_standard_writes_them(value: str, expected: list[tuple[str, str]]) -> None:
    assert [(one.method, one.result) for one in verdicts([("Authentication-Results", value)])] == expected


def test_what_mailgun_notes_on_mail_it_takes_in_is_read_too() -> None:
    headers = [("X-Mailgun-Spf", "Pass"), ("X-Mailgun-Dkim-Check-Result", "Fail"), ("Received-SPF", "softfail (a; b)")]
    assert verdicts(headers) == [
        AuthenticationResult("spf", "pass", "X-Mailgun-Spf"),
        AuthenticationResult("dkim", "fail", "X-Mailgun-Dkim-Check-Result"),
        AuthenticationResult("spf", "softfail", "Received-SPF"),
    ]

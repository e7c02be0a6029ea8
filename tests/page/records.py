"""Requests as they come up in practice, for looking at and for testing."""

from __future__ import annotations

import time
from typing import Any

from approval import records
from maton_mailgun.approval.store.record import Record

PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)

LETTER = """\
<html><head><style>.button{background:#0b6b62;color:#fff;padding:12px 20px;border-radius:6px}</style></head>
<body bgcolor="#f4f4f4"><table width="100%" cellpadding="24" bgcolor="#ffffff"><tr><td>
<img src="cid:logo.png" width="40" height="40" alt="Logo">
<h1 style="font-family:Georgia,serif">Your invoice for March</h1>
<p>Dear Ada,</p><p>the invoice of <b>1,240.00 EUR</b> is attached. It is due on <i>15 April</i>.</p>
<p><a class="button" href="https://pay.example.com/i/8812">Pay the invoice</a></p>
<p>Or look at it at <a href="https://billing.example.net/8812">www.example.com/invoices</a>.</p>
<img src="https://track.example.net/open.gif?u=8812" width="1" height="1" alt="">
</td></tr></table></body></html>"""


def a_record(**changes: Any) -> Record:
    """A pending request to create a route, asked two minutes ago."""
    now = time.time()
    asked: dict[str, Any] = {
        "digest": "sha256:" + "ab" * 32,
        "client": "Desk Assistant",
        "connection_id": "conn_2f81",
        "preview": a_preview(),
        "risk": "medium",
        "created_at": now - 120,
        "expires_at": now + 780,
    }
    return records.a_record(**{**asked, **changes})


def a_preview(**changes: Any) -> dict[str, Any]:
    """What a person is shown of a new route."""
    preview: dict[str, Any] = {
        "whole": True,
        "title": "Create a route",
        "action": "create",
        "operation": "create_route",
        "account": {"connection_id": "conn_2f81", "label": "Example Ltd, production", "sandbox": False},
        "target": "a new route",
        "effect": 'Mail that meets match_recipient(".*@mg.example.com") will be forwarded to '
        "https://hooks.example.net/in, at priority 0.",
        "undo": "Can be removed again with delete_route.",
        "request": {"method": "POST", "path": "/v3/routes"},
        "sections": [
            {
                "heading": "Forwarding",
                "rows": [
                    {"label": "To", "value": "https://hooks.example.net/in", "flags": ["outside your domains"]},
                    {"label": "Catches", "value": "every address of mg.example.com", "flags": ["catch-all"]},
                ],
            }
        ],
        "diff": [],
        "warnings": ["Data will be forwarded to hooks.example.net.", "This catches all mail of mg.example.com."],
        "unchecked": [],
        "history": [],
        "asked_by": {"client": "Desk Assistant", "principal": "local"},
        "risk": "medium",
        "recipients": [],
    }
    return {**preview, **changes}


def a_send(recipients: int = 3, **changes: Any) -> Record:
    """A message with an HTML body, an inline picture and an attachment."""
    people = [
        {"address": "ada@example.com", "kind": "to", "flags": []},
        {"address": "bob@example.net", "kind": "to", "flags": ["external", "unsubscribed"]},
        {"address": "carol@example.org", "kind": "bcc", "flags": ["external", "first time"]},
    ]
    domains = ("example.com", "example.net", "example.org", "mail.example.com")
    while len(people) < recipients:
        number = len(people)
        flags = ["first time"] if number % 25 == 0 else []
        people.append({"address": f"person{number:03}@{domains[number % 4]}", "kind": "to", "flags": flags})
    people = people[:recipients]
    preview = a_preview(
        title="Send a message",
        action="send",
        operation="send_message",
        target=f"message to {recipients} recipients via mg.example.com",
        effect=f"Sends 1 message from support@mg.example.com to {recipients} recipients, 2 of them outside "
        "mg.example.com.",
        undo="Once sent, the message cannot be recalled.",
        request={"method": "POST", "path": "/v3/mg.example.com/messages"},
        sections=[
            {
                "heading": "Delivery",
                "rows": [
                    {"label": "When", "value": "at once", "flags": []},
                    {"label": "Tracking", "value": "opens and clicks", "flags": []},
                    {"label": "Domain", "value": "mg.example.com, active", "flags": []},
                ],
            }
        ],
        warnings=["bob@example.net has unsubscribed: Mailgun will drop this copy."],
        history=["An identical message was sent 4 minutes ago."],
        recipients=people,
        message={
            "from": "Example Billing <support@mg.example.com>",
            "reply_to": "billing@example.com",
            "subject": "Your invoice for March",
            "text": "Dear Ada,\n\nthe invoice of 1,240.00 EUR is attached.\n\nhttps://pay.example.com/i/8812\n",
            "html": LETTER,
            "amp_html": None,
            "inline": [{"cid": "logo.png", "content_type": "image/png", "data_uri": PICTURE}],
            "attachments": [
                {"name": "invoice-8812.pdf", "type": "application/pdf", "size": 81_234, "sha256": "3f" * 32}
            ],
            "link_hosts": ["pay.example.com", "billing.example.net"],
            "rendered_by": "this server",
        },
    )
    return a_record(operation="send_message", access="send", preview=preview, **changes)


def a_domain_deletion(**changes: Any) -> Record:
    """The most dangerous thing there is."""
    preview = a_preview(
        title="Delete a domain",
        action="delete",
        operation="delete_domain",
        target="mg.example.com",
        effect="Deletes the domain mg.example.com with its keys, webhooks and templates. Mail for it bounces.",
        undo="This cannot be undone.",
        request={"method": "DELETE", "path": "/v3/domains/mg.example.com"},
        sections=[
            {
                "heading": "What goes with it",
                "rows": [
                    {"label": "Mail in the last 30 days", "value": "48,112 delivered", "flags": []},
                    {"label": "Webhooks", "value": "3: delivered, opened, permanent_fail", "flags": []},
                    {"label": "Templates", "value": "12", "flags": []},
                ],
            }
        ],
        warnings=["48,112 messages were delivered through it in the last 30 days.", "2 routes name it."],
        unchecked=["Credentials: the service did not answer in time."],
        risk="high",
    )
    return a_record(
        operation="delete_domain", access="delete", preview=preview, risk="high", level="operator", **changes
    )


def an_update(**changes: Any) -> Record:
    """A route whose destination moves."""
    preview = a_preview(
        title="Change a route",
        action="change",
        operation="update_route",
        target="route 62f1a0",
        effect="Mail that meets the route goes to another address from now on.",
        undo="Can be changed back with update_route.",
        request={"method": "PUT", "path": "/v3/routes/62f1a0"},
        diff=[
            {
                "field": "actions",
                "before": 'forward("https://hooks.example.com/in")',
                "after": 'forward("http://198.51.100.7/in")',
            },
            {"field": "priority", "before": "10", "after": "0"},
            {"field": "description", "before": "", "after": "temporary"},
        ],
        warnings=["http://198.51.100.7 is not encrypted."],
        account={"connection_id": "conn_sandbox", "label": "Sandbox", "sandbox": True},
    )
    return a_record(operation="update_route", access="change", preview=preview, **changes)

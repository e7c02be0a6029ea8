"""What becomes of an accepted message: suppression, test mode, templates, lists, private copies, the right moment."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .wire import DOMAIN, Wire

LIST = "developers@mg.example.com"


def outcome(api: Wire) -> list[tuple[str, str, str | None]]:
    """Kind, recipient and reason of every event, oldest first."""
    return [(item["event"], item["recipient"], item.get("reason")) for item in api.events("?ascending=yes")]


def test_every_recipient_is_accepted_and_delivered(api: Wire) -> None:
    api.send_mail(("cc", "third@example.net"))
    assert outcome(api) == [
        ("accepted", "you@example.net", None),
        ("accepted", "third@example.net", None),
        ("delivered", "you@example.net", None),
        ("delivered", "third@example.net", None),
    ]


@pytest.mark.parametrize(
    ("recipient", "reason", "code", "description"),
    [
        ("gone@example.net", "suppress-bounce", 605, "Not delivering to previously bounced address"),
        ("quiet@example.net", "suppress-unsubscribe", 606, "Not delivering to unsubscribed address"),
        (
            "angry@example.net",
            "suppress-complaint",
            607,
            "Not delivering to a user who marked your messages as spam",
        ),
    ],
)
def test_suppressed_recipient_fails_after_a_200(
    api: Wire, recipient: str, reason: str, code: int, description: str
) -> None:
    assert api.send_mail(to=recipient).status == 200
    failed = api.events("?event=failed")[0]
    assert (failed["severity"], failed["reason"]) == ("permanent", reason)
    assert failed["delivery-status"] == {
        "attempt-no": 1,
        "code": code,
        "message": "",
        "description": description,
        "session-seconds": 0,
    }


def test_unsubscribe_from_a_tag_suppresses_that_tag_only(api: Wire) -> None:
    api.send_mail(to="no-news@example.org")
    api.send_mail(("o:tag", "newsletter"), to="no-news@example.org")
    assert outcome(api)[1::2] == [
        ("delivered", "no-news@example.org", None),
        ("failed", "no-news@example.org", "suppress-unsubscribe"),
    ]


def test_delivery_resumes_when_the_record_is_deleted(api: Wire) -> None:
    api.send_mail(to="gone@example.net")
    assert api.call("DELETE", f"/v3/{DOMAIN}/bounces/gone%40example.net").status == 200
    api.send_mail(to="gone@example.net")
    assert outcome(api)[1::2] == [
        ("failed", "gone@example.net", "suppress-bounce"),
        ("delivered", "gone@example.net", None),
    ]


def test_test_mode_is_flagged_on_every_event(api: Wire) -> None:
    api.send_mail(("o:testmode", "yes"))
    assert [item["flags"]["is-test-mode"] for item in api.events()] == [True, True]
    assert api.outbox()[0]["test_mode"] is True


def test_unknown_template_fails_after_a_200(api: Wire) -> None:
    assert api.send_mail(text=None, template="no-such").status == 200
    assert outcome(api) == [
        ("accepted", "you@example.net", None),
        ("failed", "you@example.net", "template-not-found"),
    ]
    assert api.events("?event=failed")[0]["delivery-status"]["description"] == "Template 'no-such' not found"


def test_unknown_version_of_a_template_fails_too(api: Wire) -> None:
    api.send_mail(("t:version", "v9"), text=None, template="welcome")
    assert outcome(api)[1][2] == "template-not-found"


def copies(api: Wire) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.outbox()[-1]["copies"]
    return found


def test_stored_template_is_filled_in(api: Wire) -> None:
    """`t:variables` win over `v:`; the subject comes from the template where the message has none; HTML is escaped."""
    variables = json.dumps({"name": "Bob <b>", "company": "Example"})
    api.send_mail(
        ("t:variables", variables), ("v:name", "Alice"), ("t:text", "yes"), text=None, subject=None, template="Welcome"
    )
    (copy,) = copies(api)
    assert copy == {
        "recipient": "you@example.net",
        "to": ["you@example.net"],
        "subject": "Welcome, Bob <b>",
        "html": "<h1>Welcome, Bob &lt;b&gt;</h1>\n<p>Your account at Example is ready.</p>\n",
        "text": "Welcome, Bob <b>\nYour account at Example is ready.\n",
        "headers": {},
        "variables": {"name": "Alice"},
    }
    assert outcome(api)[1][0] == "delivered"


@pytest.mark.parametrize(("word", "shown"), [("false", "DUE"), ("null", "DUE"), ("true", "PAID"), ("no", "PAID")])
def test_a_variable_is_text_or_json_to_a_template(api: Wire, word: str, shown: str) -> None:
    """Events keep the word as it came."""
    text = "{{#if paid}}PAID{{else}}DUE{{/if}}"
    api.call("POST", f"/v3/{DOMAIN}/templates", [("name", "bill"), ("template", text)])
    api.send_mail(("v:paid", word), text=None, template="bill")
    assert copies(api)[0]["html"] == shown
    assert api.events()[0]["user-variables"] == {"paid": word}


def test_a_named_version_is_used(api: Wire) -> None:
    api.send_mail(("t:version", "V1"), ("v:name", "Alice"), text=None, template="welcome")
    assert copies(api)[0]["html"] == "<p>Welcome, Alice</p>"


def test_the_subset_of_handlebars(api: Wire) -> None:
    text = (
        "{{#if vip}}Dear {{{person.name}}}{{else}}Hello{{/if}}:{{#each items}} {{this.title}}={{price}};{{/each}}"
        "{{#unless vip}}no{{/unless}}{{#each none}}x{{else}}empty{{/each}} {{missing}}{{> partial}}"
    )
    api.call("POST", f"/v3/{DOMAIN}/templates", [("name", "rich"), ("template", text)])
    values = {"vip": True, "person": {"name": "A&B"}, "items": [{"title": "x", "price": 1}, {"title": "y", "price": 2}]}
    api.send_mail(("t:variables", json.dumps(values)), text=None, template="rich")
    assert copies(api)[0]["html"] == "Dear A&B: x=1; y=2;empty {{> partial}}"


def test_recipient_variables_make_private_copies(api: Wire) -> None:
    variables = {"a@example.net": {"name": "Ann"}, "b@example.net": {"name": "Ben"}}
    api.send_mail(
        ("recipient-variables", json.dumps(variables)),
        to="a@example.net, b@example.net",
        subject="Hi %recipient.name%",
        text="%recipient.name% %recipient% %recipient.age%",
    )
    assert [(copy["to"], copy["subject"], copy["text"]) for copy in copies(api)] == [
        (["a@example.net"], "Hi Ann", "Ann a@example.net %recipient.age%"),
        (["b@example.net"], "Hi Ben", "Ben b@example.net %recipient.age%"),
    ]


def test_without_recipient_variables_everyone_sees_everyone(api: Wire) -> None:
    api.send_mail(to="a@example.net, b@example.net")
    assert [copy["to"] for copy in copies(api)] == [["a@example.net", "b@example.net"]] * 2


def test_a_mailing_list_stands_for_its_subscribed_members(api: Wire) -> None:
    """Bob is a member and not subscribed. Members see the list's address, and their variables are at hand."""
    api.send_mail(to=LIST, text="%recipient.name% %recipient.age%")
    assert outcome(api) == [("accepted", "alice@example.com", None), ("delivered", "alice@example.com", None)]
    (message,) = api.outbox()
    assert (message["to"], message["recipients"]) == ([LIST], ["alice@example.com"])
    assert message["copies"][0]["text"] == "Alice 27"
    assert api.events(f"?list={LIST}")[0]["mailing-list"] == {"address": LIST, "list-id": LIST}


def test_scheduled_message_waits_for_its_time(api: Wire) -> None:
    api.send_mail(("o:deliverytime", "Thu, 15 Jan 2026 13:00:00 +0000"))
    assert [row[0] for row in outcome(api)] == ["accepted"]
    api.control("POST", "clock", {"advance": 3599})
    assert [row[0] for row in outcome(api)] == ["accepted"]
    api.control("POST", "clock", {"advance": 1})
    delivered = api.events("?event=delivered")
    assert [item["timestamp"] for item in delivered] == [api.clock.START + 3600]


def test_suppression_is_judged_at_delivery_not_at_acceptance(api: Wire) -> None:
    api.send_mail(("o:deliverytime", "Thu, 15 Jan 2026 13:00:00 GMT"))
    api.call("POST", f"/v3/{DOMAIN}/bounces", [("address", "you@example.net")])
    api.control("POST", "clock", {"advance": 3600})
    assert outcome(api)[1] == ("failed", "you@example.net", "suppress-bounce")


def test_past_delivery_time_means_now(api: Wire) -> None:
    api.send_mail(("o:deliverytime", "Fri, 14 Oct 2011 23:10:10 -0000"))
    assert [row[0] for row in outcome(api)] == ["accepted", "delivered"]


def test_delivery_can_be_made_to_take_time(api: Wire) -> None:
    api.control("POST", "settings", {"delivery_delay": 30})
    api.send_mail()
    assert [row[0] for row in outcome(api)] == ["accepted"]
    api.clock.now += 30
    assert [row[0] for row in outcome(api)] == ["accepted", "delivered"]


def test_stored_message_is_read_under_its_storage_key(api: Wire) -> None:
    sent = api.send_mail(("h:X-Order", "7"), ("bcc", "secret@example.net"), html="<b>Hello</b>").json
    storage = api.events("?event=accepted")[0]["storage"]
    path = f"/v3/domains/{DOMAIN}/messages/{storage['key']}"
    assert storage["url"] == f"https://storage-us-east4.api.mailgun.net{path}"
    body = api.call("GET", path).json
    assert {key: body[key] for key in ("From", "To", "Subject", "sender", "recipients", "body-plain", "body-html")} == {
        "From": "Me <me@mg.example.com>",
        "To": "you@example.net",
        "Subject": "Hi",
        "sender": "me@mg.example.com",
        "recipients": "you@example.net, secret@example.net",
        "body-plain": "Hello",
        "body-html": "<b>Hello</b>",
    }
    assert ["Message-Id", sent["id"]] in body["message-headers"]
    assert ["X-Order", "7"] in body["message-headers"]
    assert "Bcc" not in dict(body["message-headers"])


def test_stored_message_as_mime_text(api: Wire) -> None:
    api.send_mail(html="<b>Hello</b>")
    key = api.outbox()[0]["storage_key"]
    path = f"/v3/domains/{DOMAIN}/messages/{key}"
    mime = api.call("GET", path, headers={"Accept": "message/rfc2822"}).json["body-mime"]
    assert mime.startswith("From: Me <me@mg.example.com>\r\nTo: you@example.net\r\n")
    assert "Content-Type: text/html" in mime


def test_stored_message_is_sent_again(api: Wire) -> None:
    api.send_mail()
    key = api.outbox()[0]["storage_key"]
    path = f"/v3/domains/{DOMAIN}/messages/{key}"
    assert api.call("POST", path, []).json == {"message": "to parameter is missing"}
    assert api.call("POST", path, [("to", "later@example.net")]).json["message"] == "Queued. Thank you."
    assert [message["recipients"] for message in api.outbox()] == [["you@example.net"], ["later@example.net"]]
    missing = api.call("GET", f"/v3/domains/{DOMAIN}/messages/nope")
    assert (missing.status, missing.json) == (404, {"message": "Message not found"})

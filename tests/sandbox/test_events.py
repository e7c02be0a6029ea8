"""The events list: filters, ranges, and a cursor that lives in the path."""

from __future__ import annotations

import pytest

from .wire import DOMAIN, Wire, native

EVENTS = f"/v3/{DOMAIN}/events"


def send_in_turn(api: Wire, count: int) -> None:
    """`count` messages, a second apart: to u0, u1, ..."""
    for number in range(count):
        api.send_mail(to=f"u{number}@example.net", subject=f"Number {number}")
        api.clock.now += 1


def recipients(api: Wire, query: str) -> list[str]:
    return [item["recipient"].partition("@")[0] for item in api.events(query)]


def test_no_filters_at_all_is_newest_first(api: Wire) -> None:
    send_in_turn(api, 2)
    assert [(item["event"], item["recipient"]) for item in api.events()] == [
        ("delivered", "u1@example.net"),
        ("accepted", "u1@example.net"),
        ("delivered", "u0@example.net"),
        ("accepted", "u0@example.net"),
    ]


def test_accepted_event_in_full(api: Wire) -> None:
    sent = api.send_mail(("o:tag", "news"), ("v:order", "7")).json["id"]
    (event,) = api.events("?event=accepted")
    key = api.outbox()[0]["storage_key"]
    identifier = event.pop("id")
    assert len(identifier) == 22
    assert event == {
        "event": "accepted",
        "timestamp": 1768478400.0,
        "log-level": "info",
        "method": "HTTP",
        "recipient": "you@example.net",
        "recipient-domain": "example.net",
        "envelope": {"targets": "you@example.net", "transport": "smtp", "sender": "me@mg.example.com"},
        "message": {
            "headers": {
                "to": "you@example.net",
                "message-id": sent.strip("<>"),
                "from": "Me <me@mg.example.com>",
                "subject": "Hi",
            },
            "attachments": [],
            "recipients": ["you@example.net"],
            "size": 5,
        },
        "flags": {
            "is-authenticated": True,
            "is-test-mode": False,
            "is-routed": False,
            "is-system-test": False,
        },
        "storage": {
            "url": f"https://storage-us-east4.api.mailgun.net/v3/domains/{DOMAIN}/messages/{key}",
            "key": key,
        },
        "tags": ["news"],
        "user-variables": {"order": "7"},
    }


def test_delivered_event_tells_the_other_server(api: Wire) -> None:
    api.send_mail()
    assert api.events("?event=delivered")[0]["delivery-status"] == {
        "attempt-no": 1,
        "code": 250,
        "message": "OK",
        "description": "",
        "tls": True,
        "mx-host": "mx.example.net",
        "session-seconds": 0.43,
        "utf8": True,
        "certificate-verified": True,
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?event=accepted", ["u2", "u1", "u0"]),
        ("?event=delivered+OR+accepted&limit=2", ["u2", "u2"]),
        ("?event=accepted&event=delivered", []),
        ("?event=accepted&recipient=u1@example.net", ["u1"]),
        ("?event=accepted&recipient=u1@example.net+OR+u2@example.net", ["u2", "u1"]),
        ("?event=NOT+accepted", ["u2", "u1", "u0"]),
        ("?event=accepted&subject=number+2", ["u2"]),
        ("?event=accepted&subject=%22Number+0%22", ["u0"]),
        ("?event=accepted&subject=(0+OR+2)+AND+NOT+2", ["u0"]),
        ("?event=accepted&from=me@mg", ["u2", "u1", "u0"]),
        ("?event=accepted&size=%3E4+%3C6", ["u2", "u1", "u0"]),
        ("?event=accepted&size=%3E5", []),
        ("?event=accepted&tags=none", []),
        ("?event=failed&severity=permanent", []),
    ],
)
def test_filters(api: Wire, query: str, expected: list[str]) -> None:
    """Words side by side mean both, `OR` either, a repeated key both, quotes a phrase."""
    send_in_turn(api, 3)
    assert recipients(api, query) == expected


def test_message_id_is_filtered_without_its_brackets(api: Wire) -> None:
    sent = api.send_mail().json["id"]
    assert len(api.events(f"?message-id={sent.strip('<>')}")) == 2
    assert api.events(f"?message-id=%3C{sent.strip('<>')}%3E") == []


def test_message_id_that_was_used_twice_finds_both(api: Wire) -> None:
    api.send_mail()
    for recipient in ("one@example.net", "two@example.net"):
        api.send_mail(("h:Message-Id", "<mine@mg.example.com>"), to=recipient)
    assert recipients(api, "?message-id=mine@mg.example.com&event=accepted") == ["two", "one"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?ascending=yes", ["u0", "u1", "u2"]),
        ("?begin=1768478401&ascending=yes", ["u1", "u2"]),
        ("?begin=1768478401&end=1768478402", ["u1", "u2"]),
        ("?begin=1768478401&end=1768478400", ["u1", "u0"]),
        ("?begin=1768478401&ascending=no", ["u1", "u0"]),
        ("?end=1768478401", ["u2", "u1"]),
        ("?begin=Thu,+15+Jan+2026+12:00:02+%2B0000&ascending=yes", ["u2"]),
    ],
)
def test_ranges_set_the_direction(api: Wire, query: str, expected: list[str]) -> None:
    send_in_turn(api, 3)
    assert recipients(api, query + "&event=accepted") == expected


@pytest.mark.parametrize(
    "query",
    [
        "?begin=1768478400",
        "?begin=1768478400&end=1768478401&ascending=no",
        "?begin=1768478401&end=1768478400&ascending=yes",
        "?begin=2026-01-15T12:00:00Z&ascending=yes",
        "?begin=Thu,+15+Jan+2026+12:00:02+0000&ascending=yes",
        "?limit=301",
        "?limit=0",
        "?limit=many",
        "?event=(accepted",
        "?event=accepted+OR",
        "?ascending=TRUE",
    ],
)
def test_bad_ranges_limits_and_expressions_are_refused(api: Wire, query: str) -> None:
    """ISO 8601 is no date here, and `+0000` that was not encoded arrives as a space."""
    reply = api.call("GET", EVENTS + query)
    assert (reply.status, list(reply.json)) == (400, ["message"])


def test_walking_the_cursor_forward_and_back(api: Wire) -> None:
    send_in_turn(api, 5)
    first = api.call("GET", EVENTS + "?event=accepted&limit=2&ascending=yes").json
    assert list(first["paging"]) == ["previous", "first", "last", "next"]
    second = api.call("GET", native(first["paging"]["next"])).json
    third = api.call("GET", native(second["paging"]["next"])).json
    end = api.call("GET", native(third["paging"]["next"])).json
    pages = [[item["recipient"][:2] for item in page["items"]] for page in (first, second, third, end)]
    assert pages == [["u0", "u1"], ["u2", "u3"], ["u4"], []]
    back = api.call("GET", native(third["paging"]["previous"])).json
    assert back["items"] == second["items"]
    assert api.call("GET", native(end["paging"]["first"])).json["items"] == first["items"]
    last = api.call("GET", native(first["paging"]["last"])).json
    assert [item["recipient"][:2] for item in last["items"]] == ["u3", "u4"]
    before = api.call("GET", native(first["paging"]["previous"])).json
    assert before["items"] == []
    assert api.call("GET", native(before["paging"]["next"])).json["items"] == first["items"]


def test_the_token_is_in_the_path_and_needs_no_query(api: Wire) -> None:
    send_in_turn(api, 3)
    url = native(api.call("GET", EVENTS + "?event=accepted&limit=1").json["paging"]["next"])
    assert "?" not in url
    assert url.startswith(f"{EVENTS}/W3s")
    plain = api.call("GET", url).json
    assert [item["recipient"][:2] for item in plain["items"]] == ["u1"]
    assert api.call("GET", url + "?event=delivered&limit=100").json == plain


def test_an_open_ascending_list_never_ends(api: Wire) -> None:
    api.send_mail()
    page = api.call("GET", EVENTS + "?ascending=yes").json
    page = api.call("GET", native(page["paging"]["next"])).json
    assert page["items"] == []
    api.send_mail(to="new@example.net")
    page = api.call("GET", native(page["paging"]["next"])).json
    assert [item["recipient"] for item in page["items"]] == ["new@example.net"] * 2


def test_a_descending_list_does_not_move_while_it_is_walked(api: Wire) -> None:
    send_in_turn(api, 3)
    page = api.call("GET", EVENTS + "?event=accepted&limit=2").json
    send_in_turn(api, 1)
    page = api.call("GET", native(page["paging"]["next"])).json
    assert [item["recipient"][:2] for item in page["items"]] == ["u0"]


@pytest.mark.parametrize("token", ["abc", "W10=", "eyJhIjoxfQ==", "%20"])
def test_unknown_tokens_are_refused(api: Wire, token: str) -> None:
    reply = api.call("GET", f"{EVENTS}/{token}")
    assert (reply.status, reply.json) == (400, {"message": "Invalid page token"})


def test_a_token_belongs_to_its_domain(api: Wire) -> None:
    url = native(api.call("GET", EVENTS).json["paging"]["first"])
    assert api.call("GET", url.replace(DOMAIN, "unverified.example.com")).status == 400


def test_late_event_takes_its_place_in_time(api: Wire) -> None:
    send_in_turn(api, 2)
    api.control(
        "POST",
        "events",
        {"event": "opened", "domain": DOMAIN, "recipient": "u0@example.net", "timestamp": 1768478400.5},
    )
    kinds = [item["event"] for item in api.events("?ascending=yes")]
    assert kinds == ["accepted", "delivered", "opened", "accepted", "delivered"]


def test_opened_and_clicked_tell_the_client(api: Wire) -> None:
    api.send_mail()
    for kind in ("opened", "clicked", "unsubscribed"):
        api.control("POST", "events", {"event": kind, "domain": DOMAIN, "url": "https://example.com/x"})
        (event,) = api.events(f"?event={kind}")
        assert event["geolocation"] == {"country": "US", "region": "TX", "city": "San Antonio"}
        assert set(event["client-info"]) == {
            "client-type",
            "client-os",
            "device-type",
            "client-name",
            "user-agent",
        }
        assert event.get("url") == ("https://example.com/x" if kind == "clicked" else None)


def test_hard_bounce_fills_the_bounce_list_unless_allowed(api: Wire) -> None:
    """A temporary failure does not, nor does a bounce of an address on the allowlist (example.com is on it)."""
    api.send_mail(("to", "them@example.net"), ("to", "us@example.com"))
    for recipient, severity in (
        ("you@example.net", "permanent"),
        ("us@example.com", "permanent"),
        ("them@example.net", "temporary"),
    ):
        body = {"event": "failed", "domain": DOMAIN, "recipient": recipient, "severity": severity, "code": 551}
        api.control("POST", "events", body)
    assert api.call("GET", f"/v3/{DOMAIN}/bounces/you@example.net").json == {
        "address": "you@example.net",
        "code": "551",
        "error": "No such mailbox",
        "created_at": "Thu, 15 Jan 2026 12:00:00 UTC",
    }
    assert api.call("GET", f"/v3/{DOMAIN}/bounces/us@example.com").status == 404
    assert api.call("GET", f"/v3/{DOMAIN}/bounces/them@example.net").status == 404


def test_complaint_and_unsubscribe_fill_their_lists(api: Wire) -> None:
    api.send_mail(("o:tag", "news"))
    for kind in ("complained", "unsubscribed"):
        api.control("POST", "events", {"event": kind, "domain": DOMAIN})
    assert api.call("GET", f"/v3/{DOMAIN}/complaints/you@example.net").status == 200
    assert api.call("GET", f"/v3/{DOMAIN}/unsubscribes/you@example.net").json["tags"] == ["news"]


def test_rejected_event_has_its_reason(api: Wire) -> None:
    shown = api.control("POST", "events", {"event": "rejected", "domain": DOMAIN, "reason": "No"})
    assert shown["reject"] == {"reason": "No", "description": ""}
    assert [item["event"] for item in api.events()] == ["rejected"]

"""Members that arrive many at once, as JSON in a form field."""

from __future__ import annotations

import json

from .wire import Wire

LIST = "developers@mg.example.com"


def test_words_for_subscribed_become_booleans(api: Wire) -> None:
    """Mailgun's JavaScript client sends `"subscribed": "yes"` inside the JSON."""
    batch = [
        {"address": "a@example.net", "subscribed": "yes"},
        {"address": "b@example.net", "subscribed": "no"},
        {"address": "c@example.net", "subscribed": False},
    ]
    reply = api.call("POST", f"/v3/lists/{LIST}/members.json", [("members", json.dumps(batch))])
    assert reply.status == 200, reply.text
    members = api.call("GET", f"/v3/lists/{LIST}/members/pages").json["items"]
    subscribed = {member["address"]: member["subscribed"] for member in members}
    assert (subscribed["a@example.net"], subscribed["b@example.net"], subscribed["c@example.net"]) == (
        True,
        False,
        False,
    )
    only = api.call("GET", f"/v3/lists/{LIST}/members/pages?subscribed=yes").json["items"]
    assert "a@example.net" in [member["address"] for member in only]

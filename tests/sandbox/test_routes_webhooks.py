"""Routes of the account and webhooks of a domain: what forwards mail data to other places."""

from __future__ import annotations

import re

import pytest

from .wire import DOMAIN, Wire

HOOKS = f"/v3/domains/{DOMAIN}/webhooks"
SEEDED = {
    "id": "6797c62f6ee0a9fcb1ec5eee",
    "priority": 10,
    "description": "Support mail goes to the desk",
    "expression": 'match_recipient("support@mg.example.com")',
    "actions": ['forward("https://desk.example.com/inbound")', "stop()"],
    "created_at": "Fri, 28 Feb 2025 22:44:03 GMT",
}
ONE = f"/v3/routes/{SEEDED['id']}"


def test_routes_list_with_a_total(api: Wire) -> None:
    assert api.call("GET", "/v3/routes").json == {"total_count": 1, "items": [SEEDED]}
    assert api.call("GET", "/v3/routes?skip=1").json == {"total_count": 1, "items": []}
    reply = api.call("GET", "/v3/routes?limit=1001")
    assert (reply.status, reply.json) == (400, {"message": "The 'limit' parameter can't be larger than 1000"})


def test_create_takes_action_and_answers_actions(api: Wire) -> None:
    form = [
        ("expression", 'match_header("subject", ".*") and not match_recipient("x@.*")'),
        ("action", 'forward("a@example.com, https://example.com/in")'),
        ("action", "store(notify='https://example.com/n')"),
    ]
    body = api.call("POST", "/v3/routes", form).json
    assert body["message"] == "Route has been created"
    identifier = body["route"].pop("id")
    assert re.fullmatch(r"[0-9a-f]{24}", identifier)
    assert body["route"] == {
        "priority": 0,
        "description": "",
        "expression": form[0][1],
        "actions": [form[1][1], form[2][1]],
        "created_at": "Thu, 15 Jan 2026 12:00:00 GMT",
    }


def test_equal_routes_are_made_twice(api: Wire) -> None:
    form = [("expression", "catch_all()"), ("action", "stop()")]
    first, second = (api.call("POST", "/v3/routes", form).json["route"]["id"] for _ in range(2))
    assert first != second
    assert api.call("GET", "/v3/routes").json["total_count"] == 3


@pytest.mark.parametrize(
    "form",
    [
        [("action", "stop()")],
        [("expression", "catch_all()")],
        [("expression", "catch_all()"), ("actions", "stop()")],
        [("expression", "everything()"), ("action", "stop()")],
        [("expression", 'match_recipient("[")'), ("action", "stop()")],
        [("expression", "match_recipient(x)"), ("action", "stop()")],
        [("expression", "catch_all() catch_all()"), ("action", "stop()")],
        [("expression", "catch_all() and"), ("action", "stop()")],
        [("expression", "or catch_all()"), ("action", "stop()")],
        [("expression", "(catch_all()"), ("action", "stop()")],
        [("expression", "catch_all())"), ("action", "stop()")],
        [("expression", "catch_all()"), ("action", "delete()")],
        [("expression", "catch_all()"), ("action", '["stop()"]')],
        [("expression", "catch_all()"), ("action", "stop()"), ("priority", "high")],
    ],
)
def test_create_refuses_what_cannot_be_read(api: Wire, form: list[tuple[str, str]]) -> None:
    reply = api.call("POST", "/v3/routes", form)
    assert (reply.status, list(reply.json)) == (400, ["message"])
    assert api.call("GET", "/v3/routes").json["total_count"] == 1


def test_get_and_404(api: Wire) -> None:
    assert api.call("GET", ONE).json == {"route": SEEDED}
    for method in ("GET", "PUT", "DELETE"):
        reply = api.call(method, "/v3/routes/000000000000000000000000")
        assert (reply.status, reply.json) == (404, {"message": "Route not found"})


def test_update_is_partial_flat_and_replaces_all_actions(api: Wire) -> None:
    """Recorded 2025; the published contract wraps it in `route`."""
    assert api.call("PUT", ONE, [("priority", "3")]).json == {
        **SEEDED,
        "priority": 3,
        "message": "Route has been updated",
    }
    assert api.call("PUT", ONE, [("action", "store()")]).json["actions"] == ["store()"]
    assert api.call("GET", ONE).json["route"] == {**SEEDED, "priority": 3, "actions": ["store()"]}


def test_delete_route(api: Wire) -> None:
    assert api.call("DELETE", ONE).json == {"id": SEEDED["id"], "message": "Route has been deleted"}
    assert api.call("DELETE", ONE).status == 404


def test_only_configured_webhooks_are_listed(api: Wire) -> None:
    assert api.call("GET", HOOKS).json == {
        "webhooks": {"delivered": {"urls": ["https://hooks.example.com/mailgun/delivered"]}}
    }


def test_life_of_a_webhook(api: Wire) -> None:
    urls = ["https://a.example.com/1", "https://b.example.com/2"]
    created = api.call("POST", HOOKS, [("id", "clicked"), *(("url", url) for url in urls)])
    assert (created.status, created.json) == (
        200,
        {"message": "Webhook has been created", "webhook": {"urls": urls}},
    )
    assert api.call("GET", HOOKS + "/clicked").json == {"webhook": {"urls": urls}}
    updated = api.call("PUT", HOOKS + "/clicked", [("id", "clicked"), ("url", "https://c.example.com")])
    assert updated.json == {
        "message": "Webhook has been updated",
        "webhook": {"urls": ["https://c.example.com"]},
    }
    assert api.call("DELETE", HOOKS + "/clicked").json == {
        "message": "Webhook has been deleted",
        "webhook": {"urls": ["https://c.example.com"]},
    }
    for method, form in (("GET", None), ("PUT", [("url", "https://c.example.com")]), ("DELETE", None)):
        reply = api.call(method, HOOKS + "/clicked", form)
        assert (reply.status, reply.json) == (404, {"message": "Webhook not found"})


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ([("url", "https://a.example.com")], {"message": "Missing parameter 'id'"}),
        ([("id", "clicked")], {"message": "Missing parameter 'url'"}),
        (
            [("id", "clicked"), ("url", "https://hooks.invalid/x")],
            {"Reason": "https://hooks.invalid/x is not a valid url: host not found"},
        ),
        (
            [("id", "clicked"), ("url", "ftp://a.example.com")],
            {"Reason": "ftp://a.example.com is not a valid url: unsupported protocol scheme"},
        ),
        (
            [("id", "clicked"), *(("url", f"https://h{n}.example.com") for n in range(4))],
            {"message": "Only 3 URLs are allowed per webhook type"},
        ),
        (
            [("id", "delivered"), ("url", "https://a.example.com")],
            {"message": "Webhook 'delivered' already exists"},
        ),
        (
            [("id", "bounce"), ("url", "https://a.example.com")],
            {
                "message": "Invalid webhook type 'bounce'. It can be any of: accepted, delivered, opened, clicked, "
                "unsubscribed, complained, permanent_fail, temporary_fail"
            },
        ),
    ],
)
def test_create_webhook_refuses(api: Wire, form: list[tuple[str, str]], body: dict[str, str]) -> None:
    reply = api.call("POST", HOOKS, form)
    assert (reply.status, reply.json) == (400, body)

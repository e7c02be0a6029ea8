"""Maton: keys, connections in both shapes, which connection serves a call, the rate limit; Mailgun's own shape."""

from __future__ import annotations

import re
from typing import Any

import pytest

from .wire import DOMAIN, Wire

SEEDED = "78b5a036-c621-40c2-b74b-276195735af2"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DOMAINS = "/mailgun/v3/domains"


def served_by(api: Wire, connection: str | None = None) -> Any:
    """Status, and the connection the sandbox recorded."""
    headers = {} if connection is None else {"Maton-Connection": connection}
    reply = api.call("GET", "/v3/domains", headers=headers)
    return reply.status, api.requests()[-1]["connection_id"]


@pytest.mark.parametrize("path", ["/connections", DOMAINS, "/mailgun/v3/nowhere", "/slack/api", "/"])
@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}, {"x-api-key": "sandbox-maton-key"}],
)
def test_every_path_of_maton_asks_for_its_key(api: Wire, path: str, headers: dict[str, str]) -> None:
    reply = api.raw("GET", path, headers=headers)
    assert (reply.status, reply.json) == (401, {"error": {"message": "Invalid API key", "code": 401}})


def test_connections_list_in_full(api: Wire) -> None:
    assert api.maton("GET", "/connections?app=mailgun&status=ACTIVE").json == {
        "connections": [
            {
                "connection_id": SEEDED,
                "status": "ACTIVE",
                "creation_time": "2025-02-24T22:44:03.551210Z",
                "last_updated_time": "2025-02-24T22:45:03.542838Z",
                "url": "https://connect.maton.ai/?session_token=sandbox-seed",
                "app": "mailgun",
                "metadata": {},
                "method": "API_KEY",
            }
        ]
    }


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 3),
        ("?app=mailgun", 2),
        ("?app=slack", 1),
        ("?status=PENDING", 1),
        ("?method=OAUTH2", 1),
        ("?limit=1", 1),
        ("?limit=0", 3),
        ("?app=wrike", 0),
    ],
)
def test_connections_are_filtered(api: Wire, query: str, count: int) -> None:
    api.control("POST", "connections", {"status": "PENDING"})
    api.control("POST", "connections", {"app": "slack", "method": "OAUTH2"})
    assert len(api.maton("GET", "/connections" + query).json["connections"]) == count


def test_unless_told_otherwise_thirty_are_listed(api: Wire) -> None:
    for _ in range(31):
        api.control("POST", "connections", {})
    assert len(api.maton("GET", "/connections").json["connections"]) == 30
    assert len(api.maton("GET", "/connections?limit=0").json["connections"]) == 32


@pytest.mark.parametrize("query", ["?status=active", "?method=KEY", "?limit=x"])
def test_unknown_filter_words_are_refused(api: Wire, query: str) -> None:
    assert api.maton("GET", "/connections" + query).status == 400


def test_life_of_a_connection(api: Wire) -> None:
    """Create answers flat, get wrapped; a person makes it ACTIVE; a second delete answers 404."""
    created = api.maton("POST", "/connections", json_body={"app": "mailgun"}).json
    identifier = created["connection_id"]
    assert UUID.fullmatch(identifier)
    assert created["url"].startswith("https://connect.maton.ai/?session_token=")
    assert {key: created[key] for key in ("status", "app")} == {"status": "PENDING", "app": "mailgun"}
    assert list(created) == ["connection_id", "status", "url", "app"]
    assert served_by(api, identifier) == (400, None)
    api.clock.now += 5
    api.control("POST", f"connections/{identifier}", {"status": "ACTIVE"})
    shown = api.maton("GET", f"/connections/{identifier}").json["connection"]
    assert (shown["status"], shown["creation_time"], shown["last_updated_time"]) == (
        "ACTIVE",
        "2026-01-15T12:00:00.000000Z",
        "2026-01-15T12:00:05.000000Z",
    )
    assert served_by(api, identifier) == (200, identifier)
    deleted = api.maton("DELETE", f"/connections/{identifier}")
    assert (deleted.status, deleted.json) == (200, {})
    for method in ("GET", "DELETE"):
        gone = api.maton(method, f"/connections/{identifier}")
        body = {"message": f"Connection {identifier} not found", "type": "Not Found", "code": 404}
        assert (gone.status, gone.json) == (404, body)


def test_every_create_makes_another_connection(api: Wire) -> None:
    first, second = (api.maton("POST", "/connections", json_body={"app": "mailgun"}).json for _ in range(2))
    assert first["connection_id"] != second["connection_id"]


def test_create_wants_json_and_a_known_app(api: Wire) -> None:
    for reply in (
        api.maton("POST", "/connections", [("app", "mailgun")]),
        api.maton("POST", "/connections", json_body={"app": "nosuch"}),
        api.maton("POST", "/connections", json_body={"app": "mailgun", "method": "KEY"}),
        api.maton("POST", "/connections", json_body=["mailgun"]),
    ):
        assert (reply.status, reply.json["error"]["code"]) == (400, 400)
    assert len(api.maton("GET", "/connections").json["connections"]) == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/connections"),
        ("POST", f"/connections/{SEEDED}"),
        ("GET", "/connections/"),
        ("GET", "/connections/a/b"),
    ],
)
def test_other_connection_paths_answer_404(api: Wire, method: str, path: str) -> None:
    reply = api.maton(method, path)
    assert (reply.status, reply.json) == (404, {"error": {"message": "Not Found", "code": 404}})


def test_no_active_connection_answers_400(api: Wire) -> None:
    expected = {"error": {"message": "No active connection found for app 'mailgun'", "code": 400}}
    api.control("POST", f"connections/{SEEDED}", {"status": "FAILED"})
    assert api.call("GET", "/v3/domains").json == expected
    api.maton("DELETE", f"/connections/{SEEDED}")
    reply = api.call("GET", "/v3/domains")
    assert (reply.status, reply.json) == (400, expected)


def test_one_connection_serves_without_being_named(api: Wire) -> None:
    assert served_by(api) == (200, SEEDED)


def test_with_several_the_default_is_switchable(api: Wire) -> None:
    """Maton's documents contradict each other, so a client must not rely on it."""
    newer = api.control("POST", "connections", {})["connection_id"]
    assert served_by(api) == (200, SEEDED)
    api.control("POST", "settings", {"default_connection": "newest"})
    assert served_by(api) == (200, newer)
    assert served_by(api, SEEDED) == (200, SEEDED)


def test_unknown_connection_header_answers_404(api: Wire) -> None:
    reply = api.call("GET", "/v3/domains", headers={"Maton-Connection": "nope"})
    body = {"message": "Connection nope not found", "type": "Not Found", "code": 404}
    assert (reply.status, reply.json) == (404, body)


def test_connection_of_another_app_is_refused(api: Wire) -> None:
    other = api.control("POST", "connections", {"app": "slack"})["connection_id"]
    assert served_by(api, other) == (400, None)


def test_unknown_apps_are_refused(api: Wire) -> None:
    reply = api.maton("GET", "/nosuch/v3/domains")
    assert (reply.status, reply.json) == (400, {"error": {"message": "Invalid app name 'nosuch'", "code": 400}})
    assert api.maton("GET", "/slack/api").status == 400


def test_ten_requests_a_second_when_switched_on(api: Wire) -> None:
    api.control("POST", "settings", {"maton_rate_limit": True})
    statuses = [api.call("GET", "/v3/domains").status for _ in range(9)]
    statuses.append(api.maton("GET", "/connections").status)
    assert statuses == [200] * 10
    reply = api.call("GET", "/v3/domains")
    assert (reply.status, reply.json) == (429, {"error": {"message": "Rate limit exceeded", "code": 429}})
    api.clock.now += 1
    assert api.call("GET", "/v3/domains").status == 200


def test_a_revoked_mailgun_key_is_mailguns_401(api: Wire) -> None:
    """Text on the sending endpoints (recorded), JSON elsewhere: neither is about the Maton key."""
    api.control("POST", f"connections/{SEEDED}", {"mailgun_key": "key-revoked"})
    text = api.send_mail()
    assert (text.status, text.content_type, text.text) == (401, "text/plain", "Forbidden")
    other = api.call("GET", "/v3/domains")
    assert (other.status, other.json) == (401, {"message": "Invalid private key"})


def test_mailguns_own_shape_takes_basic_authentication(api: Wire) -> None:
    assert api.mailgun("GET", "/v3/domains").json == api.call("GET", "/v3/domains").json
    assert api.mailgun("GET", "/v4/domains").status == 200
    assert api.mailgun("GET", "/v3/domains", key="wrong").json == {"message": "Invalid private key"}
    refused = api.mailgun("POST", f"/v3/{DOMAIN}/messages", [], key="wrong")
    assert (refused.status, refused.text) == (401, "Forbidden")


@pytest.mark.parametrize("value", ["Bearer sandbox-maton-key", "Basic !!!", "Basic eDprZXktc2FuZGJveA==", ""])
def test_mailgun_knows_no_maton_key(api: Wire, value: str) -> None:
    assert api.raw("GET", "/v3/domains", headers={"Authorization": value}).status == 401


@pytest.mark.parametrize("path", ["/connections", DOMAINS, "/v3/domains"])
def test_mailguns_host_is_no_gateway(api: Wire, path: str) -> None:
    """A client that follows a cursor as it stands takes its Maton key to Mailgun, and gets nothing for it."""
    headers = {"Host": "api.mailgun.net", "Authorization": "Bearer sandbox-maton-key"}
    assert api.raw("GET", path, headers=headers).status == 401


@pytest.mark.parametrize(
    "path",
    [
        "/mailgun",
        "/mailgun/domains",
        "/mailgun/v3",
        "/mailgun/v3/nowhere",
        "/mailgun/v3//messages",
        "/mailgun/v3/domains/",
        f"/mailgun/v3/{DOMAIN}/events/",
        "/mailgun/v3/domains/..",
        "/mailgun/v5/accounts",
        "/mailgun/https://api.mailgun.net/v3/domains",
    ],
)
def test_unknown_paths_answer_html(api: Wire, path: str) -> None:
    reply = api.maton("GET", path)
    assert (reply.status, reply.content_type) == (404, "text/html")


@pytest.mark.parametrize(
    ("method", "path"), [("PATCH", "/v3/domains"), ("PUT", f"/v3/{DOMAIN}/messages"), ("POST", f"/v3/{DOMAIN}/events")]
)
def test_a_wrong_verb_answers_405(api: Wire, method: str, path: str) -> None:
    reply = api.call(method, path)
    assert (reply.status, reply.content_type) == (405, "text/plain")
    assert api.requests()[0]["acted"] is False

"""Domains: listing, shape, creation, deletion in the background."""

from __future__ import annotations

import pytest

from maton_mailgun.sandbox import Sandbox

from .wire import Wire

SANDBOX_DOMAIN = "sandbox0123456789abcdef0123456789abcdef.mailgun.org"

MG = {
    "created_at": "Thu, 27 Feb 2025 22:44:03 GMT",
    "id": "67bcf63306fcfd2fb4b7e003",
    "is_disabled": False,
    "name": "mg.example.com",
    "require_tls": False,
    "skip_verification": False,
    "smtp_login": "postmaster@mg.example.com",
    "spam_action": "disabled",
    "state": "active",
    "type": "custom",
    "use_automatic_sender_security": False,
    "web_prefix": "email",
    "web_scheme": "http",
    "wildcard": False,
    "encrypt_incoming_message": False,
    "message_ttl": 259200,
}


def names(api: Wire, query: str = "") -> list[str]:
    return [item["name"] for item in api.call("GET", f"/v3/domains{query}").json["items"]]


def test_the_seed_lists_newest_first(api: Wire) -> None:
    reply = api.call("GET", "/v3/domains")
    assert (reply.status, reply.content_type) == (200, "application/json")
    assert reply.json["total_count"] == 4
    assert names(api) == ["mg.example.com", "unverified.example.com", "disabled.example.com", SANDBOX_DOMAIN]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?state=unverified", ["unverified.example.com"]),
        ("?sort=name", ["disabled.example.com", "mg.example.com", SANDBOX_DOMAIN, "unverified.example.com"]),
        ("?sort=name:desc&limit=1", ["unverified.example.com"]),
        ("?search=example&skip=1&limit=1", ["unverified.example.com"]),
        ("?limit=1&skip=9", []),
    ],
)
def test_list_filters_sorts_and_pages(api: Wire, query: str, expected: list[str]) -> None:
    assert names(api, query) == expected


def test_version_4_answers_the_same(api: Wire) -> None:
    assert api.call("GET", "/v4/domains").json == api.call("GET", "/v3/domains").json
    assert api.call("GET", "/v4/domains/mg.example.com").json == api.call("GET", "/v3/domains/MG.example.com").json


def test_get_shows_the_recorded_fields_and_dns_records(api: Wire) -> None:
    body = api.call("GET", "/v3/domains/mg.example.com").json
    assert body["domain"] == MG
    assert body["receiving_dns_records"][0] == {
        "is_active": True,
        "cached": ["mxa.mailgun.org"],
        "priority": "10",
        "record_type": "MX",
        "valid": "valid",
        "value": "mxa.mailgun.org",
    }
    assert [(r["record_type"], r["name"], "priority" in r) for r in body["sending_dns_records"]] == [
        ("TXT", "mg.example.com", False),
        ("TXT", "k1._domainkey.mg.example.com", False),
        ("CNAME", "email.mg.example.com", False),
    ]


def test_unknown_domain_answers_404_json(api: Wire) -> None:
    reply = api.call("GET", "/v3/domains/nobody.example.com")
    assert (reply.status, reply.json) == (404, {"message": "Domain not found"})


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/v3/nobody.test/bounces", "Domain not found"),
        ("/v3/nobody.test/events", "Domain not found"),
        ("/v3/nobody.test/tags", "Domain not found"),
        ("/v3/nobody.test/stats/total?event=delivered", "Domain not found"),
        ("/v3/domains/nobody.test/webhooks", "Domain not found"),
        ("/v3/domains/nobody.test/tracking", "Domain not found"),
        ("/v3/domains/nobody.test/credentials", "Domain not found"),
        ("/v3/nobody.test/templates", "domain not found"),
    ],
)
def test_unknown_domain_under_every_area(api: Wire, path: str, message: str) -> None:
    """Templates alone say it in lower case (recorded)."""
    reply = api.call("GET", path)
    assert (reply.status, reply.json) == (404, {"message": message})


def test_create_answers_with_records_and_an_unverified_domain(api: Wire) -> None:
    reply = api.call(
        "POST", "/v3/domains", [("name", "New.example.org"), ("wildcard", "true"), ("web_scheme", "https")]
    )
    body = reply.json
    assert reply.status == 200
    assert body["message"] == "Domain DNS records have been created"
    assert {key: body["domain"][key] for key in ("name", "state", "wildcard", "web_scheme", "created_at")} == {
        "name": "new.example.org",
        "state": "unverified",
        "wildcard": True,
        "web_scheme": "https",
        "created_at": "Thu, 15 Jan 2026 12:00:00 GMT",
    }
    assert body["sending_dns_records"][0]["valid"] == "unknown"
    assert names(api)[0] == "new.example.org"


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ([("name", "mg.example.com")], "This domain name is already taken"),
        (
            [("name", "a.example.org"), ("smtp_password", "1234")],
            "Password is too short. It must be between 5 and 32 characters.",
        ),
        ([], "Domain name is missing"),
        ([("name", "not a domain")], "'not a domain' is not a valid domain name"),
        (
            [("name", "a.example.org"), ("wildcard", "yes")],
            "Invalid value 'yes' for parameter 'wildcard'. It can be any of: true, false",
        ),
        (
            [("name", "a.example.org"), ("dkim_host_name", "x"), ("force_dkim_authority", "true")],
            "'dkim_host_name' can't be used with 'force_dkim_authority' or 'force_root_dkim_host'",
        ),
        ([("name", "a.example.org"), ("ips", "203.0.113.1")], "IP 203.0.113.1 does not belong to the account"),
    ],
)
def test_create_refuses(api: Wire, form: list[tuple[str, str]], message: str) -> None:
    reply = api.call("POST", "/v3/domains", form)
    assert (reply.status, reply.json) == (400, {"message": message})


def test_a_json_body_counts_as_no_field_at_all(api: Wire) -> None:
    reply = api.call("POST", "/v3/domains", json_body={"name": "a.example.org"})
    assert (reply.status, reply.json) == (400, {"message": "Domain name is missing"})


def test_deletion_runs_in_the_background(api: Wire) -> None:
    """One more answer shows the domain as disabled; only then is it gone and its name free."""
    reply = api.call("DELETE", "/v3/domains/mg.example.com")
    assert (reply.status, reply.json) == (200, {"message": "Domain will be deleted in the background"})
    assert api.call("POST", "/v3/domains", [("name", "mg.example.com")]).json == {
        "message": "This domain name is already taken"
    }
    assert api.call("GET", "/v3/mg.example.com/bounces").status == 404
    assert api.call("GET", "/v3/domains/mg.example.com").json["domain"] == {
        **MG,
        "state": "disabled",
        "is_disabled": True,
    }
    assert api.call("GET", "/v3/domains/mg.example.com").status == 404
    assert api.call("DELETE", "/v3/domains/mg.example.com").json == {"message": "Domain not found"}
    assert api.call("POST", "/v3/domains", [("name", "mg.example.com")]).status == 200


def test_deletion_is_seen_in_one_list_and_ends_by_itself_after_a_minute(api: Wire) -> None:
    api.call("DELETE", "/v3/domains/mg.example.com")
    assert "mg.example.com" in names(api)
    assert "mg.example.com" not in names(api)
    api.call("DELETE", "/v3/domains/unverified.example.com")
    api.clock.now += 61
    assert api.call("GET", "/v3/domains/unverified.example.com").status == 404


@pytest.mark.parametrize("name", [SANDBOX_DOMAIN, "disabled.example.com"])
def test_sandbox_and_disabled_domains_cannot_be_deleted(api: Wire, name: str) -> None:
    reply = api.call("DELETE", f"/v3/domains/{name}")
    assert (reply.status, list(reply.json)) == (403, ["message"])
    assert name in names(api)


def test_everything_under_a_domain_goes_with_it(api: Wire, sandbox: Sandbox) -> None:
    api.call("DELETE", "/v3/domains/mg.example.com")
    api.call("GET", "/v3/domains")
    api.call("POST", "/v3/domains", [("name", "mg.example.com")])
    assert api.call("GET", "/v3/mg.example.com/bounces").json["items"] == []
    assert api.call("GET", "/v3/domains/mg.example.com/webhooks").json == {"webhooks": {}}
    assert api.call("GET", "/v3/domains/mg.example.com/credentials").json["total_count"] == 1


def test_smtp_passwords_show_only_when_switched_on(api: Wire) -> None:
    """Old answers held them in clear text, the published schema still does: a client must hide them."""
    assert "smtp_password" not in api.call("GET", "/v3/domains/mg.example.com").text
    api.control("POST", "settings", {"smtp_password_in_answers": True})
    assert api.call("GET", "/v3/domains/mg.example.com").json["domain"]["smtp_password"] == "sandbox-smtp-password-3"
    assert api.call("GET", "/v3/domains").json["items"][0]["smtp_password"] == "sandbox-smtp-password-3"


def test_update_changes_only_what_is_sent(api: Wire) -> None:
    reply = api.call("PUT", "/v4/domains/mg.example.com", [("spam_action", "tag")])
    assert (reply.status, reply.json["message"]) == (200, "Domain has been updated")
    assert reply.json["domain"] == {**MG, "spam_action": "tag"}


def test_connection_settings_and_verification(api: Wire) -> None:
    path = "/v3/domains/mg.example.com/connection"
    assert api.call("GET", path).json == {"require_tls": False, "skip_verification": False}
    assert api.call("PUT", path, [("require_tls", "true")]).json == {
        "message": "Domain connection settings have been updated, may take 10 minutes to fully propagate",
        "require_tls": True,
        "skip_verification": False,
    }
    verified = api.call("PUT", "/v3/domains/unverified.example.com/verify").json
    assert verified["message"] == "Domain DNS records have been updated"
    assert verified["domain"]["state"] == "unverified"

"""Tracking and SMTP credentials of a domain, and the account's IPs."""

from __future__ import annotations

import pytest

from .wire import DOMAIN, Wire

TRACKING = f"/v3/domains/{DOMAIN}/tracking"
LOGINS = f"/v3/domains/{DOMAIN}/credentials"
UPDATED = "Domain tracking settings have been updated"
HTML = '\n<br>\n<p><a href="%unsubscribe_url%">unsubscribe</a></p>\n'
TEXT = "\n\nTo unsubscribe click: <%unsubscribe_url%>\n\n"


def test_tracking_of_a_fresh_domain(api: Wire) -> None:
    assert api.call("GET", TRACKING).json == {
        "tracking": {
            "open": {"active": False, "place_at_the_top": False},
            "click": {"active": False},
            "unsubscribe": {"active": False, "html_footer": HTML, "text_footer": TEXT},
            "web_scheme": "http",
        }
    }


@pytest.mark.parametrize(
    ("part", "form", "settings"),
    [
        ("open", [("active", "yes")], {"active": True, "place_at_the_top": False}),
        ("open", [("place_at_the_top", "true")], {"active": False, "place_at_the_top": True}),
        ("click", [("active", "true")], {"active": True}),
        ("click", [("active", "htmlonly")], {"active": "htmlonly"}),
        ("unsubscribe", [("active", "yes")], {"active": True, "html_footer": HTML, "text_footer": TEXT}),
        (
            "unsubscribe",
            [("text_footer", "Stop: %unsubscribe_url%")],
            {"active": False, "html_footer": HTML, "text_footer": "Stop: %unsubscribe_url%"},
        ),
    ],
)
def test_tracking_updates_are_partial(
    api: Wire, part: str, form: list[tuple[str, str]], settings: dict[str, object]
) -> None:
    reply = api.call("PUT", f"{TRACKING}/{part}", form)
    assert (reply.status, reply.json) == (200, {"message": UPDATED, part: settings})
    assert api.call("GET", TRACKING).json["tracking"][part] == settings


@pytest.mark.parametrize(
    ("part", "word"), [("open", "htmlonly"), ("open", "TRUE"), ("click", "1"), ("unsubscribe", "on")]
)
def test_other_words_for_active_are_refused(api: Wire, part: str, word: str) -> None:
    assert api.call("PUT", f"{TRACKING}/{part}", [("active", word)]).status == 400


def test_credentials_list_without_passwords(api: Wire) -> None:
    assert api.call("GET", LOGINS).json == {
        "total_count": 1,
        "items": [
            {
                "created_at": "Thu, 27 Feb 2025 22:44:03 +0000",
                "login": "postmaster@mg.example.com",
                "mailbox": "postmaster@mg.example.com",
                "size_bytes": None,
            }
        ],
    }
    reply = api.call("GET", LOGINS + "?limit=1001")
    assert (reply.status, reply.json) == (400, {"message": "Limit parameter can't be larger than 1000"})


def test_a_given_password_is_not_repeated(api: Wire) -> None:
    reply = api.call("POST", LOGINS, [("login", "alice"), ("password", "correct horse")])
    assert (reply.status, reply.json) == (200, {"message": "Created 1 credentials pair(s)"})
    assert api.call("GET", LOGINS).json["items"][1]["login"] == "alice@mg.example.com"


def test_a_generated_password_is_shown_once(api: Wire) -> None:
    body = api.call("POST", LOGINS, [("login", "alice@mg.example.com"), ("login", "bob")]).json
    passwords = body.pop("credentials")
    assert body == {
        "message": "Created 2 credentials pair(s)",
        "note": "Please store your new password(s) now. You won't be able to see it anymore.",
    }
    assert {name: len(password) for name, password in passwords.items()} == {
        "alice@mg.example.com": 32,
        "bob@mg.example.com": 32,
    }


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ([], "Parameter 'login' is missing"),
        (
            [("login", "a"), ("password", "1234")],
            "Password is too short. It must be between 5 and 32 characters.",
        ),
        (
            [("login", "a"), ("password", "x" * 33)],
            "Password is too long. It must be between 5 and 32 characters.",
        ),
        ([("login", "postmaster")], "Credentials already exist: postmaster@mg.example.com"),
        (
            [("login", "a@elsewhere.example.org")],
            "'a@elsewhere.example.org' is not a valid login for the domain mg.example.com",
        ),
    ],
)
def test_create_credential_refuses(api: Wire, form: list[tuple[str, str]], message: str) -> None:
    reply = api.call("POST", LOGINS, form)
    assert (reply.status, reply.json) == (400, {"message": message})


@pytest.mark.parametrize("login", ["alice", "Alice%40mg.example.com"])
def test_delete_takes_local_part_or_address(api: Wire, login: str) -> None:
    api.call("POST", LOGINS, [("login", "alice"), ("password", "12345")])
    assert api.call("DELETE", f"{LOGINS}/{login}").json == {
        "message": "Credentials have been deleted",
        "spec": "alice@mg.example.com",
    }
    again = api.call("DELETE", f"{LOGINS}/{login}")
    assert (again.status, again.json) == (404, {"message": "Credentials not found"})


def test_the_system_mailbox_stays(api: Wire) -> None:
    reply = api.call("DELETE", LOGINS + "/postmaster")
    assert (reply.status, reply.json) == (
        400,
        {"message": "Cannot delete system mailbox: postmaster@mg.example.com"},
    )


@pytest.mark.parametrize("slash", ["", "/"])
def test_delete_without_a_login_wipes_all_logins(api: Wire, slash: str) -> None:
    api.call("POST", LOGINS, [("login", "alice"), ("password", "12345")])
    assert api.call("DELETE", LOGINS + slash).json == {
        "message": "All domain credentials have been deleted",
        "count": 2,
    }
    assert api.call("GET", LOGINS).json["total_count"] == 0


def test_a_password_is_changed_or_made(api: Wire) -> None:
    one = LOGINS + "/postmaster"
    assert api.call("PUT", one, [("password", "12345")]).json == {"message": "Password changed"}
    assert list(api.call("PUT", one, []).json["credentials"]) == ["postmaster@mg.example.com"]
    assert api.call("PUT", LOGINS + "/nobody", []).status == 404


@pytest.mark.parametrize("query", ["", "?dedicated=true", "?dedicated=false&enabled=true"])
def test_ips_are_plain_strings(api: Wire, query: str) -> None:
    assert api.call("GET", "/v3/ips" + query).json == {
        "items": ["192.0.2.10", "192.0.2.11"],
        "total_count": 2,
        "details": [
            {"ip": "192.0.2.10", "is_on_warmup": False},
            {"ip": "192.0.2.11", "is_on_warmup": False},
        ],
        "assignable_to_pools": ["192.0.2.10", "192.0.2.11"],
    }


def test_one_ip_and_an_unknown_one(api: Wire) -> None:
    assert api.call("GET", "/v3/ips/192.0.2.10").json == {
        "ip": "192.0.2.10",
        "dedicated": True,
        "rdns": "luna.mailgun.net",
    }
    reply = api.call("GET", "/v3/ips/2001%3Adb8%3A%3A1")
    assert (reply.status, reply.json) == (404, {"message": "IP not found"})
    assert api.call("GET", "/v3/ips?dedicated=yes").status == 400

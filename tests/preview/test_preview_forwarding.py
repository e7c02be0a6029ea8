from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fake_account import FakeAccount, propose

from maton_mailgun.approval.preview.forwarding import targets
from maton_mailgun.approval.preview.look import Look, make
from maton_mailgun.mail.hosts import place

PRIVATE, METADATA = "private or local address", "cloud metadata address"
SPELLED = "{} (an unusual spelling of {})"
BEFORE_THE_AT = "what stands before the @ is not the host; it leads to {}"


@pytest.mark.parametrize(
    ("url", "host", "flags"),
    [
        ("https://127.0.0.1/", "127.0.0.1", [PRIVATE]),
        ("https://10.1.2.3/", "10.1.2.3", [PRIVATE]),
        ("https://192.168.0.1/", "192.168.0.1", [PRIVATE]),
        ("https://0.0.0.0/", "0.0.0.0", [PRIVATE]),  # noqa: S104
        ("https://169.254.169.254/latest/meta-data", "169.254.169.254", [METADATA]),
        ("https://metadata.google.internal/", "metadata.google.internal", ["cloud metadata host"]),
        ("https://[::1]/", "::1", [PRIVATE]),
        ("https://[fd00:ec2::254]/", "fd00:ec2::254", [METADATA]),
        ("https://[fe80::1]/", "fe80::1", [PRIVATE]),
        ("https://[::ffff:10.0.0.1]/", "::ffff:10.0.0.1", [SPELLED.format(PRIVATE, "10.0.0.1")]),
        ("https://[64:ff9b::a9fe:a9fe]/", "64:ff9b::a9fe:a9fe", [SPELLED.format(METADATA, "169.254.169.254")]),
        ("https://2130706433/", "2130706433", [SPELLED.format(PRIVATE, "127.0.0.1")]),
        ("https://0x7f000001/", "0x7f000001", [SPELLED.format(PRIVATE, "127.0.0.1")]),
        ("https://0177.0.0.1/", "0177.0.0.1", [SPELLED.format(PRIVATE, "127.0.0.1")]),
        ("https://127.1/", "127.1", [SPELLED.format(PRIVATE, "127.0.0.1")]),
        ("https://134744072/", "134744072", ["an unusual spelling of the address 8.8.8.8"]),
        ("https://１２７.0.0.1/", "127.0.0.1", [PRIVATE]),
        ("https://%31%32%37.0.0.1/", "127.0.0.1", ["the host is spelled with percent signs; it is 127.0.0.1", PRIVATE]),
        ("https://localhost/", "localhost", ["private or local name"]),
        ("https://localhost./", "localhost.", ["private or local name"]),
        ("https://db/", "db", ["private or local name"]),
        ("https://printer.local/", "printer.local", ["private or local name"]),
        ("https://api.internal/", "api.internal", ["private or local name"]),
        (
            "https://10.0.0.1.nip.example.com/",
            "10.0.0.1.nip.example.com",
            ["the name holds the private address 10.0.0.1"],
        ),
        ("https://example.com@10.0.0.1/", "10.0.0.1", [BEFORE_THE_AT.format("10.0.0.1"), PRIVATE]),
        (
            "https://evil.example.net\\@example.com/",
            "evil.example.net",
            [
                "holds a space, control character or backslash: programs disagree about where it leads",
                "programs that are no browsers lead to example.com",
            ],
        ),
        ("https://[oops/", "", ["cannot be read as a URL"]),
        ("https://", "", ["names no host"]),
        *(
            (url, "evil.example.net", ["is not written as scheme://host: browsers repair it, other programs may not"])
            for url in ("https:///evil.example.net", "https:evil.example.net", "HTTPS:/evil.example.net/x")
        ),
    ],
)
def test_attack_29_a_private_or_disguised_place_is_told(url: str, host: str, flags: list[str]) -> None:
    found = place(url)
    assert (found.host, list(found.flags), found.dangerous) == (host, flags, True)


@pytest.mark.parametrize(
    ("url", "host", "flags"),
    [
        ("https://hooks.example.com/a", "hooks.example.com", []),
        ("http://hooks.example.com/a", "hooks.example.com", ["cleartext http"]),
        ("https://hooks.example.com:8443/", "hooks.example.com", ["port 8443"]),
        ("https://8.8.8.8/", "8.8.8.8", []),
        ("ftp://files.example.com/", "files.example.com", ["not https: ftp"]),
    ],
)
def test_a_public_place_is_not_called_dangerous(url: str, host: str, flags: list[str]) -> None:
    found = place(url)
    assert (found.host, list(found.flags), found.dangerous) == (host, flags, False)


@pytest.mark.parametrize(
    ("action", "found"),
    [
        ('forward("a@example.com")', ["a@example.com"]),
        ("forward('https://a.example/x, b@example.com')", ["https://a.example/x", "b@example.com"]),
        ('store(notify="https://a.example/x")', ["https://a.example/x"]),
        ("store()", []),
        ("stop()", []),
        ("forward(https://a.example)", ["forward(https://a.example)"]),
        ("something else", ["something else"]),
    ],
)
def test_route_actions_name_their_destinations(action: str, found: list[str]) -> None:
    assert targets(action) == found


def look(tool: str, arguments: dict[str, Any], answers: dict[str, Any] | None = None) -> tuple[Look, list[str]]:
    account = FakeAccount(answers or {})
    return asyncio.run(make(propose(tool, arguments, account))), account.asked


def where(found: Look) -> list[tuple[str, str, list[str]]]:
    return [
        (row["label"], row["value"], row["flags"])
        for section in found.preview["sections"]
        if section["heading"] == "Where data goes"
        for row in section["rows"]
    ]


def test_attack_29_old_and_new_urls_of_a_webhook_are_shown_and_none_is_fetched() -> None:
    url = "GET /v3/domains/mg.example.com/webhooks/delivered"
    found, asked = look(
        "update_webhook",
        {
            "domain": "mg.example.com",
            "webhook_type": "delivered",
            "urls": ["https://a.example.com/", "http://10.0.0.1/x"],
        },
        {url: {"webhook": {"urls": ["https://a.example.com/", "https://old.example.com/"]}}},
    )
    assert where(found) == [
        ("Forwards to (as now)", "https://a.example.com/", ["host a.example.com"]),
        ("Forwards to (new)", "http://10.0.0.1/x", ["host 10.0.0.1", "cleartext http", "private or local address"]),
        ("No longer forwards to", "https://old.example.com/", []),
    ]
    assert found.warnings[:2] == [
        "Data will be forwarded to 10.0.0.1.",
        "http://10.0.0.1/x: cleartext http; private or local address.",
    ]
    assert found.risk == "high"
    assert asked == [url]


@pytest.mark.parametrize(
    "expression",
    ["catch_all()", 'match_recipient(".*")', "match_recipient('.*@.*')", 'match_header("to", ".+")', "CATCH_ALL ( )"],
)
def test_a_rule_that_takes_all_mail_is_flagged(expression: str) -> None:
    found, _ = look("create_route", {"expression": expression, "actions": ['forward("https://in.example.com/")']})
    assert "This rule takes all inbound mail of the account, not only some of it." in found.warnings
    assert found.risk == "high"


def test_a_rule_for_one_address_is_not_flagged() -> None:
    found, _ = look("create_route", {"expression": 'match_recipient("a.*@example.com")', "actions": ["stop()"]})
    assert not any("takes all" in line for line in found.warnings)


def test_forwarding_to_an_imitated_mail_domain_is_flagged() -> None:
    found, _ = look("create_route", {"expression": "match_recipient('x')", "actions": ['forward("me@аррӏе.com")']})
    assert found.warnings[1] == (
        "me@аррӏе.com: international domain: xn--80ak6aa92e.com shows as аррӏе.com; looks like apple.com but is not."
    )


def test_archiving_of_a_new_domain_is_forwarding() -> None:
    found, _ = look("create_domain", {"name": "a.example.com", "archive_to": "https://10.0.0.8/mail"})
    assert where(found) == [
        ("Forwards to (new)", "https://10.0.0.8/mail", ["host 10.0.0.8", "private or local address"])
    ]
    assert found.risk == "high"


CAPTURED = ["the mail that comes in decides where it goes"]
RECEIVES = "Whoever an action forwards to or notifies receives the matching mail, content and attachments included."


@pytest.mark.parametrize(
    ("destination", "host"),
    [
        (r"https://example.com/\g<user>", "example.com"),
        (r"https://example.com/a/\1?to=\2", "example.com"),
        (r"https://example.com?user=\g<1>", "example.com"),
        (r"\g<user>@example.com", "example.com"),
        (r"inbox+\1@example.com", "example.com"),
    ],
)
def test_a_capture_in_a_route_that_does_not_say_where_it_goes_is_no_alarm(destination: str, host: str) -> None:
    found, _ = look("create_route", {"expression": "match_recipient('x')", "actions": [f'forward("{destination}")']})
    assert where(found) == [("Forwards to (new)", destination, [f"host {host}"])]
    assert found.warnings == [f"Data will be forwarded to {host}.", RECEIVES]
    assert found.risk == "medium"


@pytest.mark.parametrize(
    "destination",
    [
        r"https://\g<host>/in",
        r"https://example.com\1/in",
        r"https://example.com\g<x>@evil.example.net/",
        r"https://example.com:\1/",
        r"\1://example.com/",
        r"bob@\g<domain>",
        r"\1",
    ],
)
def test_attack_29_a_capture_that_says_where_it_goes_is_told(destination: str) -> None:
    found, _ = look("create_route", {"expression": "match_recipient('x')", "actions": [f'forward("{destination}")']})
    assert where(found) == [("Forwards to (new)", destination, CAPTURED)]
    assert found.warnings == [f"{destination}: {CAPTURED[0]}.", RECEIVES]
    assert found.risk == "high"


@pytest.mark.parametrize("url", [r"https://example.com/\g<user>", r"https://example.com\1/"])
def test_attack_29_outside_routes_there_are_no_captures(url: str) -> None:
    found, _ = look("create_webhook", {"domain": "mg.example.com", "webhook_type": "opened", "urls": [url]})
    assert any("holds a space, control character or backslash" in line for line in found.warnings)


@pytest.mark.parametrize("path", ["\\n", "a\\evil", "\\0", "\\g<", "\\g<a b>"])
def test_attack_29_another_backslash_in_a_route_stays_an_alarm(path: str) -> None:
    found, _ = look(
        "create_route", {"expression": "match_recipient('x')", "actions": [f'forward("https://example.com/{path}")']}
    )
    assert found.risk == "high"

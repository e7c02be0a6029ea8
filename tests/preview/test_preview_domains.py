from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fake_account import FakeAccount, propose, section

from maton_mailgun.approval.preview.look import Look, make

D = "mg.example.com"
DOMAIN = f"GET /v3/domains/{D}"
LOGINS = f"GET /v3/domains/{D}/credentials?limit=1000"


def look(tool: str, arguments: dict[str, Any], answers: dict[str, Any]) -> Look:
    return asyncio.run(make(propose(tool, arguments, FakeAccount(answers))))


def _records(state: str, *valid: str) -> dict[str, Any]:
    sending = [
        {"name": f"r{number}.{D}", "record_type": "TXT", "value": f"v={number}", "valid": one}
        for number, one in enumerate(valid)
    ]
    receiving = [{"record_type": "MX", "priority": "10", "value": "mxa.mailgun.org", "valid": "unknown"}]
    return {
        DOMAIN: {
            "domain": {"name": D, "state": state},
            "sending_dns_records": sending,
            "receiving_dns_records": receiving,
        }
    }


def test_verifying_a_domain_shows_each_record_and_whether_it_was_found() -> None:
    found = look("verify_domain", {"domain": D}, _records("unverified", "valid", "unknown"))
    (records,) = [part for part in found.preview["sections"] if part["heading"] == "Records as Mailgun saw them last"]
    assert [(row["label"], row["value"], row["flags"]) for row in records["rows"]] == [
        (f"TXT r0.{D}", "v=0", ["needed for sending", "found"]),
        (f"TXT r1.{D}", "v=1", ["needed for sending", "not found"]),
        (f"MX {D}", "10 mxa.mailgun.org", ["for receiving", "not found"]),
    ]
    assert found.warnings == []


def test_verifying_a_domain_that_sends_warns_where_a_record_it_needs_is_gone() -> None:
    found = look("verify_domain", {"domain": D}, _records("active", "valid", "unknown"))
    assert found.warnings == [
        f"1 record needed for sending was not found last time: if so now, {D} may lose its right to send."
    ]
    assert look("verify_domain", {"domain": D}, _records("active", "valid", "valid")).warnings == []


def test_changing_a_domain_shows_old_beside_new_and_where_mail_goes_from_now_on() -> None:
    now = {DOMAIN: {"domain": {"name": D, "spam_action": "disabled", "wildcard": False, "web_prefix": "email"}}}
    asked = {"domain": D, "spam_action": "tag", "wildcard": False, "archive_to": "https://keep.example.net/all"}
    found = look("update_domain", {**asked, "web_prefix": "links", "smtp_password": "secret-of-the-domain"}, now)
    assert found.preview["diff"] == [
        {"field": "Inbound spam", "before": "let in as it is", "after": "let in with a mark"},
        {"field": "Tracking links lead to the host", "before": "email", "after": "links"},
        {"field": "Copies of delivered mail go to", "before": "(not set)", "after": "https://keep.example.net/all"},
    ]
    assert section(found, "Where data goes")["Forwards to (new)"] == "https://keep.example.net/all"
    assert "Data will be forwarded to keep.example.net." in found.warnings
    assert any(f"DNS has a record for links.{D}" in line for line in found.warnings)
    assert "secret-of-the-domain" not in str(found)


def test_settings_that_are_as_asked_for_already_are_told_before_anybody_decides() -> None:
    now = {DOMAIN: {"domain": {"name": D, "spam_action": "tag"}}}
    assert look("update_domain", {"domain": D, "spam_action": "tag"}, now).warnings == [
        "This changes nothing: every value is already as asked for."
    ]


@pytest.mark.parametrize("password", [None, "the-chosen-one"])
def test_a_new_password_is_shown_for_the_login_it_is_for_and_never_itself(password: str | None) -> None:
    answers = {LOGINS: {"items": [{"login": f"alice@{D}", "mailbox": f"alice@{D}"}], "total_count": 1}}
    answers[f"GET /v3/domains/{D}/credentials"] = answers[LOGINS]
    given = {"domain": D, "login": "Alice", **({"password": password} if password else {})}
    found = look("update_credential_password", {**given, "login": "alice"}, answers)
    assert found.preview["target"] == f"password of SMTP login alice@{D}"
    assert found.warnings == []
    assert "the-chosen-one" not in str(found)
    lost = look("update_credential_password", {**given, "login": "bob"}, answers)
    assert (lost.warnings, lost.refused) == ([], f"There is no SMTP login bob@{D}.")

"""`maton-mailgun policy check`: says what would happen, and why, and does nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import Cli

pytestmark = pytest.mark.slow

POLICY = """
[[rule]]
name = "internal notes"
tools = ["send_message"]
recipients = ["*@example.com"]
max_recipients = 2
per_day = 5
decision = "allow"

[[rule]]
name = "no domain deletes"
tools = ["delete_domain"]
decision = "deny"
"""
SEND = {"domain": "mg.example.com", "from": "a@mg.example.com", "subject": "Hi", "text": "Hi"}


def check(cli: Cli, tool: str, arguments: dict[str, Any], policy: str | None = POLICY) -> tuple[int, str]:
    """Check a call. Returns the exit status and everything printed."""
    if policy is not None:
        (cli.cwd / "policy.toml").write_text(policy, encoding="utf-8")
        cli.env["MATON_MAILGUN_POLICY"] = str(cli.cwd / "policy.toml")
    done = cli("policy", "check", "-", typed=json.dumps({"tool": tool, "arguments": arguments}))
    return done.status, done.out + done.err


@pytest.mark.parametrize(
    ("tool", "arguments", "status", "words"),
    [
        ("send_message", {**SEND, "to": ["me@example.com"]}, 0, "carried out without asking anybody"),
        ("send_message", {**SEND, "to": ["me@example.org"]}, 0, "A person would be asked"),
        ("delete_domain", {"domain": "mg.example.com"}, 1, "It would be refused"),
        ("list_domains", {}, 0, "only reads"),
        ("delete_domain", {}, 1, "refused before the policy is asked"),
        ("delete_domian", {}, 4, "no tool delete_domian"),
    ],
)
def test_verdict_names_what_would_happen(
    cli: Cli, tool: str, arguments: dict[str, Any], status: int, words: str
) -> None:
    found = check(cli, tool, arguments)
    assert (found[0], words in found[1]) == (status, True), found[1]


def test_verdict_says_rule_by_rule_why(cli: Cli) -> None:
    _, said = check(cli, "send_message", {**SEND, "to": ["me@example.org"]})
    assert "rule \"internal notes\" does not match: the recipient 'me@example.org' does not match" in said


def test_every_one_of_many_entries_counts_those_of_a_file_too(cli: Cli) -> None:
    rule = POLICY.replace("send_message", "add_mailing_list_members")
    (cli.cwd / "members.csv").write_text('address,vars\na@example.com,"{""n"": 1}"\nb@example.com,\n', encoding="utf-8")
    cli.env["MATON_MAILGUN_ATTACHMENTS"] = str(cli.cwd)
    call = {"list_address": "team@mg.example.com", "members_file": "members.csv"}
    found = check(cli, "add_mailing_list_members", call, rule)
    assert (found[0], "carried out without asking anybody" in found[1]) == (0, True), found[1]
    (cli.cwd / "members.csv").write_text("address\na@example.com\nb@example.com\nc@example.com\n", encoding="utf-8")
    assert "there are 3 recipients" in check(cli, "add_mailing_list_members", call, rule)[1]
    missing = check(cli, "add_mailing_list_members", {**call, "members_file": "none.csv"}, rule)
    assert (missing[0], "does not exist" in missing[1]) == (1, True), missing[1]


def test_without_a_policy_every_write_is_asked(cli: Cli) -> None:
    status, said = check(cli, "delete_domain", {"domain": "mg.example.com"}, policy=None)
    assert (status, "No policy file is set" in said) == (0, True)


def test_broken_policy_names_the_line(cli: Cli) -> None:
    status, said = check(
        cli, "delete_domain", {"domain": "mg.example.com"}, policy='[[rule]]\nname = "x"\ndecision = "yes"\n'
    )
    assert (status, "policy.toml, line 3" in said) == (2, True), said


def test_another_policy_can_be_tried_before_it_is_set(cli: Cli) -> None:
    trial = cli.cwd / "trial.toml"
    trial.write_text('[[rule]]\nname = "none"\ndecision = "deny"\n', encoding="utf-8")
    call = cli.cwd / "call.json"
    call.write_text('{"tool": "delete_domain", "arguments": {"domain": "mg.example.com"}}', encoding="utf-8")
    assert cli("policy", "check", str(call), "--policy", str(trial)).status == 1
    assert cli("policy", "check", str(call)).status == 0


@pytest.mark.parametrize(
    "text", ["", "[]", '{"tool": 1}', '{"tool": "a", "argument": {}}', '{"tool": "a", "arguments": []}']
)
def test_what_is_no_call_is_a_wrong_command(cli: Cli, text: str) -> None:
    assert cli("policy", "check", "-", typed=text).status == 2


def test_nothing_is_written_by_checking(cli: Cli) -> None:
    check(cli, "delete_domain", {"domain": "mg.example.com"})
    assert not cli.home.exists()

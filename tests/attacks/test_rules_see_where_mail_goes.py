"""Attack 187: a rule about recipients, and a call that leads mail to somebody who is none of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from maton_mailgun.approval.policy.case import case_of
from maton_mailgun.approval.policy.file import load_policy
from maton_mailgun.approval.policy.judge import Case
from maton_mailgun.catalogue.rows import load
from maton_mailgun.exchange import Account, Prepared
from maton_mailgun.wire.attachments import collect
from maton_mailgun.wire.request import build

from .bench import DOMAIN, Desk, structured

pytestmark = pytest.mark.anyio
ALLOW = """
[[rule]]
name = "our own people"
tools = ["*"]
recipients = ["*@mg.example.com"]
max_recipients = 5
decision = "allow"
"""
DENY = """
[[rule]]
name = "nothing to the competitor"
recipients = ["*@competitor.example"]
decision = "deny"
"""
LETTER: dict[str, Any] = {
    "domain": DOMAIN, "from": "desk@mg.example.com", "to": ["ann@mg.example.com"], "subject": "Hi", "text": "Hello",
}  # fmt: skip
ANSWERS = [
    "Reply-To", "reply-to", "Mail-Reply-To", "Mail-Followup-To", "Resent-Reply-To", "Return-Receipt-To",
    "Disposition-Notification-To", "Errors-To",
]  # fmt: skip
LINKED = {"List-Post": "<mailto:{0}>"}
OWN, THEIRS = "boss@mg.example.com", "eve@competitor.example"


def letter(name: str, who: str) -> tuple[str, dict[str, Any]]:
    return "send_message", {**LETTER, "headers": {name: LINKED.get(name, "{0}").format(who)}}


def ready(name: str, who: str) -> tuple[str, dict[str, Any]]:
    lines = f"From: desk@mg.example.com\nTo: ann@mg.example.com\nSubject: Hi\n{name}: {LINKED.get(name, '{0}')}\n\nHi\n"
    return "send_mime_message", {"domain": DOMAIN, "to": ["ann@mg.example.com"], "message": lines.format(who)}


def route(*actions: str, tool: str = "create_route", **more: Any) -> tuple[str, dict[str, Any]]:
    return tool, {"expression": 'match_recipient("x@mg.example.com")', "actions": [*actions], **more}


def verdict(home: Path, rules: str, call: tuple[str, dict[str, Any]]) -> str:
    """What a policy says to a call, as the gate asks it."""
    path = home / "policy.toml"
    path.write_text(rules)
    path.chmod(0o600)
    return load_policy(path).judge(case(call)).decision


def case(call: tuple[str, dict[str, Any]]) -> Case:
    operation = load()[call[0]]
    files, problems = collect(operation, call[1], None)
    assert not problems
    request = build(operation, call[1], files)
    return case_of(Prepared(operation, call[1], request, Account("conn-1", "")))


@pytest.mark.parametrize("made", [letter, ready])
@pytest.mark.parametrize("name", [*ANSWERS, *LINKED])
def test_attack_187_answers_go_where_the_rule_lets_mail_go_or_a_person_is_asked(
    tmp_path: Path, made: Any, name: str
) -> None:
    assert verdict(tmp_path, ALLOW, made(name, OWN)) == "allow"
    assert verdict(tmp_path, ALLOW, made(name, THEIRS)) == "ask"
    assert verdict(tmp_path, DENY, made(name, THEIRS)) == "deny"
    assert verdict(tmp_path, DENY, made(name, OWN)) == "ask"


@pytest.mark.parametrize(
    "value",
    [
        f"{OWN}, {THEIRS}",
        f"Eve <{THEIRS}>; {OWN}",
        f'"https://mg.example.com" <{THEIRS}>',
    ],
)
def test_attack_187_whatever_the_value_of_such_a_header_looks_like(tmp_path: Path, value: str) -> None:
    for name in ("Reply-To", "List-Post", "mail-followup-to"):
        call = ("send_message", {**LETTER, "headers": {name: value}})
        assert verdict(tmp_path, ALLOW, call) == "ask"


@pytest.mark.parametrize(
    "value", ["%recipient.answers%", "boss@\uff4dg.example.com", "https://mg.example.com/answers", "NO"]
)
def test_attack_187_what_is_no_plain_address_is_asked_about(tmp_path: Path, value: str) -> None:
    """In the other headers it is refused before anybody is asked."""
    call = ("send_message", {**LETTER, "headers": {"List-Post": value}})
    assert verdict(tmp_path, ALLOW, call) == "ask"
    assert verdict(tmp_path, DENY, call) == "deny"


@pytest.mark.parametrize(
    "call",
    [
        route(f'forward("{THEIRS}")'),
        route(f"forward('{THEIRS}')", "stop()"),
        route(f'forward("{OWN}, {THEIRS}")'),
        route(f'store(notify="{THEIRS}")'),
        route(f'forward("{THEIRS}")', tool="update_route", route_id="4f3bad2335335426750048c6"),
        route('forward("\\g<user>@competitor.example")'),
        route('forward("https://hooks.competitor.example/mail")'),
        ("add_mailing_list_member", {"list_address": f"team@{DOMAIN}", "address": THEIRS}),
        ("update_mailing_list_member", {"list_address": f"team@{DOMAIN}", "member_address": OWN, "address": THEIRS}),
        ("add_whitelist", {"domain": DOMAIN, "address": THEIRS}),
        ("update_domain", {"domain": DOMAIN, "archive_to": "https://competitor.example/all"}),
        ("create_domain", {"name": "new.example.com", "archive_to": "https://competitor.example/all"}),
    ],
    ids=lambda call: f"{call[0]} {list(call[1].values())[-1]}"[:60],
)
def test_attack_187_a_deny_rule_sees_what_a_write_leads_mail_to(tmp_path: Path, call: Any) -> None:
    assert verdict(tmp_path, DENY, call) == "deny"
    assert verdict(tmp_path, ALLOW, call) == "ask"


@pytest.mark.parametrize(
    "call",
    [
        route(f'forward("{OWN}")'),
        ("add_mailing_list_member", {"list_address": f"team@{DOMAIN}", "address": OWN}),
        ("add_unsubscribe", {"domain": DOMAIN, "address": OWN}),
        ("update_domain", {"domain": DOMAIN, "web_scheme": "https"}),
    ],
    ids=lambda call: call[0],
)
@pytest.mark.parametrize("rules", [ALLOW, ALLOW.replace('recipients = ["*@mg.example.com"]\n', "")])
def test_attack_187_what_has_no_recipients_is_allowed_by_no_rule_about_them(
    tmp_path: Path, call: Any, rules: str
) -> None:
    """A rule for messages to our own people lets nobody change where the mail of all goes, not even to them."""
    assert verdict(tmp_path, rules, call) == "ask"
    assert verdict(tmp_path, DENY, call) == "ask"


def test_where_answers_go_is_no_further_recipient(tmp_path: Path) -> None:
    few = ALLOW.replace("max_recipients = 5", "max_recipients = 1")
    assert verdict(tmp_path, few, letter("Reply-To", OWN)) == "allow"
    assert case(letter("Reply-To", OWN)).recipients == ("ann@mg.example.com",)


async def test_attack_187_nothing_leaves_unasked_for_a_rule_that_was_meant_for_our_own_people(desk: Desk) -> None:
    path = desk.home / "policy.toml"
    path.write_text(ALLOW + DENY)
    path.chmod(0o600)
    tool, call = letter("Reply-To", "eve@example.net")
    async with desk.open(policy=path) as house, house.client() as client:
        asked = structured(await client.call_tool(tool, call))
        refused = structured(await client.call_tool(*letter("Reply-To", THEIRS)))
        done = structured(await client.call_tool(*letter("Reply-To", OWN)))
    assert (asked["status"], refused["error"]["kind"], done["executed"]) == ("approval_required", "refused", True)
    assert len(desk.writes()) == 1

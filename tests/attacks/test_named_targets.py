"""Attacks 127 and 128: a write that is not about what it seems to be about, and a rule that does not see about what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .bench import APPROVE, DOMAIN, LETTER, Desk, Person, structured
from .telling import previewed

pytestmark = pytest.mark.anyio

_DENY = """
[[rule]]
name = "hands off production"
domains = ["prod.example.com"]
decision = "deny"
"""
_PRODUCTION = "prod.example.com"


@pytest.mark.parametrize(
    "login", ["ann@old.example.org", "ann@mg.example.com@x", "@mg.example.com", "ann@", "a@b@mg.example.com"]
)
@pytest.mark.parametrize("tool", ["delete_credential", "create_credential", "update_credential_password"])
async def test_attack_127_a_login_of_another_domain_is_refused(desk: Desk, tool: str, login: str) -> None:
    async with desk.open() as house, house.client() as client:
        content = structured(await client.call_tool(tool, {"domain": DOMAIN, "login": login}))
        assert content["error"]["kind"] == "bad_arguments", content
        assert await house.gate.list() == []
    assert desk.writes() == []


@pytest.mark.parametrize("login", ["postmaster", "postmaster@mg.example.com", "postmaster@MG.example.com"])
async def test_attack_127_the_login_that_is_shown_is_the_one_that_goes(desk: Desk, login: str) -> None:
    preview = await previewed(desk, "delete_credential", {"domain": DOMAIN, "login": login})
    assert preview["target"] == "SMTP login postmaster@mg.example.com"
    assert preview["request"]["path"] == "/v3/domains/mg.example.com/credentials/postmaster"
    assert not any("There is no SMTP login" in line for line in preview["warnings"])


async def test_attack_127_a_login_that_is_not_there_is_put_before_nobody(desk: Desk) -> None:
    async with desk.open() as house, house.client() as client:
        content = structured(await client.call_tool("delete_credential", {"domain": DOMAIN, "login": "nobody"}))
        assert content["error"]["message"] == (
            "Nothing was sent, and nobody was asked: There is no SMTP login nobody@mg.example.com."
        )
        assert await house.gate.list() == []


_ABOUT_PRODUCTION: list[tuple[str, dict[str, Any]]] = [
    ("create_domain", {"name": _PRODUCTION}),
    ("create_domain", {"name": "PROD.example.com"}),
    ("create_mailing_list", {"address": f"news@{_PRODUCTION}"}),
    ("update_mailing_list", {"list_address": f"news@{_PRODUCTION}", "name": "x"}),
    ("update_mailing_list", {"list_address": "developers@mg.example.com", "address": f"news@{_PRODUCTION}"}),
    ("delete_mailing_list", {"list_address": f"news@{_PRODUCTION}"}),
    ("add_mailing_list_member", {"list_address": f"news@{_PRODUCTION}", "address": "ann@example.net"}),
    (
        "update_mailing_list_member",
        {"list_address": f"news@{_PRODUCTION}", "member_address": "ann@example.net", "name": "x"},
    ),
    ("delete_mailing_list_member", {"list_address": f"news@{_PRODUCTION}", "member_address": "ann@example.net"}),
    ("create_route", {"expression": 'match_recipient(".*@prod.example.com")', "actions": ["stop()"]}),
    ("send_message", {**LETTER, "domain": _PRODUCTION}),
    ("delete_domain", {"domain": _PRODUCTION}),
]


@pytest.mark.parametrize(("tool", "arguments"), _ABOUT_PRODUCTION)
async def test_attack_128_a_rule_that_refuses_sees_every_domain(
    desk: Desk, tmp_path: Path, tool: str, arguments: dict[str, Any]
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(_DENY)
    async with desk.open(policy=policy) as house, house.client(Person(desk.clock, APPROVE)) as client:
        content = structured(await client.call_tool(tool, arguments))
        assert content["error"]["kind"] == "refused", content
    assert desk.writes() == []


@pytest.mark.parametrize(("tool", "arguments"), _ABOUT_PRODUCTION)
async def test_attack_128_a_rule_that_asks_an_operator_sees_every_domain(
    desk: Desk, tmp_path: Path, tool: str, arguments: dict[str, Any]
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(_DENY.replace('"deny"', '"ask"\nlevel = "operator"'))
    person = Person(desk.clock, APPROVE)
    # Nobody says that there is no such list or domain, which would end it before the question.
    desk.arm("html_404", match={"method": "GET", "path_regex": "/v3/"}, times=1_000)
    async with desk.open(policy=policy) as house, house.client(person) as client:
        content = structured(await client.call_tool(tool, arguments))
        assert content["status"] == "approval_required", content
    assert (person.questions, desk.writes()) == ([], [])


async def test_attack_128_other_domains_are_none_of_the_rules_business(desk: Desk, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(_DENY)
    async with desk.open(policy=policy) as house, house.client() as client:
        for tool, arguments in (
            ("create_mailing_list", {"address": "prod.example.com@mg.example.com"}),
            ("add_mailing_list_member", {"list_address": "developers@mg.example.com", "address": f"a@{_PRODUCTION}"}),
            ("create_domain", {"name": "other.example.com"}),
        ):
            content = structured(await client.call_tool(tool, arguments))
            assert content["status"] == "approval_required", content


async def test_attack_128_an_allow_rule_about_domains_needs_all_of_them(desk: Desk, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(_DENY.replace("prod.example.com", "mg.example.com").replace('"deny"', '"allow"\ntools = ["*"]'))
    async with desk.open(policy=policy) as house, house.client() as client:
        for tool, arguments in (
            ("update_mailing_list", {"list_address": "developers@mg.example.com", "address": f"d@{_PRODUCTION}"}),
            ("create_route", {"expression": "catch_all()", "actions": ["stop()"]}),
        ):
            content = structured(await client.call_tool(tool, arguments))
            assert content["status"] == "approval_required", content
    assert desk.writes() == []

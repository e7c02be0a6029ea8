"""Attack 131: an address or a domain that looks like another one, in calls that send nothing."""

from __future__ import annotations

from typing import Any

import pytest

from .bench import DOMAIN, Desk
from .telling import previewed

pytestmark = pytest.mark.anyio

LIST = "developers@mg.example.com"


@pytest.mark.parametrize(
    ("tool", "arguments", "odd"),
    [
        ("add_mailing_list_member", {"list_address": LIST, "address": "ann@xn--pple-43d.com"}, "looks like apple.com"),
        ("add_mailing_list_member", {"list_address": LIST, "address": "ann@аpple.com"}, "looks like apple.com"),
        (
            "update_mailing_list_member",
            {"list_address": LIST, "member_address": "alice@example.com", "address": "alice@exаmple.com"},
            "looks like example.com",
        ),
        ("update_mailing_list", {"list_address": LIST, "address": "developers@mg.exаmple.com"}, "mg.example.com"),
        ("create_domain", {"name": "xn--pple-43d.com"}, "looks like apple.com"),
        ("add_whitelist", {"domain": DOMAIN, "domain_value": "xn--pple-43d.com"}, "looks like apple.com"),
        ("add_whitelist", {"domain": DOMAIN, "address": "ann@xn--pple-43d.com"}, "looks like apple.com"),
    ],
)
async def test_attack_131_a_look_alike_is_told_in_every_call(
    desk: Desk, tool: str, arguments: dict[str, Any], odd: str
) -> None:
    preview = await previewed(desk, tool, arguments)
    assert any(odd in line for line in preview["warnings"]), preview["warnings"]
    assert preview["risk"] != "low"


async def test_attack_131_a_member_that_is_a_list_is_told_with_its_size(desk: Desk) -> None:
    desk.arm("html_404", match={"method": "GET", "path_regex": "/lists/all"}, times=10)
    arguments = {"list_address": "all@mg.example.com", "address": LIST}
    preview = await previewed(desk, "add_mailing_list_member", arguments)
    assert any(line.startswith(f"{LIST} is itself a mailing list of ") for line in preview["warnings"])


async def test_attack_131_an_ordinary_member_is_no_alarm(desk: Desk) -> None:
    preview = await previewed(desk, "add_mailing_list_member", {"list_address": LIST, "address": "ann@example.net"})
    assert preview["warnings"] == ["Add only people who agreed to get mail from this list."]

"""Attack 68: live mail changes in another way than it was shown, as the active version changed in between; and what is
known of a change of templates and domains whose answer was lost.
"""

from __future__ import annotations

from typing import Any

import pytest

from maton_mailgun.sandbox.account.seed import TEMPLATE

from .bench import APPROVE, DOMAIN, Desk, House, Person, decide, structured
from .test_world import propose

pytestmark = pytest.mark.anyio

VERSION = {"domain": DOMAIN, "template_name": TEMPLATE}
ROLL_BACK = {**VERSION, "tag": "v1", "active": "yes"}


def versions(desk: Desk) -> list[dict[str, Any]]:
    template = desk.sandbox.account.domains[DOMAIN].templates.get(TEMPLATE)
    assert template is not None
    found: list[dict[str, Any]] = template["versions"]
    return found


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("update_template_version", ROLL_BACK),
        ("update_template_version", {**VERSION, "tag": "v1", "template": "<p>New</p>"}),
        ("create_template_version", {**VERSION, "tag": "v3", "template": "<p>New</p>", "active": "yes"}),
    ],
)
async def test_attack_68_a_yes_is_for_the_live_version_that_was_shown(
    desk: Desk, tool: str, arguments: dict[str, Any]
) -> None:
    async with desk.open() as house:
        approval_id = await propose(house, tool, arguments)
        next(one for one in versions(desk) if one["active"])["template"] = "<p>Edited since</p>"
        assert (await decide(house, approval_id)).state == "stale"
    assert desk.writes() == []


async def test_attack_68_a_version_that_became_live_since_is_not_changed_unseen(desk: Desk) -> None:
    async with desk.open() as house:
        approval_id = await propose(house, "update_template_version", {**VERSION, "tag": "v1", "comment": "old"})
        for one in versions(desk):
            one["active"] = one["tag"] == "v1"
        assert (await decide(house, approval_id)).state == "stale"
    assert desk.writes() == []


async def after_yes(house: House, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    async with house.client(Person(house.clock, APPROVE)) as client:
        return structured(await client.call_tool(tool, arguments))


@pytest.mark.parametrize(
    ("tool", "arguments", "method"),
    [
        ("update_template_version", ROLL_BACK, "PUT"),
        ("update_template_version", {**VERSION, "tag": "v2", "template": "<p>New</p>", "comment": "n"}, "PUT"),
        ("create_template_version", {**VERSION, "tag": "v3", "template": "<p>New</p>", "active": "yes"}, "POST"),
        ("delete_template_version", {**VERSION, "tag": "v1"}, "DELETE"),
        ("update_template", {**VERSION, "description": "other"}, "PUT"),
        ("update_domain", {"domain": DOMAIN, "spam_action": "tag", "wildcard": True}, "PUT"),
    ],
)
async def test_a_change_whose_answer_was_lost_is_proved_by_the_target(
    desk: Desk, tool: str, arguments: dict[str, Any], method: str
) -> None:
    desk.arm("drop_after", match={"method": method})
    async with desk.open() as house:
        content = await after_yes(house, tool, arguments)
    assert (content["status"], content["result"]) == ("executed", {"found_by": "looking it up afterwards"})
    assert len(desk.writes()) == 1


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("verify_domain", {"domain": DOMAIN}),
        ("update_domain", {"domain": DOMAIN, "spam_action": "tag", "smtp_password": "canary-password-5"}),
        ("update_domain", {"domain": DOMAIN, "mailfrom_host": "bounce.example.com"}),
        ("update_credential_password", {"domain": DOMAIN, "login": "postmaster"}),
    ],
)
async def test_what_no_read_can_show_stays_unknown_when_its_answer_was_lost(
    desk: Desk, tool: str, arguments: dict[str, Any]
) -> None:
    desk.arm("drop_after", match={"method": "PUT"})
    async with desk.open() as house:
        content = await after_yes(house, tool, arguments)
    assert (content["status"], content["executed"]) == ("outcome_unknown", "unknown")
    assert "canary-password-5" not in str(content)
    assert len(desk.writes()) == 1

"""Attacks 129, 135 and 136: what a message gets on its way that is in no argument of the call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from maton_mailgun.sandbox.account.tables import Table

from .bench import APPROVE, DOMAIN, LETTER, Desk, Person, structured
from .telling import previewed

pytestmark = pytest.mark.anyio

TEAM = "team@mg.example.com"
FILLED: dict[str, Any] = {
    **LETTER,
    "to": [TEAM],
    "text": "Pay to %recipient.iban% at %recipient.link%",
    "html": '<p>Pay to %recipient.iban% <a href="%recipient.link%">here</a></p>',
}
HELD = {"iban": "DE66 EVIL", "link": "https://evil.com/pay"}
FOOTER = '<p>Pay to DE99 <a href="https://evil.com/u">https://mg.example.com/u</a></p>'


def team(desk: Desk, **members: dict[str, Any]) -> None:
    """The list with these members, each at example.org, with their data."""
    record = {"address": TEAM, "name": "", "description": "", "access_level": "readonly", "reply_preference": "list"}
    desk.sandbox.account.lists.put(TEAM, {**record, "created_at": "Tue, 01 Mar 2025 10:00:00 -0000"})
    desk.sandbox.account.members[TEAM] = Table()
    for name, own in members.items():
        who = f"{name}@example.org" if name != "inside" else "inside@mg.example.com"
        member = {"address": who, "name": "", "vars": own, "subscribed": True}
        desk.sandbox.account.members[TEAM].put(who, member)


def rows(preview: dict[str, Any], heading: str) -> dict[str, str]:
    return {
        row["label"]: row["value"]
        for section in preview["sections"]
        if section["heading"] == heading
        for row in section["rows"]
    }


async def test_attack_129_what_a_list_fills_in_for_its_members_is_shown(desk: Desk) -> None:
    team(desk, alice=HELD, bob={})
    preview = await previewed(desk, "send_message", FILLED)
    assert rows(preview, "What lists hold of their members") == {
        "alice@example.org": "iban: DE66 EVIL; link: https://evil.com/pay",
        "bob@example.org": "iban: (nothing); link: (nothing)",
    }
    assert not any("There is no value" in line for line in preview["warnings"])
    assert "evil.com" in rows(preview, "Body")["Links lead to"]
    assert preview["risk"] == "high"


async def test_attack_129_members_data_in_a_header_is_a_warning(desk: Desk) -> None:
    team(desk, alice={"n": "x"})
    headers = {"List-Unsubscribe": "<https://a.example/%recipient.n%>"}
    preview = await previewed(
        desk, "send_message", {**LETTER, "to": [TEAM], "subject": "%recipient.n%", "headers": headers}
    )
    told = [line for line in preview["warnings"] if "goes to a mailing list, whose members' own data" in line]
    assert [line.partition(" ")[0] for line in told] == ["Subject", "List-Unsubscribe"]


async def test_attack_129_a_longer_list_says_what_is_not_known(desk: Desk) -> None:
    team(desk, **{f"p{number}": HELD for number in range(101)})
    preview = await previewed(desk, "send_message", FILLED)
    line = f"could not check what {TEAM} holds of its other members: they are filled in unseen"
    assert line in preview["unchecked"]


async def test_attack_129_a_list_with_members_outside_counts_as_outside(desk: Desk) -> None:
    team(desk, alice={}, inside={})
    preview = await previewed(desk, "send_message", {**LETTER, "to": [TEAM]})
    (one,) = preview["recipients"]
    assert one["flags"][0] == "external: 1 member outside"
    assert f"outside {DOMAIN}" in preview["effect"]
    team(desk, inside={})
    (one,) = (await previewed(desk, "send_message", {**LETTER, "to": [TEAM], "subject": "Again"}))["recipients"]
    assert not any(flag.startswith("external") for flag in one["flags"])


async def _decided(desk: Desk, meanwhile: Callable[[], object]) -> dict[str, Any]:
    """What becomes of a yes to the filled message when something changes before it."""

    async def change() -> None:
        meanwhile()

    person = Person(desk.clock, APPROVE)
    person.meanwhile = change
    async with desk.open() as house, house.client(person) as client:
        return structured(await client.call_tool("send_message", FILLED))


async def test_attack_129_a_yes_is_to_the_data_that_was_shown(desk: Desk) -> None:
    team(desk, alice={**HELD, "iban": "DE11 GOOD"})
    content = await _decided(desk, lambda: team(desk, alice=HELD))
    assert content["status"] == "stale", content
    assert desk.writes() == []


async def test_attack_129_nor_to_the_data_of_whoever_joins(desk: Desk) -> None:
    team(desk, bob={})
    content = await _decided(desk, lambda: team(desk, bob={}, alice=HELD))
    assert content["status"] == "stale", content
    assert desk.writes() == []


async def test_attack_129_what_stayed_as_it_was_is_sent(desk: Desk) -> None:
    team(desk, alice=HELD)
    assert (await _decided(desk, lambda: None))["status"] == "executed"
    assert len(desk.writes()) == 1


async def test_attack_135_a_new_footer_is_read_as_a_body_is(desk: Desk) -> None:
    hidden = FOOTER + '<div style="display:none">hidden</div>'
    arguments = {"domain": DOMAIN, "active": True, "html_footer": hidden, "text_footer": "https://evil.com/u"}
    preview = await previewed(desk, "update_unsubscribe_tracking", arguments)
    told = [line for line in preview["warnings"] if "ooter" in line and "is set to" not in line]
    assert told == [
        "Footer: A link shows mg.example.com but leads to evil.com.",
        "Footer: The HTML holds text that is not displayed: hidden",
        "Footer: Only the HTML part says DE99.",
        "The HTML footer does not hold %unsubscribe_url%: nobody can unsubscribe by it.",
        "The text footer does not hold %unsubscribe_url%: nobody can unsubscribe by it.",
    ]
    assert rows(preview, "Footer") == {"Links lead to": "evil.com"}
    assert preview["risk"] != "low"


async def test_attack_135_the_footer_of_the_domain_is_shown_with_each_message(desk: Desk) -> None:
    desk.sandbox.account.domains[DOMAIN].tracking["unsubscribe"] = {
        "active": True,
        "html_footer": FOOTER,
        "text_footer": "Bye: %unsubscribe_url%",
    }
    desk.sandbox.account.domains[DOMAIN].tracking["click"] = {"active": "htmlonly"}
    preview = await previewed(desk, "send_message", LETTER)
    assert rows(preview, "Added by the domain") == {
        "HTML footer": FOOTER,
        "Text footer": "Bye: %unsubscribe_url%",
        "Links": "lead through Mailgun: the domain tracks clicks (htmlonly)",
        "Links of the footer lead to": "evil.com",
    }
    assert "The domain puts its unsubscribe footer below this message." in preview["warnings"]
    assert "Footer: A link shows mg.example.com but leads to evil.com." in preview["warnings"]


async def test_attack_135_a_footer_that_is_off_is_not_shown(desk: Desk) -> None:
    assert rows(await previewed(desk, "send_message", LETTER), "Added by the domain") == {}


async def test_attack_136_copies_that_the_domain_forwards_are_told(desk: Desk) -> None:
    desk.sandbox.account.domains[DOMAIN].record["archive_to"] = "https://evil.com/arch"
    preview = await previewed(desk, "send_message", LETTER)
    assert rows(preview, "Added by the domain") == {"Copies go to": "https://evil.com/arch"}
    line = "The domain forwards a copy of each delivered message to https://evil.com/arch."
    assert line in preview["warnings"]
    assert preview["risk"] == "high"


def _archive(desk: Desk) -> None:
    desk.sandbox.account.domains[DOMAIN].record["archive_to"] = "https://evil.com/arch2"


def _footer(desk: Desk) -> None:
    desk.sandbox.account.domains[DOMAIN].tracking["unsubscribe"] |= {"active": True, "html_footer": FOOTER}


def _clicks(desk: Desk) -> None:
    desk.sandbox.account.domains[DOMAIN].tracking["click"] = {"active": True}


@pytest.mark.parametrize("change", [_archive, _footer, _clicks])
async def test_attack_136_what_the_domain_adds_may_not_change_after_the_look(
    desk: Desk, change: Callable[[Desk], None]
) -> None:
    async def meanwhile() -> None:
        change(desk)

    person = Person(desk.clock, APPROVE)
    hook: Callable[[], Awaitable[object]] = meanwhile
    person.meanwhile = hook
    async with desk.open() as house, house.client(person) as client:
        content = structured(await client.call_tool("send_message", LETTER))
        assert content["status"] == "stale", content
    assert desk.writes() == []

"""Attack 49: more people than the yes was for.

A mailing list grows between the question and the yes, or an address that was one person becomes a list. The question
says how many people it may be at most and which recipients are lists; beyond that nothing is sent. What the service
does with a message that still goes out is counted at the sandbox.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from maton_mailgun.sandbox.account.tables import Table

from .bench import APPROVE, DOMAIN, LETTER, Desk, House, Person, decide, headline, structured

pytestmark = pytest.mark.anyio

TEAM = f"team@{DOMAIN}"
OTHER = "sandbox0123456789abcdef0123456789abcdef.mailgun.org"
READY: dict[str, Any] = {
    "domain": DOMAIN,
    "to": [TEAM],
    "message": f"From: support@{DOMAIN}\nTo: {TEAM}\nSubject: Hi\n\nHello\n",
}
INVITATION: dict[str, Any] = {
    **{"domain": DOMAIN, "from": f"support@{DOMAIN}", "attendees": [TEAM], "title": "Hi", "time_zone": "Europe/Berlin"},
    **{"start": "2036-12-01T10:00", "end": "2036-12-01T11:00"},
}
CALLS = [
    ("send_message", {**LETTER, "to": [TEAM]}),
    ("send_mime_message", READY),
    ("send_invitation", INVITATION),
]
BOTH = pytest.mark.parametrize(("tool", "arguments"), CALLS, ids=["built", "ready", "invitation"])
GREW = "NOT EXECUTED. Something changed after the approval."


def make_list(desk: Desk, address: str, members: int, *, created_at: str = "Tue, 01 Mar 2025 10:00:00 -0000") -> None:
    """The list `address` with so many members, whether it was there or not."""
    desk.sandbox.account.lists.put(
        address,
        {
            "address": address,
            "name": "",
            "description": "",
            "access_level": "everyone",
            "reply_preference": "list",
            "created_at": created_at,
        },
    )
    desk.sandbox.account.members[address] = Table()
    add_members(desk, address, members)


def add_members(desk: Desk, address: str, number: int) -> None:
    """So many people join."""
    table = desk.sandbox.account.members[address]
    for index in range(len(table), len(table) + number):
        who = f"person{index}@example.org"
        table.put(who, {"address": who, "name": "", "vars": {}, "subscribed": True})


def reached(desk: Desk) -> int:
    """How many people got something."""
    return sum(
        len(one.recipients) for domain in desk.sandbox.account.domains.values() for one in domain.messages.values()
    )


async def asked(house: House, tool: str, arguments: dict[str, Any]) -> str:
    async with house.client() as client:
        content = structured(await client.call_tool(tool, arguments))
    assert content["status"] == "approval_required", content
    approval_id: str = content["approval_id"]
    return approval_id


async def stale(desk: Desk, house: House, approval_id: str) -> str:
    """Say yes to what must not run any more; the reason it did not."""
    record = await decide(house, approval_id)
    assert record.state == "stale"
    assert desk.writes() == []
    assert reached(desk) == 0
    async with house.client() as client:
        assert headline(await client.call_tool("get_approval", {"approval_id": approval_id})).startswith(GREW)
    return record.reason or ""


@BOTH
async def test_attack_49_a_list_that_grew_from_2_to_51_gets_nothing(desk: Desk, tool: str, arguments: Any) -> None:
    make_list(desk, TEAM, 2)
    async with desk.open() as house:
        approval_id = await asked(house, tool, arguments)
        add_members(desk, TEAM, 49)
        assert await stale(desk, house, approval_id) == (
            "This is more than the yes covers: it would go to 51 people now, and the yes is for at most 12 people"
        )


@BOTH
async def test_attack_49_an_address_that_became_a_list_gets_nothing(desk: Desk, tool: str, arguments: Any) -> None:
    async with desk.open() as house:
        approval_id = await asked(house, tool, arguments)
        make_list(desk, TEAM, 50)
        assert await stale(desk, house, approval_id) == (
            f"This is more than the yes covers: {TEAM} is a mailing list now, of 50 members"
        )


async def test_attack_49_a_list_that_grows_while_the_form_is_open_gets_nothing(desk: Desk) -> None:
    make_list(desk, TEAM, 2)

    async def join() -> None:
        add_members(desk, TEAM, 49)

    person = Person(desk.clock, APPROVE)
    person.meanwhile = join
    async with desk.open() as house, house.client(person) as client:
        result = structured(await client.call_tool(*CALLS[0]))
    assert result["status"] == "stale"
    assert "It may go to at most 12 people." in person.questions[0]
    assert (desk.writes(), reached(desk)) == ([], 0)


@BOTH
@pytest.mark.parametrize(("members", "join"), [(2, 10), (51, 10), (400, 20), (401, 21), (5, -3), (0, 10)])
async def test_attack_49_within_what_the_question_said_it_is_sent(
    desk: Desk, tool: str, arguments: Any, members: int, join: int
) -> None:
    make_list(desk, TEAM, members)
    async with desk.open() as house:
        approval_id = await asked(house, tool, arguments)
        shown = (await house.only()).preview["effect"]
        assert f"It may go to at most {members + max(join, 10)} people." in shown
        if join < 0:
            make_list(desk, TEAM, members + join)
        else:
            add_members(desk, TEAM, join)
        assert (await decide(house, approval_id)).state == "succeeded"
    assert len(desk.writes()) == 1
    assert reached(desk) == members + join


@pytest.mark.parametrize("members", [2, 51, 400, 401])
async def test_attack_49_one_person_beyond_it_is_too_many(desk: Desk, members: int) -> None:
    make_list(desk, TEAM, members)
    async with desk.open() as house:
        approval_id = await asked(house, *CALLS[0])
        most = (await house.only()).preview["covers"]["most"]
        add_members(desk, TEAM, most - members + 1)
        assert f"it would go to {most + 1} people now" in await stale(desk, house, approval_id)


def _vanishes(desk: Desk) -> None:
    desk.sandbox.account.lists.pop(TEAM)


def _is_another(desk: Desk) -> None:
    make_list(desk, TEAM, 2, created_at="Wed, 25 Nov 2026 10:00:00 -0000")


@pytest.mark.parametrize("fate", [_vanishes, _is_another])
async def test_attack_49_a_list_that_is_gone_or_made_anew_gets_nothing(
    desk: Desk, fate: Callable[[Desk], None]
) -> None:
    make_list(desk, TEAM, 2)
    async with desk.open() as house:
        approval_id = await asked(house, *CALLS[0])
        fate(desk)
        assert f"{TEAM} is no longer the mailing list that was shown" in await stale(desk, house, approval_id)


@pytest.mark.parametrize("field", ["to", "cc", "bcc"])
async def test_attack_49_a_list_of_another_domain_counts_in_every_field(desk: Desk, field: str) -> None:
    elsewhere = f"all@{OTHER}"
    call = {**LETTER, "to": ["bob@example.net"], field: [elsewhere]}
    async with desk.open() as house:
        approval_id = await asked(house, "send_message", call)
        make_list(desk, elsewhere, 50)
        assert f"all@{OTHER} is a mailing list now, of 50 members" in await stale(desk, house, approval_id)
        again = await asked(house, "send_message", call)
        add_members(desk, elsewhere, 40)
        assert "it would go to 9" in await stale(desk, house, again)


async def test_attack_49_lists_beyond_the_first_page_count(desk: Desk) -> None:
    for number in range(120):
        make_list(desk, f"a{number:03}@{DOMAIN}", 1)
    make_list(desk, TEAM, 2)
    async with desk.open() as house:
        grown = await asked(house, *CALLS[0])
        add_members(desk, TEAM, 49)
        assert "it would go to 51 people now" in await stale(desk, house, grown)
        made = await asked(house, "send_message", {**LETTER, "to": [f"us@{DOMAIN}"]})
        make_list(desk, f"us@{DOMAIN}", 50)
        assert "is a mailing list now, of 50 members" in await stale(desk, house, made)


async def test_attack_49_what_could_not_be_read_for_the_question_is_looked_at_before_it_is_sent(desk: Desk) -> None:
    make_list(desk, TEAM, 50)
    async with desk.open() as house:
        desk.arm("html_500", match={"method": "GET", "path_regex": "/lists/pages"}, times=100)
        approval_id = await asked(house, *CALLS[0])
        assert any("which recipients are mailing lists" in line for line in (await house.only()).preview["unchecked"])
        desk.sandbox.faults.clear()
        assert "is a mailing list now, of 50 members" in await stale(desk, house, approval_id)


async def test_attack_49_a_list_that_cannot_be_read_again_is_not_written_to(desk: Desk) -> None:
    make_list(desk, TEAM, 2)
    async with desk.open() as house:
        approval_id = await asked(house, *CALLS[0])
        desk.arm("html_500", match={"method": "GET", "path_regex": "/lists/pages"}, times=100)
        assert (await decide(house, approval_id)).state == "approved"
        assert desk.writes() == []
        desk.sandbox.faults.clear()
        add_members(desk, TEAM, 49)
        assert (await house.gate.run(approval_id)).state == "stale"
    assert (desk.writes(), reached(desk)) == ([], 0)


async def test_attack_49_where_lists_can_never_be_read_the_person_took_that_risk(desk: Desk) -> None:
    """A key that may only send cannot read lists: the question says so, and a yes is still worth something."""
    async with desk.open() as house:
        desk.arm("html_500", match={"method": "GET", "path_regex": "/lists/pages"}, times=1000)
        approval_id = await asked(house, "send_message", LETTER)
        assert (await decide(house, approval_id)).state == "succeeded"
    assert (len(desk.writes()), reached(desk)) == (1, 1)


CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"state": "unverified"}, f"{DOMAIN} was active and is unverified"),
    ({"type": "sandbox"}, f"{DOMAIN} was custom and is sandbox"),
    ({"is_disabled": True}, f"{DOMAIN} was not disabled and is disabled"),
]


@pytest.mark.parametrize(("change", "why"), CHANGES)
async def test_attack_49_a_domain_that_is_another_than_shown_sends_nothing(
    desk: Desk, change: dict[str, Any], why: str
) -> None:
    async with desk.open() as house:
        approval_id = await asked(house, "send_message", LETTER)
        desk.sandbox.account.domains[DOMAIN].record.update(change)
        assert why in await stale(desk, house, approval_id)


async def test_attack_49_a_rule_that_allows_unasked_is_held_to_the_same(desk: Desk) -> None:
    policy = desk.home.parent / "policy.toml"
    policy.write_text('[[rule]]\nname = "own"\ntools = ["send_*"]\nmax_recipients = 1\ndecision = "allow"\n')
    make_list(desk, TEAM, 50)
    async with desk.open(policy=policy) as house:
        approval_id = await asked(house, *CALLS[0])
        assert (await house.state(approval_id)) == "pending"
    assert desk.writes() == []

"""A later version of an invitation reaches the calendars of others: it is of one's own appointment, held to the rules,
and a person sees what it replaces, or that nobody looked."""

from __future__ import annotations

from typing import Any

import pytest

from engine.test_invitation import CALL
from maton_mailgun.mail import earlier_invitation
from maton_mailgun.mail.invitation import composed, read
from maton_mailgun.mail.unclear import Unclear

from .bench import APPROVE, DOMAIN, Desk, House, Person, structured

pytestmark = pytest.mark.anyio
FROM = {"domain": DOMAIN, "from": "Support <support@mg.example.com>"}


async def told(house: House, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    person = Person(house.clock, APPROVE)
    async with house.client(person) as client:
        return {**structured(await client.call_tool(tool, arguments)), "asked": person.questions}


async def sent(house: House, tool: str, arguments: dict[str, Any]) -> str:
    """The id of a message that was sent."""
    return str((await told(house, tool, arguments))["result"]["id"])


def forged(old: str, new: str, **more: Any) -> str:
    """A ready message that somebody sent through the domain, with another line in its entry."""
    text = composed(
        read({**CALL, "attendees": ["ann@example.net"], "location": "", "description": "", **more})
    ).decode()
    assert old in text
    return text.replace(old, new)


def test_attack_355_one_of_two_entries_is_not_taken_for_the_invitation() -> None:
    message = composed(read(CALL)).replace(b'Content-Type: text/plain; charset="utf-8"', b"Content-Type: text/calendar")
    with pytest.raises(Unclear, match="carries no invitation, or more than one"):
        earlier_invitation.read(message)


def test_attack_355_what_is_no_request_is_not_taken_for_one() -> None:
    message = composed(read({**CALL, "cancels": "a@b", "uid": "x@y.example", "sequence": 1}))
    with pytest.raises(Unclear, match="is no invitation: it cancels one"):
        earlier_invitation.read(message)


async def test_attack_356_nobody_else_s_appointment_is_changed(desk: Desk) -> None:
    """A message of another organizer went through the domain: a change of it would speak for them."""
    theirs = {**FROM, "to": ["ann@example.net"], "message": forged("mailto:support@", "mailto:eve@")}
    del theirs["from"]
    async with desk.open() as house:
        named = await sent(house, "send_mime_message", theirs)
        for kind in ("changes", "cancels"):
            refused = await told(house, "send_invitation", {**FROM, kind: named})
            assert refused["asked"] == []
            (problem,) = refused["error"]["problems"]
            assert (problem["path"], problem["wrong"]) == (
                kind,
                "is an appointment of eve@mg.example.com, which nobody else can change",
            )
    assert len(desk.writes()) == 1


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("SUMMARY:Handover\\, at last", "SUMMARY:=?utf-8?q?Pay_Eve?=", "title"),
        ("SUMMARY:Handover\\, at last", "SUMMARY:Hand\\nover", "title"),
        ("mailto:ann@example.net", "mailto:ann@example.net\\,eve@example.net", "changes"),
        ("SEQUENCE:0", "SEQUENCE:20000", "sequence"),
    ],
)
async def test_attack_357_what_is_taken_over_is_held_to_the_rules(desk: Desk, old: str, new: str, place: str) -> None:
    async with desk.open() as house:
        ready = {"domain": DOMAIN, "to": ["ann@example.net"], "message": forged(old, new)}
        named = await sent(house, "send_mime_message", ready)
        refused = await told(house, "send_invitation", {**FROM, "changes": named})
    assert refused["asked"] == []
    assert place in {one["path"] for one in refused["error"]["problems"]}


async def test_attack_358_a_change_that_nobody_compared_says_so(desk: Desk) -> None:
    given = {**CALL, "changes": "gone@mg.example.com", "uid": "x@mg.example.com", "sequence": 1}
    async with desk.open() as house:
        asked = (await told(house, "send_invitation", given))["asked"]
    assert "could not check what it changes or cancels: the earlier invitation was not read" in asked[0]


async def test_attack_358_who_is_left_out_is_named(desk: Desk) -> None:
    async with desk.open() as house:
        named = await sent(house, "send_invitation", CALL)
        asked = (await told(house, "send_invitation", {**FROM, "changes": named, "attendees": ["ann@example.net"]}))[
            "asked"
        ]
    assert "Invited before, gets nothing now: bob@example.org" in asked[0]

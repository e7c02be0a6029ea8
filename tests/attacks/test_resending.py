"""Attacks 200 and 201: a message that is sent once more is another one than was shown; and what is told of a second
sending whose answer was lost.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from maton_mailgun.sandbox.account.eventlog import EventLog
from maton_mailgun.sandbox.account.mailgun_account import Message
from maton_mailgun.sandbox.account.seed import MAILING_LIST
from maton_mailgun.sandbox.mailgun.messages.delivery import accept

from .bench import APPROVE, DOMAIN, LETTER, Desk, House, Person, decide, structured
from .test_world import propose

pytestmark = pytest.mark.anyio
ERAS = pytest.mark.parametrize("mode", ["auto", "legacy"])
AGAIN = {"to": ["carol@example.net"]}


async def sent(house: House, desk: Desk, **more: Any) -> None:
    """A message that was sent some time ago, and that the account keeps."""
    desk.sandbox._clock = desk.clock
    async with house.client(Person(house.clock, APPROVE)) as client:
        told = structured(await client.call_tool("send_message", {**LETTER, **more}))
    assert told["status"] == "executed", told
    house.clock.let_pass(3600)


def stored(desk: Desk) -> Message:
    """The only message that was sent so far."""
    (message,) = desk.sandbox.account.domains[DOMAIN].messages.values()
    return message


async def resending(house: House, desk: Desk, **more: Any) -> dict[str, Any]:
    await sent(house, desk, **more)
    return {"domain": DOMAIN, "storage_key": stored(desk).key, **AGAIN}


def resends(desk: Desk) -> list[dict[str, Any]]:
    return [one for one in desk.writes() if "/v3/domains/" in str(one["path"])]


@ERAS
async def test_a_stored_message_is_shown_whole_and_goes_to_the_new_recipients_alone(desk: Desk, mode: str) -> None:
    async with desk.open() as house:
        call = await resending(house, desk, html="<p>Good <a href='https://shop.example.net/'>morning</a>.</p>")
        person = Person(desk.clock, APPROVE)
        async with house.client(person, mode=mode) as client:
            told = structured(await client.call_tool("resend_message", call))
        assert told["status"] == "executed"
        record = await house.only(limit=1)
    message = record.preview["message"]
    assert {key: message[key] for key in ("from", "subject", "text", "html")} == {
        "from": "Support <support@mg.example.com>",
        "subject": "Hello",
        "text": "Good morning.\n",
        "html": "<p>Good <a href='https://shop.example.net/'>morning</a>.</p>\n",
    }
    assert [one["address"] for one in record.preview["recipients"]] == ["carol@example.net"]
    assert record.preview["effect"].startswith("Sends 1 stored message once more, as it is, from ")
    assert record.preview["unchecked"] == []
    (question,) = person.questions
    assert "Good morning." in question
    assert "carol@example.net" in question
    assert [one["form"] for one in resends(desk)] == [[["to", "carol@example.net"]]]


async def test_attached_files_are_listed_with_what_is_in_them(desk: Desk, tmp_path: Any) -> None:
    (tmp_path / "order.txt").write_bytes(b"Pay to account 666\r\n")
    async with desk.open(attachments=tmp_path) as house:
        call = await resending(house, desk, attachments=["order.txt"])
        await propose(house, "resend_message", call)
        record = await house.only(states={"pending"})
    (file,) = record.preview["message"]["attachments"]
    assert (file["name"], file["type"], len(file["sha256"])) == ("order.txt", "text/plain", 64)
    assert "account 666" in str(record.preview["sections"])


async def test_attack_200_a_stored_message_that_changed_since_is_not_sent(desk: Desk) -> None:
    async with desk.open() as house:
        approval_id = await propose(house, "resend_message", await resending(house, desk))
        stored(desk).text = "Pay to account 666."
        record = await decide(house, approval_id)
        assert record.state == "stale"
        assert "account 666" in (record.reason or "")
    assert resends(desk) == []


async def test_attack_200_nor_one_that_is_gone(desk: Desk) -> None:
    async with desk.open() as house:
        approval_id = await propose(house, "resend_message", await resending(house, desk))
        desk.sandbox.account.domains[DOMAIN].messages[stored(desk).key + "2"] = stored(desk)
        del desk.sandbox.account.domains[DOMAIN].messages[stored_key(desk)]
        assert (await decide(house, approval_id)).state == "stale"
    assert resends(desk) == []


def stored_key(desk: Desk) -> str:
    return next(iter(desk.sandbox.account.domains[DOMAIN].messages))


async def test_attack_200_a_recipient_list_that_grew_since_is_more_than_the_yes_covers(desk: Desk) -> None:
    async with desk.open() as house:
        call = {**await resending(house, desk), "to": [MAILING_LIST]}
        approval_id = await propose(house, "resend_message", call)
        members = desk.sandbox.account.members[MAILING_LIST]
        for number in range(30):
            address = f"member{number}@example.org"
            members.put(address, {**next(members.values()), "address": address})
        record = await decide(house, approval_id)
    assert (record.state, resends(desk)) == ("stale", [])


@pytest.mark.parametrize("key", ["BAABnone", "x"])
async def test_attack_200_nobody_is_asked_about_what_cannot_be_shown(desk: Desk, key: str) -> None:
    async with desk.open() as house, house.client(Person(desk.clock, APPROVE)) as client:
        told = structured(await client.call_tool("resend_message", {"domain": DOMAIN, "storage_key": key, **AGAIN}))
    assert told["error"]["kind"] == "refused"
    assert "There is no such stored message here" in told["error"]["message"]
    assert "storage host of Mailgun's that this gateway does not reach" in told["error"]["message"]
    assert desk.writes() == []


@pytest.mark.parametrize("to", [["carol"], [], ["Carol <c@example.net> x"]])
async def test_recipients_are_held_to_the_grammar_of_a_send(desk: Desk, to: list[str]) -> None:
    async with desk.open() as house:
        call = {**await resending(house, desk), "to": to}
        async with house.client(Person(desk.clock, APPROVE)) as client:
            told = structured(await client.call_tool("resend_message", call))
    assert told["error"]["kind"] == "bad_arguments"
    assert resends(desk) == []


async def lost(house: House, desk: Desk, kind: str, call: dict[str, Any]) -> dict[str, Any]:
    """What is told of a resend whose answer does not come."""
    desk.arm(kind, match={"method": "POST", "path_regex": ".*/v3/domains/.*"})
    async with house.client(Person(house.clock, APPROVE)) as client:
        return structured(await client.call_tool("resend_message", call))


async def test_a_second_sending_whose_answer_was_lost_is_found_in_the_events(desk: Desk) -> None:
    async with desk.open() as house:
        told = await lost(house, desk, "drop_after", await resending(house, desk))
    again = desk.sandbox.messages[-1]["id"].strip("<>")
    assert (told["status"], told["result"]) == ("executed", {"id": again, "found_by": "looking it up afterwards"})
    assert len(resends(desk)) == 1


async def also_sent(house: House, desk: Desk, **other: Any) -> None:
    """Somebody else writes to the same person by other ways, just when the answer is lost."""

    async def then() -> None:
        house.line.before = None
        message = next(iter(desk.sandbox.account.domains[DOMAIN].messages.values()))
        domain = desk.sandbox.account.domains[DOMAIN]
        given = {"to": ["carol@example.net"], "recipients": ["carol@example.net"], "at": desk.clock.now, **other}
        accept(desk.sandbox.account, domain, replace(message, **given), None)

    house.line.before = then


ELSE = {"key": "BAABelse", "id": "<else@example.com>"}


@pytest.mark.parametrize(
    "other",
    [
        {**ELSE, "subject": "Another one"},
        {**ELSE, "sender": "Sales <sales@mg.example.com>"},
        {**ELSE, "to": ["dave@example.net"], "recipients": ["dave@example.net"]},
        {},
    ],
    ids=["another subject", "another sender", "another recipient", "the original itself"],
)
async def test_attack_201_mail_of_others_does_not_prove_that_it_was_sent(desk: Desk, other: dict[str, Any]) -> None:
    async with desk.open() as house:
        call = await resending(house, desk)
        await also_sent(house, desk, **other)
        told = await lost(house, desk, "drop_before", call)
    assert (told["status"], told["executed"]) == ("outcome_unknown", "unknown")


@pytest.mark.parametrize("seconds", [-60, 600])
async def test_attack_201_nor_does_the_same_message_before_it_left_or_long_after(desk: Desk, seconds: float) -> None:
    async with desk.open() as house:
        call = await resending(house, desk)
        await also_sent(house, desk, **ELSE, at=desk.clock.now + seconds)
        assert (await lost(house, desk, "drop_before", call))["status"] == "outcome_unknown"


async def test_attack_201_nor_two_of_which_either_may_be_it(desk: Desk) -> None:
    async with desk.open() as house:
        call = await resending(house, desk)
        await also_sent(house, desk, **ELSE)
        assert (await lost(house, desk, "drop_after", call))["status"] == "outcome_unknown"


async def test_attack_201_nor_the_same_call_that_was_carried_out_before(desk: Desk) -> None:
    async with desk.open() as house:
        call = await resending(house, desk)
        async with house.client(Person(house.clock, APPROVE)) as client:
            assert structured(await client.call_tool("resend_message", call))["status"] == "executed"
        desk.sandbox._clock = lambda: desk.clock.now + 30
        assert (await lost(house, desk, "drop_after", call))["status"] == "outcome_unknown"


async def test_attack_201_nor_mail_to_some_of_the_recipients(desk: Desk) -> None:
    async with desk.open() as house:
        call = {**await resending(house, desk), "to": ["carol@example.net", "dave@example.net"]}
        await also_sent(house, desk, **ELSE)
        assert (await lost(house, desk, "drop_before", call))["status"] == "outcome_unknown"


async def test_attack_201_the_original_that_is_gone_leaves_it_unknown(desk: Desk) -> None:
    async with desk.open() as house:
        call = await resending(house, desk)

        async def gone() -> None:
            desk.sandbox.account.domains[DOMAIN].messages.pop(call["storage_key"])
            desk.sandbox.account.domains[DOMAIN].log = EventLog()

        house.line.before = gone
        assert (await lost(house, desk, "drop_before", call))["status"] == "outcome_unknown"

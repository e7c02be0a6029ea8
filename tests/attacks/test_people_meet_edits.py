"""Attacks 365 to 369: people, two of them, held yeses and changes, each against the others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from maton_mailgun.approval.channels import passphrase as secrets
from maton_mailgun.approval.channels import people as book
from maton_mailgun.approval.channels.page.app import create_app
from maton_mailgun.approval.channels.page.sessions import Sessions
from maton_mailgun.approval.channels.people import People
from maton_mailgun.approval.lifecycle import watch
from maton_mailgun.approval.lifecycle.decide import NotDecidable
from maton_mailgun.approval.store import audit
from maton_mailgun.approval.store.record import Record
from maton_mailgun.principal import of_subject

from .bench import LETTER, ME, Desk, House, structured
from .test_several import SOON, TWO, asked, people, rules, says

pytestmark = pytest.mark.anyio
GENTLER = {"subject": "Hello Bob"}


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guesses cost little here: what is tested is what they open."""
    cheap = {"n": 2, "r": 8, "p": 1}
    monkeypatch.setattr(secrets, "COST", cheap)
    monkeypatch.setattr(book, "_NOBODY", {**cheap, "salt": "00", "hash": "00"})


class Browser:
    """A browser at the page of a house."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client
        self._key = ""

    async def signs_in(self, **given: str) -> int:
        answer = await self._client.post("/api/session", json=given)
        self._key = answer.json().get("key", "")
        return answer.status_code

    async def asks(self, method: str, path: str, body: Any = None) -> int:
        headers = {"X-Approval-Key": self._key}
        return (await self._client.request(method, path, json=body, headers=headers)).status_code


@asynccontextmanager
async def browser_at(house: House, sessions: Sessions) -> AsyncIterator[Browser]:
    app = create_app(house.gate, sessions=sessions, allowed_hosts=("page:1",), reveals=lambda _: False)
    headers = {"Origin": "http://page:1", "Sec-Fetch-Site": "same-origin"}
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url="http://page:1", headers=headers
    ) as client:
        yield Browser(client)


# Attack 365: a session of somebody who may decide no more --------------------------------------------------------


async def test_attack_365_who_came_in_by_a_link_is_nobody_once_people_have_names(desk: Desk) -> None:
    """Else Ana changes it as nobody, and says yes to her own words as Ana."""
    sessions = Sessions()
    async with desk.open(policy=rules(desk)) as house, browser_at(house, sessions) as browser:
        record = await asked(house)
        one = f"/api/approvals/{record.id}"
        assert await browser.signs_in(token=sessions.token()) == 200
        assert await browser.asks("GET", one) == 200
        await people(house, "Ana", "Bob")
        change = {"digest": record.digest, "set": GENTLER}
        told = [
            await browser.asks("POST", f"{one}/edit", change),
            await browser.asks("GET", one),
            await browser.asks("POST", f"{one}/secret", {}),
        ]
        assert (told, (await house.only()).state) == ([401, 401, 401], "pending")


async def removed(people: People) -> None:
    await people.remove("Ana", by=["Bob", "Carl"])


async def removed_and_another(people: People) -> None:
    await removed(people)
    await people.add("Ana", "words of another Ana", by=["Bob", "Carl"])


async def changed(people: People) -> None:
    await people.change("Ana", "her new plain words")


@pytest.mark.parametrize("happens", [removed, removed_and_another, changed])
async def test_attack_365_a_session_ends_with_what_it_was_signed_in_with(desk: Desk, happens: Any) -> None:
    sessions = Sessions()
    async with desk.open(policy=rules(desk)) as house, browser_at(house, sessions) as browser:
        await people(house, "Ana", "Bob", "Carl")
        record = await asked(house)
        assert await browser.signs_in(name="Ana", passphrase="plain words of Ana") == 200
        await house.gate.people.change("Bob", "his new plain words")
        assert await browser.asks("GET", f"/api/approvals/{record.id}") == 200
        await happens(house.gate.people)
        change = {"digest": record.digest, "set": GENTLER}
        told = [
            await browser.asks("POST", f"/api/approvals/{record.id}/edit", change),
            await browser.asks("POST", "/api/stop", {"stop": True}),
            await browser.asks("GET", "/api/approvals"),
        ]
        assert (told, (await house.only()).state) == ([401, 401, 401], "pending")


async def test_attack_365_a_frame_of_a_message_ends_with_the_session_too(desk: Desk) -> None:
    sessions = Sessions()
    async with desk.open(policy=rules(desk)) as house, browser_at(house, sessions) as browser:
        await people(house, "Ana", "Bob", "Carl")
        record = await asked(house)
        assert await browser.signs_in(name="Ana", passphrase="plain words of Ana") == 200
        (session,) = sessions._sessions.values()
        frame = f"/api/approvals/{record.id}/message/{session.ticket(record.id)}"
        assert await browser.asks("GET", frame) == 200
        await removed(house.gate.people)
        assert await browser.asks("GET", frame) == 401


async def test_attack_365_the_next_process_of_the_page_knows_with_what_a_session_was_signed_in(desk: Desk) -> None:
    first, second = Sessions(), Sessions()
    async with desk.open(policy=rules(desk)) as house:
        await people(house, "Ana", "Bob", "Carl")
        async with browser_at(house, first) as browser:
            assert await browser.signs_in(name="Ana", passphrase="plain words of Ana") == 200
        second.unpack(first.packed(), lambda _: lambda: None)
        async with browser_at(house, second) as gone_on:
            gone_on._client.cookies.update(browser._client.cookies)
            gone_on._key = browser._key
            assert await gone_on.asks("GET", "/api/approvals") == 200
            await removed(house.gate.people)
            assert await gone_on.asks("GET", "/api/approvals") == 401


# Attack 366: who proposed it over OAuth says yes to it by name ---------------------------------------------------


@pytest.mark.parametrize("subject", ["ana", "Ana", "ana@example.com", "auth0|ana", "directory|ana@example.com"])
async def test_attack_366_whom_a_token_names_is_neither_of_the_two(desk: Desk, subject: str) -> None:
    async with desk.open(policy=rules(desk)) as house:
        await people(house, "Ana", "Bob", "Carl")
        record = await asked(house, principal=of_subject("https://login.example.com", subject))
        with pytest.raises(NotDecidable, match="Ana proposed or changed it"):
            await says(house, record, "Ana")
        assert await house.only() == record
        assert len((await says(house, record, "Bob")).yeses) == 1
    assert desk.writes() == []


# Attack 367: removed while their yes is held ---------------------------------------------------------------------


async def test_attack_367_a_yes_of_somebody_removed_while_it_is_held_releases_nothing(desk: Desk) -> None:
    async with desk.open(policy=rules(desk, f'{TWO}hold = "10m"\n')) as house:
        await people(house, "Ana", "Bob", "Carl")
        half = await says(house, await asked(house), "Ana")
        held = await says(house, half, "Bob")
        assert held.state == "held"
        await house.gate.people.remove("Ana", by=["Bob", "Carl"])
        desk.clock.let_pass(600.0)
        ended = await house.gate.wait(held.id, SOON, lambda now: now.state in ("stale", "succeeded"))
    told = (
        "Somebody who said yes may not decide any more, or signs in with something else now; 2 different people must."
    )
    assert (ended.state, ended.reason, desk.writes()) == ("stale", told, [])


@pytest.mark.parametrize("happens", [removed, removed_and_another, changed])
async def test_attack_426_a_yes_counts_as_long_as_what_its_person_signed_in_with(desk: Desk, happens: Any) -> None:
    """Another of the same name has not said it, nor has whoever had her passphrase before she changed it."""
    async with desk.open(policy=rules(desk)) as house:
        await people(house, "Ana", "Bob", "Carl")
        half = await says(house, await asked(house), "Ana")
        await happens(house.gate.people)
        more = await says(house, half, "Bob")
        assert (more.state, [one["person"] for one in more.yeses]) == ("pending", ["Bob"])
    assert desk.writes() == []


@pytest.mark.parametrize("happens", [removed, removed_and_another, changed])
async def test_attack_426_also_while_it_is_held(desk: Desk, happens: Any) -> None:
    async with desk.open(policy=rules(desk, ONE)) as house:
        await people(house, "Ana", "Bob", "Carl")
        held = await says(house, await asked(house), "Ana")
        await happens(house.gate.people)
        desk.clock.let_pass(600.0)
        ended = await house.gate.wait(held.id, SOON, lambda now: now.state in ("stale", "succeeded"))
    assert (ended.state, desk.writes()) == ("stale", [])


ONE = '[[rule]]\nname = "one"\ndecision = "ask"\nlevel = "operator"\nhold = "10m"\n'


@pytest.mark.parametrize("channel", ["page", "cli"])
async def test_attack_415_one_yes_that_is_enough_releases_nothing_once_its_person_is_removed(
    desk: Desk, channel: str
) -> None:
    async with desk.open(policy=rules(desk, ONE)) as house:
        await people(house, "Ana", "Bob", "Carl")
        held = await says(house, await asked(house), "Ana", channel=channel)
        assert held.state == "held"
        await house.gate.people.remove("Ana", by=["Bob", "Carl"])
        desk.clock.let_pass(600.0)
        ended = await house.gate.wait(held.id, SOON, lambda now: now.state in ("stale", "succeeded"))
    told = "Somebody who said yes may not decide any more, or signs in with something else now."
    assert (ended.state, ended.reason, desk.writes()) == ("stale", told, [])


async def test_attack_415_nor_does_one_that_waits_for_the_service(desk: Desk) -> None:
    desk.arm("rate_429_retry_after")
    async with desk.open(policy=rules(desk, ONE.replace('hold = "10m"\n', ""))) as house:
        await people(house, "Ana", "Bob", "Carl")
        record = await says(house, await asked(house), "Ana")
        waits = await house.gate.run(record.id)
        assert (waits.state, len(desk.writes())) == ("approved", 1)
        await house.gate.people.remove("Ana", by=["Bob", "Carl"])
        desk.clock.let_pass(61.0)
        ended = await house.gate.run(record.id)
    assert (ended.state, len(desk.writes())) == ("stale", 1)


async def test_one_yes_by_name_is_told_as_before_and_runs(desk: Desk) -> None:
    async with desk.open(policy=rules(desk, ONE)) as house:
        await people(house, "Ana", "Bob", "Carl")
        held = await says(house, await asked(house), "Ana")
        await house.gate.people.remove("Bob", by=["Ana", "Carl"])
        desk.clock.let_pass(600.0)
        ended = await house.gate.wait(held.id, SOON, lambda now: now.state in ("stale", "succeeded"))
        assert (ended.state, ended.decided_by) == ("succeeded", "Ana, by passphrase")
        assert (await audit.verify(house.gate.store)).ok
    assert len(desk.writes()) == 1


# Attack 368: changed by somebody who had no name yet -------------------------------------------------------------


async def test_attack_368_what_nobody_by_name_changed_has_no_two_others(desk: Desk) -> None:
    async with desk.open(policy=rules(desk)) as house:
        new = await house.gate.edits.edit((await asked(house)).id, GENTLER, "person at the approval page")
        await people(house, "Ana", "Bob")
        with pytest.raises(NotDecidable, match="somebody whose name is not known changed it"):
            await says(house, new, "Ana")
        assert (await house.state(new.id), desk.writes()) == ("pending", [])


# A first yes, and then a change -----------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["Carl, by passphrase", "agent"])
async def test_a_first_yes_is_of_what_it_was_and_both_people_are_told_that_it_counts_no_more(
    desk: Desk, by: str
) -> None:
    async with desk.open(policy=rules(desk)) as house:
        await people(house, "Ana", "Bob", "Carl")
        half = await says(house, await asked(house), "Ana")
        if by == "agent":
            async with house.client() as client:
                call = {"approval_id": half.id, "arguments": {**LETTER, **GENTLER}}
                await client.call_tool("replace_approval", call)
        else:
            await house.gate.edits.edit(half.id, GENTLER, by)
        new = await house.only(states={"pending"})
        assert (new.replaces, new.yeses) == (half.id, ())
        assert "Ana said yes to what it was before. That counts no more." in new.preview["history"]
        assert (await says(house, new, "Bob")).state == "pending"
        with pytest.raises(NotDecidable, match="superseded"):
            await says(house, half, "Bob")
        await says(house, new, "Ana")
        assert (await house.gate.run(new.id)).state == "succeeded"
    assert len(desk.writes()) == 1


# Attack 417: what a person wrote, withdrawn by an agent and proposed as its own ----------------------------------

OTHER = "local:other"


async def written(house: House) -> Record:
    """A letter as Ana changed it."""
    await people(house, "Ana", "Bob", "Carl")
    return await house.gate.edits.edit((await asked(house)).id, GENTLER, "Ana, by passphrase")


async def ends(house: House, record: Record, how: str) -> None:
    if how == "withdrawn":
        async with house.client() as client:
            await client.call_tool("cancel_approval", {"approval_id": record.id})
    elif how == "rejected":
        await says(house, record, "Carl", approve=False)
    else:
        house.clock.let_pass(16 * 60.0)
        await house.gate.store.sweep()
    assert await house.state(record.id) not in ("pending", "superseded")


async def proposes(house: House, principal: str, **changes: Any) -> Record:
    async with house.client(principal=principal) as client:
        told = structured(await client.call_tool("send_message", {**LETTER, **GENTLER, **changes}))
    return await house.gate.shown(told["approval_id"])


@pytest.mark.parametrize("how", ["withdrawn", "rejected", "expired"])
async def test_attack_417_what_a_person_wrote_stays_theirs_when_an_agent_proposes_it_again(
    desk: Desk, how: str
) -> None:
    async with desk.open(policy=rules(desk)) as house:
        await ends(house, await written(house), how)
        again = await proposes(house, ME)
        assert (again.edited_by, again.written_by) == ((), ("Ana, by passphrase",))
        assert "Ana wrote exactly this, in place of what was proposed before." in again.preview["history"]
        with pytest.raises(NotDecidable, match="Ana proposed or changed it"):
            await says(house, again, "Ana")
        await says(house, await says(house, again, "Bob"), "Carl")
        assert (await house.gate.run(again.id)).state == "succeeded"
    assert len(desk.writes()) == 1


async def test_attack_417_also_where_another_agent_does_and_where_it_is_changed_once_more(desk: Desk) -> None:
    async with desk.open(policy=rules(desk)) as house:
        await written(house)
        again = await proposes(house, OTHER)
        more = await house.gate.edits.edit(again.id, {"text": "Good evening."}, "Bob, by passphrase")
        for name in ("Ana", "Bob"):
            with pytest.raises(NotDecidable, match=f"{name} proposed or changed it"):
                await says(house, more, name)
        assert (await says(house, more, "Carl")).state == "pending"
    assert desk.writes() == []


async def test_another_call_and_one_of_another_day_are_the_agents_own(desk: Desk) -> None:
    async with desk.open(policy=rules(desk)) as house:
        await ends(house, await written(house), "rejected")
        assert (await proposes(house, ME, text="Something else.")).written_by == ()
        house.clock.let_pass(49 * 3_600.0)
        assert (await proposes(house, ME)).written_by == ()


# Attack 369: its time is over, and nobody has closed it yet ------------------------------------------------------


async def asked_of_another(house: House) -> Record:
    async with house.client(principal="local:other") as client:
        told = structured(await client.call_tool("send_message", LETTER))
    return await house.gate.shown(told["approval_id"])


async def test_attack_369_what_is_over_takes_no_first_yes_and_is_put_off_no_more(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "SWEEP_SECONDS", 3_600.0)
    async with desk.open(policy=rules(desk)) as house:
        await people(house, "Ana", "Bob")
        first, second = await asked(house), await asked_of_another(house)
        desk.clock.now = first.expires_at + 1.0
        with pytest.raises(NotDecidable, match="It is expired already"):
            await says(house, first, "Ana")
        with pytest.raises(NotDecidable, match="It is expired already"):
            await house.gate.more_time(second.id, "Ana")
        found = [(record.state, record.yeses) for record in await house.gate.list()]
        assert found == [("expired", ()), ("expired", ())]
        assert (await audit.verify(house.gate.store)).ok
    assert desk.writes() == []

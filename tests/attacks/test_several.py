"""Attacks 315 to 319: two yeses are those of two people, neither of whom proposed it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from maton_mailgun.approval.channels import passphrase as secrets
from maton_mailgun.approval.lifecycle import watch
from maton_mailgun.approval.lifecycle.decide import Decision, NotDecidable
from maton_mailgun.approval.store import audit
from maton_mailgun.approval.store.failures import IllegalMove
from maton_mailgun.approval.store.record import Record

from .bench import APPROVE, LETTER, Desk, House, Person, headline, structured

pytestmark = pytest.mark.anyio
TWO = '[[rule]]\nname = "two"\ndecision = "ask"\napprovers = 2\n'
SOON = 10.0


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guesses cost little here, and what time has closed is looked for often."""
    monkeypatch.setattr(secrets, "COST", {"n": 2, "r": 8, "p": 1})
    monkeypatch.setattr(watch, "SWEEP_SECONDS", 0.1)


def rules(desk: Desk, text: str = TWO) -> Path:
    path = desk.home / "policy.toml"
    path.write_text(text)
    path.chmod(0o600)
    return path


@pytest.fixture
async def house(desk: Desk) -> AsyncIterator[House]:
    async with desk.open(policy=rules(desk)) as opened:
        await people(opened, "Ana", "Bob", "Carl")
        yield opened


async def people(house: House, *names: str) -> None:
    there: list[str] = []
    for name in names:
        await house.gate.people.add(name, f"plain words of {name}", by=there[:2])
        there.append(name)


async def asked(house: House, **principal: Any) -> Record:
    async with house.client(**principal) as client:
        told = structured(await client.call_tool("send_message", LETTER))
    await house.gate.shown(told["approval_id"])
    return await house.only(states={"pending"})


async def says(house: House, record: Record, person: str | None, **changes: Any) -> Record:
    given: dict[str, Any] = {"approve": True, "level": "operator", "channel": "page", "person": person, **changes}
    return await house.gate.decide(record.id, Decision(decider=f"{person}, by passphrase", **given))


async def test_attack_315_the_first_yes_is_kept_and_shown_and_the_second_of_somebody_else_releases_it(
    house: House, desk: Desk
) -> None:
    record = await asked(house)
    assert (record.level, record.approvers) == ("operator", 2)
    first = await says(house, record, "Ana")
    assert (first.state, first.expires_at, desk.writes()) == ("pending", record.expires_at, [])
    async with house.client() as client:
        told = structured(await client.call_tool("get_approval", {"approval_id": record.id}))
    assert (told["status"], told["people"]) == ("approval_required", "Ana said yes, 1 more person needed")
    await says(house, first, "Bob")
    done = await house.gate.run(record.id)
    assert (done.state, done.decided_by) == ("succeeded", "Ana, by passphrase and Bob, by passphrase")
    assert len(desk.writes()) == 1
    audited = [one async for one in audit.export(house.gate.store)]
    assert [line for line in audited if '"yes_of": "Ana"' in line and '"actor": "Ana, by passphrase"' in line]
    assert (await audit.verify(house.gate.store)).ok


async def test_attack_315_a_first_yes_outlives_the_process_and_is_taken_up_in_another(desk: Desk) -> None:
    async with desk.open(policy=rules(desk)) as house:
        await people(house, "Ana", "Bob")
        record = await says(house, await asked(house), "Ana")
    async with desk.open(policy=rules(desk)) as house:
        assert await house.state(record.id) == "pending"
        with pytest.raises(NotDecidable, match="Ana said yes already, and that counts once: 1 more person needed"):
            await says(house, record, "Ana")
        await says(house, record, "Bob")
        assert (await house.gate.run(record.id)).state == "succeeded"
    assert len(desk.writes()) == 1


async def test_attack_315_no_form_and_nobody_unnamed_gives_a_yes(house: House, desk: Desk) -> None:
    person = Person(desk.clock, APPROVE)
    async with house.client(person) as client:
        told = await client.call_tool("send_message", LETTER)
    assert (headline(told)[:12], person.questions) == ("NOT EXECUTED", [])
    record = await house.only()
    for channel, level in (("form", "client"), ("relay", "client"), ("form", "operator"), ("relay", "operator")):
        with pytest.raises(NotDecidable):
            await says(house, record, None, channel=channel, level=level)
    assert (await house.only(), desk.writes()) == (record, [])


async def test_attack_315_too_few_people_by_name_release_nothing(desk: Desk) -> None:
    async with desk.open(policy=rules(desk)) as house:
        record = await asked(house)
        with pytest.raises(NotDecidable, match="0 may decide by name here"):
            await says(house, record, None)
        await people(house, "Ana")
        with pytest.raises(NotDecidable, match="1 may decide by name here"):
            await says(house, record, "Ana")
        assert await house.only() == record
    assert desk.writes() == []


@pytest.mark.parametrize("principal", ["local:ana", "ANA", "token:Ana", "local:4na"])
async def test_attack_316_who_proposed_it_is_neither_of_the_two(house: House, desk: Desk, principal: str) -> None:
    record = await asked(house, principal=principal)
    if principal == "local:4na":
        assert (await says(house, record, "Ana")).yeses != ()
        return
    with pytest.raises(NotDecidable, match="Ana proposed or changed it"):
        await says(house, record, "Ana")
    assert await house.only() == record


async def test_attack_317_the_same_person_counts_once_wherever_they_say_it(house: House, desk: Desk) -> None:
    record = await says(house, await asked(house), "Ana")
    for channel in ("page", "cli"):
        with pytest.raises(NotDecidable, match="counts once"):
            await says(house, record, "Ana", channel=channel)
    assert (await house.only(), desk.writes()) == (record, [])


async def test_attack_318_the_yes_of_somebody_who_was_removed_since_does_not_count(house: House, desk: Desk) -> None:
    record = await says(house, await asked(house), "Ana")
    await house.gate.people.remove("Ana", by=["Bob", "Carl"])
    half = await says(house, record, "Bob")
    assert (half.state, [one["person"] for one in half.yeses], desk.writes()) == ("pending", ["Bob"], [])
    audited = [one async for one in audit.export(house.gate.store)]
    assert '"yes_of": "Bob"' in audited[-1]
    await says(house, half, "Carl")
    assert (await house.gate.run(record.id)).decided_by == "Bob, by passphrase and Carl, by passphrase"


async def test_attack_319_the_store_itself_takes_no_single_yes(house: House, desk: Desk) -> None:
    record = await asked(house)
    ana = {"person": "Ana", "at": desk.clock(), "by": "Ana"}
    for yeses in ((), (ana,), (ana, {**ana, "person": "ANA"})):
        with pytest.raises(IllegalMove):
            await house.gate.store.move(record, "approved", actor="gate", decided_at=desk.clock(), yeses=yeses)
    assert await house.only() == record


async def test_attack_319_a_no_of_anybody_ends_it(house: House, desk: Desk) -> None:
    record = await says(house, await asked(house), "Ana")
    ended = await says(house, record, "Bob", approve=False, reason="not this one")
    assert (ended.state, ended.decided_by, ended.reason) == ("rejected", "Bob, by passphrase", "not this one")
    with pytest.raises(NotDecidable):
        await says(house, ended, "Carl")
    assert desk.writes() == []


async def test_attack_319_what_runs_out_after_a_first_yes_says_whose_it_was(house: House, desk: Desk) -> None:
    record = await says(house, await asked(house), "Ana")
    desk.clock.let_pass(16 * 60.0)
    await house.gate.wait(record.id, SOON, lambda now: now.state == "expired")
    async with house.client() as client:
        told = await client.call_tool("get_approval", {"approval_id": record.id})
    assert headline(told) == ("NOT EXECUTED. Ana said yes, and nobody else in time. Ask whether they still want it.")
    assert desk.writes() == []


async def test_attack_306_a_rule_that_wants_a_second_person_since_stops_what_one_approved(desk: Desk) -> None:
    slowly = '[[rule]]\nname = "slowly"\ndecision = "ask"\nhold = "1s"\n'
    async with desk.open(policy=rules(desk, slowly)) as house:
        await people(house, "Ana", "Bob")
        record = await says(house, await asked(house), "Ana")
        assert record.state == "held"
        rules(desk)
        desk.clock.let_pass(1.0)
        ended = await house.gate.wait(record.id, SOON, lambda now: now.state == "stale")
    assert ended.reason == "The policy now wants 2 different people to say yes."
    assert desk.writes() == []


async def test_two_yeses_are_held_like_one(desk: Desk) -> None:
    async with desk.open(policy=rules(desk, f'{TWO}hold = "30s"\n')) as house:
        await people(house, "Ana", "Bob")
        record = await says(house, await asked(house), "Ana")
        held = await says(house, record, "Bob")
        assert (held.state, len(held.yeses), desk.writes()) == ("held", 2, [])
        desk.clock.let_pass(30.0)
        done = await house.gate.wait(record.id, SOON, lambda now: now.state == "succeeded")
    assert (done.state, len(desk.writes())) == ("succeeded", 1)

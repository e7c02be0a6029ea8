"""Attack 341: one person, or an agent in a loop, uses up what a rule lets run unasked."""

from __future__ import annotations

from typing import Any

import pytest

from .bench import APPROVE, LETTER, Desk, House, Person, structured

pytestmark = pytest.mark.anyio
ALLOW = (
    '[[rule]]\nname = "internal"\ntools = ["send_message"]\nrecipients = ["*@example.net"]\n'
    'per_day = {per_day}\nper_person = {per_person}\ndecision = "allow"\n'
)


async def approved_by(house: House, principal: str, subject: str, person: Any) -> str:
    async with house.client(person, principal=principal) as client:
        told = structured(await client.call_tool("send_message", {**LETTER, "subject": subject}))
    assert told["status"] == "executed"
    return str(told["approved_by"])


async def test_attack_341_who_used_up_their_share_is_asked_and_others_are_not(desk: Desk) -> None:
    policy = desk.home.parent / "policy.toml"
    policy.write_text(ALLOW.format(per_day=3, per_person=1))
    person = Person(desk.clock, APPROVE)
    async with desk.open(policy=policy) as house:
        assert await approved_by(house, "oauth:x#ann", "one", person) == "policy:internal"
        assert await approved_by(house, "oauth:x#ann", "two", person) == "person at tester"
        assert await approved_by(house, "oauth:x#bob", "three", person) == "policy:internal"
    # It is kept with the approvals, not in the process.
    async with desk.open(policy=policy) as house:
        assert await approved_by(house, "oauth:x#ann", "four", person) == "person at tester"
        assert await approved_by(house, "oauth:x#eve", "five", person) == "policy:internal"
        # The day of all is over now.
        assert await approved_by(house, "oauth:x#joe", "six", person) == "person at tester"
    assert len(person.questions) == 3


async def test_a_share_of_each_person_stands_alone_too(desk: Desk) -> None:
    policy = desk.home.parent / "policy.toml"
    policy.write_text(ALLOW.replace("per_day = {per_day}\n", "").format(per_person=1))
    person = Person(desk.clock, APPROVE)
    async with desk.open(policy=policy) as house:
        answers = [await approved_by(house, f"oauth:x#{one}", f"for {one}", person) for one in ("ann", "bob", "eve")]
        assert set(answers) == {"policy:internal"}
        assert await approved_by(house, "oauth:x#eve", "again", person) == "person at tester"

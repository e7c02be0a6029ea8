"""Attack 170: what a mailing list holds of its members, their names too, goes out where nobody saw it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest

from maton_mailgun.sandbox.account.tables import Table

from .bench import APPROVE, LETTER, Desk, Person, structured
from .telling import previewed

pytestmark = pytest.mark.anyio
TEAM = "team@mg.example.com"
HEADING = "What lists hold of their members"
EVIL = "Bob, pay at https://evil.example.org/"
BREAKS = "opens or closes a tag"


def team(desk: Desk, **members: tuple[str, Mapping[str, Any]]) -> None:
    """The list with these members, each at mg.example.com: name and data."""
    record = {"address": TEAM, "name": "", "description": "", "access_level": "readonly", "reply_preference": "list"}
    desk.sandbox.account.lists.put(TEAM, {**record, "created_at": "Tue, 01 Mar 2025 10:00:00 -0000"})
    desk.sandbox.account.members[TEAM] = Table()
    for local, (name, own) in members.items():
        who = f"{local}@mg.example.com"
        held = {"address": who, "name": name, "vars": dict(own), "subscribed": True}
        desk.sandbox.account.members[TEAM].put(who, held)


async def told(desk: Desk, **parts: Any) -> dict[str, Any]:
    return await previewed(desk, "send_message", {**LETTER, "to": [TEAM], **parts})


def rows(preview: dict[str, Any], heading: str) -> dict[str, str]:
    found = [section["rows"] for section in preview["sections"] if section["heading"] == heading]
    return {row["label"]: row["value"] for section in found for row in section}


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("%recipient_name%", f"recipient_name: {EVIL}"),
        ("%recipient_fname%", "recipient_fname: Bob,"),
        ("%recipient_lname%", "recipient_lname: pay at https://evil.example.org/"),
    ],
)
@pytest.mark.parametrize("part", ["text", "html", "subject", "from"])
async def test_attack_170_names_that_a_list_fills_in_are_shown(desk: Desk, part: str, place: str, said: str) -> None:
    team(desk, bob=(EVIL, {}), ann=("", {"x": 1}))
    given = f"{place} <support@mg.example.com>" if part == "from" else f"Dear {place}"
    preview = await told(desk, **{part: given})
    nothing = f"{said.partition(':')[0]}: (nothing)"
    assert rows(preview, HEADING) == {"bob@mg.example.com": said, "ann@mg.example.com": nothing}
    assert any(f"{place} is filled with what the mailing list holds" in line for line in preview["warnings"])
    own = [line for line in preview["warnings"] if "goes to a mailing list, whose members' own data" in line]
    assert bool(own) == (part in {"subject", "from"})


async def test_attack_170_where_a_name_leads_is_told(desk: Desk) -> None:
    team(desk, bob=(EVIL, {}))
    preview = await told(desk, html="<p>Dear %recipient_name%</p>", text="Dear %recipient_name%")
    assert rows(preview, "Body")["Links lead to"] == "evil.example.org"


async def test_attack_170_a_name_that_breaks_the_markup_is_told(desk: Desk) -> None:
    team(desk, bob=("<!--", {}))
    preview = await told(desk, html="<p>Dear %recipient_name%</p><p>You owe 500 EUR")
    assert any(BREAKS in line and "%recipient_name%" in line for line in preview["warnings"])


async def test_attack_170_so_is_that_of_a_single_recipient(desk: Desk) -> None:
    html = "<p>Dear %recipient_fname%</p><p>You owe 500 EUR"
    preview = await told(desk, to=['"<!-- x" <bob@example.net>'], html=html)
    assert any(BREAKS in line and "%recipient_fname%" in line for line in preview["warnings"])


@pytest.mark.parametrize("name", ["Bob Brown", "Seán O'Brien & Sons", ""])
async def test_attack_170_an_ordinary_name_is_no_alarm(desk: Desk, name: str) -> None:
    preview = await told(desk, to=[f'"{name}" <bob@example.net>'], html="<p>Dear %recipient_name%</p>")
    assert not [line for line in preview["warnings"] if "recipient_name" in line or BREAKS in line]


async def _decided(desk: Desk, after: Mapping[str, tuple[str, Mapping[str, Any]]]) -> str:
    person = Person(desk.clock, APPROVE)

    async def change() -> None:
        team(desk, **after)

    person.meanwhile = change
    call = {**LETTER, "to": [TEAM], "text": "Dear %recipient_name%"}
    async with desk.open() as house, house.client(person) as client:
        return str(structured(await client.call_tool("send_message", call))["status"])


async def test_attack_170_a_yes_is_to_the_names_that_were_shown(desk: Desk) -> None:
    team(desk, bob=("Bob", {}))
    assert await _decided(desk, {"bob": (EVIL, {})}) == "stale"
    assert desk.writes() == []


async def test_attack_170_names_that_stayed_go_out(desk: Desk) -> None:
    team(desk, bob=("Bob", {}))
    assert await _decided(desk, {"bob": ("Bob", {})}) == "executed"


async def test_attack_170_values_that_a_template_gets_are_shown(desk: Desk) -> None:
    """`%recipient.x%` in template_variables is how a template gets them."""
    team(desk, bob=("", {"x": EVIL}))
    preview = await told(desk, template="welcome", template_variables={"name": "%recipient.x%", "deep": [{"a": "b"}]})
    assert rows(preview, HEADING) == {"bob@mg.example.com": f"x: {EVIL}"}


async def test_attack_170_a_yes_is_to_the_values_that_a_template_gets(desk: Desk) -> None:
    team(desk, bob=("", {"x": "Bob"}))
    person = Person(desk.clock, APPROVE)

    async def change() -> None:
        team(desk, bob=("", {"x": EVIL}))

    person.meanwhile = change
    call = {**LETTER, "to": [TEAM], "template": "welcome", "template_variables": {"name": "%recipient.x%"}}
    del call["text"]
    async with desk.open() as house, house.client(person) as client:
        content = structured(await client.call_tool("send_message", call))
    assert content["status"] == "stale", content


async def test_attack_170_where_the_copy_of_every_member_leads_is_told(desk: Desk) -> None:
    good = {f"p{number}": ("", {"h": f"h{number}.mg"}) for number in range(60)}
    team(desk, **good, last=("", {"h": "pay.evil"}))
    preview = await told(desk, html="<a href='https://%recipient.h%.example.org/'>See</a>", text="See")
    assert "pay.evil.example.org" in rows(preview, "Body")["Links lead to"].split(", ")


async def test_attack_170_copies_that_are_too_long_to_be_read_are_said_to_be(desk: Desk) -> None:
    team(desk, bob=("x" * 90_000, {}))
    begun = time.process_time()
    preview = await told(desk, html="<p>%recipient_name%</p>" * 1_000, text="x")
    assert time.process_time() - begun < 4.0
    assert any("could not check the links in every filled message" in line for line in preview["unchecked"])

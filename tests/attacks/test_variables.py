"""Attack 47: what people get is not what was shown, because it comes from a variable or from a stored template.

Recipient variables hold subject, text and links; a template's version holds From, Reply-To and Subject; `no` is true to
a template.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from maton_mailgun.approval.preview.terminal_text import terminal
from maton_mailgun.approval.store.record import Record
from maton_mailgun.mail.filling import filled
from maton_mailgun.sandbox.account.seed import TEMPLATE

from .bench import APPROVE, DOMAIN, LETTER, Desk, House, Person, decide, structured

pytestmark = pytest.mark.anyio

ANN, BOB = "ann@mg.example.com", "bob@example.net"
VALUES = {
    ANN: {"name": "Ann", "story": "Your invoice is here.", "link": "https://mg.example.com/pay/1"},
    BOB: {"name": "Bob", "story": "y" * 3_000 + " pay 5,000 to DE99", "link": "https://evil.example/pay?to=me&n=2"},
}
BATCH: dict[str, Any] = {
    "domain": DOMAIN,
    "from": "Support <support@mg.example.com>",
    "to": [ANN, BOB],
    "subject": "For you, %recipient.name%",
    "html": '<p>%recipient.story%</p><a href="%recipient.link%">mg.example.com</a>',
    "recipient_variables": VALUES,
}
TEMPLATED = {"domain": DOMAIN, "to": [ANN], "template": TEMPLATE, "template_variables": {"name": "Ann", "company": "A"}}
ALLOW = '[[rule]]\nname = "r"\ntools = ["send_message"]\ndecision = "allow"\n'


async def asked(house: House, arguments: dict[str, Any], name: str = "send_message") -> Record:
    """The stored record of a proposed message."""
    async with house.client() as client:
        content = structured(await client.call_tool(name, arguments))
    assert content["status"] == "approval_required", content
    record = await house.gate.get(content["approval_id"])
    assert record is not None
    return record


def on_screen(record: Record) -> str:
    """What a person reads at the terminal, without the breaks that its width makes."""
    return "".join("\n".join(terminal(record.preview, 100)).split())


def squeezed(text: str) -> str:
    return "".join(text.split())


def version(desk: Desk) -> dict[str, Any]:
    """The active version of the sandbox's template, to be changed behind everybody's back."""
    stored = desk.sandbox.account.domains[DOMAIN].templates.get(TEMPLATE)
    assert stored is not None
    active: dict[str, Any] = next(one for one in stored["versions"] if one["active"])
    return active


async def test_attack_47_every_value_that_reaches_people_is_before_the_person(desk: Desk) -> None:
    async with desk.open() as house:
        record = await asked(house, BATCH)
    assert record.preview["message"]["recipient_values"] == VALUES
    kept, screen = json.dumps(record.preview["sections"]), on_screen(record)
    for address, own in VALUES.items():
        assert squeezed(address) in screen
        for key, value in own.items():
            assert f"{key}: {value}" in kept
            assert squeezed(f"{key}: {value}") in screen
    assert "“For you, Ann”" in json.dumps(record.preview, ensure_ascii=False)
    assert desk.writes() == []


async def test_attack_47_a_link_in_one_recipient_s_values_is_read_where_it_will_stand(desk: Desk) -> None:
    async with desk.open() as house:
        record = await asked(house, BATCH)
        marked = await asked(house, {**BATCH, "html": '<a href="https://%recipient.name%.example/">x</a>'})
    assert "evil.example" in record.preview["message"]["link_hosts"]
    assert f"For {BOB}: A link shows mg.example.com but leads to evil.example." in record.preview["warnings"]
    assert {"ann.example", "bob.example"} <= set(marked.preview["message"]["link_hosts"])
    assert record.risk != "low"
    assert desk.writes() == []


async def test_attack_47_what_is_too_long_to_fill_in_is_for_a_person(desk: Desk, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(ALLOW)
    values = {address: {"story": f"https://{address.partition('@')[0]}.example/ " * 400} for address in (ANN, BOB)}
    async with desk.open(policy=policy) as house:
        record = await asked(house, {**BATCH, "html": "%recipient.story%" * 400, "recipient_variables": values})
    doubt = f"could not check the links in every filled message, as in that of {ANN}: too long"
    assert doubt in record.preview["unchecked"]
    assert {"ann.example", "bob.example"} <= set(record.preview["message"]["link_hosts"])
    assert desk.writes() == []


async def test_attack_47_what_is_shown_of_each_recipient_is_what_they_get(desk: Desk) -> None:
    async with desk.open() as house:
        record = await asked(house, BATCH)
        assert (await decide(house, record.id)).state == "succeeded"
    (sent,) = desk.sandbox.messages
    told = record.preview["message"]
    for copy in sent["copies"]:
        own = told["recipient_values"][copy["recipient"]]
        assert copy["subject"] == filled(told["subject"], own)
        assert copy["html"] == filled(told["html"], own)
    assert [copy["recipient"] for copy in sent["copies"]] == [ANN, BOB]
    assert len(desk.writes()) == 1


@pytest.mark.parametrize(
    "values", [{ANN: "Ann"}, {ANN: ["Ann"]}, {ANN: None}, {ANN: 7}, [{ANN: {}}], '{"a": {}, "a": {"x": 1}}', "{", 7]
)
async def test_attack_47_variables_that_are_no_object_of_objects_reach_nobody(desk: Desk, values: Any) -> None:
    async with desk.open() as house:
        async with house.client(Person(house.clock, APPROVE)) as client:
            result = structured(await client.call_tool("send_message", {**BATCH, "recipient_variables": values}))
        assert result["error"]["kind"] == "bad_arguments"
        assert "Give an object" in json.dumps(result["error"]["problems"])
        assert await house.gate.list() == []
    assert desk.writes() == []


@pytest.mark.parametrize("paid", [False, None])
async def test_attack_47_a_variable_that_is_false_is_not_true_to_a_template(desk: Desk, paid: object) -> None:
    version(desk)["template"] = "{{#if paid}}PAID{{else}}DUE{{/if}}"
    async with desk.open() as house:
        record = await asked(house, {**LETTER, "text": "x", "template": TEMPLATE, "variables": {"paid": paid}})
        await decide(house, record.id)
    rows = [row for part in record.preview["sections"] for row in part["rows"] if row["label"] == "v:paid"]
    assert [row["value"] for row in rows] == [json.dumps(paid)]
    (sent,) = desk.sandbox.messages
    assert [copy["html"] for copy in sent["copies"]] == ["DUE"]
    assert len(desk.writes()) == 1


@pytest.mark.parametrize("header", ["From", "Reply-To"])
async def test_attack_47_a_template_that_speaks_for_somebody_else_is_a_warning(desk: Desk, header: str) -> None:
    version(desk)["headers"] = {"From": "Us <us@mg.example.com>", "Subject": "Pay", header: "Boss <ceo@evil.example>"}
    async with desk.open() as house:
        record = await asked(house, TEMPLATED)
    (sender,) = [part for part in record.preview["sections"] if part["heading"] == "Sender"]
    told = {row["label"]: row["value"] for row in sender["rows"]}
    assert told[header] == "from the template: Boss <ceo@evil.example>"
    assert told["Subject"] == "from the template: “Pay”"
    assert f"The template's {header} “Boss <ceo@evil.example>”: not at {DOMAIN}." in record.preview["warnings"]
    assert squeezed("Boss <ceo@evil.example>") in on_screen(record)
    assert record.risk != "low"
    assert desk.writes() == []


@pytest.mark.parametrize(
    "value",
    ["Boss, Big <ceo@evil.example>", "a@mg.example.com <ceo@evil.example>", "{{who}}", "%recipient.x%@mg.example.com"],
)
async def test_attack_47_a_template_s_sender_that_can_be_read_in_two_ways_is_a_warning(desk: Desk, value: str) -> None:
    version(desk)["headers"] = {"From": value}
    async with desk.open() as house:
        record = await asked(house, TEMPLATED)
    assert any(line.startswith("The template's From ") for line in record.preview["warnings"])
    assert desk.writes() == []


@pytest.mark.parametrize("header", ["To", "Cc", "bcc", "Resent-To"])
async def test_attack_47_no_rule_lets_a_template_name_more_recipients(desk: Desk, tmp_path: Path, header: str) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(ALLOW)
    version(desk)["headers"] = {"From": "us@mg.example.com", header: "Eve <eve@evil.example>"}
    async with desk.open(policy=policy) as house:
        record = await asked(house, TEMPLATED)
    (eve,) = [one for one in record.preview["recipients"] if one["address"] == "eve@evil.example"]
    assert eve["flags"] == ["external", "named in a header only", "from the template"]
    assert desk.writes() == []


@pytest.mark.parametrize("change", ["sender", "word"])
async def test_attack_47_a_yes_does_not_outlive_the_template_it_was_given_to(desk: Desk, change: str) -> None:
    """Neither does it where the template holds what is left out of other answers."""
    active = version(desk)
    active["template"] = "<p>https://a.example/?session_token=1 good</p>"
    active["headers"] = {"From": "us@mg.example.com"}
    async with desk.open() as house:
        record = await asked(house, TEMPLATED)
        if change == "sender":
            active["headers"] = {"From": "ceo@evil.example"}
        else:
            active["template"] = active["template"].replace("good", "evil")
        assert (await decide(house, record.id)).state == "stale"
    assert desk.writes() == []

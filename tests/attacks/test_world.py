"""What changes between the question and the run: targets, templates, files, policy, schema, settings, time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError

from maton_mailgun.catalogue import rows as catalogue
from maton_mailgun.sandbox.account.seed import CONNECTION_ID, MAILING_LIST, ROUTE_ID, TEMPLATE

from .bench import APPROVE, DOMAIN, LETTER, Desk, House, Person, decide, headline, structured, text

pytestmark = pytest.mark.anyio
ERAS = pytest.mark.parametrize("mode", ["auto", "legacy"])
ROUTE = {"route_id": ROUTE_ID}


async def propose(house: House, name: str, arguments: dict[str, Any]) -> str:
    """The id of a proposed write that waits for a person."""
    async with house.client() as client:
        content = structured(await client.call_tool(name, arguments))
    assert content["status"] == "approval_required", content
    approval_id: str = content["approval_id"]
    return approval_id


async def told(house: House, approval_id: str) -> str:
    """What the model reads about an approval."""
    async with house.client() as client:
        return text(await client.call_tool("get_approval", {"approval_id": approval_id}))


# 19 and 20 -----------------------------------------------------------------------------------------------------------


async def test_attack_19_a_template_that_was_edited_after_the_preview_is_stale(desk: Desk) -> None:
    letter = {**LETTER, "template": TEMPLATE, "template_variables": {"name": "Bob", "company": "Example"}}
    letter.pop("text")
    async with desk.open() as house:
        approval_id = await propose(house, "send_message", letter)
        template = desk.sandbox.account.domains[DOMAIN].templates.get(TEMPLATE)
        assert template is not None
        next(one for one in template["versions"] if one["active"])["template"] = "<p>Pay to account 666</p>"
        record = await decide(house, approval_id)
        assert record.state == "stale"
        assert "The target changed after it was shown" in (record.reason or "")
        assert (await told(house, approval_id)).startswith(
            '{"headline":"NOT EXECUTED. Something changed after the approval.'
        )
    assert desk.writes() == []


@pytest.mark.parametrize("name", ["delete_route", "update_route"])
async def test_attack_20_a_target_that_was_changed_after_the_preview_is_stale(desk: Desk, name: str) -> None:
    arguments = ROUTE if name == "delete_route" else {**ROUTE, "priority": 1}
    async with desk.open() as house:
        approval_id = await propose(house, name, arguments)
        desk.sandbox.account.routes[ROUTE_ID]["actions"] = ['forward("https://new.example.com/")']
        record = await decide(house, approval_id)
        assert record.state == "stale"
        assert "https://new.example.com/" in await told(house, approval_id)
    assert desk.writes() == []


@ERAS
async def test_attack_20_a_target_that_changes_while_the_form_is_open_is_stale(desk: Desk, mode: str) -> None:
    async def change() -> None:
        desk.sandbox.account.routes[ROUTE_ID]["priority"] = 99

    person = Person(desk.clock, APPROVE)
    person.meanwhile = change
    async with desk.open() as house, house.client(person, mode=mode) as client:
        result = await client.call_tool("delete_route", ROUTE)
    assert structured(result)["status"] == "stale"
    assert desk.writes() == []


async def test_attack_20_a_target_that_was_deleted_after_the_preview_is_stale(desk: Desk) -> None:
    async with desk.open() as house:
        approval_id = await propose(house, "delete_mailing_list", {"list_address": MAILING_LIST})
        desk.sandbox.account.lists.pop(MAILING_LIST)
        assert (await decide(house, approval_id)).state == "stale"
    assert desk.writes() == []


async def test_attack_20_a_target_that_cannot_be_read_again_is_not_written(desk: Desk) -> None:
    async with desk.open() as house:
        approval_id = await propose(house, "delete_route", ROUTE)
        desk.arm("html_500", match={"method": "GET", "path_regex": "/routes/"}, times=100)
        assert (await decide(house, approval_id)).state == "approved"
        assert desk.writes() == []
        desk.sandbox.faults.clear()
        assert (await told(house, approval_id)).startswith("{")
        assert await house.state(approval_id) == "succeeded"
    assert len(desk.writes()) == 1


# 28: the file between the yes and the run ----------------------------------------------------------------------------


@pytest.mark.parametrize("fate", ["swapped", "grown", "gone", "link", "moved"])
async def test_attack_28_a_file_that_is_not_the_approved_one_is_not_sent(desk: Desk, fate: str) -> None:
    files = desk.home.parent / "files"
    files.mkdir()
    (files / "offer.txt").write_text("the offer")
    (desk.home.parent / "secret.txt").write_text("the offer")
    async with desk.open(attachments=files) as house:
        approval_id = await propose(house, "send_message", {**LETTER, "attachments": ["offer.txt"]})
        if fate == "swapped":
            (files / "offer.txt").write_text("THE OFFER")
        elif fate == "grown":
            (files / "offer.txt").write_text("the offer and more")
        elif fate == "gone":
            (files / "offer.txt").unlink()
        elif fate == "link":
            (files / "offer.txt").unlink()
            (files / "offer.txt").symlink_to(desk.home.parent / "secret.txt")
        else:
            house.gate.services.settings = replace(house.gate.settings, attachments=desk.home)
        record = await decide(house, approval_id)
        assert record.state == "stale"
        assert "An attachment is not what was approved: offer.txt" in (record.reason or "")
    assert desk.writes() == []


async def test_attack_28_what_was_hashed_for_the_question_is_what_is_sent(desk: Desk) -> None:
    files = desk.home.parent / "files"
    files.mkdir()
    (files / "offer.txt").write_text("the offer")
    async with desk.open(attachments=files) as house:
        approval_id = await propose(house, "send_message", {**LETTER, "attachments": ["offer.txt"]})
        record = await house.gate.get(approval_id)
        assert record is not None
        (shown,) = record.preview["message"]["attachments"]
        assert (await decide(house, approval_id)).state == "succeeded"
    (write,) = desk.writes()
    (sent,) = write["files"]
    assert (sent["filename"], sent["sha256"]) == (shown["name"], shown["sha256"])


async def test_attack_28_a_new_version_of_a_file_is_another_question(desk: Desk) -> None:
    files = desk.home.parent / "files"
    files.mkdir()
    letter = {**LETTER, "attachments": ["offer.txt"]}
    async with desk.open(attachments=files) as house:
        (files / "offer.txt").write_text("the offer")
        first = await propose(house, "send_message", letter)
        (files / "offer.txt").write_text("another offer")
        assert await propose(house, "send_message", letter) != first


# 38: policy ----------------------------------------------------------------------------------------------------------

DENY = '[[rule]]\nname = "no mail"\ntools = ["send_message"]\ndecision = "deny"\n'
OPERATOR = '[[rule]]\nname = "careful"\ntools = ["send_message"]\ndecision = "ask"\nlevel = "operator"\n'
ALLOW = (
    '[[rule]]\nname = "internal"\ntools = ["send_message"]\nrecipients = ["*@example.net"]\nmax_recipients = 2\n'
    'per_day = {per_day}\ndecision = "allow"\n'
)


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        (DENY, "The policy does not allow it any more"),
        (OPERATOR, "The policy now wants this decided on the approval page or in a terminal"),
        ("[[rule]]\nname = 3\n", "The policy file cannot be used any more"),
    ],
    ids=["deny", "operator", "broken"],
)
@ERAS
async def test_attack_38_a_policy_that_was_tightened_after_the_question_counts(
    desk: Desk, rules: str, why: str, mode: str
) -> None:
    policy = desk.home.parent / "policy.toml"
    policy.write_text("")

    async def tighten() -> None:
        policy.write_text(rules)

    person = Person(desk.clock, APPROVE)
    person.meanwhile = tighten
    async with desk.open(policy=policy) as house, house.client(person, mode=mode) as client:
        content = structured(await client.call_tool("send_message", LETTER))
        assert (await house.only()).state == "stale"
    assert content["executed"] is False
    assert why in content["reason"]
    assert desk.writes() == []


async def test_attack_38_a_denied_call_is_refused_with_the_name_of_its_rule(desk: Desk) -> None:
    policy = desk.home.parent / "policy.toml"
    policy.write_text(DENY)
    person = Person(desk.clock, APPROVE)
    async with desk.open(policy=policy) as house, house.client(person) as client:
        result = await client.call_tool("send_message", LETTER)
        assert await house.gate.list() == []
    assert result.is_error
    assert '"no mail"' in structured(result)["error"]["message"]
    assert (desk.writes(), person.questions) == ([], [])


async def test_attack_38_a_level_that_was_raised_after_the_question_is_not_met_by_a_form(desk: Desk) -> None:
    person = Person(desk.clock, APPROVE)
    async with desk.open(approval="operator") as house, house.client(person) as client:
        content = structured(await client.call_tool("send_message", LETTER))
        assert content["status"] == "approval_required"
        assert (await house.only()).level == "operator"
    assert (desk.writes(), person.questions) == ([], [])


async def test_attack_38_an_allowed_call_runs_unasked_until_its_budget_is_used_up(desk: Desk) -> None:
    policy = desk.home.parent / "policy.toml"
    policy.write_text(ALLOW.format(per_day=1))
    person = Person(desk.clock, APPROVE)
    async with desk.open(policy=policy) as house, house.client(person) as client:
        first = structured(await client.call_tool("send_message", LETTER))
        assert (first["status"], first["approved_by"]) == ("executed", "policy:internal")
        assert person.questions == []
        second = structured(await client.call_tool("send_message", {**LETTER, "subject": "Second"}))
        assert (second["status"], second["approved_by"]) == ("executed", "person at tester")
        assert len(person.questions) == 1
    assert len(desk.writes()) == 2


async def test_attack_38_a_budget_that_was_used_up_between_proposal_and_claim_stops_the_write(desk: Desk) -> None:
    policy = desk.home.parent / "policy.toml"
    policy.write_text(ALLOW.format(per_day=1))
    async with desk.open(policy=policy) as house, house.client() as client:

        async def nothing_used(_rules: Any, now: float | None = None) -> dict[str, int]:
            return {"internal": 0}

        house.gate.store.spent = nothing_used  # type: ignore[method-assign, assignment]
        await client.call_tool("send_message", LETTER)
        content = structured(await client.call_tool("send_message", {**LETTER, "subject": "Second"}))
        # No rule allows it unasked any more: a person is asked.
        assert (content["status"], content["executed"]) == ("approval_required", False)
    assert len(desk.writes()) == 1


async def test_attack_38_an_allow_rule_does_not_repeat_what_may_have_happened(desk: Desk) -> None:
    policy = desk.home.parent / "policy.toml"
    policy.write_text(ALLOW.format(per_day=50))
    desk.arm("drop_before")
    async with desk.open(policy=policy) as house, house.client() as client:
        assert headline(await client.call_tool("send_message", LETTER)).startswith("OUTCOME UNKNOWN")
        again = structured(await client.call_tool("send_message", LETTER))
        assert again["status"] == "approval_required"
        assert again["preview"]["history"][0].endswith("it may have happened.")
    assert len(desk.writes()) == 1


@pytest.mark.parametrize(("seconds", "asked"), [(0, True), (119, True), (121, False)])
async def test_attack_250_an_allow_rule_does_not_send_again_what_a_framework_gave_up_and_repeats(
    desk: Desk, seconds: float, asked: bool
) -> None:
    """openai-agents gives up a call after 5 seconds and tells its model to try again; crewai repeats it by itself."""
    policy = desk.home.parent / "policy.toml"
    policy.write_text(ALLOW.format(per_day=50))
    async with desk.open(policy=policy) as house, house.client() as client:
        first = structured(await client.call_tool("send_message", LETTER))
        assert (first["status"], first["executed"]) == ("executed", True)
        desk.clock.let_pass(seconds)
        again = structured(await client.call_tool("send_message", LETTER))
        assert (again["status"], again["executed"]) == (("approval_required", False) if asked else ("executed", True))
        if asked:
            (told,) = again["preview"]["history"]
            assert told.startswith("Exactly this was carried out ")
            assert told.endswith(f"({first['approval_id']}).")
        other = structured(await client.call_tool("send_message", {**LETTER, "subject": "Another"}))
        assert other["status"] == "executed"
    assert len(desk.writes()) == (2 if asked else 3)


CRAFTED: list[dict[str, Any]] = [
    {"to": ["bob@example.net", "eve@evil.example.org"]},
    {"to": ["bob@example.net, eve@evil.example.org"]},
    {"to": ["bob@example.net;eve@evil.example.org"]},
    {"to": ["bob@example.net <eve@evil.example.org>"]},
    {"to": ['"bob@example.net" <eve@evil.example.org>']},
    {"to": ["eve@evil.example.org (bob@example.net)"]},
    {"to": ["bob@example.net@evil.example.org"]},
    {"to": ["bob@example.net.evil.example.org"]},
    {"to": ["bob@evil.example.org#@example.net"]},
    {"to": ["bob@exаmple.net"]},
    {"to": ["%recipient%@example.net", "bob@example.net"]},
    {"cc": ["eve@evil.example.org"]},
    {"bcc": ["eve@evil.example.org"]},
    {"headers": {"Bcc": "eve@evil.example.org"}},
    {"headers": {"resent-to": "eve@evil.example.org"}},
    {"headers": {"To": "eve@evil.example.org"}},
]


@pytest.mark.parametrize("change", CRAFTED, ids=lambda change: ascii(change)[:60])
async def test_attack_38_no_crafted_recipient_slips_through_an_allow_rule(desk: Desk, change: dict[str, Any]) -> None:
    policy = desk.home.parent / "policy.toml"
    policy.write_text(ALLOW.format(per_day=50))
    async with desk.open(policy=policy) as house, house.client() as client:
        result = await client.call_tool("send_message", {**LETTER, **change})
        states = [record.state for record in await house.gate.list()]
    assert states in ([], ["pending"]), text(result)
    assert desk.writes() == []


async def test_attack_38_an_allow_rule_does_not_cover_the_members_of_a_mailing_list(desk: Desk) -> None:
    policy = desk.home.parent / "policy.toml"
    policy.write_text(ALLOW.format(per_day=50).replace("example.net", "mg.example.com"))
    async with desk.open(policy=policy) as house, house.client() as client:
        content = structured(await client.call_tool("send_message", {**LETTER, "to": [MAILING_LIST]}))
        assert content["status"] == "approval_required"
        content = structured(await client.call_tool("send_message", {**LETTER, "to": ["team@mg.example.com"]}))
        assert content["status"] == "executed"
    assert len(desk.writes()) == 1


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("delete_route", ROUTE),
        ("send_message", {**LETTER, "to": [MAILING_LIST]}),
        ("send_message", {**LETTER, "cc": ["eve@example.org"]}),
    ],
    ids=["delete", "list", "two recipients"],
)
async def test_a_relay_never_decides_a_delete_or_more_than_one_recipient(
    desk: Desk, name: str, arguments: dict[str, Any]
) -> None:
    async with desk.open(approval="relay") as house, house.client() as client:
        approval_id = structured(await client.call_tool(name, arguments))["approval_id"]
        words = {"approval_id": approval_id, "decision": "approve", "user_words": "go ahead"}
        assert (await client.call_tool("relay_approval", words)).is_error
        assert await house.state(approval_id) == "pending"
    assert desk.writes() == []


async def test_a_relay_exists_only_where_the_operator_wants_it_and_is_recorded_as_unattested(desk: Desk) -> None:
    async with desk.open() as house, house.client() as client:
        approval_id = structured(await client.call_tool("send_message", LETTER))["approval_id"]
        words = {"approval_id": approval_id, "decision": "approve", "user_words": "go ahead"}
        with pytest.raises(MCPError, match="Unknown tool"):
            await client.call_tool("relay_approval", words)
    assert desk.writes() == []
    async with desk.open(approval="relay") as house, house.client() as client:
        content = structured(await client.call_tool("relay_approval", words))
        assert (content["status"], content["approved_by"]) == ("executed", "unattested, relayed by tester")
    assert len(desk.writes()) == 1


async def test_attack_38_a_copy_of_all_mail_is_no_part_of_what_a_recipient_rule_allows(desk: Desk) -> None:
    policy = desk.home.parent / "policy.toml"
    policy.write_text(ALLOW.format(per_day=50))
    async with desk.open(policy=policy) as house, house.client() as client:
        await client.call_tool("send_message", {**LETTER, "archive_to": "https://evil.example.org/copies"})
        assert [record.state for record in await house.gate.list()] == ["pending"]
    assert desk.writes() == []


# The server itself ---------------------------------------------------------------------------------------------------


async def test_a_schema_that_changed_since_the_question_stops_the_write(desk: Desk) -> None:
    async with desk.open() as house:
        approval_id = await propose(house, "send_message", LETTER)
    async with desk.open() as house:
        operation = catalogue.load()["send_message"]
        schema = {**operation.schema, "description": "Another edition."}
        changed = {**house.gate.operations, "send_message": replace(operation, schema=schema)}
        house.gate.services.operations = replace(house.gate.operations, operations=changed)
        assert (await decide(house, approval_id)).state == "stale"
    assert desk.writes() == []


async def test_a_server_that_is_read_only_runs_no_approved_write(desk: Desk) -> None:
    async with desk.open() as house:
        approval_id = await propose(house, "send_message", LETTER)
    async with desk.open(read_only=True) as house, house.client() as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert not names & {"send_message", "get_approval", "list_approvals", "cancel_approval"}
        record = await decide(house, approval_id)
        assert record.state == "approved"
        await house.gate._watcher.take_up()
        assert house.gate._execution.running == {}
    assert desk.writes() == []
    async with desk.open() as house:
        assert (await house.gate.run(approval_id)).state == "succeeded"
    assert len(desk.writes()) == 1


async def test_a_server_with_another_key_runs_nothing_that_was_approved_for_this_one(desk: Desk) -> None:
    async with desk.open() as house:
        approval_id = await propose(house, "send_message", LETTER)
    desk.sandbox.api_keys = (*desk.sandbox.api_keys, "another-maton-key")
    async with desk.open(api_key="another-maton-key") as house:
        assert (await decide(house, approval_id)).state == "approved"
    assert desk.writes() == []


async def test_an_answer_after_the_end_of_the_question_runs_nothing(desk: Desk) -> None:
    person = Person(desk.clock, APPROVE, seconds=901.0)
    async with desk.open() as house, house.client(person) as client:
        content = structured(await client.call_tool("send_message", LETTER))
        assert (content["status"], content["executed"]) == ("expired", False)
        assert (await house.only()).state == "expired"
    assert desk.writes() == []


async def test_a_question_whose_time_is_over_is_not_joined(desk: Desk) -> None:
    async with desk.open() as house:
        old = await propose(house, "send_message", LETTER)
        desk.clock.let_pass(901.0)
        new = await propose(house, "send_message", LETTER)
        assert new != old
        assert [await house.state(one) for one in (old, new)] == ["expired", "pending"]


async def test_a_connection_that_is_deleted_while_a_yes_waits_gets_no_write(desk: Desk) -> None:
    async with desk.open() as house:
        approval_id = await propose(house, "send_message", LETTER)
        del desk.sandbox.connections[CONNECTION_ID]
        await decide(house, approval_id)
        assert await house.state(approval_id) in ("approved", "failed", "stale")
    assert not any(request["acted"] for request in desk.writes())


async def test_attack_38_an_allow_rule_does_not_cover_what_could_not_be_looked_at(desk: Desk) -> None:
    """Whether a recipient is a mailing list is not known: its members would get mail that nobody allowed."""
    policy = desk.home.parent / "policy.toml"
    policy.write_text(ALLOW.format(per_day=50).replace("example.net", "mg.example.com"))
    desk.arm("html_500", match={"path_regex": "lists/pages"}, times=20)
    async with desk.open(policy=policy) as house, house.client() as client:
        content = structured(await client.call_tool("send_message", {**LETTER, "to": [MAILING_LIST]}))
    assert content["status"] == "approval_required"
    assert desk.writes() == []

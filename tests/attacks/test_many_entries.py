"""Attacks 69, 70 and 71: among many entries of one write stands one that nobody looks at, a rule does not count, or an
assistant says yes to.
"""

from __future__ import annotations

from typing import Any

import pytest

from maton_mailgun.approval.preview.document import Preview
from maton_mailgun.approval.preview.form_text import question
from maton_mailgun.approval.preview.terminal_text import terminal
from maton_mailgun.sandbox.account.seed import MAILING_LIST

from .bench import APPROVE, DOMAIN, Desk, House, Person, decide, structured
from .test_world import propose

pytestmark = pytest.mark.anyio
ERAS = pytest.mark.parametrize("mode", ["auto", "legacy"])
KINDS = pytest.mark.parametrize("tool", ["add_bounces", "add_unsubscribes", "add_complaints"])


def entries(number: int) -> list[dict[str, Any]]:
    return [{"address": f"dead{one}@example.net"} for one in range(number)]


def many(tool: str, rows: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    if tool == "add_mailing_list_members":
        return {"list_address": MAILING_LIST, "members": rows, **more}
    return {"domain": DOMAIN, "entries": rows, **more}


async def refused(desk: Desk, tool: str, rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    async with desk.open() as house, house.client() as client:
        content = structured(await client.call_tool(tool, many(tool, rows)))
        assert content["error"]["kind"] == "bad_arguments", content
        assert await house.gate.list() == []
    assert desk.writes() == []
    problems: list[dict[str, str]] = content["error"]["problems"]
    return problems


# 69: what is wrong or stands twice is named before anybody is asked ---------------------------------------------------


@pytest.mark.parametrize("tool", ["add_bounces", "add_unsubscribes", "add_complaints", "add_mailing_list_members"])
async def test_attack_69_each_entry_that_is_no_plain_address_is_named_by_its_number(desk: Desk, tool: str) -> None:
    rows = entries(5)
    rows[1]["address"] = "no address"
    rows[3]["address"] = "a@example.net, b@example.net"
    rows[4]["address"] = "Ann <ann@example.net>"
    name = "members" if tool == "add_mailing_list_members" else "entries"
    told = [problem["path"] for problem in await refused(desk, tool, rows)]
    assert told == [f"{name}[1].address", f"{name}[3].address", f"{name}[4].address"]


@pytest.mark.parametrize("again", ["dead0@example.net", "dead0@EXAMPLE.net"])
async def test_attack_69_an_address_that_stands_twice_is_refused(desk: Desk, again: str) -> None:
    """Which of the two would count is for nobody to guess."""
    (told,) = await refused(desk, "add_bounces", [*entries(3), {"address": again, "code": "550"}])
    assert told == {
        "path": "entries[3].address",
        "wrong": "is the address of entries[0] again",
        "right": "Give each address once",
    }


async def test_attack_69_a_moment_that_is_none_is_refused_with_its_entry(desk: Desk) -> None:
    (told,) = await refused(desk, "add_complaints", [*entries(1), {"address": "x@example.net", "created_at": "soon"}])
    assert told["path"] == "entries[1].created_at"


async def test_hundreds_of_wrong_entries_are_told_of_in_a_short_answer(desk: Desk) -> None:
    told = await refused(desk, "add_bounces", [{"address": f"wrong {one}"} for one in range(1000)])
    assert len(told) == 51
    assert told[-1] == {
        "path": "entries",
        "wrong": "has 950 more mistakes like these",
        "right": "Correct them all, then call again",
    }


async def test_more_than_a_thousand_entries_are_refused(desk: Desk) -> None:
    (told,) = await refused(desk, "add_bounces", entries(1001))
    assert (told["path"], told["wrong"]) == ("entries", "has 1001 entries")


# What is shown, sent and known afterwards -----------------------------------------------------------------------------


@KINDS
@ERAS
async def test_one_yes_for_a_few_is_one_request_for_all_of_them(desk: Desk, tool: str, mode: str) -> None:
    person = Person(desk.clock, APPROVE)
    rows = [*entries(3), {"address": "late@example.net", "created_at": "2026-01-31T09:00:00Z"}]
    async with desk.open() as house, house.client(person, mode=mode) as client:
        content = structured(await client.call_tool(tool, many(tool, rows)))
    assert (content["status"], len(desk.writes())) == ("executed", 1)
    (sent,) = desk.writes()
    assert sent["json"] == [
        *entries(3),
        {"address": "late@example.net", "created_at": "Sat, 31 Jan 2026 09:00:00 +0000"},
    ]
    for row in rows:
        assert row["address"] in person.questions[-1]


async def test_a_thousand_entries_stand_in_full_on_the_page_and_the_terminal_and_never_in_a_form(desk: Desk) -> None:
    rows = [{"address": f"dead{one}@example{one % 9}.net", "error": f"gone since {one}"} for one in range(1000)]
    async with desk.open() as house:
        approval_id = await propose(house, "add_bounces", many("add_bounces", rows))
        record = await house.gate.get(approval_id)
        assert record is not None
        preview = Preview.of(record.preview)
        (each,) = [part for part in preview.sections if part.heading == "Each of them"]
        assert [row.value for row in each.rows] == [f'{row["address"]} {{"error": "{row["error"]}"}}' for row in rows]
        assert question(record.preview) is None
        on_terminal = "\n".join(terminal(record.preview, 10**9))
        assert all(f"{row['address']} " in on_terminal and row["error"] in on_terminal for row in rows)
        assert (await decide(house, approval_id)).state == "succeeded"
    assert len(desk.sandbox.account.domains[DOMAIN].bounces) == 1000 + 2
    assert len(desk.writes()) == 1


async def test_300_members_are_imported_in_one_approval(desk: Desk) -> None:
    """The job: import these 300 members."""
    rows = [{"address": f"m{one}@example.net", "name": f"Member {one}", "vars": {"n": one}} for one in range(300)]
    async with desk.open() as house:
        approval_id = await propose(house, "add_mailing_list_members", many("add_mailing_list_members", rows))
        record = await decide(house, approval_id)
    assert record.state == "succeeded"
    assert (record.result or {})["result"]["message"] == "Mailing list upload started in background"
    assert len(desk.sandbox.account.members[MAILING_LIST]) == 302
    assert len(desk.writes()) == 1


async def test_entries_that_are_there_and_members_who_opted_out_are_pointed_at(desk: Desk) -> None:
    async with desk.open() as house:
        bounce = await house.gate.get(
            await propose(house, "add_bounces", many("add_bounces", [*entries(1), {"address": "gone@example.net"}]))
        )
        back = many("add_mailing_list_members", [{"address": "bob@example.org"}], upsert=True)
        member = await house.gate.get(await propose(house, "add_mailing_list_members", back))
    assert bounce is not None
    assert member is not None
    assert "gone@example.net is on the list already." in bounce.preview["warnings"]
    assert (
        "bob@example.org is there as opted out; subscribing them again needs their consent."
        in member.preview["warnings"]
    )
    assert member.risk != "low"


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
@pytest.mark.parametrize("tool", ["add_bounces", "add_mailing_list_members"])
async def test_many_entries_whose_answer_was_lost_stay_unknown_and_are_not_sent_again(
    desk: Desk, tool: str, kind: str
) -> None:
    desk.arm(kind)
    async with desk.open() as house, house.client(Person(desk.clock, APPROVE)) as client:
        content = structured(await client.call_tool(tool, many(tool, entries(2))))
    assert (content["status"], content["executed"]) == ("outcome_unknown", "unknown")
    assert len(desk.writes()) == 1


# 70: rules and budgets count every address ----------------------------------------------------------------------------

ALLOW = '[[rule]]\nname = "r"\ntools = ["add_bounces"]\ndecision = "allow"\n'


async def state_under(desk: Desk, rule: str, *calls: list[dict[str, Any]]) -> list[str]:
    """What becomes of each call under a policy of this rule."""
    policy = desk.home.parent / "policy.toml"
    policy.write_text(rule)
    states = []
    async with desk.open(policy=policy) as house:
        for rows in calls:
            async with house.client() as client:
                content = structured(await client.call_tool("add_bounces", many("add_bounces", rows)))
                states.append(content["status"] if "error" not in content else content["error"]["kind"])
    return states


async def test_attack_70_an_allow_rule_about_recipients_is_for_every_entry(desk: Desk) -> None:
    rule = f'{ALLOW}recipients = ["*@example.net"]\n'
    outside = [*entries(3), {"address": "boss@example.org"}]
    assert await state_under(desk, rule, outside, entries(3)) == ["approval_required", "executed"]


async def test_attack_70_a_deny_rule_about_recipients_is_met_by_any_entry(desk: Desk) -> None:
    rule = ALLOW.replace('"allow"', '"deny"') + 'recipients = ["*@example.org"]\n'
    outside = [*entries(3), {"address": "boss@example.org"}]
    assert await state_under(desk, rule, outside, entries(3)) == ["refused", "approval_required"]


async def test_attack_70_the_most_recipients_of_a_rule_are_the_most_entries(desk: Desk) -> None:
    assert await state_under(desk, f"{ALLOW}max_recipients = 3\n", entries(4), entries(3)) == [
        "approval_required",
        "executed",
    ]


async def test_attack_70_each_entry_is_one_use_of_a_day_s_budget(desk: Desk) -> None:
    rule = f"{ALLOW}per_day = 10\n"
    assert await state_under(desk, rule, entries(11), entries(7), entries(4), entries(3), entries(1)) == [
        "approval_required",
        "executed",
        "approval_required",
        "executed",
        "approval_required",
    ]


async def test_attack_70_a_budget_of_many_uses_is_given_back_as_a_whole(desk: Desk) -> None:
    """429 says that nothing was carried out."""
    desk.arm("rate_429_message")
    rule = f"{ALLOW}per_day = 10\n"
    assert (await state_under(desk, rule, entries(9), entries(10)))[1] == "executed"


# 71: no assistant passes a yes on -------------------------------------------------------------------------------------


async def test_attack_71_a_yes_to_many_entries_is_not_relayed(desk: Desk) -> None:
    async with desk.open(approval="relay") as house:
        approval_id = await propose(house, "add_bounces", many("add_bounces", entries(2)))
        assert await relayed(house, approval_id) == "refused"
        assert await house.state(approval_id) == "pending"
    assert desk.writes() == []


async def relayed(house: House, approval_id: str) -> str:
    async with house.client() as client:
        said = {"approval_id": approval_id, "decision": "approve", "user_words": "yes, do it"}
        content = structured(await client.call_tool("relay_approval", said))
    return str(content["error"]["kind"] if "error" in content else content["status"])


# 176: of two values of one key nobody can say which is meant ----------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        '[{"address": "ann@example.net", "address": "eve@example.org"}]',
        '[{"address": "ann@example.net", "vars": {"iban": "DE11", "iban": "DE99"}}]',
    ],
)
async def test_attack_176_a_key_that_stands_twice_in_a_file_is_refused(desk: Desk, source: str) -> None:
    folder = desk.home.parent / "files"
    folder.mkdir()
    (folder / "list.json").write_text(source)
    given = {"list_address": MAILING_LIST, "members_file": "list.json"}
    async with desk.open(attachments=folder) as house, house.client() as client:
        content = structured(await client.call_tool("add_mailing_list_members", given))
        assert content["error"]["problems"][0]["wrong"].startswith("has a key twice"), content
        assert await house.gate.list() == []

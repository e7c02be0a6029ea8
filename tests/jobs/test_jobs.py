"""Every kind of job that people give to an assistant with these tools, and what each costs a model to read.

Each job is done as somebody would who has only the list of tools: by a real client over stdio, in as few calls as the
tools allow, with a person who is asked about each write. It is held to what is in the account afterwards, to what the
user wanted to know, and to its calls and characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from e2e.account import Account
from e2e.host import Host

from . import about_addresses, about_the_account, sending
from .asked import BY_JOB
from .costs import ALL_CALLS, ALL_CHARACTERS, COSTS, MORE
from .recipes import RECIPES
from .skill_calls import BEFORE, SHOWN, calls, filled
from .work import JOBS, Work

KINDS = (sending, about_addresses, about_the_account)
"""The modules whose jobs are taken up."""


@pytest.mark.parametrize("name", JOBS)
def test_a_job_is_done_for_what_it_may_cost(
    name: str,
    assistant: tuple[Host, Mapping[str, str]],
    account: Account,
    record_property: Callable[[str, object], None],
) -> None:
    account.prepare("")
    work = Work(assistant[0], account, assistant[1])
    JOBS[name](work)
    record_property("job", (name, work.calls, work.characters))
    calls, characters = COSTS[name]
    assert work.calls == calls
    assert work.characters <= characters
    assert BY_JOB[name].tools <= work.tools


def test_every_job_has_its_limit_and_all_together_have_one() -> None:
    assert list(COSTS) == list(JOBS)
    usual = [cost for name, cost in COSTS.items() if name not in MORE]
    assert len(usual) == 22
    assert sum(calls for calls, _ in usual) == ALL_CALLS
    assert sum(characters for _, characters in usual) <= ALL_CHARACTERS


@pytest.mark.parametrize("recipe", SHOWN)
def test_every_call_that_a_recipe_shows_is_done_and_only_writes_are_asked_about(
    recipe: str, assistant: tuple[Host, Mapping[str, str]], account: Account
) -> None:
    """As they stand there, one after the other, in an account that has what they speak of."""
    account.prepare("")
    work = Work(assistant[0], account, assistant[1])
    if recipe in BEFORE:
        BEFORE[recipe](work)
    reads = {tool.name for tool in assistant[0].tools() if tool.annotations and tool.annotations.read_only_hint}
    answers: list[dict[str, Any]] = []
    for tool, arguments in calls(SHOWN[recipe]):
        asked = len(work.questions)
        told = work.call(tool, **filled(arguments, answers))
        assert told["status"] in ("ok", "executed"), (tool, told)
        assert len(work.questions) - asked == (0 if tool in reads else 1), (tool, told)
        answers.append(told)


def test_every_recipe_but_what_is_looked_up_shows_its_calls() -> None:
    assert [name for name, text in SHOWN.items() if not list(calls(text))] == ["errors", "tools"]


def test_the_skill_has_a_recipe_for_every_job() -> None:
    parts = {name: _parts(text) for name, text in SHOWN.items()}
    assert set(RECIPES) == set(JOBS)
    assert {job: found for job, found in RECIPES.items() if found[1] not in parts[found[0]]} == {}


def _parts(text: str) -> set[str]:
    """What a recipe and its parts begin with."""
    return {found.rstrip(".,") for found in re.findall(r"(?m)^(?:# |\*\*)([^*\n]+)", text)}

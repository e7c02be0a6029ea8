"""Every kind of job that people give to an assistant with these tools, and what each costs a model to read.

Each job is done as somebody would who has only the list of tools: by a real client over stdio, in as few calls as the
tools allow, with a person who is asked about each write. It is held to what is in the account afterwards, to what the
user wanted to know, and to its calls and characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pytest

from catalogue.files import ROOT
from e2e.account import Account
from e2e.host import Host

from . import about_addresses, about_the_account, sending
from .costs import ALL_CALLS, ALL_CHARACTERS, COSTS, MORE
from .recipes import RECIPES
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


def test_every_job_has_its_limit_and_all_together_have_one() -> None:
    assert list(COSTS) == list(JOBS)
    usual = [cost for name, cost in COSTS.items() if name not in MORE]
    assert len(usual) == 22
    assert sum(calls for calls, _ in usual) == ALL_CALLS
    assert sum(characters for _, characters in usual) <= ALL_CHARACTERS


def test_the_skill_has_a_recipe_for_every_job() -> None:
    skill = (ROOT / "SKILL.md").read_text(encoding="utf-8")
    parts = dict(re.findall(r"(?m)^(?:\*\*|## )([^*\n]+)(?:\*\*)?([\s\S]*?)(?=^\*\*|^## |\Z)", skill))
    assert set(RECIPES) == set(JOBS)
    assert {name: recipe for name, recipe in RECIPES.items() if recipe not in parts} == {}

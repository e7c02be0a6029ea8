"""The evaluations of the skill name jobs, recipes and tools that there are, and leave none of the first two out.

Their format is that of agentskills.io (docs/skill-creation/evaluating-skills), and what our tests do beside it.
That a job is really done with the tools named is held by `test_jobs.py`.
"""

from __future__ import annotations

import pytest

from catalogue.files import ROOT
from maton_mailgun.catalogue.rows import load
from maton_mailgun.protocol.approval_schemas import TOOLS

from .asked import BY_JOB, EVALS
from .recipes import RECIPES
from .skill_calls import SHOWN
from .test_jobs import KINDS
from .work import JOBS

KEYS = {"id", "prompt", "expected_output", "files", "assertions", "job", "recipe", "tools"}
WITHOUT_A_JOB = {"errors", "tools"}
"""Recipes of what is looked up, and no kind of job."""


@pytest.mark.parametrize("one", EVALS, ids=lambda one: str(one["id"]))
def test_an_evaluation_is_whole_and_names_what_there_is(one: dict[str, object]) -> None:
    assert one.keys() == KEYS
    assert all(one[key] for key in ("id", "prompt", "expected_output", "assertions", "recipe", "tools"))
    tools, files = one["tools"], one["files"]
    assert isinstance(tools, list)
    assert isinstance(files, list)
    assert set(tools) <= {*load(), *(tool["name"] for tool in TOOLS)}
    assert [name for name in files if not (ROOT / name).is_file()] == []
    assert one["recipe"] in SHOWN


def test_every_job_has_its_evaluation_which_names_the_recipe_that_leads_through_it() -> None:
    assert {job: asked.recipe for job, asked in BY_JOB.items()} == {job: recipe for job, (recipe, _) in RECIPES.items()}
    assert KINDS
    assert set(BY_JOB) == set(JOBS)
    assert [one["id"] for one in EVALS] == list(range(1, len(EVALS) + 1))


def test_every_recipe_is_asked_for() -> None:
    assert {one["recipe"] for one in EVALS} == set(SHOWN)
    assert {one["recipe"] for one in EVALS if one["job"] is None} == WITHOUT_A_JOB


def test_no_evaluation_gives_the_answer_away() -> None:
    """A prompt is in the words of a user: no name of a tool, of an argument or of a recipe."""
    assert [one["id"] for one in EVALS if any(tool in one["prompt"] for tool in load())] == []

"""The workflows: what they run, and how little they may do."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / ".github" / "workflows").iterdir()}
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def workflow(name: str) -> dict[Any, Any]:
    """A workflow as data."""
    loaded: dict[Any, Any] = yaml.safe_load(WORKFLOWS[name])
    return loaded


def steps(name: str) -> list[dict[str, Any]]:
    """All steps of all jobs of a workflow."""
    return [step for job in workflow(name)["jobs"].values() for step in job.get("steps", [])]


def commands(job: dict[str, Any]) -> list[str]:
    """What a job runs."""
    return [step["run"] for step in job["steps"] if "run" in step]


def test_checks_run_what_a_contributor_runs() -> None:
    assert commands(workflow("checks.yml")["jobs"]["everything"]) == ["bash .ci/run"]


def test_checks_cover_every_python_that_is_named_as_supported() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    prefix = "Programming Language :: Python :: 3."
    named = [one.rpartition(" ")[2] for one in project["classifiers"] if one.startswith(prefix)]
    job = workflow("checks.yml")["jobs"]["fast"]
    tested: list[str] = job["strategy"]["matrix"]["python"]
    # A newer one may be tested before it is named.
    assert tested[: len(named)] == named
    assert project["requires-python"] == f">={tested[0]}"
    assert job["strategy"]["matrix"]["os"] == ["ubuntu-latest", "macos-latest", "windows-latest"]
    assert commands(job)[-1] == 'python -m pytest -q -m "not slow and not long"'


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_workflow_has_a_secret_or_takes_text_from_outside_into_a_command(name: str) -> None:
    text = WORKFLOWS[name]
    assert re.findall(r"secrets\b|github\.token|GITHUB_TOKEN|password|pull_request_target|workflow_run", text) == []
    assert [step["run"] for step in steps(name) if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_action_is_named_by_a_commit_and_its_release(name: str) -> None:
    used = re.findall(r"uses: (.+)", WORKFLOWS[name])
    assert used
    for one in used:
        assert one.startswith("./.github/workflows/checks.yml") or re.fullmatch(
            r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one
        )


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_job_keeps_credentials_or_runs_for_ever(name: str) -> None:
    checkouts = [step for step in steps(name) if step.get("uses", "").startswith("actions/checkout@")]
    assert [step["with"] for step in checkouts] == [{"persist-credentials": False}] * len(checkouts)
    running = {job: about for job, about in workflow(name)["jobs"].items() if "steps" in about}
    assert {job: about for job, about in running.items() if about.get("timeout-minutes", 360) > 60} == {}
    assert "group" in workflow(name)["concurrency"]


def test_only_the_jobs_that_sign_and_publish_may_write_anything() -> None:
    assert [workflow(name)["permissions"] for name in WORKFLOWS] == [{"contents": "read"}] * len(WORKFLOWS)
    more = {
        (name, job): about["permissions"]
        for name in WORKFLOWS
        for job, about in workflow(name)["jobs"].items()
        if "permissions" in about
    }
    assert more == {
        ("release.yml", "attest"): {"id-token": "write", "attestations": "write"},
        ("release.yml", "publish"): {"id-token": "write"},
    }


def test_a_job_that_signs_or_publishes_runs_no_command_and_no_code_of_the_checkout() -> None:
    """A dependency of the build that turned bad could otherwise sign or publish in our name."""
    for job in ("attest", "publish"):
        used = [
            step.get("uses", "a command").partition("@")[0] for step in workflow("release.yml")["jobs"][job]["steps"]
        ]
        assert used[0] == "actions/download-artifact"
        assert used[1:] in (["actions/attest-build-provenance"], ["pypa/gh-action-pypi-publish"])


def test_a_release_is_checked_then_built_then_signed_then_published_after_a_persons_yes() -> None:
    # YAML reads a bare `on` as true.
    assert workflow("release.yml")[True] == {"push": {"tags": ["v*"]}}
    jobs = workflow("release.yml")["jobs"]
    assert {name: job.get("needs") for name, job in jobs.items()} == {
        "checks": None,
        "build": "checks",
        "attest": "build",
        "publish": "attest",
    }
    assert jobs["checks"]["uses"] == "./.github/workflows/checks.yml"
    assert jobs["publish"]["environment"] == "pypi"
    assert commands(jobs["build"])[-1] == 'python packaging/distributions.py dist --tag "$GITHUB_REF_NAME"'


def test_hooks_before_a_commit_are_checks_of_the_run_and_fetch_nothing() -> None:
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert repository["repo"] == "local"
    hooks = repository["hooks"]
    assert {hook["language"] for hook in hooks} == {"system"}
    run = {line.rpartition('"$PYTHON" ')[2] for line in CI.splitlines() if line.startswith("step ")}
    assert {hook["entry"].removeprefix("python ") for hook in hooks} == {
        "-m ruff check .",
        "-m ruff format --check .",
        "-m mypy",
        "packaging/docs.py --check",
    }
    assert {hook["entry"].removeprefix("python ") for hook in hooks} <= run


def test_new_versions_are_watched_for() -> None:
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text(encoding="utf-8"))["updates"]
    watched = {update["package-ecosystem"]: update.get("directories") or [update["directory"]] for update in updates}
    assert watched == {"pip": ["/", "/requirements"], "github-actions": ["/"]}

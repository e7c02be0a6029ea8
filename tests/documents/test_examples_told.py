"""What the documents say of the programs in examples/ is what these say, and none of it can rot unseen."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from clients.environments import EXAMPLES as INSTALLED

from .examples import EXAMPLES, ROOT, Example

FACTS = {
    "server": {"one for the whole run", "one for each call"},
    "protocol": {"2025-11-25", "2026-07-28"},
    "asks by": {"a form", "page or terminal"},
    "left out": {"left out", "null"},
    "model reads": {"text", "structured"},
}


def test_every_example_says_how_its_framework_behaves_in_known_words() -> None:
    assert len(EXAMPLES) == 13
    for example in EXAMPLES:
        told = example.behaves
        assert told.keys() == FACTS.keys(), example.name
        assert [f"{example.name}: {key}" for key, value in told.items() if value not in FACTS[key]] == []


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_the_versions_an_example_speaks_of_are_those_it_is_run_with(example: Example) -> None:
    if example.path.suffix == ".py":
        pinned = {re.sub(r"\[.*\]", "", one) for one in INSTALLED[example.name]}
    else:
        wanted = json.loads((ROOT / "examples" / "package.json").read_text(encoding="utf-8"))["dependencies"]
        pinned = {f"{name}=={version}" for name, version in wanted.items()}
    (said,) = re.findall(r"^How it behaves \((.+)\):$", example.about, re.MULTILINE)
    named = [one.replace(" ", "==") for one in said.split(", ")]
    assert [one for one in named if one.replace("pydantic-ai==", "pydantic-ai-slim==") not in pinned] == []


@pytest.mark.parametrize("document", ["docs/frameworks.md", "examples/README.md"])
def test_links_lead_somewhere(document: str) -> None:
    path = ROOT / document
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_a_program_that_changed_is_found_by_the_check_of_the_documents(tmp_path: Path) -> None:
    for name in ("packaging", "schemas", "examples", "docs", "references"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("README.md", "SKILL.md"):
        shutil.copy(ROOT / name, tmp_path)
    program = tmp_path / "examples" / "with_mcp.py"
    program.write_text(program.read_text(encoding="utf-8").replace('["serve"]', '["serve", "--read-only"]'), "utf-8")
    command = [sys.executable, str(tmp_path / "packaging" / "docs.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, "docs/frameworks.md out of date. Run: python packaging/docs.py\n")


@pytest.mark.parametrize("example", [one for one in EXAMPLES if one.path.suffix == ".py"], ids=str)
def test_no_program_answers_the_question_itself(example: Example) -> None:
    """A yes may come from a person alone: whatever is handed back is what `person.decides` gave."""
    text = example.path.read_text(encoding="utf-8")
    words = {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}
    assert not words & {"approve", "yes"}
    assert ("person.decides(" in text) == (example.behaves["asks by"] == "a form")

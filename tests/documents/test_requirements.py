"""requirements/: whole sets of versions with their hashes, in step with pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "requirements"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
DEPENDENCIES: list[str] = PYPROJECT["project"]["dependencies"]
EXTRAS: dict[str, list[str]] = PYPROJECT["project"]["optional-dependencies"]
DIRECT = {
    "runtime.txt": DEPENDENCIES,
    "extras.txt": [
        *DEPENDENCIES,
        *(one for extra in sorted(EXTRAS.keys() - {"test", "docs"}) for one in EXTRAS[extra]),
    ],
    # The site is shipped to nobody, and what builds it is another version on each Python.
    "test.txt": [*DEPENDENCIES, *(one for name, extra in EXTRAS.items() if name != "docs" for one in extra)],
    "build.txt": [
        *PYPROJECT["build-system"]["requires"],
        *(line for line in (FOLDER / "build.in").read_text(encoding="utf-8").splitlines() if not line.startswith("#")),
    ],
}
"""File -> what was asked for; the rest of it follows from that."""
PINNED = re.compile(r"(?P<requirement>\S+==\S+(?: ; [^\\\n]+)?)(?P<hashes>(?: \\\n    --hash=sha256:[0-9a-f]{64})+)")


def pinned(name: str) -> dict[str, str]:
    """Package -> version, of a file in which nothing but pinned and hashed requirements and comments may stand."""
    text = re.sub(r"^ *#.*\n", "", (FOLDER / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = [Requirement(match["requirement"]) for match in PINNED.finditer(text)]
    assert PINNED.sub("", text).strip() == ""
    versions: dict[str, str] = {canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in found}
    assert len(versions) == len(found)
    return versions


def test_there_is_a_set_for_every_use() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {*DIRECT, "build.in"}
    assert set(EXTRAS) == {"calendar", "docs", "http", "metrics", "notify", "passkeys", "postgres", "test"}


@pytest.mark.parametrize("name", DIRECT)
def test_every_direct_dependency_is_pinned_within_its_bounds(name: str) -> None:
    versions = pinned(name)
    for text in DIRECT[name]:
        asked = Requirement(text)
        assert asked.specifier.contains(versions[canonicalize_name(asked.name)]), f"{name}: {text}: see RELEASING.md"


def test_the_sets_agree_on_every_version() -> None:
    """They are installed together, and what was tested is what is shipped."""
    tested = pinned("test.txt")
    assert pinned("runtime.txt").items() <= pinned("extras.txt").items() <= tested.items()
    build = pinned("build.txt")
    assert {name: version for name, version in build.items() if name in tested} == {
        name: version for name, version in tested.items() if name in build
    }


@pytest.mark.parametrize("name", DIRECT)
def test_no_set_names_where_it_was_made_or_where_to_fetch_from(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert re.findall(r"://|--index|--extra-index|--find-links|--trusted|file:|(?<![\w.])/\w|[A-Za-z]:\\", text) == []

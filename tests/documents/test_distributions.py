"""What is released is what the tree has: the check between building and publishing."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TREE = {
    "server/maton_mailgun/__init__.py": '__version__ = "1.2.3"\n',
    "server/maton_mailgun/approval/page/static/index.html": "<!doctype html>",
    "tools/messages.toml": "[tools.send_message]\n",
    "schemas/send_message.json": "{}",
    "plugins/claude-code/skills/maton-mailgun/SKILL.md": "---\nname: maton-mailgun\n---\n",
    "plugins/claude-code/skills/maton-mailgun/references/send.md": "# Send\n",
    "pyproject.toml": "[project]\n",
    "README.md": "# Read\n",
    "LICENSE": "Apache License\n",
    "CHANGELOG.md": "## Unreleased\n\n## 1.2.3 - 2026-01-31\n",
}
ABOUT = "maton_mailgun-1.2.3.dist-info"
ENTRY_POINTS = (
    "[console_scripts]\nmaton-mailgun = maton_mailgun.__main__:main\n\n"
    "[pytest11]\nmaton_mailgun = maton_mailgun.pytest_plugin\n"
)
WHEEL = {
    "maton_mailgun/__init__.py": TREE["server/maton_mailgun/__init__.py"],
    "maton_mailgun/approval/page/static/index.html": "<!doctype html>",
    "maton_mailgun/_data/tools/messages.toml": TREE["tools/messages.toml"],
    "maton_mailgun/_data/schemas/send_message.json": "{}",
    "maton_mailgun/_data/skills/maton-mailgun/SKILL.md": "---\nname: maton-mailgun\n---\n",
    "maton_mailgun/_data/skills/maton-mailgun/references/send.md": "# Send\n",
    f"{ABOUT}/METADATA": "Metadata-Version: 2.4\nName: maton-mailgun\nVersion: 1.2.3\n",
    f"{ABOUT}/WHEEL": "Wheel-Version: 1.0\n",
    f"{ABOUT}/RECORD": "",
    f"{ABOUT}/entry_points.txt": ENTRY_POINTS,
    f"{ABOUT}/licenses/LICENSE": "Apache License\n",
}
NAMES = ("maton_mailgun-1.2.3.tar.gz", "maton_mailgun-1.2.3-py3-none-any.whl")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small checkout with the check in it and good distributions beside it."""
    for name, text in TREE.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    (tmp_path / "packaging").mkdir()
    shutil.copy(ROOT / "packaging" / "distributions.py", tmp_path / "packaging")
    (tmp_path / "dist").mkdir()
    put_wheel(tmp_path, WHEEL)
    put_sdist(tmp_path, TREE | {"PKG-INFO": "Metadata-Version: 2.4\n"})
    return tmp_path


def put_wheel(tree: Path, files: dict[str, str]) -> None:
    """Write a wheel."""
    with zipfile.ZipFile(tree / "dist" / NAMES[1], "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)


def put_sdist(tree: Path, files: dict[str, str], *, top: str = "maton_mailgun-1.2.3/") -> None:
    """Write an sdist."""
    with tarfile.open(tree / "dist" / NAMES[0], "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"{top}{name}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))


def check(tree: Path, *flags: str) -> tuple[int, str, str]:
    """Run the check; no environment is needed for it."""
    command = [sys.executable, "-I", str(tree / "packaging" / "distributions.py"), str(tree / "dist"), *flags]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def test_good_distributions_pass_and_their_hashes_are_printed(tree: Path) -> None:
    hashes = "".join(f"{hashlib.sha256((tree / 'dist' / name).read_bytes()).hexdigest()}  {name}\n" for name in NAMES)
    assert check(tree) == (0, hashes, "")
    assert check(tree, "--tag", "v1.2.3") == (0, hashes, "")


def test_what_is_not_of_the_package_is_left_to_the_tree(tree: Path) -> None:
    """A cache of the interpreter is no part of the source, and an sdist may have more of the tree than the wheel."""
    cache = tree / "server" / "maton_mailgun" / "__pycache__"
    cache.mkdir()
    (cache / "gate.cpython-311.pyc").write_bytes(b"compiled")
    put_sdist(tree, TREE | {"packaging/distributions.py": "…"})
    assert check(tree)[0] == 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"maton_mailgun/_data/tools/messages.toml": None}, "maton_mailgun/_data/tools/messages.toml is missing"),
        ({"maton_mailgun/approval/page/static/index.html": None}, "index.html is missing"),
        ({"maton_mailgun/_data/skills/maton-mailgun/references/send.md": None}, "references/send.md is missing"),
        ({"maton_mailgun/.env": "MATON_API_KEY=k"}, "maton_mailgun/.env does not belong there"),
        ({"tests/test_rules.py": ""}, "tests/test_rules.py does not belong there"),
        ({"maton_mailgun-1.2.3.data/scripts/run": ""}, "maton_mailgun-1.2.3.data/scripts/run does not belong there"),
        ({"maton_mailgun/__init__.py": "import os"}, "maton_mailgun/__init__.py is not what the tree has"),
        ({f"{ABOUT}/licenses/LICENSE": None}, f"{ABOUT}/ must have "),
        ({f"{ABOUT}/METADATA": "Name: maton-mailgun\nVersion: 1.2.4\n"}, "METADATA names maton-mailgun 1.2.4, not "),
        ({f"{ABOUT}/entry_points.txt": "[console_scripts]\n"}, "no entry point 'maton-mailgun = "),
    ],
)
def test_a_wheel_that_is_not_the_tree_is_refused(tree: Path, change: dict[str, str | None], told: str) -> None:
    put_wheel(tree, {name: text for name, text in (WHEEL | change).items() if text is not None})
    status, printed, problems = check(tree)
    assert (status, printed) == (1, "")
    assert told in problems


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"schemas/send_message.json": None}, "schemas/send_message.json is missing"),
        ({"tools/messages.toml": "[tools.other]"}, "tools/messages.toml is not what the tree has"),
        ({"server/maton_mailgun/extra.py": ""}, "server/maton_mailgun/extra.py does not belong there"),
        ({"notes.txt": ""}, "notes.txt is not in the tree"),
        ({"LICENSE": None}, "LICENSE is missing"),
    ],
)
def test_an_sdist_that_is_not_the_tree_is_refused(tree: Path, change: dict[str, str | None], told: str) -> None:
    put_sdist(tree, {name: text for name, text in (TREE | change).items() if text is not None})
    status, printed, problems = check(tree)
    assert (status, printed) == (1, "")
    assert told in problems


def test_an_sdist_that_unpacks_elsewhere_is_refused(tree: Path) -> None:
    put_sdist(tree, TREE, top="../")
    assert "is outside maton_mailgun-1.2.3/" in check(tree)[2]


def test_an_sdist_with_a_link_is_refused(tree: Path) -> None:
    with tarfile.open(tree / "dist" / NAMES[0], "w:gz") as archive:
        link = tarfile.TarInfo("maton_mailgun-1.2.3/README.md")
        link.type, link.linkname = tarfile.SYMTYPE, "LICENSE"
        archive.addfile(link)
    assert "maton_mailgun-1.2.3/README.md is no plain file" in check(tree)[2]


def test_a_distribution_too_many_or_of_another_version_is_refused(tree: Path) -> None:
    (tree / "dist" / "maton_mailgun-1.2.2.tar.gz").write_bytes(b"older")
    status, _, problems = check(tree)
    assert (status, "and nothing else" in problems) == (1, True)
    shutil.rmtree(tree / "dist")
    (tree / "dist").mkdir()
    assert check(tree)[0] == 1


@pytest.mark.parametrize("tag", ["1.2.3", "v1.2.4", "v1.2.3rc1", "v1.2"])
def test_a_tag_that_is_not_the_version_is_refused(tree: Path, tag: str) -> None:
    expected = f"the tag is {tag}, but the version is 1.2.3: tag the commit that sets the version\n"
    assert check(tree, "--tag", tag) == (1, "", expected)


@pytest.mark.parametrize("heading", ["## Unreleased", "## 1.2.3", "## 1x2.3 - 2026-01-31", "## 11.2.3 - 2026-01-31"])
def test_a_release_without_its_section_in_the_changelog_is_refused(tree: Path, heading: str) -> None:
    (tree / "CHANGELOG.md").write_bytes(f"{heading}\n".encode())
    put_sdist(tree, TREE | {"CHANGELOG.md": f"{heading}\n"})
    expected = "CHANGELOG.md has no section '## 1.2.3 - YYYY-MM-DD'\n"
    assert check(tree, "--tag", "v1.2.3") == (1, "", expected)
    assert check(tree)[0] == 0

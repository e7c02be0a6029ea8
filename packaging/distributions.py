"""Holds a wheel and an sdist to the tree they were built from, and prints their hashes.

    python packaging/distributions.py dist                 one wheel, one sdist, and exactly what belongs into them
    python packaging/distributions.py dist --tag v0.2.0    the version is also the tag's, and the changelog has it

It ends with 1 if something is wrong. It needs nothing but Python, so that it can run where a release is built.
"""

from __future__ import annotations

import argparse
import email
import hashlib
import re
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAME = "maton_mailgun"
PLACES = {
    "server/maton_mailgun": NAME,
    "tools": f"{NAME}/_data/tools",
    "schemas": f"{NAME}/_data/schemas",
    "plugins/claude-code/skills": f"{NAME}/_data/skills",
}
"""Directory of the tree -> where its files are in the wheel."""
ABOUT = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}
"""What the wheel says about itself; there is nothing else."""
ENTRY_POINTS = ("maton-mailgun = maton_mailgun.__main__:main", "maton_mailgun = maton_mailgun.pytest_plugin")


def main() -> int:
    """Check a directory of distributions. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Holds built distributions to the tree.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--tag", help="the tag that is released, such as v0.2.0")
    arguments = parser.parse_args()
    version = re.findall(r'^__version__ = "(.+)"$', (ROOT / "server" / NAME / "__init__.py").read_text("utf-8"), re.M)[
        0
    ]
    wheel = arguments.directory / f"{NAME}-{version}-py3-none-any.whl"
    sdist = arguments.directory / f"{NAME}-{version}.tar.gz"
    there = sorted(path.name for path in arguments.directory.iterdir() if not path.name.startswith("."))
    if there != sorted((wheel.name, sdist.name)):
        return _told([f"{arguments.directory} must have {wheel.name} and {sdist.name} and nothing else, not {there}"])
    problems = [*in_wheel(wheel, version), *in_sdist(sdist, version), *of_tag(arguments.tag, version)]
    if not problems:
        for path in (sdist, wheel):
            sys.stdout.write(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
    return _told(problems)


def in_wheel(path: Path, version: str) -> Iterator[str]:
    """What is wrong with the wheel."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    about = f"{NAME}-{version}.dist-info/"
    said = {name.removeprefix(about): files.pop(name) for name in sorted(files) if name.startswith(about)}
    expected = {
        f"{inside}/{name}": content for folder, inside in PLACES.items() for name, content in _files(ROOT / folder)
    }
    yield from _differences(path.name, expected, files)
    if said.keys() != ABOUT:
        yield f"{path.name}: {about} must have {sorted(ABOUT)}, not {sorted(said)}"
        return
    metadata = email.message_from_bytes(said["METADATA"])
    if (metadata["Name"], metadata["Version"]) != ("maton-mailgun", version):
        yield f"{path.name}: METADATA names {metadata['Name']} {metadata['Version']}, not maton-mailgun {version}"
    lines = said["entry_points.txt"].decode().splitlines()
    yield from (f"{path.name}: no entry point {entry!r}" for entry in ENTRY_POINTS if entry not in lines)


def in_sdist(path: Path, version: str) -> Iterator[str]:
    """What is wrong with the sdist: what the wheel is made from must be in it; PKG-INFO is its own."""
    top = f"{NAME}-{version}/"
    with tarfile.open(path) as archive:
        members = [member for member in archive.getmembers() if not member.isdir()]
        yield from (f"{path.name}: {one.name} is no plain file" for one in members if not one.isfile())
        yield from (f"{path.name}: {one.name} is outside {top}" for one in members if not one.name.startswith(top))
        files = {
            member.name.removeprefix(top): opened.read()
            for member in members
            if member.isfile() and (opened := archive.extractfile(member))
        }
    expected = {f"{folder}/{name}": content for folder in PLACES for name, content in _files(ROOT / folder)}
    expected |= {
        name: (ROOT / name).read_bytes() for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md")
    }
    folders = tuple(f"{folder}/" for folder in PLACES)
    source = {name: content for name, content in files.items() if name in expected or name.startswith(folders)}
    yield from _differences(path.name, expected, source)
    others = files.keys() - source.keys() - {"PKG-INFO"}
    yield from (f"{path.name}: {name} is not in the tree" for name in sorted(others) if not (ROOT / name).is_file())


def of_tag(tag: str | None, version: str) -> Iterator[str]:
    """What is wrong with the tag of a release."""
    if tag is None:
        return
    if tag != f"v{version}":
        yield f"the tag is {tag}, but the version is {version}: tag the commit that sets the version"
    if not re.search(
        rf"^## {re.escape(version)} - \d{{4}}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M
    ):
        yield f"CHANGELOG.md has no section '## {version} - YYYY-MM-DD'"


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def _differences(where: str, expected: Mapping[str, bytes], found: Mapping[str, bytes]) -> Iterator[str]:
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            yield f"{where}: {name} is missing"
        elif name not in expected:
            yield f"{where}: {name} does not belong there"
        elif found[name] != expected[name]:
            yield f"{where}: {name} is not what the tree has"


def _told(problems: list[str]) -> int:
    sys.stderr.write("".join(f"{problem}\n" for problem in problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

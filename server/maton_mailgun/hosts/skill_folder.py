"""The agent skill in a folder of skills: put there, brought up to date, taken away, and nothing of others touched.

What was put there is written down beside it (`.maton-mailgun.json`: version, and a digest of each file), so that
another version knows which files are its own to replace or to remove, and which somebody has changed since.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from maton_mailgun import __version__
from maton_mailgun.catalogue.files import RECIPES, SKILL, SKILL_NAME, skill

NOTE = f".{SKILL_NAME}.json"
_OURS = re.compile(rf"(?:SKILL|{RECIPES}/[a-z-]+)\.md")
"""Every name that a version's file ever had."""
_MOST = 1 << 16
"""Bytes of a note that is read."""

State = Literal["absent", "current", "other", "changed"]
"""Of a whole folder: not there, all of this version, something else that we put there, or what nobody wrote down."""


class LinkInTheWay(OSError):
    """Something of the skill is a link to elsewhere: it is neither followed nor replaced."""


@dataclass(frozen=True, slots=True)
class SkillFolder:
    """What is in one, beside what this version has.

    Args:
        path: The folder itself, named after the skill.
        written: Files whose content is not there yet.
        replaced: Files that are there with other content.
        gone: Files of another version that this one has no longer, as they were put there.
        changed: Those among `replaced`, or of another version, that are not as they were put there.
        others: What is there beside all these.
        version: Which version put it there; empty where no note says so.
    """

    path: Path
    written: tuple[str, ...]
    replaced: tuple[str, ...]
    gone: tuple[str, ...]
    changed: tuple[str, ...]
    others: tuple[str, ...]
    version: str

    @property
    def state(self) -> State:
        """What it comes to."""
        if not (self.path / SKILL).is_file():
            return "absent"
        if self.changed:
            return "changed"
        return "other" if self.written or self.replaced or self.gone else "current"

    def install(self) -> None:
        """Write this version's files, and remove those of another version that it has no longer.

        Raises:
            LinkInTheWay, OSError: It cannot be written; a second try mends what was begun.
        """
        for name, content in skill().items():
            if name in (*self.written, *self.replaced):
                target = self.path / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        for name in self.gone:
            (self.path / name).unlink()
        note = {"version": __version__, "files": {name: _digest(content) for name, content in skill().items()}}
        (self.path / NOTE).write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8", newline="\n")

    def remove(self) -> None:
        """Remove all files of ours, also those that were changed, and the folders that are empty then.

        Raises:
            OSError: One cannot be removed.
        """
        for name in (*self._there(), NOTE):
            (self.path / name).unlink(missing_ok=True)
        for folder in (self.path / RECIPES, self.path):
            with contextlib.suppress(OSError):
                folder.rmdir()

    def _there(self) -> Iterator[str]:
        yield from (name for name in skill() if name not in self.written)
        yield from self.gone
        yield from (name for name in self.changed if name not in self.replaced)


def look(skills: Path) -> SkillFolder:
    """What a folder of skills has of this one.

    Raises:
        LinkInTheWay: A part of it is a link.
        OSError: It cannot be read.
    """
    path = skills / SKILL_NAME
    for place in (path, path / RECIPES, path / NOTE, *(path / name for name in skill())):
        if place.is_symlink():  # guard: 400-link
            raise LinkInTheWay(f"{place} is a link, which could lead anywhere: remove it first")
    version, noted = _note(path / NOTE)
    there = {name: _digest((path / name).read_bytes()) for name in (*skill(), *noted) if (path / name).is_file()}
    ours = {name: _digest(content) for name, content in skill().items()}
    replaced = tuple(name for name in ours if name in there and there[name] != ours[name])
    former = [name for name in there if name not in ours]
    return SkillFolder(
        path,
        written=tuple(name for name in ours if name not in there),
        replaced=replaced,
        gone=tuple(
            name
            for name in former
            if there[name] == noted[name]  # guard: 401-as-it-was
        ),
        changed=tuple(name for name in (*replaced, *former) if there[name] != noted.get(name)),
        others=tuple(name for name in _files(path) if name not in there and name != NOTE),
        version=version,
    )


def _note(path: Path) -> tuple[str, Mapping[str, str]]:
    """The version and the digests of a note; nothing where there is none that can be read.

    A folder of a project is as good as whoever made it: only names that were ever ours count.
    """
    try:
        with path.open("rb") as file:
            read = json.loads(file.read(_MOST))
        version, files = str(read["version"]), dict(read["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return "", {}
    ours = {
        str(name): str(digest)
        for name, digest in files.items()
        if _OURS.fullmatch(str(name))  # guard: 402-named
    }
    return version if re.fullmatch(r"[0-9a-z.+]{1,40}", version) else "", ours


def _files(path: Path) -> Iterator[str]:
    if path.is_dir():
        yield from sorted(one.relative_to(path).as_posix() for one in path.rglob("*") if not one.is_dir())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

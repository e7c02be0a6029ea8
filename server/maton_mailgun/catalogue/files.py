"""Where the catalogue's files are: in the installed package, else in the checkout."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import cast

SKILL_NAME = "maton-mailgun"
"""The skill's name; the folder that it lies in must have it too (agentskills.io/specification)."""
SKILL, RECIPES = "SKILL.md", "references"
"""The file that an assistant reads first, and the folder of what it reads when a job comes."""


def root() -> Traversable:
    """The folder that holds `tools/` and `schemas/`.

    Raises:
        FileNotFoundError: Neither the package nor the checkout has them.
    """
    packaged = files("maton_mailgun") / "_data"
    if packaged.is_dir():
        return packaged
    checkout = cast("Traversable", Path(__file__).resolve().parents[3])
    if (checkout / "tools").is_dir() and (checkout / "schemas").is_dir():
        return checkout
    raise FileNotFoundError("tools/ and schemas/ are missing: the installation is incomplete, install it again")


def skill() -> dict[str, bytes]:
    """Every file of the agent skill by its place in the skill's folder, `SKILL.md` first."""
    top = root()
    folder = top if (top / SKILL).is_file() else top / "skills" / SKILL_NAME
    recipes = sorted(entry.name for entry in (folder / RECIPES).iterdir() if entry.name.endswith(".md"))
    return {SKILL: (folder / SKILL).read_bytes()} | {
        f"{RECIPES}/{name}": (folder / RECIPES / name).read_bytes() for name in recipes
    }


def texts(folder: str, suffix: str) -> dict[str, str]:
    """Every file of a folder by its stem, in name order."""
    found = sorted((root() / folder).iterdir(), key=lambda entry: entry.name)
    return {
        entry.name.removesuffix(suffix): entry.read_text(encoding="utf-8")
        for entry in found
        if entry.name.endswith(suffix)
    }

"""Where the catalogue's files are: in the installed package, else in the checkout."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import cast


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


def skill() -> str:
    """The agent skill, as the plugins have it."""
    packaged = root() / "skills"
    folder = packaged if packaged.is_dir() else root() / "plugins" / "claude-code" / "skills"
    return (folder / "maton-mailgun" / "SKILL.md").read_text(encoding="utf-8")


def texts(folder: str, suffix: str) -> dict[str, str]:
    """Every file of a folder by its stem, in name order."""
    found = sorted((root() / folder).iterdir(), key=lambda entry: entry.name)
    return {
        entry.name.removesuffix(suffix): entry.read_text(encoding="utf-8")
        for entry in found
        if entry.name.endswith(suffix)
    }

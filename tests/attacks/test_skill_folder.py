"""A project is as good as whoever made it: what lies where the skill goes leads no write and no removal elsewhere."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from maton_mailgun.catalogue.files import skill
from maton_mailgun.hosts.skill_folder import NOTE, LinkInTheWay, look


@pytest.fixture
def skills(tmp_path: Path) -> Path:
    """A folder of skills in somebody else's project."""
    place = tmp_path / "project" / ".agents" / "skills"
    place.mkdir(parents=True)
    return place


@pytest.mark.parametrize("where", ["", "references", "SKILL.md", "references/send.md", NOTE])
def test_attack_400_a_link_in_the_place_of_the_skill_is_neither_written_through_nor_removed(
    skills: Path, tmp_path: Path, where: str
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "profile").write_text("mine", encoding="utf-8")
    place = skills / "maton-mailgun" / where
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(mine / "profile" if place.suffix else mine)
    with pytest.raises(LinkInTheWay, match="is a link"):
        look(skills).install()
    with pytest.raises(LinkInTheWay, match="is a link"):
        look(skills).remove()
    assert {path.name: path.read_text(encoding="utf-8") for path in mine.iterdir()} == {"profile": "mine"}


def noted(skills: Path, *names: str, digest: str) -> None:
    """A note that says that we put these there."""
    note = {"version": "0.0.9", "files": dict.fromkeys(names, digest)}
    (skills / "maton-mailgun").mkdir(exist_ok=True)
    (skills / "maton-mailgun" / NOTE).write_text(json.dumps(note), encoding="utf-8")


@pytest.mark.parametrize("name", ["../../../../mine.md", "references/../../../../../mine.md", "notes.md", "evals/a.md"])
def test_attack_402_a_note_that_names_other_files_has_none_of_them_removed(
    skills: Path, tmp_path: Path, name: str
) -> None:
    path = (skills / "maton-mailgun").joinpath(name).resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    (skills / "maton-mailgun" / "references").mkdir(parents=True, exist_ok=True)
    path.write_text("mine", encoding="utf-8")
    noted(skills, name, digest=hashlib.sha256(b"mine").hexdigest())
    look(skills).install()
    look(skills).remove()
    assert path.read_text(encoding="utf-8") == "mine"


def test_attack_401_a_recipe_of_another_version_that_was_changed_is_not_removed(skills: Path) -> None:
    noted(skills, "references/letters.md", digest=hashlib.sha256(b"as it was").hexdigest())
    letters = skills / "maton-mailgun" / "references" / "letters.md"
    letters.parent.mkdir()
    letters.write_text("mine", encoding="utf-8")
    assert look(skills).gone == ()
    look(skills).install()
    assert letters.read_text(encoding="utf-8") == "mine"
    letters.write_text("as it was", encoding="utf-8")
    noted(skills, *skill(), "references/letters.md", digest=hashlib.sha256(b"as it was").hexdigest())
    assert look(skills).gone == ("references/letters.md",)

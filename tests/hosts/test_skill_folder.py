"""The skill in a folder of skills: whole, brought up to date, taken away; what is not ours stays, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from maton_mailgun import __version__
from maton_mailgun.catalogue.files import skill
from maton_mailgun.hosts import skill_folder
from maton_mailgun.hosts.skill_folder import NOTE, look

OLDER = {"SKILL.md": b"older", "references/send.md": b"older too", "references/letters.md": b"of another time"}
"""What a version before had."""


def files(skills: Path) -> dict[str, bytes]:
    """Everything in the folder but the note."""
    folder = skills / "maton-mailgun"
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != NOTE
    }


def put(skills: Path, content: Mapping[str, bytes]) -> None:
    """Files of somebody."""
    for name, text in content.items():
        path = skills / "maton-mailgun" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)


@pytest.fixture
def older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder into which the version before has put itself."""
    with monkeypatch.context() as before:
        before.setattr(skill_folder, "skill", lambda: OLDER)
        before.setattr(skill_folder, "__version__", "0.0.9")
        look(tmp_path).install()
        assert (look(tmp_path).state, files(tmp_path)) == ("current", OLDER)
    return tmp_path


def test_the_whole_set_is_put_there_and_taken_away_with_its_folders(tmp_path: Path) -> None:
    assert look(tmp_path).state == "absent"
    look(tmp_path).install()
    assert (look(tmp_path).state, files(tmp_path)) == ("current", skill())
    assert look(tmp_path).version == __version__
    look(tmp_path).remove()
    assert list(tmp_path.iterdir()) == []


def test_another_version_is_replaced_whole_and_leaves_nothing_stale(older: Path) -> None:
    found = look(older)
    assert (found.state, found.version, found.changed, found.gone) == ("other", "0.0.9", (), ("references/letters.md",))
    found.install()
    assert (look(older).state, files(older)) == ("current", skill())


def test_what_somebody_changed_is_named_and_what_they_added_is_left(older: Path) -> None:
    put(older, {"references/letters.md": b"my words", "references/mine.md": b"mine", "notes/a.txt": b"a"})
    found = look(older)
    assert (found.state, found.changed, found.gone) == ("changed", ("references/letters.md",), ())
    found.install()
    mine = {"references/letters.md": b"my words", "references/mine.md": b"mine", "notes/a.txt": b"a"}
    assert files(older) == skill() | mine
    assert set(look(older).others) == set(mine)
    look(older).remove()
    assert files(older) == mine


def test_the_one_file_of_before_gives_way_to_the_set(tmp_path: Path) -> None:
    """It was put there without a note: whether somebody changed it cannot be known."""
    put(tmp_path, {"SKILL.md": b"---\nname: maton-mailgun\n---\n", "mine.txt": b"mine"})
    found = look(tmp_path)
    assert (found.state, found.changed, found.others) == ("changed", ("SKILL.md",), ("mine.txt",))
    found.install()
    assert files(tmp_path) == skill() | {"mine.txt": b"mine"}


def test_a_file_that_is_missing_is_put_back(tmp_path: Path) -> None:
    look(tmp_path).install()
    (tmp_path / "maton-mailgun" / "references" / "send.md").unlink()
    assert look(tmp_path).state == "other"
    look(tmp_path).install()
    assert files(tmp_path) == skill()


@pytest.mark.parametrize(
    "note", ["", "[]", "{}", '{"version": 1, "files": 7}', '{"version": "1", "files": []}', "\0" * 9]
)
def test_a_note_that_cannot_be_read_is_as_good_as_none(tmp_path: Path, note: str) -> None:
    look(tmp_path).install()
    put(tmp_path, {NOTE: note.encode(), "references/send.md": b"another"})
    assert look(tmp_path).changed == ("references/send.md",)


def test_the_note_says_version_and_digests(tmp_path: Path) -> None:
    look(tmp_path).install()
    note = json.loads((tmp_path / "maton-mailgun" / NOTE).read_text(encoding="utf-8"))
    assert (note["version"], list(note["files"])) == (__version__, list(skill()))

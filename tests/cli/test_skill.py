"""`maton-mailgun skill`: the skill where assistants look for it, and what it says to type."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from catalogue.files import ROOT
from maton_mailgun import __version__

from .conftest import Cli

SKILL = {
    name: (ROOT / name).read_bytes()
    for name in ("SKILL.md", *(path.relative_to(ROOT).as_posix() for path in (ROOT / "references").glob("*.md")))
}
TEXTS = "".join(content.decode() for content in SKILL.values())


def files(folder: Path) -> dict[str, bytes]:
    """What is in a folder, beside the note that says what was put there."""
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found.pop(".maton-mailgun.json", None)
    return found


@pytest.mark.parametrize(("host", "folder"), [("claude-code", ".claude/skills"), ("agents", ".agents/skills")])
def test_skill_lands_whole_where_the_host_looks_and_another_is_replaced_only_after_a_yes(
    cli: Cli, host: str, folder: str
) -> None:
    there = cli.cwd / folder / "maton-mailgun"
    assert cli("skill", "install", host).status == 0
    assert files(there) == SKILL
    (there / "SKILL.md").write_text("mine", encoding="utf-8")
    refused = cli("skill", "install", host)
    assert (refused.status, (there / "SKILL.md").read_text(encoding="utf-8")) == (5, "mine")
    assert "SKILL.md: not as it was put there" in refused.err
    assert (cli("skill", "install", host, "--yes").status, files(there)) == (0, SKILL)
    assert "has it already" in cli("skill", "install", host).err


def test_what_was_put_there_is_taken_away_and_what_was_changed_only_after_a_yes(cli: Cli) -> None:
    there = cli.cwd / ".agents" / "skills" / "maton-mailgun"
    assert "has no skill of ours" in cli("skill", "uninstall", "agents").err
    cli("skill", "install", "agents")
    (there / "mine.md").write_text("mine", encoding="utf-8")
    (there / "references" / "send.md").write_text("mine too", encoding="utf-8")
    assert cli("skill", "uninstall", "agents").status == 5
    assert len(files(there)) == len(SKILL) + 1
    gone = cli("skill", "uninstall", "agents", "--yes")
    assert (gone.status, files(there)) == (0, {"mine.md": b"mine"})
    assert "Not ours, and left alone: mine.md" in gone.err


def test_status_says_where_it_is_and_what_to_do_where_it_is_another(cli: Cli) -> None:
    project = cli.cwd / "project"
    project.mkdir()
    there = Cli(cli.home, project, {"HOME": str(cli.cwd)})
    there("skill", "install", "agents")
    (project / ".claude" / "skills" / "maton-mailgun").mkdir(parents=True)
    (project / ".claude" / "skills" / "maton-mailgun" / "SKILL.md").write_text("older", encoding="utf-8")
    told = there("skill", "status")
    assert told.status == 0
    assert f"version {__version__}, {len(SKILL)} files" in told.out
    assert "SKILL.md; `maton-mailgun skill install claude-code --scope project` brings it up to date" in told.out
    assert told.out.count("Not there: ") == 2


def test_status_fails_where_the_skill_is_a_link(cli: Cli) -> None:
    (cli.cwd / ".agents" / "skills").mkdir(parents=True)
    (cli.cwd / ".agents" / "skills" / "maton-mailgun").symlink_to(cli.cwd)
    told = cli("skill", "status")
    assert (told.status, "is a link" in told.out) == (1, True)
    assert cli("skill", "install", "agents").status == 1


COMMANDS = re.findall(r"`(maton-mailgun [^`]+)`", TEXTS)


@pytest.mark.parametrize("command", COMMANDS)
def test_what_the_skill_says_to_type_works(cli: Cli, command: str) -> None:
    """With a host that it names, and in the sandbox, as it says that everything can be tried."""
    assert "(HOST\nis claude-code" in TEXTS
    words = command.replace("HOST", "cursor").split()[1:]
    assert cli(*words, "--sandbox", "--yes", "--no-start").status == 0


def test_there_is_something_to_type() -> None:
    assert COMMANDS

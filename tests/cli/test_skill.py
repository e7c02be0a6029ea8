"""`maton-mailgun skill install`: the skill where assistants look for it."""

from __future__ import annotations

import pytest

from catalogue.files import ROOT

from .conftest import Cli

SKILL = (ROOT / "SKILL.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("host", "folder"), [("claude-code", ".claude/skills"), ("agents", ".agents/skills")])
def test_skill_lands_where_the_host_looks_and_another_is_replaced_only_after_a_yes(
    cli: Cli, host: str, folder: str
) -> None:
    path = cli.cwd / folder / "maton-mailgun" / "SKILL.md"
    assert cli("skill", "install", host).status == 0
    assert path.read_text(encoding="utf-8") == SKILL
    path.write_text("mine", encoding="utf-8")
    assert (cli("skill", "install", host).status, path.read_text(encoding="utf-8")) == (5, "mine")
    assert (cli("skill", "install", host, "--yes").status, path.read_text(encoding="utf-8")) == (0, SKILL)
    assert "has it already" in cli("skill", "install", host).err

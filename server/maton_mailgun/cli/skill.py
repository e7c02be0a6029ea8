"""`maton-mailgun skill install`: the agent skill, where assistants look for skills."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from maton_mailgun.catalogue.files import skill
from maton_mailgun.cli.exit_status import FAILED, OK, CommandFailed
from maton_mailgun.cli.install import agreed
from maton_mailgun.cli.screen import Screen

NAME = "maton-mailgun"
"""The skill's name; the folder that it lies in must have it too (agentskills.io/specification)."""


def run(arguments: argparse.Namespace) -> int:
    """Put the skill of this very version there. One that differs is replaced only after a yes."""
    screen, text = Screen(sys.stderr), skill()
    path = (Path(arguments.to).expanduser() if arguments.to else _usual(arguments)) / NAME / "SKILL.md"
    try:
        there = path.read_text(encoding="utf-8") if path.exists() else None
        if there == text:
            screen.outcome("good", f"{path} has it already.")
            return OK
        if there is not None:
            screen.line(f"{path} is another version, or was changed: it would be replaced.", "warn")
            agreed(arguments, "Replace it?")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except (OSError, UnicodeDecodeError) as problem:
        raise CommandFailed(FAILED, f"{path} cannot be written: {problem}.") from None
    screen.outcome("good", f"The skill is in {path}. Assistants find it when they start.")
    return OK


def _usual(arguments: argparse.Namespace) -> Path:
    """Claude Code has a folder of its own (code.claude.com/docs/en/skills); Codex, Cursor, Gemini CLI, VS Code and
    others read `.agents/skills`."""
    root = Path.cwd() if arguments.scope == "project" else Path.home()
    return root / (".claude" if arguments.host == "claude-code" else ".agents") / "skills"

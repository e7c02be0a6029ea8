"""`maton-mailgun skill`: the agent skill, where assistants look for skills."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from maton_mailgun import __version__
from maton_mailgun.catalogue.files import skill
from maton_mailgun.cli.exit_status import FAILED, OK, CommandFailed
from maton_mailgun.cli.install import agreed
from maton_mailgun.cli.screen import Screen
from maton_mailgun.hosts.skill_folder import SkillFolder, look
from maton_mailgun.mail.text import count

HOSTS, SCOPES = ("claude-code", "agents"), ("user", "project")


def run(arguments: argparse.Namespace) -> int:
    """Put the skill of this very version there. What differs is replaced only after a yes."""
    screen, folder = Screen(sys.stderr), _looked(arguments)
    if folder.state == "current":
        screen.outcome("good", f"{folder.path} has it already.")
        _leave(screen, folder)
        return OK
    if folder.replaced or folder.gone:
        _differs(screen, folder)
        agreed(arguments, "Replace it?")
    try:
        folder.install()
    except OSError as problem:
        raise CommandFailed(FAILED, f"{folder.path} cannot be written: {problem}.") from None
    _leave(screen, folder)
    screen.outcome("good", f"The skill is in {folder.path}. Assistants find it when they start.")
    return OK


def uninstall(arguments: argparse.Namespace) -> int:
    """Take away what `skill install` has put there; what was changed since, only after a yes."""
    screen, folder = Screen(sys.stderr), _looked(arguments)
    if folder.state == "absent" and not folder.version:
        screen.line(f"{folder.path} has no skill of ours.")
        return OK
    if folder.changed:
        _differs(screen, folder)
        agreed(arguments, "Remove it all the same?")
    try:
        folder.remove()
    except OSError as problem:
        raise CommandFailed(FAILED, f"{folder.path} cannot be removed: {problem}.") from None
    _leave(screen, folder)
    screen.outcome("good", f"The skill is no longer in {folder.path}.")
    return OK


def status(_: argparse.Namespace) -> int:
    """Say where it is, and whether it is this version. FAILED where a place cannot be read, or holds a link."""
    screen, failed = Screen(), False
    for host, scope in ((host, scope) for host in HOSTS for scope in SCOPES):
        place = _usual(host, scope)
        try:
            folder = look(place)
        except OSError as problem:
            failed = True
            screen.outcome("bad", f"{host}, {scope}: {problem}")
            continue
        if folder.state == "absent":
            screen.line(f"Not there: {host}, {scope} ({folder.path}).", "quiet")
            continue
        screen.outcome("good" if folder.state == "current" else "warn", f"{host}, {scope}: {folder.path}")
        screen.line(f"    {_said(folder, host, scope)}")
        _leave(screen, folder)
    return FAILED if failed else OK


def _said(folder: SkillFolder, host: str, scope: str) -> str:
    if folder.state == "current":
        return f"version {__version__}, {count(len(skill()), 'file')}"
    anew = f"`maton-mailgun skill install {host} --scope {scope}` brings it up to date"
    if folder.state == "other":
        return f"version {folder.version or 'unknown'}, or not whole: {anew}"
    return f"another version, or changed since: {', '.join(folder.changed)}; {anew}"


def _differs(screen: Screen, folder: SkillFolder) -> None:
    """What would be lost."""
    screen.line(f"{folder.path} is another version, or was changed:", "warn")
    for name in sorted({*folder.replaced, *folder.gone, *folder.changed}):
        whose = "not as it was put there" if name in folder.changed else "as version " + (folder.version or "unknown")
        screen.line(f"    {name}: {whose}")


def _leave(screen: Screen, folder: SkillFolder) -> None:
    if folder.others:
        screen.line(f"    Not ours, and left alone: {', '.join(folder.others)}", "quiet")


def _looked(arguments: argparse.Namespace) -> SkillFolder:
    """What is there. Raises CommandFailed where it cannot be read."""
    scope = arguments.scope or "user"
    skills = Path(arguments.to).expanduser() if arguments.to else _usual(arguments.host, scope)
    try:
        return look(skills)
    except OSError as problem:
        raise CommandFailed(FAILED, f"Nothing was changed: {problem}.") from None


def _usual(host: str, scope: str) -> Path:
    """Claude Code has a folder of its own (code.claude.com/docs/en/skills); Codex, Cursor, Gemini CLI, VS Code and
    others read `.agents/skills`."""
    root = Path.cwd() if scope == "project" else Path.home()
    return root / (".claude" if host == "claude-code" else ".agents") / "skills"

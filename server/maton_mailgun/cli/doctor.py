"""`maton-mailgun doctor`: is everything as it must be, and what would be right where it is not. Prints no secret."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import stat
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from maton_mailgun import __version__
from maton_mailgun.approval.store.record import State
from maton_mailgun.catalogue.operation import EVERY_TOOLSET
from maton_mailgun.cli.account_findings import account
from maton_mailgun.cli.exit_status import FAILED, OK
from maton_mailgun.cli.findings import Finding
from maton_mailgun.cli.host_findings import hosts_found
from maton_mailgun.cli.notice_findings import notices
from maton_mailgun.cli.screen import Screen
from maton_mailgun.config import Settings, display_environment, load, page_directory, state_home
from maton_mailgun.errors import SetupError
from maton_mailgun.mail.text import count
from maton_mailgun.own_command import NAME, own_command
from maton_mailgun.ownership import why_untrusted
from maton_mailgun.runtime import engine

_PENDING: frozenset[State] = frozenset({"pending"})
_ELSEWHERE = "Make it a directory of yours, or name another one with MATON_MAILGUN_HOME."


def run(arguments: argparse.Namespace) -> int:
    """Look at everything. FAILED if something is wrong; a warning is not."""
    screen = Screen()
    if arguments.json:
        found = list(_findings(arguments))
        wrong = sum(finding.verdict == "bad" for finding in found)
        told = {"version": __version__, "ready": not wrong, "findings": [finding.fields() for finding in found]}
        screen.line(json.dumps(told))
        return FAILED if wrong else OK
    screen.line(f"maton-mailgun {__version__}", "strong")
    wrong = 0
    for finding in _findings(arguments):
        wrong += finding.verdict == "bad"
        screen.outcome(finding.verdict, f"{finding.about}: {finding.found}")
        if finding.right:
            screen.line(f"    {finding.right}")
    screen.line()
    if wrong:
        screen.outcome("bad", f"{count(wrong, 'thing')} to put right.")
        return FAILED
    screen.outcome("good", "Ready.")
    return OK


def _findings(arguments: argparse.Namespace) -> Iterator[Finding]:
    yield Finding("good", "Python", f"{platform.python_version()} at {sys.executable}")
    yield _versions()
    yield from _command()
    try:
        settings = load(sandbox=arguments.sandbox)
    except SetupError as problem:
        yield Finding("bad", "settings", str(problem), "Correct it; what goes by the settings is checked then.")
        yield from hosts_found()
        return
    yield from _policy(settings)
    try:
        built = engine(settings)
    except SetupError as problem:
        yield Finding("bad", "start", str(problem))
    else:
        yield Finding("good", "tools", _tools(settings, len(built.catalogue)))
        # What it asks with must be on offer to it, whichever tools are.
        yield from asyncio.run(account(engine(replace(settings, toolsets=(EVERY_TOOLSET,)))))
    yield from _state(settings)
    yield from _approver(settings)
    yield from notices(settings, test=arguments.notify)
    yield _attachments(settings)
    yield from hosts_found()


def _versions() -> Finding:
    """Of what does the work, as it is loaded here."""
    from maton_mailgun.approval.store.sqlite import LIBRARY

    told = [f"{name} {version(name)}" for name in ("mcp", "httpx2", "pydantic")]
    return Finding("good", "versions", ", ".join([*told, f"SQLite {LIBRARY}"]))


def _command() -> Iterator[Finding]:
    """How it is called in a shell here, where that is not its name."""
    command = own_command()
    if command != NAME:
        right = f"Put its folder on the PATH to call it {NAME}; what is printed here runs as it is printed."
        yield Finding("good", "command", command, right)


def _tools(settings: Settings, number: int) -> str:
    reads = ", which only read" if settings.read_only else ""
    found = ", found through two" if settings.discovery else ""
    return f"{count(number, 'operation')}{reads}{found}"


def _policy(settings: Settings) -> Iterator[Finding]:
    from maton_mailgun.approval.policy.in_force import policy_of

    try:
        policy = policy_of(settings)
    except SetupError as problem:
        yield Finding("bad", "policy", str(problem), "Correct the file; the server does not start with it.")
        return
    if settings.policy is None:
        yield Finding("good", "policy", "none: every write asks a person")
        return
    yield Finding("good", "policy", f"{settings.policy}: {count(len(policy.rules), 'rule')}")
    if settings.approval == "relay":
        yield Finding("warn", "approval", "relay: the agent passes on what the user says, which nobody attests")


def _state(settings: Settings) -> Iterator[Finding]:
    """The state directory, its keys and its approvals. What does not exist is not made."""
    home = state_home(settings)
    if not os.path.exists(home):  # unlike Path.exists, no error where it may not be looked at
        nearest = next(path for path in home.absolute().parents if os.path.exists(path))
        why = why_untrusted(home) or _unwritable(nearest)
        if why is None:
            yield Finding("good", "state directory", f"{home}, made at the first write")
        else:
            yield Finding("bad", "state directory", f"{home} cannot be made: {why}", _ELSEWHERE)
        return
    directory = _directory(home)
    yield directory
    if directory.verdict == "bad":
        return
    from maton_mailgun.approval.binding.keys import KEY_FILE, KeyFileError, load_keys

    if not (home / KEY_FILE).exists():
        yield Finding("good", "keys", "made at the first write")
        return
    try:
        load_keys(home)
    except KeyFileError as problem:
        yield Finding("bad", "keys", str(problem))
        return
    yield Finding("good", "keys", "readable by you alone")
    yield asyncio.run(_approvals(settings))


def _directory(home: Path) -> Finding:
    mode = stat.S_IMODE(home.stat().st_mode)
    why = why_untrusted(home)
    if why is not None:
        return Finding("bad", "state directory", why)
    why = _unwritable(home)
    if why is not None:
        return Finding("bad", "state directory", why, _ELSEWHERE)
    if os.name == "posix" and mode & 0o077:
        return Finding("warn", "state directory", f"{home} is open to others ({mode:04o})", f'Run: chmod 700 "{home}"')
    return Finding("good", "state directory", str(home))


def _unwritable(directory: Path) -> str | None:
    """Why nothing can be written to a directory, found out by doing it."""
    try:
        with tempfile.TemporaryFile(dir=directory) as file:
            file.write(b"x")
    except OSError as problem:
        return f"{directory} cannot be written: {problem.strerror}."
    return None


async def _approvals(settings: Settings) -> Finding:
    from maton_mailgun.approval.channels.terminal import Terminal
    from maton_mailgun.approval.store import audit
    from maton_mailgun.approval.store.failures import StoreError

    try:
        desk = await Terminal.open(settings)
        try:
            verdict = await audit.verify(desk.store)
            waiting = await desk.list(_PENDING, limit=1000)
        finally:
            await desk.close()
    except (SetupError, StoreError) as problem:
        return Finding("bad", "approvals", str(problem))
    if not verdict.ok:
        right = f"Run: {own_command(f'audit verify{_flag(settings)}')}"
        return Finding("bad", "approvals", f"the audit does not hold: {verdict.why}", right)
    entries = count(verdict.entries, "entry", "entries")
    return Finding("good", "approvals", f"{len(waiting)} waiting, audit of {entries} holds")


def _approver(settings: Settings) -> Iterator[Finding]:
    """The ways a person can decide outside the client."""
    from maton_mailgun.approval.channels.page.handover import problem_with
    from maton_mailgun.approval.channels.page.page_server import graphical_browser
    from maton_mailgun.approval.channels.passphrase import PEOPLE_FILE, Passphrase

    browser = graphical_browser(display_environment(), sys.platform) is not None
    if settings.page and browser and (problem := problem_with(page_directory())):
        yield Finding("warn", "approval page", "opens in your browser, but asks for the passphrase there", problem)
    elif settings.page and browser:
        yield Finding("good", "approval page", "opens in your browser when the client cannot ask")
    elif settings.page:
        right = f"Decide with: {own_command(f'approvals list{_flag(settings)}')}"
        yield Finding("warn", "approval page", "no graphical browser here", right)
    else:
        yield Finding("good", "approval page", "switched off")
    passphrase = Passphrase(state_home(settings))
    right = f"To approve in a terminal, run: {own_command(f'approvals passphrase{_flag(settings)}')}"
    named = (state_home(settings) / PEOPLE_FILE).exists()
    if named:
        why = passphrase.why_untrusted()
        said = f"each signs in by name: {own_command(f'approvals people list{_flag(settings)}')}"
        yield Finding("good", "people", said) if why is None else Finding("bad", "people", why)
    elif passphrase.is_set():
        why = passphrase.why_untrusted()
        yield Finding("good", "passphrase", "set") if why is None else Finding("bad", "passphrase", why)
    else:
        yield Finding("warn", "passphrase", "not set", right)
    if settings.approval == "operator" and not (settings.page and browser) and not passphrase.is_set() and not named:
        yield Finding("bad", "approval", "only the page or the terminal counts here, and neither can be used", right)


def _flag(settings: Settings) -> str:
    return " --sandbox" if settings.sandbox else ""


def _attachments(settings: Settings) -> Finding:
    allowed = settings.attachments
    if allowed is None:
        return Finding("good", "attachments", "no directory allowed, so no file can be sent")
    if not allowed.is_dir():
        right = "Set MATON_MAILGUN_ATTACHMENTS to a directory that exists."
        return Finding("bad", "attachments", f"{allowed} is no directory", right)
    try:
        with os.scandir(allowed) as entries:
            next(entries, None)
    except OSError as problem:
        right = "Let this user read it, or name another one."
        return Finding("bad", "attachments", f"{allowed} cannot be read: {problem.strerror}", right)
    why = why_untrusted(allowed)
    if why is not None:
        # No hole: what is sent is what was shown. But others choose what is found under a name.
        return Finding("warn", "attachments", f"files under {allowed} may be sent", why)
    return Finding("good", "attachments", f"files under {allowed} may be sent")

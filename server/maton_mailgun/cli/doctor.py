"""`maton-mailgun doctor`: is everything as it must be, and what would be right where it is not. Prints no secret."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import stat
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from maton_mailgun import __version__
from maton_mailgun.approval.store.record import State
from maton_mailgun.call import Engine
from maton_mailgun.cli.exit_status import FAILED, OK
from maton_mailgun.cli.screen import Screen
from maton_mailgun.config import Settings, display_environment, load, page_directory, state_home
from maton_mailgun.errors import KeyMissing, SetupError
from maton_mailgun.exchange import Caller, Outcome
from maton_mailgun.mail.text import count
from maton_mailgun.ownership import why_untrusted
from maton_mailgun.runtime import engine

Verdict = Literal["good", "warn", "bad"]
_PENDING: frozenset[State] = frozenset({"pending"})
_ELSEWHERE = "Make it a directory of yours, or name another one with MATON_MAILGUN_HOME."


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    verdict: Verdict
    about: str
    found: str
    right: str = ""
    """What would be right; empty where it is."""


def run(arguments: argparse.Namespace) -> int:
    """Look at everything. FAILED if something is wrong; a warning is not."""
    screen = Screen()
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
    try:
        settings = load(sandbox=arguments.sandbox)
    except SetupError as problem:
        yield Finding("bad", "settings", str(problem), "Correct it; the rest cannot be checked before.")
        return
    yield from _policy(settings)
    try:
        built = engine(settings)
    except SetupError as problem:
        yield Finding("bad", "start", str(problem))
    else:
        yield Finding("good", "tools", count(len(built.catalogue), "operation"))
        yield from asyncio.run(_online(built))
    yield from _state(settings)
    yield from _approver(settings)
    yield _attachments(settings)


async def _online(built: Engine) -> list[Finding]:
    """The key, the gateway and the connections, found out with one read."""
    settings = built.settings
    try:
        if settings.api_key is None and settings.token_command:
            return await _commanded(built)
        if settings.key_unfilled:
            missing = KeyMissing(settings.key_unfilled)
            return [Finding("bad", "Maton key", missing.message, "Write the key itself into the host's configuration.")]
        if settings.api_key is None:
            return [
                Finding(
                    "bad",
                    "Maton key",
                    "MATON_API_KEY is not set",
                    "Create one at maton.ai/settings and set it; or try everything with --sandbox.",
                )
            ]
        found = [_key(settings)]
        caller = Caller("doctor", "maton-mailgun doctor")
        outcome = await built.call("list_connections", {"status": "ACTIVE"}, caller)
        return [*found, *_gateway(settings, outcome)] if isinstance(outcome, Outcome) else found
    finally:
        await built.aclose()


def _key(settings: Settings) -> Finding:
    if not settings.token_command:
        return Finding("good", "Maton key", "set")
    right = "Leave one of the two out: MATON_TOKEN_COMMAND is not run."
    return Finding("warn", "Maton key", "MATON_API_KEY is set, and wins over MATON_TOKEN_COMMAND", right)


async def _commanded(built: Engine) -> list[Finding]:
    """The same where the key comes from a command, which is run here."""
    caller = Caller("doctor", "maton-mailgun doctor")
    outcome = await built.call("list_connections", {"status": "ACTIVE"}, caller)
    error = outcome.content.get("error", {}) if isinstance(outcome, Outcome) else {}
    if error.get("kind") == KeyMissing.kind:
        return [Finding("bad", "Maton key", str(error["message"]), str(error["next"]))]
    found = [Finding("good", "Maton key", "MATON_TOKEN_COMMAND gave a token")]
    if left := built.settings.key_unfilled:
        right = "Write the key itself, or leave MATON_API_KEY out."
        found = [Finding("warn", "Maton key", f"MATON_API_KEY is {left}: MATON_TOKEN_COMMAND is run instead", right)]
    return [*found, *_gateway(built.settings, outcome)] if isinstance(outcome, Outcome) else found


def _gateway(settings: Settings, outcome: Outcome) -> Iterator[Finding]:
    where = "the built-in sandbox" if settings.sandbox else settings.api_url
    if outcome.is_error:
        error = outcome.content.get("error", {})
        yield Finding("bad", "gateway", f"{where}: {error.get('message', '')}", str(error.get("next", "")))
        return
    yield Finding("good", "gateway", f"{where} answers and takes the key")
    connections = outcome.content.get("result", {}).get("connections", [])
    ids = [str(connection.get("connection_id", "")) for connection in connections]
    chosen = settings.connection_id
    if not ids:
        yield Finding(
            "bad",
            "connections",
            "no active Mailgun connection",
            "Connect Mailgun at maton.ai, or call create_connection.",
        )
    elif chosen and chosen not in ids:
        right = f"Set MATON_CONNECTION_ID to one of {', '.join(ids)}."
        yield Finding("bad", "connections", "MATON_CONNECTION_ID is not an active one", right)
    elif len(ids) > 1 and not chosen:
        right = f"Set MATON_CONNECTION_ID to one of {', '.join(ids)}, or name one in every call."
        yield Finding("warn", "connections", f"{len(ids)} active and none chosen", right)
    else:
        yield Finding("good", "connections", f"{chosen or ids[0]} is used")


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
        return Finding("bad", "approvals", f"the audit does not hold: {verdict.why}", "Run: maton-mailgun audit verify")
    entries = count(verdict.entries, "entry", "entries")
    return Finding("good", "approvals", f"{len(waiting)} waiting, audit of {entries} holds")


def _approver(settings: Settings) -> Iterator[Finding]:
    """The ways a person can decide outside the client."""
    from maton_mailgun.approval.channels.page.handover import problem_with
    from maton_mailgun.approval.channels.page.page_server import graphical_browser
    from maton_mailgun.approval.channels.passphrase import Passphrase

    browser = graphical_browser(display_environment(), sys.platform) is not None
    if settings.page and browser and (problem := problem_with(page_directory())):
        yield Finding("warn", "approval page", "opens in your browser, but asks for the passphrase there", problem)
    elif settings.page and browser:
        yield Finding("good", "approval page", "opens in your browser when the client cannot ask")
    elif settings.page:
        yield Finding("warn", "approval page", "no graphical browser here", "Decide with `maton-mailgun approvals`.")
    else:
        yield Finding("good", "approval page", "switched off")
    passphrase = Passphrase(state_home(settings))
    if passphrase.is_set():
        why = passphrase.why_untrusted()
        yield Finding("good", "passphrase", "set") if why is None else Finding("bad", "passphrase", why)
    else:
        right = "To approve in a terminal, run: maton-mailgun approvals passphrase"
        yield Finding("warn", "passphrase", "not set", right)


def _attachments(settings: Settings) -> Finding:
    allowed = settings.attachments
    if allowed is None:
        return Finding("good", "attachments", "no directory allowed, so no file can be sent")
    if not allowed.is_dir():
        right = "Set MATON_MAILGUN_ATTACHMENTS to a directory that exists."
        return Finding("bad", "attachments", f"{allowed} is no directory", right)
    why = why_untrusted(allowed)
    if why is not None:
        # No hole: what is sent is what was shown. But others choose what is found under a name.
        return Finding("warn", "attachments", f"files under {allowed} may be sent", why)
    return Finding("good", "attachments", f"files under {allowed} may be sent")

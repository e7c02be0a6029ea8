"""`maton-mailgun policy replay` and `policy suggest`: rules held to what people decided. Rules learn nothing by
themselves: only a person at a terminal can adopt one, and it always ends."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from maton_mailgun.approval.channels.terminal import Terminal
from maton_mailgun.approval.policy.in_force import policy_of
from maton_mailgun.approval.policy.judge import Policy
from maton_mailgun.approval.policy.replay import Replay, Replayed
from maton_mailgun.approval.policy.replay import replay as tried
from maton_mailgun.approval.policy.suggestions import Suggestion, suggestions
from maton_mailgun.approval.store import audit
from maton_mailgun.approval.store.contract import ALL
from maton_mailgun.approval.store.record import Record
from maton_mailgun.approval.told import timestamp
from maton_mailgun.cli.approvals import at_desk, require_passphrase
from maton_mailgun.cli.ask import at_a_terminal, choice
from maton_mailgun.cli.exit_status import FAILED, NO_PASSPHRASE, OK, USAGE, CommandFailed
from maton_mailgun.cli.flags import settings_of
from maton_mailgun.cli.record_view import headline
from maton_mailgun.cli.screen import Screen
from maton_mailgun.config import Settings
from maton_mailgun.mail.text import count
from maton_mailgun.own_command import own_command

_DAY = 86_400.0
_MOST_DAYS = 366
"""How far away the end of a rule may be."""
_LISTED = 20
_WORDS = {
    "allow": "would have run without anybody asked",
    "ask": "would have been asked",
    "deny": "would have been refused",
}


@dataclass(frozen=True, slots=True)
class _Past:
    """What is kept of some days, and what is not."""

    records: Sequence[Record]
    removed: int
    """Writes of these days whose time to be kept is over."""


def replay(arguments: argparse.Namespace) -> int:
    """Try a policy file on what is kept. FAILED where it would have allowed what a person rejected."""
    settings, screen = settings_of(arguments), Screen()
    policy = _policy(Path(arguments.file), settings)
    past = at_desk(settings, lambda desk: _past(desk, arguments.days))
    found = tried(policy, past.records)
    wrong = found.of("allow", "rejected")
    if arguments.json:
        screen.line(json.dumps(_as_fields(found, past)))
        return FAILED if wrong else OK
    _tell_kept(screen, found, past, arguments.days)
    _tell(screen, found)
    return FAILED if wrong else OK


def suggest(arguments: argparse.Namespace) -> int:
    """Print rules for what one person always approved; with --adopt, ask for each and add it to a file."""
    settings, screen = settings_of(arguments), Screen()
    until = _until(arguments.until)
    there = _policy(Path(arguments.adopt), settings) if arguments.adopt and Path(arguments.adopt).exists() else Policy()
    past = at_desk(settings, lambda desk: _past(desk, arguments.days))
    found = list(suggestions(past.records, [rule.name for rule in there.rules]))
    if arguments.json:
        screen.line(json.dumps([{"rule": one.toml(until), "approved": one.approved, "by": one.by} for one in found]))
        return OK
    if not found:
        screen.line("Nothing was approved often enough by one person, and rejected by nobody, to propose a rule.")
        return OK
    if arguments.adopt:
        return _adopt(settings, screen, Path(arguments.adopt), found, until)
    for one in found:
        screen.line()
        screen.lines(one.toml(until).rstrip().split("\n"))
    screen.line()
    screen.line(f"Nothing was changed. To adopt some: {own_command('policy suggest --adopt FILE')}", "quiet")
    return OK


def _adopt(settings: Settings, screen: Screen, path: Path, found: Sequence[Suggestion], until: date) -> int:
    """Ask a person for each rule, and for the passphrase once; then add those that they chose."""
    if not at_a_terminal():  # guard: 278-terminal
        raise CommandFailed(NO_PASSPHRASE, "Rules are adopted by a person on a terminal; there is none here.")
    chosen = []
    for one in found:
        screen.panel(one.name, one.toml(until).rstrip().split("\n"))
        if choice("Let this run without asking from now on, until then?", ("yes", "no")) == "yes":
            chosen.append(one)
    if not chosen:
        screen.line("Nothing was changed.")
        return OK
    asked = f"Passphrase, to add {count(len(chosen), 'rule')} to {path}: "
    require_passphrase(settings, asked)  # guard: 278-passphrase
    _add(path, "\n".join(one.toml(until) for one in chosen), settings)
    screen.outcome("good", f"{count(len(chosen), 'rule')} added to {path}, until the end of {until.isoformat()} (UTC).")
    if settings.policy is None or settings.policy.absolute() != path.absolute():
        screen.line(f"It is in force where MATON_MAILGUN_POLICY is {path.absolute()}.", "warn")
    else:
        screen.line("It is in force from now on.", "quiet")
    return OK


def _add(path: Path, rules: str, settings: Settings) -> None:
    """Put rules at the end of a file that is still a policy then; it changes whole or not at all."""
    draft = path.with_name(f".{path.name}.new")
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        gap = "" if not before else "\n" if before.endswith("\n") else "\n\n"
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(before + gap + rules)
        _policy(draft, settings)
        if path.exists():
            draft.chmod(path.stat().st_mode & 0o777)
        draft.replace(path)
    except OSError as problem:
        raise CommandFailed(FAILED, f"{path} cannot be written: {problem.strerror}. Nothing was changed.") from None
    finally:
        draft.unlink(missing_ok=True)


async def _past(desk: Terminal, days: float) -> _Past:
    """The writes of the last days, and how many of them are kept no more."""
    since = desk.clock() - days * _DAY
    records = [record for record in await desk.list(None, ALL) if record.created_at >= since]
    began: set[str] = set()
    removed = 0
    async for line in audit.export(desk.store):
        entry = json.loads(line)
        if entry["at"] >= since and not entry["from_state"]:
            began.add(entry["approval_id"])
        removed += entry["to_state"] == audit.REMOVED and entry["approval_id"] in began
    return _Past(records, removed)


def _policy(path: Path, settings: Settings) -> Policy:
    """The rules in a file, as they would be in force. Raises SetupError."""
    return policy_of(replace(settings, policy=path))


def _until(given: str | None) -> date:
    """The last day of a rule: it is in the future, and not so far that it is none."""
    today = datetime.now(UTC).date()
    if given is None:
        return today + timedelta(days=30)
    try:
        until = date.fromisoformat(given)
    except ValueError:
        raise CommandFailed(USAGE, "--until takes a day, such as 2027-01-31.") from None
    if not today <= until <= today + timedelta(days=_MOST_DAYS):  # guard: 278-ends
        raise CommandFailed(USAGE, f"--until must lie ahead, and within {_MOST_DAYS} days.")
    return until


def _tell_kept(screen: Screen, found: Replay, past: _Past, days: float) -> None:
    screen.line(f"{count(len(past.records), 'write')} of the last {days:g} days {_is(len(past.records))} kept here.")
    if past.removed:
        screen.line(f"{count(past.removed, 'more')} {_is(past.removed)} kept no longer: their time was over.", "warn")
    if found.unjudged:
        why = "an earlier version proposed them, or their words were removed"
        screen.line(f"{found.unjudged:,} of them cannot be judged: {why}.", "warn")
    screen.line("Calls that a rule refused are not kept.", "quiet")


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _tell(screen: Screen, found: Replay) -> None:
    screen.line()
    for decision, words in _WORDS.items():
        calls = found.of(decision)  # type: ignore[arg-type]
        answers = ", ".join(
            f"{len(those):,} {answer}"
            for answer in ("approved", "rejected", "unasked", "undecided")
            if (those := [one for one in calls if one.answer == answer])
        )
        screen.line(f"{len(calls):,} {words}{f': {answers}' if answers else ''}.")
    _list(screen, "bad", "Allowed, although a person rejected it", found.of("allow", "rejected"))
    _list(screen, "warn", "Refused, although a person approved it", found.of("deny", "approved"))
    if not found.of("allow", "rejected"):
        screen.line()
        screen.outcome("good", "Nothing that a person rejected would have run.")


def _list(screen: Screen, tone: Any, heading: str, calls: Sequence[Replayed]) -> None:
    if not calls:
        return
    screen.line()
    screen.outcome(tone, f"{heading}:")
    for one in calls[:_LISTED]:
        screen.line(f"    {one.record.id[:12]}  {headline(one.record)}  by the rule {one.rule or 'none'}")
    if len(calls) > _LISTED:
        screen.line(f"    and {len(calls) - _LISTED:,} more")


def _as_fields(found: Replay, past: _Past) -> dict[str, Any]:
    return {
        "kept": len(past.records),
        "removed": past.removed,
        "not_judged": found.unjudged,
        "calls": [
            {
                "approval_id": one.record.id,
                "at": timestamp(one.record.created_at),
                "operation": one.record.operation,
                "answer": one.answer,
                "decision": one.decision,
                "rule": one.rule,
            }
            for one in found.calls
        ],
    }

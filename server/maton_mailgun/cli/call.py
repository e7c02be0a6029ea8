"""`maton-mailgun call`: one call from the shell, through the same engine and the same gate.

A write is proposed, shown, and carried out after the passphrase. The person at the keyboard and a program that types
for an agent look alike from here; the passphrase is what only the person has.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from maton_mailgun import logs
from maton_mailgun.approval.lifecycle.decide import HELD_SECONDS, Decision, NotDecidable
from maton_mailgun.approval.store.record import Record
from maton_mailgun.call import Engine
from maton_mailgun.catalogue.arguments import check_tool
from maton_mailgun.catalogue.as_meant import as_meant
from maton_mailgun.cli.approvals import require_passphrase, taken_back
from maton_mailgun.cli.ask import at_a_terminal, choice
from maton_mailgun.cli.exit_status import FAILED, NOT_FOUND, OK, USAGE, WAITING, CommandFailed
from maton_mailgun.cli.flags import settings_of
from maton_mailgun.cli.person import approver, local_user
from maton_mailgun.cli.record_view import CALL, outcome_words, show_preview, show_state
from maton_mailgun.cli.screen import Screen
from maton_mailgun.config import Settings
from maton_mailgun.errors import CallError
from maton_mailgun.exchange import Caller, Outcome, Question, failed
from maton_mailgun.own_command import own_command
from maton_mailgun.protocol import approval_tools
from maton_mailgun.protocol.approval_schemas import REPLACE, TOOLS
from maton_mailgun.runtime import engine

if TYPE_CHECKING:
    from maton_mailgun.sandbox import Sandbox

T = TypeVar("T")
_LONGEST = 55.0
"""Seconds that `wait_seconds` may ask for: nothing cuts a call from the shell short."""
_NOT_DONE = ("rejected", "expired", "cancelled", "stale", "failed", "outcome_unknown")

_IN_SIGHT = (
    "Nothing was done: {name} stood in the command line, where every user of this machine can read it and where the "
    "shell keeps it. Choose another one, and give - instead of the JSON and the JSON on standard input."
)
_MOST_BYTES = 64 * 1024 * 1024
"""Of a file with arguments: twice what the largest message takes in base64."""


def run(arguments: argparse.Namespace) -> int:
    """Carry out one call. Returns OK only for a read that succeeded or a write that was carried out."""
    given = _given(arguments.arguments)
    hidden = arguments.arguments == "-" or arguments.arguments.startswith("@")
    # The approval page would end with this process, so the person decides here.
    settings = replace(settings_of(arguments), page=False)
    logs.configure(settings.log_level)
    sandbox = _sandbox(settings)
    caller = Caller(local_user(), CALL)
    # What a model may do about approvals: look, list, withdraw. A relayed decision is none of it: whoever starts this
    # command chooses its settings, and would allow it to themselves.
    own = {tool["name"]: tool["inputSchema"] for tool in TOOLS}  # guard: 272-relay
    if arguments.tool in own:
        return _about_approvals(settings, sandbox, arguments.tool, own[arguments.tool], given, caller)

    async def propose(engine: Engine) -> tuple[Outcome, Record | None]:
        if arguments.tool not in engine.catalogue:
            raise CommandFailed(NOT_FOUND, f"There is no tool {arguments.tool[:80]}. See: {own_command('tools')}")
        if not hidden and (shown := [name for name in engine.catalogue[arguments.tool].secret if name in given]):
            raise CommandFailed(USAGE, _IN_SIGHT.format(name=" and ".join(shown)))
        outcome = await engine.call(arguments.tool, given, caller)
        if isinstance(outcome, Question):
            raise TypeError("a caller that cannot ask was given a question")
        approval_id = outcome.content.get("approval_id")
        record = await (await engine.gate()).get(approval_id) if approval_id else None
        return outcome, record

    outcome, record = _with_engine(settings, sandbox, propose)
    if record is None or record.state != "pending":
        return _print(outcome, record)
    if not at_a_terminal():
        _print(outcome, record)
        flag = " --sandbox" if settings.sandbox else ""
        sys.stderr.write(
            f"A person decides with: {own_command(f'approvals approve {record.id}{flag}')}\n"
            "Then run the same call again to carry it out.\n"
        )
        return WAITING
    return _decide(settings, sandbox, record)


def _about_approvals(
    settings: Settings,
    sandbox: Sandbox | None,
    tool: str,
    schema: Mapping[str, Any],
    given: Mapping[str, Any],
    caller: Caller,
) -> int:
    """One of the tools about approvals, as a model would call it; of this user alone."""

    async def ask(engine: Engine) -> Outcome:
        try:
            meant = as_meant(schema, given)
            check_tool(tool, schema, meant)
            if tool == REPLACE:
                replaced = await engine.replace_waiting(meant["approval_id"], meant["arguments"], caller)
                if isinstance(replaced, Question):
                    raise TypeError("a caller that cannot ask was given a question")
                return replaced
            return await approval_tools.call(await engine.gate(), tool, meant, caller, _LONGEST)
        except CallError as error:
            return failed(error)

    outcome = _with_engine(settings, sandbox, ask)
    sys.stdout.write(json.dumps(outcome.content, indent=2) + "\n")
    status = outcome.content.get("status")
    return (
        WAITING
        if status in ("approval_required", "superseded")
        else FAILED
        if outcome.is_error or status in _NOT_DONE
        else OK
    )


def _decide(settings: Settings, sandbox: Sandbox | None, record: Record) -> int:
    screen = Screen()
    show_preview(screen, record)
    if choice("Carry out exactly this, once?", ("yes", "no")) == "no":
        withdrawn = _with_engine(settings, sandbox, lambda engine: _withdraw(engine, record))
        show_state(screen, withdrawn or record, time.time())
        return FAILED
    person = require_passphrase(settings, "Passphrase, to approve it: ")

    async def carry_out(engine: Engine) -> tuple[Outcome, Record]:
        gate = await engine.gate()
        decision = Decision(approve=True, level="operator", channel="cli", decider=approver(person), person=person)
        await gate.shown(record.id)
        try:
            decided = await gate.decide(record.id, decision)
        except NotDecidable as refused:
            raise CommandFailed(FAILED, f"Not decided: {refused.why}") from None
        if decided.state == "held":
            screen.line(f"Approved, and held for {decided.hold:.0f} s. Ctrl-C undoes it; nothing was sent yet.", "warn")
            try:
                await gate.wait(record.id, decided.hold + HELD_SECONDS, lambda now: now.state != "held")
            except asyncio.CancelledError:
                await taken_back(screen, gate.holding.undo(decided, approver(person), "cli"))
                raise
        done = await gate.run(record.id)
        return gate.told(done), done

    return _print(*_with_engine(settings, sandbox, carry_out))


async def _withdraw(engine: Engine, record: Record) -> Record | None:
    return await (await engine.gate()).cancel(record.id, record.principal)


def _sandbox(settings: Settings) -> Sandbox | None:
    if not settings.sandbox:
        return None
    from maton_mailgun.sandbox import Sandbox

    return Sandbox(api_keys=(settings.api_key or "",))


def _with_engine(settings: Settings, sandbox: Sandbox | None, work: Callable[[Engine], Awaitable[T]]) -> T:
    """Do something with an engine of its own: between two of them the person is asked, and nothing runs meanwhile."""

    async def run() -> T:
        built = engine(settings, sandbox)
        try:
            return await work(built)
        finally:
            await built.aclose()

    return asyncio.run(run())


def _print(outcome: Outcome, record: Record | None) -> int:
    """The result on standard output, where it stands on standard error; on one screen nothing is said twice."""
    if record is not None and sys.stdout.isatty() and sys.stderr.isatty():
        Screen(sys.stderr).outcome(*outcome_words(record, time.time()))
    elif record is not None:
        show_state(Screen(sys.stderr), record, time.time())
    # JSON of ASCII alone: control characters from outside are escapes in it.
    sys.stdout.write(json.dumps(outcome.content, indent=2) + "\n")
    if record is not None:
        return OK if record.state == "succeeded" else FAILED
    return FAILED if outcome.is_error or outcome.content.get("status") != "ok" else OK


def _given(text: str) -> Mapping[str, Any]:
    try:
        given = json.loads(_text(text))
    except ValueError as problem:
        what = f"{text[1:]} is" if text.startswith("@") else "The arguments are"
        raise CommandFailed(USAGE, f"{what} not JSON: {problem}") from None
    if not isinstance(given, dict):
        raise CommandFailed(
            USAGE, 'The arguments must be a JSON object, for instance \'{"domain": "mg.example.com"}\'.'
        )
    return given


def _text(given: str) -> str:
    """The JSON itself, of standard input for `-` and of a file for `@FILE`."""
    if given == "-":
        return sys.stdin.read()
    if not given.startswith("@"):
        return given
    try:
        with Path(given[1:]).expanduser().open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise CommandFailed(USAGE, f"{given[1:]} has more than {_MOST_BYTES:,} bytes.")
        return content.decode("utf-8-sig")
    except OSError as problem:
        raise CommandFailed(USAGE, f"{given[1:]} cannot be read: {problem.strerror}.") from None
    except UnicodeDecodeError:
        raise CommandFailed(USAGE, f"{given[1:]} is not UTF-8.") from None

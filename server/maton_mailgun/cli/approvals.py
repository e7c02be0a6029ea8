"""`maton-mailgun approvals`: see and decide what waits, behind the approver's passphrase.

This process never carries a write out. It records the decision; the server that proposed the write notices and acts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from maton_mailgun.approval.binding.keys import KeyFileError, load_keys
from maton_mailgun.approval.binding.seal import Unsealable
from maton_mailgun.approval.channels.passphrase import PEOPLE_FILE, TERMINAL, Passphrase, PassphraseError
from maton_mailgun.approval.channels.terminal import Terminal
from maton_mailgun.approval.lifecycle.decide import Decision, NotDecidable
from maton_mailgun.approval.lifecycle.several import said_so_far
from maton_mailgun.approval.preview.filled_message import TooLong
from maton_mailgun.approval.store.failures import StoreError
from maton_mailgun.approval.store.record import OPEN, Record
from maton_mailgun.approval.told import timestamp
from maton_mailgun.cli.ask import NoTerminal
from maton_mailgun.cli.ask import line as ask_line
from maton_mailgun.cli.ask import passphrase as ask_passphrase
from maton_mailgun.cli.copy_view import copy_fields, copy_of, has_copies, show_copy
from maton_mailgun.cli.exit_status import FAILED, NO_PASSPHRASE, NOT_FOUND, OK, USAGE, WAITING, CommandFailed
from maton_mailgun.cli.flags import settings_of
from maton_mailgun.cli.person import approver
from maton_mailgun.cli.record_view import (
    HEADINGS,
    list_lines,
    not_taken_up,
    public_fields,
    request_lines,
    row,
    show_preview,
    show_state,
)
from maton_mailgun.cli.screen import Screen
from maton_mailgun.config import Settings, state_home
from maton_mailgun.mail.text import count, short
from maton_mailgun.own_command import own_command

T = TypeVar("T")

_WAITING = frozenset({*OPEN, "unknown"})
_UNDER_WAY = ("approved", "executing")
_ID = re.compile(r"apr_[0-9a-f]{32}")
_BEGINNING = re.compile(r"apr_[0-9a-f]{4,31}")


def show_list(arguments: argparse.Namespace) -> int:
    """What waits, or everything."""
    settings, screen = settings_of(arguments), Screen()

    async def look(desk: Terminal) -> int:
        states = None if arguments.all else _WAITING
        records = await desk.list(states, limit=max(1, arguments.limit))
        now = desk.clock()
        if arguments.json:
            screen.line(json.dumps([public_fields(record) for record in records]))
            return OK
        if (found := await desk.stopped()) is not None:
            screen.line(f"All writes are stopped, by {found.by} since {timestamp(found.at)}.", "warn")
        if records and screen.fancy:
            screen.lines(list_lines(records, now, screen.width))
            screen.line(f"See one: {own_command(f'approvals show {_flag(settings)}ID')}", "quiet")
        elif records:
            screen.table(HEADINGS, [row(record, now) for record in records])
        else:
            screen.line(f"Nothing {'there' if arguments.all else 'waits'} in {state_home(settings)}.")
        return OK

    return at_desk(settings, look)


def show(arguments: argparse.Namespace) -> int:
    """Everything about one approval; a fresh secret once, after the passphrase."""
    settings, screen = settings_of(arguments), Screen()

    async def look(desk: Terminal) -> Record:
        record = await find(desk, arguments.id)
        if arguments.recipient is not None:
            _show_copy(screen, record, arguments.recipient, as_json=arguments.json)
            return record
        if arguments.json:
            screen.line(json.dumps(public_fields(record)))
            return record
        show_preview(screen, record, await _request(desk, screen, record) if arguments.all else ())
        show_state(screen, record, desk.clock())
        return record

    record = at_desk(settings, look)
    if arguments.json or arguments.recipient is not None:
        return OK
    which = f"{record.id}{' --sandbox' if settings.sandbox else ''}"
    if has_copies(record):
        command = own_command(f"approvals show {which} --recipient ADDRESS")
        screen.line(f"The message as one recipient gets it: {command}", "quiet")
    if record.state == "pending":
        screen.line(f"Decide with: {own_command(f'approvals approve {which}')}   (or reject)", "quiet")
    if "_sealed" not in (record.result or {}):
        return OK
    screen.line("It made a secret that can be shown once.", "warn")
    require_passphrase(settings, "Passphrase, to show it now: ")
    return at_desk(settings, lambda desk: _reveal(desk, screen, record))


def approve(arguments: argparse.Namespace) -> int:
    """Show one, ask for the passphrase, record the yes, and tell what came of it."""
    settings, screen = settings_of(arguments), Screen()
    approval_id = at_desk(settings, lambda desk: _ask(desk, screen, arguments.id)).id  # guard: 271-shown
    person = require_passphrase(settings, "Passphrase, to approve exactly this once: ")

    async def decide(desk: Terminal) -> int:
        record = await _decide(desk, approval_id, approve=True, person=person)
        if record.state == "pending":
            screen.outcome("good", f"Your yes is recorded: {said_so_far(record)}.")
            return WAITING
        if record.state == "held":
            record = await _held(desk, screen, record)
            if record.state != "approved":
                show_state(screen, record, desk.clock())
                return FAILED
        screen.line("Approved. Waiting for the server to carry it out …", "quiet")
        record = await desk.wait(approval_id, arguments.wait, lambda found: found.state not in _UNDER_WAY)
        show_state(screen, record, desk.clock())
        if record.state == "approved" and record.retry_at is None:
            screen.lines(not_taken_up(record), "warn")
        if record.state != "succeeded":
            return FAILED
        return await _reveal(desk, screen, record) if "_sealed" in (record.result or {}) else OK

    return at_desk(settings, decide)


def reject(arguments: argparse.Namespace) -> int:
    """Show one, ask for the passphrase, record the no."""
    settings, screen = settings_of(arguments), Screen()
    approval_id = at_desk(settings, lambda desk: _ask(desk, screen, arguments.id)).id
    person = require_passphrase(settings, "Passphrase, to reject this: ")
    reason = arguments.reason[:500] if arguments.reason else None
    at_desk(settings, lambda desk: _decide(desk, approval_id, approve=False, person=person, reason=reason))
    screen.outcome("good", "Rejected. Nothing was sent.")
    return OK


def undo(arguments: argparse.Namespace) -> int:
    """Take back a yes while it is held. It sends nothing, so it asks for nothing."""
    screen = Screen()

    async def take_back(desk: Terminal) -> int:
        try:
            await desk.undo(await find(desk, arguments.id), approver())
        except NotDecidable as refused:
            raise CommandFailed(FAILED, f"Not undone: {refused.why}") from None
        screen.outcome("good", "Undone. Nothing was sent.")
        return OK

    return at_desk(settings_of(arguments), take_back)


def stop(arguments: argparse.Namespace) -> int:
    """Close all that waits, and have every server refuse what is new. It sends nothing, so it asks for nothing."""
    screen = Screen()
    reason = arguments.reason[:500] if arguments.reason else None

    async def close(desk: Terminal) -> int:
        closed = await desk.stop(by=approver(), reason=reason)
        screen.outcome(
            "good", f"Stopped. {count(closed, 'approval was', 'approvals were')} closed; nothing new is taken."
        )
        screen.line(f"What was under way already ends by itself: {own_command('approvals list')}", "quiet")
        screen.line(f"Lift it with: {own_command('approvals resume')}", "quiet")
        return OK

    return at_desk(settings_of(arguments), close)


def resume(arguments: argparse.Namespace) -> int:
    """Lift a stop, behind the passphrase. What was closed stays closed."""
    settings, screen = settings_of(arguments), Screen()
    found = at_desk(settings, lambda desk: desk.stopped())
    if found is None:
        screen.line("Nothing is stopped.")
        return OK
    screen.line(f"All writes were stopped by {found.by} at {timestamp(found.at)}.")
    person = require_passphrase(settings, "Passphrase, to take new writes again: ")
    at_desk(settings, lambda desk: desk.go_on(by=approver(person)))
    screen.outcome("good", "Writes are asked for again. What was closed stays closed and may be proposed anew.")
    return OK


def set_passphrase(arguments: argparse.Namespace) -> int:
    """Set the passphrase, or change it by whoever knows the current one."""
    home = state_home(settings_of(arguments))
    passphrase = Passphrase(home)
    if (home / PEOPLE_FILE).exists():
        own = own_command("approvals people passphrase")
        raise CommandFailed(NO_PASSPHRASE, f"Here each person has a passphrase of their own. To change yours: {own}")
    try:
        load_keys(home)  # makes the state directory, private to this user
        current = typed("Current passphrase: ") if passphrase.is_set() else None
        new = typed("New passphrase: ")
        if typed("The same again: ") != new:
            raise CommandFailed(NO_PASSPHRASE, "The two are not the same. Nothing was changed.")
        passphrase.set(new, current=current, now=time.time())
    except (PassphraseError, KeyFileError) as problem:
        raise CommandFailed(NO_PASSPHRASE, str(problem)) from None
    Screen().outcome("good", "The approver's passphrase is set. It is needed to approve and reject in a terminal.")
    return OK


def require_passphrase(settings: Settings, prompt: str) -> str | None:
    """Let only somebody on who types the passphrase on a terminal; where people are known by name, one of them, whose
    name is returned.

    Raises:
        CommandFailed: They did not.
    """
    if at_desk(settings, lambda desk: desk.people.names()):  # guard: 314-named
        return require_person(settings, prompt)
    require_shared(settings, prompt)
    return None


def require_person(settings: Settings, prompt: str) -> str:
    """Let only a person on who types their name and their own passphrase on a terminal. Raises CommandFailed."""
    name = typed("Your name: ", hidden=False)
    given = typed(prompt)

    async def check(desk: Terminal) -> str | None:
        try:
            return await desk.people.verify(name, given, now=time.time(), who=TERMINAL)
        except PassphraseError as problem:
            raise CommandFailed(NO_PASSPHRASE, str(problem)) from None

    person = at_desk(settings, check)
    if person is None:  # guard: 314-person
        raise CommandFailed(NO_PASSPHRASE, "Nobody of this name has that passphrase. Nothing was decided.")
    return person


def require_shared(settings: Settings, prompt: str) -> None:
    """Let only somebody on who types the passphrase that is shared. Raises CommandFailed."""
    passphrase = Passphrase(state_home(settings))
    if not passphrase.is_set():
        hint = " --sandbox" if settings.sandbox else ""
        raise CommandFailed(
            NO_PASSPHRASE, f"No passphrase is set. On a terminal, run: {own_command(f'approvals passphrase{hint}')}"
        )
    given = typed(prompt)
    try:
        fits = passphrase.verify(given, now=time.time())
    except PassphraseError as problem:
        raise CommandFailed(NO_PASSPHRASE, str(problem)) from None
    if not fits:  # guard: 25-terminal
        raise CommandFailed(NO_PASSPHRASE, "That is not the passphrase. Nothing was decided.")


def typed(prompt: str, *, hidden: bool = True) -> str:
    """What a person types on a terminal. Raises CommandFailed where there is none."""
    try:
        return ask_passphrase(prompt) if hidden else ask_line(prompt)
    except NoTerminal:
        raise CommandFailed(NO_PASSPHRASE, "The passphrase is typed on a terminal; there is none here.") from None
    except EOFError:
        raise CommandFailed(NO_PASSPHRASE, "Nothing was typed.") from None


async def _ask(desk: Terminal, screen: Screen, given: str) -> Record:
    """Put a question before the person, if there still is one: what they decide is the one that they saw."""
    record = await find(desk, given)
    show_preview(screen, record)
    show_state(screen, record, desk.clock())
    if record.state != "pending":
        raise CommandFailed(FAILED, f"There is nothing to decide: it is {record.state}.")
    await desk.shown(record)
    return record


def _flag(settings: Settings) -> str:
    return "--sandbox " if settings.sandbox else ""


def _show_copy(screen: Screen, record: Record, address: str, *, as_json: bool) -> None:
    try:
        found = copy_of(record, address)
    except TooLong as problem:
        raise CommandFailed(FAILED, str(problem)) from None
    if found is None:
        raise CommandFailed(
            NOT_FOUND,
            f"No copy of this goes to {short(address, 200)}. See: {own_command(f'approvals show {record.id}')}",
        )
    if as_json:
        screen.line(json.dumps(copy_fields(found, address)))
    else:
        show_copy(screen, found, address)


async def _request(desk: Terminal, screen: Screen, record: Record) -> list[str]:
    try:
        return request_lines(screen, await desk.request(record))
    except (Unsealable, KeyError):
        return ["", "The request itself is no longer kept: it is over."]


async def _decide(
    desk: Terminal, approval_id: str, *, approve: bool, person: str | None, reason: str | None = None
) -> Record:
    record = await find(desk, approval_id)
    decision = Decision(
        approve=approve, level="operator", channel="cli", decider=approver(person), person=person, reason=reason
    )
    try:
        return await desk.decide(record, decision)
    except NotDecidable as refused:
        raise CommandFailed(FAILED, f"Not decided: {refused.why}") from None


async def _held(desk: Terminal, screen: Screen, record: Record) -> Record:
    """Hold a yes that was given here until its undo window is over. Whoever ends this command takes it back."""
    screen.line(f"Approved, and held for {record.hold:.0f} s. Ctrl-C undoes it; nothing was sent yet.", "warn")
    try:
        return await desk.wait_out(record)
    except asyncio.CancelledError:
        await taken_back(screen, desk.undo(record, approver()))
        raise


async def taken_back(screen: Screen, undo: Coroutine[Any, Any, Record]) -> None:
    """Take a held yes back as its command ends, and say whether that was in time."""
    try:
        await asyncio.shield(undo)
    except NotDecidable as late:
        shows = own_command(f"approvals show {late.record.id}")
        screen.outcome("bad", f"Not undone: {late.why} See: {shows}")
    else:
        screen.outcome("good", "Undone. Nothing was sent.")


async def _reveal(desk: Terminal, screen: Screen, record: Record) -> int:
    secrets = await desk.secret(await find(desk, record.id))
    if not secrets:
        raise CommandFailed(FAILED, "It was shown already, and is not kept.")
    for name, value in secrets.items():
        screen.line(f"{name}: {value}", "strong")
    screen.line("This is shown once and not kept. Store it now.", "warn")
    return OK


def at_desk(settings: Settings, work: Callable[[Terminal], Awaitable[T]]) -> T:
    """Do something with the approvals of these settings. What the store refuses ends the command."""

    async def run() -> T:
        desk = await Terminal.open(settings)
        try:
            return await work(desk)
        except (StoreError, Unsealable) as problem:
            raise CommandFailed(FAILED, str(problem)) from None
        finally:
            await desk.close()

    return asyncio.run(run())


async def find(desk: Terminal, given: str) -> Record:
    """The record that is meant by an id or the beginning of one. Raises CommandFailed where there is none."""
    approval_id = await _whole_id(desk, given)
    record = await desk.get(approval_id) if _ID.fullmatch(approval_id) else None
    if record is None and _ID.fullmatch(approval_id) and (gone := await desk.store.gone(approval_id)):
        raise CommandFailed(
            NOT_FOUND, f"{approval_id} is no longer kept: its time was over. It had ended as {gone.state}."
        )
    if record is None:
        raise CommandFailed(
            NOT_FOUND, f"There is no approval {approval_id[:80]} here. See: {own_command('approvals list --all')}"
        )
    return record


async def _whole_id(desk: Terminal, given: str) -> str:
    """The id that begins like this, with or without its `apr_`; `given` as it is where none does."""
    beginning = given if given.startswith("apr_") else f"apr_{given}"
    if not _BEGINNING.fullmatch(beginning):
        return beginning if _ID.fullmatch(beginning) else given
    found = await desk.beginning_with(beginning)
    if len(found) > 1:  # guard: 270-one
        some = ", ".join(one[: len(beginning) + 4] for one in found[:3])
        raise CommandFailed(USAGE, f"Several approvals begin with {beginning}: {some}. Give more of the id.")
    return found[0] if found else given

"""`maton-mailgun approvals edit`: change a proposal that waits, in an editor or by flags.

It looks at the account as the server does when a model proposes, so it needs the server's key. It carries nothing out:
the changed proposal waits for a yes of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from maton_mailgun.approval.binding.keys import load_keys
from maton_mailgun.approval.binding.seal import Unsealable
from maton_mailgun.approval.lifecycle.edit import Edits, NotChangeable
from maton_mailgun.approval.lifecycle.plain_fields import PlainField, text_of
from maton_mailgun.approval.lifecycle.services import Services
from maton_mailgun.approval.preview.document import EditedValue
from maton_mailgun.approval.preview.terminal_text import edited_lines
from maton_mailgun.approval.store.failures import StoreError
from maton_mailgun.approval.store.opening import open_store
from maton_mailgun.cli.approvals import at_desk, find, require_passphrase
from maton_mailgun.cli.ask import at_a_terminal, choice
from maton_mailgun.cli.exit_status import FAILED, OK, USAGE, CommandFailed
from maton_mailgun.cli.fields_text import NotToml, changes, toml
from maton_mailgun.cli.flags import settings_of
from maton_mailgun.cli.person import approver
from maton_mailgun.cli.record_view import show_preview, show_state
from maton_mailgun.cli.screen import Screen
from maton_mailgun.config import Settings, editor, state_home
from maton_mailgun.errors import CallError
from maton_mailgun.mail.text import short
from maton_mailgun.mail.word_diff import word_diff
from maton_mailgun.own_command import own_command
from maton_mailgun.runtime import engine

T = TypeVar("T")
_SWITCH = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
_MOST_BYTES = 4_000_000


def edit(arguments: argparse.Namespace) -> int:
    """Show what can be changed, take the changes, show them, ask for the passphrase, and have the new one wait."""
    settings, screen = replace(settings_of(arguments), page=False), Screen()
    record = at_desk(settings, lambda desk: find(desk, arguments.id))
    if not settings.has_key:
        raise CommandFailed(FAILED, "A change looks at the account: this terminal needs the server's MATON_API_KEY.")
    fields = _with_edits(settings, lambda edits: edits.fields(record.id))
    if arguments.set or arguments.unset:
        wanted = _by_flags(fields, arguments.set, arguments.unset)
    else:
        wanted = _in_editor(screen, record.id, fields)
    wanted = {name: value for name, value in wanted.items() if value != _values(fields).get(name)}
    if not wanted:
        raise CommandFailed(FAILED, "Nothing was changed.")
    screen.panel("What you change", edited_lines(_told(fields, wanted), screen.width - 4))
    require_passphrase(settings, "Passphrase, to propose it like this: ")  # guard: 298-passphrase
    new = _with_edits(settings, lambda edits: edits.edit(record.id, wanted, approver()))
    show_preview(screen, new)
    show_state(screen, new, new.created_at)
    flag = " --sandbox" if settings.sandbox else ""
    screen.outcome("good", f"It waits in the place of {record.id}. Nothing was sent.")
    screen.line(f"Decide with: {own_command(f'approvals approve {new.id}{flag}')}   (or reject)", "quiet")
    return OK


@asynccontextmanager
async def edits_of(settings: Settings) -> AsyncIterator[Edits]:
    """Changes of what waits under these settings; nothing else of a server runs here, and no approved write is taken
    up."""
    built = engine(settings)
    home = state_home(settings)
    try:
        keys = await asyncio.to_thread(load_keys, home)
        store = await open_store(settings.database_url, home, keys)
        try:
            yield Edits(Services.over(built, store, keys))
        finally:
            await store.close()
    finally:
        await built.aclose()


def _with_edits(settings: Settings, work: Callable[[Edits], Awaitable[T]]) -> T:
    async def run() -> T:
        try:
            async with edits_of(settings) as edits:
                return await work(edits)
        except NotChangeable as refused:
            raise CommandFailed(FAILED, f"Not changed: {refused.why}") from None
        except CallError as problem:
            raise CommandFailed(FAILED, f"Not changed: {problem.message}") from None
        except (StoreError, Unsealable) as problem:
            raise CommandFailed(FAILED, str(problem)) from None

    return asyncio.run(run())


def _values(fields: Sequence[PlainField]) -> Mapping[str, Any]:
    return {field.name: field.value for field in fields}


def _told(fields: Sequence[PlainField], wanted: Mapping[str, Any]) -> list[EditedValue]:
    was = _values(fields)
    return [EditedValue(name, word_diff(text_of(was.get(name)), text_of(value))) for name, value in wanted.items()]


def _by_flags(fields: Sequence[PlainField], given: Sequence[str], gone: Sequence[str]) -> dict[str, Any]:
    by_name = {field.name: field for field in fields}
    wanted: dict[str, Any] = {}
    for one in given:
        name, equals, text = one.partition("=")
        if not equals:
            raise CommandFailed(USAGE, f"--set takes FIELD=VALUE, not {short(one, 80)}.")
        wanted[name] = _typed(_known(by_name, name), text)
    return {**wanted, **{_known(by_name, name).name: None for name in gone}}


def _known(by_name: Mapping[str, PlainField], name: str) -> PlainField:
    if name not in by_name:
        raise CommandFailed(USAGE, f"{short(name, 80)} cannot be changed. These can: {', '.join(sorted(by_name))}.")
    return by_name[name]


def _typed(field: PlainField, text: str) -> Any:
    """A value of the command line as its field has it; what does not fit is refused when the call is made."""
    if field.kind == "list" and text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except ValueError as problem:
            raise CommandFailed(USAGE, f"{field.name} is no JSON list: {problem}") from None
    if field.kind == "list":
        return [text]
    if field.kind == "switch":
        return _SWITCH.get(text.casefold(), text)
    return text


def _in_editor(screen: Screen, approval_id: str, fields: Sequence[PlainField]) -> dict[str, Any]:
    """What the person made of the fields in their editor."""
    if not at_a_terminal():
        raise CommandFailed(USAGE, "An editor needs a terminal; there is none here. Use --set FIELD=VALUE.")
    head = [
        f"Change what you like of {approval_id}, save, and leave the editor. Nothing is sent by this.",
        "A value that you take out is left out. Secrets, files and what the write is about stay as they are.",
    ]
    text = toml(fields, head)
    while True:
        text = _edited(text)
        try:
            return changes(text, fields)
        except NotToml as problem:
            screen.outcome("bad", f"That is no TOML: {problem}")
            if choice("Edit it again?", ("yes", "no")) == "no":
                raise CommandFailed(FAILED, "Nothing was changed.") from None


def _edited(text: str) -> str:
    """The text after the person's editor has ended. It lies in a directory of this user's alone, and is gone then."""
    named, environment = editor()
    try:
        program, *options = shlex.split(named) or ["vi"]
    except ValueError:
        program, options = "", []
    found = shutil.which(program) if program else None
    if found is None:
        raise CommandFailed(
            FAILED, "There is no editor: set VISUAL or EDITOR to one, such as nano, or use --set FIELD=VALUE."
        )
    with tempfile.TemporaryDirectory(prefix="maton-mailgun-") as folder:
        file = Path(folder) / "proposal.toml"
        file.touch(0o600)
        file.write_text(text, encoding="utf-8")
        ended = subprocess.run(  # noqa: S603 - the person's own editor and our own file
            [found, *options, str(file)], env=environment, check=False
        ).returncode
        if ended != 0:
            raise CommandFailed(FAILED, f"The editor ended with status {ended}. Nothing was changed.")
        if file.stat().st_size > _MOST_BYTES:
            raise CommandFailed(FAILED, f"It has more than {_MOST_BYTES:,} bytes. Nothing was changed.")
        try:
            return file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise CommandFailed(FAILED, "It is not UTF-8. Nothing was changed.") from None

"""`maton-mailgun approvals receipt` and `approvals verify`: one signed file about what was decided, and its check."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from maton_mailgun import __version__
from maton_mailgun.approval.channels.terminal import Terminal
from maton_mailgun.approval.preview.document import Preview
from maton_mailgun.approval.preview.terminal_text import terminal
from maton_mailgun.approval.receipt import (
    MOST_BYTES,
    Fate,
    NotAReceipt,
    NotReady,
    final,
    message_id,
    signed,
    statement,
    verified,
)
from maton_mailgun.approval.store import audit
from maton_mailgun.approval.store.record import Record
from maton_mailgun.catalogue.rows import load as catalogue
from maton_mailgun.cli.approvals import at_desk, find
from maton_mailgun.cli.exit_status import FAILED, OK, USAGE, CommandFailed
from maton_mailgun.cli.flags import settings_of
from maton_mailgun.cli.screen import Screen
from maton_mailgun.config import Settings
from maton_mailgun.exchange import Caller, Outcome
from maton_mailgun.mail.text import count, moment, short
from maton_mailgun.own_command import own_command
from maton_mailgun.runtime import engine
from maton_mailgun.wire.columns import rows_of

_FIELDS = "time,event,severity,recipient,code,said"
_EVENTS = "delivered OR failed OR rejected"
_PAGES = 20
_MOST_NAMED = 5


def write(arguments: argparse.Namespace) -> int:
    """Write the receipt of one that has ended; never over a file that is there."""
    settings, screen = settings_of(arguments), Screen(sys.stderr)

    async def gather(desk: Terminal) -> tuple[Record, list[dict[str, Any]]]:
        record = await find(desk, arguments.id)
        verdict = await audit.verify(desk.store)
        if not verdict.ok:  # guard: 274-audit
            raise CommandFailed(FAILED, f"The audit does not hold, so nothing can be vouched for: {verdict.why}")
        entries = [json.loads(line) async for line in audit.export(desk.store)]
        return record, [entry for entry in entries if entry["approval_id"] == record.id]

    record, entries = at_desk(settings, gather)
    fate = _fate(settings, record, look=not arguments.offline)
    issued = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        said = statement(record, entries, fate, issued=issued, version=__version__)
    except NotReady as problem:
        raise CommandFailed(FAILED, str(problem)) from None

    async def sign(desk: Terminal) -> tuple[str, str]:
        return desk.sign(lambda key: signed(key, said)), desk.fingerprint

    text, fingerprint = at_desk(settings, sign)
    _put(arguments.output or f"receipt-{record.id[:12]}.json", text, screen)
    _tell_fate(screen, fate)
    screen.line(f"Signed with {fingerprint}", "quiet")
    screen.line(f"Check it anywhere: {own_command(f'approvals verify FILE --key {fingerprint}')}", "quiet")
    return OK


def check(arguments: argparse.Namespace) -> int:
    """Check a receipt, without this installation's key, store or network. FAILED where it does not hold."""
    screen = Screen()
    try:
        with Path(arguments.file).open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as problem:
        raise CommandFailed(USAGE, f"{arguments.file} cannot be read: {problem.strerror}.") from None
    try:
        said = verified(content, arguments.key)
    except NotAReceipt as problem:
        raise CommandFailed(FAILED, f"This is not vouched for. {problem}.") from None
    if arguments.json:
        screen.line(json.dumps(said))
        return OK
    title, *rest = terminal(said["shown"], screen.width - 4)
    screen.panel(title, rest, "quiet")
    screen.outcome("good", "The signature holds: nothing of this was changed since it was signed.")
    screen.lines(_about(said))
    return OK


def _fate(settings: Settings, record: Record, *, look: bool) -> Fate | None:
    """What became of the recipients of a send that was carried out; None where there is nothing to ask."""
    name = message_id(record)
    if record.access != "send" or record.state != "succeeded":
        return None
    expected = [one.address for one in Preview.of(record.preview).recipients if one.kind != "list"]
    domain = _domain(record)
    if not look:
        return Fate((), expected, "it was not asked for")
    if name is None or domain is None:
        return Fate((), expected, "the record does not name the message")
    return asyncio.run(_asked(settings, record, domain, name, expected))


async def _asked(settings: Settings, record: Record, domain: str, name: str, expected: Sequence[str]) -> Fate:
    built = engine(settings)
    caller = Caller(record.principal, "receipt")
    given = {"domain": domain, "message_id": name, "event": _EVENTS, "fields": _FIELDS, "limit": 1000}
    given |= {"connection_id": record.connection_id} if record.connection_id else {}
    rows: list[dict[str, Any]] = []
    try:
        for _ in range(_PAGES):
            outcome = await built.call("list_events", given, caller)
            if not isinstance(outcome, Outcome) or outcome.is_error:
                error = outcome.content.get("error", {}) if isinstance(outcome, Outcome) else {}
                return Fate((), expected, short(str(error.get("message", "no answer")), 300))
            rows += rows_of(outcome.content["result"])
            if "next_cursor" not in outcome.content:
                return final(rows, expected)
            given = {**given, "cursor": outcome.content["next_cursor"]}
        return Fate((), expected, "there are more events than can be read")
    finally:
        await built.aclose()


def _domain(record: Record) -> str | None:
    """The domain in the request's path, where its operation has one there."""
    operation = catalogue().get(record.operation)
    if operation is None:
        return None
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(operation.path))
    found = re.fullmatch(pattern, Preview.of(record.preview).request.path)
    return unquote(found["domain"]) if found and "domain" in found.groupdict() else None


def _put(name: str, text: str, screen: Screen) -> None:
    if name == "-":
        sys.stdout.write(text)
        return
    path = Path(name)
    try:
        # It holds addresses and a whole message: for this user alone.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(text)
    except FileExistsError:
        raise CommandFailed(USAGE, f"{path} is there already. Name another one with --output.") from None
    except OSError as problem:
        raise CommandFailed(USAGE, f"{path} cannot be written: {problem.strerror}.") from None
    screen.outcome("good", f"The receipt is in {path}.")


def _tell_fate(screen: Screen, fate: Fate | None) -> None:
    if fate is None:
        return
    if fate.unread:
        screen.outcome("warn", f"It does not say what became of the recipients: {fate.unread}.")
    elif fate.waiting:
        some = ", ".join(short(one, 100) for one in fate.waiting[:_MOST_NAMED])
        more = f" and {len(fate.waiting) - _MOST_NAMED:,} more" if len(fate.waiting) > _MOST_NAMED else ""
        screen.outcome("warn", f"No final event yet for {some}{more}. Run it again later for one that says more.")


def _about(said: Mapping[str, Any]) -> list[str]:
    """Who decided, how, and what came of it."""
    decision, outcome, fate = said["decision"], said["outcome"], said["recipients"]
    by = short(str(decision["decided_by"] or "nobody"), 200)
    when = f" at {moment(decision['decided_at'])}" if decision["decided_at"] else ""
    ended = f", {moment(outcome['finished_at'])}" if outcome["finished_at"] else ""
    rule = f", by the rule {short(str(decision['rule']), 100)}" if decision["rule"] else ""
    lines = [
        f"  Approval {said['approval']['id']}, digest {said['approval']['digest']}",
        f"  Decided by {by}{when}, channel {decision['channel'] or 'none'}{rule}",
        f"  Outcome: {outcome['state']}{ended}",
    ]
    if outcome["message_id"]:
        lines.append(f"  Message-Id: {short(str(outcome['message_id']), 300)}")
    if fate is not None:
        lines += [
            f"  {short(one['recipient'], 200)}: {one['event']} {short(str(one['at']), 40)} "
            f"{short(str(one['code']), 20)} {short(str(one['said']), 300)}".rstrip()
            for one in fate["events"]
        ]
        if missing := fate["without_final_event"]:
            why = f" ({short(str(fate['not_looked_up']), 300)})" if fate["not_looked_up"] else ""
            lines.append(f"  Without a final event: {count(len(missing), 'recipient')}{why}")
    return [*lines, f"  Issued {said['issued_at']} by maton-mailgun {said['version']}"]

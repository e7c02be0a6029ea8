"""`maton-mailgun audit`: the record of every decision, checked or exported."""

from __future__ import annotations

import argparse
import asyncio
import sys

from maton_mailgun.approval.binding.signatures import as_text
from maton_mailgun.approval.channels.terminal import Terminal
from maton_mailgun.approval.lifecycle.signed_decisions import Checked, check_all
from maton_mailgun.approval.store import audit
from maton_mailgun.approval.store.failures import StoreError
from maton_mailgun.cli.approvals import at_desk
from maton_mailgun.cli.exit_status import FAILED, OK, CommandFailed
from maton_mailgun.cli.flags import settings_of
from maton_mailgun.cli.screen import Screen
from maton_mailgun.mail.text import count


def verify(arguments: argparse.Namespace) -> int:
    """Check every entry, the end of the chain, and every stored approval against it."""

    async def check() -> tuple[audit.AuditVerdict, Checked]:
        desk = await Terminal.open(settings_of(arguments))
        try:
            verdict = await audit.verify(desk.store)
            return verdict, await check_all(desk.store) if verdict.ok else Checked(0)
        except StoreError as problem:
            raise CommandFailed(FAILED, str(problem)) from None
        finally:
            await desk.close()

    verdict, signed = asyncio.run(check())
    entries = count(verdict.entries, "entry", "entries")
    if signed.first_bad is not None:
        raise CommandFailed(FAILED, f"The signature of entry {signed.first_bad} was not found good: {signed.why}.")
    if verdict.ok:
        Screen().outcome(
            "good", f"{entries}, none edited, removed or reordered; every approval is as its last entry left it."
        )
        if signed.signatures:
            Screen().outcome("good", f"{count(signed.signatures, 'decision')} signed with a passkey, each as it says.")
        return OK
    where = f"entry {verdict.first_bad}" if verdict.first_bad is not None else "the approvals"
    raise CommandFailed(FAILED, f"The audit does not hold at {where}: {verdict.why}. {entries} before it are sound.")


def key(arguments: argparse.Namespace) -> int:
    """The name of the key that receipts are signed with, and the key itself; neither is a secret."""

    async def look(desk: Terminal) -> tuple[str, bytes]:
        return desk.fingerprint, desk.public_key

    name, public = at_desk(settings_of(arguments), look)
    screen = Screen()
    screen.line(name, "strong")
    screen.line(f"Ed25519 {as_text(public)}", "quiet")
    return OK


def export(arguments: argparse.Namespace) -> int:
    """All entries as JSON lines on standard output."""

    async def write() -> None:
        desk = await Terminal.open(settings_of(arguments))
        try:
            async for line in audit.export(desk.store):
                # JSON of ASCII alone: control characters from outside are escapes in it.
                sys.stdout.write(line + "\n")
        except StoreError as problem:
            raise CommandFailed(FAILED, str(problem)) from None
        finally:
            await desk.close()

    asyncio.run(write())
    return OK

"""`maton-mailgun approvals stop` and `resume`: the emergency stop.

To stop takes no passphrase: it sends nothing, and somebody who must stop an agent may not know it. To go on takes it.
"""

from __future__ import annotations

import argparse

from maton_mailgun.approval.channels.terminal import Terminal
from maton_mailgun.approval.store.stop import LIFT, Stop
from maton_mailgun.cli.approvals import at_desk, require_passphrase
from maton_mailgun.cli.exit_status import OK, USAGE, CommandFailed
from maton_mailgun.cli.flags import settings_of
from maton_mailgun.cli.person import approver
from maton_mailgun.cli.screen import Screen
from maton_mailgun.mail.text import count, short

_MOST_REASON = 500


def stop(arguments: argparse.Namespace) -> int:
    """Reject all that waits, and let nothing be proposed or begun until a person lifts it."""
    settings, screen = settings_of(arguments), Screen()
    reason = " ".join(arguments.reason.split())
    if len(reason) > _MOST_REASON or "@" in reason:
        raise CommandFailed(
            USAGE,
            f"The reason stays in the audit: at most {_MOST_REASON} characters, and no address. Nothing was stopped.",
        )
    standing, closed = at_desk(settings, lambda desk: desk.stop(approver(), reason))
    screen.outcome("good", f"Stopped. {short(standing.words, 900)}.")
    screen.line(
        f"{count(closed, 'approval')} that waited will not be carried out. What was being sent already was not cut."
    )
    screen.line(f"{LIFT}.", "quiet")
    return OK


def resume(arguments: argparse.Namespace) -> int:
    """Say what stands, ask for the passphrase, and lift it."""
    settings, screen = settings_of(arguments), Screen()

    async def look(desk: Terminal) -> Stop | None:
        return await desk.stopped()

    standing = at_desk(settings, look)
    if standing is None:
        screen.line("Nothing is stopped.")
        return OK
    screen.line(f"{short(standing.words, 900)}.", "warn")
    require_passphrase(settings, "Passphrase, to let writes be proposed again: ")  # guard: 104-resume
    at_desk(settings, lambda desk: desk.resume(approver()))
    screen.outcome("good", "Lifted. What was rejected stays rejected; every write is asked for anew.")
    return OK

"""`maton-mailgun approvals forget`: remove what is kept of one person."""

from __future__ import annotations

import argparse

from maton_mailgun.approval.store.record import Record
from maton_mailgun.cli.approvals import at_desk, require_passphrase
from maton_mailgun.cli.exit_status import FAILED, OK, USAGE, CommandFailed
from maton_mailgun.cli.flags import settings_of
from maton_mailgun.cli.person import approver
from maton_mailgun.cli.screen import Screen
from maton_mailgun.mail.mentions import Mentions, NoAddress
from maton_mailgun.mail.text import count
from maton_mailgun.own_command import own_command

_WHAT_TO_DO = {
    "pending": "waits for a decision: reject it, then run this again",
    "held": "is approved and can still be undone: undo it or wait, then run this again",
    "approved": "is approved: wait until it is carried out or has run out, then run this again",
    "executing": "is being carried out: run this again when it has ended",
    "unknown": "has an unknown outcome: a running server finds it out; look in Mailgun, and run this again then",
}


def forget(arguments: argparse.Namespace) -> int:
    """Find what is kept of somebody, ask for the passphrase, and remove it."""
    settings, screen = settings_of(arguments), Screen()
    try:
        mentions = Mentions.of(arguments.address)
    except NoAddress as problem:
        raise CommandFailed(USAGE, str(problem)) from None
    found = at_desk(settings, lambda desk: desk.about(mentions))
    screen.line(f"The address stands in {count(len(found.finished) + len(found.open), 'approval')} kept here.")
    _tell(screen, found.open, found.unreadable)
    left = len(found.open) + len(found.unreadable)
    if not found.finished:
        return FAILED if left else OK
    person = require_passphrase(
        settings, f"Passphrase, to remove what {count(len(found.finished), 'finished approval')} held: "
    )
    emptied, stays = at_desk(settings, lambda desk: desk.forget(found, approver(person)))
    screen.outcome("good", f"Removed from {count(len(emptied), 'approval')}: what was asked, shown and answered.")
    screen.line("Ids, digests, states and times stay, and the audit still verifies. Not looked into: backups.", "quiet")
    if stays:
        screen.line(stays, "warn")
    left += len(found.finished) - len(emptied)
    if left:
        screen.line(f"{count(left, 'approval')} could not be removed from; see above, and run this again.", "warn")
    return FAILED if left else OK


def _tell(screen: Screen, still: list[Record], unreadable: list[str]) -> None:
    for record in still:
        screen.line(f"{record.id} {_WHAT_TO_DO[record.state]}.", "warn")
    for approval_id in unreadable:
        screen.line(
            f"{approval_id} cannot be looked into: it was changed outside, or its key is lost. "
            f"See: {own_command('audit verify')}",
            "warn",
        )

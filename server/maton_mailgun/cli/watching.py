"""`maton-mailgun approvals watch`: what waits, and what becomes of it, as it happens."""

from __future__ import annotations

import argparse
import json

from maton_mailgun.approval.channels.terminal import Terminal
from maton_mailgun.cli.approvals import at_desk
from maton_mailgun.cli.exit_status import OK
from maton_mailgun.cli.flags import settings_of
from maton_mailgun.cli.record_view import list_lines, public_fields, show_state_of
from maton_mailgun.cli.screen import Screen
from maton_mailgun.own_command import own_command


def watch(arguments: argparse.Namespace) -> int:
    """Print every approval that waits, and every one that changes, until Ctrl-C, which is how this ends well."""
    settings, screen = settings_of(arguments), Screen()

    async def look(desk: Terminal) -> None:
        async for record in desk.changes():
            if arguments.json:
                screen.line(json.dumps(public_fields(record)))
            elif record.state == "pending":
                screen.lines(list_lines([record], desk.clock(), screen.width))
            else:
                show_state_of(screen, record, desk.clock())

    if not arguments.json:
        flag = " --sandbox" if settings.sandbox else ""
        decide = own_command(f"approvals approve ID{flag}")
        screen.line(f"Watching what waits. Decide in another terminal: {decide}   Ctrl-C ends this.", "quiet")
    try:
        at_desk(settings, look)
    except KeyboardInterrupt:
        screen.line()
    return OK

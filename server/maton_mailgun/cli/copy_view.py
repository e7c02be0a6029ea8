"""One recipient's copy of a message that waits, as a person reads it."""

from __future__ import annotations

from typing import Any

from maton_mailgun.approval.preview.document import Preview, ShownMessage
from maton_mailgun.approval.preview.filled_message import copies, filled
from maton_mailgun.approval.preview.terminal_text import copy_lines
from maton_mailgun.approval.store.record import Record
from maton_mailgun.cli.pager import is_longer_than_the_screen, paged
from maton_mailgun.cli.screen import Screen
from maton_mailgun.mail.text import count


def has_copies(record: Record) -> bool:
    """Whether the message is another one for each recipient."""
    return bool(copies(Preview.of(record.preview)))


def copy_of(record: Record, address: str) -> ShownMessage | None:
    """The message as it goes to an address, or None where none does.

    Raises:
        TooLong: Nobody could read it.
    """
    return filled(Preview.of(record.preview), address)


def show_copy(screen: Screen, message: ShownMessage, address: str) -> None:
    """All of it, in a pager where the screen is too small."""
    title, *rest = copy_lines(message, address, screen.width - 4)
    if is_longer_than_the_screen(rest) and paged([title, *rest]):
        rest = [f"All of it, {count(len(rest), 'line')}, was in the pager."]
    screen.panel(title, rest, "quiet")


def copy_fields(message: ShownMessage, address: str) -> dict[str, Any]:
    """The same for `--json`."""
    return {"recipient": address, "message": Preview(message=message).frozen()["message"]}

"""How a command ends: its exit status, and an end with words."""

from __future__ import annotations

OK, FAILED, USAGE, NO_PASSPHRASE, NOT_FOUND, WAITING = range(6)
EXIT_STATUSES = {
    OK: "done",
    FAILED: "it could not be done: refused, rejected, not decidable, failed, or the outcome is not known",
    USAGE: "the command, a setting or a file is wrong",
    NO_PASSPHRASE: "the passphrase is wrong, locked, not set, or there is no terminal to type it on",
    NOT_FOUND: "there is no such approval or tool",
    WAITING: "a person has to decide first, and nobody was asked here",
}
"""What every command's exit status means; 130 after Ctrl-C."""


class CommandFailed(Exception):
    """A command ends here, with this status and these words for the person."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status

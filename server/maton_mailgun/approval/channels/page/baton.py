"""What a process hands on of its page to the one that goes on with it: the page, and every tab that shows it, stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Opened = Literal["link", "passphrase"]
"""How the browser got in: by a one-time link, or the person signs in with the approver's passphrase."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baton:
    """A page without its sockets. It holds what signs in: for a pipe between our own processes, and nothing else."""

    host: str
    folder: str
    """Where its files are served."""
    sessions: Mapping[str, Any]
    """See `Sessions.packed`."""
    files: Mapping[str, str]
    """The files that lead to links which were not used yet: digest of the token -> path."""
    opened: Mapping[str, Opened]
    """What was opened in a browser, by approval."""

"""Who calls, where no token says it."""

from __future__ import annotations

import getpass


def user_name() -> str:
    """The name of the user this process runs as."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "user"


def local_user() -> str:
    """The principal of calls over stdio and from this machine's terminal: identical calls meet in one approval."""
    return f"local:{user_name()}"

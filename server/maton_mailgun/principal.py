"""Who calls: the user of this machine, or whom a token names."""

from __future__ import annotations

import getpass
from functools import cache


def user_name() -> str:
    """The name of the user this process runs as."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "user"


def of_subject(issuer: str, subject: str) -> str:
    """The principal of a person whom an authorization server names: a subject is one person only with its issuer."""
    return f"oauth:{issuer}#{subject}"


@cache
def local_user() -> str:
    """The principal of calls over stdio and from this machine's terminal: identical calls meet in one approval."""
    return f"local:{user_name()}"

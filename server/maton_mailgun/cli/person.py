"""Who sits at this terminal, as approvals and the audit name them."""

from __future__ import annotations

import getpass
import re


def local_user() -> str:
    """The principal of calls made here: the same as over stdio, so that identical calls meet in one approval."""
    return f"local:{_name()}"


def approver() -> str:
    """The name a decision at this terminal is recorded under."""
    return f"{re.sub(r'[^A-Za-z0-9._-]', '_', _name())[:40]} at a terminal"


def _name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "user"

"""Who sits at this terminal, as approvals and the audit name them."""

from __future__ import annotations

import re

from maton_mailgun.principal import local_user, user_name

__all__ = ["approver", "local_user"]


def approver(person: str | None = None) -> str:
    """The name a decision at this terminal is recorded under.

    Args:
        person: Who signed in here, where people are known by name.
    """
    if person is not None:
        return f"{person}, by passphrase at a terminal"
    return f"{re.sub(r'[^A-Za-z0-9._-]', '_', user_name())[:40]} at a terminal"

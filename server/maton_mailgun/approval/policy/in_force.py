"""The policy in force, from the settings: read anew whenever it matters, so that a tightened rule counts at once."""

from __future__ import annotations

from maton_mailgun.approval.policy.judge import Policy
from maton_mailgun.approval.store.record import Level
from maton_mailgun.catalogue.rows import load
from maton_mailgun.config import Settings
from maton_mailgun.errors import Refused, SetupError


def policy_of(settings: Settings) -> Policy:
    """The operator's policy; without a file, every write is asked at the level of the settings.

    Raises:
        SetupError: The file cannot be read or is broken; names the line and the reason.
    """
    level: Level = "operator" if settings.approval == "operator" else "client"
    if settings.policy is None:
        return Policy(level=level)
    from maton_mailgun.approval.policy.file import PolicyError, load_policy

    try:
        return load_policy(settings.policy, tools=tuple(load()), level=level)
    except PolicyError as problem:
        raise SetupError(str(problem)) from None


def policy_now(settings: Settings) -> Policy:
    """The policy for a call that is being made.

    Raises:
        Refused: The file cannot be used (any more).
    """
    try:
        return policy_of(settings)
    except SetupError as problem:
        raise Refused(message=f"The policy cannot be used: {problem}", next="Tell the user; nothing was sent") from None

"""The policy in force, from the settings: read anew whenever it matters, so that a tightened rule counts at once."""

from __future__ import annotations

from ..catalogue import load
from ..config import Settings
from ..errors import Refused, SetupError
from .policy import Policy
from .record import Level


def policy_of(settings: Settings) -> Policy:
    """The operator's policy; without a file, every write is asked at the level of the settings.

    Raises:
        SetupError: The file cannot be read or is broken; names the line and the reason.
    """
    level: Level = "operator" if settings.approval == "operator" else "client"
    if settings.policy is None:
        return Policy(level=level)
    from .rules import PolicyError, load_policy

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

"""The policy in force, from the settings: read anew whenever it matters, so that a tightened rule counts at once."""

from __future__ import annotations

from ..catalogue import load
from ..config import Settings
from ..errors import SetupError
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

"""Flags to settings."""

from __future__ import annotations

import argparse

from maton_mailgun.config import Settings, load
from maton_mailgun.setting_values import number_of_workers


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The settings of a command; of its flags, those it has beat the environment."""
    toolsets, given = getattr(arguments, "toolsets", None), getattr(arguments, "workers", None)
    return load(
        sandbox=getattr(arguments, "sandbox", None),
        read_only=getattr(arguments, "read_only", None),
        discovery=getattr(arguments, "discovery", None),
        workers=number_of_workers("--workers", given) if given is not None else None,
        toolsets=tuple(part.strip() for part in toolsets.split(",") if part.strip()) if toolsets else None,
    )

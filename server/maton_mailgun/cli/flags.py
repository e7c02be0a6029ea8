"""Flags to settings."""

from __future__ import annotations

import argparse

from maton_mailgun.config import Settings, load


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The settings of a command; of its flags, those it has beat the environment."""
    toolsets = getattr(arguments, "toolsets", None)
    return load(
        sandbox=getattr(arguments, "sandbox", None),
        read_only=getattr(arguments, "read_only", None),
        discovery=getattr(arguments, "discovery", None),
        toolsets=tuple(part.strip() for part in toolsets.split(",") if part.strip()) if toolsets else None,
    )

"""The command line: parses, then imports only what the command needs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from ..errors import MailgunServerError

USAGE, FAILED = 2, 1
"""Exit statuses: 2 for a call or setting that is wrong, 1 for a command that could not do its work, 0 otherwise."""


def run(argv: Sequence[str]) -> int:
    """Run one command. Returns the exit status."""
    from .parser import build

    parser = build()
    if not argv and sys.stdin.isatty():
        # A person typed the bare name: waiting for protocol messages would look like hanging.
        sys.stderr.write(parser.format_help())
        return USAGE
    arguments = parser.parse_args(list(argv) or ["serve"])
    module, function = arguments.run.split(":")
    try:
        status: int = getattr(import_module(f".{module}", __package__), function)(arguments)
    except MailgunServerError as problem:
        sys.stderr.write(f"maton-mailgun: {problem}\n")
        return USAGE
    except KeyboardInterrupt:
        return 130
    return status

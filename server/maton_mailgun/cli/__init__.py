"""The command line: one module per command, named after it; the only code that prints.

May import everything; nothing imports it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from maton_mailgun.cli.exit_status import FAILED, USAGE, CommandFailed
from maton_mailgun.errors import MailgunServerError
from maton_mailgun.front.begun import Begun


def run(argv: Sequence[str], begun: Begun | None = None) -> int:
    """Run one command. Returns the exit status.

    Args:
        argv: The arguments.
        begun: The conversation that `serve` goes on with, where one has begun.
    """
    from maton_mailgun.cli.parser import build

    parser = build()
    if not argv and sys.stdin.isatty():
        # A person typed the bare name: waiting for protocol messages would look like hanging.
        sys.stderr.write(parser.format_help())
        return USAGE
    arguments = parser.parse_args(list(argv) or ["serve"])
    arguments.begun = begun
    module, function = arguments.run.split(":")
    try:
        status: int = getattr(import_module(f".{module}", __package__), function)(arguments)
    except MailgunServerError as problem:
        sys.stderr.write(f"maton-mailgun: {_safe(str(problem))}\n")
        return USAGE
    except CommandFailed as end:
        sys.stderr.write(f"maton-mailgun: {_safe(str(end))}\n")
        return end.status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone (`| head`); the interpreter must not complain about it while it ends.
        sys.stderr.close()
        return FAILED
    return status


def _safe(text: str) -> str:
    from maton_mailgun.mail.text import safe_block

    return safe_block(text)

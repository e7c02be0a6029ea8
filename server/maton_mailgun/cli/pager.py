"""What is longer than the screen goes through the person's pager, where there is one: plain lines, nothing else."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence

from maton_mailgun.config import pager


def is_longer_than_the_screen(lines: Sequence[str]) -> bool:
    """Whether a person at a terminal would not see all of it at once."""
    at_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    return at_terminal and len(lines) > shutil.get_terminal_size().lines - 4


def paged(lines: Sequence[str]) -> bool:
    """Show `lines` in a pager until the person leaves it. False where there is none: then they are to be printed."""
    named, environment = pager()
    try:
        program, *options = shlex.split(named) or ["less"]
    except ValueError:
        return False
    found = shutil.which(program) if sys.platform != "win32" else None
    if found is None:
        return False
    text = "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
    try:
        left = subprocess.run(  # noqa: S603 - the person's own pager and our own lines
            [found, *options], input=text, env=environment, check=False
        )
    except OSError:
        return False
    return left.returncode == 0

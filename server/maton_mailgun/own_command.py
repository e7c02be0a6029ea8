"""How this very installation is called from a shell here: what is printed to a person must run as it is printed."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from functools import cache
from pathlib import Path

NAME = "maton-mailgun"


def own_command(arguments: str = "") -> str:
    """The command with its arguments, ready to be pasted: the bare name where the PATH leads to this installation, else
    the full path of its script, else this Python with the module."""
    return f"{_program()} {arguments}".rstrip()


@cache
def _program() -> str:
    # uvx and pipx link to the script from elsewhere, and a virtual environment's `python` is a link too: the script is
    # beside the name that Python was started by, and it is the same file whatever leads to it.
    script = Path(sys.executable).parent / (f"{NAME}.exe" if os.name == "nt" else NAME)
    found = shutil.which(NAME)
    if found is not None and (not script.exists() or os.path.samefile(found, script)):
        return NAME
    words = [str(script)] if script.exists() else [sys.executable, "-P", "-m", "maton_mailgun"]
    return " ".join(f'"{word}"' if " " in word else word for word in words) if os.name == "nt" else shlex.join(words)

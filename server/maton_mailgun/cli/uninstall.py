"""`maton-mailgun uninstall HOST`: our entry out of an assistant's configuration, and no trace of it."""

from __future__ import annotations

import argparse
import sys

from maton_mailgun.cli.exit_status import FAILED, OK, CommandFailed
from maton_mailgun.cli.install import agreed, place, show, titled
from maton_mailgun.cli.screen import Screen
from maton_mailgun.config import load
from maton_mailgun.hosts.host_file import HostFileRefused, make, uninstalling
from maton_mailgun.hosts.known import BY_NAME


def run(arguments: argparse.Namespace) -> int:
    """Show what goes, ask, and take it out; the file is then what it was."""
    host, name, home, screen = BY_NAME[arguments.host], arguments.name, load().home, Screen(sys.stderr)
    usual, scope = place(arguments, host)
    path = usual.resolve()
    try:
        change = uninstalling(host, name, path, home)
        if change.nothing:
            screen.outcome("good", f"{path} has no server named {name}.")
            return OK
        show(screen, host, name, change)
        agreed(arguments, "Take it out?")
        make(change, name, home, host)
    except HostFileRefused as problem:
        raise CommandFailed(FAILED, str(problem)) from None
    gone = f"{path} is gone, as it was made for it" if change.after is None else f"{name} is out of {path}"
    screen.outcome("good", f"{titled(host, scope)}: {gone}. Restart the host: what it has started goes on until then.")
    return OK

"""`maton-mailgun install HOST`: our entry in an assistant's configuration.

What will change is shown first, without any secret, and asked for. Nothing but our entry changes; the file as it was is
kept in the state directory. What was written is proved: started as the host would start it, and asked for its tools.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import maton_mailgun
from maton_mailgun.cli.ask import choice
from maton_mailgun.cli.exit_status import FAILED, OK, USAGE, WAITING, CommandFailed
from maton_mailgun.cli.screen import Screen, Tone
from maton_mailgun.config import load
from maton_mailgun.hosts import toml_text
from maton_mailgun.hosts.entry import HostEntry, as_text, masked, secrets
from maton_mailgun.hosts.host_file import FileChange, HostFileRefused, installing, key_there, make
from maton_mailgun.hosts.known import BY_NAME, KEY, Host, Scope, Surroundings, here
from maton_mailgun.hosts.proving import proved
from maton_mailgun.hosts.versioned import working_tree
from maton_mailgun.mail.text import count


def run(arguments: argparse.Namespace) -> int:
    """Print the configuration, or with --write put it into the host's file and prove it."""
    host, entry = BY_NAME[arguments.host], _entry(arguments)
    path, scope = place(arguments, host)
    screen = Screen(sys.stderr)
    if arguments.write:
        # A configuration that is a link into somebody's dotfiles stays one.
        return _write(screen, host, entry, path.resolve(), scope, arguments)
    screen.line(f"{titled(host, scope)}: {path}", "strong")
    sys.stdout.write(as_text(host, entry))
    if entry.needs_key and entry.key is None and not host.asks:
        screen.line(f"The key itself is not in it: {_source_of_key(host)}.", "quiet")
    return OK


def _write(
    screen: Screen, host: Host, entry: HostEntry, path: Path, scope: Scope, arguments: argparse.Namespace
) -> int:
    home = load().home
    try:
        entry = _with_a_key_that_works(host, entry, path)
        change = installing(host, entry, path)
        if change.nothing:
            screen.outcome("good", f"{path} has it already.")
        else:
            show(screen, host, entry.name, change)
            agreed(arguments, "Write it?")
            kept = make(change, entry.name, home, host)
            if kept is not None:
                screen.line(f"The file as it was: {kept}", "quiet")
            screen.outcome("good", f"{titled(host, scope)}: {entry.name} is in {path}.")
    except HostFileRefused as problem:
        raise CommandFailed(FAILED, str(problem)) from None
    if arguments.no_start or change.gets is None:
        screen.line(host.then(scope, key=entry.needs_key))
        return OK
    return _prove(screen, host, change.gets, scope, here())


def _with_a_key_that_works(host: Host, entry: HostEntry, path: Path) -> HostEntry:
    """The entry, with the key that stands in the file already where it needs one and may stay there."""
    if not entry.needs_key or (entry.key is None and host.supplies_key):
        return entry
    tree = working_tree(path)
    had = key_there(host, entry.name, path) if entry.key is None else None
    if tree is not None and (entry.key or had):  # guard: 241-versioned
        raise CommandFailed(
            FAILED,
            f"{path} is under version control, in {tree}: the key would be committed with it, and that the file is "
            f"ignored today is no protection. Nothing was changed. {_way_without_key(host)}",
        )
    if entry.key is None and had is None:  # guard: 245-keyless
        raise CommandFailed(
            FAILED,
            f"{host.title} starts servers without your shell's variables and cannot refer to them: without a key in it "
            f"the entry would not work. Nothing was changed. To have one, {host.without_key}; --sandbox needs none.",
        )
    return replace(entry, key=entry.key or had)


def _prove(screen: Screen, host: Host, entry: Mapping[str, Any], scope: Scope, at: Surroundings) -> int:
    screen.line("Starting it as the host would …", "quiet")
    proof = proved(host, entry, at)
    if proof.tools is None:
        screen.outcome("bad", "It does not start:")
        screen.lines(masked(proof.why, secrets(entry)).splitlines())
        return FAILED
    screen.outcome("good", f"It starts and lists {count(proof.tools, 'tool')}.")
    if not proof.key and "--sandbox" not in entry["args"] and not host.asks:
        screen.outcome("warn", f"{KEY} is not set here: {_source_of_key(host)}.")
    screen.line(host.then(scope, key="--sandbox" not in entry["args"]))
    return OK


def show(screen: Screen, host: Host, name: str, change: FileChange) -> None:
    """Our entry before and after, line by line. No other line of the file is shown: it may hold somebody's secret."""
    hidden = secrets(change.had) | secrets(change.gets)  # guard: 246-masked
    before, after = (masked(_drawn(host, name, entry), hidden) for entry in (change.had, change.gets))
    screen.line(f"{change.path}: nothing else in it changes.", "strong")
    for line in difflib.ndiff(before.splitlines(), after.splitlines()):
        tones: dict[str, Tone] = {"+": "good", "-": "bad"}
        if not line.startswith("?"):
            screen.line(line.rstrip(), tones.get(line[0], "plain"))
    if hidden & secrets(change.gets) != secrets(change.had) and before == after:
        screen.line("What stands for ••• is another one.", "quiet")


def _drawn(host: Host, name: str, entry: Mapping[str, Any] | None) -> str:
    if entry is None:
        return ""
    if host.form == "toml":
        return toml_text.table((host.servers, name), entry)
    return f"{json.dumps(name)}: {json.dumps(entry, indent=2, ensure_ascii=False)}"


def agreed(arguments: argparse.Namespace, question: str) -> None:
    """Go on only with the person's yes: typed here, or given with the command."""
    if arguments.yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise CommandFailed(
            WAITING, "Nothing was changed: there is no terminal to ask on. --yes says yes to what is shown."
        )
    sys.stdout.flush()
    if choice(question, ("yes", "no")) != "yes":
        raise CommandFailed(FAILED, "Nothing was changed.")


def place(arguments: argparse.Namespace, host: Host) -> tuple[Path, Scope]:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", arguments.name):
        raise CommandFailed(USAGE, "--name takes letters, digits, - and _.")
    scope: Scope = arguments.scope or next(iter(host.places))
    if scope not in host.places:
        raise CommandFailed(USAGE, f"{host.title} keeps servers for the {next(iter(host.places))} alone.")
    return (Path(arguments.path).expanduser() if arguments.path else host.places[scope](here())), scope


def titled(host: Host, scope: Scope) -> str:
    return f"{host.title}, this project" if scope == "project" else host.title


def _entry(arguments: argparse.Namespace) -> HostEntry:
    started = (_uvx(BY_NAME[arguments.host]), "maton-mailgun") if arguments.uvx else _this_installation()
    command, *args = (*started, "serve", "--sandbox") if arguments.sandbox else started
    key = load().api_key if arguments.with_key else None
    if arguments.with_key and key is None:
        raise CommandFailed(USAGE, f"--with-key writes the value of {KEY}, which is not set.")
    return HostEntry(
        arguments.name, command, tuple(args), None if arguments.sandbox else key, needs_key=not arguments.sandbox
    )


def _uvx(host: Host) -> str:
    """The program that fetches and starts us; its full path where the host looks for programs where no shell does.

    Never one of the folder that the command was given in, which may be somebody else's.
    """
    folders = [folder for folder in here().environ.get("PATH", "").split(os.pathsep) if host.full_path and folder]
    folders = [folder for folder in folders if os.path.isabs(folder)]  # guard: 350-not-here
    found = shutil.which("uvx", path=os.pathsep.join(folders)) if folders else None
    # Windows looks in the working directory first, whatever the path says.
    return found if found is not None and os.path.dirname(found) in folders else "uvx"


def _this_installation() -> tuple[str, ...]:
    """The command for this very installation. Hosts start it in folders of other people, whose modules must not be run.

    Isolated, Python looks neither in the working directory nor where PYTHON* variables lead it, and so finds no
    `sitecustomize` of that folder, which would run before any check of ours. Where we are found only with such a
    variable or among the user's packages, which isolation leaves out as well, the working directory alone is left out,
    and `search_path` refuses the rest.
    """
    at = "import maton_mailgun; print(maton_mailgun.__file__)"
    seen = subprocess.run(  # noqa: S603 - our own interpreter and our own line
        [sys.executable, "-I", "-c", at],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    isolated = seen.returncode == 0 and seen.stdout.strip() == maton_mailgun.__file__
    return (sys.executable, "-I" if isolated else "-P", "-m", "maton_mailgun")


def _source_of_key(host: Host) -> str:
    if host.supplies_key:
        return f"it must be set where {host.title} runs"
    return f"{host.title} cannot supply one; {host.without_key}"


def _way_without_key(host: Host) -> str:
    if host.asks:
        return f"Leave out --with-key: {host.title} asks for the key once and keeps it."
    if host.supplies_key:
        return f"Leave out --with-key: the entry then takes it from {KEY} where the host runs."
    return "Keep the host's file elsewhere, or name another with --path."

"""`maton-mailgun install HOST`: the configuration an assistant needs, printed or added to its file.

A file is only ever added to: other servers stay, an entry of the same name is not replaced, what cannot be read for
certain is not touched, and the file as it was is kept beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import maton_mailgun

from ..config import load
from . import FAILED, OK, USAGE, CommandFailed
from .hosts import BY_NAME, KEY, Entry, Host, as_text, document, server, toml_table
from .screen import Screen


def run(arguments: argparse.Namespace) -> int:
    """Print the configuration, or with --write add it to the host's file."""
    host, entry = BY_NAME[arguments.host], _entry(arguments)
    path = Path(arguments.path).expanduser() if arguments.path else host.path()
    screen = Screen(sys.stderr)
    if not arguments.write:
        screen.line(f"{host.title}: {path}", "strong")
        sys.stdout.write(as_text(host, entry))
    else:
        _write(screen, host, entry, path)
    if host.note and entry.key is None and entry.needs_key:
        screen.line(host.note, "quiet")
    if entry.needs_key and entry.key is None and not host.asks:
        screen.line(f"The key itself is not in it: {KEY} must be set where the host runs.", "quiet")
    return OK


def _entry(arguments: argparse.Namespace) -> Entry:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", arguments.name):
        raise CommandFailed(USAGE, "--name takes letters, digits, - and _.")
    started = ("uvx", "maton-mailgun") if arguments.uvx else _this_installation()
    command, *args = (*started, "serve", "--sandbox") if arguments.sandbox else started
    key = load().api_key if arguments.with_key else None
    if arguments.with_key and key is None:
        raise CommandFailed(USAGE, f"--with-key writes the value of {KEY}, which is not set.")
    return Entry(arguments.name, command, tuple(args), key, needs_key=not arguments.sandbox)


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


def _write(screen: Screen, host: Host, entry: Entry, path: Path) -> None:
    # A configuration that is a link into somebody's dotfiles stays one.
    path = path.resolve()
    try:
        before = path.read_text(encoding="utf-8-sig") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as problem:
        raise CommandFailed(FAILED, f"{path} cannot be read: {problem}. Nothing was changed.") from None
    existing = _parsed(host, before, path)
    there = _servers(host, existing, path).get(entry.name)
    if there == server(host, entry):
        screen.outcome("good", f"{path} has it already.")
        return
    if there is not None:
        raise CommandFailed(
            FAILED, f"{path} has a server named {entry.name} already. Remove it there, or choose another with --name."
        )
    after = _appended(host, entry, before, existing, path)
    _replace(path, after, screen)
    screen.outcome("good", f"{host.title}: {entry.name} is in {path}. Restart the host to load it.")


def _parsed(host: Host, text: str, path: Path) -> dict[str, Any]:
    """What the file says. One that is not certain to be understood is refused: writing it anew would lose something."""
    if not text.strip():
        return {}
    try:
        found = tomllib.loads(text) if host.form == "toml" else json.loads(text, object_pairs_hook=_unique)
    except ValueError as problem:
        kind = "TOML" if host.form == "toml" else "JSON (comments are not JSON)"
        raise CommandFailed(
            FAILED,
            f"{path} is not {kind}: {problem}. Nothing was changed. Without --write the entry is printed, to be added "
            "by hand.",
        ) from None
    if not isinstance(found, dict):
        raise CommandFailed(FAILED, f"{path} holds no object. Nothing was changed.")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice")
    return made


def _servers(host: Host, existing: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    servers = existing.get(host.servers, {})
    if not isinstance(servers, dict) or not isinstance(existing.get("inputs", []), list):
        raise CommandFailed(FAILED, f"{host.servers} in {path} is not what the host documents. Nothing was changed.")
    return servers


def _appended(host: Host, entry: Entry, before: str, existing: Mapping[str, Any], path: Path) -> str:
    if host.form == "json":
        return json.dumps(document(host, entry, existing), indent=2, ensure_ascii=False) + "\n"
    gap = "" if not before.strip() else "\n" if before.endswith("\n") else "\n\n"
    after = before + gap + toml_table(host, entry)
    try:
        understood = tomllib.loads(after) == document(host, entry, existing)
    except tomllib.TOMLDecodeError:
        understood = False
    if not understood:
        raise CommandFailed(
            FAILED, f"{path} is written so that nothing can be added at its end. Nothing was changed; add it by hand."
        )
    return after


def _replace(path: Path, after: str, screen: Screen) -> None:
    """Keep the old file, then put the new one in its place whole, as private as it was."""
    draft = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(after)
        if path.exists():
            kept = path.with_name(f"{path.name}.{datetime.now(UTC):%Y%m%d-%H%M%S}.bak")
            shutil.copy2(path, kept)
            shutil.copymode(path, draft)
            screen.line(f"The file as it was: {kept}", "quiet")
        os.replace(draft, path)
    except OSError as problem:
        raise CommandFailed(FAILED, f"{path} cannot be written: {problem.strerror}. Nothing was changed.") from None
    finally:
        draft.unlink(missing_ok=True)

"""`maton-mailgun install HOST`: the configuration an assistant needs, printed or added to its file.

A file is only ever added to: other servers stay, an entry of the same name is not replaced, what cannot be read for
certain is not touched, and the file as it was is kept: beside it, or in the state directory where version control would
take it from there.
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
from maton_mailgun.cli.exit_status import FAILED, OK, USAGE, CommandFailed
from maton_mailgun.cli.hosts import BY_NAME, KEY, Host, HostEntry, as_text, document, server, toml_table
from maton_mailgun.cli.screen import Screen
from maton_mailgun.config import load

_VERSIONED = (".git", ".hg", ".jj", ".svn", ".bzr", "_darcs", ".pijul", ".fslckout", "_FOSSIL_", "CVS")
"""What the root of a working tree holds: git's is a folder, or a file in a linked worktree or a submodule."""


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


def _entry(arguments: argparse.Namespace) -> HostEntry:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", arguments.name):
        raise CommandFailed(USAGE, "--name takes letters, digits, - and _.")
    started = ("uvx", "maton-mailgun") if arguments.uvx else _this_installation()
    command, *args = (*started, "serve", "--sandbox") if arguments.sandbox else started
    key = load().api_key if arguments.with_key else None
    if arguments.with_key and key is None:
        raise CommandFailed(USAGE, f"--with-key writes the value of {KEY}, which is not set.")
    return HostEntry(arguments.name, command, tuple(args), key, needs_key=not arguments.sandbox)


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


def _write(screen: Screen, host: Host, entry: HostEntry, path: Path) -> None:
    # A configuration that is a link into somebody's dotfiles stays one.
    path = path.resolve()
    tree = _working_tree(path)
    if tree is not None and entry.key is not None:
        raise CommandFailed(
            FAILED,
            f"{path} is under version control, in {tree}: the key would be committed with it, and that the file is "
            f"ignored today is no protection. Nothing was changed. {_way_without_key(host)}",
        )
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
    _replace(path, after, screen, private=entry.key is not None, kept_in=load().home / "kept" if tree else None)
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


def _appended(host: Host, entry: HostEntry, before: str, existing: Mapping[str, Any], path: Path) -> str:
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


def _working_tree(path: Path) -> Path | None:
    """The version-controlled folder that a file lies in. No program is asked: git runs what a repository configures."""
    return next((folder for folder in path.parents if any(os.path.lexists(folder / name) for name in _VERSIONED)), None)


def _way_without_key(host: Host) -> str:
    if host.asks:
        return f"Leave out --with-key: {host.note}"
    if host.reference is not None or host.passes_on:
        return f"Leave out --with-key: the entry then takes it from {KEY} where the host runs."
    return "Keep the host's file elsewhere, or name another with --path."


def _replace(path: Path, after: str, screen: Screen, *, private: bool, kept_in: Path | None) -> None:
    """Keep the old file, then put the new one in its place whole: `private`, or else as it was."""
    draft = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(after)
        if path.exists():
            screen.line(f"The file as it was: {_keep(path, kept_in)}", "quiet")
            if not private:
                shutil.copymode(path, draft)
        os.replace(draft, path)
    except OSError as problem:
        raise CommandFailed(FAILED, f"{path} cannot be written: {problem.strerror}. Nothing was changed.") from None
    finally:
        draft.unlink(missing_ok=True)


def _keep(path: Path, folder: Path | None) -> Path:
    """Copy a file beside itself, or for us alone into `folder`: it may hold the keys of other servers."""
    name = f"{path.name}.{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.bak"
    if folder is None:
        return Path(shutil.copy2(path, path.with_name(name)))
    for made in (folder.parent, folder):
        made.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(path.read_bytes())
    return folder / name

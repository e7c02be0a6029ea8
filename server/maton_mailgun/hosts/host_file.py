"""One change to a host's file: planned, shown, made whole, remembered, and undone so that nothing of it is left.

What is remembered lies in the state directory: the file as it was before there was an entry of ours in it, and the hash
of what was written. While the file is what was written, undoing puts back the very bytes, or takes the file away again.
Has somebody changed it since, our entry alone is taken out of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from maton_mailgun.hosts.configuration import HostDocument
from maton_mailgun.hosts.edits import NotEditable
from maton_mailgun.hosts.entry import HostEntry, ours, server, updated
from maton_mailgun.hosts.known import KEY, Host
from maton_mailgun.setting_values import unfilled


class HostFileRefused(Exception):
    """The file is left as it is; says why, for a person."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """What would become of a host's file."""

    path: Path
    before: bytes | None
    """None where there is no file."""
    after: bytes | None
    """None where the file goes."""
    had: Mapping[str, Any] | None
    """Our entry before."""
    gets: Mapping[str, Any] | None
    """Our entry afterwards."""

    @property
    def nothing(self) -> bool:
        """Whether it is so already."""
        return self.before == self.after


@dataclass(frozen=True, slots=True)
class _Memory:
    """What is remembered of an installation."""

    path: str
    name: str
    after: str
    """SHA-256 of the file as it was written."""
    original: str | None
    """Where the file without our entry is kept; None where there was no file."""
    mode: int | None = None
    """What it may be read by, before."""
    folders: list[str] = field(default_factory=list)
    """Folders that were made for it, outermost first."""
    kept: list[str] = field(default_factory=list)
    """Every copy that was kept."""


def installing(host: Host, entry: HostEntry, path: Path) -> FileChange:
    """The change that adds our entry to a file, or brings it up to date.

    Raises:
        HostFileRefused: The file cannot be changed for certain, or holds another server of this name.
    """
    before = _bytes(path)
    document = _document(host, path, before)
    had = document.servers.get(entry.name)
    if had is None:
        gets = server(host, entry)
    elif not ours(had):  # guard: 243-ours
        raise HostFileRefused(
            f"{path} has a server named {entry.name} that starts something else. Nothing was changed. Remove it there, "
            "or choose another name with --name."
        )
    else:
        gets = updated(host, entry, had)
    try:
        after = before if had == gets and before else document.with_entry(entry.name, gets)
    except NotEditable as problem:
        raise _by_hand(path, problem) from None
    return FileChange(path, before, after, had, gets)


def key_there(host: Host, name: str, path: Path) -> str | None:
    """The key that stands in our entry of a file already; None where there is none that can be read."""
    try:
        had = _document(host, path, _bytes(path)).servers.get(name)
    except HostFileRefused:
        return None
    value = dict(had.get("env") or {}).get(KEY) if had is not None and ours(had) else None
    return value if isinstance(value, str) and value and unfilled(value) is None else None


def uninstalling(host: Host, name: str, path: Path, home: Path) -> FileChange:
    """The change that undoes an installation.

    Raises:
        HostFileRefused: As `installing`.
    """
    before = _bytes(path)
    document = _document(host, path, before)
    had = document.servers.get(name)
    if had is None or before is None:
        return FileChange(path, before, before, None, None)
    if not ours(had):
        raise HostFileRefused(
            f"{path} has a server named {name} that starts something else: it is not ours to remove. Nothing was "
            "changed."
        )
    memory = _remembered(home, path, name)
    if memory is not None and memory.after == _hash(before):
        return FileChange(path, before, _original(home, memory), had, None)
    try:
        return FileChange(path, before, _without(host, document, name, home, memory), had, None)
    except NotEditable as problem:
        raise _by_hand(path, problem) from None


def make(change: FileChange, name: str, home: Path, host: Host) -> Path | None:
    """Write what was shown, if the file is still what it was. Returns where the file as it was is kept.

    Raises:
        HostFileRefused: It is another one by now, or cannot be written; nothing was changed.
    """
    path = change.path
    if _bytes(path) != change.before:  # guard: 244-as-shown
        raise HostFileRefused(f"{path} was changed meanwhile. Nothing was written. Run it again.")
    try:
        memory = _before_writing(change, name, home, host) if change.gets is not None else None
        if memory is not None:
            memory = replace(memory, folders=[*memory.folders, *_folders(path)])
        _write(change, _remembered(home, path, name))
        if memory is not None:
            _remember(home, memory)
        else:
            _forget(home, path, name)
    except OSError as problem:
        raise HostFileRefused(f"{path} cannot be written: {problem.strerror}. Nothing was changed.") from None
    return home / "kept" / memory.kept[-1] if memory is not None and memory.kept and change.before is not None else None


def _before_writing(change: FileChange, name: str, home: Path, host: Host) -> _Memory:
    """Keep the file as it is, and what undoing will need."""
    path = change.path
    old = _remembered(home, path, name)
    kept = [] if change.before is None else [_keep(home, path, change.before)]
    made = _Memory(str(path), name, _hash(change.after or b""), kept[0] if kept else None, kept=kept)
    if change.before is None:
        return made
    mode = stat.S_IMODE(path.stat().st_mode)
    if change.had is None:
        return replace(made, mode=mode)
    if old is not None and old.after == _hash(change.before):
        return replace(old, after=made.after, kept=[*old.kept, *kept])
    older = old or _Memory(str(path), name, "", None)
    try:
        bare = _without(host, HostDocument.of(host, change.before), name, home, old)
    except NotEditable:
        bare = change.before
    original = None if bare is None else _keep(home, path, bare)
    return replace(
        made, original=original, mode=older.mode or mode, folders=older.folders,
        kept=[*older.kept, *([original] if original else []), *kept],
    )  # fmt: skip


def _without(host: Host, document: HostDocument, name: str, home: Path, memory: _Memory | None) -> bytes | None:
    """A file that others have changed since, without our entry and without what was made to hold it."""
    if memory is None:
        return document.without_entry(name)
    original = _original(home, memory)
    try:
        said = {} if original is None else HostDocument.of(host, original).said
    except NotEditable:
        said = {host.servers: {}, "inputs": []}
    bare = document.without_entry(name, servers_too=host.servers not in said, inputs_too="inputs" not in said)
    # A file that we made and nobody has put anything into goes; a comment in it would be somebody's.
    return None if original is None and not b"".join(bare.split()).strip(b"{}") else bare


def _write(change: FileChange, memory: _Memory | None) -> None:
    path = change.path
    if change.after is None:
        path.unlink()
        for folder in reversed(memory.folders if memory is not None else []):
            with suppress(OSError):
                Path(folder).rmdir()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    private = change.gets is not None and _has_key(change.gets)
    mode = 0o600 if private or change.before is None else stat.S_IMODE(path.stat().st_mode)
    if change.gets is None and memory is not None and memory.mode is not None:
        mode = memory.mode
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(change.after)
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(mode)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _has_key(entry: Mapping[str, Any]) -> bool:
    value = str(dict(entry.get("env") or {}).get(KEY, ""))
    return bool(value) and unfilled(value) is None


def _folders(path: Path) -> list[str]:
    """Folders on the way to a file that have to be made, outermost first."""
    return [str(folder) for folder in reversed(path.parents) if not folder.exists()]


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise HostFileRefused(f"{path} cannot be read: {problem.strerror}. Nothing was changed.") from None


def _document(host: Host, path: Path, raw: bytes | None) -> HostDocument:
    try:
        return HostDocument.of(host, raw or b"")
    except NotEditable as problem:
        raise _by_hand(path, problem) from None


def _by_hand(path: Path, problem: NotEditable) -> HostFileRefused:
    return HostFileRefused(
        f"{path} is {problem}. Nothing was changed. Without --write the entry is printed, to be added by hand."
    )


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _place(home: Path, path: Path, name: str) -> Path:
    return home / "kept" / f"{_hash(f'{name}:{path}'.encode(errors='surrogateescape'))[:32]}.json"


def _remembered(home: Path, path: Path, name: str) -> _Memory | None:
    try:
        found = _Memory(**json.loads(_place(home, path, name).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return found if (found.path, found.name) == (str(path), name) else None


def _original(home: Path, memory: _Memory) -> bytes | None:
    return None if memory.original is None else (home / "kept" / memory.original).read_bytes()


def _keep(home: Path, path: Path, content: bytes) -> str:
    """Keep what a file holds, for us alone: it may hold the keys of other servers."""
    name = f"{path.name}.{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.bak"
    _private(home, name, content)
    return name


def _remember(home: Path, memory: _Memory) -> None:
    place = _place(home, Path(memory.path), memory.name)
    place.unlink(missing_ok=True)
    _private(home, place.name, json.dumps(asdict(memory)).encode())


def _private(home: Path, name: str, content: bytes) -> None:
    for made in (home, home / "kept"):
        made.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(home / "kept" / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _forget(home: Path, path: Path, name: str) -> None:
    memory = _remembered(home, path, name)
    for kept in {*memory.kept, memory.original or ""} - {""} if memory is not None else ():
        (home / "kept" / kept).unlink(missing_ok=True)
    _place(home, path, name).unlink(missing_ok=True)
    with suppress(OSError):
        (home / "kept").rmdir()

"""Files a message may carry: only regular files under the one directory the operator allowed.

Each path is walked component by component without following links, so neither a link nor a directory swapped in the
middle can lead outside. A file is read once into memory; what was hashed is what is sent.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import mimetypes
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from maton_mailgun.catalogue import steering_headers
from maton_mailgun.catalogue.operation import FILE_CODECS, Operation
from maton_mailgun.errors import Problem
from maton_mailgun.wire.request import FilePart

_FILE_NAME = re.compile(r"[^\s./\\:][^/\\:]{0,99}(?<![\s.])")
"""Of a file that has no place on a disk: no folder, no hidden one, nothing that Windows cuts off."""
_BREAKS = re.compile(r"\r?\n")
"""Programs that make base64 break its lines."""
MAX_BYTES = 25_000_000
"""Mailgun's limit for a whole message (its published limits: 25 MB)."""
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_DIRECTORY = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0) | _NOFOLLOW  # guard: 28-directory-link
_FILE = _NOFOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)  # guard: 28-file-link


class FileRefused(Exception):
    """A file that is not sent; says what was wrong and what would be right."""

    def __init__(self, wrong: str, right: str) -> None:
        super().__init__(f"{wrong}. {right}")
        self.wrong, self.right = wrong, right


def named(operation: Operation, arguments: Mapping[str, Any]) -> bool:
    """Whether the arguments name a file, or hold one: only then is there anything to collect."""
    return operation.message_of is not None or any(
        codec in FILE_CODECS and name in arguments for name, codec in operation.encode.items()
    )


def collect(
    operation: Operation, arguments: Mapping[str, Any], allowed: Path | None
) -> tuple[tuple[FilePart, ...], list[Problem]]:
    """Open and hash every file the arguments name.

    Returns:
        The parts in argument order, with content, and a problem for each file that is refused.
    """
    parts: list[FilePart] = []
    problems: list[Problem] = []
    if operation.message_of is not None:
        from maton_mailgun.wire.composing import message

        made, problems = message(operation, arguments)
        if made is not None:
            parts.append(made)
            problems += _unclear("", made, operation, arguments)
    for name, codec in operation.encode.items():
        if name not in arguments:
            continue
        value = arguments[name]
        if codec == "mime":
            ready = _mime(operation.wire.get(name, name), value)
            parts.append(ready)
            problems += _unclear(name, ready, operation, arguments)  # guard: 41-text
        if codec in ("text_files", "base64_files"):
            given, wrong = _given_files(name, operation.wire.get(name, name), value, _BYTES_OF[codec])
            parts += given
            problems += wrong
        if codec != "file":
            continue
        for index, path in enumerate(value if isinstance(value, list) else [value]):
            where = f"{name}[{index}]" if isinstance(value, list) else name
            try:
                opened = part(operation.wire.get(name, name), path, allowed)
            except FileRefused as refused:
                problems.append(Problem(where, refused.wrong, refused.right))
                continue
            parts.append(opened)
            if operation.addresses.get(name) == "mime":  # guard: 41-file
                problems += _unclear(where, opened, operation, arguments)
    problems += _one_name(parts)
    if sum(item.size for item in parts) > MAX_BYTES:
        problems.append(Problem("", "the files together are larger than 25 MB", "Send fewer or smaller files"))
    return tuple(parts), problems


def _one_name(parts: Sequence[FilePart]) -> Iterator[Problem]:
    """The name of an inline file is its Content-ID, and there is one of each (RFC 2045, 7): of two pictures, a program
    draws the first and another the last; of two that differ in case, one that folds it draws the wrong one."""
    names = [item.filename.casefold() for item in parts if item.field == "inline"]
    if len(set(names)) < len(names):  # guard: 134-one-name
        yield Problem("inline", "has two files of one name", "Give each a name of its own, not in letter case alone")


def _unclear(where: str, message: FilePart, operation: Operation, arguments: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with a ready message: read as it goes on the wire, in a thread, because it can be large."""
    from maton_mailgun.mail.mime import examine, refusals

    content = message.content or b""
    added = next((name for name, wire in operation.wire.items() if wire == "h:*"), "")
    given = arguments.get(added)
    others = [(str(name), str(text)) for name, text in given.items()] if isinstance(given, dict) else []
    found = [Problem(where, wrong, right) for wrong, right in refusals(content)]
    return [*found, *steering_headers.problems(operation, arguments, where, examine(content).headers, others)]


def _mime(field: str, text: str) -> FilePart:
    """A part made of MIME text the caller gave: Mailgun takes it only as a file, with CRLF line ends (recorded)."""
    content = re.sub(r"\r\n|\r|\n", "\r\n", text).encode()
    digest = hashlib.sha256(content).hexdigest()
    return FilePart(field, "message.eml", "message/rfc822", len(content), digest, None, content)


def _of_text(text: str) -> bytes:
    return text.encode("utf-8")


def _of_base64(text: str) -> bytes:
    """The bytes that base64 stands for, in the one spelling that each has: with another, decoders do not agree.

    Raises:
        FileRefused: It is none.
    """
    packed = _BREAKS.sub("", text)
    try:
        content = base64.b64decode(packed, validate=True)
    except ValueError:
        content = b""
    if not content or base64.b64encode(content).decode() != packed:  # guard: 228-exact
        raise FileRefused(
            "is no base64 of a file", "Give the whole file in base64 (RFC 4648, 4), with nothing before it"
        )
    return content


_BYTES_OF: Mapping[str, Callable[[str], bytes]] = {"text_files": _of_text, "base64_files": _of_base64}


def _given_files(
    name: str, field: str, texts: Mapping[str, str], bytes_of: Callable[[str], bytes]
) -> tuple[list[FilePart], list[Problem]]:
    """Files that the caller gave, by name: they have no other home than the call."""
    parts: list[FilePart] = []
    problems: list[Problem] = []
    for filename, text in texts.items():
        try:
            _hold_given_name(filename)
            content = bytes_of(text)
        except FileRefused as refused:
            shown = ascii(filename[:60])[1:-1]
            problems.append(Problem(f"{name}.{shown}", refused.wrong, refused.right))
            continue
        digest = hashlib.sha256(content).hexdigest()
        parts.append(FilePart(field, filename, _kind(filename), len(content), digest, None, content))
    return parts, problems


def _hold_given_name(filename: str) -> None:
    """Refuse what is no name of a file alone.

    Raises:
        FileRefused: That.
    """
    _hold_name(filename)
    if not _FILE_NAME.fullmatch(filename):  # guard: 219-file-name
        raise FileRefused("is no name of a file", "Give a name alone, such as notes.txt, without a folder")


def _kind(filename: str) -> str:
    return mimetypes.guess_type(filename)[0] or "application/octet-stream"


def part(field: str, path: str, allowed: Path | None) -> FilePart:
    """Open, read and hash one file.

    Raises:
        FileRefused: No directory is allowed, the path leads outside it, or it is no regular file.
    """
    content = content_of(path, allowed)
    filename = Path(path).name
    _hold_name(filename)
    digest = hashlib.sha256(content).hexdigest()
    return FilePart(field, filename, _kind(filename), len(content), digest, path, content)


def _hold_name(filename: str) -> None:
    """Refuse a name that readers see as another one.

    Raises:
        FileRefused: That.
    """
    from maton_mailgun.mail.mime_values import holds_words

    if holds_words(filename):  # guard: 79-file
        raise FileRefused(
            "has an encoded word as its name, which readers see decoded",
            "Name the file as it reads; its name is encoded on its way",
        )
    if '"' in filename or not filename.isprintable():  # guard: 151-name
        raise FileRefused(
            "has a quotation mark or a control character in its name, which arrives as another one",
            "Name the file with letters and digits, blanks, dots and dashes",
        )


def reopen(stored: FilePart, allowed: Path | None) -> FilePart:
    """Read a file again before it is sent and hold it to what was approved.

    Raises:
        FileRefused: It cannot be read any more, or its content is not the approved one.
    """
    if stored.content is not None or stored.path is None:
        return stored
    fresh = part(stored.field, stored.path, allowed)
    if fresh.sha256 != stored.sha256:  # guard: 28-hash
        raise FileRefused(
            f"{stored.filename} changed after it was approved", "Propose the message again with the file as it is now"
        )
    return replace(stored, content=fresh.content)


def content_of(path: str, allowed: Path | None) -> bytes:
    """All of one file.

    Raises:
        FileRefused: As `part`.
    """
    if allowed is None:
        raise FileRefused(
            "no directory for attachments is set here",
            "The operator sets MATON_MAILGUN_ATTACHMENTS to the one directory files may be sent from",
        )
    base = allowed.expanduser().absolute()
    parts = _parts(path, base)
    try:
        handle = _walk(base, parts)
    except OSError as problem:
        raise FileRefused(_why(problem), f"Name an existing file under {base}") from None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):  # guard: 28-regular
            raise FileRefused("is not a regular file", f"Name an ordinary file under {base}")
        if status.st_size > MAX_BYTES:
            raise FileRefused("is larger than 25 MB", "Send a smaller file, or a link to it")
        return _all(handle)
    finally:
        os.close(handle)


def _all(handle: int) -> bytes:
    """Everything in the file, never more than the limit: it may grow while it is read."""
    chunks: list[bytes] = []
    total = 0
    while chunk := os.read(handle, 1 << 20):
        total += len(chunk)
        if total > MAX_BYTES:
            raise FileRefused("is larger than 25 MB", "Send a smaller file, or a link to it")
        chunks.append(chunk)
    return b"".join(chunks)


def _parts(path: str, base: Path) -> tuple[str, ...]:
    if not path or any(ord(character) < 32 or ord(character) == 127 for character in path):
        raise FileRefused("is empty or has control characters", f"Name a file under {base}")
    given = Path(path)
    try:
        relative = given.relative_to(base) if given.is_absolute() else given
    except ValueError:
        raise FileRefused("is outside the allowed directory", f"Name a file under {base}") from None
    if (
        ".." in relative.parts  # guard: 28-upwards
        or not relative.parts
    ):
        raise FileRefused("leads outside the allowed directory", f"Name a file under {base}, without '..'")
    return relative.parts


def _walk(base: Path, parts: tuple[str, ...]) -> int:
    if os.open not in os.supports_dir_fd:
        return os.open(_inside(base, parts), os.O_RDONLY | getattr(os, "O_BINARY", 0))
    # The operator's own directory may be reached through links; nothing below it may.
    directory = os.open(base, os.O_RDONLY | (_DIRECTORY & ~getattr(os, "O_NOFOLLOW", 0)))
    try:
        for name in parts[:-1]:
            below = os.open(name, os.O_RDONLY | _DIRECTORY, dir_fd=directory)
            os.close(directory)
            directory = below
        return os.open(parts[-1], os.O_RDONLY | _FILE, dir_fd=directory)
    finally:
        os.close(directory)


def _inside(base: Path, parts: tuple[str, ...]) -> Path:
    real_base = base.resolve()
    real = real_base.joinpath(*parts).resolve()
    if not real.is_relative_to(real_base):
        raise FileRefused("leads outside the allowed directory", f"Name a file under {base}")
    return real


def _why(problem: OSError) -> str:
    match problem.errno:
        case errno.ENOENT:
            return "does not exist"
        case errno.ELOOP:
            return "is or goes through a symbolic link"
        case errno.ENOTDIR:
            return "goes through a symbolic link or something that is no directory"
        case errno.EACCES | errno.EPERM:
            return "may not be read by this server"
        case _:
            return "cannot be opened"

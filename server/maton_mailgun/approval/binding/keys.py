"""The two keys of an installation, in one file of the state directory.

`seal` protects stored requests, rows and the audit chain; `state` protects the question state that clients carry.
They are independent, so that one can be replaced without the other. Replicas on one database share the file.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from maton_mailgun.ownership import Untrusted, trusted_bytes, why_untrusted

KEY_FILE = "keys.json"
_SIZE = 32


class KeyFileError(Exception):
    """The key file or its directory cannot be used; the text says what would be right."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Two independent 256-bit keys. Never shown: the representation leaves them out."""

    seal: bytes = field(repr=False)
    state: bytes = field(repr=False)


def load_keys(home: Path) -> Keys:
    """The keys of the installation at `home`, made on first use.

    Processes that start together agree on one pair. A lost file means a new pair: what the old one sealed stays
    closed. Raises KeyFileError for a damaged file, one that others on the machine can read, and a directory or file
    that somebody else can change.
    """
    _private_directory(home)
    path = home / KEY_FILE
    if not path.exists():  # guard: 36-keys
        _create(path)
    return _read(path)


def _private_directory(home: Path) -> None:
    try:
        # Each of them private, as the XDG base directory specification wants it: a umask of 0 would open them to all.
        for above in (*(path for path in reversed(home.absolute().parents) if not path.exists()), home):
            above.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise KeyFileError(f"The state directory {home} cannot be used: {error.strerror}.") from error
    why = why_untrusted(home)
    if why is not None:
        raise KeyFileError(f"The state directory is not taken: {why}")


def _create(path: Path) -> None:
    """Put a complete key file in place, or leave the one that another process put there first."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    text = json.dumps({"seal": secrets.token_hex(_SIZE), "state": secrets.token_hex(_SIZE)}) + "\n"
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            # A link, like a rename on Windows, fails where the name exists: nobody ever reads half a file, and
            # nobody's key is overwritten.
            with contextlib.suppress(FileExistsError):
                (os.link if os.name == "posix" else os.rename)(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise KeyFileError(
            f"The key file {path} cannot be written: {error.strerror}. The state directory must be writable."
        ) from error


def _read(path: Path) -> Keys:
    try:
        content = json.loads(trusted_bytes(path, private=True))
    except Untrusted as error:
        raise KeyFileError(f"The key file is not taken: {error}") from error
    except OSError as error:
        raise KeyFileError(f"The key file {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise _damaged(path) from error
    try:
        keys = Keys(bytes.fromhex(content["seal"]), bytes.fromhex(content["state"]))
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path) from error
    if len(keys.seal) != _SIZE or len(keys.state) != _SIZE:
        raise _damaged(path)
    return keys


def _damaged(path: Path) -> KeyFileError:
    return KeyFileError(
        f"The key file {path} is damaged. Restore it from a backup; or delete it and start anew: open approvals are "
        "then closed, and the audit so far can no longer be vouched for."
    )

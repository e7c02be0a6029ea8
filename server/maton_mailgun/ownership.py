"""Whether a file is ours alone to change: what decides about writes must not be in somebody else's hand.

The rule is the one of OpenSSH's StrictModes. The file, and every directory from the root down to it, belongs to this
user or to root, and nobody else can write to it. A directory that others can write to is taken where its sticky bit
is set, as for /tmp: the system then lets nobody but its owner replace a name. A link counts as one more place to
look at: whose link it is, where it lies, and the whole way to where it leads.

The way is walked from the root. Once a directory is known to be ours, nobody else can change what is in it, so what
was looked at is what is opened; the opened file itself is looked at once more and then read.

Group-writable is refused for the file and for the directory it lies in, as OpenSSH does: one command puts that right.
Directories further up are often the system's doing: where umask is 002, every user has a group of their own and
`~/.local` is 0775. These are taken if the group is this user's own, with the same name and nobody else in it, and no
access list stands behind it (as Debian's OpenSSH does).

An access list (setfacl) that lets somebody else write shows in the mode: the group's bits are then the mask of the
list. On macOS it does not show, nor do NFSv4 lists. On Windows there is no mode to look at: the user's profile, where
the state directory is, is closed to others by its access list.
"""

from __future__ import annotations

import errno
import os
import shlex
import stat
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path

MOST = 1 << 20
"""Bytes read of one file; ours have a few thousand."""
_MAX_LINKS = 40  # as many as Linux follows
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_OTHERS_AT_ALL = stat.S_IRWXG | stat.S_IRWXO
_OPEN = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    # A pipe that nobody writes to would wait for ever.
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_KINDS = {stat.S_IFDIR: "a directory", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFLNK: "a link"}


class Untrusted(Exception):
    """Somebody else could decide what is there; the text names the place, what is wrong and the command that mends it.

    Also raised for what is no file or too large to be one of ours.
    """


def why_untrusted(path: Path, *, private: bool = False) -> str | None:
    """Why others could change a file or directory, with the command that mends it; None where nobody else can.

    A name that does not exist is judged by the directories above it.

    Args:
        path: A file or directory; links are followed.
        private: Whether nobody else may read it either.
    """
    if sys.platform == "win32":
        return None
    try:
        place = _located(path)
        if place.status is not None:
            _hold(path, place.status, crowded=place.crowded, private=private)
    except Untrusted as problem:
        return str(problem)
    except OSError as problem:
        return f"{path} cannot be looked at: {problem.strerror}."
    return None


def trusted_bytes(path: Path, *, most: int = MOST, private: bool = False) -> bytes:
    """The content of a file that nobody else can change.

    Args:
        path: The file; links are followed.
        most: Bytes it may have.
        private: Whether nobody else may read it either.

    Raises:
        Untrusted: Somebody else can, or it is no regular file, or too large.
        OSError: It cannot be read.
    """
    place = _Place(str(path), None, crowded=False) if sys.platform == "win32" else _located(path)
    if place.status is not None:
        # Before it is opened: opening alone has effects on some devices.
        _hold_regular(path, place.status)
    with os.fdopen(os.open(place.at, _OPEN), "rb") as file:
        status = os.fstat(file.fileno())
        _hold_regular(path, status)
        if sys.platform != "win32":
            _hold(path, status, crowded=place.crowded, private=private)
        content = file.read(most + 1)
    if len(content) > most:
        raise Untrusted(f"{path} is larger than {most} bytes, so it is not the file that belongs there.")
    return content


def trusted_text(path: Path, *, most: int = MOST, private: bool = False) -> str:
    """The content as UTF-8 text; see `trusted_bytes`. Raises UnicodeDecodeError as well."""
    return trusted_bytes(path, most=most, private=private).decode("utf-8")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a path ends."""

    at: str
    """Without links."""
    status: os.stat_result | None
    """None where nothing is there."""
    crowded: bool
    """Whether others can put names of their own beside it."""


def _located(path: Path) -> _Place:
    """Walk the way to a path, and hold every step to the rule. Raises Untrusted, OSError."""
    ahead = deque(path.absolute().parts[1:])
    at, status, crowded, links = "/", os.lstat("/"), False, 0
    while ahead:
        name = ahead.popleft()
        _hold_directory(at, status, nearest=not ahead)
        crowded = bool(status.st_mode & _OTHERS_WRITE)
        below = os.path.dirname(at) if name == ".." else os.path.join(at, name)
        try:
            found = os.lstat(below)
        except FileNotFoundError:
            return _Place(below, None, crowded)
        if not stat.S_ISLNK(found.st_mode):
            at, status = below, found
            continue
        links += 1
        if links > _MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
        _hold_link(below, found)
        target = Path(os.readlink(below))
        if target.is_absolute():
            at, status = "/", os.lstat("/")
        ahead.extendleft(reversed(target.parts[1:] if target.is_absolute() else target.parts))
    return _Place(at, status, crowded)


def _hold_directory(at: str, status: os.stat_result, *, nearest: bool) -> None:
    """A directory on the way: nobody else may be able to put something else in the place of what is in it."""
    if not _ours(status):  # guard: 44-way-owner
        raise Untrusted(
            f"{at} belongs to {_name(status.st_uid)}, who can put anything in the place of what is in it. Use a "
            f"directory of yours; or look at what it holds, then run: {_command('chown', _me(), at, root=True)}"
        )
    mode = status.st_mode
    closed = not mode & _OTHERS_WRITE  # guard: 44-way-mode
    if closed or mode & stat.S_ISVTX:
        return
    if not nearest and not mode & stat.S_IWOTH and _own_group(at, status):
        return
    raise Untrusted(
        f"{at} can be written by other users (mode {stat.S_IMODE(mode):04o}), who can put anything in the place of "
        f"what is in it. Look at what it holds, then run: {_command('chmod', 'go-w', at, owner=status.st_uid)}"
    )


def _hold_link(at: str, status: os.stat_result) -> None:
    if not _ours(status):  # guard: 44-link
        raise Untrusted(
            f"The link {at} belongs to {_name(status.st_uid)}, who chose where it leads. Look where that is, then run: "
            f"{_command('chown -h', _me(), at, root=True)}"
        )


def _hold(path: Path, status: os.stat_result, *, crowded: bool, private: bool) -> None:
    """The file or directory itself."""
    mode, folder = status.st_mode, stat.S_ISDIR(status.st_mode)
    if not _ours(status):  # guard: 44-owner
        raise Untrusted(
            f"{path} belongs to {_name(status.st_uid)}, who can change it at any time. Look at what it holds, then "
            f"run: {_command('chown', _me(), path, root=True)}"
        )
    if private and mode & _OTHERS_AT_ALL:
        raise Untrusted(
            f"{path} can be used by other users (mode {stat.S_IMODE(mode):04o}). Run: "
            f"{_command('chmod', '700' if folder else '600', path, owner=status.st_uid)} (and replace it if somebody "
            "may have read it)."
        )
    if mode & _OTHERS_WRITE:  # guard: 44-mode
        raise Untrusted(
            f"{path} can be written by other users (mode {stat.S_IMODE(mode):04o}). Look at what it holds, then run: "
            f"{_command('chmod', '700' if folder else 'go-w', path, owner=status.st_uid)}"
        )
    if crowded and not folder and status.st_nlink > 1:
        # The name may be somebody else's, for a file of ours that was never meant to be found there.
        raise Untrusted(
            f"{path} has {status.st_nlink} names (hard links) and lies in a directory where others can make names. "
            f"Look at what it holds, then keep it elsewhere, such as: {_command('mv', path, '~/')}"
        )


def _hold_regular(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "a device")
        raise Untrusted(f"{path} is no file but {kind}. Name a file.")


def _ours(status: os.stat_result) -> bool:
    return status.st_uid in (os.geteuid(), 0)


def _own_group(at: str, status: os.stat_result) -> bool:
    """Whether the directory's group is this user's alone, and its group bits mean that group."""
    import grp
    import pwd

    try:
        me, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(status.st_gid)
    except KeyError:
        return False
    alone = me.pw_gid == status.st_gid and group.gr_name == me.pw_name and set(group.gr_mem) <= {me.pw_name}
    if not alone or any(other.pw_gid == me.pw_gid and other.pw_uid != me.pw_uid for other in pwd.getpwall()):
        return False
    try:
        return sys.platform != "linux" or "system.posix_acl_access" not in os.listxattr(at)
    except OSError as problem:
        return problem.errno == errno.ENOTSUP


def _me() -> str:
    return _name(os.geteuid())


def _name(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _command(command: str, *words: str | Path, root: bool = False, owner: int | None = None) -> str:
    """A command to copy: by the administrator where only they can do it."""
    sudo = os.geteuid() != 0 and (root or (owner is not None and owner != os.geteuid()))
    quoted = " ".join(word if word == "~/" else shlex.quote(str(word)) for word in words)
    return f"{'sudo ' if sudo else ''}{command} {quoted}"

"""How a one-time link gets to the browser: in a file that only this user can read.

A command line is no place for it: every user of a machine can read the command lines of all (proc(5)), and the
browser's stands there before it has loaded anything. So the browser is given the address of a small file, whose name is
no secret, and the file leads on to the link. It is gone as soon as the link was used, and with the link's life.

The directory is a visible one in the user's home because browsers that a snap or a flatpak confines see neither hidden
directories nor /tmp. Whether nobody else can see it or put something in its place is checked each time, on the
opened directory and not on its name, as sshd does for keys (StrictModes).
"""

from __future__ import annotations

import contextlib
import html
import os
import re
import secrets
import stat
import threading
import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from maton_mailgun.approval.channels.page.sessions import TOKEN_SECONDS

_OWN_DIRECTORY = 0o700  # guard: 42-private.directory
_OWN_FILE = 0o600  # guard: 42-private.file
_OTHERS = 0o077  # guard: 42-private.others
_HOMELESS = "This user has no home directory, or HOME names none."
_NAME = re.compile(r"open-approvals-[0-9a-f]{16}\.html")
_DOCUMENT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'">
<meta http-equiv="refresh" content="0; url={link}">
<title>Mailgun approvals</title>
</head>
<body>
<h1>Mailgun approvals</h1>
<p>The approval page opens now. If nothing happens, click here:
<a href="{link}" rel="noreferrer">open the approval page</a>. It works once, within {minutes:.0f} minutes.</p>
<p>Where the browser says that it does not find that address:
<a href="{elsewhere}" rel="noreferrer">open it at 127.0.0.1</a>.</p>
</body>
</html>
"""


class NotPrivate(Exception):
    """There is no place for the file that is this user's alone; the text says why and what would be right."""


class Handover:
    """The files of one page.

    Args:
        directory: Where they lie, in the user's home; made when it is first needed. None: there is no such place.
        life: Seconds after which one that is still there is a left-over.
    """

    def __init__(self, directory: Path | None, *, life: float = TOKEN_SECONDS) -> None:
        self.life = life
        self._directory = directory
        self._lying: set[Path] = set()
        self._used = False
        self._closed = False
        self._writing = threading.Lock()

    def place(self) -> Path:
        """The path of the next file, once it is certain that the directory is this user's alone.

        Raises:
            NotPrivate: It is not.
        """
        if self._directory is None:
            raise NotPrivate(_HOMELESS)
        try:
            with _private(self._directory, make=True):
                return self._directory / f"open-approvals-{secrets.token_hex(8)}.html"
        except OSError as problem:
            raise NotPrivate(f"{self._directory} cannot be used: {problem.strerror}.") from None

    def put(self, path: Path, link: str, elsewhere: str) -> None:
        """Write the file that leads to `link`, and names the same link by another host for whoever comes back to it.

        Raises:
            NotPrivate: The directory is not private any more, or the page is closing.
        """
        text = _DOCUMENT.format(link=html.escape(link), elsewhere=html.escape(elsewhere), minutes=self.life / 60)
        try:
            with self._writing, _private(path.parent, make=True) as directory:
                if self._closed:
                    raise NotPrivate("The approval page is closing.")
                self._lying.add(path)
                self._used = True
                with os.fdopen(_create(path, directory), "w", encoding="ascii") as file:
                    file.write(text)
        except OSError as problem:
            self.remove(path)
            raise NotPrivate(f"{path} cannot be written: {problem.strerror}.") from None

    def remove(self, path: Path) -> None:
        """Delete a file, if it is still there."""
        self._lying.discard(path)
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Delete what processes left that were killed: nothing else ends the life of their files."""
        if self._directory is None:
            return
        with contextlib.suppress(NotPrivate, OSError), _private(self._directory, make=False):
            for entry in os.scandir(self._directory):
                # Either way: a clock that was set back must not make a file immortal.
                age = abs(time.time() - entry.stat(follow_symlinks=False).st_mtime)
                if _NAME.fullmatch(entry.name) and age > self.life:
                    self.remove(Path(entry))

    def hand_on(self) -> list[Path]:
        """Leave what lies there to another process, and write nothing more. Returns the files."""
        with self._writing:
            self._closed = True
            lying, self._lying, self._used = list(self._lying), set(), False
            return lying

    def take_over(self, paths: Iterable[Path]) -> None:
        """Answer for files that another process wrote."""
        self._lying.update(paths)
        self._used = True

    def close(self) -> None:
        """Delete all of this page's files, and the directory if no other server's are in it."""
        with self._writing:
            self._closed = True
            for path in list(self._lying):
                self.remove(path)
        if self._directory is not None and self._used:
            with contextlib.suppress(OSError):
                self._directory.rmdir()


def problem_with(directory: Path | None) -> str | None:
    """Why no link can be handed over in `directory`, which need not be there yet; None where it can."""
    if directory is None:
        return _HOMELESS
    try:
        with _private(directory, make=False):
            return None
    except FileNotFoundError:
        return None if os.access(directory.parent, os.W_OK) else f"{directory} cannot be made."
    except NotPrivate as problem:
        return str(problem)


@contextlib.contextmanager
def _private(directory: Path, *, make: bool) -> Iterator[int | None]:
    """The directory, opened, when nobody else can see it or replace it.

    Yields None on Windows, where directories are not opened and a user's home is closed to others by its access list.

    Raises:
        NotPrivate: It is not private, or cannot be used.
        FileNotFoundError: It is not there, and was not to be made.
    """
    home = directory.parent
    with contextlib.ExitStack() as opened:
        if os.name == "posix":
            # The home may be a link, which its owner made; what is checked from here on is what was opened.
            below = _opened(home, os.O_RDONLY | os.O_DIRECTORY, opened)
            _check(below, home, owners={0, os.geteuid()}, closed=0o022, right="chmod go-w")
            _make(directory, below if make else None)
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW  # guard: 42-link
            own = _opened(directory, flags, opened, below=below)
            _check(own, directory, owners={os.geteuid()}, closed=_OTHERS, right="chmod 700")
            yield own
        else:
            if make:
                directory.mkdir(exist_ok=True)
            if directory.is_symlink() or not directory.is_dir():
                raise NotPrivate(f"{directory} is a link or no directory. Remove it.")
            yield None


def _make(directory: Path, home: int | None) -> None:
    if home is None:
        return
    try:
        os.mkdir(directory.name, _OWN_DIRECTORY, dir_fd=home)
    except FileExistsError:
        return
    except OSError as problem:
        raise NotPrivate(f"{directory} cannot be made: {problem.strerror}.") from None


def _opened(path: Path, flags: int, opened: contextlib.ExitStack, *, below: int | None = None) -> int:
    """A directory's descriptor, closed with `opened`."""
    try:
        descriptor = os.open(path if below is None else path.name, flags, dir_fd=below)
    except FileNotFoundError:
        raise
    except OSError as problem:
        if flags & os.O_NOFOLLOW and path.is_symlink():
            raise NotPrivate(f"{path} is a link, which may lead to where others see it. Remove it.") from None
        raise NotPrivate(f"{path} cannot be used as a directory: {problem.strerror}.") from None
    opened.callback(os.close, descriptor)
    return descriptor


def _check(descriptor: int, path: Path, *, owners: Collection[int], closed: int, right: str) -> None:
    found = os.fstat(descriptor)
    if found.st_uid not in owners:  # guard: 42-foreign
        raise NotPrivate(f"{path} belongs to another user. Have it removed.")
    mode = stat.S_IMODE(found.st_mode)
    if mode & closed:  # guard: 42-open
        raise NotPrivate(f'{path} is open to other users (mode {mode:04o}). Run: {right} "{path}"')


def _create(path: Path, directory: int | None) -> int:
    """A new file, in the very directory that was checked; never one that lies there already, nor through a link."""
    if directory is None:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return os.open(path.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _OWN_FILE, dir_fd=directory)

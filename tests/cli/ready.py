"""Commands start from a process that has loaded everything: most of a command's time is the loading.

What an interpreter does before the first line of ours runs is left out, so whatever is about that (the search path, the
working directory, the environment of Python) is tested with processes of its own: `attacks/test_hostile_folder.py`, and
everything in `e2e/`.
"""

from __future__ import annotations

import atexit
import fcntl
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import termios
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from maton_mailgun.__main__ import main

# What commands load when they need it: a module that is missing here is loaded by each of them.
_LOADED = (
    "maton_mailgun.front.doorway", "maton_mailgun.cli.parser", "maton_mailgun.cli.screen",
    "maton_mailgun.cli.approvals", "maton_mailgun.cli.call", "maton_mailgun.cli.doctor", "maton_mailgun.cli.install",
    "maton_mailgun.cli.policy", "maton_mailgun.cli.page", "maton_mailgun.runtime", "maton_mailgun.approval.gate",
    "maton_mailgun.approval.store.sqlite", "maton_mailgun.approval.channels.terminal", "maton_mailgun.call",
    "maton_mailgun.protocol.approval_tools", "maton_mailgun.approval.preview.message", "maton_mailgun.wire.network",
    "maton_mailgun.approval.policy.file", "maton_mailgun.sandbox", "maton_mailgun.mail.html", "rich.console",
    "rich.table", "rich.markdown", "cryptography.hazmat.primitives.ciphers.aead", "jsonschema", "pwd",
)  # fmt: skip


_INTERPRETERS = ("PYTHON", "LANG", "LC_")
_ON_TERMINAL = (
    "import fcntl, os, signal, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "signal.signal(signal.SIGINT, signal.SIG_DFL); "
    "os.execv(sys.executable, [sys.executable, '-P', '-m', 'maton_mailgun', *sys.argv[1:]])"
)
"""The child takes the terminal as its controlling one, as a login shell's children have it: that is what /dev/tty is.
Ctrl-C reaches it also where these tests run in the background of a shell, which lets its children ignore it."""


class Running(Protocol):
    """As much of `subprocess.Popen` as a test needs."""

    def wait(self, timeout: float | None = None) -> int:
        """The exit status; negative where a signal ended it."""

    def kill(self) -> None:
        """End it at once, where it has not ended yet."""


def started(
    arguments: Sequence[str], streams: tuple[int, int, int], environ: Mapping[str, str], cwd: Path,
    *, on_terminal: bool = False,
) -> Running:  # fmt: skip
    """`maton-mailgun` with these arguments, in a session of its own, with standard input, output and errors.

    A new interpreter is started where the environment changes it, or how this installation is called.
    """
    changes = any(name.startswith(_INTERPRETERS) and name != "PYTHONPATH" for name in environ)
    if changes or environ.get("PATH") != os.environ.get("PATH"):
        how = ["-c", _ON_TERMINAL] if on_terminal else ["-P", "-m", "maton_mailgun"]
        reads, out, err = streams
        return subprocess.Popen(
            [sys.executable, *how, *arguments], stdin=reads, stdout=out, stderr=err,
            env=dict(environ), cwd=cwd, start_new_session=True,
        )  # fmt: skip
    return ReadyCommand(arguments, streams, environ, cwd, on_terminal=on_terminal)


class ReadyCommand:
    """A command that was started from the process that has loaded everything."""

    def __init__(
        self, arguments: Sequence[str], streams: tuple[int, int, int], environ: Mapping[str, str], cwd: Path,
        *, on_terminal: bool = False,
    ) -> None:  # fmt: skip
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.connect(_place())
        asked = {"arguments": list(arguments), "environ": dict(environ), "cwd": str(cwd), "on_terminal": on_terminal}
        message = json.dumps(asked).encode()
        socket.send_fds(self._connection, [len(message).to_bytes(4, "big")], list(streams))
        self._connection.sendall(message)
        self._answers = self._connection.makefile("r")
        self.pid = int(self._answers.readline())
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """As `Running` says. Raises TimeoutError after `timeout` seconds."""
        if self.returncode is None:
            self._connection.settimeout(timeout)
            self.returncode = int(self._answers.readline())
            self._answers.close()
            self._connection.close()
        return self.returncode

    def kill(self) -> None:
        """As `Running` says."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


@functools.cache
def _place() -> str:
    """Where the process that has loaded everything listens; it ends with whoever asked first."""
    folder = tempfile.TemporaryDirectory(prefix="ready")
    place = str(Path(folder.name, "socket"))
    server = subprocess.Popen([sys.executable, "-P", __file__, place], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"

    def end() -> None:
        server.kill()
        server.wait()
        folder.cleanup()

    atexit.register(end)
    return place


def _serve(place: str) -> None:
    for name in _LOADED:
        __import__(name)
    # Whoever waits for a command is a child, and nobody waits for that one.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(place)
        listener.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _waited_for(connection)
            connection.close()


def _waited_for(connection: socket.socket) -> None:
    """Start what is asked for, say its process, and in the end its exit status."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    head, streams, _, _ = socket.recv_fds(connection, 4, 3)
    size, message = int.from_bytes(head, "big"), b""
    while len(message) < size:
        message += connection.recv(size - len(message))
    child = os.fork()
    if child == 0:
        connection.close()
        _become(json.loads(message), streams)
    for stream in streams:
        os.close(stream)
    connection.sendall(f"{child}\n".encode())
    _, status = os.waitpid(child, 0)
    connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _become(asked: dict[str, Any], streams: list[int]) -> None:
    """Be the command: with its streams, session, folder and environment, and nothing else that is open."""
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, 256)
    # Also where these tests run in the background of a shell, which lets its children ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if asked["on_terminal"]:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["environ"])
    sys.argv = ["maton-mailgun", *asked["arguments"]]
    # As an interpreter opens them, until it ends.
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
    status = _ended_with()
    atexit._run_exitfuncs()
    for written in (sys.stdout, sys.stderr):
        try:
            written.flush()
        except (OSError, ValueError):
            status = status or 120
    os._exit(status)


def _ended_with() -> int:
    """Run the command. The exit status that an interpreter would give it."""
    try:
        return main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1


if __name__ == "__main__":
    _serve(sys.argv[1])

"""A command on a terminal of its own, driven like a person would."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from .ready import started

_SECONDS = 60.0


class Terminal:
    """`maton-mailgun` with these arguments on a pseudo-terminal."""

    def __init__(self, *arguments: str, env: Mapping[str, str], cwd: Path, columns: int = 100) -> None:
        self.seen = ""
        self._read = 0
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        environ = {"PAGER": "cat", **env, "TERM": "xterm-256color"}
        self._process = started(arguments, (slave, slave, slave), environ, cwd, on_terminal=True)
        os.close(slave)

    def expect(self, text: str) -> None:
        """Read on until `text` appears after what was expected before."""
        deadline = time.monotonic() + _SECONDS
        while text not in self.seen[self._read :]:
            if not self._more(deadline):
                raise AssertionError(f"{text!r} did not appear in:\n{self.seen[self._read :]}")
        self._read = self.seen.index(text, self._read) + len(text)

    def enter(self, text: str) -> None:
        """Type a line."""
        os.write(self._master, f"{text}\r".encode())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.write(self._master, b"\x03")

    @property
    def lines(self) -> list[str]:
        """What was seen, without colours, as the terminal shows it: a line for each that it was sent."""
        return re.sub(r"\x1b\[[0-9;]*m", "", self.seen).replace("\r", "").splitlines()

    def finish(self) -> int:
        """Read to the end. Returns the exit status."""
        deadline = time.monotonic() + _SECONDS
        while self._more(deadline):
            pass
        return self._process.wait(max(1.0, deadline - time.monotonic()))

    def _more(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            data = os.read(self._master, 65_536)
        except OSError:
            # Linux's way of saying that the last process has let go of the terminal.
            return False
        self.seen += data.decode("utf-8", "replace")
        return bool(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)

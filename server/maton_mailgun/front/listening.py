"""The front's side of standard input and output: reads while it writes, so that neither end waits for the other."""

from __future__ import annotations

import os
import select
import signal

from maton_mailgun.front.begun import Begun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

    from maton_mailgun.front.first_lines import FirstLines

_READ_SIZE = 1 << 16
_LONGEST = 1 << 16
"""Bytes of a line without an end, after which it is for the server."""
_AT_THE_END_MS = 5_000
"""How long a client that has left may still take answers, as the server has it."""


class ClientLeft(Exception):
    """The client has closed its end, or a signal says to stop; nothing is left to do."""


class Listening:
    """Answers what can be answered until something else comes. POSIX only: Windows cannot wait for a pipe.

    Args:
        lines: The conversation.
        quiet_ms: After how many milliseconds without a word the server is loaded nevertheless; never if None.
        source: The file descriptor that the client writes to.
        sink: The one it reads from.
    """

    def __init__(self, lines: FirstLines, quiet_ms: int | None, source: int = 0, sink: int = 1) -> None:
        self._source, self._sink = source, sink
        self._lines = lines
        self._quiet_ms = quiet_ms
        self._begun = Begun()
        self._woken, self._waking = os.pipe()
        self._before: dict[int, Any] = {}

    def until_more_is_needed(self) -> Begun:
        """Serve until a line comes that is for the server.

        Raises:
            ClientLeft: There will be none.
        """
        for number in (signal.SIGTERM, signal.SIGHUP):
            # Whoever started this with `nohup` wants it to go on.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._stop)
        try:
            return self._serve()
        finally:
            for signalled, earlier in self._before.items():
                signal.signal(signalled, earlier)
            os.close(self._woken)
            os.close(self._waking)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        os.write(self._waking, b".")

    def _serve(self) -> Begun:
        begun, polling = self._begun, select.poll()
        polling.register(self._source, select.POLLIN)
        polling.register(self._woken, select.POLLIN)
        while True:
            writing = bool(begun.unsent)
            if writing:
                polling.register(self._sink, select.POLLOUT)
            ready = dict(polling.poll(None if writing else self._quiet_ms))
            if writing:
                polling.unregister(self._sink)
            if not ready:
                return begun
            if self._woken in ready:
                self._leave()
            if self._sink in ready and not self._write():
                return begun
            if self._source in ready and not self._read():
                return begun

    def _write(self) -> bool:
        """Write what a ready pipe takes without waiting (POSIX: PIPE_BUF bytes). False if nobody reads."""
        try:
            taken = os.write(self._sink, self._begun.unsent[: select.PIPE_BUF])
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._begun.unsent = self._begun.unsent[taken:]
        return True

    def _read(self) -> bool:
        """Read and answer what has come. False where something is for the server."""
        try:
            chunk = os.read(self._source, _READ_SIZE)
        except BlockingIOError:
            return True
        except OSError:
            return False
        begun = self._begun
        if not chunk:
            if begun.rest:
                # A line without an end, before the end: the server reads that end again.
                return False
            self._leave()
        begun.rest += chunk
        while b"\n" in begun.rest:
            line, _, after = begun.rest.partition(b"\n")
            answer = self._lines.answer(line) if line.strip() else b""
            if answer is None:
                return False
            begun.said.append((line, answer))
            begun.unsent += answer
            begun.rest = after
        return len(begun.rest) <= _LONGEST

    def _leave(self) -> None:
        """End, with every answer written that is taken in time.

        Raises:
            ClientLeft: Always.
        """
        polling = select.poll()
        polling.register(self._sink, select.POLLOUT)
        while self._begun.unsent and polling.poll(_AT_THE_END_MS) and self._write():
            pass
        raise ClientLeft

"""MCP over standard input and output, without a thread in between where the system allows it.

While serving, file descriptor 1 points at standard error and 0 at nothing, so no stray print and no child process can
touch the protocol.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import os
import queue
import select
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import anyio
import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.shared.message import SessionMessage

from maton_mailgun.front.begun import Begun
from maton_mailgun.protocol.incoming import message_in

log = logging.getLogger(__name__)

_READ_SIZE = 1 << 16
_MAX_LINE = 64 << 20
"""A client that never ends a line must not take all memory."""
_PAUSE = 0.01
"""Seconds between attempts where a full pipe cannot be waited for."""


class _Writer:
    """Sends messages. What a pipe takes at once goes at once; the rest goes through a thread: a client that does not
    read must not stop the event loop."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._put = self._written = 0
        self.repeated: Callable[[types.JSONRPCMessage], bool] = lambda message: False
        """Whether a message was written before this server was there."""
        # Windows has no poll, and its pipes cannot be waited for.
        # One for the loop and one for the thread: an object that polls takes one caller at a time.
        self._ready, self._waiting = _polling(descriptor), _polling(descriptor)
        self._thread = threading.Thread(target=self._write, name="stdout", daemon=True)
        self._thread.start()

    async def send(self, item: SessionMessage, /) -> None:
        """Write or queue one message; order is kept."""
        if not self.repeated(item.message):
            self.put(item.message)

    def put(self, message: types.JSONRPCMessage) -> None:
        """Write or queue one message; order is kept."""
        self.put_line(line_of(message))

    def put_line(self, line: bytes) -> None:
        """Write or queue bytes; order is kept."""
        # Each counter is changed by one thread only: equal means that the other thread has nothing left to write.
        if self._put == self._written and self._takes(line):
            try:
                line = line[os.write(self._descriptor, line) :]
            except BlockingIOError:
                # Ready for less than this, and whoever made the pipe wants no waiting in it: the thread waits.
                pass
            except OSError:
                return
            if not line:
                return
        self._put += 1
        self._lines.put(line)

    def _takes(self, line: bytes) -> bool:
        """Whether writing will not wait: a pipe that is ready takes up to PIPE_BUF bytes whole (POSIX)."""
        if self._ready is None or len(line) > select.PIPE_BUF:
            return False
        return any(event & select.POLLOUT for _, event in self._ready.poll(0))

    async def aclose(self) -> None:
        """Nothing: the stream ends with the process, after `drain`."""

    def drain(self, seconds: float) -> None:
        """Wait until everything queued is written, at most this long."""
        self._lines.put(None)
        self._thread.join(seconds)

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            view = memoryview(line)
            try:
                while view:
                    view = view[self._some(view) :]
            except OSError:
                # The client has gone; what it will not read is not worth an error.
                return
            self._written += 1

    def _some(self, view: memoryview) -> int:
        """Write what is taken. A pipe that says "not now" instead of waiting is waited for here: its client, which may
        share it with others, set it so."""
        try:
            return os.write(self._descriptor, view)
        except BlockingIOError:
            if self._waiting is None:
                time.sleep(_PAUSE)
            else:
                self._waiting.poll()
            return 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def _polling(descriptor: int) -> select.poll | None:
    if not hasattr(select, "poll"):
        return None
    made = select.poll()
    made.register(descriptor, select.POLLOUT)
    return made


def line_of(message: types.JSONRPCMessage) -> bytes:
    """A message as the client gets it."""
    try:
        return message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
    except ValueError:
        # It repeats half a character that the client sent, which no UTF-8 holds, but an escape does.
        plain = message.model_dump(by_alias=True, exclude_unset=True)
        return json.dumps(plain, separators=(",", ":")).encode("ascii") + b"\n"


class _Replay:
    """Tells the server what its client has said and was answered already, one line after the other, and keeps back the
    answers: afterwards the server is as it would be had it heard all of it.

    Args:
        said: Each line, with its answer.
        accept: Takes a line.
        then: Called when it is over.
    """

    def __init__(
        self, said: list[tuple[bytes, bytes]], accept: Callable[[bytes], None], then: Callable[[], None]
    ) -> None:
        self._said = deque(said)
        self._accept = accept
        self._then = then
        self._answer = b""

    def go_on(self) -> None:
        """Tell the next lines, up to one that has an answer."""
        self._answer = b""
        while self._said and not self._answer:
            line, self._answer = self._said.popleft()
            if line.strip():
                self._accept(line)
        if not self._answer:
            self._then()

    def repeated(self, message: types.JSONRPCMessage) -> bool:
        """Whether this is the answer that the client has."""
        if not self._answer or not isinstance(message, types.JSONRPCResponse | types.JSONRPCError):
            return False
        if line_of(message) != self._answer:
            log.warning("what was answered at the start would be answered otherwise now")
        self.go_on()
        return True


async def serve(server: Server[Any], begun: Begun | None = None) -> None:
    """Serve one client until it closes its end, or a signal says to stop.

    Args:
        server: What answers.
        begun: What the client has said before.

    Signals stay caught until the loop ends: hosts send one soon after they closed their end, and what is in flight then
    has still to settle.
    """
    await serve_on(server, *_claimed_streams(), begun)


async def serve_on(server: Server[Any], source: int, sink: int, begun: Begun | None = None) -> None:
    """As `serve`, over these file descriptors."""
    writer = _Writer(sink)
    send, receive = anyio.create_memory_object_stream[SessionMessage | Exception](math.inf)
    loop = asyncio.get_running_loop()

    def accept(line: bytes) -> None:
        found = message_in(line)
        if isinstance(found, SessionMessage):
            with suppress(anyio.ClosedResourceError):
                send.send_nowait(found)
            return
        log.warning("a line is no message", extra={"why": found if isinstance(found, str) else found.error.message})
        if not isinstance(found, str):
            writer.put(found)

    lines = _Lines()

    def close() -> None:
        if lines.endless:
            log.warning("a line does not end", extra={"bytes": _MAX_LINE})
        send.close()

    def arrived() -> None:
        try:
            chunk = os.read(source, _READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            # The other end of a socket may be torn off; that is an end too.
            chunk = b""
        for line in lines.add(chunk):
            accept(line)
        if not chunk or lines.endless:
            loop.remove_reader(source)
            close()

    def read() -> None:
        for line in lines.add(begun.rest) if begun is not None and begun.rest else ():
            accept(line)
        try:
            loop.add_reader(source, arrived)
        except (NotImplementedError, OSError):
            # A file cannot be waited for, and Windows waits for sockets only.
            threading.Thread(target=_pump, args=(source, lines, loop, accept, close), name="stdin", daemon=True).start()

    if begun is None:
        read()
    else:
        if begun.unsent:
            writer.put_line(begun.unsent)
        replay = _Replay(begun.said, accept, read)
        writer.repeated = replay.repeated
        replay.go_on()
    _stop_on_signals(loop, send.close)
    try:
        await server.run(receive, writer, server.create_initialization_options())
    finally:
        writer.drain(5.0)


def _stop_on_signals(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """End as if the client had left, once or however often it is asked. Ctrl-C is asyncio's own; Windows ends a process
    without asking it."""
    if sys.platform == "win32":
        return
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Whoever started this with `nohup` wants it to go on.
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, stop)


class _Lines:
    """Puts lines together from what arrives."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    @property
    def endless(self) -> bool:
        """Whether the line under way is longer than any a client can mean."""
        return self._size > _MAX_LINE

    def add(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that a chunk completes; at the end of the input, which is an empty chunk, also one without end."""
        first, *others = chunk.split(b"\n")
        self._parts.append(first)
        self._size += len(first)
        for following in others if chunk else [b""]:
            line = b"".join(self._parts)
            self._parts, self._size = [following], len(following)
            if line.strip():
                yield line


def _pump(
    source: int,
    lines: _Lines,
    loop: asyncio.AbstractEventLoop,
    accept: Callable[[bytes], None],
    close: Callable[[], None],
) -> None:
    """Read in a thread of its own."""
    try:
        while chunk := os.read(source, _READ_SIZE):
            for line in lines.add(chunk):
                loop.call_soon_threadsafe(accept, line)
            if lines.endless:
                break
        for line in lines.add(b""):
            loop.call_soon_threadsafe(accept, line)
        loop.call_soon_threadsafe(close)
    except RuntimeError:
        # The loop ended first; nobody is left to read for.
        return


def _claimed_streams() -> tuple[int, int]:
    """Private copies of standard input and output; the well-known numbers lead nowhere and to standard error."""
    sys.stdout.flush()
    source, sink = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.close(nowhere)
    os.dup2(2, 1)
    return source, sink

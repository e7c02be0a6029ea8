"""MCP over standard input and output, without a thread in between where the system allows it.

While serving, file descriptor 1 points at standard error and 0 at nothing, so no stray print and no child process can
touch the protocol.
"""

from __future__ import annotations

import asyncio
import math
import os
import queue
import select
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import anyio
import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.shared.message import SessionMessage

_READ_SIZE = 1 << 16
_MAX_LINE = 64 << 20
"""A client that never ends a line must not take all memory."""


class _Writer:
    """Sends messages. What a pipe takes at once goes at once; the rest goes through a thread: a client that does not
    read must not stop the event loop."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._put = self._written = 0
        # Windows has no poll, and its pipes cannot be waited for.
        self._ready = select.poll() if hasattr(select, "poll") else None
        if self._ready is not None:
            self._ready.register(descriptor, select.POLLOUT)
        self._thread = threading.Thread(target=self._write, name="stdout", daemon=True)
        self._thread.start()

    async def send(self, item: SessionMessage, /) -> None:
        """Write or queue one message; order is kept."""
        line = item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
        # Each counter is changed by one thread only: equal means that the other thread has nothing left to write.
        if self._put == self._written and self._takes(line):
            with suppress(OSError):
                os.write(self._descriptor, line)
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
                    view = view[os.write(self._descriptor, view) :]
            except OSError:
                # The client has gone; what it will not read is not worth an error.
                return
            self._written += 1

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


async def serve(server: Server[Any]) -> None:
    """Serve one client until it closes its end."""
    source, sink = _claimed_streams()
    send, receive = anyio.create_memory_object_stream[SessionMessage | Exception](math.inf)
    loop = asyncio.get_running_loop()

    def accept(line: bytes) -> None:
        try:
            message = types.jsonrpc_message_adapter.validate_json(line, by_name=False)
        except ValueError as problem:
            send.send_nowait(problem)
        else:
            send.send_nowait(SessionMessage(message))

    lines = _Lines()

    def arrived() -> None:
        chunk = os.read(source, _READ_SIZE)
        for line in lines.add(chunk):
            accept(line)
        if not chunk or lines.endless:
            loop.remove_reader(source)
            send.close()

    try:
        loop.add_reader(source, arrived)
    except (NotImplementedError, OSError):
        # A file cannot be waited for, and Windows waits for sockets only.
        threading.Thread(
            target=_pump, args=(source, lines, loop, accept, send.close), name="stdin", daemon=True
        ).start()
    writer = _Writer(sink)
    try:
        await server.run(receive, writer, server.create_initialization_options())
    finally:
        writer.drain(5.0)


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

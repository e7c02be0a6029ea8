"""MCP over standard input and output with one thread hop per message instead of three.

While serving, file descriptor 1 points at standard error and 0 at nothing, so no stray print and no child process can
touch the protocol.
"""

from __future__ import annotations

import asyncio
import math
import os
import queue
import sys
import threading
from collections.abc import Iterator
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
    """Sends messages through one thread: a client that does not read must not stop the event loop."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="stdout", daemon=True)
        self._thread.start()

    async def send(self, item: SessionMessage, /) -> None:
        """Queue one message; order is kept."""
        self._lines.put(item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")

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

    def pump() -> None:
        try:
            for line in _lines(source):
                loop.call_soon_threadsafe(accept, line)
            loop.call_soon_threadsafe(send.close)
        except RuntimeError:
            # The loop ended first; nobody is left to read for.
            return

    threading.Thread(target=pump, name="stdin", daemon=True).start()
    writer = _Writer(sink)
    try:
        await server.run(receive, writer, server.create_initialization_options())
    finally:
        writer.drain(5.0)


def _lines(descriptor: int) -> Iterator[bytes]:
    """Lines as they arrive; ends with the input, or at a line no client can mean."""
    parts: list[bytes] = []
    size = 0
    while chunk := os.read(descriptor, _READ_SIZE):
        first, *others = chunk.split(b"\n")
        parts.append(first)
        size += len(first)
        for following in others:
            line = b"".join(parts)
            if line.strip():
                yield line
            parts, size = [following], len(following)
        if size > _MAX_LINE:
            return
    if b"".join(parts).strip():
        yield b"".join(parts)


def _claimed_streams() -> tuple[int, int]:
    """Private copies of standard input and output; the well-known numbers lead nowhere and to standard error."""
    sys.stdout.flush()
    source, sink = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.close(nowhere)
    os.dup2(2, 1)
    return source, sink

"""What is below the HTTP client: connections by asyncio itself.

The client's own ones go through anyio, whose layers and turns of the loop are a third of what an exchange costs here
(`bench/calls.py`). What an attempt may be told as depends on these errors: `Connect…` is raised for nothing but what
comes before the first byte of a request.
"""
# The client names the time that each step has `timeout`.
# ruff: noqa: ASYNC109

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from typing import Any

from httpcore2 import (
    AsyncNetworkBackend,
    AsyncNetworkStream,
    ConnectError,
    ConnectTimeout,
    ReadError,
    ReadTimeout,
    WriteError,
    WriteTimeout,
)

_NEXT_ADDRESS_SECONDS = 0.25
"""After which a host's next address is tried beside the first (RFC 8305)."""
_MOST_AHEAD = 1 << 20
"""Bytes that wait to be read before no more are taken."""


class AsyncioNetwork(AsyncNetworkBackend):
    """Connects as the HTTP client asks for it."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncNetworkStream:
        """A connection to a host, which may have several addresses.

        Raises:
            ConnectTimeout: There was none in time.
            ConnectError: There is none.
        """
        local = (local_address, 0) if local_address is not None else None
        try:
            async with asyncio.timeout(timeout):
                transport, arriving = await asyncio.get_running_loop().create_connection(
                    _Arriving, host, port, local_addr=local, happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS
                )
        except TimeoutError as late:
            raise ConnectTimeout(str(late)) from late
        except OSError as failure:
            raise ConnectError(str(failure)) from failure
        for option in socket_options or ():
            transport.get_extra_info("socket").setsockopt(*option)
        return _Connected(transport, arriving)

    async def sleep(self, seconds: float) -> None:
        """Wait between attempts to connect, which this server does not have the client make."""
        await asyncio.sleep(seconds)


class _Connected(AsyncNetworkStream):
    """One connection."""

    def __init__(self, transport: asyncio.Transport, arriving: _Arriving) -> None:
        self._transport = transport
        self._arriving = arriving
        arriving.transport = transport

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What has arrived, at the latest then; nothing at the end.

        Raises:
            ReadTimeout: Nothing came in time.
            ReadError: The connection was torn off.
        """
        arriving = self._arriving
        if not arriving.data and not arriving.over:
            try:
                async with asyncio.timeout(timeout):
                    await arriving.more()
            except TimeoutError as late:
                raise ReadTimeout(str(late)) from late
        if not arriving.data and arriving.failure is not None:
            raise ReadError(str(arriving.failure)) from arriving.failure
        return arriving.take(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes.

        Raises:
            WriteTimeout: They were not taken in time.
            WriteError: The connection is closed.
        """
        if not buffer:
            return
        arriving = self._arriving
        if arriving.lost or self._transport.is_closing():
            raise WriteError("the connection is closed")
        self._transport.write(buffer)
        if arriving.holding:
            try:
                async with asyncio.timeout(timeout):
                    await arriving.room()
            except TimeoutError as late:
                raise WriteTimeout(str(late)) from late
            if arriving.lost:
                raise WriteError("the connection was closed")

    async def aclose(self) -> None:
        """Close it at once, whatever was not sent yet."""
        self._transport.abort()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> AsyncNetworkStream:
        """The same connection under TLS.

        Raises:
            ConnectTimeout: The handshake took too long.
            ConnectError: It failed.
        """
        arriving = _Arriving()
        try:
            async with asyncio.timeout(timeout):
                transport = await self._secured(arriving, ssl_context, server_hostname)
        except TimeoutError as late:
            self._transport.abort()
            raise ConnectTimeout(str(late)) from late
        except OSError as failure:
            self._transport.abort()
            raise ConnectError(str(failure)) from failure
        except BaseException:
            self._transport.abort()
            raise
        return _Connected(transport, arriving)

    async def _secured(self, arriving: _Arriving, context: ssl.SSLContext, host: str | None) -> asyncio.Transport:
        # What came in clear is no part of what comes under TLS.
        if self._arriving.data:  # guard: 360-clear
            raise ConnectError("the other side spoke before the handshake")
        loop = asyncio.get_running_loop()
        transport = await loop.start_tls(self._transport, arriving, context, server_hostname=host)
        if transport is None:
            raise ConnectError("the connection was closed in the handshake")
        return transport

    def get_extra_info(self, info: str) -> Any:
        """What the client asks of its connection."""
        if info == "is_readable":
            # Whether something has come that nobody asked for, its end most often. The loop listens to an idle
            # connection too, and has heard of it before the call that would use it: the system is not asked again.
            return bool(self._arriving.data) or self._arriving.over or self._transport.is_closing()
        names = {"client_addr": "sockname", "server_addr": "peername"}
        return self._transport.get_extra_info(names.get(info, info))


class _Arriving(asyncio.Protocol):
    """What comes from the other side, until it is read; and whether it takes more."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.data = bytearray()
        self.over = False
        """Nothing more will come."""
        self.lost = False
        """And nothing more can be sent."""
        self.failure: Exception | None = None
        """Why, where the connection was torn off."""
        self.holding = False
        """Whether the other side takes nothing now."""
        self._paused = False
        self._waiting: asyncio.Future[None] | None = None
        self._writing: asyncio.Future[None] | None = None

    async def more(self) -> None:
        """Wait for data, or the end."""
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            await self._waiting
        finally:
            self._waiting = None

    async def room(self) -> None:
        """Wait until the other side takes more, or the end."""
        self._writing = asyncio.get_running_loop().create_future()
        try:
            await self._writing
        finally:
            self._writing = None

    def take(self, most: int) -> bytes:
        """Some of what has come."""
        if len(self.data) <= most:
            taken, self.data = bytes(self.data), bytearray()
        else:
            taken = bytes(self.data[:most])
            del self.data[:most]
        if self._paused and self.transport is not None and len(self.data) < _MOST_AHEAD:
            self._paused = False
            self.transport.resume_reading()
        return taken

    def data_received(self, data: bytes) -> None:
        """Keep what came."""
        self.data += data
        if len(self.data) > _MOST_AHEAD and not self._paused and self.transport is not None:
            self._paused = True
            self.transport.pause_reading()
        _wake(self._waiting)

    def eof_received(self) -> bool:
        """The other side has said all; asyncio closes the connection then."""
        self.over = True
        _wake(self._waiting)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """There is no connection any more."""
        self.over, self.lost, self.failure = True, True, exc
        _wake(self._waiting)
        _wake(self._writing)

    def pause_writing(self) -> None:
        """Enough is on its way."""
        self.holding = True

    def resume_writing(self) -> None:
        """There is room again."""
        self.holding = False
        _wake(self._writing)


def _wake(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)

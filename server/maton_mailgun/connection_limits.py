"""Connections to a server of ours, held to deadlines and numbers: who sends half a request, or none, keeps nobody out.

uvicorn has a deadline for connections that are idle after an answer, and none for the first request, for headers that
do not end, for a body that trickles in or for an answer that nobody reads. Here each has one. When there are too many
connections, those that wait for their client longest make room; a call at work, or a stream that is open, is never cut.

Works with whichever HTTP parser uvicorn has, by the interface of asyncio's protocols alone.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from maton_mailgun.gathered_writes import GatheredWrites

log = logging.getLogger(__name__)

_SPARED_FILES = 224
"""Descriptors left to everything but connections: the database, the gateway, files that are sent."""
_FEWEST = 16
_MOST_HEAD = 64 * 1024
"""Bytes in which a head ends, or is looked at here: an HTTP parser refuses what is longer."""
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds a client may take."""

    headers: float = 15.0
    """For all headers of a request, from the connection or from their first byte, however many bytes come meanwhile."""
    body: float = 20.0
    """For a body, besides what `rate` allows."""
    rate: float = 64 * 1024.0
    """Bytes a second that lengthen the time for a body: each that arrived."""
    idle: float = 120.0
    """Between an answer and the next request."""
    reading: float = 30.0
    """For taking in what is sent to it, each piece."""


@dataclass(frozen=True, slots=True)
class Places:
    """Connections at once."""

    most: int = 800
    """In all; fewer where the system lets the process open fewer files."""
    most_of_one: int = 400
    """Of one address, or of one network of IPv6; the others always have the rest."""


class ConnectionLimits:
    """The connections of one server: give uvicorn this as the application and `protocol` as `http`.

    Args:
        app: The application; addresses must be those of connections, so let uvicorn rewrite none (`proxy_headers`).
        parser: What reads HTTP; uvicorn's choice by what is installed.
        hand_on: Gives a connection to another process, by the head of a request that has come; whether it did.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        numbers: Places | None = None,
        deadlines: Patience | None = None,
        parser: type[asyncio.Protocol] = AutoHTTPProtocol,
        hand_on: Callable[[asyncio.Transport, bytes], bool] | None = None,
    ) -> None:
        self.hand_on = hand_on
        numbers = numbers or Places()
        self.deadlines = deadlines or Patience()
        self.most = max(_FEWEST, min(numbers.most, _files(numbers.most + _SPARED_FILES) - _SPARED_FILES))
        self.most_of_one = max(1, numbers.most_of_one * self.most // numbers.most)
        self._app = app
        self._open: dict[tuple[str, int], _Held] = {}
        self._of_one: Counter[str] = Counter()
        limits = self

        class Limited(_Held):
            """A connection of this server."""

            def __init__(self, **made: Any) -> None:
                super().__init__(limits, parser(**made))

        self.protocol: type[asyncio.Protocol] = Limited

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application, watched: how far a request has come decides what its connection may still take."""
        connection = self._open.get(tuple(scope["client"])) if scope.get("client") else None
        if connection is None:
            await self._app(scope, receive, send)
            return
        connection.called(has_body=_has_body(scope))

        async def received() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                connection.got(len(message.get("body", b"")), more=message.get("more_body", False))
            return message

        try:
            await self._app(scope, received, send)
        finally:
            connection.answered()

    def admit(self, new: _Held) -> bool:
        """Count a new connection; where there are too many, one that waits for its client makes room.

        Returns:
            Whether it may stay; not where all others are at work.
        """
        full = self._of_one[new.network] >= self.most_of_one  # guard: 110-address
        if full and not self._make_room(new.network):
            return False
        full = len(self._open) >= self.most
        if full and not self._make_room(self._of_one.most_common(1)[0][0]):
            return False
        self._open[new.client] = new
        self._of_one[new.network] += 1
        return True

    def forget(self, gone: _Held) -> None:
        """A connection has ended."""
        if self._open.get(gone.client) is gone:
            del self._open[gone.client]
            self._of_one[gone.network] -= 1
            if not self._of_one[gone.network]:
                del self._of_one[gone.network]

    def _make_room(self, network: str) -> bool:
        waiting = [one for one in self._open.values() if one.network == network and one.deadline is not None]
        if not waiting:
            return False
        # Headers and idle ones before bodies, which say already that somebody wants something; oldest first.
        longest = min(waiting, key=lambda one: (one.at_work, one.since))
        longest.cut("another connection needed its place")
        self.forget(longest)
        return True  # guard: 98-room


class _Held(asyncio.Protocol):
    """One connection, handed on to an HTTP parser's protocol; cut when its client takes too long."""

    def __init__(self, limits: ConnectionLimits, parser: asyncio.Protocol) -> None:
        self._limits = limits
        self._parser = parser
        self._times = limits.deadlines
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._transport: GatheredWrites | None = None
        self._admitted = False
        self._partly = False
        self._unseen = b""
        """The beginning of a request that nobody has looked at yet, as its head has not ended."""
        self.handed = b""
        """What another process has read already of a connection that it handed over: looked at here."""
        self.client = ("", 0)
        self.network = ""
        self.at_work = False
        """Whether a call is under way, its body complete or not."""
        self.since = self._loop.time()
        """When the client's turn began; seconds of the loop's clock."""
        self.deadline: float | None = None
        """Until when the client has to do something; None while it is our turn."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("a connection has a transport of both directions")
        self._transport = GatheredWrites(transport)
        peer = transport.get_extra_info("peername") or ("", 0)
        self.client = (str(peer[0]), int(peer[1]))
        self.network = _network(self.client[0])
        self._admitted = self._limits.admit(self)
        if not self._admitted:
            log.warning("a connection was turned away: all others are at work", extra={"address": self.network})
            self._transport.write(_FULL)
            self._transport.close()
            return
        self._wait(self._times.headers)  # guard: 98-first
        self._parser.connection_made(self._transport)
        if self.handed:
            self._partly = True
            self._parser.data_received(self.handed)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._taken_in()
        self.deadline = self._transport = None
        self._limits.forget(self)
        if self._admitted:
            self._parser.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self._admitted:
            return
        first = not self._partly and (not self.at_work or self.deadline is None)
        if first:
            self._partly = True
            if not self.at_work:
                self._wait(self._times.headers)  # guard: 98-headers
        if self._limits.hand_on is None or not (first or self._unseen):
            self._parser.data_received(data)
            return
        self._unseen += data
        if not self.at_work:
            self._look(self._limits.hand_on)
        elif self._transport is not None:
            # The last pieces of an answer reach its reader before the call behind it has ended.
            self._transport.pause_reading()

    def _look(self, hand_on: Callable[[asyncio.Transport, bytes], bool]) -> None:
        """Give what has come to the parser, or to another process, once the head has ended."""
        if b"\r\n\r\n" not in self._unseen and len(self._unseen) < _MOST_HEAD:
            return
        data, self._unseen = self._unseen, b""
        if self._transport is None or self._transport.is_closing():
            return
        # The end of an answer, which is given away with nothing.
        self._transport.flush()
        if hand_on(self._transport, data):
            self.deadline = None
            self._transport.close()
        else:
            self._parser.data_received(data)

    def eof_received(self) -> bool | None:
        return self._parser.eof_received() if self._admitted else None

    def pause_writing(self) -> None:
        self._taken_in()
        # Here and not around each message that is sent: a timer only where the client really lags behind.
        self._unread = self._loop.call_later(self._times.reading, self._not_read)  # guard: 110-reading
        self._parser.pause_writing()

    def resume_writing(self) -> None:
        self._taken_in()
        self._parser.resume_writing()

    def _not_read(self) -> None:
        self.cut("an answer was not read in time")

    def _taken_in(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def called(self, *, has_body: bool) -> None:
        """The headers are complete."""
        self.at_work, self._partly = True, False
        if has_body:
            self._wait(self._times.body)  # guard: 110-body
        else:
            self.deadline = None

    def got(self, size: int, *, more: bool) -> None:
        """So many bytes of the body have come."""
        if not more:
            self.deadline = None
        elif self.deadline is not None:
            self.deadline += size / self._times.rate

    def answered(self) -> None:
        """The call has ended; what came meanwhile is the beginning of another request."""
        self.at_work = False
        self._wait(self._times.headers if self._partly else self._times.idle)
        if self._unseen and self._limits.hand_on is not None and self._transport is not None:
            self._transport.resume_reading()
            self._look(self._limits.hand_on)

    def cut(self, why: str) -> None:
        """End the connection, with word of it where a request has begun that nobody answers."""
        transport = self._transport
        self.deadline = None
        if transport is None:
            return
        log.info("a connection was cut", extra={"why": why, "address": self.network})
        # One that is closing already waits for its client to read the rest.
        if self.at_work or transport.is_closing() or transport.get_write_buffer_size():
            transport.abort()
            return
        if self._partly:
            transport.write(_TOO_SLOW)
        transport.close()

    def _wait(self, seconds: float) -> None:
        """It is the client's turn, for so long."""
        if self._transport is None:
            return
        self.since = self._loop.time()
        self.deadline = self.since + seconds
        # One timer, which looks when it rings: most deadlines move before they are reached.
        if self._timer is None or self._timer.when() > self.deadline:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(self.deadline, self._rings)

    def _rings(self) -> None:
        self._timer = None
        if self.deadline is None:
            return
        if self._loop.time() >= self.deadline:
            self.cut("it took too long")
        else:
            self._timer = self._loop.call_at(self.deadline, self._rings)


def _has_body(scope: Scope) -> bool:
    """Whether a body follows the headers (RFC 9112, section 6.3)."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0 ") != b"")
        for name, value in scope["headers"]
    )


def _network(address: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 network that one IPv6 client usually has whole."""
    try:
        read = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if read.version == 4:
        return str(read)
    return str(ipaddress.ip_network((read, 64), strict=False))


def _files(wanted: int) -> int:
    """How many files the process may have open, once it may have `wanted` where the system lets it."""
    try:
        import resource
    except ImportError:  # Windows, whose sockets are not counted among files
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    better = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (better, hard))
    except (OSError, ValueError):  # macOS says that more may be had than it gives
        return soft
    return better

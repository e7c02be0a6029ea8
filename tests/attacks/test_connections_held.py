"""Attacks 98 and 110: connections that are held open to keep others out of MCP over HTTP and of the approval page.

Real sockets, with each HTTP parser that uvicorn may have here; deadlines are short so that they are reached.
"""

from __future__ import annotations

import asyncio
import importlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from maton_mailgun.connection_limits import ConnectionLimits, Patience, Places

pytestmark = pytest.mark.anyio
LONG = Patience(headers=60.0, body=60.0, idle=60.0, reading=60.0)
QUICK = 0.15
ENDS = 10.0
"""Seconds within which what should end must have ended."""
PARSERS = {"h11": "h11_impl:H11Protocol", "httptools": "httptools_impl:HttpToolsProtocol"}
HALF = b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-Half: "
ASKED = b"GET /short HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(params=PARSERS)
def parser(request: pytest.FixtureRequest) -> type[asyncio.Protocol]:
    """An HTTP parser's protocol; the `http` extra brings the second."""
    if request.param == "httptools":
        pytest.importorskip("httptools", reason="needs the http extra")
    module, _, name = PARSERS[request.param].partition(":")
    found: type[asyncio.Protocol] = getattr(importlib.import_module(f"uvicorn.protocols.http.{module}"), name)
    return found


@dataclass
class Site:
    """A server on a port: `/body` reads first, `/stream` and `/wait` last until told, `/big` is big."""

    port: int = 0
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    bodies: list[int] = field(default_factory=list)
    streaming: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, body = scope["path"], b"done"
        size, more = 0, True
        while more and path in {"/body", "/wait"}:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            size, more = size + len(message["body"]), message["more_body"]
        if path == "/body":
            self.bodies.append(size)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"keep-alive")]})
        if path == "/stream":
            self.streaming += 1
            await send({"type": "http.response.body", "body": b"first ", "more_body": True})
        if path in {"/stream", "/wait"}:
            await self.go_on.wait()
        for _ in range(400 if path == "/big" else 0):
            await send({"type": "http.response.body", "body": bytes(1 << 16), "more_body": True})
        await send({"type": "http.response.body", "body": body})

    async def connect(self, sent: bytes, address: str = "127.0.0.1") -> Client:
        """A connection that has sent something."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(address, 0))
        writer.write(sent)
        await writer.drain()
        return Client(reader, writer)


@dataclass
class Client:
    """One end of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def status(self) -> bytes:
        """The status line, or nothing where the connection ends without one."""
        try:
            line = await asyncio.wait_for(self.reader.readline(), ENDS)
        except ConnectionError:
            return b""
        return line.split(b" ")[1] if line else b""

    async def rest(self) -> bytes:
        """All that comes until the connection ends."""
        try:
            return await asyncio.wait_for(self.reader.read(), ENDS)
        except ConnectionError:
            return b""

    async def trickles(self, drop: bytes) -> bytes:
        """Send a little again and again until the connection ends; what came back."""
        reading = asyncio.ensure_future(self.rest())
        # It reads for so long at most, so this ends.
        while not (await asyncio.wait({reading}, timeout=QUICK / 10))[0]:
            self.writer.write(drop)
        return reading.result()


@asynccontextmanager
async def site(
    parser: type[asyncio.Protocol], deadlines: Patience = LONG, most: int = 40, most_of_one: int = 40
) -> AsyncIterator[Site]:
    """A server with these limits; all connections are closed at the end."""
    served = Site()
    limits = ConnectionLimits(served, numbers=Places(most, most_of_one), deadlines=deadlines, parser=parser)
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    served.port = listener.getsockname()[1]
    config = uvicorn.Config(
        limits,
        http=limits.protocol,
        log_config=None,
        lifespan="off",
        ws="none",
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server._serve([listener]))
    try:
        yield served
    finally:
        served.go_on.set()
        server.should_exit = server.force_exit = True
        await asyncio.wait_for(running, ENDS)


# 98 ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [b"", b"GET", HALF, HALF + b"x" * 1000, ASKED], ids=len)
async def test_attack_98_connections_that_ask_nothing_keep_nobody_out(
    parser: type[asyncio.Protocol], sent: bytes
) -> None:
    """More than there may be, each with half a request, with nothing, or idle after an answer."""
    async with site(parser) as served:
        held = [await served.connect(sent) for _ in range(100)]
        for _ in range(3):
            assert await (await served.connect(ASKED)).status() == b"200"
        assert len(held) == 100


@pytest.mark.parametrize("sent", [b"GET /", HALF], ids=len)
async def test_attack_98_unfinished_headers_have_a_deadline_however_they_trickle(
    parser: type[asyncio.Protocol], sent: bytes
) -> None:
    async with site(parser, Patience(headers=QUICK, body=60.0, idle=60.0)) as served:
        assert (await (await served.connect(sent)).trickles(b"x")).startswith(b"HTTP/1.1 408 ")
        assert await (await served.connect(b"")).rest() == b""
        # The same on a connection that asked something before.
        second = await served.connect(ASKED)
        assert await second.status() == b"200"
        second.writer.write(sent)
        assert b"HTTP/1.1 408 " in await second.trickles(b"x")


async def test_attack_98_what_waits_for_its_client_longest_makes_room_first(parser: type[asyncio.Protocol]) -> None:
    async with site(parser, most=16, most_of_one=16) as served:
        held = [await served.connect(ASKED) for _ in range(16)]
        for one in held:
            assert await one.status() == b"200"
        assert await (await served.connect(ASKED)).status() == b"200"
        assert (await held[0].rest()).endswith(b"done\r\n0\r\n\r\n")
        held[15].writer.write(ASKED)
        assert (await asyncio.wait_for(held[15].reader.readuntil(b"HTTP/1.1 200"), ENDS)).endswith(b"HTTP/1.1 200")


# 110 -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("framing", [b"Content-Length: 100000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"])
async def test_attack_110_a_body_that_trickles_in_has_a_deadline(
    parser: type[asyncio.Protocol], framing: bytes
) -> None:
    drop = b"x" if b"Length" in framing else b"1\r\nx\r\n"
    async with site(parser, Patience(headers=60.0, body=QUICK, idle=60.0)) as served:
        slow = await served.connect(b"POST /body HTTP/1.1\r\nHost: localhost\r\n" + framing)
        assert await slow.trickles(drop) == b""
        assert served.bodies == []


async def test_attack_110_an_answer_that_nobody_reads_has_a_deadline(parser: type[asyncio.Protocol]) -> None:
    async with site(parser, Patience(headers=60.0, idle=60.0, reading=QUICK)) as served:
        deaf = await served.connect(b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert await deaf.status() == b"200"
        deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]
        lost = asyncio.ensure_future(deaf.writer.wait_closed())
        async with asyncio.timeout(ENDS):
            while not (await asyncio.wait({lost}, timeout=QUICK / 10))[0]:
                deaf.writer.write(b"G")
        with pytest.raises(ConnectionError):
            lost.result()


async def test_attack_110_one_address_leaves_places_to_the_others(parser: type[asyncio.Protocol]) -> None:
    """Streams are calls at work, which make no room: so many of one address are all that it gets."""
    async with site(parser, most=20, most_of_one=16) as served:
        streams = [await served.connect(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n") for _ in range(16)]
        for one in streams:
            assert await one.status() == b"200"
        assert await (await served.connect(ASKED)).status() == b"503"
        assert await (await served.connect(ASKED, "127.0.0.2")).status() == b"200"


async def test_attack_110_streams_and_waiting_calls_are_not_cut(parser: type[asyncio.Protocol]) -> None:
    """They outlast every deadline of their neighbours, which end meanwhile, and their places are not taken."""
    quick = Patience(headers=QUICK, body=QUICK, idle=QUICK, reading=QUICK)
    async with site(parser, quick) as served:
        stream = await served.connect(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        call = await served.connect(b"POST /wait HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
        assert (await stream.status(), await call.status()) == (b"200", b"200")
        for _ in range(3):
            junk = [await served.connect(HALF) for _ in range(60)]
            for one in junk:
                await one.rest()
        served.go_on.set()
        assert b"done" in await stream.rest()
        assert b"done" in await call.rest()


async def test_attack_110_a_large_body_that_keeps_coming_is_taken(parser: type[asyncio.Protocol]) -> None:
    """Each byte that arrives lengthens its time; here the first piece by far more than there was."""
    async with site(parser, Patience(headers=60.0, body=QUICK, rate=100.0, idle=60.0)) as served:
        slow = await served.connect(
            b"POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1001\r\n\r\n" + b"x" * 1000
        )
        for _ in range(2):
            assert (
                await (await served.connect(b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n")).rest()
                == b""
            )
        slow.writer.write(b"x")
        assert await slow.status() == b"200"
        assert served.bodies == [1001]

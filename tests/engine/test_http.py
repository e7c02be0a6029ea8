"""What of the HTTP server can be seen without running it whole."""

from __future__ import annotations

import asyncio
import socket

import pytest

from maton_mailgun.errors import SetupError
from maton_mailgun.protocol.callers import principal_of
from maton_mailgun.protocol.http import listening, parse_address


@pytest.mark.anyio
async def test_answers_leave_at_once() -> None:
    """An answer goes out in two pieces; with Nagle's algorithm the second may wait 40 ms for the first to be heard."""
    # The writer is kept, not its socket alone: since Python 3.13 a writer that nobody holds closes its connection.
    accepted: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

    def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.put_nowait(writer)

    with listening("127.0.0.1", 0) as listener:
        async with await asyncio.start_server(connected, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            ours = await accepted.get()
            assert ours.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            ours.close()
            writer.close()


@pytest.mark.parametrize(
    ("address", "parsed"),
    [
        ("127.0.0.1:8000", ("127.0.0.1", 8000)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:65535", ("::1", 65535)),
        ("mcp.example.com:80", ("mcp.example.com", 80)),
    ],
)
def test_an_address_is_host_and_port(address: str, parsed: tuple[str, int]) -> None:
    assert parse_address(address) == parsed


@pytest.mark.parametrize(
    "address", ["", "8000", ":8000", "host", "host:", "host:x", "host:-1", "host:65536", "::1:80", "[::1]", "h:٣"]
)
def test_anything_else_is_refused(address: str) -> None:
    with pytest.raises(SetupError, match=r"Give HOST:PORT"):
        parse_address(address)


def test_a_principal_tells_tokens_apart_and_does_not_tell_them() -> None:
    one, other = "a" * 40, "b" * 40
    assert principal_of(one) == principal_of(one) != principal_of(other)
    assert one[:8] not in principal_of(one)

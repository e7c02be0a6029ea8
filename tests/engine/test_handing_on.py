"""Requests that come over a connection while another one is answered there: looked at once that has ended."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from maton_mailgun.connection_limits import ConnectionLimits

pytestmark = pytest.mark.anyio
FIRST = b"POST /mcp HTTP/1.1\r\n\r\n"


class Wire(asyncio.Transport):
    """A connection, and what was done with it."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 5)})
        self.done: list[Any] = []

    def write(self, data: Any) -> None:
        self.done.append(data)

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return "close" in self.done

    def close(self) -> None:
        self.done.append("close")

    def pause_reading(self) -> None:
        self.done.append("pause")

    def resume_reading(self) -> None:
        self.done.append("resume")


class Parser(asyncio.Protocol):
    """Takes in what is not handed on."""

    def __init__(self) -> None:
        self.got: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.got.append(data)


async def app(*_: Any) -> None:
    """Answers nothing by itself."""


@pytest.mark.parametrize("pieces", [(b"POST /elsewhere HTTP/1.1\r\n\r\n",), (b"POST /else", b"where HTTP/1.1\r\n\r\n")])
@pytest.mark.parametrize("elsewhere", [True, False])
async def test_a_request_that_comes_early_goes_where_it_belongs_after_the_answer(
    pieces: tuple[bytes, ...], elsewhere: bool
) -> None:
    handed: list[bytes] = []
    parser, wire = Parser(), Wire()

    def hand_on(transport: asyncio.Transport, head: bytes) -> bool:
        if not elsewhere or b"elsewhere" not in head or transport.get_write_buffer_size():
            return False
        handed.append(head)
        return True

    limits = ConnectionLimits(app, parser=lambda: parser, hand_on=hand_on)  # type: ignore[arg-type]
    held: Any = limits.protocol()
    held.connection_made(wire)
    held.data_received(FIRST)
    held.called(has_body=False)
    for piece in pieces:
        held.data_received(piece)
    assert (parser.got, handed, wire.done) == ([FIRST], [], ["pause"] * len(pieces))
    parser.transport.write(b"answer")  # type: ignore[attr-defined]
    held.answered()
    early = b"".join(pieces)
    assert (parser.got, handed) == (([FIRST], [early]) if elsewhere else ([FIRST, early], []))
    assert wire.done[len(pieces) :] == ["resume", b"answer", *(["close"] if elsewhere else [])]
    held.connection_lost(None)

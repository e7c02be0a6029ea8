"""What is written within one turn of the loop leaves as one piece; nothing of it is lost or changes its place."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from maton_mailgun.gathered_writes import MOST_GATHERED, GatheredWrites

pytestmark = pytest.mark.anyio


class Wire(asyncio.Transport):
    """Notes what reaches it."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[bytes | str] = []

    def write(self, data: Any) -> None:
        self.done.append(data)

    def close(self) -> None:
        self.done.append("closed")

    def abort(self) -> None:
        self.done.append("aborted")

    def get_write_buffer_size(self) -> int:
        return 7


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_pieces_of_one_turn_leave_together_and_those_of_the_next_after_them() -> None:
    wire = Wire()
    gathered = GatheredWrites(wire)
    gathered.write(b"head ")
    gathered.write(bytearray(b"body"))
    assert (wire.done, gathered.get_write_buffer_size()) == ([], 16)
    await asyncio.sleep(0)
    gathered.write(b"next")
    await asyncio.sleep(0)
    assert (wire.done, gathered.get_write_buffer_size()) == ([b"head body", b"next"], 7)


async def test_much_is_written_at_once_so_that_who_writes_learns_that_it_is_not_read() -> None:
    wire = Wire()
    gathered = GatheredWrites(wire)
    gathered.write(b"a" * (MOST_GATHERED - 1))
    assert wire.done == []
    gathered.write(b"b")
    assert wire.done == [b"a" * (MOST_GATHERED - 1) + b"b"]


async def test_closing_writes_first_and_breaking_off_does_not() -> None:
    closed, broken = Wire(), Wire()
    for wire, end in ((closed, GatheredWrites.close), (broken, GatheredWrites.abort)):
        gathered = GatheredWrites(wire)
        gathered.write(b"answer")
        end(gathered)
        await asyncio.sleep(0)
    assert (closed.done, broken.done) == ([b"answer", "closed"], ["aborted"])

"""Attacks between the workers of one server. 405: passphrases are guessed at the page of each, and counted apart. 406:
a stranger's mail is read by one, and the address in it written to by another. 431: what a connection that is
handed on brings along lies on a disk. 432: a worker that had read a mail ends.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import copy

import httpx2
import pytest

from maton_mailgun.heard import Heard, Source
from maton_mailgun.protocol.entrance import Entrance
from maton_mailgun.protocol.served_names import ServedNames
from maton_mailgun.protocol.siblings import Siblings, WorkerPlace, channels

from .bench import Desk

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no workers where no process forks"),
]
MAIL = {"from": "Dave <dave@example.net>", "subject": "My order", "text": "Send it to drop@evil-drop.example."}
NOTED = Source("the mail “My order” from Dave <dave@example.net>", "key")


class Connected(asyncio.Transport):
    """A connection with nothing left to write."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__({"socket": connection})

    def get_write_buffer_size(self) -> int:
        return 0


@pytest.fixture
async def two() -> AsyncIterator[tuple[Heard, Heard]]:
    """What two workers heard: one process forked into both, so they have one key."""
    links, (alive, held) = channels(2), os.pipe()
    first = Heard()
    second = copy(first)
    second._known = {}
    here, there = (Siblings(WorkerPlace(number, links, alive)) for number in (0, 1))
    first.others, second.others = here, there
    there.listen(lambda *_: None, second.learn)
    yield first, second
    there.close()
    for one in (*links[0], *links[1]):
        one.close()
    os.close(alive)
    os.close(held)


async def test_attack_406_every_worker_knows_at_once_what_another_has_told_its_caller(two: tuple[Heard, Heard]) -> None:
    first, second = two
    await first.noted("ann", "mail", {"storage_key": "key"}, MAIL)
    assert second.of_address("ann", "Drop@evil-drop.example") == NOTED
    assert second.of_host("ann", "evil-drop.example") == NOTED
    assert second.of_address("bob", "drop@evil-drop.example") is None


async def test_attack_406_however_much_one_mail_names(two: tuple[Heard, Heard]) -> None:
    first, second = two
    many = " ".join(f"drop{number}@evil-{number}.example" for number in range(900))
    async with asyncio.timeout(5):
        await first.noted("ann", "mail", {"storage_key": "key"}, {**MAIL, "text": many})
    assert second.of_address("ann", "drop899@evil-899.example") == NOTED


async def test_attack_432_a_worker_that_replaces_another_knows_what_the_others_heard(
    two: tuple[Heard, Heard],
) -> None:
    first, second = two
    await first.noted("ann", "mail", {"storage_key": "key"}, MAIL)
    assert second.of_address("ann", "drop@evil-drop.example") == NOTED
    assert isinstance(first.others, Siblings)
    place = first.others.place
    first.others.listen(lambda *_: None, first.learn, first.everything)
    anew = Heard()
    anew._key = first._key
    anew.others = begun = Siblings(WorkerPlace(1, place.channels, place.parent, replaces=True))
    second.others.close()  # type: ignore[union-attr]
    told = asyncio.Event()

    def learn(said: bytes) -> None:
        anew.learn(said)
        told.set()

    begun.listen(lambda *_: None, learn, anew.everything)
    await asyncio.wait_for(told.wait(), 5)
    assert anew.of_address("ann", "drop@evil-drop.example") == NOTED
    first.others.close()
    begun.close()


@pytest.mark.parametrize(("worker", "status"), [(0, 200), (1, 404)])
@pytest.mark.parametrize("path", ["/approvals/", "/%61pprovals/"])
async def test_attack_405_the_page_is_served_by_the_first_alone(
    worker: int, status: int, path: str, desk: Desk
) -> None:
    async with desk.open() as house:
        front = Entrance(house.engine, ServedNames("127.0.0.1", 8000, None), WorkerPlace(worker, (), 0))
        transport = httpx2.ASGITransport(app=front)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
            assert (await client.get(path)).status_code == status


@pytest.mark.skipif(sys.platform != "linux", reason="there are no files in memory here")
async def test_attack_431_a_token_that_is_handed_on_is_written_to_no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("maton_mailgun.protocol.siblings.tempfile.TemporaryFile", full)
    asked = b"GET /approvals/ HTTP/1.1\r\nAuthorization: Bearer secret\r\nX: " + b"x" * 60_000 + b"\r\n\r\n"
    async with handing_on() as (here, handed, transport):
        assert here.hand_on(transport, asked)
        assert await asyncio.wait_for(handed, 5) == asked


async def test_a_worker_that_stops_answers_for_itself_what_it_would_hand_on() -> None:
    """The others stop too: what they were handed then, nobody would answer."""
    asked = b"GET /approvals/ HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with handing_on() as (here, handed, transport):
        assert here.hand_on(transport, asked)
        assert await handed == asked
        here.close()
        assert not here.hand_on(transport, asked)


@asynccontextmanager
async def handing_on() -> AsyncIterator[tuple[Siblings, asyncio.Future[bytes], Connected]]:
    """A worker, what the first one is handed, and a connection of the former."""
    links, (alive, held) = channels(2), os.pipe()
    here, there = (Siblings(WorkerPlace(number, links, alive)) for number in (1, 0))
    mine, theirs = socket.socketpair()
    handed: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def taken(connection: socket.socket, head: bytes) -> None:
        connection.close()
        handed.set_result(head)

    there.listen(taken, lambda _: None)
    here.listen(lambda *_: None, lambda _: None)
    try:
        yield here, handed, Connected(mine)
    finally:
        there.close()
        for one in (mine, theirs, *links[0], *links[1]):
            one.close()
        os.close(alive)
        os.close(held)

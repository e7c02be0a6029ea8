"""Connections between the workers of one server: each request goes to the worker that has what it needs.

What 2026-07-28 clients ask, any worker answers. An earlier client has a session with one of them, and the approval page
with who is signed in, and how often a passphrase was tried, is kept by the first alone. A worker that reads the head of
such a request hands its connection on, as it is and with what was read: it is looked at there as if it had come there.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import re
import socket
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from maton_mailgun.config import PAGE_PREFIX

log = logging.getLogger(__name__)

PAGE_WORKER = 0
_MOST_INLINE = 32 * 1024
"""Bytes that travel with the connection; what is longer goes through a file without a name."""
_MOST_READ = 1 << 20
_AGAIN_SECONDS = 0.005
_MOST_TRIES = 1_000
"""Of handing one on while the other worker is busy or being replaced: five seconds."""
_PAGE = re.compile(rb"[A-Z]+ " + re.escape(PAGE_PREFIX.encode("ascii")) + rb"[/? ]")
_SESSION = re.compile(rb"^mcp-session-id:[ \t]*([0-9]{1,2})\.", re.IGNORECASE | re.MULTILINE)

Channel = tuple[socket.socket, socket.socket]
"""Where one worker is sent to, its own end first. All are made before any worker is: who takes the place of another
finds there what was sent meanwhile."""
Take = Callable[[socket.socket, bytes], None]
Learn = Callable[[bytes], None]
Known = Callable[[], Iterable[bytes]]


def channels(number: int) -> list[Channel]:
    """One for each worker."""
    made = []
    for _ in range(number):
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        mine.setblocking(False)
        theirs.setblocking(False)
        made.append((mine, theirs))
    return made


@dataclass(frozen=True, slots=True)
class WorkerPlace:
    """Which worker this is.

    Args:
        number: From 0 on.
        channels: Of all.
        parent: Readable once the process that began the workers is gone.
        replaces: Whether it takes the place of one that ended.
    """

    number: int
    channels: Sequence[Channel]
    parent: int
    replaces: bool = False

    @property
    def has_page(self) -> bool:
        """Whether the approval page is here."""
        return self.number == PAGE_WORKER

    @property
    def prefix(self) -> bytes:
        """How the ids of sessions begin that are here."""
        return b"%d." % self.number

    def elsewhere(self, head: bytes) -> int | None:
        """Which other worker a request is for, by its head; None where it may stay."""
        if _PAGE.match(head):
            wanted = PAGE_WORKER
        elif found := _SESSION.search(head):
            wanted = int(found[1])
        else:
            return None
        return wanted if wanted != self.number and wanted < len(self.channels) else None


class Siblings:
    """What one worker hands to the others and gets from them.

    Args:
        place: Which one it is.
    """

    def __init__(self, place: WorkerPlace) -> None:
        self.place = place
        self._inbox = place.channels[place.number][0]
        self._take: Take | None = None
        self._learn: Learn | None = None
        self._known: Known = tuple
        self._sending: set[asyncio.Task[None]] = set()

    def listen(self, take: Take, learn: Learn, known: Known = tuple) -> None:
        """Have each connection that is handed here taken over, with what was read of it, and what is told learned.

        Args:
            known: All that was learned here, for one that begins anew.
        """
        self._take, self._learn, self._known = take, learn, known
        asyncio.get_running_loop().add_reader(self._inbox, self.catch_up)
        if self.place.replaces:
            # All that they know.
            self._in_background(self._to_others(b"a%d" % self.place.number))  # guard: 432-asked

    def close(self) -> None:
        """Take no more, and hand nothing on; what comes yet waits for the worker that is next."""
        asyncio.get_running_loop().remove_reader(self._inbox)
        self._take = None

    async def tell(self, said: bytes) -> None:
        """Have each other worker learn this: it is in their hands when this returns."""
        await self._to_others(b"h" + said)

    async def _to_others(self, said: bytes) -> None:
        for number in range(len(self.place.channels)):
            if number != self.place.number:
                await self._deliver(number, said, ())

    async def _tell_all(self, number: int) -> None:
        for said in self._known():
            await self._deliver(number, b"h" + said, ())

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="siblings")
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    def hand_on(self, transport: asyncio.Transport, head: bytes) -> bool:
        """Give a connection to the worker that its request is for. Whether it is given away; close it here then."""
        to = self.place.elsewhere(head)
        sock = transport.get_extra_info("socket")
        if self._take is None or to is None or sock is None or transport.get_write_buffer_size():
            return False
        self._in_background(self._send(to, os.dup(sock.fileno()), head))
        return True

    async def _send(self, to: int, connection: int, head: bytes) -> None:
        files = [connection]
        try:
            if len(head) > _MOST_INLINE:
                files.append(_kept(head))
                head = b""
            await self._deliver(to, b"c" + head, files)
        finally:
            for one in files:
                os.close(one)

    async def _deliver(self, to: int, said: bytes, files: Sequence[int]) -> None:
        why = "it takes nothing"
        for _ in range(_MOST_TRIES):
            try:
                socket.send_fds(self.place.channels[to][1], [said], files)
            except (BlockingIOError, InterruptedError):
                await asyncio.sleep(_AGAIN_SECONDS)
            except OSError as problem:
                if problem.errno != errno.ENOBUFS:
                    why = type(problem).__name__
                    break
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                return
        log.warning("another worker could not be given something", extra={"worker": to, "why": why})

    def catch_up(self) -> None:
        """Take over and learn what has come."""
        while True:
            try:
                said, files, _, _ = socket.recv_fds(self._inbox, _MOST_INLINE + 1, 2)
            except (BlockingIOError, InterruptedError):
                return
            if said[:1] == b"h":
                if self._learn is not None:
                    self._learn(said[1:])
                continue
            if said[:1] == b"a":
                self._in_background(self._tell_all(int(said[1:])))
            if not files:
                continue
            connection = socket.socket(fileno=files[0])
            head = said[1:]
            if len(files) > 1:
                with os.fdopen(files[1], "rb") as kept:
                    head = os.pread(kept.fileno(), _MOST_READ, 0)
            connection.setblocking(False)
            if self._take is None:
                connection.close()
            else:
                self._take(connection, head)


def _kept(head: bytes) -> int:
    """A file without a name that holds this: in memory where the system has such, as it may hold somebody's token."""
    if sys.platform == "linux":  # guard: 431-memory
        with os.fdopen(os.memfd_create("handed-on"), "wb") as kept:
            kept.write(head)
            kept.flush()
            return os.dup(kept.fileno())
    with tempfile.TemporaryFile() as kept:
        kept.write(head)
        kept.flush()
        return os.dup(kept.fileno())

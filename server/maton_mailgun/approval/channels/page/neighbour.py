"""The page that another process of this user serves for the same approvals: asked to show one more of them.

It listens on a socket in the state directory, which is nobody else's. All it can be asked for is one approval, by its
id, and all it does is to show that one in the user's browser.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from maton_mailgun.approval.channels.page.baton import Opened

log = logging.getLogger(__name__)

NAME = "page.sock"
_SECONDS = 8.0
"""For an answer; a browser is given five."""
_LONGEST = 200


async def opened_by_neighbour(home: Path, approval_id: str) -> Opened | None:
    """How another page shows this approval in the browser, opened there now unless it was; None where there is none."""
    path = home / NAME
    if sys.platform == "win32" or not path.exists():
        return None
    try:
        async with asyncio.timeout(_SECONDS):
            reader, writer = await asyncio.open_unix_connection(path)
            try:
                writer.write(approval_id.encode("ascii") + b"\n")
                answer = (await reader.readline()).strip()
            finally:
                writer.close()
    except (OSError, ValueError, TimeoutError):
        return None
    ways: dict[bytes, Opened] = {b"link": "link", b"passphrase": "passphrase"}
    return ways.get(answer)


class Neighbour:
    """The answering end.

    Args:
        home: The state directory.
        opens: Shows an approval in the browser and says how.
    """

    def __init__(self, home: Path, opens: Callable[[str], Awaitable[Opened | None]]) -> None:
        self._path = home / NAME
        self._opens = opens
        self._server: asyncio.Server | None = None
        self._mark: tuple[int, int] | None = None

    async def listen(self) -> None:
        """Answer from now on, unless somebody else does already, or the directory's path is too long for a socket."""
        if await _answers(self._path):
            return
        before = os.umask(0o177)  # guard: 108-umask
        try:
            # What lies there and answers nobody is removed by asyncio.
            self._server = await asyncio.start_unix_server(self._answer, self._path, limit=_LONGEST)
            self._mark = _mark(self._path)
        except OSError:
            self._server = None
        finally:
            os.umask(before)

    async def close(self) -> None:
        """Answer no more."""
        if self._server is None:
            return
        self._server.close()
        if self._mark is not None and _mark(self._path) == self._mark:
            self._path.unlink(missing_ok=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_SECONDS):
                asked = (await reader.readline()).strip().decode("ascii")
                writer.write(f"{await self._opens(asked) or ''}\n".encode("ascii"))
                await writer.drain()
        except Exception as problem:  # guard: 189-said
            # Whatever it is, such as a store that fails: who asks opens a page of its own.
            log.info("an approval could not be shown for another process", extra={"why": type(problem).__name__})
        finally:
            writer.close()


async def _answers(path: Path) -> bool:
    try:
        async with asyncio.timeout(1.0):
            _, writer = await asyncio.open_unix_connection(path)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def _mark(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino

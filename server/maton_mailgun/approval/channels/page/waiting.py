"""Long polls that hold nothing open longer than somebody waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from starlette.requests import Request

T = TypeVar("T")


class Waiting:
    """Waits on behalf of requests, a bounded number at once, until the server closes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._now = 0
        self._closing = asyncio.Event()

    def close(self) -> None:
        """End all waiting, now and from now on."""
        self._closing.set()

    async def for_(self, work: Coroutine[Any, Any, T], request: Request) -> T | None:
        """The result of `work`; None when too many wait already, the caller has gone or the server closes."""
        if self._now >= self._most or self._closing.is_set():
            work.close()
            return None
        working = asyncio.ensure_future(work)
        others = [asyncio.ensure_future(_gone(request)), asyncio.ensure_future(self._closing.wait())]
        self._now += 1
        try:
            await asyncio.wait({working, *others}, return_when=asyncio.FIRST_COMPLETED)
            return working.result() if working.done() else None
        finally:
            self._now -= 1
            for task in (working, *others):
                task.cancel()
            if not working.done():
                with suppress(asyncio.CancelledError):
                    await working


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass

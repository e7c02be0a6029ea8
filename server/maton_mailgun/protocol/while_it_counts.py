"""A stream that ends when the token it was opened with does: what is told on it later is for nobody who may hear it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOK_SECONDS = 30.0
"""How often the time is looked at; a wait of one piece would not notice that a machine slept."""


async def while_it_counts(
    within: ASGIApp,
    scope: Scope,
    receive: Receive,
    send: Send,
    ends: int | None,
    clock: Callable[[], float] = time.time,
) -> None:
    """Go on with `within` as if its client left, once the token of the request counts no more.

    Args:
        ends: When that is, Unix seconds; None for never.
        clock: Unix seconds.
    """
    if ends is None:
        await within(scope, receive, send)
        return
    over = asyncio.create_task(_passed(float(ends), clock), name="token-counts")
    open_answer = False

    async def heard() -> Message:
        next_one = asyncio.ensure_future(receive())
        try:
            await asyncio.wait({next_one, over}, return_when=asyncio.FIRST_COMPLETED)
            if not over.done():  # guard: 419-over
                return await next_one
            return {"type": "http.disconnect"}
        finally:
            next_one.cancel()

    async def said(message: Message) -> None:
        nonlocal open_answer
        open_answer = message["type"] == "http.response.start" or bool(message.get("more_body"))
        await send(message)

    try:
        await within(scope, heard, said)
        if open_answer and over.done():
            await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        over.cancel()


async def _passed(ends: float, clock: Callable[[], float]) -> None:
    while True:
        left = ends - clock()
        if left <= 0:
            return
        await asyncio.sleep(min(left, LOOK_SECONDS))

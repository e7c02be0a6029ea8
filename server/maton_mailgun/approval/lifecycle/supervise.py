"""Keeps a task of the background going: what fails unforeseen is said in the log and begun again, after a while."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 60.0
CALM_SECONDS = 120.0
"""Who worked this long is not the one that failed before: the next pause is short again."""


async def keep_running(
    name: str, work: Callable[[], Awaitable[None]], *, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> None:
    """Run `work` again and again until this is cancelled.

    Args:
        name: What it does, for the log.
        work: Ends only by an exception.
        pause: Waits, in seconds.
    """
    loop = asyncio.get_running_loop()
    seconds = FIRST_PAUSE
    while True:
        begun = loop.time()
        try:
            await work()
        except Exception as failure:
            why = type(failure).__name__
        else:
            why = "it ended"
        if loop.time() - begun > CALM_SECONDS:
            seconds = FIRST_PAUSE
        log.error("a task of the background failed", extra={"task": name, "why": why, "again_in": seconds})
        await pause(seconds)
        seconds = min(seconds * 2, LONGEST_PAUSE)

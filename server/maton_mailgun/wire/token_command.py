"""A fresh access token from the operator's own command, such as `maton token` (Maton's changelog: it prints a valid
one, renewed if it had expired, and ends with another status than 0 where it has none).

The command runs without a shell, one run at a time, with nothing on standard input and away from the folder this server
was started in. Neither the command nor what it prints stands in any message, error or log line.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import deque
from collections.abc import Callable, Sequence

from maton_mailgun.bounded_run import RunFailed, printed, program
from maton_mailgun.errors import TokenCommandFailed

log = logging.getLogger(__name__)

SECONDS = 20.0
"""For one run: it may have to ask Maton for a new token."""
KEPT_SECONDS = 600.0
"""How long a token is used before the command is asked again, so that a write is seldom the first to hear it is old."""
_MOST = 16_384
_TOKEN = re.compile(rb"[!-~]{1,8192}")
"""What can stand in a header as one word."""


class TokenCommand:
    """Runs the command, and keeps what it printed for a while.

    Args:
        command: Program and arguments.
        path: Directories in which a program without one is looked for.
        seconds: How long one run may take.
        clock: A monotonic clock, in seconds.
    """

    def __init__(
        self,
        command: Sequence[str],
        path: Sequence[str],
        *,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._command = tuple(command)
        self._path = tuple(path)
        self._seconds = seconds
        self._clock = clock
        self._token: str | None = None
        self._at = 0.0
        self._running: asyncio.Task[str] | None = None
        self._seen: deque[str] = deque(maxlen=8)

    @property
    def secrets(self) -> list[str]:
        """The tokens of late: what must stand in nothing that anybody is told."""
        return [*self._seen]

    async def token(self, refused: str | None = None) -> str:
        """A token, from a new run where there is none, the last one is old, or it is the one that was refused.

        Raises:
            TokenCommandFailed: The command printed none.
        """
        known = self._token
        if known is not None and known != refused and self._clock() - self._at < KEPT_SECONDS:
            return known
        if self._running is None:
            self._running = asyncio.create_task(self._renewed(), name="token command")
            self._running.add_done_callback(self._ended)
        # Many calls at once share one run; a call that is given up takes none of the others with it.
        return await asyncio.shield(self._running)  # guard: 216-one-run

    async def aclose(self) -> None:
        """End a run that is still going on."""
        if (running := self._running) is not None:
            running.cancel()
            await asyncio.wait({running})

    def _ended(self, task: asyncio.Task[str]) -> None:
        self._running = None
        if not task.cancelled():
            task.exception()

    async def _renewed(self) -> str:
        try:
            command = (program(self._command[0], self._path), *self._command[1:])
            said = await printed(command, seconds=self._seconds, most=_MOST, meant="a token")
        except RunFailed as failure:
            raise TokenCommandFailed(failure.why) from None
        log.info("a token was handed out by the command")
        found = _TOKEN.fullmatch(said.strip())  # guard: 217-one-word
        if found is None:
            why = "printed nothing" if not said.strip() else "printed something that is no token alone"
            raise TokenCommandFailed(why)
        self._token, self._at = found[0].decode("ascii"), self._clock()
        if self._token not in self._seen:
            self._seen.append(self._token)
        return self._token

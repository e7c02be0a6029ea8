"""A fresh access token from the operator's own command, such as `maton token` (Maton's changelog: it prints a valid
one, renewed if it had expired, and ends with another status than 0 where it has none).

The command runs without a shell, one run at a time, with nothing on standard input and away from the folder this server
was started in. Neither the command nor what it prints stands in any message, error or log line.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import shutil
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from maton_mailgun.errors import TokenCommandFailed

log = logging.getLogger(__name__)

SECONDS = 20.0
"""For one run: it may have to ask Maton for a new token."""
KEPT_SECONDS = 600.0
"""How long a token is used before the command is asked again, so that a write is seldom the first to hear it is old."""
_ENDING_SECONDS = 1.0
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
        printed = await self._run(self._program())
        found = _TOKEN.fullmatch(printed.strip())  # guard: 217-one-word
        if found is None:
            why = "printed nothing" if not printed.strip() else "printed something that is no token alone"
            raise TokenCommandFailed(why)
        self._token, self._at = found[0].decode("ascii"), self._clock()
        if self._token not in self._seen:
            self._seen.append(self._token)
        return self._token

    def _program(self) -> str:
        """The program's place. Never the working directory, which may be somebody else's.

        Raises:
            TokenCommandFailed: There is none.
        """
        name = self._command[0]
        if os.path.isabs(name):
            return name
        folders = [folder for folder in self._path if os.path.isabs(folder)]  # guard: 218-not-here
        if os.path.basename(name) == name:
            found = shutil.which(name, path=os.pathsep.join(folders)) if folders else None
            # Windows looks in the working directory first, whatever the path says.
            if found is not None and os.path.dirname(found) in folders:
                return found
        raise TokenCommandFailed("names no program on PATH; give its full path")

    async def _run(self, program: str) -> bytes:
        """What the command printed.

        Raises:
            TokenCommandFailed: It could not be started, took too long, printed too much or ended with an error.
        """
        alone: dict[str, Any] = {"start_new_session": True} if os.name == "posix" else {}
        try:
            process = await asyncio.create_subprocess_exec(
                program,
                *self._command[1:],
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                # What it complains of may hold what it was given: the operator sees it by running it in a terminal.
                stderr=asyncio.subprocess.DEVNULL,
                cwd=Path(sys.executable).anchor or None,  # guard: 218-away
                **alone,
            )
        except (OSError, ValueError):
            raise TokenCommandFailed("could not be started") from None
        try:
            async with asyncio.timeout(self._seconds):
                assert process.stdout is not None  # noqa: S101 - for the type
                printed = b""
                while len(printed) <= _MOST and (more := await process.stdout.read(_MOST)):
                    printed += more
                if len(printed) > _MOST:
                    raise TokenCommandFailed("printed far more than a token")
                status = await process.wait()
        except TimeoutError:
            raise TokenCommandFailed(f"did not end within {self._seconds:g} seconds") from None
        finally:
            await _end(process)
        if status != 0:  # guard: 217-status
            raise TokenCommandFailed(f"ended with status {status}")
        log.info("a token was handed out by the command")
        return printed


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a run, with what it started, unless it has ended."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.name == "posix":
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
    assert process.stdout is not None  # noqa: S101 - for the type
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_ENDING_SECONDS):
            # asyncio calls a process ended once its pipe is, which is full where it printed much.
            while await process.stdout.read(_MOST):
                pass
            await process.wait()
            return
    # Something of another session holds the pipe: it is let go.
    process._transport.close()  # type: ignore[attr-defined]

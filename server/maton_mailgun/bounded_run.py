"""A program of the operator's, run with bounds: without a shell, for a time, away from the folder this server was
started in, and with nothing of it in any message.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_ENDING_SECONDS = 1.0
_READ_SIZE = 16_384


class RunFailed(Exception):
    """It did not do what it was run for. `why` names neither the command nor what it printed."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def program(name: str, path: Sequence[str]) -> str:
    """A program's place. Never the working directory, which may be somebody else's.

    Args:
        name: A full path, or a name.
        path: The folders in which a name is looked for.

    Raises:
        RunFailed: There is none.
    """
    if os.path.isabs(name):
        return name
    folders = [folder for folder in path if os.path.isabs(folder)]  # guard: 218-not-here
    if os.path.basename(name) == name:
        found = shutil.which(name, path=os.pathsep.join(folders)) if folders else None
        # Windows looks in the working directory first, whatever the path says.
        if found is not None and os.path.dirname(found) in folders:
            return found
    raise RunFailed("names no program on PATH; give its full path")


async def printed(
    command: Sequence[str],
    *,
    seconds: float,
    most: int,
    meant: str,
    given: bytes = b"",
    environ: Mapping[str, str] | None = None,
) -> bytes:
    """What a command printed.

    Args:
        command: A program's place and its arguments.
        seconds: How long it may take.
        most: The bytes it may print.
        meant: What it is to print, in words.
        given: What it reads on its standard input.
        environ: Its environment; ours unless given.

    Raises:
        RunFailed: It could not be started, took too long, printed too much or ended with an error.
    """
    alone: dict[str, Any] = {"start_new_session": True} if os.name == "posix" else {}
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE if given else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            # What it complains of may hold what it was given: the operator sees it by running it in a terminal.
            stderr=asyncio.subprocess.DEVNULL,
            cwd=Path(sys.executable).anchor or None,  # guard: 218-away
            env=environ,
            **alone,
        )
    except (OSError, ValueError):
        raise RunFailed("could not be started") from None
    try:
        async with asyncio.timeout(seconds):
            await _give(process, given)
            assert process.stdout is not None  # noqa: S101 - for the type
            found = b""
            while len(found) <= most and (more := await process.stdout.read(_READ_SIZE)):
                found += more
            if len(found) > most:
                raise RunFailed(f"printed far more than {meant}")
            status = await process.wait()
    except TimeoutError:
        raise RunFailed(f"did not end within {seconds:g} seconds") from None
    finally:
        await _end(process)
    if status != 0:  # guard: 217-status
        raise RunFailed(f"ended with status {status}")
    return found


async def _give(process: asyncio.subprocess.Process, given: bytes) -> None:
    if process.stdin is None:
        return
    # One that reads nothing of it may be content all the same.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(given)
        await process.stdin.drain()
    process.stdin.close()


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
            while await process.stdout.read(_READ_SIZE):
                pass
            await process.wait()
            return
    # Something of another session holds the pipe: it is let go.
    process._transport.close()  # type: ignore[attr-defined]

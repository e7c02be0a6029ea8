"""The approval page goes on when the server that opened it ends.

Many clients start a server for each call over stdio and end it with the call. A page that ended with it would be gone
before anybody could decide. So what is left to decide is handed to a process of its own: it goes on listening on the
same sockets, takes the decision, carries the write out as any server does, and ends when nothing on the page waits.

The key and what signs in travel through a pipe: neither a command line nor a file holds them. Not on Windows, where
sockets are not inherited that way: there the page ends with its server.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maton_mailgun.config import Settings, state_home
from maton_mailgun.search_path import as_here

if TYPE_CHECKING:
    from maton_mailgun.approval.channels.page import Baton, Opened
    from maton_mailgun.approval.gate import Gate
    from maton_mailgun.call import Engine

log = logging.getLogger(__name__)

AFTER_SECONDS = 8.0
"""For which the page is still there when all is decided: the tab shows how it ended."""
_LOOK_SECONDS = 0.5
_LONGEST = 26 * 3_600.0
"""A question stays open for 24 hours at most, and a yes may have to wait a little for the service."""
_PATHS = ("home", "policy", "attachments")
NO_SANDBOX = (
    "The built-in sandbox ended with the assistant's server, and this page cannot carry anything out in it. A yes is "
    "carried out by the next server with the sandbox, if it starts within five minutes."
)


async def hand_on(engine: Engine) -> None:
    """Leave the page to a process of its own where something on it waits. Called when a server over stdio ends."""
    gate = engine.opened
    if gate is None or not gate.ways.on_page() or sys.platform == "win32" or not sys.executable:
        return

    def start(baton: Baton, descriptors: Sequence[int]) -> None:
        _start(engine.settings, baton, descriptors)

    try:
        await gate.ways.hand_on(await _waiting(gate), start)
    except Exception as problem:
        # Whatever it is: the server ends as it would have ended, and `get_approval` opens another page.
        log.warning("the approval page ends with this server", extra={"why": type(problem).__name__})


async def _waiting(gate: Gate) -> set[str]:
    found = await gate.list(states={"pending", "held", "approved", "executing"}, limit=1_000)
    return {record.id for record in found}


def _start(settings: Settings, baton: Baton, descriptors: Sequence[int]) -> None:
    given = {"settings": _plain(settings), "baton": asdict(baton), "sockets": list(descriptors)}
    # A session of its own: hosts end the whole group of a server. Output leads nowhere, for the host's pipes close.
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own module
        [sys.executable, *as_here(), "-m", "maton_mailgun.lingering"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=descriptors,
        start_new_session=True,
    )
    assert process.stdin is not None  # noqa: S101 - for the type
    with process.stdin as pipe:
        pipe.write(json.dumps(given).encode("ascii"))
    # It is meant to outlive this process, which waits for nothing.
    process.returncode = 0


def _plain(settings: Settings) -> dict[str, Any]:
    kept = asdict(settings)
    return {**kept, **{name: str(kept[name]) for name in _PATHS if kept[name] is not None}}


def _settings(kept: dict[str, Any]) -> Settings:
    paths = {name: Path(kept[name]) for name in _PATHS if kept[name] is not None}
    toolsets = None if kept["toolsets"] is None else tuple(kept["toolsets"])
    lists = {name: tuple(kept[name]) for name in ("token_command", "notify", "command_path")}
    return Settings(**{**kept, **paths, **lists, "toolsets": toolsets})


def main() -> None:
    """Go on with the page that standard input describes."""
    given = json.loads(sys.stdin.buffer.read())
    sockets = [socket.socket(fileno=descriptor) for descriptor in given["sockets"]]
    gc.freeze()
    from maton_mailgun.approval.channels.page import Baton

    asyncio.run(_go_on(_settings(given["settings"]), Baton(**given["baton"]), sockets))


async def _go_on(settings: Settings, baton: Baton, sockets: list[socket.socket]) -> None:
    from maton_mailgun.approval.channels.page.neighbour import Neighbour
    from maton_mailgun.runtime import engine

    notice = NO_SANDBOX if settings.sandbox else None
    # Nothing is carried out in a sandbox that is not the one that was shown.
    built = engine(replace(settings, read_only=True) if settings.sandbox else settings)
    try:
        gate = await built.gate()
        await gate.ways.take_over(baton, sockets, notice)

        async def opens(approval_id: str) -> Opened | None:
            record = await gate.get(approval_id)
            return await gate.ways.show(record) if record is not None and record.state == "pending" else None

        neighbour = Neighbour(state_home(settings), opens)
        await neighbour.listen()
        try:
            await _until_nothing_waits(gate)
        finally:
            await neighbour.close()
    finally:
        await built.aclose()


async def _until_nothing_waits(gate: Gate) -> None:
    from maton_mailgun.approval.store.failures import StoreError

    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    began = last = loop.time()
    seen, waiting = -1, set[str]()
    while not stopping.is_set() and loop.time() - began < _LONGEST and loop.time() - last < AFTER_SECONDS:
        # A store that does not answer says nothing about what waits.
        with contextlib.suppress(StoreError):
            if (now := await gate.store.changed()) != seen:
                seen, waiting = now, await _waiting(gate)
            if not waiting.isdisjoint(gate.ways.on_page()):
                last = loop.time()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), _LOOK_SECONDS)


if __name__ == "__main__":
    main()

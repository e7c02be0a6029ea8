"""A process that has everything imported and forks a child for each approved write, to kill it at a chosen moment.

Reads one JSON command a line on standard input, answers one JSON line each. Forking keeps hundreds of deaths
affordable: a fresh interpreter for each would take minutes.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

from maton_mailgun import runtime
from maton_mailgun.approval.binding.keys import load_keys
from maton_mailgun.approval.gate import Gate
from maton_mailgun.approval.lifecycle.decide import Decision
from maton_mailgun.approval.lifecycle.services import Services
from maton_mailgun.approval.store.opening import open_store
from maton_mailgun.approval.store.record import State
from maton_mailgun.call import Engine
from maton_mailgun.catalogue.rows import load
from maton_mailgun.config import Settings
from maton_mailgun.exchange import Caller

YES = Decision(approve=True, level="operator", channel="cli", decider="tester")


async def open_gate(settings: Settings, later: float) -> tuple[Engine, Gate]:
    """An engine, and its gate whose clock is `later` seconds ahead: leases of dead processes have lapsed by then."""

    def clock() -> float:
        return time.time() + later

    engine = runtime.engine(settings)
    keys = load_keys(settings.home)
    store = await open_store(None, settings.home, keys, clock=clock)
    gate = Gate(engine, Services.over(engine, store, keys, clock=clock))
    engine._gate = gate
    return engine, gate


async def write_once(settings: Settings, call: dict[str, Any], ready: int, begin: int) -> None:
    """Propose one write, say that it waits, approve it when told to begin, carry it out."""
    engine, gate = await open_gate(settings, 0.0)
    # A principal each: what the dead leave pending must not count against the next one.
    caller = Caller(f"local:{os.getpid()}", "zygote")
    await engine.call(call["tool"], call["arguments"], caller)
    waiting: tuple[State, ...] = ("pending",)
    record = (await gate.list(principal=caller.principal, states=waiting))[0]
    os.write(ready, b"!")
    os.read(begin, 1)
    await gate.decide(record.id, YES)
    await gate.run(record.id)
    await gate.aclose()


async def recover(settings: Settings, later: float) -> None:
    """What a server does after a crash: open the gate and go on, until it is told to stop."""
    _, gate = await open_gate(settings, later)
    await gate.resume()
    await asyncio.Event().wait()


def forked(work: Any) -> int:
    """Run a coroutine in a child process; its id."""
    child = os.fork()
    if child:
        return child
    try:
        asyncio.run(work)
    finally:
        os._exit(0)


def killed(settings: Settings, command: dict[str, Any]) -> tuple[str, float]:
    """Start one approved write and kill it `delay` seconds after its approval began: with 0 before it, with None never.

    Returns how it ended, and how many seconds after its approval began.
    """
    (ready, saying), (begin, telling) = os.pipe(), os.pipe()
    child = forked(write_once(settings, command, saying, begin))
    os.close(saying)
    os.close(begin)
    try:
        if not select.select([ready], [], [], 60.0)[0]:
            return _ended(child, "never ready"), 0.0
        os.read(ready, 1)
        began = time.monotonic()
        if command["delay"] != 0:
            os.write(telling, b"!")
            # Ends early if the child ends by itself: the pipe closes with it.
            select.select([ready], [], [], command["delay"])
        return _ended(child), time.monotonic() - began
    finally:
        os.close(ready)
        os.close(telling)


def _ended(child: int, otherwise: str = "killed") -> str:
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return otherwise if os.WIFSIGNALED(status) else "finished"


def main() -> None:
    home, url = sys.argv[1:3]
    load()
    settings = Settings(api_key="sandbox-maton-key", api_url=url, home=Path(home), page=False)
    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] == "write":
            answer: Any = killed(settings, command)
        else:
            answer = forked(recover(settings, command["later"]))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

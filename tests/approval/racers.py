"""What the racing and dying processes of the tests do; each is a real process that imports this module."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
from collections.abc import Awaitable, Callable
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from maton_mailgun.approval.binding.keys import load_keys
from maton_mailgun.approval.binding.seal import seal
from maton_mailgun.approval.store.contract import Store
from maton_mailgun.approval.store.failures import BudgetSpent, Conflict, IllegalMove, StoreUnavailable
from maton_mailgun.approval.store.opening import open_store
from maton_mailgun.approval.store.record import Record

from .records import NOON, a_record


def with_store(url: str | None, home: Path, use: Callable[[Store], Awaitable[None]]) -> None:
    """Open the store as a process does, at noon, and use it."""

    async def run() -> None:
        store = await open_store(url, home, load_keys(home), clock=lambda: NOON)
        try:
            await use(store)
        finally:
            await store.close()

    asyncio.run(run())


def claim_each(url: str | None, home: Path, ids: list[str], starts: Barrier, results: Queue[Any]) -> None:
    """Claim one record after the other, each at the same moment as the other racers."""

    async def race(store: Store) -> None:
        won = []
        for approval_id in ids:
            record = await store.get(approval_id)
            if not isinstance(record, Record) or record.state != "approved":
                raise RuntimeError(f"{approval_id} was not ready: {record}")
            starts.wait()
            try:
                await store.claim(record, actor=f"process {os.getpid()}", lease_seconds=60, budgets=[("all", 1000)])
            except (Conflict, IllegalMove):
                pass
            else:
                won.append(approval_id)
            starts.wait()
        results.put(won)

    with_store(url, home, race)


def spend_budget(url: str | None, home: Path, ids: list[str], starts: Barrier, results: Queue[Any]) -> None:
    """Claim records of one's own until the common budget is used up."""

    async def race(store: Store) -> None:
        starts.wait()
        claimed = 0
        for approval_id in ids:
            record = await store.get(approval_id)
            if record is None:
                raise RuntimeError(f"{approval_id} is missing")
            try:
                await store.claim(record, actor="gate", lease_seconds=60, budgets=[("notes", 7)])
            except BudgetSpent:
                continue
            claimed += 1
        results.put(claimed)

    with_store(url, home, race)


def open_first(url: str | None, home: Path, ids: list[str], starts: Barrier, results: Queue[Any]) -> None:
    """Open a store that does not exist yet, and propose the same call as everybody."""

    async def race(store: Store) -> None:
        record, joined = await store.insert(a_record(), b"sealed", max_pending=10)
        results.put((record.id, joined))

    starts.wait()
    with_store(url, home, race)


STEPS = ("insert", "approve", "claim", "settle")


def die_after(url: str | None, home: Path, approval_id: str, step: str, inside: bool) -> None:
    """Go through a write and be killed right after `step`, or inside its transaction just before the commit."""

    async def live(store: Store) -> None:
        keys = load_keys(home)
        record = a_record(id=approval_id)
        envelope = seal(keys.seal, b"the request", approval_id=approval_id, digest=record.digest)
        for name in STEPS:
            if name == step and inside:
                _kill_before_commit(store)
            if name == "insert":
                record, _ = await store.insert(record, envelope, max_pending=1)
            elif name == "approve":
                record = await store.move(record, "approved", actor="ann", decided_at=NOON)
            elif name == "claim":
                record = await store.claim(record, actor="gate", lease_seconds=60, budgets=[("notes", 9)])
            else:
                record = await store.move(record, "succeeded", actor="gate")
            if name == step:
                os.kill(os.getpid(), signal.SIGKILL)

    with_store(url, home, live)


def _kill_before_commit(store: Store) -> None:
    """Let the next transaction run all its statements, and end the process instead of committing."""
    write = store.write  # type: ignore[attr-defined]

    def dying(script: Any) -> Any:
        yield from script
        os.kill(os.getpid(), signal.SIGKILL)

    store.write = lambda script: write(dying(script))  # type: ignore[attr-defined]


def write_with_limits(home: Path, file_bytes: int | None, user: int | None, results: Queue[Any]) -> None:
    """Propose calls until the store refuses, under a file size limit or as another user; then report its words."""
    if file_bytes is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    if user is not None:
        # Before, because the other user may not be able to read the interpreter's library.
        importlib.import_module("maton_mailgun.approval.store.sqlite")

        os.setuid(user)
    stored = 0

    async def fill(store: Store) -> None:
        nonlocal stored
        while True:
            await store.insert(a_record(digest=f"sha256:{stored}"), b"x" * 20_000, max_pending=10_000)
            stored += 1

    try:
        with_store(None, home, fill)
    except StoreUnavailable as error:
        results.put((stored, str(error)))

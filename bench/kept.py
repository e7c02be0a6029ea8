"""What a proposal and the list of what waits cost with 100, 10,000 and 100,000 finished approvals kept.

Run: `python bench/kept.py [--most 100000]`. Prints one table; exits with 1 where the largest database costs more than a
few times what the smallest one does.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from maton_mailgun.approval.binding.keys import load_keys
from maton_mailgun.approval.store import audit, table
from maton_mailgun.approval.store.audit import Head
from maton_mailgun.approval.store.contract import Store
from maton_mailgun.approval.store.opening import open_store
from maton_mailgun.approval.store.record import OPEN, Record, State, new_approval_id
from maton_mailgun.approval.store.script import Script

TOLERATED = 3.0
"""How many times slower the largest may be: well above noise, far below what reading every row would cost."""
PRINCIPAL = "local:bench"
WAITING: frozenset[State] = frozenset({*OPEN, "unknown"})
"""What `approvals list` asks for."""
_REPEATS = 40
_PAGE = 15
"""Rows of a list: as many as the smallest database has in each state, so that all of them answer alike."""
_ENDS: tuple[State, ...] = ("succeeded", "failed", "rejected", "expired", "cancelled", "stale")
_BODY = "A paragraph of the size that a preview has. " * 40


def record(number: int, now: float) -> Record:
    """A question, each about another call."""
    return Record(
        id=new_approval_id(),
        digest=f"sha256:{number:064x}",
        operation="send_message",
        access="send",
        principal=PRINCIPAL,
        client="bench",
        connection_id="one",
        preview={"whole": True, "title": "Send", "target": "message to 1 recipient", "effect": _BODY},
        snapshot=None,
        risk="low",
        rule=None,
        level="client",
        state="pending",
        version=1,
        created_at=now,
        expires_at=now + 900.0,
    )


def kept(store: Store, many: int, now: float) -> Script[None]:
    """So many finished approvals with the entries that made them, as if each had been asked and ended long ago."""
    ((seq, end, day, _, _, _),) = yield audit.HEAD_LOCKED, ()
    head = Head(seq, end, day, {})
    for number in range(many):
        at = now - 86_400.0 - (many - number)
        ended = replace(record(number, at), state=_ENDS[number % len(_ENDS)], version=2, finished_at=at)
        columns = store.rows.columns(ended, None, at)
        yield table.INSERT, columns
        entry = store.chain.link(
            head, at=at, approval_id=ended.id, version=2, from_state="pending", to_state=ended.state, actor="bench",
            channel="", level="client", digest=ended.digest, detail="{}", row_mac=columns[10],
        )  # fmt: skip
        yield audit.APPEND, audit.columns_of(entry)
        head = replace(head, seq=entry.seq, hash=entry.hash)
    yield audit.SET_HEAD, store.chain.head_row(head)


async def median(measured: Callable[[], Awaitable[object]]) -> float:
    times = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        await measured()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


async def costs(many: int) -> dict[str, float]:
    """Seconds of everything that is measured, in a database of its own."""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        store = await open_store(None, home, load_keys(home))
        await store.write(kept(store, many, store.clock()))  # type: ignore[attr-defined]
        number = many

        async def proposal() -> None:
            """What `propose` asks of the store, and the question withdrawn, so that none piles up."""
            nonlocal number
            number += 1
            now = store.clock()
            asked = record(number, now)
            await store.list(principal=PRINCIPAL, states=OPEN, limit=200)
            await store.history(PRINCIPAL, [asked.digest], now - 86_400.0)
            stored, _ = await store.insert(asked, b"sealed", max_pending=10)
            await store.move(stored, "cancelled", actor=PRINCIPAL, finished_at=now)

        async def opened() -> None:
            """What every command does first."""
            again = await open_store(None, home, load_keys(home))
            await again.sweep()
            await again.close()

        found = {
            "one proposal, withdrawn": await median(proposal),
            "approvals list": await median(lambda: store.list(states=WAITING, limit=_PAGE)),
            "approvals list --all": await median(lambda: store.list(limit=_PAGE)),
            "one principal's newest": await median(lambda: store.list(principal=PRINCIPAL, limit=_PAGE)),
            "one principal's newest that ended well": await median(
                lambda: store.list(principal=PRINCIPAL, states={"succeeded"}, limit=_PAGE)
            ),
            "everybody's newest that ended": await median(lambda: store.list(states=frozenset(_ENDS), limit=_PAGE)),
            "opening, and closing what is over": await median(opened),
        }
        await store.close()
        return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures the store of approvals with many that are finished.")
    parser.add_argument("--most", type=int, default=100_000)
    most = parser.parse_args().most
    sizes = [size for size in (100, 10_000, 100_000) if size < most] + [most]
    measured = [asyncio.run(costs(size)) for size in sizes]
    print(f"{'milliseconds':44}" + "".join(f"{size:>12,}" for size in sizes) + "   times the first")
    slow = []
    for what, first in measured[0].items():
        ratio = measured[-1][what] / first
        print(f"{what:44}" + "".join(f"{one[what] * 1000:12.3f}" for one in measured) + f"   {ratio:8.1f}")
        if ratio > TOLERATED:
            slow.append(what)
    if slow:
        print(f"\nMore than {TOLERATED:g} times slower with {most:,} kept: {', '.join(slow)}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())

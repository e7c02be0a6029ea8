"""What a proposal, an approval and lists of them cost with 1, 100, 10,000 and 100,000 finished ones kept.

    python bench/kept.py [--most 100000] [--rounds 60] [--only sqlite|postgres]

In SQLite, and in PostgreSQL where it is installed: a server of this script's own. All databases are there at once and
are asked in turn, so that whoever else works on the machine disturbs them alike; ratios are medians of these pairs.
Exits 1 where the largest costs more than its gate.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from peer import holds, verdict

from maton_mailgun.approval.binding.keys import load_keys
from maton_mailgun.approval.store import audit, table
from maton_mailgun.approval.store.audit import Head
from maton_mailgun.approval.store.contract import Store
from maton_mailgun.approval.store.opening import open_store
from maton_mailgun.approval.store.record import OPEN, Record, State, new_approval_id
from maton_mailgun.approval.store.script import Script

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from approval.own_postgres import NotHere, own_postgres

TOLERATED = 1.5
"""How many times slower the largest may be."""
PRINCIPAL = "local:bench"
WAITING: frozenset[State] = frozenset({*OPEN, "unknown"})
"""What `approvals list` asks for."""
SIZES = (1, 100, 10_000, 100_000)
_PAGE = 15
"""Rows of a list: as many as a database with 100 has in each state, so that all from there on answer alike."""
_WRITES = frozenset({"one proposal, withdrawn", "opening, and closing what is over"})
_REPEATS = 3
"""Of a read, whose quickest counts: the first pays for what other databases have put out of the caches."""
_AT_ONCE = 2_000
"""Rows filled in by one transaction."""
_ENDS: tuple[State, ...] = ("succeeded", "failed", "rejected", "expired", "cancelled", "stale")
_BODY = "A paragraph of the size that a preview has. " * 40

Measured = dict[str, dict[int, list[float]]]
"""What is measured -> how many are kept -> seconds."""


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


def kept(store: Store, numbers: range, now: float) -> Script[str]:
    """Finished approvals with the entries that made them, as if each had been asked and ended long ago. Returns the
    id of the last."""
    ((seq, end, day, _, _, _),) = yield audit.HEAD_LOCKED, ()
    head = Head(seq, end, day, {})
    last = ""
    for number in numbers:
        at = now - 186_400.0 + number
        ended = replace(record(number, at), state=_ENDS[number % len(_ENDS)], version=2, finished_at=at)
        columns = store.rows.columns(ended, None, at)
        yield table.INSERT, columns
        entry = store.chain.link(
            head, at=at, approval_id=ended.id, version=2, from_state="pending", to_state=ended.state, actor="bench",
            channel="", level="client", digest=ended.digest, detail="{}", row_mac=columns[10],
        )  # fmt: skip
        yield audit.APPEND, audit.columns_of(entry)
        head, last = replace(head, seq=entry.seq, hash=entry.hash), ended.id
    yield audit.SET_HEAD, store.chain.head_row(head)
    return last


class Kept:
    """One database with so many approvals kept."""

    def __init__(self, store: Store, home: Path, url: str | None, many: int) -> None:
        self.store, self.many = store, many
        self._home, self._url, self._number, self._last = home, url, many, ""

    async def fill(self) -> None:
        """Put them in."""
        now = self.store.clock()
        for first in range(0, self.many, _AT_ONCE):
            script = kept(self.store, range(first, min(first + _AT_ONCE, self.many)), now)
            if self._url is not None:
                self._last = await _in_one_go(self._url, script)
            else:
                self._last = await self.store.write(script)  # type: ignore[attr-defined]

    def work(self) -> dict[str, Callable[[], Awaitable[object]]]:
        """Everything that is measured."""
        store = self.store
        found: dict[str, Callable[[], Awaitable[object]]] = {
            "one proposal, withdrawn": self._proposal,
            "one approval": lambda: store.get(self._last),
            "approvals list": lambda: store.list(states=WAITING, limit=_PAGE),
            "the newest": lambda: store.list(limit=1),
            "one principal's newest": lambda: store.list(principal=PRINCIPAL, limit=1),
            "opening, and closing what is over": self._opened,
        }
        if self.many < SIZES[1]:
            return found
        return found | {
            "approvals list --all": lambda: store.list(limit=_PAGE),
            "one principal's newest 15": lambda: store.list(principal=PRINCIPAL, limit=_PAGE),
            "and those that ended well": lambda: store.list(principal=PRINCIPAL, states={"succeeded"}, limit=_PAGE),
            "everybody's newest that ended": lambda: store.list(states=frozenset(_ENDS), limit=_PAGE),
        }

    async def _proposal(self) -> None:
        """What `propose` asks of the store, and the question withdrawn, so that none piles up."""
        self._number += 1
        now = self.store.clock()
        asked = record(self._number, now)
        await self.store.list(principal=PRINCIPAL, states=OPEN, limit=200)
        await self.store.history(PRINCIPAL, [asked.digest], now - 86_400.0)
        stored, _ = await self.store.insert(asked, b"sealed", max_pending=10)
        await self.store.move(stored, "cancelled", actor=PRINCIPAL, finished_at=now)

    async def _opened(self) -> None:
        """What every command does first."""
        again = await open_store(self._url, self._home, load_keys(self._home))
        await again.sweep()
        await again.close()


@asynccontextmanager
async def databases(url: str | None, sizes: Sequence[int]) -> AsyncIterator[list[Kept]]:
    """A database for each size, filled; in SQLite where there is no URL."""
    async with AsyncExitStack() as stack:
        made = []
        for many in sizes:
            home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            own = await _schema(url) if url is not None else None
            store = await open_store(own, home, load_keys(home))
            stack.push_async_callback(store.close)
            made.append(Kept(store, home, own, many))
            await made[-1].fill()
        if url is not None:
            await _analysed(url)
        yield made


async def _schema(url: str) -> str:
    """The URL with a schema of its own."""
    import psycopg

    name = f"b{secrets.token_hex(6)}"
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(f"CREATE SCHEMA {name}".encode())
    return f"{url}?options=-csearch_path%3D{name}"


async def _in_one_go(url: str, script: Script[str]) -> str:
    """Play a script that reads once and then only writes: all rows of a kind are sent at once."""
    import psycopg

    def dialect(statement: str) -> Any:
        return statement.replace("?", "%s").replace("/*lock*/", "FOR UPDATE")

    async with await psycopg.AsyncConnection.connect(url) as connection:
        statement, values = next(script)
        found = await (await connection.execute(dialect(statement), values)).fetchall()
        rows: dict[str, list[Any]] = {}
        try:
            statement, values = script.send(found)
            while True:
                rows.setdefault(statement, []).append(values)
                statement, values = script.send([])
        except StopIteration as done:
            last: str = done.value
        async with connection.cursor() as cursor:
            for statement, many in rows.items():
                await cursor.executemany(dialect(statement), many)
    return last


async def _analysed(url: str) -> None:
    """As the server does by itself within a minute."""
    import psycopg

    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("ANALYZE")


async def measure(url: str | None, sizes: Sequence[int], rounds: int) -> Measured:
    """Seconds of everything, all databases in turn."""
    found: Measured = {}
    async with databases(url, sizes) as made:
        works = [(one.many, one.work()) for one in made]
        for number in range(rounds + 1):
            for what in works[-1][1]:
                # Each comes first in every other round: what is behind is disturbed by what is before.
                for many, work in works if number % 2 else reversed(works):
                    if what not in work:
                        continue
                    taken = min([await _timed(work[what]) for _ in range(1 if what in _WRITES else _REPEATS)])
                    if number:
                        found.setdefault(what, {}).setdefault(many, []).append(taken)
    return found


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


def told(kind: str, sizes: Sequence[int], measured: Measured) -> bool:
    """Print a table. Returns whether all gates hold."""
    print(f"{kind + ', milliseconds':36}" + "".join(f"{size:>10,}" for size in sizes))
    good = True
    for what, times in measured.items():
        smallest, largest = min(times), max(times)
        pairs = zip(times[largest], times[smallest], strict=True)
        ratio = statistics.median(one / other for one, other in pairs)
        columns = "".join(
            f"{statistics.median(times[size]) * 1000:10.3f}" if size in times else " " * 10 for size in sizes
        )
        print(f"{what:36}{columns}   {ratio:.2f}  {verdict(ratio, TOLERATED)}")
        good = good and holds(ratio, TOLERATED)
    return good


def main() -> int:
    """Print the figures; 1 where a gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=SIZES[-1])
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--only", choices=("sqlite", "postgres"))
    arguments = parser.parse_args()
    sizes = [size for size in SIZES if size < arguments.most] + [arguments.most]
    good = True
    if arguments.only != "postgres":
        good = told("SQLite", sizes, asyncio.run(measure(None, sizes, arguments.rounds)))
    if arguments.only != "sqlite":
        try:
            with own_postgres() as url:
                good = told("PostgreSQL", sizes, asyncio.run(measure(url, sizes, arguments.rounds))) and good
        except NotHere as why:
            print(f"{why}.")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())

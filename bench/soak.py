"""A long run with bad luck: two servers over HTTP on one PostgreSQL, killed again and again, in front of an upstream
that fails; at the end what it received is compared with what was approved.

    python bench/soak.py [--minutes 30] [--agents 6] [--pause 0.7]

Agents of both protocol eras read, propose messages and follow them; a person decides at the page of either replica, and
now and then in a terminal. The upstream is the sandbox in a process of its own, made to answer 429 and 500, to cut
connections before and after it acted, and to be slow. The first replica is killed or ended every minute or so; the
second stays until two thirds of the time are over, so that what it holds can be watched, and is then killed as well.

Nothing may be lost: every yes that was acknowledged has an end, every approval that an agent was told is in the
database, and the audit holds. Nothing may happen twice: a message was received once where its approval succeeded, at
most once where that is unknown, and never without a yes. Nothing may leak: memory, files and tasks of the second
replica stay where they were. Exits 1 where one of these fails. Needs PostgreSQL.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import secrets
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from soak_people import Agent, Approver, Ledger
from soak_replica import Replica

from maton_mailgun.approval.channels.terminal import Terminal
from maton_mailgun.approval.store import audit
from maton_mailgun.approval.store.record import Record
from maton_mailgun.config import Settings, load

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from approval.own_postgres import own_postgres
from cli.conftest import PASSPHRASE
from e2e.deciding import decide, set_passphrase

ENDED = frozenset({"succeeded", "failed", "rejected", "expired", "cancelled", "stale", "superseded"})
DRAIN_SECONDS = 480.0
"""After the last fault: a write whose process was killed is held for dead after four minutes, and looked up after one
and a half more."""
LOOK_SECONDS = 150.0
"""For what is unknown, which is looked up after one and a half minutes; what the upstream never got is looked for
longer than anybody runs this."""
MOST_GROWTH = {"memory MB": 12.0, "files": 8.0, "tasks": 12.0, "threads": 6.0}
"""Between the first and the last quarter of the watched time, medians."""
_FAULTS: tuple[Mapping[str, Any], ...] = (
    {"fault": {"kind": "maton_429"}},
    {"fault": {"kind": "rate_429_retry_after"}},
    {"fault": {"kind": "html_500"}, "match": {"method": "POST"}},
    {"fault": {"kind": "maton_500"}},
    {"fault": {"kind": "bad_gateway_502"}},
    {"fault": {"kind": "gateway_timeout_504"}, "match": {"method": "POST"}, "act": True},
    {"fault": {"kind": "drop_before"}},
    {"fault": {"kind": "drop_before"}, "match": {"method": "POST"}},
    {"fault": {"kind": "drop_after"}, "match": {"method": "POST"}},
    {"fault": {"kind": "truncated"}, "match": {"method": "POST"}},
    {"fault": {"kind": "sign_in_page"}, "match": {"method": "POST"}},
    {"fault": {"kind": "slow"}, "times": 3},
    {"fault": {"delay": 6.0}, "match": {"method": "POST"}},
    {"fault": {"kind": "slow_body"}},
)


@dataclass
class Run:
    """All that is running, and what was seen."""

    minutes: float
    replicas: tuple[Replica, Replica]
    upstream: str
    ledger: Ledger
    seen: list[dict[str, float]] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    began: float = field(default_factory=time.monotonic)

    @property
    def until(self) -> float:
        return self.began + self.minutes * 60

    def share(self) -> float:
        """How much of the time is over."""
        return (time.monotonic() - self.began) / (self.minutes * 60)

    async def fail_upstream(self) -> None:
        """Arm one fault after the other."""
        chosen = random.Random(1)  # noqa: S311 - which fault
        async with httpx2.AsyncClient(base_url=self.upstream, timeout=30, trust_env=False) as client:
            while time.monotonic() < self.until:
                fault = chosen.choice(_FAULTS)
                await client.post("/_sandbox/faults", json=dict(fault))
                self.faults[str(fault["fault"].get("kind", "delay 6 s"))] += 1
                await asyncio.sleep(chosen.uniform(1, 4))
            await client.request("DELETE", "/_sandbox/faults")

    async def end_replicas(self) -> None:
        """Kill or stop the first now and then, and later both together."""
        chosen = random.Random(2)  # noqa: S311 - when, and how
        first, second = self.replicas
        turn = 0
        while time.monotonic() < self.until:
            await asyncio.sleep(min(chosen.uniform(20, 70), self.minutes * 60 / 5))
            turn += 1
            sig = signal.SIGTERM if turn % 3 == 0 else signal.SIGKILL
            both = self.share() > 0.67
            await asyncio.gather(first.end(sig), *([second.end(signal.SIGKILL)] if both and turn % 2 == 0 else []))
            await asyncio.sleep(chosen.uniform(0, 4))
            await asyncio.gather(*(one.start() for one in self.replicas if one.process is None))

    async def watch(self) -> None:
        """Look at what the second replica holds, until it is killed."""
        while self.share() < 0.66:
            await asyncio.sleep(2)
            if self.share() < 0.66:
                self.seen.append(await asyncio.to_thread(self.replicas[1].holds))

    async def type_decisions(self) -> None:
        """Approve something in a terminal once in a while."""
        while time.monotonic() < self.until:
            await asyncio.sleep(min(60.0, self.minutes * 20))
            waiting = [one for one in self.ledger.told if self.ledger.told[one] == "approval_required"]
            known = self.ledger.yes | self.ledger.no
            found = next((one for one in reversed(waiting) if one not in known), None)
            if found is None:
                continue
            self.ledger.yes_perhaps.add(found)
            at = self.replicas[1]
            try:
                await asyncio.to_thread(decide, "approve", found, at.env, at.home)
                self.ledger.counts["decided in a terminal"] += 1
            except (AssertionError, OSError, subprocess.SubprocessError):
                self.ledger.counts["not decided in a terminal"] += 1


async def soak(run: Run, agents: int, pause: float, settings: Settings) -> bool:
    """Run it all, and compare. Whether everything held."""
    addresses = [one.address for one in run.replicas]
    await asyncio.gather(*(one.start() for one in run.replicas))
    run.began = time.monotonic()
    people = [
        Agent(number, legacy=number % 2 == 1, addresses=addresses, ledger=run.ledger, pause=pause)
        for number in range(agents)
    ]
    draining = asyncio.Event()
    approver = asyncio.create_task(Approver(addresses, run.ledger, PASSPHRASE).work(lambda: not draining.is_set()))
    await asyncio.gather(
        *(one.work(run.until) for one in people),
        run.fail_upstream(), run.end_replicas(), run.watch(), run.type_decisions(),
    )  # fmt: skip
    records = await _drained(settings)
    draining.set()
    await approver
    for one in run.replicas:
        await one.end(signal.SIGTERM)
    async with httpx2.AsyncClient(base_url=run.upstream, timeout=120, trust_env=False) as client:
        messages = (await client.get("/_sandbox/messages")).json()["messages"]
    received = Counter(str(one["subject"]) for one in messages)
    _tell(run, records, received)
    return _compare(run, records, received) & await _audit_holds(settings) & _flat(run.seen)


async def _drained(settings: Settings) -> list[Record]:
    """All records, once none is under way any more or the time for that is over."""
    desk = await Terminal.open(settings)
    try:
        began = time.monotonic()
        while True:
            records = list(await desk.list(limit=1_000_000))
            left, taken = Counter(str(one.state) for one in records if one.state not in ENDED), time.monotonic() - began
            if not left or taken > DRAIN_SECONDS or (not left - Counter(unknown=10**9) and taken > LOOK_SECONDS):
                print(f"drained in {taken:.0f} s; not ended: {dict(left)}")
                return records
            await asyncio.sleep(2)
    finally:
        await desk.close()


async def _audit_holds(settings: Settings) -> bool:
    desk = await Terminal.open(settings)
    try:
        verdict = await audit.verify(desk.store)
    finally:
        await desk.close()
    print(f"audit: {verdict.entries} entries, {'sound' if verdict.ok else verdict.why}")
    return verdict.ok


def _compare(run: Run, records: Sequence[Record], received: Counter[str]) -> bool:
    """Whether nothing is lost and nothing happened twice; prints each finding."""
    ledger, found = run.ledger, list[str]()
    by_id = {one.id: one for one in records}
    found += [f"lost: {one} was told to its agent and is not there" for one in ledger.subjects if one not in by_id]
    by_subject: dict[str, list[Record]] = {}
    for one in records:
        by_subject.setdefault(_subject(one), []).append(one)
        said = one.id in ledger.yes
        # A 429 to a write leaves the yes to who asked for it: they are told when to call again, and it expires else.
        left = one.state == "expired" and one.retry_at is not None
        if said and one.state not in ("succeeded", "failed", "unknown", "stale") and not left:
            found.append(f"lost: {one.id} has a yes and is {one.state}: {_history(one)}")
        if one.state in ("approved", "executing"):
            found.append(f"lost: {one.id} is {one.state} still")
        if one.state in ("succeeded", "failed", "unknown") and not said and one.id not in ledger.yes_perhaps:
            found.append(f"without a yes: {one.id} is {one.state}")
        if one.id in ledger.no and one.state != "rejected":
            found.append(f"without a yes: {one.id} has a no and is {one.state}")
    for subject in by_subject.keys() | received.keys():
        states = Counter(one.state for one in by_subject.get(subject, []))
        least, most = states["succeeded"], states["succeeded"] + states["unknown"]
        if received[subject] > most:
            found.append(f"twice, or unasked: {subject!r} was received {received[subject]} times, {dict(states)}")
        if received[subject] < least:
            found.append(f"lost: {subject!r} was received {received[subject]} times, {dict(states)}")
    print("\n".join(found) or "nothing lost, nothing twice, nothing without a yes")
    return not found


def _history(record: Record) -> str:
    """When what happened to it, in seconds after it was proposed."""
    moments = {name: getattr(record, name) for name in ("decided_at", "attempted_at", "finished_at", "expires_at")}
    return ", ".join(f"{name} {at - record.created_at:.1f}" for name, at in moments.items() if at is not None)


def _subject(record: Record) -> str:
    shown = record.preview.get("message") if isinstance(record.preview, Mapping) else None
    return str(shown.get("subject")) if isinstance(shown, Mapping) else record.id


def _flat(seen: Sequence[Mapping[str, float]]) -> bool:
    """Whether what was held stayed where it was."""
    settled = [one for one in seen if "tasks" in one][len(seen) // 10 :]
    if not settled:
        print("too short to see whether anything leaks")
        return True
    quarter = max(1, len(settled) // 4)
    good = True
    for name, most in MOST_GROWTH.items():
        early, late = (
            statistics.median(one.get(name, 0.0) for one in some) for some in (settled[:quarter], settled[-quarter:])
        )
        fits = late - early <= most
        good = good and fits
        print(f"{name}: {early:.1f}, then {late:.1f}  {'ok' if fits else 'MISSED'} (gate: {most:.0f} more)")
    return good


def _tell(run: Run, records: Sequence[Record], received: Counter[str]) -> None:
    print(f"{run.minutes:.0f} minutes, {sum(received.values())} messages received of {len(records)} approvals")
    print("approvals by state:", dict(Counter(one.state for one in records)))
    print("agents and person:", json.dumps(dict(sorted(run.ledger.counts.items()))))
    print("faults armed:", dict(run.faults))
    for number, one in enumerate(run.replicas):
        print(f"replica {number}: ended {dict(one.exits)}, slowest stop {one.slowest_stop:.1f} s")


def _upstream(process: subprocess.Popen[str]) -> str:
    for line in process.stdout or ():
        if (found := re.search(r"http://127\.0\.0\.1:\d+", line)) is not None:
            return found[0]
    raise SystemExit("the upstream did not start")


def main() -> int:
    """Print what was seen; 1 where something was lost, happened twice or leaked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--agents", type=int, default=6, help="half of each era")
    parser.add_argument("--pause", type=float, default=0.7, help="seconds between two calls of an agent")
    arguments = parser.parse_args()
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    with tempfile.TemporaryDirectory() as folder, own_postgres() as database:
        command = [sys.executable, "-P", "-m", "maton_mailgun", "sandbox", "--port", "0"]
        sandbox = subprocess.Popen(command, env=kept, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            upstream = _upstream(sandbox)
            replicas = _replicas(Path(folder), database, upstream, kept)
            run = Run(arguments.minutes, replicas, upstream, Ledger())
            settings = load(replicas[1].env)
            try:
                return int(not asyncio.run(soak(run, arguments.agents, arguments.pause, settings)))
            finally:
                for one in replicas:
                    if one.process is not None:
                        one.process.kill()
        finally:
            sandbox.kill()


def _replicas(folder: Path, database: str, upstream: str, kept: Mapping[str, str]) -> tuple[Replica, Replica]:
    made: list[Replica] = []
    for name in ("first", "second"):
        home = folder / name
        env = {
            **kept,
            "MATON_API_URL": upstream,
            "MATON_API_KEY": "sandbox-maton-key",
            "MATON_MAILGUN_HOME": str(home),
            "MATON_MAILGUN_DATABASE_URL": database,
            "MATON_MAILGUN_PAGE": "false",
            "MATON_MAILGUN_APPROVAL": "operator",
        }
        if made:
            shutil.copytree(folder / "first", home)
        else:
            home.mkdir(mode=0o700)
            set_passphrase(env, home)
        made.append(Replica(env, _port()))
    return made[0], made[1]


def _port() -> int:
    """One that no system gives out for port 0: a server that is started again finds it free."""
    return 20_000 + secrets.randbelow(10_000)


if __name__ == "__main__":
    sys.exit(main())

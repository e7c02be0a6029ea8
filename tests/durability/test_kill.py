"""Processes killed at random moments of an approved write: at most one write each, and the right state after."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from maton_mailgun.approval.binding.keys import load_keys
from maton_mailgun.approval.store import audit
from maton_mailgun.approval.store.opening import open_store
from maton_mailgun.approval.store.record import Record
from maton_mailgun.sandbox import RunningSandbox, Sandbox, serve
from maton_mailgun.sandbox.account import state

from .sending import posts, send

pytestmark = pytest.mark.slow

PERIOD = 10
"""Of so many rounds one is left to its end, and one is killed before the yes."""
LATER = 260.0
"""Longer than a lease: the next server finds the dead ones' writes abandoned."""


class Zygote:
    """The forking process at the other end of two pipes."""

    def __init__(self, home: Path, url: str) -> None:
        script = Path(__file__).with_name("zygote.py")
        self._process = subprocess.Popen(
            [sys.executable, str(script), str(home), url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, **command: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with serve(Sandbox()) as running:
        yield running


@pytest.mark.parametrize("rounds", [60, pytest.param(1000, marks=pytest.mark.long)])
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork() to make so many processes affordable")
def test_killed_at_any_moment_an_approved_send_is_sent_at_most_once_and_its_state_is_right(
    tmp_path: Path,
    sandbox: RunningSandbox,
    rounds: int,
    monkeypatch: pytest.MonkeyPatch,
    pytestconfig: pytest.Config,
    capfd: pytest.CaptureFixture[str],
) -> None:
    # Every request is counted at the end.
    monkeypatch.setattr(state, "_REQUESTS_KEPT", 100 * rounds)
    zygote = Zygote(tmp_path, sandbox.url)
    try:
        ends = killings(zygote, rounds, random.Random(20261122))
        before = states(tmp_path)
        server = zygote.ask(do="recover", later=LATER)
        after = settled(tmp_path, sandbox)
        os.kill(server, signal.SIGKILL)
    finally:
        zygote.close()

    sent = Counter(message["subject"] for message in sandbox.sandbox.messages)
    with capfd.disabled():
        pytestconfig.get_terminal_writer().line(
            f"\n{rounds} writes, {dict(ends)}: sent {len(sent)}; "
            f"states {dict(Counter(record.state for record in before))}, "
            f"then {dict(Counter(record.state for record in after))}"
        )
    assert ends["killed"] > rounds / 2, ends
    assert len(before) == rounds
    # The kills fell everywhere: before the yes, before the claim, around the request, after the end.
    assert {"pending", "approved", "executing", "succeeded"} <= {record.state for record in before}
    assert all(count == 1 for count in sent.values())
    assert posts(sandbox) == sent
    assert {record.id: wanted(record, sent) for record in after} == {record.id: record.state for record in after}
    assert verified(tmp_path)


def killings(zygote: Zygote, rounds: int, chance: random.Random) -> Counter[str]:
    """All rounds; how they ended.

    The kills are spread over a whole write, as long as the last one took that was left to its end: a number of
    milliseconds would cover it all on one machine and half of it on a busy one. They are denser at its beginning,
    where more happens.
    """
    ends: Counter[str] = Counter()
    whole = 0.0
    for number in range(rounds):
        delay: float | None = whole * chance.random() ** 2
        if number % PERIOD == 0:
            delay = None
        elif number % PERIOD == 1:
            delay = 0.0
        end, seconds = zygote.ask(do="write", delay=delay, tool="send_message", arguments=send(number))
        ends[end] += 1
        if delay is None:
            whole = seconds
    return ends


def subject(record: Record) -> str:
    return str(record.preview["message"]["subject"])


def wanted(record: Record, sent: Counter[str]) -> str:
    """The only state that tells the truth about this record, given what arrived."""
    if sent[subject(record)]:
        return "succeeded"
    # Nothing arrived: either nobody had said yes, or the process died between claim and request, where
    # absent events prove nothing and the doubt stays visible, or the yes ran out while others were carried out.
    ran_out = (record.result or {}).get("error", {}).get("kind") == "unreachable"
    right = record.state in ("pending", "expired", "unknown") or (record.state == "failed" and ran_out)
    return record.state if right else "not sent, so neither done nor failed"


def states(home: Path) -> list[Record]:
    async def read() -> list[Record]:
        store = await open_store(None, home, load_keys(home))
        found = list(await store.list(limit=10_000))
        await store.close()
        return found

    return asyncio.run(read())


def settled(home: Path, sandbox: RunningSandbox) -> list[Record]:
    """The records once nothing is on its way any more."""
    deadline = time.monotonic() + 60
    while True:
        records = states(home)
        sent = Counter(message["subject"] for message in sandbox.sandbox.messages)
        moving = [r for r in records if r.state in ("approved", "executing")]
        findable = [r for r in records if r.state == "unknown" and sent[subject(r)]]
        if not (moving or findable) or time.monotonic() > deadline:
            return records


def verified(home: Path) -> bool:
    async def read() -> bool:
        store = await open_store(None, home, load_keys(home))
        verdict = await audit.verify(store)
        await store.close()
        return verdict.ok

    return asyncio.run(read())

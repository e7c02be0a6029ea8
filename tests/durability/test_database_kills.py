"""Databases killed at random moments of an approved write: at most one write each, and nothing false is told."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from maton_mailgun import runtime
from maton_mailgun.call import Engine
from maton_mailgun.config import Settings
from maton_mailgun.exchange import Caller, FormAnswer, Outcome, Question
from maton_mailgun.sandbox import RunningSandbox

from .sending import posts, send

pytestmark = [pytest.mark.postgres, pytest.mark.slow, pytest.mark.anyio]

PERIOD = 10
"""Of so many rounds one is left to its end: how long a write takes decides where the next ones are killed."""
WAIT_SECONDS = 60.0
OURS = b"SELECT pid FROM pg_stat_activity WHERE application_name = 'maton-mailgun'"
END = b"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'maton-mailgun'"


@dataclass
class Trial:
    """One server over one database, and what it told of each message."""

    engine: Engine
    database: str
    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    async def write(self, number: int, kill: Callable[[], Coroutine[Any, Any, None]]) -> float:
        """Propose a send, say yes while the database dies, keep what is told. Seconds from the yes to the answer."""
        call = send(number)
        # A principal each: what stays pending must not count against the next one.
        caller = Caller(f"tester {number}", "database kills", can_ask=True)
        asked = await self.asked(call, caller)
        self.ids[call["subject"]] = asked.approval_id
        yes = FormAnswer(
            asked.approval_id, asked.digest, asked.asked_at, "accept", {"decision": "approve"}, asked.shown
        )
        dying = asyncio.create_task(kill())
        began = time.monotonic()
        answered = await self.engine.call("send_message", call, caller, yes)
        seconds = time.monotonic() - began
        await dying
        assert isinstance(answered, Outcome)
        self.told[call["subject"]] = answered.content
        return seconds

    async def asked(self, call: dict[str, Any], caller: Caller) -> Question:
        """The question; asked again where the database was not back yet, which must be told and do nothing."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            asked = await self.engine.call("send_message", call, caller)
            if isinstance(asked, Question):
                return asked
            assert told(asked.content) == ("error", False), asked.content
            assert time.monotonic() < deadline, asked.content

    async def settled(self) -> dict[str, str]:
        """The state of each, once nothing is on its way any more."""
        gate = await self.engine.gate()
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            records = {subject: await gate.get(approval_id) for subject, approval_id in self.ids.items()}
            states: dict[str, str] = {
                subject: record.state for subject, record in records.items() if record is not None
            }
            if not {"approved", "executing", "unknown"} & set(states.values()) or time.monotonic() > deadline:
                return states
            await gate.resume()


async def end_sessions(database: str) -> None:
    """What a database that is restarted in peace, or a proxy that gives up, does to its clients."""
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as admin:
        await admin.execute(END)


async def crash(database: str) -> None:
    """Kill the process that works for the server: PostgreSQL drops every session and recovers from its log."""
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as admin:
        found = await (await admin.execute(OURS)).fetchall()
    for (process,) in found:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:  # gone with the first one
            return


@pytest.mark.parametrize("rounds", [20, pytest.param(100, marks=pytest.mark.long)])
async def test_a_database_that_dies_at_any_moment_of_a_write_makes_nothing_false(
    tmp_path: Path,
    running: RunningSandbox,
    own_database: str,
    rounds: int,
    pytestconfig: pytest.Config,
    capfd: pytest.CaptureFixture[str],
) -> None:
    running.sandbox.reset()
    settings = Settings(
        api_key="sandbox-maton-key", api_url=running.url, home=tmp_path, page=False, database_url=own_database
    )
    trial = Trial(runtime.engine(settings), own_database)
    try:
        kills = await killings(trial, rounds, random.Random(20261126))
        states = await trial.settled()
    finally:
        await trial.engine.aclose()

    sent = Counter(message["subject"] for message in running.sandbox.messages)
    assert kills["ended"] + kills["crashed"] == rounds - rounds // PERIOD
    assert set(sent.values()) == {1}
    assert posts(running) == sent
    assert {subject: state for subject, state in states.items() if state != wanted(subject, sent)} == {}
    answers = {subject: told(content) for subject, content in trial.told.items()}
    with capfd.disabled():
        pytestconfig.get_terminal_writer().line(
            f"\n{rounds} writes, database {dict(kills)}: sent {len(sent)}; told {dict(Counter(answers.values()))}; "
            f"states {dict(Counter(states.values()))}"
        )
    assert [trial.told[subject] for subject, how in answers.items() if not true(*how, sent=subject in sent)] == []


async def killings(trial: Trial, rounds: int, chance: random.Random) -> Counter[str]:
    """All rounds; how often which death was died."""
    kills: Counter[str] = Counter()
    whole = 0.0

    for number in range(rounds):
        delay = whole * chance.random() ** 2
        death = crash if number % 3 == 0 else end_sessions

        async def kill(delay: float = delay, death: Callable[[str], Awaitable[None]] = death) -> None:
            # The moment is what this is about; nothing that could be waited for stands there.
            await asyncio.sleep(delay)
            await death(trial.database)

        async def spare() -> None:
            """Let it live."""

        if number % PERIOD == 0:
            whole = await trial.write(number, spare)
        else:
            await trial.write(number, kill)
            kills["crashed" if death is crash else "ended"] += 1
    return kills


def wanted(subject: str, sent: Counter[str]) -> str:
    """The only state that tells the truth in the end."""
    return "succeeded" if sent[subject] else "pending"


def told(content: dict[str, Any]) -> tuple[str, bool | str]:
    """What an answer says: its status, and whether the message was sent."""
    doubt = "unknown" if content.get("error", {}).get("may_have_happened") else False
    return content["status"], content.get("executed", doubt)


def true(status: str, executed: bool | str, *, sent: bool) -> bool:
    """Whether what was told when the database died holds for what became of it."""
    match status, executed:
        case "executed", True:
            return sent
        case (("approved" | "executing"), _):
            return True
        case _, "unknown":
            return True
        case _:
            return executed is False and not sent

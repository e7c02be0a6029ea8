"""Two servers whose clocks are ten minutes apart: at most one write for each yes, and neither tells what is not so."""

from __future__ import annotations

import asyncio
import random
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
from mcp import Client

from e2e.serving import Serving, serving
from maton_mailgun.approval.binding.keys import load_keys
from maton_mailgun.approval.channels.terminal import Terminal
from maton_mailgun.approval.lifecycle.decide import Decision
from maton_mailgun.config import Settings
from maton_mailgun.sandbox import RunningSandbox
from maton_mailgun.sandbox.control.faults import parse_fault

from .replicas import client, environment
from .sending import send

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

APART = 600.0
SHIFTED = f"""
import time

real = time.time
time.time = lambda: real() + {APART}
"""
FAULTS = (None, None, "slow", "slow_body", "drop_after", "drop_before", "html_500", "truncated", "mailgun_401")
WAIT_SECONDS = 30.0
ENDS = ("executed", "failed", "rejected", "expired", "stale", "outcome_unknown")


@pytest.fixture
def servers(running: RunningSandbox, own_database: str, tmp_path: Path) -> Iterator[tuple[Serving, Serving, Settings]]:
    """One with the right time, one that is ahead, and the settings of a terminal; they share the approvals."""
    running.sandbox.reset()
    one, other, ahead = tmp_path / "one", tmp_path / "other", tmp_path / "ahead"
    ahead.mkdir()
    (ahead / "sitecustomize.py").write_text(SHIFTED)
    load_keys(one)
    shutil.copytree(one, other)
    with ExitStack() as started:
        yield (
            started.enter_context(serving(environment(running, own_database, one))),
            started.enter_context(serving(environment(running, own_database, other) | {"PYTHONPATH": str(ahead)})),
            Settings(api_key="sandbox-maton-key", api_url=running.url, home=one, page=False, database_url=own_database),
        )


Words = tuple[str, bool | str]


class Trial:
    """Every word that either server said of each message."""

    def __init__(
        self, running: RunningSandbox, clients: Sequence[Client], settings: Settings, chance: random.Random
    ) -> None:
        self.told: dict[str, list[Words]] = {}
        self._settings = settings
        self._running = running
        self._clients = clients
        self._chance = chance

    async def write(self, number: int) -> None:
        """Propose at one server, say yes in its form or in a terminal, and ask both all the while how it went."""
        call = send(number)
        told = self.told.setdefault(f"round {number}", [])
        asking = self._chance.choice(self._clients)
        asked = await asking.session.call_tool("send_message", call, allow_input_required=True)
        assert isinstance(asked, types.InputRequiredResult)
        newest = (await asking.call_tool("list_approvals", {"limit": 1})).structured_content or {}
        approval_id = newest["approvals"][0]["approval_id"]
        if (fault := self._chance.choice(FAULTS)) is not None:
            self._running.sandbox.faults.append(parse_fault({"fault": {"kind": fault}, "match": {"method": "POST"}}))
        if self._chance.random() < 0.5:
            # Either server may be the first to see it.
            await self._decided(approval_id)
        else:
            answered = asyncio.create_task(answer(asking, call, asked))
            while not answered.done():
                told += await self._asked_of_both(approval_id)
            told.append(await answered)
        deadline = time.monotonic() + WAIT_SECONDS
        while len(set(ends := await self._asked_of_both(approval_id))) > 1 or ends[0][0] not in ENDS:
            told += ends
            assert time.monotonic() < deadline, ends
        told += ends
        self._running.sandbox.faults.clear()

    async def _asked_of_both(self, approval_id: str) -> list[Words]:
        calls = (client.call_tool("get_approval", {"approval_id": approval_id}) for client in self._clients)
        return [words(result) for result in await asyncio.gather(*calls)]

    async def _decided(self, approval_id: str) -> None:
        terminal = await Terminal.open(self._settings)
        try:
            record = await terminal.get(approval_id)
            assert record is not None
            await terminal.decide(record, Decision(approve=True, level="operator", channel="cli", decider="ann"))
        finally:
            await terminal.close()


async def answer(asking: Client, call: dict[str, Any], asked: types.InputRequiredResult) -> Words:
    """The yes in the form of the client that asked."""
    given: types.InputResponses = dict.fromkeys(
        asked.input_requests or {}, types.ElicitResult(action="accept", content={"decision": "approve"})
    )
    state = asked.request_state
    return words(await asking.session.call_tool("send_message", call, input_responses=given, request_state=state))


def words(result: types.CallToolResult) -> Words:
    """What an answer says: its status, and whether the message was sent."""
    content = result.structured_content or {}
    return content["status"], content["executed"]


def true(told: Sequence[Words], *, sent: bool) -> bool:
    """Whether all that was said holds for what became of the message."""
    denied = {"failed", "rejected", "expired", "stale", "cancelled"} & {status for status, _ in told}
    claimed = any(executed is True for _, executed in told)
    return claimed is (told[-1] == ("executed", True)) and (sent or not claimed) and not (sent and denied)


@pytest.mark.parametrize("rounds", [12, pytest.param(100, marks=pytest.mark.long)])
def test_servers_ten_minutes_apart_send_each_message_at_most_once_and_tell_only_what_is_so(
    servers: tuple[Serving, Serving, Settings],
    running: RunningSandbox,
    rounds: int,
    pytestconfig: pytest.Config,
    capfd: pytest.CaptureFixture[str],
) -> None:
    one, other, settings = servers

    async def run() -> dict[str, list[Words]]:
        async with (
            client(one) as right,
            client(other) as ahead,
        ):
            trial = Trial(running, (right, ahead), settings, random.Random(20261126))
            for number in range(rounds):
                await trial.write(number)
            return trial.told

    told = asyncio.run(run())
    sent = Counter(message["subject"] for message in running.sandbox.messages)
    ends = Counter(said[-1] for said in told.values())
    with capfd.disabled():
        pytestconfig.get_terminal_writer().line(f"\n{rounds} writes: sent {len(sent)}, told at last {dict(ends)}")
    assert set(sent.values()) == {1}
    assert {subject: said for subject, said in told.items() if not true(said, sent=subject in sent)} == {}

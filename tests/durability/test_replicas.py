"""Two server processes behind HTTP on one PostgreSQL: one asks, the other carries out, and nothing happens twice."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import mcp_types as types
import pytest
from mcp import Client

from e2e.serving import Serving, serving
from maton_mailgun.approval.binding.keys import load_keys
from maton_mailgun.sandbox import RunningSandbox

from .replicas import client, environment

pytestmark = pytest.mark.postgres

CALL: dict[str, Any] = {
    "domain": "mg.example.com",
    "from": "desk@mg.example.com",
    "to": ["reader@example.net"],
    "text": "hello",
}


@pytest.fixture(scope="module")
def replicas(
    running: RunningSandbox, postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Serving, Serving]]:
    """Two processes with a home each; they share the database and the key file."""
    homes = tmp_path_factory.mktemp("homes")
    first, second = homes / "first", homes / "second"
    load_keys(first)
    shutil.copytree(first, second)
    with ExitStack() as started:
        yield (
            started.enter_context(serving(environment(running, postgres_url, first))),
            started.enter_context(serving(environment(running, postgres_url, second))),
        )


async def question(asking: Client, call: dict[str, Any]) -> types.InputRequiredResult:
    asked = await asking.session.call_tool("send_message", call, allow_input_required=True)
    assert isinstance(asked, types.InputRequiredResult)
    return asked


async def answered(by: Client, call: dict[str, Any], asked: types.InputRequiredResult) -> dict[str, Any]:
    yes = types.ElicitResult(action="accept", content={"decision": "approve"})
    result = await by.session.call_tool(
        "send_message",
        call,
        input_responses=dict.fromkeys(asked.input_requests or {}, yes),
        request_state=asked.request_state,
        allow_input_required=True,
    )
    assert isinstance(result, types.CallToolResult)
    assert result.structured_content is not None
    found: dict[str, Any] = result.structured_content
    return found


def sent(running: RunningSandbox) -> list[str]:
    return [message["subject"] for message in running.sandbox.messages]


@pytest.fixture(autouse=True)
def empty_outbox(running: RunningSandbox) -> None:
    running.sandbox.reset()


def test_one_replica_asks_and_the_other_carries_out(replicas: tuple[Serving, Serving], running: RunningSandbox) -> None:
    call = {**CALL, "subject": f"first {uuid4()}"}

    async def both() -> tuple[dict[str, Any], dict[str, Any]]:
        async with client(replicas[0]) as asking, client(replicas[1]) as carrying:
            done = await answered(carrying, call, await question(asking, call))
            seen = await asking.call_tool("get_approval", {"approval_id": done["approval_id"]})
            assert seen.structured_content is not None
            return done, seen.structured_content

    done, seen = asyncio.run(both())
    assert (done["status"], done["executed"]) == ("executed", True)
    assert seen == done
    assert sent(running) == [call["subject"]]


def test_the_same_answer_at_both_replicas_at_once_is_one_write(
    replicas: tuple[Serving, Serving], running: RunningSandbox
) -> None:
    calls = [{**CALL, "subject": f"race {number} {uuid4()}"} for number in range(8)]

    async def race() -> list[list[dict[str, Any]]]:
        async with client(replicas[0]) as one, client(replicas[1]) as other:
            outcomes = []
            for call in calls:
                asked = await question(one, call)
                runs = (answered(replica, call, asked) for replica in (one, other, one, other))
                outcomes.append(await asyncio.gather(*runs))
            return outcomes

    for outcomes in asyncio.run(race()):
        assert {outcome["status"] for outcome in outcomes} == {"executed"}
        assert len({json.dumps(outcome, sort_keys=True) for outcome in outcomes}) == 1
    assert sorted(sent(running)) == sorted(call["subject"] for call in calls)

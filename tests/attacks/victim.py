"""A server process of its own, for tests that race two of them or kill one at a chosen moment.

    victim.py HOME URL die POINT TOOL ARGUMENTS   one approved call; at POINT it says so and stands still, to be killed
    victim.py HOME URL race                       carries out the approvals whose ids come in, one a line

It speaks in JSON lines on standard output.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import mcp_types as types
from mcp import Client

from maton_mailgun.call import Engine
from maton_mailgun.catalogue import rows as catalogue
from maton_mailgun.config import Settings
from maton_mailgun.protocol.server import Visitor, build
from maton_mailgun.wire.gateway import Gateway


def say(**what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


async def approve(context: Any, params: Any) -> types.ElicitResult:
    return types.ElicitResult(action="accept", content={"decision": "approve"})


async def stand_still(point: str) -> None:
    say(at=point)
    await asyncio.Event().wait()


async def stop_at(engine: Engine, point: str) -> None:
    """Make the store stand still at one moment of the next write."""
    store: Any = (await engine.gate()).store
    claim, move = store.claim, store.move

    async def claiming(*given: Any, **named: Any) -> Any:
        if point == "before the claim":
            await stand_still(point)
        claimed = await claim(*given, **named)
        if point == "after the claim":
            await stand_still(point)
        return claimed

    async def moving(record: Any, to: str, **named: Any) -> Any:
        if point == "before settling" and record.state == "executing":
            await stand_still(point)
        return await move(record, to, **named)

    store.claim, store.move = claiming, moving


async def main(home: str, url: str, task: str, *more: str) -> None:
    settings = Settings(api_key="sandbox-maton-key", api_url=url, home=Path(home), page=False)
    engine = Engine(settings, catalogue.load(), Gateway(settings))
    if task == "die":
        point, tool, arguments = more
        await stop_at(engine, point)
        async with Client(build(engine, who=lambda _: Visitor("local:tester")), elicitation_callback=approve) as client:
            result = await client.call_tool(tool, json.loads(arguments))
            say(ended=result.structured_content)
        return
    gate = await engine.gate()
    say(at="ready")
    while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
        say(state=(await gate.run(line)).state)
    await engine.aclose()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

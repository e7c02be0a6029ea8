"""Strands Agents.

    pip install strands-agents 'mcp>=2'

How it behaves (strands-agents 1.62.0):

    server:       one for the whole run
    protocol:     2026-07-28
    asks by:      a form
    left out:     left out
    model reads:  text

It sets no limit for a call. The form is asked between two calls, so that a person may take the 15 minutes that a
question stays open.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from typing import Any

from mcp import StdioServerParameters, stdio_client
from mcp.types import ElicitResult
from strands import Agent
from strands.models import Model
from strands.tools.mcp import MCPClient

import person
from scripted_model import Call, ScriptedModel


# snippet
async def ask(_context: Any, question: Any) -> ElicitResult:
    """The server's question: what is about to be written, word for word."""
    decision = await person.decides(question.message)
    return ElicitResult(action="accept", content=decision) if decision else ElicitResult(action="decline")


async def main() -> None:
    server = StdioServerParameters(command="maton-mailgun", args=["serve"], env=dict(os.environ))
    mailgun = MCPClient(lambda: stdio_client(server), elicitation_callback=ask)
    agent = Agent(model=model(), tools=[mailgun], callback_handler=None)
    async for said in person.says():
        print(await agent.invoke_async(said))


# end of the snippet


class Scripted(Model):
    """The scripted model, as Strands wants one."""

    def __init__(self) -> None:
        self._script = ScriptedModel()

    def update_config(self, **config: Any) -> None: ...

    def get_config(self) -> dict[str, Any]:
        return {}

    def structured_output(self, *args: Any, **options: Any) -> Any:
        raise NotImplementedError("this example asks for none")

    async def stream(self, messages: Any, *args: Any, **options: Any) -> AsyncIterator[Any]:
        last = messages[-1]["content"][-1]
        step = self._script.next(last["text"] if "text" in last else str(last["toolResult"]))
        yield {"messageStart": {"role": "assistant"}}
        if isinstance(step, Call):
            use = {"toolUseId": f"call-{len(messages)}", "name": step.tool}
            yield {"contentBlockStart": {"start": {"toolUse": use}}}
            yield {"contentBlockDelta": {"delta": {"toolUse": {"input": json.dumps(step.arguments)}}}}
        else:
            yield {"contentBlockStart": {"start": {}}}
            yield {"contentBlockDelta": {"delta": {"text": step}}}
        yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": "tool_use" if isinstance(step, Call) else "end_turn"}}


def model() -> Model:
    return Scripted()


if __name__ == "__main__":
    asyncio.run(main())

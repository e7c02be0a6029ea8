"""Plain MCP: the official SDK's client, and a loop of your own around the model.

    pip install mcp

How it behaves (mcp 2.3.0):

    server:       one for the whole run
    protocol:     2026-07-28
    asks by:      a form
    left out:     left out
    model reads:  structured

It sets no limit for a call (`read_timeout_seconds`). Which half of a result the model is shown is up to your loop: both
say the same.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_types import ElicitResult

import person
from scripted_model import Call, ScriptedModel


# snippet
async def ask(_context: Any, question: Any) -> ElicitResult:
    """The server's question: what is about to be written, word for word."""
    decision = await person.decides(question.message)
    return ElicitResult(action="accept", content=decision) if decision else ElicitResult(action="decline")


async def main() -> None:
    server = StdioServerParameters(command="maton-mailgun", args=["serve"], env=dict(os.environ))
    model = ScriptedModel()
    async with Client(stdio_client(server), elicitation_callback=ask) as client:
        async for said in person.says():
            step = model.next(said)
            while isinstance(step, Call):
                done = await client.call_tool(step.tool, step.arguments)
                step = model.next(json.dumps(done.structured_content))
            print(step)


# end of the snippet


if __name__ == "__main__":
    asyncio.run(main())

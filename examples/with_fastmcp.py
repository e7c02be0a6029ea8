"""FastMCP's client, and a loop of your own around the model.

    pip install fastmcp

How it behaves (fastmcp 4.2.3):

    server:       one for the whole run
    protocol:     2026-07-28
    asks by:      a form
    left out:     left out
    model reads:  structured

It raises `ToolError` for a refused call, with the text alone; `raise_on_error=False` gives the result instead. It sets
no limit for a call (`timeout`). Its handler answers with an object of a class that it made of the form.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

from fastmcp import Client
from fastmcp.client.transports import StdioTransport

import person
from scripted_model import Call, ScriptedModel


# snippet
async def ask(question: str, answer: Any, _params: Any, _context: Any) -> Any:
    """The server's question: what is about to be written, word for word."""
    decision = await person.decides(question)
    return answer(**decision) if decision else None


async def main() -> None:
    server = StdioTransport("maton-mailgun", ["serve"], env=dict(os.environ))
    model = ScriptedModel()
    async with Client(server, elicitation_handler=ask) as client:
        async for said in person.says():
            step = model.next(said)
            while isinstance(step, Call):
                done = await client.call_tool(step.tool, step.arguments, raise_on_error=False)
                step = model.next(json.dumps(done.structured_content))
            print(step)


# end of the snippet


if __name__ == "__main__":
    asyncio.run(main())

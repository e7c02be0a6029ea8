"""The OpenAI Agents SDK.

    pip install openai-agents

How it behaves (openai-agents 0.24.0):

    server:       one for the whole run
    protocol:     2026-07-28
    asks by:      page or terminal
    left out:     left out
    model reads:  text

It gives up a call after 5 seconds (`client_session_timeout_seconds`), and tells the model so; no call of ours waits
longer for a person. Its own `require_approval` asks before the server is called and shows the arguments, not what they
lead to: the server asks all the same.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

from agents import Agent, Runner, SQLiteSession, set_tracing_disabled
from agents.items import ModelResponse
from agents.mcp import MCPServerStdio
from agents.models.interface import Model
from agents.usage import Usage
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

import person
from scripted_model import Call, ScriptedModel


# snippet
async def main() -> None:
    server = MCPServerStdio(params={"command": "maton-mailgun", "args": ["serve"], "env": dict(os.environ)})
    async with server:
        agent = Agent(name="Desk", model=model(), mcp_servers=[server])
        session = SQLiteSession("desk")
        async for said in person.says():
            done = await Runner.run(agent, said, session=session)
            print(done.final_output)


# end of the snippet


class Scripted(Model):
    """The scripted model, as the SDK wants one."""

    def __init__(self) -> None:
        self._script = ScriptedModel()

    async def get_response(self, **given: Any) -> ModelResponse:
        items = given["input"]
        last = items[-1]
        handed = last.get("output", last.get("content"))
        step = self._script.next(handed if isinstance(handed, str) else "".join(part["text"] for part in handed))
        item: Any
        if isinstance(step, Call):
            arguments = json.dumps(step.arguments)
            item = ResponseFunctionToolCall(
                type="function_call", name=step.tool, arguments=arguments, call_id=f"call-{len(items)}"
            )
        else:
            text = ResponseOutputText(type="output_text", text=step, annotations=[])
            item = ResponseOutputMessage(
                type="message", id=f"said-{len(items)}", role="assistant", status="completed", content=[text]
            )
        return ModelResponse(output=[item], usage=Usage(), response_id=None)

    def stream_response(self, *args: Any, **options: Any) -> Any:
        raise NotImplementedError("this example does not stream")


def model() -> Model:
    return Scripted()


if __name__ == "__main__":
    set_tracing_disabled(True)
    asyncio.run(main())

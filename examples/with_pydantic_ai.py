"""Pydantic AI.

    pip install 'pydantic-ai-slim[mcp]'

How it behaves (pydantic-ai 2.68.0):

    server:       one for the whole run
    protocol:     2026-07-28
    asks by:      a form
    left out:     left out
    model reads:  structured

It gives up a call after 5 minutes (`read_timeout`). The form is asked between two calls, so that a person may take the
15 minutes that a question stays open. It warns that the handler will never be called; it is called.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset, StdioTransport
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel

import person
from scripted_model import Call, ScriptedModel


# snippet
async def ask(question: str, answer: Any, _params: Any, _context: Any) -> Any:
    """The server's question: what is about to be written, word for word."""
    decision = await person.decides(question)
    return answer(**decision) if decision else None


async def main() -> None:
    server = StdioTransport("maton-mailgun", ["serve"], env=dict(os.environ))
    agent = Agent(model(), toolsets=[MCPToolset(server, elicitation_handler=ask)])
    messages: list[Any] = []
    async for said in person.says():
        done = await agent.run(said, message_history=messages)
        messages = done.all_messages()
        print(done.output)


# end of the snippet


def model() -> FunctionModel:
    """The scripted model, as Pydantic AI wants one."""
    script = ScriptedModel()

    def answer(messages: Any, _info: Any) -> ModelResponse:
        last = messages[-1].parts[-1]
        step = script.next(last.content if last.part_kind == "user-prompt" else last.model_response_str())
        part = ToolCallPart(step.tool, step.arguments) if isinstance(step, Call) else TextPart(step)
        return ModelResponse(parts=[part])

    return FunctionModel(answer)


if __name__ == "__main__":
    asyncio.run(main())

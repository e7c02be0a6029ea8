"""Google's Agent Development Kit.

    pip install 'google-adk[mcp]'

How it behaves (google-adk 2.13.0):

    server:       one for the whole run
    protocol:     2025-11-25
    asks by:      a form
    left out:     left out
    model reads:  text

It gives up a call after 5 seconds (`StdioConnectionParams.timeout`), which is less than a person needs. So the server
answers before that, the form stays open and its answer counts. Its `require_confirmation` asks before the server is
called and shows the arguments, not what they lead to.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

from google.adk.agents import Agent
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import InMemoryRunner
from google.adk.tools.mcp_tool import McpToolset
from google.adk.tools.mcp_tool.mcp_session_manager import StdioConnectionParams
from google.genai import types
from mcp import StdioServerParameters
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
    tools = McpToolset(connection_params=StdioConnectionParams(server_params=server), elicitation_callback=ask)
    runner = InMemoryRunner(agent=Agent(name="desk", model=model(), tools=[tools]), app_name="desk")
    session = await runner.session_service.create_session(app_name="desk", user_id="ann")
    async for said in person.says():
        message = types.Content(role="user", parts=[types.Part(text=said)])
        async for event in runner.run_async(user_id="ann", session_id=session.id, new_message=message):
            if event.is_final_response():
                print(event.content.parts[0].text)
    await runner.close()


# end of the snippet


class Model(BaseLlm):
    """The scripted model, as ADK wants one."""

    script: Any

    async def generate_content_async(self, llm_request: Any, stream: bool = False) -> AsyncIterator[LlmResponse]:
        last = llm_request.contents[-1].parts[-1]
        step = self.script.next(last.text or last.function_response.response)
        if isinstance(step, Call):
            part = types.Part(function_call=types.FunctionCall(name=step.tool, args=step.arguments))
        else:
            part = types.Part(text=step)
        yield LlmResponse(content=types.Content(role="model", parts=[part]))


def model() -> Model:
    return Model(model="scripted", script=ScriptedModel())


if __name__ == "__main__":
    asyncio.run(main())

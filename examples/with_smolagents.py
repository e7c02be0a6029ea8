"""smolagents.

    pip install 'smolagents[mcp]' 'mcp<2'

How it behaves (smolagents 1.26.0):

    server:       one for the whole run
    protocol:     2025-11-25
    asks by:      page or terminal
    left out:     left out
    model reads:  text

It takes every argument of a tool for a required one and refuses calls without it. With `--discovery` the server lists
`find_tools` and `call_tool`, through which all others are called, and their arguments are left alone. It sets no limit
for a call.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from mcp import StdioServerParameters
from smolagents import MCPClient, ToolCallingAgent
from smolagents.models import ChatMessage, ChatMessageToolCall, ChatMessageToolCallFunction, MessageRole, Model

import person
from scripted_model import Call, ScriptedModel


# snippet
async def main() -> None:
    server = StdioServerParameters(command="maton-mailgun", args=["serve", "--discovery"], env=dict(os.environ))
    with MCPClient(server, structured_output=False) as tools:
        agent = ToolCallingAgent(tools=tools, model=model())
        async for said in person.says():
            print(await asyncio.to_thread(agent.run, said, reset=False))


# end of the snippet


class Scripted(Model):
    """The scripted model, as smolagents wants one: its last words are a call too."""

    def __init__(self) -> None:
        super().__init__(model_id="scripted")
        self._script = ScriptedModel()

    def generate(self, messages: Any, *args: Any, **options: Any) -> ChatMessage:
        last = messages[-1].content
        handed = last if isinstance(last, str) else last[-1]["text"]
        step = self._script.next(handed.removeprefix("Observation:\n"))
        if not isinstance(step, Call):
            tool, arguments = "final_answer", {"answer": step}
        elif step.tool == "get_approval":
            tool, arguments = step.tool, step.arguments  # listed by itself
        else:
            tool, arguments = "call_tool", {"name": step.tool, "arguments": step.arguments}
        function = ChatMessageToolCallFunction(name=tool, arguments=arguments)
        call = ChatMessageToolCall(function=function, id=f"call-{len(messages)}", type="function")
        return ChatMessage(role=MessageRole.ASSISTANT, content="", tool_calls=[call])


def model() -> Model:
    return Scripted()


if __name__ == "__main__":
    asyncio.run(main())

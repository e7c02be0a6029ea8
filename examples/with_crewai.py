"""CrewAI.

    pip install crewai 'crewai-tools[mcp]'

How it behaves (crewai 1.15.30):

    server:       one for each call
    protocol:     2025-11-25
    asks by:      page or terminal
    left out:     left out
    model reads:  text

It gives up a call after 30 seconds and makes it anew, three times in all. A call that still waits or runs is joined,
not made twice. No model may make the same call twice in a row: the server names another `wait_seconds` each time. Names
of tools begin with that of the server.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

from crewai import Agent, BaseLLM
from crewai.mcp import MCPServerStdio

import person
from scripted_model import Call, ScriptedModel


# snippet
async def main() -> None:
    server = MCPServerStdio(command="maton-mailgun", args=["serve"], env=dict(os.environ))
    agent = Agent(
        role="Desk", goal="Do what the user wants", backstory="You work at a help desk.", llm=model(), mcps=[server]
    )
    async for said in person.says():
        print(await agent.kickoff_async(said))


# end of the snippet


class Model(BaseLLM):
    """The scripted model, as CrewAI wants one that has no tool calls of its own: in words."""

    script: Any = None

    def call(self, messages: Any, tools: Any = None, **options: Any) -> str:
        said = "".join(message["content"] for message in messages)
        step = self.script.next(said.rpartition("Observation: ")[2])
        if isinstance(step, Call):
            tool = f"maton_mailgun_serve_{step.tool}"
            return f"Thought: next\nAction: {tool}\nAction Input: {json.dumps(step.arguments)}"
        return f"Thought: done\nFinal Answer: {step}"

    def supports_function_calling(self) -> bool:
        return False


def model() -> Model:
    return Model(model="scripted", script=ScriptedModel())


if __name__ == "__main__":
    asyncio.run(main())

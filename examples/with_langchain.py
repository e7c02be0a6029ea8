"""LangChain: `langchain` with `langchain-mcp-adapters`.

    pip install langchain langchain-mcp-adapters

How it behaves (langchain-mcp-adapters 0.3.2):

    server:       one for each call
    protocol:     2025-11-25
    asks by:      a form
    left out:     left out
    model reads:  text

`get_tools()` starts a server for every call and ends it with the call; `async with client.session("mailgun")` and
`load_mcp_tools` keep one. It sets no limit for a call. The server waits 45 seconds for the answer to a form; one that
comes later counts as well.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_mcp_adapters.callbacks import Callbacks
from langchain_mcp_adapters.client import MultiServerMCPClient
from mcp.types import ElicitResult

import person
from scripted_model import Call, ScriptedModel


# snippet
async def ask(_session: Any, question: Any, _context: Any) -> ElicitResult:
    """The server's question: what is about to be written, word for word."""
    decision = await person.decides(question.message)
    return ElicitResult(action="accept", content=decision) if decision else ElicitResult(action="decline")


async def main() -> None:
    server = {"transport": "stdio", "command": "maton-mailgun", "args": ["serve"], "env": dict(os.environ)}
    client = MultiServerMCPClient({"mailgun": server}, callbacks=Callbacks(on_elicitation=ask))
    agent = create_agent(model(), await client.get_tools())
    messages: list[Any] = []
    async for said in person.says():
        done = await agent.ainvoke({"messages": [*messages, {"role": "user", "content": said}]})
        messages = done["messages"]
        print(messages[-1].text)


# end of the snippet


class Model(BaseChatModel):
    """The scripted model, as LangChain wants one."""

    script: Any
    _llm_type = "scripted"

    def bind_tools(self, tools: Any, **options: Any) -> Any:
        return self

    def _generate(self, messages: Any, *args: Any, **options: Any) -> ChatResult:
        step = self.script.next(messages[-1].text)
        if isinstance(step, Call):
            call = {"name": step.tool, "args": step.arguments, "id": f"call-{len(messages)}"}
            message = AIMessage("", tool_calls=[call])
        else:
            message = AIMessage(step)
        return ChatResult(generations=[ChatGeneration(message=message)])


def model() -> Model:
    return Model(script=ScriptedModel())


if __name__ == "__main__":
    asyncio.run(main())

"""LlamaIndex: its tools for MCP.

    pip install llama-index-core llama-index-tools-mcp

How it behaves (llama-index-tools-mcp 0.6.0):

    server:       one for each call
    protocol:     2025-11-25
    asks by:      page or terminal
    left out:     left out
    model reads:  text

It gives up a call after 30 seconds (`timeout`). The model is handed the whole result as Python writes it down, the text
first and the structured half after it.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ToolCallBlock
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.core.memory import Memory
from llama_index.tools.mcp import BasicMCPClient, McpToolSpec

import person
from scripted_model import Call, ScriptedModel


# snippet
async def main() -> None:
    server = BasicMCPClient("maton-mailgun", args=["serve"], env=dict(os.environ))
    agent = FunctionAgent(llm=model(), tools=await McpToolSpec(client=server).to_tool_list_async())
    memory = Memory.from_defaults("desk")
    async for said in person.says():
        print(await agent.run(said, memory=memory))


# end of the snippet


def model() -> MockFunctionCallingLLM:
    """The scripted model, as LlamaIndex wants one."""
    script = ScriptedModel()

    def answer(messages: Any, **_: Any) -> ChatMessage:
        step = script.next(messages[-1].content)
        if isinstance(step, Call):
            block = ToolCallBlock(tool_call_id=f"call-{len(messages)}", tool_name=step.tool, tool_kwargs=step.arguments)
            return ChatMessage(role="assistant", blocks=[block])
        return ChatMessage(role="assistant", content=step)

    return MockFunctionCallingLLM(response_generator=answer)


if __name__ == "__main__":
    asyncio.run(main())

"""Microsoft's Agent Framework.

    pip install agent-framework-core 'mcp>=2'

How it behaves (agent-framework-core 1.23.0):

    server:       one for the whole run
    protocol:     2026-07-28
    asks by:      page or terminal
    left out:     left out
    model reads:  structured

It sets no limit for a call (`request_timeout`). Of a result that is flagged as an error its model is told "Error:
Function failed." and no more, unless `include_detailed_errors` is set: so the server does not flag errors for it, and
what to do stands in the result. Its `approval_mode` asks before the server is called and shows the arguments, not what
they lead to.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from agent_framework import (
    Agent,
    BaseChatClient,
    ChatResponse,
    Content,
    FunctionInvocationLayer,
    MCPStdioTool,
    Message,
)

import person
from scripted_model import Call, ScriptedModel


# snippet
async def main() -> None:
    async with MCPStdioTool("mailgun", "maton-mailgun", args=["serve"], env=dict(os.environ)) as mailgun:
        agent = Agent(model(), tools=[mailgun])
        session = agent.create_session()
        async for said in person.says():
            print(await agent.run(said, session=session))


# end of the snippet


class Client(FunctionInvocationLayer, BaseChatClient):
    """The scripted model, as the framework wants a client of one."""

    def __init__(self) -> None:
        super().__init__()
        self._script = ScriptedModel()

    async def _inner_get_response(self, *, messages: Any, stream: bool, options: Any, **more: Any) -> ChatResponse:
        last = messages[-1].contents[-1]
        step = self._script.next(last.text if last.type == "text" else last.result)
        if isinstance(step, Call):
            content = Content.from_function_call(f"call-{len(messages)}", step.tool, arguments=step.arguments)
        else:
            content = Content.from_text(step)
        return ChatResponse(messages=[Message("assistant", [content])])


def model() -> Client:
    return Client()


if __name__ == "__main__":
    asyncio.run(main())

"""Microsoft's Agent Framework.

pip install agent-framework-core 'mcp>=2'
"""

from __future__ import annotations

import asyncio
import os

from agent_framework import Agent, MCPStdioTool

import person


# snippet
async def main() -> None:
    async with MCPStdioTool("mailgun", "maton-mailgun", args=["serve"], env=dict(os.environ)) as mailgun:
        agent = Agent(model(), tools=[mailgun])
        session = agent.create_session()
        async for said in person.says():
            print(await agent.run(said, session=session))


# end of the snippet


if __name__ == "__main__":
    asyncio.run(main())

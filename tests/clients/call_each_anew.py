"""Calls tools with langchain-mcp-adapters, which starts a server over stdio for each call; prints each answer's text.

    python call_each_anew.py '{"command": …, "args": […], "env": {…}, "calls": [[TOOL, ARGUMENTS], …]}'

Run in an environment that has langchain-mcp-adapters.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from langchain_mcp_adapters.client import MultiServerMCPClient  # type: ignore[import-not-found]


async def main(given: dict[str, Any]) -> None:
    """Each call as an agent makes it: the tools are taken once, and every use of one is a process of its own."""
    connection = {"transport": "stdio", "command": given["command"], "args": given["args"], "env": given["env"]}
    tools = {tool.name: tool for tool in await MultiServerMCPClient({"mailgun": connection}).get_tools()}
    for name, arguments in given["calls"]:
        answer = await tools[name].ainvoke(arguments)
        text = answer if isinstance(answer, str) else "".join(part["text"] for part in answer)
        print(text)  # noqa: T201 - what the test reads


asyncio.run(main(json.loads(sys.argv[1])))

"""Calls tools as an agent framework does, without a person to ask, and prints what it hands to its model: a line each.

    python call_by_framework.py FRAMEWORK '{"command": …, "args": […], "env": {…}, "calls": [[TOOL, ARGUMENTS], …]}'

Run in an environment that has the framework. What a model left out is null where the framework sends it so.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

Given = dict[str, Any]


async def pydantic_ai(given: Given) -> AsyncIterator[Any]:
    """A model that makes each call and notes what comes back."""
    from pydantic_ai import Agent  # type: ignore[import-not-found]
    from pydantic_ai.mcp import MCPToolset, StdioTransport  # type: ignore[import-not-found]
    from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart  # type: ignore[import-not-found]
    from pydantic_ai.models.function import FunctionModel  # type: ignore[import-not-found]

    transport = StdioTransport(given["command"], given["args"], env=given["env"])
    for name, arguments in given["calls"]:
        returned: list[Any] = []

        def model(
            messages: Any, _: Any, name: str = name, arguments: Given = arguments, returned: list[Any] = returned
        ) -> Any:
            last = messages[-1].parts[-1]
            if last.part_kind == "tool-return":
                returned.append(last.model_response_str())
                return ModelResponse(parts=[TextPart("done")])
            return ModelResponse(parts=[ToolCallPart(name, arguments)])

        await Agent(FunctionModel(model), toolsets=[MCPToolset(transport)]).run("go")
        yield returned[0]


async def openai_agents(given: Given) -> AsyncIterator[Any]:
    """The server's tools, invoked as the runner does."""
    from agents import RunContextWrapper  # type: ignore[import-not-found]
    from agents.mcp import MCPServerStdio, MCPUtil  # type: ignore[import-not-found]

    async with MCPServerStdio(params={name: given[name] for name in ("command", "args", "env")}) as server:
        tools = {tool.name: tool for tool in await server.list_tools()}
        for name, arguments in given["calls"]:
            yield await MCPUtil.invoke_mcp_tool(server, tools[name], RunContextWrapper(None), json.dumps(arguments))


async def llama_index(given: Given) -> AsyncIterator[Any]:
    """Function tools of the tool spec."""
    from llama_index.tools.mcp import BasicMCPClient, McpToolSpec  # type: ignore[import-not-found]

    client = BasicMCPClient(given["command"], args=given["args"], env=given["env"])
    tools = {tool.metadata.name: tool for tool in await McpToolSpec(client=client).to_tool_list_async()}
    for name, arguments in given["calls"]:
        yield (await tools[name].acall(**arguments)).content


async def autogen(given: Given) -> AsyncIterator[Any]:
    """Tool adapters, with the text that an agent's model is given."""
    from autogen_core import CancellationToken  # type: ignore[import-not-found]
    from autogen_ext.tools.mcp import StdioServerParams, mcp_server_tools  # type: ignore[import-not-found]

    parameters = StdioServerParams(command=given["command"], args=given["args"], env=given["env"])
    tools = {tool.name: tool for tool in await mcp_server_tools(parameters)}
    for name, arguments in given["calls"]:
        done = await tools[name].run_json(arguments, CancellationToken())
        yield tools[name].return_value_as_string(done)


async def agno(given: Given) -> AsyncIterator[Any]:
    """Functions of the toolkit."""
    from agno.tools.mcp import MCPTools  # type: ignore[import-not-found]
    from mcp import StdioServerParameters

    parameters = StdioServerParameters(command=given["command"], args=given["args"], env=given["env"])
    async with MCPTools(server_params=parameters) as tools:
        for name, arguments in given["calls"]:
            done = await tools.functions[name].entrypoint(**arguments)
            yield getattr(done, "content", done)


async def crewai(given: Given) -> AsyncIterator[Any]:
    """Tools of the adapter, which sends what was left out as null."""
    from crewai_tools import MCPServerAdapter  # type: ignore[import-not-found]
    from mcp import StdioServerParameters

    parameters = StdioServerParameters(command=given["command"], args=given["args"], env=given["env"])
    with MCPServerAdapter(parameters) as tools:
        by_name = {tool.name: tool for tool in tools}
        for name, arguments in given["calls"]:
            yield await asyncio.to_thread(by_name[name].run, **arguments)


async def adk(given: Given) -> AsyncIterator[Any]:
    """An agent whose model makes each call and notes what comes back."""
    from google.adk.agents import Agent  # type: ignore[import-not-found]
    from google.adk.models.base_llm import BaseLlm  # type: ignore[import-not-found]
    from google.adk.models.llm_response import LlmResponse  # type: ignore[import-not-found]
    from google.adk.runners import InMemoryRunner  # type: ignore[import-not-found]
    from google.adk.tools.mcp_tool import McpToolset  # type: ignore[import-not-found]
    from google.adk.tools.mcp_tool.mcp_session_manager import StdioConnectionParams  # type: ignore[import-not-found]
    from google.genai import types  # type: ignore[import-not-found]
    from mcp import StdioServerParameters

    returned: list[Any] = []

    class Model(BaseLlm):  # type: ignore[misc]
        call: Any = None

        async def generate_content_async(self, request: Any, stream: bool = False) -> AsyncIterator[Any]:
            last = request.contents[-1].parts[-1]
            if last.function_response is not None:
                returned.append(last.function_response.response)
                part = types.Part(text="done")
            else:
                part = types.Part(function_call=types.FunctionCall(name=self.call[0], args=self.call[1]))
            yield LlmResponse(content=types.Content(role="model", parts=[part]))

    parameters = StdioServerParameters(command=given["command"], args=given["args"], env=given["env"])
    for call in given["calls"]:
        tools = McpToolset(connection_params=StdioConnectionParams(server_params=parameters, timeout=20))
        agent = Agent(name="desk", model=Model(model="none", call=call), tools=[tools])
        runner = InMemoryRunner(agent=agent, app_name="desk")
        session = await runner.session_service.create_session(app_name="desk", user_id="ann")
        said = types.Content(role="user", parts=[types.Part(text="go")])
        async for _ in runner.run_async(user_id="ann", session_id=session.id, new_message=said):
            pass
        await tools.close()
        yield returned.pop()


async def agent_framework(given: Given) -> AsyncIterator[Any]:
    """A tool of a local process, which hands the structured content on where there is some."""
    from agent_framework import MCPStdioTool  # type: ignore[import-not-found]

    async with MCPStdioTool("mailgun", given["command"], args=given["args"], env=given["env"]) as tool:
        for name, arguments in given["calls"]:
            yield await tool.call_tool(name, **arguments)


async def main(framework: str, given: Given) -> None:
    """All calls of one framework."""
    async for handed in globals()[framework](given):
        print(json.dumps(handed if isinstance(handed, str) else json.dumps(handed, default=str)))  # noqa: T201


asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))

"""A host as people run one: a real MCP client and a person at its form, driven from plain test functions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, Literal

import mcp_types as types
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client
from mcp.client.extension import advertise
from mcp.client.session import ClientRequestContext
from mcp.client.stdio import StdioServerParameters, stdio_client
from pydantic import BaseModel

Person = Literal["approves", "rejects", "corrects", "absent"]
"""What the person at the client does; `corrects` is a no and then a yes, `absent` a client that cannot ask at all."""
Era = Literal["modern", "legacy"]
VERSIONS: Mapping[Era, str] = {"modern": "2026-07-28", "legacy": "2025-11-25"}


class _Anything(BaseModel, extra="allow"):
    """A result whatever it holds."""


class Host:
    """One client session. `asked` holds the text of every question the person was shown; `person` and `reason` may
    change from call to call, but for a client that cannot ask."""

    def __init__(self, portal: BlockingPortal, person: Person) -> None:
        self.asked: list[str] = []
        self.led: list[str] = []
        self._portal = portal
        self.person = person
        self.reason = "not today"
        self._client: Client | None = None

    async def answer(self, context: ClientRequestContext, params: types.ElicitRequestParams) -> types.ElicitResult:
        """Decide as the person does; whoever is led to an address does not go there."""
        if isinstance(params, types.ElicitRequestURLParams):
            self.led.append(params.url)
            return types.ElicitResult(action="decline")
        self.asked.append(params.message)
        if self.person == "approves":
            return types.ElicitResult(action="accept", content={"decision": "approve"})
        if self.person == "corrects":
            self.person = "approves"
        return types.ElicitResult(action="accept", content={"decision": "reject", "reason": self.reason})

    def connect(self, client: Client) -> None:
        self._client = client

    @property
    def client(self) -> Client:
        assert self._client is not None
        return self._client

    def call(self, tool: str, arguments: Mapping[str, Any]) -> types.CallToolResult:
        """Call a tool and wait for its result."""
        result: types.CallToolResult = self._portal.call(self.client.call_tool, tool, dict(arguments))
        return result

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a request that the library has no word for, and wait for its result."""
        request = types.Request[dict[str, Any], str](method=method, params=params)
        session = self.client.session

        async def asked() -> dict[str, Any]:
            return (await session.send_request(request, _Anything)).model_dump()

        return self._portal.call(asked)

    def read(self, uri: str) -> types.TextResourceContents:
        """The one text that a resource holds."""
        (only,) = self._portal.call(self.client.read_resource, uri).contents
        assert isinstance(only, types.TextResourceContents)
        return only

    def tools(self) -> list[types.Tool]:
        return self._portal.call(self.client.list_tools).tools


@contextmanager
def host(server: Any, person: Person = "approves", era: Era = "modern", *, apps: bool = False) -> Iterator[Host]:
    """A connected client.

    Args:
        server: A URL or the parameters of a child process.
        person: What the person at the client does.
        era: Which protocol the client speaks.
        apps: Whether it declares that it shows apps.
    """
    shown = {"mimeTypes": ["text/html;profile=mcp-app"]}
    with start_blocking_portal() as portal:
        made = Host(portal, person)
        transport: Any = stdio_client(server) if isinstance(server, StdioServerParameters) else server
        client = Client(
            transport,
            mode="legacy" if era == "legacy" else "auto",
            elicitation_callback=None if person == "absent" else made.answer,
            extensions=[advertise("io.modelcontextprotocol/ui", shown)] if apps else (),
        )
        connecting: AbstractAsyncContextManager[Client] = client
        with portal.wrap_async_context_manager(connecting) as connected:
            assert connected.protocol_version == VERSIONS[era]
            made.connect(connected)
            yield made


def content(result: types.CallToolResult) -> dict[str, Any]:
    """The structured content of a result."""
    found: dict[str, Any] | None = result.structured_content
    assert found is not None
    return found


def draws_what_it_asks(client: Host, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Have a message sent as by a host that shows apps: what is drawn beside the call, and what the app reads."""
    bound = {tool.name: (tool.meta or {})["ui"] for tool in client.tools()}["send_message"]
    assert bound == {"resourceUri": "ui://maton-mailgun/approval.html", "visibility": ["model"]}
    document = client.read(bound["resourceUri"])
    assert document.mime_type == "text/html;profile=mcp-app"
    assert document.text.startswith("<!doctype html>")
    shown: dict[str, Any] = (client.call("send_message", arguments).meta or {})["maton-mailgun/shown"]
    read = json.loads(client.read(f"maton-mailgun://approvals/{shown['approval_id']}/shown").text)
    assert {**read, "now": None} == {**shown, "now": None}
    return shown


def text(result: types.CallToolResult) -> str:
    """The text of a result."""
    (block,) = result.content
    assert isinstance(block, types.TextContent)
    return block.text


def headline(result: types.CallToolResult) -> str:
    """What a model must not miss: the first thing in the content and in the text, which is the same JSON."""
    found = content(result)
    assert text(result) == json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    assert next(iter(found)) == "headline"
    return str(found["headline"])

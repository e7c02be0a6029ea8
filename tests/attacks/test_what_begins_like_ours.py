"""Attacks 113 and 114: requests to MCP over HTTP that name us, or our kind of content, only at their beginning."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx2
import pytest

from maton_mailgun.protocol.entrance import Entrance
from maton_mailgun.protocol.served_names import ServedNames

from .bench import Desk

pytestmark = pytest.mark.anyio
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
}
BODY = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}})
USUAL = {
    "Accept": "application/json, text/event-stream",
    "Content-Type": "application/json",
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "tools/list",
    "Host": "localhost:8000",
}


@pytest.fixture
async def site(desk: Desk) -> AsyncIterator[httpx2.AsyncClient]:
    """The application as it is served, without the port."""
    async with desk.open() as house:
        front = Entrance(house.engine, ServedNames("127.0.0.1", 8000, None))
        transport = httpx2.ASGITransport(app=front)
        async with (
            front.managers[0].run(),
            front.managers[1].run(),
            httpx2.AsyncClient(transport=transport, base_url="http://localhost:8000") as client,
        ):
            yield client


async def status(site: httpx2.AsyncClient, **changed: str) -> int:
    headers = {**USUAL, **{name.replace("_", "-"): value for name, value in changed.items()}}
    return (await site.post("/mcp", content=BODY, headers=headers)).status_code


async def test_what_is_ours_is_answered(site: httpx2.AsyncClient) -> None:
    assert await status(site) == 200
    assert await status(site, Origin="http://localhost:3000") == 200


@pytest.mark.parametrize("host", ["localhost:80@evil.example", "localhost:80.evil.example", "localhost:80/"])
async def test_attack_113_a_host_that_only_begins_like_ours_is_refused(site: httpx2.AsyncClient, host: str) -> None:
    assert await status(site, Host=host) == 400


@pytest.mark.parametrize(
    "origin",
    ["http://localhost:3000.evil.example", "http://localhost:3000@evil.example", "http://[::1]:80evil.example"],
)
async def test_attack_113_an_origin_that_only_begins_like_ours_is_refused(
    site: httpx2.AsyncClient, origin: str
) -> None:
    assert await status(site, Origin=origin) == 403


@pytest.mark.parametrize("kind", ["application/jsonx", "application/json-patch+json"])
async def test_attack_114_content_that_only_begins_like_ours_is_refused(site: httpx2.AsyncClient, kind: str) -> None:
    assert await status(site, Content_Type=kind) == 415

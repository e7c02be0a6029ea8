"""One installation under attack: state directory, clocks, server, and a sandbox account that counts what arrives."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2
import mcp_types as types
from mcp import Client

from approval.form_reading import as_read
from maton_mailgun.approval.gate import Gate
from maton_mailgun.approval.lifecycle.decide import Decision
from maton_mailgun.approval.store.record import Record
from maton_mailgun.call import Engine
from maton_mailgun.catalogue import rows as catalogue
from maton_mailgun.config import Settings
from maton_mailgun.protocol.patience import CallPatience
from maton_mailgun.protocol.server import Visitor, build
from maton_mailgun.sandbox import Sandbox
from maton_mailgun.sandbox.control.faults import parse_fault
from maton_mailgun.wire.gateway import Gateway

KEY = "sandbox-maton-key"
DOMAIN = "mg.example.com"
ME = "local:tester"
LETTER: dict[str, Any] = {
    "domain": DOMAIN,
    "from": "Support <support@mg.example.com>",
    "to": ["bob@example.net"],
    "subject": "Hello",
    "text": "Good morning.",
}
APPROVE: dict[str, Any] = {"decision": "approve"}
REJECT: dict[str, Any] = {"decision": "reject"}


class Clock:
    """Wall clock and monotonic clock of one installation; stands still until told."""

    def __init__(self) -> None:
        self.now = time.time()
        self.ticks = 1_000.0

    def __call__(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.ticks

    def let_pass(self, seconds: float) -> None:
        """Real time passes: both clocks see it."""
        self.now += seconds
        self.ticks += seconds

    def set_by(self, seconds: float) -> None:
        """Somebody sets the wall clock."""
        self.now += seconds


class Person:
    """Answers forms, and keeps what was shown. `seconds` is how long they take."""

    def __init__(
        self, clock: Clock, content: Mapping[str, Any] | None = None, *, action: str = "accept", seconds: float = 5.0
    ) -> None:
        self._clock = clock
        self.content = content
        self.action = action
        self.seconds = seconds
        self.questions: list[str] = []
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    async def __call__(self, _context: Any, asked: Any) -> types.ElicitResult:
        self.questions.append(as_read(asked.message))
        self._clock.let_pass(self.seconds)
        if self.meanwhile is not None:
            await self.meanwhile()
        content = dict(self.content) if self.content is not None else None
        return types.ElicitResult(action=self.action, content=content)  # type: ignore[arg-type]


class Line(httpx2.AsyncBaseTransport):
    """The wire between the server and the sandbox. A test may stand on it while a write passes."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._inner = httpx2.ASGITransport(app=sandbox.app)
        self.before: Callable[[], Awaitable[object]] | None = None
        """Awaited when a write has left the server and has not reached the sandbox."""
        self.after: Callable[[], Awaitable[object]] | None = None
        """Awaited when the sandbox has answered a write and the server has not heard it."""
        self.after_read: Callable[[], Awaitable[object]] | None = None
        """Awaited when the sandbox has answered a read and the server has not heard it."""
        self.hosts: set[str] = set()
        """Every host that anything was sent to."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.hosts.add(f"{request.url.host}:{request.url.port}")
        writes = request.method != "GET"
        if writes and self.before is not None:
            await self.before()
        response = await self._inner.handle_async_request(request)
        after = self.after if writes else self.after_read
        if after is not None:
            await after()
        return response


@dataclass
class House:
    """A running server of an installation."""

    engine: Engine
    gate: Gate
    clock: Clock
    line: Line

    @asynccontextmanager
    async def client(
        self,
        person: Any = None,
        *,
        mode: str = "auto",
        principal: str = ME,
        name: str = "tester",
        patience: CallPatience | None = None,
    ) -> AsyncIterator[Client]:
        """A real MCP client of either era; without a person it cannot ask anybody."""
        info = types.Implementation(name=name, version="1")
        server = build(self.engine, who=lambda _: Visitor(principal), patience=patience)
        async with Client(server, mode=mode, elicitation_callback=person, client_info=info) as client:
            yield client

    async def only(self, **wanted: Any) -> Record:
        """The one approval there is, as it is stored."""
        (record,) = await self.gate.list(**wanted)
        return record

    async def state(self, approval_id: str) -> str:
        """The state of an approval, read from the store."""
        record = await self.gate.get(approval_id)
        assert record is not None
        return record.state


@dataclass
class Desk:
    """An installation: what survives a restart."""

    home: Path
    sandbox: Sandbox
    clock: Clock = field(default_factory=Clock)
    api_url: str = "http://127.0.0.1:9"
    """What the settings name; the bytes go to the sandbox in this process whatever it is."""

    def __post_init__(self) -> None:
        self.settings = Settings(api_key=KEY, api_url=self.api_url, home=self.home, page=False, toolsets=("all",))

    @asynccontextmanager
    async def open(self, **changes: Any) -> AsyncIterator[House]:
        """Start a server of this installation; leaving the block stops it in an orderly way."""
        settings = replace(self.settings, **changes)
        offered = catalogue.load().only(settings.toolsets, read_only=settings.read_only)
        line = Line(self.sandbox)
        engine = Engine(settings, offered, Gateway(settings, line, sleep=self._pause))
        engine.connections._clock = self.clock.monotonic
        engine._gate = await Gate.open(engine, clock=self.clock, monotonic=self.clock.monotonic)
        try:
            yield House(engine, engine._gate, self.clock, line)
        finally:
            await engine.aclose()

    async def _pause(self, seconds: float) -> None:
        self.clock.let_pass(seconds)

    def arm(self, kind: str, **fault: Any) -> None:
        """Let the next write meet a fault of the sandbox."""
        given = {"fault": {"kind": kind}, "match": {"method": "POST"}, **fault}
        self.sandbox.faults.append(parse_fault(given))

    def writes(self) -> list[dict[str, Any]]:
        """Every write request that arrived at the service, acted upon or not."""
        return [request for request in self.sandbox.requests if request["method"] != "GET"]

    def intrude(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run SQL behind the server's back."""
        database = sqlite3.connect(self.home / "approvals.sqlite", isolation_level=None)
        try:
            return database.execute(statement, values).fetchall()
        finally:
            database.close()


def structured(result: Any) -> dict[str, Any]:
    """The structured content of a tool result."""
    assert isinstance(result, types.CallToolResult), result
    content: dict[str, Any] = result.structured_content
    return content


def text(result: Any) -> str:
    """The text a model reads."""
    return "".join(block.text for block in result.content)


def headline(result: Any) -> str:
    """What a model must not miss: the first thing in the content and in the text, which is the same JSON."""
    found = structured(result)
    assert text(result) == json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    assert next(iter(found)) == "headline"
    return str(found["headline"])


async def decide(house: House, approval_id: str, *, approve: bool = True, reason: str | None = None) -> Record:
    """A person decides on the page; after a yes, the record as it is once the write has ended."""
    decision = Decision(approve=approve, level="operator", channel="page", decider="person at the page", reason=reason)
    record = await house.gate.decide(approval_id, decision)
    return await house.gate.run(record.id) if approve else record

"""A gateway whose other side is scripted, and engines over it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx2

from maton_mailgun.call import Engine
from maton_mailgun.catalogue.operation import Catalogue
from maton_mailgun.catalogue.rows import load
from maton_mailgun.config import Settings
from maton_mailgun.exchange import Caller, FormAnswer, Outcome, Question
from maton_mailgun.wire.gateway import Gateway

KEY = "sandbox-maton-key"
MAIN = "78b5a036-c621-40c2-b74b-276195735af2"
DOMAIN = "mg.example.com"
CALLER = Caller("local:tester", "test client")
ASKING = Caller("local:tester", "test client", can_ask=True)


@cache
def catalogue() -> Catalogue:
    """The whole catalogue, read once."""
    return load()


def connection(connection_id: str = MAIN, **more: Any) -> dict[str, Any]:
    """One connection as Maton lists it."""
    return {"connection_id": connection_id, "app": "mailgun", "status": "ACTIVE", "metadata": {}, **more}


@dataclass(frozen=True)
class Says:
    """One scripted answer. `body` is sent as it is when it is bytes, else as JSON."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> httpx2.Response:
        content = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        headers = {"content-type": "application/json", **self.headers}
        return httpx2.Response(self.status, headers=headers, content=content)


Step = Says | Exception


@dataclass
class Scripted(httpx2.AsyncBaseTransport):
    """Answers Mailgun's endpoints with `steps` in their order (the last one again and again), and the look-up of
    connections with `connections`. `arrived` holds what reached Mailgun's endpoints, `looked_up` counts look-ups."""

    steps: Iterable[Step] = ()
    connections: list[dict[str, Any]] = field(default_factory=lambda: [connection()])
    arrived: list[httpx2.Request] = field(default_factory=list)
    looked_up: int = 0

    def __post_init__(self) -> None:
        self._left = list(self.steps)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        if request.url.path == "/connections" and request.method == "GET":
            self.looked_up += 1
            return Says(body={"connections": self.connections}).response()
        self.arrived.append(request)
        step = self._left.pop(0) if len(self._left) > 1 else self._left[0]
        if isinstance(step, Exception):
            raise step
        return step.response()


@dataclass
class Waits:
    """Instead of sleeping: notes for how long."""

    seconds: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def engine_over(
    transport: httpx2.AsyncBaseTransport | None,
    home: Path = Path("unused"),
    *,
    waits: Waits | None = None,
    jitter: Callable[[], float] = lambda: 0.5,
    **settings: Any,
) -> Engine:
    """An engine that waits for nothing and offers every tool; over the network where there is no transport."""
    usual = {"api_key": KEY, "api_url": "http://127.0.0.1:9", "home": home, "page": False, "toolsets": ("all",)}
    chosen = Settings(**{**usual, **settings})
    offered = catalogue().only(chosen.toolsets, read_only=chosen.read_only)
    return Engine(chosen, offered, Gateway(chosen, transport, sleep=waits or Waits(), jitter=jitter))


async def called(engine: Engine, tool: str, **arguments: Any) -> Outcome:
    """The outcome of a call by a client that cannot ask."""
    outcome = await engine.call(tool, arguments, CALLER)
    assert isinstance(outcome, Outcome)
    return outcome


async def approved(engine: Engine, tool: str, **arguments: Any) -> Outcome:
    """The outcome of a write that a person approves in the client's form."""
    question = await engine.call(tool, arguments, ASKING)
    assert isinstance(question, Question), question
    yes = {"decision": "approve"}
    answer = FormAnswer(question.approval_id, question.digest, question.asked_at, "accept", yes, question.shown)
    outcome = await engine.call(tool, arguments, ASKING, answer)
    assert isinstance(outcome, Outcome)
    return outcome


def error(outcome: Outcome) -> dict[str, Any]:
    """The error an outcome tells of."""
    found: dict[str, Any] = outcome.content["error"]
    return found


def problems(outcome: Outcome) -> list[tuple[str, str]]:
    """What is wrong with the arguments, by path."""
    return [(problem["path"], problem["wrong"]) for problem in error(outcome)["problems"]]

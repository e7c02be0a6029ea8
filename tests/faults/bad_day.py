"""One call on a bad day: a fault in the sandbox, a call through the whole engine, and what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from maton_mailgun.call import Engine
from maton_mailgun.catalogue.operation import Catalogue
from maton_mailgun.catalogue.rows import load
from maton_mailgun.config import Settings
from maton_mailgun.exchange import Caller, FormAnswer, Outcome
from maton_mailgun.sandbox import RunningSandbox
from maton_mailgun.wire import gateway
from maton_mailgun.wire.gateway import Gateway

KEY = "sandbox-maton-key"
CALLER = Caller("tester", "fault tests", can_ask=True)
_PATIENCE = 0.25
_ROUTE = "6797c62f6ee0a9fcb1ec5eee"


@dataclass(frozen=True)
class Call:
    """The call that stands for one kind of access, and the request it comes down to."""

    tool: str
    arguments: Mapping[str, Any]
    method: str
    path: str


CALLS = {
    "read": Call("list_bounces", {"domain": "mg.example.com"}, "GET", "/mailgun/v3/mg.example.com/bounces"),
    "create": Call("create_route", {"expression": "catch_all()", "actions": ["stop()"]}, "POST", "/mailgun/v3/routes"),
    "change": Call(
        "update_route", {"route_id": _ROUTE, "description": "Changed"}, "PUT", f"/mailgun/v3/routes/{_ROUTE}"
    ),
    "delete": Call(
        "delete_bounce",
        {"domain": "mg.example.com", "address": "gone@example.net"},
        "DELETE",
        "/mailgun/v3/mg.example.com/bounces/gone%40example.net",
    ),
    "send": Call(
        "send_message",
        {
            "domain": "mg.example.com",
            "from": "me@mg.example.com",
            "to": ["you@example.net"],
            "subject": "Hi",
            "text": "x",
        },
        "POST",
        "/mailgun/v3/mg.example.com/messages",
    ),
}


@dataclass(frozen=True)
class Seen:
    """What the caller was told, and what reached the other side.

    `answer` is the kind of the error, or the status where there is none. `arrived` counts requests of the call itself,
    `carried_out` those that were acted on, `waited` is seconds between attempts, `again` what the caller is told to
    wait.
    """

    status: str
    answer: str
    is_error: bool
    executed: bool | str | None
    may_have_happened: bool
    http: int | None
    again: float | None
    arrived: int
    carried_out: int
    waited: float


async def call(running: RunningSandbox, home: Path, access: str) -> Seen:
    """Calls through a fresh engine, with a person who says yes to what is asked."""
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    made = CALLS[access]
    outcome = await carried_out(running, home, load(), made.tool, made.arguments, wait)
    return _seen(outcome, running, made, sum(waits))


async def carried_out(
    running: RunningSandbox,
    home: Path,
    catalogue: Catalogue,
    tool: str,
    arguments: Mapping[str, Any],
    sleep: Callable[[float], Awaitable[None]],
) -> Outcome:
    """The outcome of one call of an engine with this catalogue, approved where it has to be."""
    settings = Settings(api_key=KEY, api_url=running.url, home=home, page=False)
    engine = Engine(settings, catalogue, Gateway(settings, sleep=sleep, jitter=lambda: 0.5))
    try:
        asked = await engine.call(tool, arguments, CALLER)
        if isinstance(asked, Outcome):
            return asked
        yes = FormAnswer(
            asked.approval_id, asked.digest, asked.asked_at, "accept", {"decision": "approve"}, asked.shown
        )
        answered = await engine.call(tool, arguments, CALLER, yes)
        assert isinstance(answered, Outcome)
        return answered
    finally:
        await engine.aclose()


def _seen(outcome: Outcome, running: RunningSandbox, made: Call, waited: float) -> Seen:
    mine = [
        record
        for record in running.sandbox.requests
        if record["method"] == made.method and record["path"].partition("?")[0] == made.path
    ]
    content = outcome.content
    error = content.get("error", {})
    return Seen(
        status=content["status"],
        answer=error.get("kind", content["status"]),
        is_error=outcome.is_error,
        executed=content.get("executed"),
        may_have_happened=bool(error.get("may_have_happened", False)),
        http=error.get("http_status"),
        again=error.get("retry_after_seconds"),
        arrived=len(mine),
        carried_out=sum(record["acted"] for record in mine),
        waited=round(waited, 2),
    )


def be_impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that takes longer than this is given up, as one that takes a minute is otherwise."""
    monkeypatch.setattr(gateway, "READ_SECONDS", _PATIENCE)


def run(running: RunningSandbox, home: Path, access: str) -> Seen:
    """`call`, from a test that is not asynchronous."""
    return asyncio.run(call(running, home, access))

"""The ASGI application: control paths as ordinary routes, everything else to Maton and Mailgun by raw path."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, cast

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount

from maton_mailgun.sandbox.account.state import State
from maton_mailgun.sandbox.control.endpoints import control_routes
from maton_mailgun.sandbox.control.faults import Fault, take
from maton_mailgun.sandbox.control.outbox_page import outbox_routes
from maton_mailgun.sandbox.mailgun import operations as mailgun
from maton_mailgun.sandbox.maton import api as maton
from maton_mailgun.sandbox.web.calls import Call, HttpAnswer, Record
from maton_mailgun.sandbox.web.forms import read_call
from maton_mailgun.sandbox.web.recording import record_operation

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

HANG_UP = "maton_mailgun.sandbox.hang_up"
"""ASGI extension our server offers: a function that closes the connection at once."""

_SLOW_STEPS = 10


def build_app(sandbox: State) -> Starlette:
    """The application of one sandbox."""

    async def everything_else(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await _serve(sandbox, Request(scope, receive), send)

    return Starlette(routes=[*outbox_routes(sandbox), *control_routes(sandbox), Mount("/", app=everything_else)])


async def _serve(sandbox: State, request: Request, send: Send) -> None:
    call = await read_call(request)
    record = sandbox.record(call)
    fault = take(sandbox.faults, call)
    if fault is None:
        answer = _carry_out(sandbox, call, record)
        record["status"] = answer.status
        await _send(send, answer)
        return
    # The answer of an operation that is not carried out is never sent: the fault brings its own, or none.
    real = _carry_out(sandbox, call, record) if fault.act else HttpAnswer(500, b"")
    await asyncio.sleep(fault.delay)
    if fault.drop is not None:
        await _hang_up(request)
        return
    answer = fault.apply(real)
    record["status"] = answer.status
    await _send_badly(request, send, answer, fault)


def _carry_out(sandbox: State, call: Call, record: Record) -> HttpAnswer:
    sandbox.account.now = sandbox.now()
    accepted = sandbox.account.message_number
    if call.segments[0] in ("v1", "v3", "v4"):
        password = mailgun.basic_password(call.headers.get("authorization", ""))
        answer = mailgun.answer(sandbox.account, call, key_is_good=password in sandbox.mailgun_keys)
        connection_id = None
    else:
        answer, connection_id = maton.answer(sandbox, call)
    record_operation(record, call, answer, connection_id)
    if sandbox.forwarder is not None:
        sandbox.forwarder.forward_since(sandbox.account, accepted)
    return answer


def _start(answer: HttpAnswer) -> MutableMapping[str, Any]:
    headers = {"content-type": answer.content_type, "content-length": str(len(answer.body)), **answer.headers}
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http.response.start", "status": answer.status, "headers": pairs}


async def _send(send: Send, answer: HttpAnswer) -> None:
    await send(_start(answer))
    await send({"type": "http.response.body", "body": answer.body})


async def _send_badly(request: Request, send: Send, answer: HttpAnswer, fault: Fault) -> None:
    """An answer cut off or spread over time."""
    await send(_start(answer))
    body = answer.body if fault.truncate is None else answer.body[: fault.truncate]
    step = max(1, -(-len(body) // _SLOW_STEPS)) if fault.slow_body else max(1, len(body))
    for at in range(0, len(body), step):
        await asyncio.sleep(fault.slow_body / _SLOW_STEPS)
        await send({"type": "http.response.body", "body": body[at : at + step], "more_body": True})
    if fault.truncate is not None and len(body) < len(answer.body):
        await _hang_up(request)
    else:
        await send({"type": "http.response.body", "body": b""})


async def _hang_up(request: Request) -> None:
    """Closes the connection. In process there is none to close: the caller gets a ConnectionResetError instead."""
    hang_up = request.scope.get("extensions", {}).get(HANG_UP)
    if hang_up is None:
        raise ConnectionResetError("the sandbox dropped the connection, as the armed fault asks")
    cast("Callable[[], None]", hang_up)()
    # Wait until the server has noticed, or it would answer 500 for an application that said nothing.
    while (await request.receive())["type"] != "http.disconnect":
        pass

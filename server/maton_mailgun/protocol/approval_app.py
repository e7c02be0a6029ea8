"""MCP Apps: a host that shows them draws what a person is asked about beside the call that asks.

The app decides nothing and calls nothing. No tool is offered to apps (`visibility`), so that a host refuses whatever an
app should come to call; ours reads one resource, which changes nothing. Who does not declare the extension is told none
of this, and whoever does is told the rest as everybody is.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mcp_types as types
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from maton_mailgun.catalogue.operation import Operation
from maton_mailgun.errors import CallError
from maton_mailgun.exchange import Caller
from maton_mailgun.protocol.approval_schemas import REPLACE
from maton_mailgun.protocol.resources import SHOWN as SHOWN_AT
from maton_mailgun.protocol.resources import NoResource, read
from maton_mailgun.protocol.round_trips import APP_TYPE, APPS, declares_apps, shows_apps

if TYPE_CHECKING:
    from maton_mailgun.call import Engine

log = logging.getLogger(__name__)
Context = ServerRequestContext[Any, Any]

URI = "ui://maton-mailgun/approval.html"
SHOWN = "maton-mailgun/shown"
"""Where a result holds what the app draws: in `_meta`, which hosts hand to apps and not to models."""
_FILE = Path(__file__).with_name("approval_app.html")
_INLINE = re.compile(r"<(style|script)>(.*?)</\1>", re.DOTALL)
_FROM_NOWHERE: Mapping[str, list[str]] = {
    "connectDomains": [],
    "resourceDomains": [],
    "frameDomains": [],
    "baseUriDomains": [],
}
_BY_MODELS_ALONE = ["model"]
_DRAWN_SECONDS = 2.0
"""How long an answer waits for what is drawn beside it; the app reads it by itself then."""


class ApprovalApp:
    """The app of one server.

    Args:
        engine: What reads approvals.
        caller: Who a request is from.
    """

    def __init__(self, engine: Engine, caller: Callable[[Context], Caller]) -> None:
        self._engine = engine
        self._caller = caller
        self._bound = bound(engine.catalogue)
        self._listed: dict[str, list[dict[str, Any]]] = {}
        """The tools as they are told to who shows apps, by protocol version."""

    async def __call__(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        """Middleware: what is told of the extension to who declares it."""
        answer = await call_next(ctx)
        if ctx.method not in ("initialize", "server/discover", "tools/list") or not isinstance(answer, dict):
            return answer
        begins = ctx.method == "initialize"
        if not (declares_apps((ctx.params or {}).get("capabilities")) if begins else self.shown_by(ctx)):
            return answer
        # What is told to these is for no cache that others share.
        own = {"cacheScope": "private"} if "cacheScope" in answer else {}  # guard: 393-private
        answer = {**answer, **own}
        if ctx.method != "tools/list":
            able = answer["capabilities"]
            return {**answer, "capabilities": {**able, "extensions": {**able.get("extensions", {}), APPS: {}}}}
        if ctx.protocol_version not in self._listed:
            self._listed[ctx.protocol_version] = [self._told(tool) for tool in answer["tools"]]
        return {**answer, "tools": list(self._listed[ctx.protocol_version])}

    def _told(self, tool: dict[str, Any]) -> dict[str, Any]:
        """A tool as it is told to who shows apps. Left out, `visibility` would let any app call it."""
        shown = {"resourceUri": URI} if tool["name"] in self._bound else {}
        ui = {**shown, "visibility": _BY_MODELS_ALONE}  # guard: 391-models-alone
        return {**tool, "_meta": {"ui": ui}}

    def shown_by(self, ctx: Context) -> bool:
        """Whether the client of a request shows it."""
        return shows_apps(ctx.session.client_params)

    def document(self) -> types.TextResourceContents:
        """The app itself, as it is read."""
        ui = {"csp": dict(_FROM_NOWHERE), "prefersBorder": True}
        return types.TextResourceContents(uri=URI, mime_type=APP_TYPE, text=document(), _meta={"ui": ui})

    async def beside(self, ctx: Context, name: str, answer: dict[str, Any]) -> dict[str, Any]:
        """The same answer, with what the app draws of its approval where the client shows apps."""
        told = answer.get("structuredContent") or {}
        approval_id = told.get("approval_id")
        if name not in self._bound or not isinstance(approval_id, str) or not self.shown_by(ctx):
            return answer
        from maton_mailgun.approval.binding.seal import Unsealable
        from maton_mailgun.approval.store.failures import StoreError

        place = SHOWN_AT.format(approval_id=told.get("superseded_by") or approval_id)
        try:
            async with asyncio.timeout(_DRAWN_SECONDS):
                shown = await read(self._engine, place, self._caller(ctx), apps=True)
        except (CallError, NoResource, StoreError, Unsealable, TimeoutError) as problem:
            # The answer itself stands, whatever can be drawn beside it.
            log.info("nothing is drawn beside an answer", extra={"why": type(problem).__name__})
            return answer
        return {**answer, "_meta": {**answer.get("_meta", {}), SHOWN: shown}}


def bound(catalogue: Mapping[str, Operation]) -> set[str]:
    """The tools whose calls the app is drawn beside: those that ask a person."""
    return {*(name for name, operation in catalogue.items() if operation.writes), REPLACE}


@cache
def document() -> str:
    """The app's HTML. Its own policy lets nothing run or load but what stands in it, by its hash, whatever the host
    allows beside that."""
    text = _FILE.read_text(encoding="utf-8")
    found = {kind: _hash(inner) for kind, inner in _INLINE.findall(text)}
    return text.replace("{style}", found["style"]).replace("{script}", found["script"])


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"

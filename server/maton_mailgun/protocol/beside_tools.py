"""Resources, prompts and completion: the handlers between the protocol and what stands behind them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError

from maton_mailgun.call import Engine
from maton_mailgun.errors import CallError
from maton_mailgun.exchange import Caller
from maton_mailgun.protocol import resources, skills
from maton_mailgun.protocol.approval_app import URI, ApprovalApp
from maton_mailgun.protocol.completing import MOST, Completing, fitting
from maton_mailgun.protocol.prompts import BadPrompt, book
from maton_mailgun.wire.result import text_of

Context = ServerRequestContext[Any, Any]
T = TypeVar("T")
_NOT_FOUND_EARLIER = -32002
"""Before 2026-07-28; since then it is "invalid params" (each version's page on resources)."""


class BesideTools:
    """One server's handlers.

    Args:
        engine: What reads.
        caller: Who a request is from.
        modern: From which protocol version on.
        ttl_ms: How long what never changes here may be kept.
        app: What hosts show, where there is any.
    """

    def __init__(
        self,
        engine: Engine,
        caller: Callable[[Context], Caller],
        modern: str,
        ttl_ms: int,
        app: ApprovalApp | None = None,
    ) -> None:
        self._engine = engine
        self._caller = caller
        self._modern = modern
        self._ttl_ms = ttl_ms
        self._app = app
        self._completing = Completing(engine)

    async def list_resources(
        self, ctx: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        """All of them."""
        return _whole(types.ListResourcesResult, "resources", resources.resources(self._engine.settings))

    async def list_templates(
        self, ctx: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        """All of them."""
        offered = resources.templates(self._engine.settings)
        return _whole(types.ListResourceTemplatesResult, "resourceTemplates", offered)

    async def read_resource(self, ctx: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        """What one holds now."""
        uri = str(params.uri)
        app = self._app if self._app is not None and self._app.shown_by(ctx) else None
        if app is not None and uri == URI:
            return types.ReadResourceResult(contents=[app.document()])
        if (recipe := skills.text(uri)) is not None:
            told = types.TextResourceContents(uri=uri, mime_type=skills.MIME, text=recipe)
            return types.ReadResourceResult(contents=[told], ttl_ms=self._ttl_ms, cache_scope="public")
        try:
            content = await resources.read(self._engine, uri, self._caller(ctx), apps=app is not None)
        except resources.NoResource:
            code = types.INVALID_PARAMS if ctx.protocol_version >= self._modern else _NOT_FOUND_EARLIER
            raise MCPError(code=code, message="There is no such resource.") from None
        except CallError as problem:
            raise MCPError(code=types.INTERNAL_ERROR, message=f"{problem.message} {problem.next}") from None
        text = types.TextResourceContents(uri=uri, mime_type="application/json", text=text_of(content))
        return types.ReadResourceResult(contents=[text])

    async def list_prompts(self, ctx: Context, params: types.PaginatedRequestParams | None) -> types.ListPromptsResult:
        """Those that the tools on offer can do."""
        offered = [prompt.listed for prompt in book().offered(self._engine.catalogue)]
        return _whole(types.ListPromptsResult, "prompts", offered)

    async def get_prompt(self, ctx: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        """The text of one."""
        try:
            prompt = book().get(params.name, self._engine.catalogue)
            text = prompt.filled(params.arguments or {})
        except BadPrompt as problem:
            raise MCPError(code=types.INVALID_PARAMS, message=str(problem)) from None
        said = types.PromptMessage(role="user", content=types.TextContent(type="text", text=text))
        return types.GetPromptResult(description=prompt.about, messages=[said])

    async def complete(self, ctx: Context, params: types.CompleteRequestParams) -> types.CompleteResult:
        """Values of an argument that fit what was typed so far."""
        caller, typed = self._caller(ctx), params.argument.value
        if isinstance(params.ref, types.PromptReference):
            others = (params.context.arguments if params.context is not None else None) or {}
            try:
                found = await self._completing.of_prompt(params.ref.name, params.argument.name, typed, others, caller)
            except BadPrompt as problem:
                raise MCPError(code=types.INVALID_PARAMS, message=str(problem)) from None
        elif str(params.ref.uri) == resources.ONE and params.argument.name == "approval_id":
            found = fitting(await self._ids(caller), typed)
        elif str(params.ref.uri) == skills.RECIPE and params.argument.name == "recipe":
            found = fitting(skills.recipes(), typed)
        else:
            found = []
        values = found[:MOST]
        return types.CompleteResult(
            completion=types.Completion(values=values, total=len(found), has_more=len(found) > len(values))
        )

    async def _ids(self, caller: Caller) -> list[str]:
        try:
            return await resources.ids(self._engine, caller)
        except CallError:
            return []


def _whole(kind: type[T], name: str, offered: Any) -> T:
    """A list on one page, as the wire has it: the result's own model is validated when it is sent."""
    return {name: [dict(one) for one in offered], "resultType": "complete"}  # type: ignore[return-value]

"""What a client carries between a question and its answer, sealed (2026-07-28 and later)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from maton_mailgun.call import Engine
from maton_mailgun.config import state_home
from maton_mailgun.protocol import discovery
from maton_mailgun.protocol.approval_schemas import REPLACE
from maton_mailgun.protocol.round_trips import MODERN

if TYPE_CHECKING:
    from mcp.server.request_state import RequestStateBoundary

log = logging.getLogger(__name__)


class LazyBoundary:
    """Seals question state with the installation's key, which is read when the first question is asked or answered."""

    def __init__(self, engine: Engine, audience: str) -> None:
        self._engine = engine
        self._audience = audience
        self._boundary: RequestStateBoundary | None = None

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if ctx.method != "tools/call" or ctx.protocol_version < MODERN or not self._may_write(ctx):
            return await call_next(ctx)
        if self._boundary is None:
            self._boundary = await asyncio.to_thread(self._made)
        return await self._boundary(ctx, call_next)  # guard: 02-sealed

    def _may_write(self, ctx: ServerRequestContext[Any, Any]) -> bool:
        params = ctx.params or {}
        name, arguments = str(params.get("name")), params.get("arguments")
        name, _ = discovery.inner(name, arguments if isinstance(arguments, Mapping) else {})
        operation = self._engine.catalogue.get(name)
        writes = name == REPLACE or (operation is not None and operation.writes)
        return params.get("requestState") is not None or writes

    def _made(self) -> RequestStateBoundary:
        from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity

        from maton_mailgun.approval.binding.keys import KeyFileError, load_keys

        ttl = self._engine.settings.pending_minutes * 60
        try:
            keys = [load_keys(state_home(self._engine.settings)).state]
        except KeyFileError as problem:
            # The gate refuses the write itself with the reason; a key of this process keeps the boundary closed.
            log.warning("question state is sealed for this process only", extra={"why": str(problem)})
            security = RequestStateSecurity.ephemeral(ttl=ttl)
        else:
            security = RequestStateSecurity(keys=keys, ttl=ttl)
        return RequestStateBoundary(security, default_audience=self._audience)

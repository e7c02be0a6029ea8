"""Whether the server lives and may be given work: for load balancers, without a token, so it tells nothing else."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from maton_mailgun.errors import CallError, SetupError

if TYPE_CHECKING:
    from maton_mailgun.call import Engine

log = logging.getLogger(__name__)

ALIVE_PATH, READY_PATH = "/healthz", "/readyz"
LOOK_SECONDS = 3.0
"""What looking may take: who asks gives up after some seconds and calls it a no."""
KEPT_SECONDS = 1.0
"""For which an answer is kept: anybody may ask, and each question would go to the database."""


class Health:
    """The answers of one server; `stopping` is set when it takes no more calls."""

    def __init__(self, engine: Engine) -> None:
        self.stopping = False
        self._engine = engine
        self._looking: asyncio.Task[str | None] | None = None
        self._seen: str | None = None
        self._seen_at: float | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (await self._answer(scope))(scope, receive, send)

    async def _answer(self, scope: Scope) -> Response:
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse("Only GET.\n", 405, {"Allow": "GET, HEAD"})
        fresh = {"Cache-Control": "no-store"}
        if scope["path"] == ALIVE_PATH:
            return JSONResponse({"status": "alive"}, headers=fresh)
        why = "stopping" if self.stopping else await self._why_not()
        if why is None:
            return JSONResponse({"status": "ready"}, headers=fresh)
        return JSONResponse({"status": "not ready", "why": why}, 503, fresh)

    async def _why_not(self) -> str | None:
        """What stands in the way, in one word: `policy` or `store`."""
        loop = asyncio.get_running_loop()
        if self._seen_at is not None and loop.time() - self._seen_at < KEPT_SECONDS:
            return self._seen
        if self._looking is None:
            self._looking = asyncio.create_task(self._look(), name="readiness")
            self._looking.add_done_callback(self._looked)
        # One that hangs is not begun again, and not ended either: opening a database half would leave it half open.
        done, _ = await asyncio.wait({self._looking}, timeout=LOOK_SECONDS)
        return self._seen if done else "store"

    def _looked(self, task: asyncio.Task[str | None]) -> None:
        self._looking = None
        if not task.cancelled():
            self._seen = "store" if task.exception() is not None else task.result()
            self._seen_at = asyncio.get_running_loop().time()

    async def _look(self) -> str | None:
        settings = self._engine.settings
        if settings.policy is not None:
            from maton_mailgun.approval.policy.in_force import policy_off_loop

            try:
                await policy_off_loop(settings)
            except SetupError as problem:
                log.warning("not ready: the policy cannot be used", extra={"why": str(problem)})
                return "policy"
        if settings.read_only:
            return None
        from maton_mailgun.approval.store.failures import StoreError

        try:
            gate = await self._engine.gate()
            await gate.store.changed()
        except (CallError, StoreError) as problem:
            log.warning("not ready: the store does not answer", extra={"why": str(problem)})
            return "store"
        return None

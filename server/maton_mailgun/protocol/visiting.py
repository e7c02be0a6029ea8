"""Clients that lead a person to the approval page (URL-mode elicitation, MCP 2025-11-25 and later).

The address holds the approval's id and no token: the page asks who comes. That a client opened it decides nothing, and
that it did not is no refusal; the call goes by what the person decides there.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from maton_mailgun.errors import CallError
from maton_mailgun.exchange import Caller, FormAnswer, Outcome, Visit, failed
from maton_mailgun.protocol.asking import OpenQuestions, progressing

if TYPE_CHECKING:
    from maton_mailgun.approval.gate import Gate
    from maton_mailgun.approval.store.record import Record
    from maton_mailgun.call import Engine

log = logging.getLogger(__name__)
Context = ServerRequestContext[Any, Any]
Went = Literal["opened", "not opened", "failed"]
_SAID_SECONDS = 1.0
_WORDS = "Waiting for a person to decide on the approval page."


class Visits:
    """The people of one server who are on their way to the page."""

    def __init__(self, engine: Engine, questions: OpenQuestions) -> None:
        self._engine = engine
        self._questions = questions
        self._under_way: dict[tuple[str, int], asyncio.Task[None]] = {}
        """By approval and connection."""

    async def push(self, ctx: Context, told: Outcome, visit: Visit, caller: Caller) -> Outcome:
        """Lead a person there in the middle of a call, as clients before 2026-07-28 expect it.

        Args:
            told: The outcome as long as nobody has decided.
        """
        key = (visit.approval_id, id(ctx.session.client_params))
        if key in self._under_way:  # guard: 329-once
            return told
        gate = await self._engine.gate()
        asked = asyncio.create_task(_asked(ctx, visit), name=f"visit-{visit.approval_id}")
        following = asyncio.create_task(self._follow(gate, ctx, visit, asked))
        self._under_way[key] = following
        following.add_done_callback(lambda _: self._under_way.pop(key, None))
        decided = asyncio.create_task(
            gate.wait(visit.approval_id, self._left(caller, self._questions.patience(caller).form), _decided)
        )
        try:
            async with progressing(ctx, self._questions.patience(caller).beat, _WORDS):
                await asyncio.wait({asked, decided}, return_when=asyncio.FIRST_COMPLETED)
                if not decided.done() and asked.result() == "opened":
                    gate.ways.visited(visit.approval_id)
                    await asyncio.wait({decided})
            return await self._told(gate, visit, told, caller, failed=asked.done() and asked.result() == "failed")
        except CallError as problem:
            return failed(problem)
        finally:
            decided.cancel()
            await asyncio.gather(decided, return_exceptions=True)

    async def returned(self, ctx: Context, answer: FormAnswer, caller: Caller, *, opened: bool) -> None:
        """Wait, in the retry of a client of 2026-07-28, for what a person decides who was led to the page."""
        if not opened:
            return
        from maton_mailgun.approval.store.failures import StoreError

        # What cannot be read is told by the call that follows.
        with suppress(CallError, StoreError):
            gate = await self._engine.gate()
            record = await gate.get(answer.approval_id)
            if record is None or record.principal != caller.principal or _decided(record):
                return
            gate.ways.visited(record.id)
            patience = self._questions.patience(caller)
            async with progressing(ctx, patience.beat, _WORDS):
                # A plain answer over HTTP: the client of the Python SDK gives up after 30 seconds without a byte.
                await gate.wait(record.id, self._left(caller, patience.unanswered), _decided)

    def _left(self, caller: Caller, most: float) -> float:
        return min(most, caller.until - asyncio.get_running_loop().time())

    async def _told(self, gate: Gate, visit: Visit, told: Outcome, caller: Caller, *, failed: bool) -> Outcome:
        from maton_mailgun.approval.store.failures import StoreError

        try:
            record = await gate.get(visit.approval_id)
        except StoreError:
            return told
        if record is not None and _decided(record):
            return await gate.present(await gate.run(record.id, caller.until))
        # The client said it can lead somebody there, and could not: the page is opened here, where that is possible.
        return await gate.waiting(record) if failed and record is not None else told

    async def _follow(self, gate: Gate, ctx: Context, visit: Visit, asked: asyncio.Task[Went]) -> None:
        """Tell the client when it is decided, be it after its call has ended; then nothing is left to open."""
        left = max(0.0, visit.expires_at - visit.asked_at) + 1.0
        try:
            record = await gate.wait(visit.approval_id, left, _decided)
            # Whoever is quick decides before the client has said that it led them there.
            await asyncio.wait({asked}, timeout=_SAID_SECONDS)
            opened = asked.done() and asked.result() == "opened"
            if opened and record.decided_at is not None:
                await ctx.session.send_elicit_complete(visit.approval_id)
        except Exception as problem:
            # Whatever it is, such as a client that has left or a store that fails: it is only a notice.
            log.info("a client was not told that a person decided", extra={"why": type(problem).__name__})
        finally:
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)


async def _asked(ctx: Context, visit: Visit) -> Went:
    try:
        reply = await ctx.session.elicit_url(
            visit.message, visit.url, visit.approval_id, related_request_id=ctx.request_id
        )
    except (MCPError, ValidationError) as problem:
        log.info("the client did not lead anybody to the page", extra={"why": str(problem)})
        return "failed"
    return "opened" if reply.action == "accept" else "not opened"


def _decided(record: Record) -> bool:
    return record.state != "pending"

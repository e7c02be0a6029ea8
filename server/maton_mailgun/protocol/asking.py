"""Questions that are open in clients: a call waits for them for a while only, and they stay answerable after it.

A person may also decide on the page, in a terminal or with another process: whatever comes first ends the call, and
takes the form back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from maton_mailgun.errors import CallError, Refused
from maton_mailgun.exchange import Caller, FormAnswer, Outcome, Question, failed
from maton_mailgun.protocol.patience import CallPatience

if TYPE_CHECKING:
    from maton_mailgun.approval.gate import Gate
    from maton_mailgun.approval.store.record import Record
    from maton_mailgun.call import Engine

log = logging.getLogger(__name__)
Context = ServerRequestContext[Any, Any]


class OpenQuestions:
    """The questions of one server that are before people now."""

    def __init__(self, engine: Engine, patience: CallPatience) -> None:
        self._engine = engine
        self._patience = patience
        self._forms: dict[tuple[str, int], asyncio.Task[FormAnswer]] = {}
        """By approval and connection; the task holds the connection, so that its number stays its own."""
        self._background: dict[str, asyncio.Task[None]] = {}

    def patience(self, caller: Caller) -> CallPatience:
        """What holds for this caller."""
        return self.patience_of(caller.client)

    def patience_of(self, client: str) -> CallPatience:
        """What holds for a client of this name."""
        return self._patience.of(client)

    async def push(
        self, ctx: Context, question: Question, caller: Caller, answered: Callable[[FormAnswer], Awaitable[Outcome]]
    ) -> Outcome:
        """Ask in the middle of a call, as clients before 2026-07-28 expect it.

        Args:
            answered: Carries the call on with the answer that came while it waited.
        """
        gate = await self._engine.gate()
        key = (question.approval_id, id(ctx.session.client_params))
        if key in self._forms:  # guard: 106-one-form
            return await self._unanswered(gate, question.approval_id, caller)
        form = asyncio.create_task(_asked(ctx, question), name=f"form-{question.approval_id}")
        self._forms[key] = form
        form.add_done_callback(lambda _: self._forms.pop(key, None))
        patience = self.patience(caller)
        seconds = min(patience.form, caller.until - asyncio.get_running_loop().time())
        decided = asyncio.create_task(gate.wait(question.approval_id, seconds, _decided))
        try:
            async with progressing(ctx, patience.beat, "Waiting for a person to answer the form."):
                first = asyncio.FIRST_COMPLETED  # guard: 105-first
                await asyncio.wait({form, decided}, return_when=first)
            if form.done():
                return await answered(form.result())
            if _decided(record := await _read(decided)):
                form.cancel()
                if record.superseded_by is not None:
                    return await self._changed(ctx, gate, record, caller)
                return await gate.present(await gate.run(question.approval_id, caller.until))
            return await self._unanswered(gate, question.approval_id, caller)
        except CallError as problem:
            return failed(problem)
        finally:
            decided.cancel()
            # A server that stops takes no form back: the client would answer that to nobody.
            if not form.done() and not gate.stopping:
                # The call ends, be it that the client gave up: the form is still before the person.
                self._keep(f"form-{question.approval_id}-{key[1]}", self._late(gate, form, question, caller))

    def open_page_later(self, question: Question) -> None:
        """Open the approval page for a question that the client asks by itself, unless it is answered soon."""
        self._keep(question.approval_id, self._reminded(question.approval_id))

    async def _reminded(self, approval_id: str) -> None:
        gate = await self._engine.gate()
        record = await gate.wait(approval_id, self._patience.unanswered, _decided)
        if not _decided(record) and not gate.stopping:
            await gate.waiting(record)

    async def _late(self, gate: Gate, form: asyncio.Task[FormAnswer], question: Question, caller: Caller) -> None:
        """Take the answer whenever it comes; take the form back once nothing is left to answer."""
        left = max(0.0, question.expires_at - question.asked_at) + 1.0
        decided = asyncio.create_task(gate.wait(question.approval_id, left, _decided))
        try:
            await asyncio.wait({form, decided}, return_when=asyncio.FIRST_COMPLETED)
            if form.done() and not form.cancelled():
                await gate.answered_late(form.result(), caller)
        finally:
            form.cancel()
            decided.cancel()
            await asyncio.gather(form, decided, return_exceptions=True)

    async def _changed(self, ctx: Context, gate: Gate, record: Record, caller: Caller) -> Outcome:
        """How it ends with what stands in its place now: the call goes on waiting as it would have for its own."""
        from maton_mailgun.approval.store.record import finished

        patience = self.patience(caller)
        seconds = min(patience.form, caller.until - asyncio.get_running_loop().time())
        async with progressing(ctx, patience.beat, "Waiting for a person to decide."):
            stands = await gate.followed(record, seconds, finished)
        return await gate.present(stands, asked=record.id)

    async def _unanswered(self, gate: Gate, approval_id: str, caller: Caller) -> Outcome:
        record = await gate.get(approval_id)
        if record is None:
            return failed(CallError("It is gone.", "Call again."))
        if _decided(record):
            return await gate.present(await gate.run(approval_id, caller.until))
        return await gate.waiting(record, form_open=not gate.stopping)

    def _keep(self, name: str, work: Any) -> None:
        """Go on in the background, once for each name."""
        if name in self._background:
            work.close()
            return
        task: asyncio.Task[None] = asyncio.create_task(work, name=f"question-{name}")
        self._background[name] = task
        task.add_done_callback(lambda ended: self._ended(name, ended))

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        self._background.pop(name, None)
        if not task.cancelled() and (failure := task.exception()) is not None:
            log.warning("a question could not be followed", extra={"why": type(failure).__name__})


async def _asked(ctx: Context, question: Question) -> FormAnswer:
    from maton_mailgun.approval.channels.form import FORM

    action, content = "unanswered", {}
    try:
        reply = await ctx.session.elicit_form(question.message, dict(FORM), related_request_id=ctx.request_id)
        action, content = reply.action, dict(reply.content or {})
    except (MCPError, ValidationError) as problem:
        # The client said it can ask and then could not: the person decides elsewhere.
        log.info("the client did not show the question", extra={"why": str(problem)})
    return FormAnswer(question.approval_id, question.digest, question.asked_at, action, content, question.shown)


@asynccontextmanager
async def progressing(ctx: Context, seconds: float, words: str) -> AsyncIterator[None]:
    """Tell a client that asked for progress, again and again, that the call is alive; others are told nothing."""

    async def beat() -> None:
        count = 0
        while True:
            await asyncio.sleep(seconds)
            count += 1
            await ctx.session.report_progress(count, message=words)

    beating = asyncio.create_task(beat(), name="progress")
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)


async def _read(decided: asyncio.Task[Record]) -> Record:
    """The record that was waited for.

    Raises:
        Refused: It cannot be read.
    """
    from maton_mailgun.approval.store.failures import StoreError

    try:
        return await decided
    except (StoreError, KeyError) as problem:
        raise Refused(message=f"The approval cannot be read: {problem}", next="Tell the user.") from None


def _decided(record: Record) -> bool:
    return record.state != "pending"

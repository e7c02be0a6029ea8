"""Carries out an approved write: check again, claim, send once, settle.

The order is the promise. Everything that can refuse comes before the claim; the claim is durable before the first byte
leaves; after it there is exactly one request, and whatever happens to the caller, its outcome is recorded.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..answers import LOOK_FIRST, parsed, refusal, words
from ..attachments import FileRefused, reopen
from ..call import Caller, Prepared
from ..errors import CallError, MaybeSent, NotSent, OutcomeUnknown, RateLimited, Refused, SetupError, Unreachable
from ..gateway import Reply
from ..request import Request
from ..result import bounded, redacted, split_secrets
from . import preview, seal
from .cases import case_of
from .desk import keep_secret
from .envelope import Sealed, unpack
from .policies import policy_of
from .preview import CouldNotRead
from .reconciliation import LEASE_SECONDS, Reconciliation
from .record import Record
from .show import what_changed
from .store import BudgetSpent, Conflict, IllegalMove, StoreError

if TYPE_CHECKING:
    from ..catalogue import Operation
    from .gate import Gate

log = logging.getLogger(__name__)

WATCH_SECONDS = 0.25
SWEEP_SECONDS = 20.0


class Stopped(Exception):
    """An approved write must not run: the world is no longer the one that was approved."""


class Execution:
    """Runs approved writes of one process."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._running: dict[str, asyncio.Task[Record]] = {}
        self._reconciliation = Reconciliation(gate)

    def start(self, record: Record) -> asyncio.Task[Record]:
        """Begin to carry out an approved write in the background, once per process."""
        task = self._running.get(record.id)
        if task is None:
            task = asyncio.create_task(self._guarded(record), name=f"run-{record.id}")
            self._running[record.id] = task
            task.add_done_callback(lambda _: self._running.pop(record.id, None))
        return task

    async def run(self, record: Record) -> Record:
        """Carry out, or wait for, an approved write. The caller may be cancelled; the write goes on."""
        if record.state == "approved":
            return await asyncio.shield(self.start(record))  # guard: 40-shield
        if record.state == "executing":
            return await self._gate.wait(record.id, 30.0, lambda current: current.state != "executing")
        return record

    async def settle(self, seconds: float) -> None:
        """Wait for what is in flight, at most this long; then stop looking up outcomes."""
        if self._running:
            await asyncio.wait(list(self._running.values()), timeout=seconds)
        await self._reconciliation.close()

    async def watch(self) -> None:
        """Notice what other processes decided, close what time closed, look up what is not known."""
        seen, next_sweep = -1, 0.0
        loop = asyncio.get_running_loop()
        while True:
            try:
                if loop.time() >= next_sweep:
                    await self._gate.store.sweep()
                    await self._reconciliation.look_up_due()
                    next_sweep = loop.time() + SWEEP_SECONDS
                now = await self._gate.store.changed()
                if now != seen:
                    seen = now
                    self._gate.announce()
                    await self._take_up()  # guard: 33-taken-up
            except StoreError as problem:
                log.warning("the approvals cannot be read", extra={"why": str(problem)})
            await asyncio.sleep(WATCH_SECONDS)

    async def _take_up(self) -> None:
        """Run what was approved elsewhere (the terminal, another replica's page) and belongs to this gateway."""
        for record in await self._gate.store.list(states={"approved"}, limit=100):
            waits = record.retry_at is not None
            if not waits and record.id not in self._running and await self._is_ours(record):
                self.start(record)

    async def _is_ours(self, record: Record) -> bool:
        try:
            sealed = await self.opened(record)
        except (StoreError, seal.Unsealable, KeyError):
            return False
        return sealed.gateway == self._gate.mark and sealed.prepared.operation.name in self._gate.engine.catalogue

    async def opened(self, record: Record) -> Sealed:
        """The stored call, held to the digest that was approved.

        Raises:
            seal.Unsealable: It cannot be opened, or is not what was approved.
        """
        envelope = await self._gate.store.envelope(record.id)
        data = seal.unseal(self._gate.keys.seal, envelope, approval_id=record.id, digest=record.digest)
        stored = unpack(data, self._gate.operations)
        if stored.digest != record.digest:  # guard: 00-schema
            raise seal.Unsealable(record.id, "its schema changed since it was proposed")
        return stored

    # One run ------------------------------------------------------------------------------------------------------

    async def _guarded(self, record: Record) -> Record:
        try:
            record = await self._run(record)
        except (Conflict, IllegalMove) as lost:
            # Another process was faster: its outcome is the outcome.
            record = lost.current if isinstance(lost, Conflict) else lost.record
            if record.state == "executing":
                record = await self._gate.wait(record.id, 30.0, lambda current: current.state != "executing")
        except StoreError as problem:
            log.warning("an approval could not be recorded", extra={"approval": record.id, "why": str(problem)})
            record = replace(record, result=_problem("refused", f"Nothing was sent: {problem}"))
        finally:
            self._gate.announce()
        return record

    async def _run(self, record: Record) -> Record:
        gate = self._gate
        waits = record.retry_at is not None and gate.clock() < record.retry_at  # guard: 00-429-waits
        if record.state != "approved" or waits:
            return record
        try:
            sealed = await self.opened(record)
            prepared = await self._checked(record, sealed)
            budgets = self._judged(record, prepared)
        except (Stopped, seal.Unsealable, KeyError) as stop:
            why = str(stop) if not isinstance(stop, KeyError) else "The tool is no longer offered here."
            return await gate.store.move(record, "stale", actor="gate", reason=why, finished_at=gate.clock())
        except (CallError, CouldNotRead) as problem:
            # Could not check: nothing was claimed, the yes stays good until it expires.
            return replace(record, result=_problem("not_checked", f"Nothing was sent yet: {problem}"))
        message_id = _message_id(record, prepared)
        try:
            record = await gate.store.claim(
                record, actor="gate", lease_seconds=LEASE_SECONDS, budgets=budgets, message_id=message_id
            )
        except BudgetSpent as spent:
            return await gate.store.move(record, "stale", actor="gate", reason=str(spent), finished_at=gate.clock())
        gate.announce()
        try:
            return await self._send(record, prepared, _with_message_id(prepared.request, message_id))
        except Exception as surprise:  # guard: 00-unforeseen
            # Nobody foresaw this, so nobody knows whether bytes left: doubt is shown, never hidden.
            log.exception("a write ended unexpectedly", extra={"approval": record.id})
            told = f"It may have been sent; this server failed meanwhile ({type(surprise).__name__})."
            return await self._unknown(record, prepared, OutcomeUnknown(message=told, next=LOOK_FIRST))

    async def _checked(self, record: Record, sealed: Sealed) -> Prepared:
        """The call as it will be sent, after everything that may have changed was looked at again.

        Raises:
            Stopped: Something did change.
            CallError: It cannot be found out now.
        """
        prepared = sealed.prepared
        if sealed.gateway != self._gate.mark:  # guard: 00-key
            # Another server process of this user may hold the right key: the yes stays good for it.
            raise Refused(
                message="This server has another Maton key, address, policy or attachments directory than it needs.",
                next="Call the tool from the server that proposed it.",
            )
        if prepared.operation.name not in self._gate.engine.catalogue:  # guard: 00-offered
            raise Refused(
                message="This server does not offer this tool (it is read-only, or its toolset is left out).",
                next="Call the tool from the server that proposed it.",
            )
        if prepared.operation.service == "mailgun":  # guard: 10-looked-up-again
            chosen = await self._gate.engine.connections.choose(prepared.account.connection_id)
            if chosen.connection_id != prepared.account.connection_id:
                raise Stopped("The connection it was approved for is not available.")
        files = []
        for part in prepared.request.files:
            try:
                files.append(await asyncio.to_thread(reopen, part, self._gate.settings.attachments))
            except FileRefused as refused:
                raise Stopped(f"An attachment is not what was approved: {part.filename} {refused}") from None
        if record.snapshot is not None:  # guard: 20-target
            await self._hold_to_snapshot(record, prepared)
        return replace(prepared, request=replace(prepared.request, files=tuple(files)))

    async def _hold_to_snapshot(self, record: Record, prepared: Prepared) -> None:
        gate = self._gate
        proposal = gate.proposal(prepared, Caller(record.principal, record.client), gate.clock())
        if await preview.snapshot(proposal) == record.snapshot:
            return
        fresh = await preview.make(proposal)
        changes = what_changed(dict(record.preview), fresh.preview)
        told = "; ".join(changes) if changes else "the target is not as it was shown"
        raise Stopped(f"The target changed after it was shown: {told}")

    def _judged(self, record: Record, prepared: Prepared) -> tuple[tuple[str, int], ...]:
        """The budgets to reserve, if the policy as it is now still lets this yes count.

        Raises:
            Stopped: It does not.
        """
        gate = self._gate
        try:
            policy = policy_of(gate.settings)  # guard: 38-read-again
        except SetupError as problem:
            raise Stopped(f"The policy file cannot be used any more: {problem}") from None
        verdict = policy.judge(case_of(prepared))
        if verdict.decision == "deny":  # guard: 38-deny
            raise Stopped(f"The policy does not allow it any more: {verdict.why}")
        by_policy = record.channel == "policy"
        if by_policy and verdict.decision != "allow":
            raise Stopped("The policy now wants a person to decide this.")
        if verdict.level == "operator" and record.channel in ("form", "relay"):  # guard: 38-level
            raise Stopped("The policy now wants this decided on the approval page or in a terminal.")
        # The budget of an allow rule is for what nobody is asked about; a person's yes does not need it.
        return verdict.budgets if by_policy or verdict.decision == "ask" else ()

    async def _send(self, record: Record, prepared: Prepared, request: Request) -> Record:
        """The one request of this yes, and its outcome."""
        gate, operation = self._gate, prepared.operation
        try:
            reply = await gate.engine.gateway.write(request, prepared.account.connection_id or None, operation.access)
        except NotSent as failure:
            error = Unreachable(message=f"Not sent: {failure}.", next="Check the network and propose it again.")
            return await self._finish(record, prepared, "failed", error.as_content())
        except MaybeSent as failure:
            return await self._unknown(
                record, prepared, OutcomeUnknown(message=f"Sent, but {failure}.", next=LOOK_FIRST)
            )
        if operation.service == "maton":
            gate.engine.connections.forget()
        if 200 <= reply.status < 300:
            return await self._succeeded(record, prepared, reply)
        problem = _problem_of(reply, operation)
        if isinstance(problem, RateLimited):  # guard: 00-429-keeps
            return await self._not_now(record, prepared, problem)
        if isinstance(problem, OutcomeUnknown):
            return await self._unknown(record, prepared, problem)
        return await self._finish(record, prepared, "failed", problem.as_content())

    async def _succeeded(self, record: Record, prepared: Prepared, reply: Reply) -> Record:
        try:
            content = self._told(prepared, self._answer(record, prepared, reply))
            # What the store and the client could not hold must not turn a success into a doubt.
            json.dumps(content, ensure_ascii=False, allow_nan=False).encode()
        except (ValueError, RecursionError) as problem:  # guard: 00-unkept
            log.warning("an answer cannot be shown", extra={"approval": record.id, "why": type(problem).__name__})
            content = {"result": {"note": f"The service answered {reply.status}; its answer cannot be shown."}}
        return await self._finish(record, prepared, "succeeded", content)

    def _answer(self, record: Record, prepared: Prepared, reply: Reply) -> dict[str, Any]:
        """What the caller is told about a success, with fresh secrets sealed for the approver."""
        body = parsed(reply)
        if not isinstance(body, dict):
            # 2xx with another body is still done.
            body = {"answer": words(reply)[:500]} if reply.body.strip() else {}
        shown, secrets = split_secrets(prepared.operation, body)
        content: dict[str, Any] = bounded({"result": shown})
        if secrets and self._gate.settings.reveal_secrets_to_model:
            content["secret"] = secrets
        elif secrets:
            content["secret_note"] = (
                f"A secret ({', '.join(secrets)}) is shown once to the person who approved: on the approval page, or "
                f"with `maton-mailgun approvals show {record.id}` in a terminal. It is not given to the model."
            )
            content["_sealed"] = keep_secret(self._gate.keys.seal, record, secrets)
        return content

    async def _not_now(self, record: Record, prepared: Prepared, limited: RateLimited) -> Record:
        """429: certainly not carried out. The yes stays good until it expires; nothing is repeated by itself."""
        retry_at = self._gate.clock() + (limited.retry_after if limited.retry_after is not None else 5.0)
        return await self._gate.store.move(
            record, "approved", actor="gate", retry_at=retry_at, lease_until=None,
            result=self._told(prepared, limited.as_content()),
        )  # fmt: skip

    async def _unknown(self, record: Record, prepared: Prepared, unknown: OutcomeUnknown) -> Record:
        record = await self._finish(record, prepared, "unknown", unknown.as_content())
        try:
            return await self._reconciliation.first_look(record)
        except StoreError as problem:  # guard: 35-looked-up
            log.warning("an outcome cannot be looked up", extra={"approval": record.id, "why": str(problem)})
            return record

    def _told(self, prepared: Prepared, content: dict[str, Any]) -> dict[str, Any]:
        """An outcome without the secrets of its call, which the service may have quoted."""
        given = [str(prepared.arguments.get(name) or "") for name in prepared.operation.secret]
        told: dict[str, Any] = redacted(content, [*given, self._gate.settings.api_key or ""])  # guard: 27-quoted
        return told

    async def _finish(self, record: Record, prepared: Prepared, state: Any, content: Mapping[str, Any]) -> Record:
        """Record an outcome. The request has left: a store that fails now leaves the row `executing`, and its lapsed
        lease makes it `unknown` at the next start."""
        result = self._told(prepared, {key: value for key, value in content.items() if key != "status"})
        store, now = self._gate.store, self._gate.clock()
        try:
            try:
                return await store.move(record, state, actor="gate", finished_at=now, result=result)
            except Conflict as lost:
                # Another process took this one for dead and called the outcome unknown; here it is known.
                if lost.current.state != "unknown" or state == "unknown":  # guard: 34-swept
                    return lost.current
                return await store.move(lost.current, state, actor="gate", finished_at=now, result=result)
        except StoreError as problem:  # guard: 35-recorded
            log.warning("an outcome could not be recorded", extra={"approval": record.id, "why": str(problem)})
            note = {"store_problem": f"The outcome could not be recorded: {problem}"}
            return replace(record, state="unknown", result={**result, **note})


def _problem_of(reply: Reply, operation: Operation) -> CallError:
    """What an answer other than 2xx to a write means; anything that is no definite no leaves the outcome open."""
    # 408: a server or proxy gave up on the request, which says nothing about the service behind it.
    if reply.status < 400 or reply.status == 408:  # guard: 00-proves-nothing
        return OutcomeUnknown(
            message=f"The gateway answered {reply.status}, which says nothing about the outcome.",
            next=LOOK_FIRST,
            status=reply.status,
        )
    return refusal(reply, service=operation.service, access=operation.access)


def _problem(kind: str, message: str) -> dict[str, Any]:
    return {"error": {"kind": kind, "who": "gate", "message": message, "next": "Tell the user and ask what to do."}}


def _message_id(record: Record, prepared: Prepared) -> str | None:
    """The Message-Id of a send, made from the approval's id so that the outcome can be found again. The id itself
    stays private: the header reaches every recipient."""
    if prepared.operation.access != "send":
        return None
    name = hashlib.sha256(f"message-id {record.id}".encode()).hexdigest()[:32]
    return f"{name}@{prepared.arguments['domain'].lower()}"


def _with_message_id(request: Request, message_id: str | None) -> Request:
    if message_id is None:
        return request
    return replace(request, form=(*request.form, ("h:Message-Id", f"<{message_id}>")))

"""Carries out an approved write: check again, claim, send once, settle.

The order is the promise. Everything that can refuse comes before the claim; the claim is durable before the first byte
leaves; after it there is exactly one request, and whatever happens to the caller, its outcome is recorded.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from maton_mailgun.approval.binding import seal
from maton_mailgun.approval.binding.envelope import Sealed
from maton_mailgun.approval.lifecycle.reconcile import LEASE_SECONDS
from maton_mailgun.approval.lifecycle.services import Services
from maton_mailgun.approval.lifecycle.settle import Settlement
from maton_mailgun.approval.lifecycle.several import people_of, why_not_any_more
from maton_mailgun.approval.lifecycle.signal import known
from maton_mailgun.approval.policy.case import case_off_loop
from maton_mailgun.approval.policy.in_force import policy_off_loop
from maton_mailgun.approval.preview import look as preview
from maton_mailgun.approval.preview.proposal import CouldNotRead, Proposal
from maton_mailgun.approval.preview.words import what_changed
from maton_mailgun.approval.store.failures import BudgetSpent, Conflict, IllegalMove, StoreError, StoreUnavailable
from maton_mailgun.approval.store.record import Record, claimed_with
from maton_mailgun.catalogue.operation import Operation
from maton_mailgun.errors import CallError, MaybeSent, NotSent, OutcomeUnknown, Refused, SetupError
from maton_mailgun.exchange import Caller, Prepared
from maton_mailgun.under_way import UnderWay
from maton_mailgun.wire.answers import LOOK_FIRST
from maton_mailgun.wire.attachments import FileRefused, reopen
from maton_mailgun.wire.gateway import Gateway
from maton_mailgun.wire.request import Request

log = logging.getLogger(__name__)

OPERATOR_CHANNELS = frozenset({"page", "cli", "policy"})
"""Channels in which the operator, or who knows the approver's passphrase, decides."""
_ELSEWHERE_SECONDS = 30.0
"""For which a write is waited for that another process carries out."""
CLAIM_PAUSES = (0.1, 0.5)
"""Seconds before a claim is tried again whose database failed."""
LAST_SECONDS = 5.0
"""What recording an outcome that is owed may take when the server stops."""


class Stopped(Exception):
    """An approved write must not run: the world is no longer the one that was approved."""


class Execution:
    """Runs approved writes of one process."""

    def __init__(self, services: Services, settlement: Settlement) -> None:
        self._uses = services
        self._settlement = settlement
        self.running: dict[str, asyncio.Task[Record]] = {}
        """What this process carries out now, by approval id."""
        self._told = UnderWay()
        self._interrupted = False
        self._unheard: dict[str, str] = {}
        """Approval id -> token of a claim that may be durable, though the store never said so; nothing was sent."""

    def start(self, record: Record) -> asyncio.Task[Record]:
        """Begin to carry out an approved write in the background, once per process."""
        task = self.running.get(record.id)
        if task is None:
            task = asyncio.create_task(self._guarded(record), name=f"run-{record.id}")
            self.running[record.id] = task
            task.add_done_callback(lambda ended: self._ended(record.id, ended))
        return task

    @property
    def interrupted(self) -> bool:
        """Whether the store failed under a yes: `take_up_again` is due when it answers."""
        return self._interrupted or bool(self._unheard) or self._settlement.owes

    async def take_up_again(self) -> None:
        """Record outcomes that are still owed, and give back claims nobody heard of: their yes stands again.

        Raises:
            StoreError: The store does not answer yet.
        """
        self._interrupted = False
        await self._settlement.keep_late()
        for approval_id, token in list(self._unheard.items()):
            record = await self._uses.store.get(approval_id)
            if record is not None and claimed_with(record, token):  # guard: 64-given-back
                await self._uses.store.move(record, "approved", actor="gate", lease_until=None, result={})
            del self._unheard[approval_id]

    def _ended(self, approval_id: str, task: asyncio.Task[Record]) -> None:
        self.running.pop(approval_id, None)
        if not task.cancelled() and (failure := task.exception()) is not None:
            # Nobody may be waiting for it: then this line is all that tells of it.
            why = type(failure).__name__
            log.error("an approved write was not carried through", extra={"approval": approval_id, "why": why})

    async def run(self, record: Record, until: float = math.inf) -> Record:
        """Carry out, or wait for, an approved write. The caller may be cancelled, or wait no longer than `until`, a
        moment of the loop's clock: the write goes on."""
        if record.state == "approved":
            running = self.start(record)
            try:
                async with self._told.limited(until):
                    return await asyncio.shield(running)  # guard: 40-shield
            except TimeoutError:
                if running.done():
                    raise
                return await self._meanwhile(record)
        if record.state == "executing":
            seconds = min(_ELSEWHERE_SECONDS, until - asyncio.get_running_loop().time())
            return await self._uses.changes.wait(record.id, seconds, lambda current: current.state != "executing")
        return record

    async def _meanwhile(self, record: Record) -> Record:
        """The record of a write that is being carried out, as it is now."""
        now = await known(self._uses.store, record.id)
        if now.state != "approved":
            return now
        return replace(now, result=_problem("under_way", "Nothing was sent yet: it is being looked at again first."))

    def hurry(self, seconds: float) -> None:
        """Tell whoever waits for a write how it stands, in so many seconds at the latest; the write goes on."""
        self._told.hurry(seconds)

    async def close(self, seconds: float) -> None:
        """Wait for what is in flight, at most this long, and record what the store could not take until now."""
        if self.running:
            await asyncio.wait(list(self.running.values()), timeout=seconds)
        with suppress(StoreError, TimeoutError):
            async with asyncio.timeout(LAST_SECONDS):
                await self.take_up_again()  # guard: 190-owed

    # One run ------------------------------------------------------------------------------------------------------

    async def _guarded(self, record: Record) -> Record:
        try:
            record = await self._run(record)
        except (Conflict, IllegalMove) as lost:
            # Another process was faster: its outcome is the outcome.
            record = lost.current if isinstance(lost, Conflict) else lost.record
            if record.state == "executing":
                wait = self._uses.changes.wait
                record = await wait(record.id, _ELSEWHERE_SECONDS, lambda current: current.state != "executing")
        except StoreUnavailable as problem:  # guard: 64-by-itself
            # Everything that raises this stands before the request. The yes may be recorded, and then it stands.
            log.warning("an approval could not be recorded", extra={"approval": record.id, "why": str(problem)})
            self._interrupted = True
            record = replace(record, result=_problem("store_failed", f"Nothing was sent yet: {problem}", _BY_ITSELF))
        except StoreError as problem:
            log.warning("an approval cannot be carried out", extra={"approval": record.id, "why": str(problem)})
            record = replace(record, result=_problem("refused", f"Nothing was sent: {problem}"))
        finally:
            self._uses.changes.announce()
        return record

    async def _run(self, record: Record) -> Record:
        uses = self._uses
        waits = record.retry_at is not None and uses.clock() < record.retry_at  # guard: 00-429-waits
        if record.state != "approved" or waits:
            return record
        try:
            sealed = await uses.opened(record)
            # The key that is looked at is the one it is sent with, whatever the operator changes meanwhile.
            gateway = uses.gateway.of(record.principal)
            prepared = await self._checked(record, sealed, gateway)
            budgets = await self._judged(record, prepared)
        except (Stopped, seal.Unsealable, KeyError) as stop:
            why = str(stop) if not isinstance(stop, KeyError) else "The tool is no longer offered here."
            return await uses.store.move(record, "stale", actor="gate", reason=why, finished_at=uses.clock())
        except (CallError, CouldNotRead) as problem:
            # Could not check: nothing was claimed, the yes stays good until it expires.
            return replace(record, result=_problem("not_checked", f"Nothing was sent yet: {problem}"))
        message_id = _message_id(record, prepared)
        try:
            record = await self._claimed(record, budgets, message_id)
        except BudgetSpent as spent:
            return await self._beyond_budget(record, spent)
        uses.changes.announce()
        try:
            named = _with_message_id(prepared.request, prepared.operation, message_id)
            return await self._send(record, prepared, named, gateway)
        except Exception as surprise:  # guard: 00-unforeseen
            # Nobody foresaw this, so nobody knows whether bytes left: doubt is shown, never hidden.
            log.exception("a write ended unexpectedly", extra={"approval": record.id})
            told = f"It may have been sent; this server failed meanwhile ({type(surprise).__name__})."
            return await self._settlement.lost(record, prepared, OutcomeUnknown(message=told, next=LOOK_FIRST))

    async def _claimed(self, record: Record, budgets: tuple[tuple[str, int], ...], message_id: str | None) -> Record:
        """The claim, durable. A store whose connection broke at the commit is asked what it kept: a claim that bears
        our own token is ours, and nobody else's.

        Raises:
            StoreError: There is no claim of ours that is known to be durable.
        """
        uses, token = self._uses, secrets.token_hex(16)
        for pause in (*CLAIM_PAUSES, None):
            try:
                return await uses.store.claim(
                    record, actor="gate", lease_seconds=LEASE_SECONDS, budgets=budgets, message_id=message_id,
                    token=token,
                )  # fmt: skip
            except StoreUnavailable:
                if pause is None:
                    self._unheard[record.id] = token
                    raise
                await asyncio.sleep(pause)
            except Conflict as lost:
                if not claimed_with(lost.current, token):  # guard: 64-own-claim
                    raise
                await uses.store.remember()
                return lost.current
        raise AssertionError("the last pause is none")

    async def _beyond_budget(self, record: Record, spent: BudgetSpent) -> Record:
        """Others used up the budget since the call was judged: of what a rule allowed unasked, a person is asked."""
        uses = self._uses
        if record.channel != "policy":
            return await uses.store.move(record, "stale", actor="gate", reason=str(spent), finished_at=uses.clock())
        return await uses.store.move(
            record, "pending", actor="gate", decided_at=None, decided_by=None, channel=None,
            expires_at=uses.clock() + uses.settings.pending_minutes * 60,
        )  # fmt: skip

    async def _checked(self, record: Record, sealed: Sealed, gateway: Gateway) -> Prepared:
        """The call as it will be sent, after everything that may have changed was looked at again.

        Raises:
            Stopped: Something did change.
            CallError: It cannot be found out now.
        """
        prepared = sealed.prepared
        if sealed.gateway != self._uses.mark_of(gateway):  # guard: 00-key
            # Another server process of this user may hold the right key: the yes stays good for it.
            raise Refused(
                message="This server has another Maton key, address, policy or attachments directory than it needs.",
                next="Call the tool from the server that proposed it.",
            )
        if prepared.operation.name not in self._uses.offered:  # guard: 00-offered
            raise Refused(
                message="This server does not offer this tool (it is read-only, or its toolset is left out).",
                next="Call the tool from the server that proposed it.",
            )
        if prepared.operation.service == "mailgun":  # guard: 10-looked-up-again
            chosen = await self._uses.connections.under(gateway).choose(prepared.account.connection_id)
            if chosen.connection_id != prepared.account.connection_id:
                raise Stopped("The connection it was approved for is not available.")
        files = []
        for part in prepared.request.files:
            try:
                files.append(await asyncio.to_thread(reopen, part, self._uses.settings.attachments))
            except FileRefused as refused:
                raise Stopped(f"An attachment is not what was approved: {part.filename} {refused}") from None
        prepared = replace(prepared, request=replace(prepared.request, files=tuple(files)))
        proposal = self._uses.proposal(prepared, Caller(record.principal, record.client))
        if record.snapshot is not None:  # guard: 20-target
            await self._hold_to_snapshot(record, proposal)
        if beyond := await preview.out_of_reach(proposal, record.preview):
            raise Stopped(f"This is more than the yes covers: {'; '.join(beyond)}")
        return prepared

    async def _hold_to_snapshot(self, record: Record, proposal: Proposal) -> None:
        if await preview.snapshot(proposal) == record.snapshot:
            return
        fresh = await preview.make(proposal)
        changes = what_changed(dict(record.preview), fresh.preview)
        told = "; ".join(changes) if changes else "the target is not as it was shown"
        raise Stopped(f"The target changed after it was shown: {told}")

    async def _judged(self, record: Record, prepared: Prepared) -> tuple[tuple[str, int], ...]:
        """The budgets to reserve, if the policy as it is now still lets this yes count.

        Raises:
            Stopped: It does not.
        """
        uses = self._uses
        try:
            policy = await policy_off_loop(uses.settings)  # guard: 38-read-again
        except SetupError as problem:
            raise Stopped(f"The policy file cannot be used any more: {problem}") from None
        verdict = policy.judge(replace(await case_off_loop(prepared), principal=record.principal))
        if verdict.decision == "deny":  # guard: 38-deny
            raise Stopped(f"The policy does not allow it any more: {verdict.why}")
        by_policy = record.channel == "policy"
        if by_policy and verdict.decision != "allow":
            raise Stopped("The policy now wants a person to decide this.")
        if verdict.level == "passkey" and not by_policy and not all(one.get("signed") for one in record.yeses or [{}]):
            raise Stopped("The policy now wants this signed with a passkey.")  # guard: 301-now
        if verdict.level == "operator" and record.channel not in OPERATOR_CHANNELS:  # guard: 38-level
            raise Stopped("The policy now wants this decided on the approval page or in a terminal.")
        if verdict.approvers > max(1, len(people_of(record.yeses))) and not by_policy:  # guard: 306-more
            raise Stopped(f"The policy now wants {verdict.approvers} different people to say yes.")
        if verdict.hold > record.hold and not by_policy:  # guard: 306-longer
            raise Stopped("The policy now wants a yes to be held for longer, so that it can be taken back.")
        if record.yeses and (why := why_not_any_more(record, (await uses.store.people()).known)):  # guard: 367-removed
            raise Stopped(why)
        # The budget of an allow rule is for what nobody is asked about; a person's yes does not need it.
        return verdict.budgets if by_policy or verdict.decision == "ask" else ()

    async def _send(self, record: Record, prepared: Prepared, request: Request, gateway: Gateway) -> Record:
        """The one request of this yes, and its outcome."""
        operation = prepared.operation
        connection_id = prepared.account.connection_id or None
        in_time = self._in_time(record)
        self._uses.in_flight.add(record.id)
        try:
            reply = await gateway.write(request, connection_id, operation.access, in_time=in_time)
        except NotSent as failure:
            return await self._settlement.not_sent(record, prepared, failure)
        except MaybeSent as failure:
            unknown = OutcomeUnknown(message=f"Sent, but {failure}.", next=LOOK_FIRST)
            self._uses.in_flight.discard(record.id)
            return await self._settlement.lost(record, prepared, unknown)
        finally:
            self._uses.in_flight.discard(record.id)
        if operation.service == "maton":
            self._uses.connections.under(gateway).forget()
        return await self._settlement.answered(record, prepared, reply)

    def _in_time(self, record: Record) -> Callable[[], bool]:
        """Says whether the yes and the lease still hold. A machine that slept stops one clock, and somebody who sets
        the time the other: whichever saw more pass counts."""
        uses = self._uses
        ends = min(record.lease_until or record.expires_at, record.expires_at)
        left, wall, ticks = ends - uses.clock(), uses.wall(), uses.monotonic()

        def in_time() -> bool:
            passed = max(uses.wall() - wall, uses.monotonic() - ticks)
            return passed < left and uses.clock() < ends

        return in_time


_ASK = "Tell the user and ask what to do."
_BY_ITSELF = (
    "Do not repeat the call. The yes stands: it is carried out by itself as soon as the approval database answers, if "
    "that is within its time. get_approval shows it."
)


def _problem(kind: str, message: str, following: str = _ASK) -> dict[str, Any]:
    return {"error": {"kind": kind, "who": "gate", "message": message, "next": following}}


def _message_id(record: Record, prepared: Prepared) -> str | None:
    """The Message-Id of a send, made from the approval's id so that the outcome can be found again. The id itself
    stays private: the header reaches every recipient."""
    if prepared.operation.message_id is None:
        return None
    name = hashlib.sha256(f"message-id {record.id}".encode()).hexdigest()[:32]
    return f"{name}@{prepared.arguments['domain'].lower()}"


def _with_message_id(request: Request, operation: Operation, message_id: str | None) -> Request:
    if message_id is None or operation.message_id is None:
        return request
    return replace(request, form=(*request.form, (operation.message_id, f"<{message_id}>")))

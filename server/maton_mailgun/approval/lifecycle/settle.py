"""What the end of a write means, and its record: done, refused, not now, or not known.

The request has left when anything here is called. A known success is recorded over a guess; what is not certain is
`unknown` and looked up.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from maton_mailgun.approval.lifecycle.fresh_secret import keep_secret
from maton_mailgun.approval.lifecycle.reconcile import Reconciliation
from maton_mailgun.approval.lifecycle.services import Services
from maton_mailgun.approval.store.failures import Conflict, IllegalMove, StoreError
from maton_mailgun.approval.store.record import Record, State, guessed
from maton_mailgun.catalogue.operation import Operation
from maton_mailgun.errors import CallError, NotSent, OutcomeUnknown, RateLimited, Unreachable
from maton_mailgun.exchange import Prepared
from maton_mailgun.own_command import own_command
from maton_mailgun.wire.answers import LOOK_FIRST, refusal, words
from maton_mailgun.wire.gateway import Reply
from maton_mailgun.wire.proof import proves
from maton_mailgun.wire.redaction import redacted, split_secrets
from maton_mailgun.wire.result import bounded

log = logging.getLogger(__name__)

LONGEST_RETRY = 86_400.0
"""Seconds for which a yes is kept usable at most when the service wants to be asked later."""
AFTER_RETRY = 120.0
"""Seconds after that moment for which the yes is still good."""
_TURNS = 5
"""How often an outcome is recorded over what others wrote meanwhile; each look-up writes at most twice."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """How a write ended, to be recorded."""

    record: Record
    state: State
    at: float
    result: dict[str, Any]


class Settlement:
    """Records how the writes of one process ended."""

    def __init__(self, services: Services, reconciliation: Reconciliation) -> None:
        self._uses = services
        self._reconciliation = reconciliation
        self._unkept: dict[str, _Outcome] = {}
        """Outcomes that the store could not take, by approval id."""

    @property
    def owes(self) -> bool:
        """Whether an outcome is still to be recorded."""
        return bool(self._unkept)

    async def keep_late(self) -> None:
        """Record what could not be recorded when it was known.

        Raises:
            StoreError: The store still cannot take it.
        """
        for approval_id, known in list(self._unkept.items()):
            record = await self._kept(known)
            del self._unkept[approval_id]
            self._uses.changes.announce()
            if record.state == "unknown":
                await self._reconciliation.first_look(record)

    async def answered(self, record: Record, prepared: Prepared, reply: Reply) -> Record:
        """The service answered, or something in its place did."""
        if 200 <= reply.status < 300:
            if not proves(prepared.operation, reply.json):  # guard: 60-proof
                return await self.lost(record, prepared, _no_proof(reply, prepared.operation))
            return await self._succeeded(record, prepared, reply)
        problem = _problem_of(reply, prepared.operation)
        if isinstance(problem, RateLimited):  # guard: 00-429-keeps
            return await self._not_now(record, prepared, problem)
        if isinstance(problem, OutcomeUnknown):
            return await self.lost(record, prepared, problem)
        return await self._finish(record, prepared, "failed", problem.as_content())

    async def not_sent(self, record: Record, prepared: Prepared, failure: NotSent) -> Record:
        """No byte left."""
        error = Unreachable(message=f"Not sent: {failure}.", next="Check the network and propose it again.")
        return await self._finish(record, prepared, "failed", error.as_content())

    async def lost(self, record: Record, prepared: Prepared, unknown: OutcomeUnknown) -> Record:
        """The request may have been carried out: say so, and look at once whether it was."""
        record = await self._finish(record, prepared, "unknown", unknown.as_content())
        try:
            return await self._reconciliation.first_look(record)
        except StoreError as problem:  # guard: 35-looked-up
            log.warning("an outcome cannot be looked up", extra={"approval": record.id, "why": str(problem)})
            return record

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
        shown, secrets = split_secrets(prepared.operation, reply.json)
        content: dict[str, Any] = bounded({"result": shown})
        if secrets and self._uses.settings.reveal_secrets_to_model:
            content["secret"] = secrets
        elif secrets:
            content["secret_note"] = (
                f"A secret ({', '.join(secrets)}) is shown once to the person who approved: on the approval page, or "
                f"with `{own_command(f'approvals show {record.id}')}` in a terminal. It is not given to the model."
            )
            content["_sealed"] = keep_secret(self._uses.keys.seal, record, secrets)
        return content

    async def _not_now(self, record: Record, prepared: Prepared, limited: RateLimited) -> Record:
        """429: certainly not carried out. The yes stays good past the moment at which the service wants to be asked
        again; nothing is repeated by itself."""
        now = self._uses.clock()
        wait = min(limited.retry_after if limited.retry_after is not None else 5.0, LONGEST_RETRY)
        latest = (record.decided_at or now) + LONGEST_RETRY + AFTER_RETRY
        try:
            return await self._uses.store.move(
                record, "approved", actor="gate", retry_at=now + wait, lease_until=None,
                expires_at=max(record.expires_at, min(now + wait + AFTER_RETRY, latest)),
                result=self._told(prepared, {"error": limited.as_content()["error"]}),
            )  # fmt: skip
        except (Conflict, IllegalMove):
            # Another process took this one for dead. It was not: the service said that it did not carry it out.
            return await self._finish(record, prepared, "failed", limited.as_content())

    def _told(self, prepared: Prepared, content: dict[str, Any]) -> dict[str, Any]:
        """An outcome without the secrets of its call, which the service may have quoted."""
        given = [str(prepared.arguments.get(name) or "") for name in prepared.operation.secret]
        told: dict[str, Any] = redacted(content, [*given, *self._uses.gateway.secrets])  # guard: 27-quoted
        return told

    async def _finish(self, record: Record, prepared: Prepared, state: Any, content: Mapping[str, Any]) -> Record:
        """Record an outcome. The request has left: a store that fails now leaves the row `executing`. Then this process
        records it once the store answers; should it end before, the lapsed lease makes it `unknown`."""
        result = self._told(prepared, {key: value for key, value in content.items() if key != "status"})
        known = _Outcome(record, state, self._uses.clock(), result)
        try:
            return await self._kept(known)
        except StoreError as problem:  # guard: 35-recorded
            log.warning("an outcome could not be recorded", extra={"approval": record.id, "why": str(problem)})
            self._unkept[record.id] = known  # guard: 35-later
            note = {"store_problem": f"The outcome could not be recorded yet: {problem}"}
            return replace(record, state=state, result={**result, **note})

    async def _kept(self, known: _Outcome) -> Record:
        """The record once the outcome is in the store.

        Raises:
            StoreError: It cannot be recorded now.
        """
        record = known.record
        for _ in range(_TURNS):
            try:
                return await self._uses.store.move(
                    record, known.state, actor="gate", finished_at=known.at, result=known.result
                )
            except Conflict as lost:
                # Another process took this one for dead: it called the outcome unknown, or looked it up since.
                # What is known here counts for more.
                record = lost.current
                doubted = record.state == "unknown" or guessed(record)
                if not doubted or known.state == "unknown":  # guard: 62-swept
                    return record
        return record


def _no_proof(reply: Reply, operation: Operation) -> OutcomeUnknown:
    """What an answer of 2xx means that does not say what was done: a sign-in page, an empty body, somebody else's."""
    if not operation.success:
        said = "which does not say whether it was carried out"
    elif not reply.body.strip():
        said = "and nothing else: that is not how the service answers when it has carried this out"
    else:
        said = f"with something that is not the service's answer to this: {words(reply)[:200]}"
    return OutcomeUnknown(message=f"The gateway answered {reply.status} {said}.", next=LOOK_FIRST, status=reply.status)


def _problem_of(reply: Reply, operation: Operation) -> CallError:
    """What an answer other than 2xx to a write means; anything that is no definite no leaves the outcome open."""
    # 408: a server or proxy gave up on the request, which says nothing about the service behind it.
    if reply.status < 400 or reply.status == 408:  # guard: 00-proves-nothing
        return OutcomeUnknown(
            message=f"The gateway answered {reply.status}, which says nothing about the outcome.",
            next=LOOK_FIRST,
            status=reply.status,
        )
    proven = operation.gateway == "passes"
    return refusal(reply, service=operation.service, access=operation.access, proven=proven)

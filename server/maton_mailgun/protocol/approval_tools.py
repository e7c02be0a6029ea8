"""The tools a model has about approvals: look, list, withdraw. None of them can approve.

`relay_approval` exists only where the operator set `MATON_MAILGUN_APPROVAL=relay`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from maton_mailgun.approval import told
from maton_mailgun.approval.binding.seal import Unsealable
from maton_mailgun.approval.channels.relay import relayed
from maton_mailgun.approval.lifecycle.decide import NotDecidable
from maton_mailgun.approval.store.failures import StoreError
from maton_mailgun.approval.store.record import finished
from maton_mailgun.errors import Refused, ScopeMissing
from maton_mailgun.exchange import Caller, Outcome

if TYPE_CHECKING:
    from maton_mailgun.approval.gate import Gate
    from maton_mailgun.approval.store.record import Record, State


def _none() -> Outcome:
    """The same words whether it never existed or belongs to somebody else."""
    error = Refused(message="There is no such approval.", next="Call list_approvals to see the user's own.")
    return Outcome(error.as_content(), is_error=True)


async def get_approval(gate: Gate, arguments: Mapping[str, Any], caller: Caller, longest: float) -> Outcome:
    """The approval as it is, after waiting for it to be decided and carried out if asked to."""
    record = await _own(gate, arguments["approval_id"], caller)
    if record is None:
        gone = await gate.store.gone(arguments["approval_id"])
        theirs = gone is not None and gone.principal == caller.principal
        return told.removed(arguments["approval_id"], gone) if gone is not None and theirs else _none()
    loop = asyncio.get_running_loop()
    ends = min(caller.until, loop.time() + longest)
    record = await gate.followed(record, 0.0, finished)
    if record.state == "approved" and caller.may_propose:  # guard: 375-reads
        # Something stood in the way ("too many requests", a check that could not be made): the same yes, still
        # without a request that was carried out.
        record = await gate.run(record.id, ends)
    seconds = min(float(arguments.get("wait_seconds", 0)), ends - loop.time())
    record = await gate.followed(record, seconds, finished)
    return await gate.present(record, asked=arguments["approval_id"])


async def list_approvals(gate: Gate, arguments: Mapping[str, Any], caller: Caller) -> Outcome:
    """The caller's approvals, newest first."""
    unfinished: tuple[State, ...] = ("pending", "held", "approved", "executing", "unknown")
    states = unfinished if arguments.get("open_only") else None
    records = await gate.list(principal=caller.principal, states=states, limit=int(arguments.get("limit", 20)))
    return Outcome({"status": "ok", "approvals": [told.listed(record) for record in records]})


async def cancel_approval(gate: Gate, arguments: Mapping[str, Any], caller: Caller) -> Outcome:
    """Withdraw a pending approval; one that is decided stays as it is."""
    record = await gate.cancel(arguments["approval_id"], caller.principal)
    return _none() if record is None else await gate.present(record)


async def relay_approval(gate: Gate, arguments: Mapping[str, Any], caller: Caller) -> Outcome:
    """Pass on what the user said in the chat, where the operator allows that.

    It is recorded as unattested: nobody but the agent vouches for the user's words.
    """
    record = await _own(gate, arguments["approval_id"], caller)
    if record is None:
        return _none()
    said = relayed(
        gate.settings, record, caller, approve=arguments["decision"] == "approve", words=arguments["user_words"]
    )
    try:
        await gate.decided(record, said)
    except NotDecidable as refused:
        return await gate.present(refused.record)
    return await gate.present(await gate.run(record.id, caller.until))


async def _own(gate: Gate, approval_id: str, caller: Caller) -> Record | None:
    record = await gate.get(approval_id)
    return record if record is not None and record.principal == caller.principal else None  # guard: 00-own


_HANDLERS = {
    "list_approvals": list_approvals,
    "cancel_approval": cancel_approval,
    "relay_approval": relay_approval,
}


async def call(gate: Gate, name: str, arguments: Mapping[str, Any], caller: Caller, longest: float) -> Outcome:
    """Carry out one of these tools.

    Args:
        longest: Seconds that the client is known to wait, whatever the arguments say.

    Raises:
        Refused: The stored approval cannot be used; nothing was sent because of this call.
    """
    if name not in ("get_approval", "list_approvals") and not caller.may_propose:  # guard: 336-scope.withdraw
        raise ScopeMissing(
            message=f"{name} changes an approval, and the access token of this client allows reading only.",
            next="Tell the user: the client must ask for a token with the scope propose.",
        )
    try:
        if name == "get_approval":
            return await get_approval(gate, arguments, caller, longest)
        return await _HANDLERS[name](gate, arguments, caller)
    except (StoreError, Unsealable) as problem:
        raise Refused(message=str(problem), next="Tell the user. Nothing was sent because of this call.") from None

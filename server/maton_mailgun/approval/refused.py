"""What is told where approvals cannot be kept or read: that nothing was sent, or that something may have been."""

from __future__ import annotations

from maton_mailgun.approval.binding.seal import Unsealable
from maton_mailgun.approval.store.contract import Store
from maton_mailgun.approval.store.failures import AllStopped, StoreError, Tampered, TooManyPending
from maton_mailgun.approval.told import LIFTED, timestamp
from maton_mailgun.errors import OutcomeUnknown, Refused
from maton_mailgun.wire.answers import LOOK_FIRST


def unusable(problem: Exception) -> Refused:
    """The state directory, the database or the policy cannot be used: nothing can be written."""
    return Refused(
        message=f"Approvals cannot be used now: {problem}",
        next=(
            "Tell the user. This call sent nothing. What became of earlier approvals cannot be read now: do not repeat "
            "any of them."
        ),
    )


async def unrecorded(problem: StoreError | Unsealable, store: Store) -> Refused:
    """A proposal was not kept, so nothing was sent."""
    if isinstance(problem, TooManyPending):
        return Refused(message=str(problem), next="Ask the user to decide what waits: see list_approvals.")
    if isinstance(problem, AllStopped):
        stop = await store.stopped()
        who = f" It was {stop.by}, {timestamp(stop.at)}." if stop is not None else ""
        return Refused(message=f"{problem} Nothing was sent.{who}", next=LIFTED)
    if isinstance(problem, Tampered | Unsealable):
        return Refused(message=str(problem), next="Tell the user. Nothing was sent.")
    return Refused(
        message=f"The approval could not be recorded, so nothing was sent: {problem}",
        next="Tell the user what is wrong with the state directory or database.",
    )


def unread(problem: Exception) -> OutcomeUnknown:
    """An approval that may be carried out at this very moment cannot be read."""
    message = f"The approval cannot be read, and it may have been carried out: {problem}"
    return OutcomeUnknown(message=message, next=LOOK_FIRST)

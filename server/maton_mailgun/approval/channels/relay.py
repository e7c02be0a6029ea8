"""What an assistant may pass on in the user's words, where the operator lets it: little, and recorded as unattested."""

from __future__ import annotations

from maton_mailgun.approval.lifecycle.decide import Decision
from maton_mailgun.approval.preview.document import Preview
from maton_mailgun.approval.preview.words import brief_holds_all
from maton_mailgun.approval.store.record import Record
from maton_mailgun.catalogue.rows import load
from maton_mailgun.config import Settings
from maton_mailgun.errors import Refused
from maton_mailgun.exchange import Caller

_THEMSELVES = "Ask the user to decide where `decide` of {0} says (see get_approval), not through you."


def relayed(settings: Settings, record: Record, caller: Caller, *, approve: bool, words: str) -> Decision:
    """The user's decision as the assistant tells it: nobody but the assistant vouches for the words.

    Raises:
        Refused: This must be decided by the person themselves.
    """
    if (
        settings.approval != "relay"
        or record.access == "delete"  # guard: 00-relay.delete
        or not _to_one(record)  # guard: 00-relay.one
        or _has_entries(record)  # guard: 71-relay
        or _leads_away(record)  # guard: 191-relay
    ):
        raise Refused(
            message="This cannot be relayed: deletes, messages to several people and what leads mail or data elsewhere "
            "from then on need the person themselves.",
            next=_THEMSELVES.format(record.id),
        )
    if approve and not brief_holds_all(record.preview):  # guard: 48-relay
        raise Refused(
            message="This cannot be relayed: you were told only a part of what leaves.",
            next=_THEMSELVES.format(record.id),
        )
    return Decision(
        approve=approve,
        level="client",
        channel="relay",
        decider=f"unattested, relayed by {caller.client}",
        reason=words,
    )


def _has_entries(record: Record) -> bool:
    """Whether one yes is for many entries."""
    operation = load().get(record.operation)
    return operation is None or bool(operation.each)


def _leads_away(record: Record) -> bool:
    """Whether mail or data may go elsewhere by it from then on: by a route, a webhook, a copy of a domain's mail."""
    operation = load().get(record.operation)
    return (
        operation is None or operation.preview == "forwarding" or (record.access != "send" and bool(operation.copies))
    )


def _to_one(record: Record) -> bool:
    preview = Preview.of(record.preview)
    known = not preview.unchecked
    return known and len(preview.recipients) <= 1 and all(one.kind != "list" for one in preview.recipients)

"""The form a client shows: what it asks, and which of its answers count as a person's."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from maton_mailgun.approval.lifecycle.decide import Decision
from maton_mailgun.approval.preview.form_text import question
from maton_mailgun.approval.store.record import Record
from maton_mailgun.exchange import Caller, FormAnswer

DECISIONS = ("approve", "reject")
FORM: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "decision": {
            "type": "string",
            "enum": list(DECISIONS),
            "title": "Decision",
            "description": "approve: carry out exactly what is shown, once. reject: do nothing.",
        },
        "reason": {
            "type": "string",
            "title": "Reason (optional)",
            "description": "Told to the assistant when you reject.",
            "maxLength": 500,
            "default": "",
        },
    },
    "required": ["decision"],
}
"""Flat and primitive, as the protocol wants form schemas. The decision has no default, so that nothing is decided by
not looking; the reason has an empty one, because some clients hold their own answer to all of it."""

NOT_SHOWN_SECONDS = 1.0  # guard: 07-at-once, 07-took-time
"""A decline faster than this was shown to nobody (seen in clients that refuse every form by themselves)."""


def decision_in(answer: FormAnswer, caller: Caller, now: float) -> Decision | None:
    """The person's decision, or None where the answer does not show that a person saw the question.

    Args:
        now: Unix seconds.
    """
    decision = answer.content.get("decision") if answer.action == "accept" else None  # guard: 06-accepted
    slow = now - answer.asked_at >= NOT_SHOWN_SECONDS
    shown = decision in DECISIONS or (answer.action == "decline" and slow)  # guard: 06-valid.shown
    if not shown:
        return None
    reason = answer.content.get("reason")
    return Decision(
        approve=decision == "approve",  # guard: 06-valid.approve
        level="client",
        channel="form",
        decider=f"person at {caller.client}",
        reason=str(reason)[:500] if reason and decision != "approve" else None,
    )


def answers(answer: FormAnswer, record: Record, digests: Collection[str], caller: Caller) -> bool:
    """Whether an answer is to this very question: same approval, same bytes, same asker."""
    asked = record.digest
    same_call = asked in digests and answer.digest == asked  # guard: 02-unsolicited.digest, 03-question, 04-call
    same_asker = record.principal == caller.principal  # guard: 00-answer-principal
    return same_call and same_asker


def held_all(answer: FormAnswer, record: Record) -> bool:
    """Whether the form that was answered held everything that leaves, word for word."""
    form = question(record.preview)
    return form is not None and answer.shown == form.mark  # guard: 48-answer

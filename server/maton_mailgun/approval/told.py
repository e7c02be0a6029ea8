"""What the caller is told about an approval, in every state.

The words come first and say whether anything happened: a model must not take "not executed" for done, nor "may have
happened" for a failure to repeat.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from maton_mailgun.approval.lifecycle.several import said_so_far
from maton_mailgun.approval.preview import words
from maton_mailgun.approval.preview.document import Preview
from maton_mailgun.approval.store.record import Record
from maton_mailgun.approval.store.upkeep import Gone
from maton_mailgun.catalogue.as_meant import MARK, ORDER_MARK
from maton_mailgun.catalogue.operation import Operation
from maton_mailgun.exchange import Outcome
from maton_mailgun.mail.dates import now_told
from maton_mailgun.mail.message_ids import bare
from maton_mailgun.mail.text import quoted, short
from maton_mailgun.mail.word_diff import marked
from maton_mailgun.own_command import own_command
from maton_mailgun.wire import fencing
from maton_mailgun.wire.result import NOTICE, text_of
from maton_mailgun.wire.shapes import SHAPES

WAIT_SECONDS = 4
"""Some frameworks end every call after 5 seconds."""
LONGEST_WAIT_SECONDS = 55
"""The most that `get_approval` may be asked for."""
STOPPED = "All writes were stopped by a person."
LIFTED = (
    "Tell the user, and propose nothing more. Reads work. Only a person can lift it, in a terminal on this machine: "
    f"{own_command('approvals resume')}."
)
_ZONE = re.compile(r" ([+-])([01][0-9]|2[0-3])([0-5][0-9]) \(")
"""In a time of leaving that was given in another zone than UTC (see `options.schedule`)."""
_CHANGED = "see changed, where [-words-] are gone and {+words+} have come"
_PENDING = "Tell the user and call get_approval; do not propose yours again."
_MOST_EDITS = 12
_MOST_OF_AN_EDIT = 600
"""Characters of one change that a model is told."""
_SAID = re.compile(r"(?:[A-Z][A-Za-z ]{1,60}[.!]? ?){1,3}")
_OURS = re.compile(r"looking it up afterwards|The service answered [0-9]{3}; its answer cannot be shown\.")
"""Sentences of this server in the place of an answer that did not come, or cannot be shown."""
_STATES = {
    "pending": "approval_required",
    "held": "held",
    "approved": "approved",
    "executing": "executing",
    "succeeded": "executed",
    "failed": "failed",
    "unknown": "outcome_unknown",
}


def outcome(
    record: Record,
    operation: Operation | None,
    *,
    now: float,
    decide: list[dict[str, Any]] | None = None,
    no_form: str = "",
) -> Outcome:
    """What the tool call (or `get_approval`) answers for this record.

    Args:
        record: The approval.
        operation: What was approved; None where it is no longer offered.
        now: Unix seconds.
        decide: The ways a person may decide, for a pending one.
        no_form: Why they are not asked by the client's form, which there is.
    """
    if record.state == "pending":
        return Outcome(with_edits(record, pending(record, decide or [], no_form, now=now)))
    preview = Preview.of(record.preview)
    said = _words(record, now)
    content: dict[str, Any] = {
        **({"headline": said} if said else {}),
        "status": _STATES.get(record.state, record.state),
        "executed": _executed(record),
        "approval_id": record.id,
        "operation": record.operation,
        "target": preview.target,
    }
    if preview.account.sandbox:
        content["sandbox"] = True
    if record.decided_by and record.state != "cancelled":
        key = "rejected_by" if record.state == "rejected" else "approved_by"
        content[key] = record.decided_by
    own = ("headline", "status", "executed", "approval_id")  # guard: 33-words
    if record.state in ("succeeded", "unknown", "executing"):
        content |= words.confirmed(record.preview)
        if _leaves(preview):
            content["now"] = now_told(now, _zone_of_leaving(preview))
    content |= {key: value for key, value in (record.result or {}).items() if key not in own and key[0] != "_"}
    if record.access == "send" and isinstance(sent := content.get("result"), Mapping) and "id" in sent:
        # Events name messages without brackets, and so do we, everywhere.
        content["result"] = {**sent, "id": bare(str(sent["id"]))}
    content |= _answer(operation, content.get("result"))
    if record.reason and "reason" not in content:
        content["reason"] = record.reason
    if record.state == "expired" and isinstance(error := content.get("error"), Mapping):
        # What it said to do next was for a yes that has run out since.
        content["error"] = {key: value for key, value in error.items() if key not in ("next", "retry_after_seconds")}
    return Outcome(with_edits(record, content), is_error=record.state == "failed")


def with_edits(record: Record, content: dict[str, Any]) -> dict[str, Any]:
    """The same, with what people changed of it before anybody decided; what the caller proposed is not what stands."""
    if not record.edited_by:
        return content
    edited = Preview.of(record.preview).edited
    words = [{"field": one.field, "words": marked(one.pieces, _MOST_OF_AN_EDIT)} for one in edited[:_MOST_EDITS]]
    if len(edited) > _MOST_EDITS:
        words.append({"field": f"{len(edited) - _MOST_EDITS} more", "words": "…"})
    told = fencing.fenced(words)  # guard: 292-told
    changed = {"by": list(record.edited_by), "replaces": record.replaces, "changes": told}
    if record.state == "succeeded":
        said = f"EXECUTED AS THE USER CHANGED IT, not as you proposed it: {_CHANGED}."
    elif record.state == "pending":
        said = f"NOT EXECUTED. The user changed this before deciding ({_CHANGED}), and it needs their yes. {_PENDING}"
    else:
        said = f"{content['headline']} The user had changed it first: {_CHANGED}."
    rest = {key: value for key, value in content.items() if key not in ("headline", "changed", "notice")}
    return {"headline": said, **rest, "changed": changed, "notice": NOTICE}


def superseded(told: Outcome, asked: str, stands: Record) -> Outcome:
    """What is told about a proposal in whose place another stands.

    Args:
        told: How that one stands.
        asked: The id that was asked about.
        stands: The record of that one.
    """
    if stands.state != "pending":
        return replace(told, content={**told.content, "asked_about": asked, "superseded_by": stands.id})
    whose = f"The user changed it ({_CHANGED})" if stands.edited_by else "You replaced it"
    kept = ("operation", "target", "effect", "sandbox", "changed", "notice", "expires_at", "decide", "next")
    return Outcome(
        {
            "headline": f"NOT EXECUTED. {whose}: {stands.id} stands in its place and waits for their yes. {_PENDING}",
            "status": "superseded",
            "executed": False,
            "approval_id": asked,
            "superseded_by": stands.id,
            **{key: told.content[key] for key in kept if key in told.content},
        }
    )


def _answer(operation: Operation | None, result: Any) -> dict[str, Any]:
    """What the service answered, told as reads tell the same, with a mark before each text from outside."""
    if not isinstance(result, Mapping) or (operation is not None and operation.service != "mailgun"):
        return {}
    told = dict(result)
    if operation is not None and operation.told_as is not None:
        # A success stays one, whatever its answer holds.
        with suppress(TypeError, ValueError, AttributeError, KeyError):
            told = SHAPES[operation.told_as](told)
    told |= {name: fencing.Own(one) for name, one in told.items() if isinstance(one, str) and _OURS.fullmatch(one)}
    marked = fencing.fenced(told)  # guard: 359-marked
    said = told.get("message")
    if isinstance(said, str) and _SAID.fullmatch(said) and ORDER_MARK not in marked["message"]:
        # The service's own sentence, which names nothing.
        marked["message"] = said
    text = text_of(marked)
    return {**({"notice": fencing.notice([text])} if MARK in text else {}), "result": marked}


def pending(record: Record, decide: list[dict[str, Any]], no_form: str, *, now: float) -> dict[str, Any]:
    """Structured content of a call that waits for a person."""
    preview = Preview.of(record.preview)
    return {
        "headline": _pending_words(decide, no_form),
        "status": "approval_required",
        "executed": False,
        "approval_id": record.id,
        "operation": record.operation,
        "action": record.access,
        "account": {"connection_id": preview.account.connection_id, "label": preview.account.label},
        **({"sandbox": True} if preview.account.sandbox else {}),
        "target": preview.target,
        "effect": preview.effect,
        "preview": words.brief(record.preview),
        "warnings": list(preview.warnings),
        "notice": NOTICE,  # guard: 21-preview
        "digest": record.digest,
        **({"now": now_told(now, _zone_of_leaving(preview))} if _leaves(preview) else {}),
        "expires_at": timestamp(record.expires_at),
        **({"people": _people(record)} if record.approvers > 1 else {}),
        "decide": decide,
        **({"no_form": f"Not asked by a form: {no_form}."} if no_form else {}),
        "next": {
            "tool": "get_approval",
            "arguments": {"approval_id": record.id, "wait_seconds": WAIT_SECONDS},
        },
    }


def _people(record: Record) -> str:
    """How many people must say yes, and who has."""
    return said_so_far(record) or f"{record.approvers} different people must say yes, neither of them who proposed it"


def waiting_longer(told: Outcome, seconds: int, waited: object = None) -> Outcome:
    """The same, for a client that is known to let `get_approval` wait this long.

    Some frameworks let no model make the same call twice in a row (crewai, `tool_usage.py`): the one that is named next
    is never the one just made. More seconds than the client allows do no harm, as no wait is longer than that.

    Args:
        waited: What the call that is answered gave as `wait_seconds`.
    """
    following = told.content.get("next")
    if told.content.get("status") not in ("approval_required", "superseded") or not isinstance(following, Mapping):
        return told
    if isinstance(waited, int) and waited >= seconds:
        seconds = waited + 1 if waited < LONGEST_WAIT_SECONDS else seconds
    arguments = {**following["arguments"], "wait_seconds": seconds}
    return replace(told, content={**told.content, "next": {**following, "arguments": arguments}})


def listed(record: Record) -> dict[str, Any]:
    """One line of `list_approvals`."""
    return {
        "approval_id": record.id,
        "status": _STATES.get(record.state, record.state),
        "executed": _executed(record),
        "operation": record.operation,
        "target": Preview.of(record.preview).target,
        **({"superseded_by": record.superseded_by} if record.superseded_by else {}),
        "created_at": timestamp(record.created_at),
        **({"expires_at": timestamp(record.expires_at)} if record.state in ("pending", "approved") else {}),
    }


def waiting(record: Record, decide: list[dict[str, Any]]) -> dict[str, Any]:
    """One that waits for a person, as the list of those has it."""
    preview = Preview.of(record.preview)
    return {
        **listed(record),
        **({"sandbox": True} if preview.account.sandbox else {}),
        "effect": short(preview.effect, 600),
        "warnings": [short(one, 300) for one in preview.warnings],
        "decide": decide,
    }


def decided(record: Record, now: float) -> dict[str, Any]:
    """One that no longer waits, as the list of those has it."""
    said = _words(record, now)
    by = {"decided_by": record.decided_by} if record.decided_by else {}
    return {**listed(record), **({"headline": said} if said else {}), **by}


def removed(approval_id: str, gone: Gone) -> Outcome:
    """What is told of an approval whose record is no longer kept."""
    executed = gone.state == "succeeded"
    ended = "It was carried out" if executed else f"It was not carried out ({gone.state})"
    ended += ": a changed one took its place, and may have been" if gone.state == "superseded" else ""
    return Outcome(
        {
            "headline": f"NO LONGER KEPT. {ended}, long ago. Nothing of it can run again.",
            "status": _STATES.get(gone.state, gone.state),
            "executed": executed,
            "approval_id": approval_id,
            "removed_at": timestamp(gone.at),
        }
    )


def timestamp(seconds: float) -> str:
    """A moment as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _leaves(preview: Preview) -> str:
    """When a message leaves that does not leave at once, as a person was shown it."""
    rows = (row for section in preview.sections if section.heading == "Options" for row in section.rows)
    return next((row.value for row in rows if row.label == "Leaves at"), "")


def _zone_of_leaving(preview: Preview) -> timezone | None:
    found = _ZONE.search(_leaves(preview))
    if found is None:
        return None
    minutes = int(found[2]) * 60 + int(found[3])
    return timezone(timedelta(minutes=-minutes if found[1] == "-" else minutes))


def _executed(record: Record) -> bool | str:
    if record.state == "succeeded":
        return True
    return "unknown" if record.state in ("unknown", "executing") else False


def _pending_words(decide: list[dict[str, Any]], no_form: str) -> str:
    opened = [way for way in decide if way.get("opened")]
    where = ". The approval page is open in the user's browser." if opened else ", outside this chat."
    if any(way["channel"] == "form" for way in decide):
        page = " The approval page is open in the user's browser." if opened else ""
        where = f". The form in the user's client is still open, and its answer counts.{page}"
    if any(way.get("sign_in") for way in opened):
        where += " It asks for the approver's passphrase, which the user types there and nowhere else."
    if no_form:
        where += f" A form cannot ask for it: {no_form}."
    return (
        f"NOT EXECUTED. A person must approve this first{where} Tell the user what waits and where to decide, then "
        "call get_approval. You cannot approve it; calling again joins this one."
    )


def _words(record: Record, now: float) -> str:
    match record.state:
        case "succeeded":
            return ""
        case "held":
            left = math.ceil(max(0.0, (record.held_until or now) - now))
            return (
                f"NOT EXECUTED YET. It was approved, and the person can take that back for another {left} seconds. It "
                "is carried out by itself then: do not repeat the call. Call get_approval."
            )
        case "approved":
            return _approved_words(record, now)
        case "executing":
            return "IN PROGRESS. It was approved and is being carried out. Call get_approval; do not repeat the call."
        case "rejected":
            return _rejected_words(record.reason)
        case "expired" if record.held_until is not None:
            return "NOT EXECUTED. It was approved, and the server ended while the yes could still be taken back."
        case "expired":
            if record.decided_at is not None:  # guard: 66-decided
                return (
                    "NOT EXECUTED. It was approved, and the yes ran out before it could be carried out. Tell the user, "
                    "and ask whether they still want it before calling again: that asks anew."
                )
            if said := said_so_far(record):
                return f"NOT EXECUTED. {said}, and nobody else in time. Ask whether they still want it."
            return "NOT EXECUTED. Nobody decided in time. Ask the user whether they still want it before calling again."
        case "cancelled":
            return "NOT EXECUTED. The request was withdrawn."
        case "superseded":
            return "NOT EXECUTED. Another proposal stood in its place, and is no longer kept."
        case "stale":
            return "NOT EXECUTED. Something changed after the approval. Tell the user; calling again asks anew."
        case "failed":
            return _failed_words((record.result or {}).get("error"))
        case _:
            return (
                "OUTCOME UNKNOWN. It was approved and sent, and no answer says how it ended: it MAY HAVE HAPPENED. Do "
                "not repeat the call. Tell the user, and look with a read tool."
            )


def _rejected_words(reason: str | None) -> str:
    if not reason:
        return "NOT EXECUTED. The user said no. Do not propose it again unless they ask; ask what they want instead."
    return (
        f"NOT EXECUTED. The user said no. Their reason: {quoted(reason, 300)}. You may propose what that asks for; do "
        "not propose the same again unless they ask."
    )


def _approved_words(record: Record, now: float) -> str:
    error = (record.result or {}).get("error")
    match error.get("kind") if isinstance(error, Mapping) else None:
        case "store_failed":
            return "NOT EXECUTED YET. It is approved and will be carried out by itself: do not repeat the call."
        case "under_way":
            return (
                "NOT EXECUTED YET. It is approved and is being carried out: do not repeat the call. Call get_approval."
            )
        case "refused":
            return "NOT EXECUTED. It is approved, and this server does not carry it out."
        case _:
            wait = max(0.0, (record.retry_at or now) - now)
            later = f" Call get_approval again in {math.ceil(wait)} seconds." if wait else ""
            return f"NOT EXECUTED YET. It is approved.{later}"


def _failed_words(error: Any) -> str:
    match error.get("kind") if isinstance(error, Mapping) else None:
        case "unreachable":
            return "NOT EXECUTED. It was approved, and the gateway could not be reached: nothing was sent."
        case "not_done":
            return (
                "NOT EXECUTED. It was approved and sent, no answer said how it ended, and a later look shows it was "
                "not done."
            )
        case _:
            return "NOT EXECUTED. It was approved, and the service refused it."

"""A receipt: what was shown, who decided it and how, and what came of it, in one signed file for other people.

The signature is over the text of the statement as it stands in the file, byte for byte: nothing is written anew before
it is checked, so no two readers can see two statements in one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from maton_mailgun.approval.binding import signatures
from maton_mailgun.approval.preview.document import Preview
from maton_mailgun.approval.store.record import TERMINAL, Record
from maton_mailgun.mail.message_ids import bare

FORMAT = "maton-mailgun receipt 1"
MOST_BYTES = 64 * 1024 * 1024
_MEMBERS = ("format", "key", "signature", "statement")
_FINAL = frozenset({"delivered", "rejected"})


class NotReady(Exception):
    """There is nothing final to tell yet."""


class NotAReceipt(Exception):
    """A file is no receipt, or not one by this key; the text says why."""


@dataclass(frozen=True, slots=True)
class FinalEvent:
    """What finally became of the mail to one address."""

    recipient: str
    event: str
    """delivered, failed (for good) or rejected."""
    at: str
    code: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class Fate:
    """What is known of all recipients."""

    events: Sequence[FinalEvent]
    waiting: Sequence[str]
    """Addresses without a final event."""
    unread: str = ""
    """Why nothing could be looked up; empty where it was."""


def final(rows: Iterable[Mapping[str, Any]], expected: Sequence[str]) -> Fate:
    """The final event of each address from events of one message, newest first or in any order.

    Args:
        rows: `recipient`, `event`, `severity`, `time`, `code` and `said` of each event.
        expected: Addresses that were shown; a list has others, which only events name.
    """
    latest: dict[str, FinalEvent] = {}
    for row in rows:
        event, who = str(row.get("event", "")), str(row.get("recipient", "")).strip()
        if event not in _FINAL and not (event == "failed" and row.get("severity") == "permanent"):
            continue
        found = FinalEvent(who, event, *(str(row.get(name) or "") for name in ("time", "code", "said")))
        before = latest.get(who.casefold())
        if before is None or found.at > before.at:
            latest[who.casefold()] = found
    waiting = [one for one in expected if one.casefold() not in latest]
    return Fate(sorted(latest.values(), key=lambda one: one.recipient.casefold()), waiting)


def message_id(record: Record) -> str | None:
    """The Message-Id of a send, without brackets: the one that was set, or the one that the service named."""
    answer = (record.result or {}).get("result")
    named = answer.get("id") if isinstance(answer, Mapping) else None
    return record.message_id or (bare(str(named)) if record.access == "send" and named else None)


def statement(
    record: Record, entries: Sequence[Mapping[str, Any]], fate: Fate | None, *, issued: str, version: str
) -> dict[str, Any]:
    """What is signed.

    Args:
        record: One that has ended.
        entries: The audit's entries about it, oldest first.
        fate: What became of the recipients; None where it is no send.
        issued: Now, in ISO 8601.

    Raises:
        NotReady: It has not ended.
    """
    if record.state not in TERMINAL:  # guard: 274-ended
        raise NotReady(f"It has not ended: it is {record.state}. A receipt tells what is final.")
    result = {name: value for name, value in (record.result or {}).items() if name[:1] != "_" and name != "secret"}
    return {
        "issued_at": issued,
        "version": version,
        "approval": {
            "id": record.id,
            "digest": record.digest,
            "operation": record.operation,
            "access": record.access,
            "asked_by": {"principal": record.principal, "client": record.client},
            "connection_id": record.connection_id,
            "created_at": record.created_at,
        },
        "shown": Preview.of(record.preview).frozen(),
        "decision": {
            "decided_at": record.decided_at,
            "decided_by": record.decided_by,
            "channel": record.channel,
            "level": record.level,
            "rule": record.rule,
            "reason": record.reason,
        },
        "outcome": {
            "state": record.state,
            "attempted_at": record.attempted_at,
            "finished_at": record.finished_at,
            "message_id": message_id(record),
            "result": result,
        },
        "recipients": None if fate is None else _told(fate),
        "audit": [dict(entry) for entry in entries],
    }


def _told(fate: Fate) -> dict[str, Any]:
    return {
        "events": [
            {"recipient": one.recipient, "event": one.event, "at": one.at, "code": one.code, "said": one.said}
            for one in fate.events
        ],
        "without_final_event": list(fate.waiting),
        "not_looked_up": fate.unread or None,
    }


def signed(seal_key: bytes, content: Mapping[str, Any]) -> str:
    """The file: JSON of ASCII alone, the statement as a text in it."""
    text = json.dumps(content, sort_keys=True)
    made = {
        "format": FORMAT,
        "key": signatures.as_text(signatures.public_key(seal_key)),
        "signature": signatures.as_text(signatures.sign(seal_key, text.encode("ascii"))),
        "statement": text,
    }
    return json.dumps(made, indent=1) + "\n"


def verified(content: bytes, trusted: str) -> dict[str, Any]:
    """The statement in a file, where the trusted key signed it.

    Raises:
        NotAReceipt: It is none, it was changed, or another key signed it.
    """
    if len(content) > MOST_BYTES:
        raise NotAReceipt("It is too large for a receipt")
    outer = _object(content)
    if sorted(outer) != sorted(_MEMBERS) or outer["format"] != FORMAT:
        raise NotAReceipt(f"It is no {FORMAT}")
    if not all(isinstance(outer[name], str) for name in _MEMBERS):
        raise NotAReceipt("Its parts are no texts")
    text = outer["statement"].encode("utf-8", "surrogatepass")
    try:
        public, signature = signatures.of_text(outer["key"]), signatures.of_text(outer["signature"])
        signatures.check(public, text, signature, trusted)
    except ValueError:
        raise NotAReceipt("Its key or signature is no base64") from None
    except signatures.NotSigned as problem:
        raise NotAReceipt(str(problem)) from None
    said = _object(text)
    try:
        Preview.of(said["shown"])
    except (KeyError, ValueError):
        raise NotAReceipt("What it says was shown cannot be shown by this version") from None
    return said


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise NotAReceipt("It is no JSON, or a name stands twice in it") from None
    if not isinstance(found, dict):
        raise NotAReceipt("It is no JSON object")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):  # guard: 273-once
        raise ValueError("a name stands twice")
    return made

"""An approval as a person reads it: its state in words, its preview, its outcome."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from maton_mailgun.approval.lifecycle.several import said_so_far
from maton_mailgun.approval.preview.document import Preview, Row
from maton_mailgun.approval.preview.fields import rows
from maton_mailgun.approval.preview.folding import cut_to
from maton_mailgun.approval.preview.terminal_text import field_lines, terminal
from maton_mailgun.approval.store.record import Record
from maton_mailgun.cli.pager import is_longer_than_the_screen, paged
from maton_mailgun.cli.screen import Screen, Tone
from maton_mailgun.exchange import Prepared
from maton_mailgun.mail.text import count, moment, quoted, safe_line, short

CALL = "maton-mailgun call"
"""As whom that command proposes."""
_ID_LENGTH = len("apr_") + 32
_BRIEF = len("apr_") + 8
HEADINGS = ("approval", "state", "operation", "target", "asked")
_TONES: Mapping[str, Tone] = {
    "pending": "warn",
    "held": "warn",
    "approved": "warn",
    "executing": "warn",
    "succeeded": "good",
    "failed": "bad",
    "unknown": "bad",
    "stale": "bad",
    "rejected": "bad",
    "superseded": "quiet",
}


def row(record: Record, now: float) -> tuple[str, ...]:
    """One line of a list, in the order of `HEADINGS`."""
    target = short(Preview.of(record.preview).target, 60)
    return record.id, record.state, record.operation, target, f"{_ago(now - record.created_at)} ago"


def list_lines(records: Sequence[Record], now: float, width: int) -> list[str]:
    """A list for a screen of `width` columns, each approval on two lines that no word is folded in: a beginning of the
    id that no other in the list has, how it stands and since when; and what it is about."""
    lines = []
    for record, brief in zip(records, _brief_ids([record.id for record in records]), strict=True):
        line = f"{brief}  {record.state:<9}  {_ago(now - record.created_at)} ago"
        left = f", {_ago(record.expires_at - now)} left" if record.state == "pending" else ""
        lines.append(line + left if len(line + left) <= width else line)
        lines.append(f"    {cut_to(headline(record), width - 4)}")
    return lines


def headline(record: Record) -> str:
    """What a write is about, told apart from others of its kind: the subject and to whom, or else its target."""
    preview = Preview.of(record.preview)
    message = preview.message
    if message is None or not preview.recipients:
        return f"{preview.action or record.access}: {safe_line(preview.target)}"
    others = f" and {len(preview.recipients) - 1:,} more" if len(preview.recipients) > 1 else ""
    subject = quoted(message.subject, 200) if message.subject else "(no subject)"
    return f"send {subject} to {short(preview.recipients[0].address, 100)}{others}"


def _brief_ids(ids: Sequence[str]) -> list[str]:
    """A beginning of each id, of eight digits where that tells all of them apart."""
    length = next(
        (size for size in range(_BRIEF, _ID_LENGTH) if len({one[:size] for one in ids}) == len(ids)),
        _ID_LENGTH,
    )
    return [one[:length] for one in ids]


def show_preview(screen: Screen, record: Record, more: Sequence[str] = ()) -> None:
    """Everything the person has to know before they decide, and `more`; in a pager where the screen is too small."""
    title, *rest = [*terminal(record.preview, screen.width - 4), *more]
    if is_longer_than_the_screen(rest) and paged([title, *rest]):
        rest = [f"All of it, {count(len(rest), 'line')}, was in the pager."]
    tone: Tone = "bad" if record.risk == "high" else "warn"
    screen.panel(title, rest, tone if record.state == "pending" else "quiet")


def request_lines(screen: Screen, prepared: Prepared) -> list[str]:
    """The exact request, field by field and decoded; secrets are not shown."""
    sent = prepared.request
    fields = rows(prepared.operation, sent, decoded=True)
    path = Row(f"{sent.method}, decoded", safe_line(unquote(sent.path)))
    return ["", "Every field of the request", *field_lines([path, *fields], screen.width - 4)]


def show_state(screen: Screen, record: Record, now: float) -> None:
    """Where it stands and, once it ran, what came of it."""
    screen.outcome(*outcome_words(record, now))
    screen.lines(_details(record), "quiet")


def outcome_words(record: Record, now: float) -> tuple[Tone, str]:
    """How it stands, as `Screen.outcome` takes it."""
    return _TONES.get(record.state, "plain"), state_words(record, now)


def show_state_of(screen: Screen, record: Record, now: float) -> None:
    """The same in a list of several: which one, on two lines."""
    screen.outcome(_TONES.get(record.state, "plain"), f"{record.id[:_BRIEF]}  {state_words(record, now)}")
    screen.line(f"    {cut_to(headline(record), screen.width - 4)}")


def state_words(record: Record, now: float) -> str:
    """The state as a sentence that says whether anything was written."""
    by = f" by {short(record.decided_by, 100)}" if record.decided_by else ""
    match record.state:
        case "pending":
            places = {"operator": ", on the page or here only", "passkey": ", on the page and with a passkey only"}
            where = places.get(record.level, "")
            said = f" {said_so_far(record)}." if record.yeses else ""
            if record.approvers > 1 and not said:
                said = f" {record.approvers} different people must say yes."
            return f"Waits for a decision for another {_ago(record.expires_at - now)}{where}.{said} Nothing was sent."
        case "held":
            left = _ago((record.held_until or now) - now)
            return f"Approved{by}, and held: it can be undone for another {left}. Nothing was sent yet."
        case "approved" if record.retry_at is not None:
            again = f"{_ago(max(0.0, record.retry_at - now))}"
            return f"Approved{by}. The service asked to wait; it can be tried again in {again}. Nothing was done yet."
        case "approved":
            return (
                f"Approved{by}, and not carried out yet: a running server does that, within the next "
                f"{_ago(record.expires_at - now)}."
            )
        case "executing":
            return f"Approved{by}, and being carried out now."
        case "succeeded":
            return f"Approved{by}, and carried out once."
        case "failed":
            return f"Approved{by}, and refused by the service. Nothing was written."
        case "rejected":
            return f"Rejected{by}. Nothing was sent."
        case "expired":
            if record.held_until is not None:
                return f"Approved{by}, and its process ended while it could be undone. Nothing was sent."
            if record.decided_at is not None:
                return f"Approved{by}, and the yes ran out before it could be carried out."
            if record.yeses:
                return f"Expired: {said_so_far(record)}, and nobody else in time. Nothing was sent."
            return "Expired: nobody decided in time. Nothing was sent."
        case "cancelled":
            return "Withdrawn before anybody decided. Nothing was sent."
        case "superseded":
            return f"Changed before anybody decided: {record.superseded_by} stands in its place. Nothing was sent."
        case "stale":
            return f"Approved{by}, but something had changed. Nothing was sent; it has to be proposed again."
        case _:
            return (
                f"Approved{by} and sent, but no answer says how it ended: IT MAY HAVE HAPPENED. Look in Mailgun before "
                "anybody does it again."
            )


def public_fields(record: Record) -> dict[str, Any]:
    """A record for `--json`: all but the sealed secret."""
    result = {key: value for key, value in (record.result or {}).items() if not key.startswith("_")}
    return {
        "approval_id": record.id,
        "state": record.state,
        "operation": record.operation,
        "access": record.access,
        "digest": record.digest,
        "level": record.level,
        "risk": record.risk,
        "rule": record.rule,
        "created_at": record.created_at,
        "expires_at": record.expires_at,
        "decided_at": record.decided_at,
        "decided_by": record.decided_by,
        "channel": record.channel,
        **({"yeses": [_said(one) for one in record.yeses]} if record.approvers > 1 else {}),
        "reason": record.reason,
        "finished_at": record.finished_at,
        "superseded_by": record.superseded_by,
        "replaces": record.replaces,
        "edited_by": list(record.edited_by),
        "written_by": list(record.written_by),
        "preview": dict(record.preview),
        "result": result or None,
    }


def _said(yes: Mapping[str, Any]) -> dict[str, Any]:
    """A yes without what its person signed in with."""
    return {name: value for name, value in yes.items() if name != "vouched"}


def _details(record: Record) -> Iterator[str]:
    if record.reason:
        yield f"  Reason: {short(record.reason, 600)}"
    result = record.result or {}
    if error := result.get("error"):
        yield f"  Answer: {short(str(error.get('message', '')), 600)}"
    elif isinstance(answer := result.get("result"), Mapping):
        yield f"  Answer: {short(json.dumps(answer, ensure_ascii=False), 2000)}"
    yield f"  Proposed {moment(record.created_at)}, digest {record.digest}"
    if record.edited_by:
        yield f"  Changed by {short(', '.join(record.edited_by), 300)}, in place of {record.replaces}"
    if record.decided_at:
        yield f"  Decided {moment(record.decided_at)} by {record.channel or 'nobody'}"


def _ago(seconds: float) -> str:
    """A length of time in the one unit that matters."""
    seconds = max(0.0, seconds)
    if seconds < 90:
        return count(round(seconds), "second")
    if seconds < 5400:
        return count(round(seconds / 60), "minute")
    return count(round(seconds / 3600), "hour") if seconds < 172_800 else count(round(seconds / 86400), "day")


def not_taken_up(record: Record) -> Iterator[str]:
    """What to do with a yes that nobody has acted on."""
    yield "No running server took it up: one must run with the same key and state directory."
    if record.client == CALL:
        yield "It was proposed by a command that has ended: the same call again carries it out, once."

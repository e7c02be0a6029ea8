"""Records as people are shown them, on the page and in apps of hosts: display-safe, nothing that is not shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from maton_mailgun.approval.lifecycle.several import said_so_far
from maton_mailgun.approval.preview.document import EditedValue, Preview, Row, Section, ShownMessage
from maton_mailgun.approval.preview.filled_message import copies
from maton_mailgun.approval.preview.heading import effect_beyond, heading, whom
from maton_mailgun.approval.preview.labels import named
from maton_mailgun.approval.store.contract import Stop
from maton_mailgun.approval.store.record import Record
from maton_mailgun.mail import html, links
from maton_mailgun.mail.asides import asides
from maton_mailgun.mail.pieces import HIDDEN, PREHEADER, SOME, styled, words
from maton_mailgun.mail.styling import styling
from maton_mailgun.mail.text import mark, quoted, safe, safe_block, safe_line, short

_MOST_DETAILS = 20_000
_BODIES = frozenset({"text", "html", "amp_html", "inline"})
_PER_COPY = frozenset({"recipient_values", "headers", "parts"})


def stop(found: Stop | None) -> dict[str, Any] | None:
    """The stop in force."""
    return {"by": short(found.by, 200), "at": found.at} if found is not None else None


def summary(record: Record) -> dict[str, Any]:
    """One line of the list."""
    preview = Preview.of(record.preview)
    return {
        "id": record.id,
        "state": record.state,
        "risk": record.risk,
        # A creation that changes what is there is called so; what deletes or sends is never called otherwise.
        "action": preview.action if record.access == "create" and preview.action == "change" else record.access,
        "title": safe_line(preview.title or record.operation),
        "heading": heading(preview),
        "whom": whom(preview.recipients),
        "target": short(preview.target, 300),
        "account": short(preview.account.label or record.connection_id, 200),
        "sandbox": preview.account.sandbox,
        "client": short(record.client, 80),
        "created_at": record.created_at,
        "expires_at": record.expires_at,
        "ended_at": record.finished_at or record.decided_at,
        "warnings": len(preview.warnings),
        "edited": bool(record.edited_by),
    }


def detail(record: Record, *, reveals: bool) -> dict[str, Any]:
    """Everything about one record but the bodies of a message."""
    preview = Preview.of(record.preview)
    return {
        **summary(record),
        "operation": record.operation,
        "digest": record.digest,
        "connection_id": safe_line(record.connection_id),
        "principal": short(record.principal, 200),
        "rule": safe_line(record.rule) if record.rule else None,
        "level": record.level,
        "message_id": safe_line(record.message_id) if record.message_id else None,
        "duplicate_of": record.duplicate_of,
        "reveals": reveals,
        "replaces": record.replaces,
        "edited_by": [short(one, 200) for one in record.edited_by],
        "edits": [_edit(one) for one in preview.edited],
        "preview": _shown(replace(told_once(preview), message=None, edited=()).frozen()),
        "message": envelope(preview.message) if preview.message is not None else None,
        "remarks": _remarks(preview),
        "leaves_at": preview.covers.get("leaves"),
        "copies": [safe_line(address) for address in copies(preview)],
        "status": status(record),
    }


def told_once(preview: Preview) -> Preview:
    """Without what message and recipients beside it say already; names of tools tell a person nothing."""
    sections = preview.sections
    if (message := preview.message) is not None:
        beside = {"From": message.sender, "Reply-To": message.reply_to, "Subject": _quoted_subject(message)}
        sections = [replace(part, rows=[row for row in part.rows if not _said(part, row, beside)]) for part in sections]
        sections = [part for part in sections if part.rows]
    undo = preview.undo_plainly or preview.undo
    return replace(preview, sections=sections, effect=effect_beyond(preview), undo=undo, undo_plainly="")


def _edit(one: EditedValue) -> dict[str, Any]:
    """A change by hand, display-safe piece by piece."""
    pieces = [[kind, safe_block(text)] for kind, text in one.pieces]
    return {"label": safe_line(named(one.field)), "pieces": pieces}


def _said(part: Section, row: Row, beside: Mapping[str, str]) -> bool:
    """Whether the message says this. Its remarks are shown there too (see `_remarks`)."""
    return row.again or (part.heading == "Sender" and row.value == safe_line(beside.get(row.label) or ""))


def _quoted_subject(message: ShownMessage) -> str:
    return quoted(message.subject, len(message.subject)) if message.subject else ""


def _remarks(preview: Preview) -> dict[str, list[str]]:
    """What is odd about a message's sender and where answers go, by the name of the header."""
    rows = [row for part in preview.sections if part.heading == "Sender" for row in part.rows]
    return {row.label: [safe_line(flag) for flag in row.flags] for row in rows if row.flags}


def status(record: Record) -> dict[str, Any]:
    """What can change about a record."""
    return {
        "state": record.state,
        "version": record.version,
        "shown_at": record.shown_at,
        "expires_at": record.expires_at,
        "decided_at": record.decided_at,
        "decided_by": safe_line(record.decided_by) if record.decided_by else None,
        "channel": record.channel,
        "reason": short(record.reason, 1_000) if record.reason else None,
        "attempted_at": record.attempted_at,
        "finished_at": record.finished_at,
        "retry_at": record.retry_at,
        "superseded_by": record.superseded_by,
        "held_until": record.held_until,
        "approvers": record.approvers,
        "yeses": safe_line(said_so_far(record)) or None,
        "outcome": _outcome(record.result) if record.result is not None else None,
    }


def bodies(message: ShownMessage) -> dict[str, Any]:
    """The texts of a message and where its links lead."""
    text, markup, amp_markup = message.text or "", message.html or "", message.amp_html or ""
    page, amp = html.read(markup), html.read(amp_markup)
    found, total = links.find(page, text, amp)
    read = {"words": words(page.pieces), "added": "\n".join(page.added), "spared": page.spared}
    apart = {"preheader": PREHEADER, "hidden": HIDDEN, "some": SOME}
    read["styled"] = "yes" if styled(page.pieces) else ""
    read["asides"] = "\n".join(asides(page.pieces))
    read["depends"] = ", ".join(styling(page.pieces).depends)
    read |= {name: words(page.pieces, where) for name, where in apart.items()}
    sources = {"text": text, "html": markup, "amp_html": amp_markup}
    return {
        **{name: safe_block(body) for name, body in sources.items()},
        "read": {name: safe_block(said) for name, said in read.items()},
        "lost": page.lost,
        "links": found,
        "links_total": total,
    }


def one_copy(message: ShownMessage) -> dict[str, Any]:
    """A message that is filled in for one recipient: its envelope, with all headers and further parts."""
    return {
        **envelope(message),
        "headers": [[safe_line(name), safe_line(text)] for name, text in message.headers],
        "parts": [{"label": safe_line(part.label), "text": safe_block(part.text)} for part in message.parts],
    }


def envelope(message: ShownMessage) -> dict[str, Any]:
    """All about a message but its bodies and what differs from copy to copy."""
    found = Preview(message=message).frozen()["message"]
    shown: dict[str, Any] = _shown({name: part for name, part in found.items() if name not in _BODIES | _PER_COPY})
    return {**shown, **{name: bool(found[name]) for name in ("text", "html", "amp_html")}}


def _outcome(result: Mapping[str, Any]) -> dict[str, Any]:
    """The words of a result, wherever it keeps them, and all of it for who wants to look closer; names with
    an underscore in front are the gate's own."""
    result = {name: part for name, part in result.items() if not name.startswith("_")}
    error = result.get("error")
    inner = error if isinstance(error, Mapping) else result.get("result")
    said = inner if isinstance(inner, Mapping) else result
    return {
        "message": short(str(said.get("message") or result.get("message") or ""), 600),
        "next": short(str(said.get("next") or ""), 600) if isinstance(said.get("next"), str) else "",
        "details": safe(mark(json.dumps(result, indent=2, ensure_ascii=False, default=str), _MOST_DETAILS), keep="\n"),
    }


def _shown(part: Any) -> Any:
    """`part` with every text display-safe; the preview already is, and this costs nothing."""
    if isinstance(part, str):
        return safe_line(part)
    if isinstance(part, Mapping):
        return {safe_line(str(name)): _shown(inner) for name, inner in part.items()}
    if isinstance(part, list | tuple):
        return [_shown(inner) for inner in part]
    return part

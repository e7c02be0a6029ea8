"""An approval as a host's app shows it: what the page shows, in the page's order, as words alone and without any
decision.

It travels beside a tool's result, or is read as a resource: a model may come to see it all the same. So a stranger's
words are marked in it, as wherever a model reads them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from maton_mailgun.approval.channels import view
from maton_mailgun.approval.preview.document import Preview
from maton_mailgun.approval.preview.words import by_domain
from maton_mailgun.approval.store.record import Record, finished
from maton_mailgun.mail.text import count, safe_block, safe_line, short
from maton_mailgun.mail.word_diff import marked
from maton_mailgun.wire import fencing

MOST = 60_000
"""Characters of values; a host holds every view of a chat in memory."""
_MOST_OF_AN_EDIT = 4_000
_KINDS = {"to": "To", "list": "To a list", "cc": "Cc", "bcc": "Bcc", "header": "In a header"}
_APART = (
    ("preheader", "Shown in the inbox list only"),
    ("hidden", "Hidden in some or all programs"),
    ("some", "Shown by some programs only"),
    ("spared", "Shown by most programs, but perhaps not by Outlook"),
    ("added", "Words that the style sheet adds"),
    ("asides", "Titles, tooltips and words read aloud"),
)
_SHOWN_AT_ONCE = {"Who": 12, "Links": 12, "Technical details": 0}
"""Rows of a part before the rest, which is unfolded."""
_ELSEWHERE = "all of it is on the approval page and in the terminal"
_STATES = {
    "pending": (
        "Waits for a person",
        "Nothing is done before a person says yes elsewhere: this view takes no decision.",
    ),
    "held": ("Approved, can be undone", "Nothing was sent yet. It is carried out when the time to undo it is over."),
    "approved": ("Approved", "It starts as soon as everything has been checked once more."),
    "executing": ("Running", "It is being carried out now, once."),
    "succeeded": ("Done", "The service accepted it."),
    "failed": ("Failed", "It was approved, and it was not carried out."),
    "unknown": ("May have happened", "It was sent off, and no answer says how it ended. It is looked up."),
    "rejected": ("Rejected", "Nothing was carried out."),
    "expired": ("Expired", "Nobody decided in time, or the yes ran out before it could be carried out."),
    "cancelled": ("Withdrawn", "The assistant withdrew its request. Nothing was carried out."),
    "superseded": ("Changed", "Another request stands in its place. Nothing of this one is carried out."),
    "stale": ("Out of date", "Something changed between the question and the yes, so nothing was carried out."),
}

Rows = Iterable[dict[str, Any]]


def shown_in_app(record: Record, decide: Sequence[Mapping[str, Any]], now: float) -> dict[str, Any]:
    """What an app draws of a record, ready for JSON.

    Args:
        record: The approval.
        decide: The ways a person may decide, for a pending one; none of them holds a token.
        now: Unix seconds.
    """
    preview = Preview.of(record.preview)
    detail = view.detail(record, reveals=False)
    status = detail["status"]
    word, meaning = _STATES.get(record.state, (record.state, ""))
    called = (detail["message"]["subject"] or "(no subject)") if detail["message"] else detail["heading"]
    parts, left = _bounded(_parts(preview, detail))
    return {
        "approval_id": record.id,
        "state": record.state,
        "version": record.version,
        "final": finished(record) and record.state != "unknown",
        "word": word,
        "meaning": meaning,
        "said": _said(status),
        "title": detail["title"],
        "heading": _fenced(called, preview.outside),
        "effect": safe_line((preview.message is not None and preview.ending) or preview.effect),
        "undo": _undo_above(preview, detail),
        "sandbox": detail["sandbox"],
        "high_risk": record.risk == "high",
        "warnings": detail["preview"]["warnings"],
        "unchecked": detail["preview"]["unchecked"],
        "parts": parts,
        "left": f"{left}; {_ELSEWHERE}." if left else "",
        "decide": [dict(way) for way in decide] if record.state == "pending" else [],
        "expires_at": record.expires_at if record.state == "pending" else None,
        "superseded_by": record.superseded_by,
        "now": now,
        "notice": fencing.NOTICE,
    }


def _undo_above(preview: Preview, detail: Mapping[str, Any]) -> str:
    """Whether it can be undone, as it stands under the effect; the ending of a message says it itself."""
    return "" if preview.message is not None and preview.ending else str(detail["preview"]["undo"])


def _said(status: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What became of it, beside its state."""
    outcome = status["outcome"] or {}
    found = [
        ("Yes so far", status["yeses"]),
        ("Decided by", status["decided_by"]),
        ("Reason", _fenced(status["reason"] or "", strange=True)),
        ("In detail", _fenced(outcome.get("message", ""), strange=True)),
    ]
    return [_row(label, value) for label, value in found if value]


def _parts(preview: Preview, detail: Mapping[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Headings with their rows, in the order of the page (`static/detail.js`)."""
    strange = preview.outside
    edits = [marked(one.pieces, _MOST_OF_AN_EDIT) for one in preview.edited]
    labels = [one["label"] for one in detail["edits"]]
    yield (
        "Changed by hand, against what the assistant proposed",
        [
            _row(label, _fenced(safe_block(text), strange=True), block=True)
            for label, text in zip(labels, edits, strict=True)
        ],
    )
    yield "Who", list(_recipients(preview))
    if preview.message is not None:
        bodies = view.bodies(preview.message)
        yield "Message", list(_message(preview, detail, bodies))
        yield "Links", list(_links(bodies, strange))
    yield (
        "What changes",
        [
            _row(
                safe_line(one.field),
                _fenced(f"now: {_shown(one.before)}\nthen: {_shown(one.after)}", strange),
                block=True,
            )
            for one in preview.diff
        ],
    )
    for section in detail["preview"]["sections"]:
        outside = strange or bool(section.get("outside"))
        yield (
            section["heading"],
            [
                _row(
                    _fenced(row["label"], outside),
                    _fenced(_shown(row["value"]) if row.get("block") else row["value"] or "(nothing)", outside),
                    [_fenced(flag, outside) for flag in row["flags"]],
                    block=bool(row.get("block")),
                )
                for row in section["rows"]
            ],
        )
    about = (
        ("What it is about", detail["preview"]["target"]),
        ("Account", detail["account"]),
        ("Can it be undone?", "" if _undo_above(preview, detail) else detail["preview"]["undo"]),
        ("Asked by", detail["preview"]["asked_by"]["client"] or detail["client"]),
    )
    yield "About this request", [_row(label, value) for label, value in about if value]
    yield "History", [*(_row("Earlier", line) for line in detail["preview"]["history"]), *_moments(detail)]
    yield "Technical details", list(_technical(detail))


def _recipients(preview: Preview) -> Rows:
    people = preview.recipients
    if len(people) > 6:
        domains = by_domain(people)
        more = f", and {count(len(domains) - 8, 'more domain')}" if len(domains) > 8 else ""
        named = ", ".join(f"{number:,} at {short(domain, 60)}" for domain, number in domains[:8])
        yield _row("Recipients", f"{len(people):,}: {named}{more}")
    for one in people:
        name = f"{safe_line(one.name)} " if one.name else ""
        flags = [safe_line(flag) for flag in one.flags]
        yield _row(_KINDS.get(one.kind, safe_line(one.kind)), f"{name}<{safe_line(one.address)}>", flags)


def _message(preview: Preview, detail: Mapping[str, Any], found: Mapping[str, Any]) -> Rows:
    """Sender, bodies as words, files. Nothing of it is drawn: that is for the page's own frame."""
    message, strange = preview.message, preview.outside
    if message is None:
        return
    envelope, remarks = detail["message"], detail["remarks"]
    made_by = "" if envelope["rendered_by"] == "as given" else envelope["rendered_by"]
    for label, value in (("From", envelope["from"]), ("Reply-To", envelope["reply_to"]), ("Made by", made_by)):
        if value:
            yield _row(label, _fenced(value, strange), remarks.get(label, []))
    if found["text"]:
        yield _row("Plain text", _fenced(found["text"], strange), block=True)
    if found["html"]:
        said = found["read"]
        words = f"The HTML is {found['lost']}." if found["lost"] else said["words"] or "(no words)"
        yield _row("All words of the HTML", _fenced(words, strange), block=True)
        for name, label in _APART:
            if said[name] and not found["lost"]:
                yield _row(label, _fenced(said[name], strange), block=True)
        yield _row("HTML source", f"{count(len(message.html or ''), 'character')}, drawn on the approval page")
    if found["amp_html"]:
        yield _row("AMP source", f"{count(len(message.amp_html or ''), 'character')}, shown on the approval page")
    for file in envelope["attachments"]:
        value = f"{file['name']}, {file['type']}, {file['size']:,} bytes, SHA-256 {file['sha256']}"
        yield _row("Attachment", _fenced(value, strange))


def _links(found: Mapping[str, Any], strange: bool) -> Rows:
    """Where the links of a message lead."""
    for link in found["links"]:
        value = f"{link['text'] or '(the address itself)'} → {link['host'] or 'no host'}\n{link['url']}"
        yield _row(f"Link, {link['part']}", _fenced(value, strange), link["flags"], block=True)
    if found["links_total"] > len(found["links"]):
        yield _row("Links", f"and {found['links_total'] - len(found['links']):,} more, on the approval page")


def _moments(detail: Mapping[str, Any]) -> Rows:
    status = detail["status"]
    decided = {"rejected": "Rejected", "cancelled": "Withdrawn"}.get(detail["state"], "Decided")
    moments = (
        ("Changed by " + ", ".join(detail["edited_by"]) if detail["edited"] else "Asked", detail["created_at"]),
        ("Shown to a person", status["shown_at"]),
        (decided, status["decided_at"]),
        ("Sent to the service", status["attempted_at"]),
        ("Ended", status["finished_at"]),
        ("Expires", status["expires_at"] if detail["state"] == "pending" else None),
    )
    for label, at in moments:
        if at:
            yield _row(label, f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC")


def _technical(detail: Mapping[str, Any]) -> Rows:
    request = detail["preview"]["request"]
    facts = (
        ("Request", f"{request['method']} {request['path']}"),
        ("Approval", detail["id"]),
        ("Digest", detail["digest"]),
        ("Connection", detail["connection_id"]),
        ("Asked for", detail["principal"]),
        ("Policy rule", detail["rule"]),
        ("Message-Id", detail["message_id"]),
        ("Same as", detail["duplicate_of"]),
        ("In place of", detail["replaces"]),
        ("Replaced by", detail["status"]["superseded_by"]),
    )
    yield from (_row(label, value) for label, value in facts if value)


def _row(label: str, value: str, flags: Sequence[str] = (), *, block: bool = False) -> dict[str, Any]:
    return {
        "label": label,
        "value": value,
        **({"flags": list(flags)} if flags else {}),
        **({"block": True} if block else {}),
    }


def _bounded(parts: Iterable[tuple[str, list[dict[str, Any]]]]) -> tuple[list[dict[str, Any]], str]:
    """The parts that have rows, up to `MOST` characters, and in words what is not among them."""
    found: list[dict[str, Any]] = []
    left, cut, gone = MOST, 0, 0
    for heading, rows in parts:
        kept: list[dict[str, Any]] = []
        for row in rows:
            if left <= 0:
                gone += 1
                continue
            value = row["value"]
            cut += len(value) > left
            kept.append(row if len(value) <= left else {**row, "value": f"{value[:left]}…"})
            left -= len(value) + len(row["label"])
        if kept:
            first = _SHOWN_AT_ONCE.get(heading)
            found.append({"heading": heading, "rows": kept, **({} if first is None else {"first": first})})
    told = [count(cut, "value is not whole", "values are not whole")] if cut else []
    told += [count(gone, "row is not here", "rows are not here")] if gone else []
    return found, " and ".join(told)


def _fenced(text: str, strange: bool) -> str:
    """The text, marked where it may be a stranger's."""
    found = fencing.fenced(text) if strange and text else text  # guard: 390-marked
    return str(found)


def _shown(text: str) -> str:
    """A value with its own line breaks, for which ⏎ stands in a preview."""
    return text.replace("⏎", "\n") or "(nothing)"

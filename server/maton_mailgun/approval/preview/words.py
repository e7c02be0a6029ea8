"""A preview in words: for the model, and what forms and terminals say in the same way.

Every line of ours begins at the margin; what others wrote is on one line, in quotation marks or behind a bar.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from maton_mailgun.approval.preview.document import (
    EXACT,
    EXACT_BEFORE,
    Preview,
    Row,
    Section,
    ShownMessage,
    ShownRecipient,
)
from maton_mailgun.mail.text import quoted, safe_line, short
from maton_mailgun.wire.fencing import fenced

BODIES = (("text", "Text"), ("html", "HTML"), ("amp_html", "AMP HTML"))
"""The bodies of a message, and what they are called."""

_BRIEF = 2000
_ALL = 10**9


Frozen = Mapping[str, Any]
"""A preview as a record holds it."""


def brief(frozen: Frozen) -> dict[str, Any]:
    """The part of a preview that the model gets: all of it where that is little, else about 2,000 characters of JSON,
    with counts instead of hundreds of recipients and bodies shortened."""
    preview = Preview.of(frozen)
    if (everything := _everything(preview)) is not None:
        return everything
    for size in (160, 80, 40, 20):
        told = _brief(preview, size)
        if _fits(told):
            break
    return told


def confirmed(frozen: Frozen) -> dict[str, Any]:
    """What a person said yes to, in little, for the answer that it was done: what a model tells its user."""
    preview = Preview.of(frozen)
    told: dict[str, Any] = {"effect": short(preview.effect, 600)}
    if preview.diff:
        changes = [f"{line.field}: {short(line.before, 120)} -> {short(line.after, 120)}" for line in preview.diff]
        told["changes"] = _first(changes, 12)
    if len(preview.recipients) > 1:
        told["recipients"] = _brief_recipients(preview.recipients, 160)
    if preview.message is not None and preview.message.attachments:
        files = [f"{short(one.name, 80)} ({one.size:,} bytes)" for one in preview.message.attachments]
        told["attachments"] = _first(files, 12)
    if options := [_row(row, 160) for section in preview.sections for row in _asked_for(section)]:
        told["options"] = _first(options, 12)
    return told


def _asked_for(section: Section) -> Iterator[Row]:
    """What somebody asked for of a message beside its words and its recipients; when it leaves stands in the effect."""
    if section.heading in ("Options", "Headers"):
        form = ("leaves at", "content-", "mime-version")
        yield from (row for row in section.rows if not row.label.casefold().startswith(form))
    if section.heading == "Invitation":
        # A later version needs them.
        yield from (row for row in section.rows if row.label.startswith("Number"))


def brief_holds_all(frozen: Frozen) -> bool:
    """Whether the model was told everything that leaves, and not a part of it."""
    preview = Preview.of(frozen)
    return preview.whole and _everything(preview) is not None


def what_changed(old: Frozen, new: Frozen) -> list[str]:
    """What a fresh look found to be different from the preview that was shown, one line each."""
    was, now = Preview.of(old), Preview.of(new)
    before, after = dict(_comparable(was)), dict(_comparable(now))
    lines = [
        f"{key}: {short(before.get(key, '(nothing)'), 200)} -> {short(after.get(key, '(nothing)'), 200)}"
        for key in [*before, *(key for key in after if key not in before)]
        if before.get(key) != after.get(key)
    ]
    for known, told in ((was.warnings, now.warnings), (was.unchecked, now.unchecked)):
        lines += [f"new: {short(line, 300)}" for line in told if line not in known]
    return lines or ["The target is not as it was when it was shown."]


def by_domain(recipients: Sequence[ShownRecipient]) -> list[tuple[str, int]]:
    """How many recipients each domain has, the largest first."""
    domains = Counter(one.address.rpartition("@")[2] for one in recipients)
    return sorted(domains.items(), key=lambda item: (-item[1], item[0]))


def _everything(preview: Preview) -> dict[str, Any] | None:
    """The brief part with nothing shortened, and with what will be sent; None where that is too long."""
    values = [row.value for section in preview.sections for row in section.rows]
    if sum(map(len, [*values, *(body for _, _, body in bodies(preview.message))])) > 4 * _BRIEF:
        return None
    told = _brief(preview, _ALL)
    told["sent"] = [_row(row, _ALL) for section in preview.sections for row in section.rows if _is_sent(section)]
    if not told["sent"]:
        del told["sent"]
    return told if _fits(told) else None


def _fits(told: Mapping[str, Any]) -> bool:
    return len(json.dumps(told, ensure_ascii=False)) <= _BRIEF


def _is_sent(section: Section) -> bool:
    return section.heading in (EXACT, EXACT_BEFORE)


def _brief(preview: Preview, size: int) -> dict[str, Any]:
    told: dict[str, Any] = {
        "request": f"{preview.request.method} {short(preview.request.path, 2 * size)}",
        "undo": short(preview.undo, 2 * size),
        "risk": preview.risk,
    }
    if preview.diff:
        told["changes"] = _first(
            [{name: short(text, size) for name, text in asdict(line).items()} for line in preview.diff],
            size // 16,
        )
    if preview.recipients:
        told["recipients"] = _brief_recipients(preview.recipients, size)
    if preview.message is not None:
        told["message"] = _marked(preview, _brief_message(preview.message, size))
    facts = _first(
        [
            _marked(preview, _row(row, size))
            for section in preview.sections
            if section.heading != "Recipients" and not _is_sent(section) and not section.outside  # guard: 205-outside
            for row in section.rows
            if not _told_with_the_message(row, preview.message, size)
        ],
        size // 16,
    )
    if facts:
        told["facts"] = facts
    for key, lines in (("unchecked", preview.unchecked), ("history", preview.history)):
        if lines:
            told[key] = _first([short(line, size) for line in lines], size // 32)
    return told


def _marked(preview: Preview, told: Any) -> Any:
    """A part for the model, with a mark on each text that may be a stranger's."""
    return fenced(told) if preview.outside else told  # guard: 205-marked


def _told_with_the_message(row: Row, message: ShownMessage | None, size: int) -> bool:
    """Whether a row says nothing that the message beside it does not: its sender, its subject, how long a body is."""
    if message is None or row.flags or size != _ALL:
        return False
    if row.label == "Size" and not message.attachments:
        return True
    told = {"From": message.sender, "Subject": quoted(message.subject, _ALL) if message.subject else None}
    lengths = {name: f"{len(body):,} characters" for _, name, body in bodies(message)}
    return row.value == {**told, **lengths}.get(row.label)


def _brief_recipients(recipients: Sequence[ShownRecipient], size: int) -> dict[str, Any]:
    domains = by_domain(recipients)
    most = max(size // 20, 1)
    told: dict[str, Any] = {"count": len(recipients)}
    if len(recipients) > 1:
        told["by_domain"] = {short(domain, max(size, 60)): number for domain, number in domains[:most]}
    if len(domains) > most:
        told["other_domains"] = len(domains) - most
    told["first"] = [recipient(one, max(size, 80)) for one in recipients[: max(size // 32, 1)]]
    return told


def _brief_message(message: ShownMessage, size: int) -> dict[str, Any]:
    named = (("from", message.sender), ("subject", message.subject))
    told: dict[str, Any] = {key: short(said, size) for key, said in named if said}
    found = [(kind, body) for kind, _, body in bodies(message)]
    told |= {kind: short(body, size) for kind, body in (found if size == _ALL else found[:1])}
    if message.attachments:
        told["attachments"] = _first([short(one.name, max(size, 60)) for one in message.attachments], size // 32)
    if message.link_hosts:
        told["link_hosts"] = _first([short(host, max(size, 60)) for host in message.link_hosts], size // 20)
    return told


def _row(row: Row, size: int) -> str:
    return f"{short(row.label, max(size // 4, 40))}: {short(row.value, size)}{flags(row, 2 * size)}"


def _first(entries: list[Any], most: int) -> list[Any]:
    most = max(most, 1)
    return entries if len(entries) <= most else [*entries[:most], f"{len(entries) - most:,} more"]


def bodies(message: ShownMessage | None) -> list[tuple[str, str, str]]:
    """The bodies that a message has: kind, what it is called, and the body."""
    return [(kind, name, body) for kind, name in BODIES if (body := getattr(message, kind, None))]


def flags(row: Row | ShownRecipient, limit: int = _ALL) -> str:
    """The remarks beside a row or a recipient, in brackets."""
    return f" [{short('; '.join(row.flags), limit)}]" if row.flags else ""


def recipient(one: ShownRecipient, limit: int = _ALL) -> str:
    """A recipient with the name that goes along, and what is known about them."""
    named = f"{quoted(one.name, _ALL)} " if one.name else ""
    return short(f"{one.kind}: {named}{one.address}", limit) + flags(one, limit)


def account(preview: Preview) -> str:
    """Whose account it is, and whether it is the sandbox's."""
    held = preview.account
    note = " (SANDBOX: nothing leaves this machine)" if held.sandbox else ""
    return f"Account: {quoted(held.label, 200)}, connection {short(held.connection_id, 200)}{note}"


def asked_by(preview: Preview) -> str:
    """Which client asks, and for whom."""
    asked = preview.asked_by
    who = f", for {quoted(asked.principal, 120)}" if asked.principal else ""
    return f"Asked by: client {quoted(asked.client or 'unknown', 80)}{who}"


def _comparable(preview: Preview) -> Iterator[tuple[str, str]]:
    seen: Counter[str] = Counter()
    for section in preview.sections:
        for row in section.rows:
            label = f"{section.heading}, {row.label}"
            seen[label] += 1
            yield label if seen[label] == 1 else f"{label} ({seen[label]})", safe_line(row.value) + flags(row, 200)
    for line in preview.diff:
        yield f"{line.field} at present", line.before
    if preview.message is not None and preview.message.subject:
        yield "message subject", preview.message.subject
    for kind, _, body in bodies(preview.message):
        yield f"message {kind}", body

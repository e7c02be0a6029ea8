"""A preview in words: for the model, and what forms and terminals say in the same way.

Every line of ours begins at the margin; what others wrote is on one line, in quotation marks or behind a bar.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from maton_mailgun.approval.preview.proposal import WHOLE
from maton_mailgun.mail.text import quoted, safe_line, short

BODIES = (("text", "Text"), ("html", "HTML"), ("amp_html", "AMP HTML"))
"""The bodies of a message, and what they are called."""

_BRIEF = 2000
_ALL = 10**9

Preview = Mapping[str, Any]


def brief(preview: Preview) -> dict[str, Any]:
    """The part of a preview that the model gets: all of it where that is little, else about 2,000 characters of JSON,
    with counts instead of hundreds of recipients and bodies shortened."""
    if (everything := _everything(preview)) is not None:
        return everything
    for size in (160, 80, 40, 20):
        told = _brief(preview, size)
        if _fits(told):
            break
    return told


def brief_holds_all(preview: Preview) -> bool:
    """Whether the model was told everything that leaves, and not a part of it."""
    return bool(preview.get(WHOLE)) and _everything(preview) is not None


def what_changed(old: Preview, new: Preview) -> list[str]:
    """What a fresh look found to be different from the preview that was shown, one line each."""
    before, after = dict(_comparable(old)), dict(_comparable(new))
    lines = [
        f"{key}: {short(before.get(key, '(nothing)'), 200)} -> {short(after.get(key, '(nothing)'), 200)}"
        for key in [*before, *(key for key in after if key not in before)]
        if before.get(key) != after.get(key)
    ]
    for heading in ("warnings", "unchecked"):
        lines += [f"new: {short(line, 300)}" for line in new[heading] if line not in old[heading]]
    return lines or ["The target is not as it was when it was shown."]


def by_domain(recipients: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """How many recipients each domain has, the largest first."""
    domains = Counter(str(one["address"]).rpartition("@")[2] for one in recipients)
    return sorted(domains.items(), key=lambda item: (-item[1], item[0]))


def _everything(preview: Preview) -> dict[str, Any] | None:
    """The brief part with nothing shortened, and with what will be sent; None where that is too long."""
    values = [row["value"] for section in preview["sections"] for row in section["rows"]]
    message = preview.get("message") or {}
    if sum(map(len, [*values, *(message.get(kind) or "" for kind, _ in BODIES)])) > 4 * _BRIEF:
        return None
    told = _brief(preview, _ALL)
    told["sent"] = [_row(row, _ALL) for section in preview["sections"] for row in section["rows"] if _is_sent(section)]
    if not told["sent"]:
        del told["sent"]
    return told if _fits(told) else None


def _fits(told: Mapping[str, Any]) -> bool:
    return len(json.dumps(told, ensure_ascii=False)) <= _BRIEF


def _is_sent(section: Mapping[str, Any]) -> bool:
    return bool(section["heading"] == "As it will be sent")


def _brief(preview: Preview, size: int) -> dict[str, Any]:
    told: dict[str, Any] = {
        "title": short(preview["title"], size),
        "account": {**preview["account"], "label": short(preview["account"]["label"], size)},
        "request": f"{preview['request']['method']} {short(preview['request']['path'], 2 * size)}",
        "undo": short(preview["undo"], 2 * size),
        "risk": preview["risk"],
    }
    if preview["diff"]:
        told["changes"] = _first(
            [{name: short(line[name], size) for name in ("field", "before", "after")} for line in preview["diff"]],
            size // 16,
        )
    if preview["recipients"]:
        told["recipients"] = _brief_recipients(preview["recipients"], size)
    if message := preview.get("message"):
        told["message"] = _brief_message(message, size)
    told["facts"] = _first(
        [
            _row(row, size)
            for section in preview["sections"]
            if section["heading"] != "Recipients" and not _is_sent(section)
            for row in section["rows"]
        ],
        size // 16,
    )
    for key in ("unchecked", "history"):
        if preview[key]:
            told[key] = _first([short(line, size) for line in preview[key]], size // 32)
    return told


def _brief_recipients(recipients: Sequence[Mapping[str, Any]], size: int) -> dict[str, Any]:
    domains = by_domain(recipients)
    most = max(size // 20, 1)
    told: dict[str, Any] = {
        "count": len(recipients),
        "by_domain": {short(domain, max(size, 60)): number for domain, number in domains[:most]},
    }
    if len(domains) > most:
        told["other_domains"] = len(domains) - most
    told["first"] = [recipient(one, max(size, 80)) for one in recipients[: max(size // 32, 1)]]
    return told


def _brief_message(message: Mapping[str, Any], size: int) -> dict[str, Any]:
    told: dict[str, Any] = {key: short(message[key], size) for key in ("from", "subject") if message.get(key)}
    bodies = [kind for kind, _ in BODIES if message.get(kind)]
    for kind in bodies if size == _ALL else bodies[:1]:
        told[kind] = short(message[kind], size)
    if message.get("attachments"):
        told["attachments"] = _first([short(one["name"], max(size, 60)) for one in message["attachments"]], size // 32)
    if message.get("link_hosts"):
        told["link_hosts"] = _first([short(host, max(size, 60)) for host in message["link_hosts"]], size // 20)
    return told


def _row(row: Mapping[str, Any], size: int) -> str:
    return f"{short(row['label'], max(size // 4, 40))}: {short(row['value'], size)}{flags(row, 2 * size)}"


def _first(entries: list[Any], most: int) -> list[Any]:
    most = max(most, 1)
    return entries if len(entries) <= most else [*entries[:most], f"{len(entries) - most:,} more"]


def flags(row: Mapping[str, Any], limit: int = _ALL) -> str:
    """The remarks beside a row or a recipient, in brackets."""
    return f" [{short('; '.join(row['flags']), limit)}]" if row["flags"] else ""


def recipient(one: Mapping[str, Any], limit: int = _ALL) -> str:
    """A recipient with the name that goes along, and what is known about them."""
    named = f"{quoted(one['name'], _ALL)} " if one.get("name") else ""
    return short(f"{one['kind']}: {named}{one['address']}", limit) + flags(one, limit)


def account(preview: Preview) -> str:
    """Whose account it is, and whether it is the sandbox's."""
    held = preview["account"]
    note = " (SANDBOX: nothing leaves this machine)" if held["sandbox"] else ""
    return f"Account: {quoted(held['label'], 200)}, connection {short(held['connection_id'], 200)}{note}"


def asked_by(preview: Preview) -> str:
    """Which client asks, and for whom."""
    asked = preview["asked_by"]
    who = f", for {quoted(asked['principal'], 120)}" if asked["principal"] else ""
    return f"Asked by: client {quoted(asked['client'] or 'unknown', 80)}{who}"


def _comparable(preview: Preview) -> Iterator[tuple[str, str]]:
    seen: Counter[str] = Counter()
    for section in preview["sections"]:
        for row in section["rows"]:
            label = f"{section['heading']}, {row['label']}"
            seen[label] += 1
            yield label if seen[label] == 1 else f"{label} ({seen[label]})", safe_line(row["value"]) + flags(row, 200)
    for line in preview["diff"]:
        yield f"{line['field']} at present", line["before"]
    message = preview.get("message") or {}
    for kind in ("subject", "text", "html", "amp_html"):
        if message.get(kind):
            yield f"message {kind}", message[kind]

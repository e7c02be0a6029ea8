"""A preview in words: for the model, for a question form, and for a terminal.

Every line of ours begins at the margin; what others wrote is on one line, in quotation marks or behind a bar.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from maton_mailgun.mail.text import count, mark, quoted, safe_block, safe_line, short

_BRIEF = 2000
_QUESTION = 3500
_ON_THE_PAGE = "all of them are listed on the approval page"

_MORE = "- and {} more on the approval page"
_BODIES = (("text", "Text"), ("html", "HTML"), ("amp_html", "AMP HTML"))
_NAMES = dict(_BODIES)
_LEFT_OUT = ("on the approval page", " more characters)")
"""What a question says wherever it does not hold everything."""

Preview = Mapping[str, Any]


def brief(preview: Preview) -> dict[str, Any]:
    """The part of a preview that the model gets: at most about 2,000 characters of JSON, counts instead of hundreds
    of recipients, bodies shortened."""
    for size in (160, 80, 40, 20):
        told = _brief(preview, size)
        if len(json.dumps(told, ensure_ascii=False)) <= _BRIEF:
            break
    return told


def question(preview: Preview) -> str:
    """The message of a question form: plain text of at most about 3,500 characters, what matters most first."""
    lines: list[str] = []
    left = _QUESTION - 120
    hidden = 0
    for line in _question(preview):
        if len(line) + 1 > left:
            hidden += 1
            continue
        lines.append(line)
        left -= len(line) + 1
    if hidden:
        lines.append(f"({count(hidden, 'more line')} on the approval page)")
    return "\n".join(lines)


def leaves_out(asked: str) -> bool:
    """Whether a question's text says that there is more to see than it holds. Quoted words may say so too: then the
    person is shown more than they need."""
    return any(sign in asked for sign in _LEFT_OUT)


def terminal(preview: Preview, width: int = 80) -> list[str]:
    """The whole preview as lines of at most `width` columns, free of control sequences, with every recipient and the
    whole message."""
    return [line for text, indent in _terminal(preview) for line in _wrapped(text, indent, max(width, 40))]


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
    domains = Counter(str(recipient["address"]).rpartition("@")[2] for recipient in recipients)
    return sorted(domains.items(), key=lambda item: (-item[1], item[0]))


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
            [{name: short(text, size) for name, text in line.items()} for line in preview["diff"]], size // 16
        )
    if preview["recipients"]:
        told["recipients"] = _brief_recipients(preview["recipients"], size)
    if message := preview.get("message"):
        told["message"] = _brief_message(message, size)
    told["facts"] = _first(
        [
            f"{short(row['label'], 40)}: {short(row['value'], size)}{_flags(row, size)}"
            for section in preview["sections"]
            if section["heading"] not in {"Recipients", "As it will be sent"}
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
        "by_domain": {short(domain, 60): number for domain, number in domains[:most]},
    }
    if len(domains) > most:
        told["other_domains"] = len(domains) - most
    told["first"] = [
        short(f"{one['kind']}: {one['address']}", 80) + _flags(one, size) for one in recipients[: max(size // 32, 1)]
    ]
    return told


def _brief_message(message: Mapping[str, Any], size: int) -> dict[str, Any]:
    told: dict[str, Any] = {key: short(message[key], size) for key in ("from", "subject") if message.get(key)}
    for key in ("text", "html"):
        if message.get(key):
            told[key] = short(message[key], size)
            break
    if message.get("attachments"):
        told["attachments"] = _first([short(one["name"], 60) for one in message["attachments"]], size // 32)
    if message.get("link_hosts"):
        told["link_hosts"] = _first([short(host, 60) for host in message["link_hosts"]], size // 20)
    return told


def _first(entries: list[Any], most: int, more: str = "{} more") -> list[Any]:
    most = max(most, 1)
    return entries if len(entries) <= most else [*entries[:most], more.format(f"{len(entries) - most:,}")]


def _flags(row: Mapping[str, Any], size: int) -> str:
    return f" [{short('; '.join(row['flags']), 2 * size)}]" if row["flags"] else ""


def _question(preview: Preview) -> Iterator[str]:
    yield f"{preview['action'].upper()}: {short(preview['target'], 300)}"
    yield short(preview["effect"], 700)
    if preview["undo"] and preview["undo"] not in preview["effect"]:
        yield short(preview["undo"], 200)
    yield ""
    yield _account(preview)
    yield f"Risk: {preview['risk']}"
    warnings = [f"WARNING: {short(line, 260)}" for line in preview["warnings"]]
    unchecked = [f"NOT CHECKED: {short(line, 200)}" for line in preview["unchecked"]]
    yield from _first([*warnings, *unchecked], 10, "WARNING: {} more warnings on the approval page")
    yield from (f"EARLIER: {short(line, 200)}" for line in preview["history"][:3])
    if preview["diff"]:
        yield ""
        yield "Changes:"
        yield from _first(
            [
                f"- {short(line['field'], 40)}: {quoted(line['before'], 150)} -> {quoted(line['after'], 150)}"
                for line in preview["diff"]
            ],
            12,
            _MORE,
        )
    if preview["recipients"]:
        yield ""
        yield from _question_recipients(preview["recipients"])
    yield from _question_sections(preview)
    if message := preview.get("message"):
        yield from _question_message(message)
    yield ""
    yield f"Request: {preview['request']['method']} {short(preview['request']['path'], 200)}"
    yield _asked_by(preview)


def _question_recipients(recipients: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    domains = by_domain(recipients)
    counts = ", ".join(f"{number:,} at {short(domain, 60)}" for domain, number in domains[:8])
    more = f" and {count(len(domains) - 8, 'more domain')}" if len(domains) > 8 else ""
    yield f"Recipients: {len(recipients):,}: {counts}{more}"
    if len(recipients) > 8:
        marked = [one for one in recipients if one["flags"]]
        yield f"- {_ON_THE_PAGE}; of these {len(marked):,} carry a remark"
        yield from (f"- {_recipient(one, 150)}" for one in marked[:5])
    else:
        yield from (f"- {_recipient(one, 200)}" for one in recipients)


def _question_sections(preview: Preview) -> Iterator[str]:
    for section in preview["sections"]:
        if section["heading"] == "Recipients":
            continue
        yield ""
        yield f"{section['heading']}:"
        rows = [f"- {short(row['label'], 40)}: {short(row['value'], 160)}{_flags(row, 100)}" for row in section["rows"]]
        yield from _first(rows, 10, _MORE)


def _question_message(message: Mapping[str, Any]) -> Iterator[str]:
    for kind, name in _BODIES:
        if body := message.get(kind):
            yield ""
            yield f"{name}, {count(len(body), 'character')}:"
            lines = [f"> {line}" for line in safe_block(mark(body, 500)).split("\n")]  # guard: 13-form
            yield from lines[:12]
            if len(lines) > 12:
                yield f"({count(len(lines) - 12, 'more line')} of it on the approval page)"
            others = [other for other, _ in _BODIES if other != kind and message.get(other)]
            if others:
                yield f"(The {' and '.join(_NAMES[other] for other in others)} body is on the approval page)"
            return


def _terminal(preview: Preview) -> Iterator[tuple[str, str]]:
    """Each line with the text that stands before it and its continuations."""
    yield f"{preview['action'].upper()}: {preview['target']}", ""
    yield preview["effect"], ""
    yield preview["undo"], ""
    yield "", ""
    yield _account(preview), ""
    yield f"Risk: {preview['risk']}", ""
    yield f"Request: {preview['request']['method']} {preview['request']['path']}", ""
    yield _asked_by(preview), ""
    for heading, lines in (
        ("Warnings", preview["warnings"]),
        ("Not checked", preview["unchecked"]),
        ("Earlier", preview["history"]),
        ("Changes", [f"{line['field']}: {line['before']} -> {line['after']}" for line in preview["diff"]]),
    ):
        yield from _block(heading, lines)
    for section in preview["sections"]:
        rows = [f"{row['label']}: {row['value']}{_flags(row, 10_000)}" for row in section["rows"]]
        yield from _block(section["heading"], rows)
    recipients = preview["recipients"]
    everyone = [_recipient(one, 1000) for one in recipients]  # guard: 16-everyone
    yield from _block(f"All recipients ({len(recipients):,})", everyone)
    message = preview.get("message") or {}
    for kind, name in (("text", "Text"), ("html", "HTML source"), ("amp_html", "AMP HTML source")):
        if message.get(kind):
            yield from _block(
                name,
                safe_block(message[kind]).split("\n"),
                indent="  | ",  # guard: 13-terminal
            )


def _block(heading: str, lines: Iterable[str], *, indent: str = "  ") -> Iterator[tuple[str, str]]:
    lines = list(lines)
    if lines:
        yield "", ""
        yield heading, ""
        yield from ((line, indent) for line in lines)


def _wrapped(text: str, indent: str, width: int) -> Iterator[str]:
    """`text` in lines of at most `width` columns, broken at spaces where there are some. Continuations of a line of
    ours are indented too, so that nothing from outside ever begins at the margin."""
    line, start = indent, len(indent)
    for word in re.findall(r" *[^ ]+| +$", safe_block(text).replace("\n", "⏎")):
        if _width(line) + _width(word) > width and len(line) > start:
            yield line.rstrip()
            line = f"{indent}    "
            start = len(line)
            word = word.lstrip(" ")
        for character in word:
            if _width(line) + _columns(character) > width:
                yield line.rstrip()
                line = f"{indent}    "
            line += character
    yield line.rstrip()


def _width(text: str) -> int:
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _recipient(one: Mapping[str, Any], limit: int) -> str:
    return short(f"{one['kind']}: {one['address']}", limit) + _flags(one, limit)


def _account(preview: Preview) -> str:
    account = preview["account"]
    note = " (SANDBOX: nothing leaves this machine)" if account["sandbox"] else ""
    return f"Account: {quoted(account['label'], 80)}, connection {short(account['connection_id'], 60)}{note}"


def _asked_by(preview: Preview) -> str:
    asked = preview["asked_by"]
    who = f", for {quoted(asked['principal'], 80)}" if asked["principal"] else ""
    return f"Asked by: client {quoted(asked['client'] or 'unknown', 60)}{who}"


def _comparable(preview: Preview) -> Iterator[tuple[str, str]]:
    seen: Counter[str] = Counter()
    for section in preview["sections"]:
        for row in section["rows"]:
            label = f"{section['heading']}, {row['label']}"
            seen[label] += 1
            yield label if seen[label] == 1 else f"{label} ({seen[label]})", safe_line(row["value"]) + _flags(row, 200)
    for line in preview["diff"]:
        yield f"{line['field']} at present", line["before"]
    message = preview.get("message") or {}
    for kind in ("subject", "text", "html", "amp_html"):
        if message.get(kind):
            yield f"message {kind}", message[kind]

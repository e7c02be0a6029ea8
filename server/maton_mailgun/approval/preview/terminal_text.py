"""A preview for a terminal: all of it, in lines that no terminal breaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from maton_mailgun.approval.preview.document import ChangedValue, EditedValue, Preview, Row, ShownMessage
from maton_mailgun.approval.preview.fields import row
from maton_mailgun.approval.preview.folding import fold
from maton_mailgun.approval.preview.heading import effect_beyond
from maton_mailgun.approval.preview.labels import named
from maton_mailgun.approval.preview.words import Frozen, account, asked_by, bodies, flags, recipient
from maton_mailgun.mail.text import quoted, safe_block, safe_line
from maton_mailgun.mail.word_diff import marked

BAR = "  | "
"""Before each line that somebody else wrote."""

_MOST_OF_AN_EDIT = 4_000
"""Characters of one change by hand; the value as it leaves stands whole below."""
_MARGIN = "  "
_HANG = "    "


def terminal(frozen: Frozen, width: int = 80) -> list[str]:
    """The whole preview as lines of at most `width` columns, free of control sequences, with every recipient, every
    value and the whole message."""
    return [line for text, indent in _lines(Preview.of(frozen)) for line in _wrapped(text, indent, max(width, 40))]


def unwrapped(frozen: Frozen) -> list[str]:
    """The same in lines of any length."""
    return [indent + _on_one_line(text) for text, indent in _lines(Preview.of(frozen))]


def copy_lines(message: ShownMessage, address: str, width: int = 80) -> list[str]:
    """One recipient's copy of a message, filled in already: all of it."""
    lines = _copy(message, address)
    return [line for text, indent in lines for line in _wrapped(text, indent, max(width, 40))]


def field_lines(rows: Sequence[Row], width: int = 80) -> list[str]:
    """Rows alone, as they stand in a preview."""
    return [line for text, indent in _rows(rows) for line in _wrapped(text, indent, max(width, 40))]


def edited_lines(edited: Sequence[EditedValue], width: int = 80) -> list[str]:
    """Changes by hand alone, as they stand in a preview."""
    return [line for text, indent in _edited(edited) for line in _wrapped(text, indent, max(width, 40))]


def _lines(preview: Preview) -> Iterator[tuple[str, str]]:
    """Each line with the text that stands before it and its continuations."""
    yield f"{preview.action.upper()}: {preview.target}", ""
    yield effect_beyond(preview), ""
    # Of mail the effect says it.
    if preview.message is None or not preview.ending:
        yield preview.undo_plainly or preview.undo, ""
    yield "", ""
    yield account(preview), ""
    yield f"Risk: {preview.risk}", ""
    yield f"Request: {preview.request.method} {preview.request.path}", ""
    yield asked_by(preview), ""
    for heading, lines in (
        ("Warnings", preview.warnings),
        ("Not checked", preview.unchecked),
        ("Earlier", preview.history),
    ):
        yield from _part(heading, [(line, _MARGIN) for line in lines])
    yield from _part("Changed by hand, against what the assistant proposed", _edited(preview.edited))
    yield from _part("Changes", _changes(preview.diff))
    for section in preview.sections:
        yield from _part(section.heading, _rows(section.rows))
    recipients = preview.recipients
    everyone = [(recipient(one), _MARGIN) for one in recipients]  # guard: 16-everyone
    yield from _part(f"All recipients ({len(recipients):,})", everyone)
    for kind, name, body in bodies(preview.message):
        yield from _part(f"{name}{'' if kind == 'text' else ' source'}", _quotation(safe_block(body)))


def _copy(message: ShownMessage, address: str) -> Iterator[tuple[str, str]]:
    yield f"As {quoted(address, len(address))} gets it", ""
    named = [("From", message.sender), ("Reply-To", message.reply_to), ("Subject", message.subject or "(none)")]
    rows = [Row(name, text) for name, text in named if text]
    rows += [row(safe_line(name), text) for name, text in message.headers]
    yield from _part("Headers", _rows(rows))
    files = [Row(one.type, f"{quoted(one.name, len(one.name))}, {one.size:,} bytes") for one in message.attachments]
    yield from _part("Files", _rows(files))
    yield from _part("Further parts", _rows([row(safe_line(part.label), part.text) for part in message.parts]))
    for kind, name, body in bodies(message):
        yield from _part(f"{name}{'' if kind == 'text' else ' source'}", _quotation(safe_block(body)))


def _part(heading: str, lines: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    lines = list(lines)
    if lines:
        yield "", ""
        yield heading, ""
        yield from lines


def _rows(rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    for one in rows:
        if one.block:
            yield f"{one.label}:{flags(one)}", _MARGIN
            yield from _quotation(one.value.replace("⏎", "\n"))
        else:
            yield f"{one.label}: {one.value}{flags(one)}", _MARGIN


def _edited(edited: Sequence[EditedValue]) -> Iterator[tuple[str, str]]:
    for one in edited:
        words = safe_block(marked(one.pieces, _MOST_OF_AN_EDIT))
        if "\n" in words:
            yield f"{named(one.field)}:", _MARGIN
            yield from _quotation(words)
        else:
            yield f"{named(one.field)}: {words}", _MARGIN


def _changes(diff: Sequence[ChangedValue]) -> Iterator[tuple[str, str]]:
    for line in diff:
        if "⏎" in line.before + line.after:
            for when, text in (("now", line.before), ("then", line.after)):
                yield f"{line.field}, {when}:", _MARGIN
                yield from _quotation(text.replace("⏎", "\n"))
        else:
            yield f"{line.field}: {line.before} -> {line.after}", _MARGIN


def _quotation(text: str) -> Iterator[tuple[str, str]]:
    bar = BAR  # guard: 13-terminal
    yield from ((line, bar) for line in text.split("\n"))


def _wrapped(text: str, indent: str, width: int) -> Iterator[str]:
    """`text` in lines of at most `width` columns. Continuations of a line of ours are indented too, so that nothing
    from outside ever begins at the margin."""
    folded = fold(_on_one_line(text), begin=indent, hang=indent + _HANG, width=width)
    yield from (line.rstrip() for line in folded)


def _on_one_line(text: str) -> str:
    return safe_block(text).replace("\n", "⏎")

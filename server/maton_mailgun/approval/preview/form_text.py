"""A preview as the message of a form: it holds everything that leaves and every warning, or there is no form.

Only facts that were read from the account may be elsewhere, and the form says how many are. What may be left out is
known of each line when it is made, never read from its words.

Some clients show a form's message as it is, others as Markdown (VS Code), in which a link's definition, a comment or a
tag is not seen at all. So all of it but a first line of our own is one indented code block: the same in both.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from maton_mailgun.approval.preview.document import ChangedValue, Preview, Row, Section, ShownRecipient
from maton_mailgun.approval.preview.folding import fold
from maton_mailgun.approval.preview.heading import effect_beyond
from maton_mailgun.approval.preview.words import Frozen, account, asked_by, bodies, by_domain, flags, recipient
from maton_mailgun.mail.text import count, quoted, safe_block, short

MOST = 12_000
"""Characters of a form: two screens or three."""

_MOST_OF_A_FACT = 300
_ORDINARY = ("/messages", "/messages.mime")
_FEW = 3
"""Recipients that are listed without being counted."""
_WITH_THE_MESSAGE = ("Sender", "Attachments")
"""Sections that stand with the message itself."""
_HEAD = "Please read all of this before you decide."
_BLOCK = "    "  # guard: 139-code
"""Before each line: makes it code for Markdown (CommonMark 4.4), which nothing inside can end."""
_COLUMNS = 96
"""Of a line without its indent: code is not wrapped where Markdown is drawn."""


@dataclass(frozen=True, slots=True)
class FormText:
    """What a form says."""

    text: str
    elsewhere: int
    """How many facts that were read it does not hold, or not in full."""

    @property
    def mark(self) -> str:
        """Names this text: an answer counts as a yes only to what the form held."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    what: str = ""
    """What it is one of, for the count of what does not fit; empty for lines that only hold others together."""
    fact: bool = False
    """Read from the account: it may be elsewhere."""
    cut: bool = False
    """It holds a fact, and not in full."""


def question(frozen: Frozen) -> FormText | None:
    """The message of a form, what matters most first. None where it cannot hold everything that leaves."""
    preview = Preview.of(frozen)
    left = MOST
    lines = []
    for line in _lines(preview):
        lines.append(line)
        left -= 0 if line.fact else _size(line)
        if left < 0:  # guard: 48-form
            return None
    if not preview.whole:
        return None
    held, elsewhere = [], 0
    for line in lines:
        if line.fact:
            if _size(line) > left:
                elsewhere += 1
                continue
            left -= _size(line)
        elsewhere += line.cut
        held.append(line.text)
    return FormText(_framed(held), elsewhere)


def _framed(lines: Sequence[str]) -> str:
    """The lines so that plain text and Markdown show the same."""
    # The first line is ours alone: a client that trims the message must not take the indent of what follows.
    framed = [_HEAD, ""]
    for line in lines:
        # What is continued hangs: no value can pretend to be the next line.
        folded = fold(line, begin=_BLOCK, hang=_BLOCK * 2, width=len(_BLOCK) + _COLUMNS)
        framed += folded if line else [""]
    return "\n".join(framed)


def too_much(frozen: Frozen) -> str:
    """How much of what leaves a form could not hold, in words; for a preview without a question."""
    preview = Preview.of(frozen)
    if not preview.whole:
        return "it was proposed by an earlier version, which did not show all of it"
    left = MOST
    missing: Counter[str] = Counter()
    total = 0
    for line in _lines(preview):
        if not line.fact:
            total += _size(line)
            left -= _size(line)
            if left < 0 and line.what:
                missing[line.what] += 1
    told = " and ".join(count(number, what, _several(what)) for what, number in missing.items()) or "the end of it"
    return f"it has {total:,} characters, a form holds {MOST:,}: {told} would be missing"


def _several(what: str) -> str:
    one, of, rest = what.partition(" of ")
    return f"{one}s{of}{rest}"


def _size(line: _Line) -> int:
    return len(line.text) + 1


def _lines(preview: Preview) -> Iterator[_Line]:
    yield _Line(f"{preview.action.upper()}: {preview.target}")
    if preview.message is None:
        yield _Line(effect_beyond(preview))
    else:
        yield from _envelope(preview)
    yield _Line(f"Risk: {preview.risk}")
    yield from (_Line(f"WARNING: {line}", "warning") for line in preview.warnings)
    yield from (_Line(f"NOT CHECKED: {line}", "warning") for line in preview.unchecked)
    yield from (_Line(f"EARLIER: {line}", "warning") for line in preview.history)
    if preview.message is not None:
        for kind, name, body in bodies(preview.message):
            yield from _body(kind, name, body, alone=len(list(bodies(preview.message))) == 1)
        yield from _attached(preview.sections)
    else:
        yield from _recipients(preview.recipients)
    rest = [*_changes(preview.diff)]
    for section in preview.sections:
        if preview.message is None or section.heading not in _WITH_THE_MESSAGE:
            rest += _section(section)
    yield from rest
    if rest or preview.message is None:
        yield _Line("")
    yield from _end(preview)


def _envelope(preview: Preview) -> Iterator[_Line]:
    """Subject, who gets it and who sends it, as the message has them."""
    sender = [row for section in preview.sections if section.heading == "Sender" for row in section.rows]
    for row in sorted(sender, key=lambda row: row.label != "Subject"):
        if row.label == "Subject":
            yield _value(row)
    yield from _recipients(preview.recipients, few=_FEW)
    for row in sender:
        if row.label != "Subject":
            yield _value(row)


def _value(row: Row) -> _Line:
    return _Line(f"{row.label}: {row.value}{flags(row)}", "value")


def _attached(sections: Sequence[Section]) -> Iterator[_Line]:
    yield from (_value(row) for section in sections if section.heading == "Attachments" for row in section.rows)


def _end(preview: Preview) -> Iterator[_Line]:
    """What becomes of it, whose account it is, and who wants it."""
    undo = preview.undo_plainly or preview.undo
    if preview.message is not None and preview.ending:
        yield _Line(preview.ending)
    elif undo and undo not in preview.effect:
        yield _Line(undo)
    yield _Line(f"{account(preview)}. {asked_by(preview)}.")
    # An ordinary message is whole without it: its domain stands in the target, and nothing else is in its path.
    if preview.message is None or not preview.request.path.endswith(_ORDINARY):
        yield _Line(f"Request: {preview.request.method} {preview.request.path}")


def _changes(diff: Sequence[ChangedValue]) -> Iterator[_Line]:
    """Old beside new, both shortened: the new values stand in full under what will be sent."""
    if diff:
        yield _Line("")
        yield _Line("Changes:")
    for line in diff:
        before, after = (quoted(text, _MOST_OF_A_FACT) for text in (line.before, line.after))
        cut = len(line.before) > _MOST_OF_A_FACT
        yield _Line(f"- {line.field}: {before} -> {after}", "change", cut=cut)


def _recipients(recipients: Sequence[ShownRecipient], few: int = 0) -> Iterator[_Line]:
    """Every one of them, under their domains where they are more than `few`."""
    if not recipients:
        return
    if len(recipients) > few:
        domains = by_domain(recipients)
        counts = ", ".join(f"{number:,} at {short(domain, 60)}" for domain, number in domains[:8])
        more = f" and {count(len(domains) - 8, 'more domain')}" if len(domains) > 8 else ""
        yield _Line("")
        yield _Line(f"Recipients: {len(recipients):,}: {counts}{more}")
    yield from (_Line(f"- {recipient(one)}", "recipient") for one in recipients)


def _section(section: Section) -> Iterator[_Line]:
    read = section.read
    rows = [row for row in section.rows if not row.again]
    if not rows:
        return
    yield _Line("", fact=read)
    yield _Line(f"{section.heading}:", fact=read)
    for row in rows:
        if read:
            value = short(row.value, _MOST_OF_A_FACT)
            cut = len(row.value) > _MOST_OF_A_FACT
            yield _Line(f"- {row.label}: {value}{flags(row)}", "fact", fact=True, cut=cut)
        elif row.block:
            yield _Line(f"- {row.label}:{flags(row)}", "value")
            what = f"line of {short(row.label, 60)}"
            yield from (_Line(line, what) for line in _quotation(row.value.replace("⏎", "\n")))
        else:
            yield _Line(f"- {row.label}: {row.value}{flags(row)}", "value")


def _body(kind: str, name: str, body: str, *, alone: bool) -> Iterator[_Line]:
    yield _Line("")
    if not alone or kind != "text":
        yield _Line(f"{name}, {count(len(body), 'character')}:")
    what = f"line of the {'text' if kind == 'text' else name}"
    yield from (_Line(line, what) for line in _quotation(safe_block(body)))


def _quotation(text: str) -> list[str]:
    return [f"> {line}" for line in text.split("\n")]  # guard: 13-form

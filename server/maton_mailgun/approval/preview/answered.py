"""The message that is answered, beside the answer: who wrote it, where it wants answers, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maton_mailgun.approval.preview.document import Row, Section
from maton_mailgun.approval.preview.proposal import Findings, Proposal, Reads
from maton_mailgun.mail.addresses import parse_all
from maton_mailgun.mail.authentication import verdicts
from maton_mailgun.mail.letter import Letter
from maton_mailgun.mail.text import quoted, safe_line, short
from maton_mailgun.wire.answering import Original
from maton_mailgun.wire.stored_message import files, headers

LONGEST = 5_000
"""Characters of the original's text that are shown: it does not leave with the answer."""


def sources(proposal: Proposal) -> list[tuple[str, Mapping[str, Any]]]:
    """The reads of the messages that the call names as answered."""
    answers = proposal.operation.answers
    return [(read, proposal.arguments) for name, read in answers.items() if name in proposal.arguments]


async def findings(proposal: Proposal, reads: Reads, sent: Letter) -> Findings:
    """What the original says, and whether the answer goes where its writer is."""
    sections: list[Section] = []
    warnings: list[str] = []
    for source, arguments in sources(proposal):
        answer = await reads("the message that is answered", source, arguments)
        if answer is None:
            continue
        if answer.status == 404 or not isinstance(answer.data, Mapping):
            warnings.append("The message that is answered is gone.")
            continue
        beside = Section("The message it answers", _rows(answer.data), read=True, outside=True)
        sections.append(beside)  # guard: 202-beside
        warnings += _warnings(Original(answer.data), sent)
    return Findings(sections=sections, warnings=warnings, raises=len(warnings))


def _rows(body: Mapping[str, Any]) -> list[Row]:
    pairs = list(headers(body))
    rows = [
        Row(f"Its {label}", safe_line(value))
        for label in ("From", "Reply-To", "To", "Date", "Subject")
        for name, value in pairs or [(label, str(body.get(label) or ""))]
        if name.casefold() == label.casefold() and value
    ]
    told = [f"{one.method} {one.result}" for one in verdicts(pairs)]
    if told:
        rows.append(Row("Its headers claim", safe_line(short(", ".join(told), 300))))
    text = str(body.get("body-plain") or body.get("body-html") or "")
    size = f", the first {LONGEST:,} of {len(text):,} characters" if len(text) > LONGEST else ""
    if text:
        rows.append(Row(f"Its text{size}", safe_line(short(text.strip(), LONGEST)), block="\n" in text.strip()))
    rows += [Row("Its file", safe_line(str(one.get("name") or ""))) for one in files(body)]
    return rows


def _warnings(original: Original, sent: Letter) -> list[str]:
    lines = [f"The message it answers has {name} more than once." for name in original.twice]
    wrote, wants = {*map(str.casefold, original.sender)}, {*map(str.casefold, original.reply_to)}
    if wants and wants != wrote:  # guard: 202-elsewhere
        lines.append(
            f"The message it answers came from {_named(original.sender)} and wants answers to go to "
            f"{_named(original.reply_to)}."
        )
    people = {one.address.casefold() for one in parse_all([*sent.to, *sent.cc, *sent.bcc])}
    if wrote and not people & (wrote | wants):
        lines.append(f"Who wrote the message it answers gets no answer: {_named(original.sender)}.")
    return lines


def _named(people: list[str]) -> str:
    return quoted(", ".join(people), 300)

"""What a domain puts to each of its messages by itself: an unsubscribe footer, tracking, copies to an archive.

Sources: Mailgun's manual, Auto-Handling (unsubscribe footer), Tracking Messages; its reference, Domains (`archive_to`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from maton_mailgun.approval.preview import content
from maton_mailgun.approval.preview.document import Row, Section
from maton_mailgun.approval.preview.fields import row
from maton_mailgun.approval.preview.proposal import Findings, Proposal, ReadAnswer, Reads, dig
from maton_mailgun.mail.hosts import place
from maton_mailgun.mail.letter import FormFields, Letter
from maton_mailgun.mail.text import safe_line, short

SOURCE = "GET /v3/domains/{domain}/tracking"
_UNSUBSCRIBE = "%unsubscribe_url%"
_OFF = frozenset({"", "no", "false", "none"})
_WORDS = {"html_footer": "HTML footer", "text_footer": "Text footer", "archive_to": "place that copies go to"}
_WORDS |= {"click": "click tracking", "open": "open tracking"}


async def tracking(domain: str, reads: Reads) -> ReadAnswer | None:
    """The tracking settings; None after noting that they could not be read."""
    return await reads("what the domain adds to each message", SOURCE, {"domain": domain})


def noted(state: ReadAnswer | None, found: ReadAnswer | None) -> dict[str, str]:
    """What is added, by its kind; without what could not be read."""
    added: dict[str, str] = {}
    if state is not None:
        added["archive_to"] = _text(dig(state.data, "domain.archive_to"))
    if found is not None:
        footer = _on(dig(found.data, "tracking.unsubscribe.active"))
        for kind in ("html_footer", "text_footer"):
            added[kind] = _text(dig(found.data, f"tracking.unsubscribe.{kind}")) if footer else ""
        added |= {kind: _on(dig(found.data, f"tracking.{kind}.active")) for kind in ("click", "open")}
    return {kind: safe_line(text) for kind, text in added.items()}


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """A line for what is otherwise than it was shown."""
    for kind, text in now.items():
        if before.get(kind, text) != text:  # guard: 136-held
            yield f"the {_WORDS[kind]} of the domain is not what was shown"


def findings(state: ReadAnswer | None, found: ReadAnswer | None, fields: FormFields) -> Findings:
    """The rows and warnings for one message."""
    added = noted(state, found)
    rows, warnings = [], []
    html, text = (_footer(found, kind) if added.get(kind) else "" for kind in ("html_footer", "text_footer"))
    rows += [
        row(_WORDS[kind], footer, ["put below the body by the domain"])
        for kind, footer in (("html_footer", html), ("text_footer", text))
        if footer  # guard: 135-shown
    ]
    if html or text:
        warnings.append("The domain puts its unsubscribe footer below this message.")
        warnings += footer_warnings(html, text)
    said = {name.casefold() for name, _ in fields.spread("o:")}
    if added.get("click") and not said & {"tracking", "tracking-clicks"}:
        rows.append(Row("Links", f"lead through Mailgun: the domain tracks clicks ({added['click']})"))
    if added.get("open") and not said & {"tracking", "tracking-opens"}:
        rows.append(Row("Opening", "is reported by a picture: the domain tracks opens"))
    if copies := added.get("archive_to"):  # guard: 136-told
        judged = place(copies)
        rows.append(row("Copies go to", copies, [f"host {judged.host}", *judged.flags]))
        odd = f" ({'; '.join(judged.flags)})" if judged.flags else ""
        warnings.append(f"The domain forwards a copy of each delivered message to {short(copies, 200)}{odd}.")
    reading = content.read(Letter(html=html or None, text=text or None))
    if reading.links:
        rows.append(Row("Links of the footer lead to", safe_line(", ".join(reading.links))))
    return Findings(sections=[Section("Added by the domain", rows)], warnings=warnings, raises=len(warnings))


def footer_warnings(html: str, text: str) -> list[str]:
    """What is odd in a footer, read as a body is."""
    reading = content.read(Letter(html=html or None, text=text or None))
    lines = [f"Footer: {line}" for line in (*reading.warnings, *content.host_remarks(reading))]
    for name, footer in (("HTML footer", html), ("text footer", text)):
        if footer and _UNSUBSCRIBE not in footer:  # guard: 135-way-out
            lines.append(f"The {name} does not hold {_UNSUBSCRIBE}: nobody can unsubscribe by it.")
    return lines


async def footer(proposal: Proposal, _reads: Reads) -> Findings:
    """A new unsubscribe footer, read as the body that it becomes of every message."""
    html = str(proposal.arguments.get("html_footer") or "")
    text = str(proposal.arguments.get("text_footer") or "")
    warnings = footer_warnings(html, text)  # guard: 135-read
    reading = content.read(Letter(html=html or None, text=text or None))
    rows = [Row("Links lead to", safe_line(", ".join(reading.links)))] if reading.links else []
    return Findings(
        sections=[Section("Footer", rows)], warnings=warnings, unchecked=reading.unchecked, raises=bool(warnings)
    )


def _footer(found: ReadAnswer | None, kind: str) -> str:
    return "" if found is None else _text(dig(found.data, f"tracking.unsubscribe.{kind}"))


def _on(given: Any) -> str:
    """How a switch is set, in a word; empty for off."""
    told = {True: "yes", False: ""}.get(given) if isinstance(given, bool) else _text(given)
    return "" if told is None or told.casefold() in _OFF else told


def _text(given: Any) -> str:
    return given.strip() if isinstance(given, str) else ""

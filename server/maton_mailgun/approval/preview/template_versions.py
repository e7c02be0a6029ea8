"""A version of a stored template: what live mail is made from now and from then on, line by line, and what is in it.

Messages that name a template and no version are made from its active version; the first version of a template becomes
active by itself (Mailgun's reference, Templates).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any

from maton_mailgun.approval.preview import variables
from maton_mailgun.approval.preview.document import Row, Section
from maton_mailgun.approval.preview.effect import render
from maton_mailgun.approval.preview.fields import row
from maton_mailgun.approval.preview.proposal import Findings, Proposal, ReadAnswer, Reads, dig
from maton_mailgun.approval.preview.stored_body import looked_through
from maton_mailgun.mail import filling
from maton_mailgun.mail.text import quoted, safe_line, short

ACTIVE = "GET /v3/{domain}/templates/{template_name}?active=yes"
_CONTEXT = 2
"""Lines shown around a change that stay."""
_MOST_LINES = 10_000
"""Of both together; of more each is told, as to find out which ones stay takes seconds."""


@dataclass(frozen=True, slots=True)
class _Version:
    """What messages are made from: a body and headers."""

    tag: str = ""
    source: str = ""
    headers: Mapping[str, str] | None = None

    @staticmethod
    def of(answer: ReadAnswer | None) -> _Version | None:
        """The version in an answer; None where there is none."""
        found = dig(answer.data, "template.version") if answer is not None and answer.status != 404 else None
        if not isinstance(found, dict):
            return None
        stored = found.get("headers")
        headers = stored if isinstance(stored, dict) else {}
        told = {str(name): filling.text_of(value) for name, value in headers.items()}
        return _Version(str(found.get("tag") or ""), str(found.get("template") or ""), told)


def watch(proposal: Proposal) -> list[tuple[str, Mapping[str, Any]]]:
    """What live mail is made from, beside the version itself: a yes is for a change from one to the other."""
    return [(ACTIVE, proposal.arguments)]


async def preview(proposal: Proposal, reads: Reads) -> Findings:
    """Live mail before and after, the version before and after where it is not live, and what the new content holds."""
    arguments = proposal.arguments
    active_answer, own_answer = await asyncio.gather(
        reads("which version is live", ACTIVE, arguments),
        reads("the version as it is", str(proposal.operation.before), arguments),
    )
    live, own = _Version.of(active_answer), _Version.of(own_answer)
    after = _after(arguments, own)
    becomes = arguments.get("active") == "yes" or _is_live(proposal, active_answer, live)
    rows: list[Row] = []
    warnings: list[str] = []
    unchecked: list[str] = []
    odd = False
    if active_answer is not None and active_answer.status == 404:
        warnings.append(f"There is no template {quoted(str(arguments['template_name']), 100)}: this will be refused.")
    elif becomes:
        rows += _replaced(live or _Version(), after)
        warnings += _live_warnings(live, after)
    elif active_answer is not None:
        rows.append(Row("Live mail", f"stays as it is, made from {_named(live)}"))
    sections = [Section("Live mail, before and after" if becomes else "Live mail", rows)]
    if not becomes and own is not None:
        sections.append(Section("This version, before and after", list(_replaced(own, after))))
    if becomes or "template" in arguments or "headers" in arguments:
        found = await looked_through(after.source, after.headers or {}, str(arguments["domain"]))
        asked = _asked_for(after)
        named = [Row("Variables that it asks for", safe_line(", ".join(asked)))] if asked else []
        sections.append(Section("In the new content", [*found.rows, *named, *found.header_rows]))
        told = [*(f"Template: {line}" for line in found.warnings), *found.header_warnings]
        warnings += told
        unchecked = found.unchecked
        odd = bool(told)
    effect = render(proposal.operation.effect, arguments) or ""
    if becomes:
        name = quoted(str(arguments["template_name"]), 100)
        effect += (
            f" Live mail changes from now on: messages that name the template {name} and no version are made from it."
        )
    return Findings(sections=sections, warnings=warnings, unchecked=unchecked, effect=effect, raises=becomes + odd)


async def deletion(proposal: Proposal, reads: Reads) -> Findings:
    """What the version holds, and whether live mail is made from it."""
    active_answer, own_answer = await asyncio.gather(
        reads("which version is live", ACTIVE, proposal.arguments),
        reads("its content", str(proposal.operation.before), proposal.arguments),
    )
    live, own = _Version.of(active_answer), _Version.of(own_answer)
    rows = []
    if own is not None:
        rows.append(row("Content", own.source, ["cannot be brought back unless it is kept elsewhere"]))
        rows += [Row(f"Header {safe_line(name)}", safe_line(value)) for name, value in (own.headers or {}).items()]
    if active_answer is not None:
        rows.append(Row("Live mail", f"is made from {_named(live)}"))
    warnings = []
    if live is not None and own is not None and live.tag == own.tag:
        warnings.append(
            "Live mail is made from this version: what becomes of messages that name the template then is not "
            "documented. Make another version active first."
        )
    sections = [Section("What is lost", rows, read=True)]
    return Findings(sections=sections, warnings=warnings, raises=bool(warnings))


def _after(arguments: Mapping[str, Any], own: _Version | None) -> _Version:
    before = own or _Version()
    headers = arguments.get("headers")
    return _Version(
        str(arguments["tag"]),
        str(arguments.get("template", before.source)),
        {**headers} if isinstance(headers, Mapping) else before.headers,
    )


def _is_live(proposal: Proposal, answer: ReadAnswer | None, live: _Version | None) -> bool:
    """Whether live mail is made from this version without its being asked for."""
    if answer is None or answer.status == 404:
        return False
    if proposal.operation.access == "create":
        return live is None
    return live is not None and live.tag.casefold() == str(proposal.arguments["tag"]).casefold()


def _named(version: _Version | None) -> str:
    return f"version {short(version.tag, 100)}" if version is not None else "no version: there is no active one"


def _replaced(before: _Version, after: _Version) -> Iterator[Row]:
    """What is otherwise, line by line; what is removed begins with a minus, what is added with a plus."""
    if before.tag and before.tag.casefold() != after.tag.casefold():
        yield Row("Version", f"{short(before.tag, 100)} -> {short(after.tag, 100)}")
    if lines := list(_lines(before.source, after.source)):
        yield row("Content, line by line", "\n".join(lines))
    else:
        yield Row("Content", "stays the same")
    names = dict.fromkeys([*(before.headers or {}), *(after.headers or {})])
    for name in names:
        old, new = ((version.headers or {}).get(name) for version in (before, after))
        if old != new:
            told = [safe_line(f"“{value}”") if value is not None else "(none)" for value in (old, new)]
            yield Row(f"Header {safe_line(name)}", " -> ".join(told))


def _lines(before: str, after: str) -> Iterator[str]:
    old, new = _cut(before), _cut(after)
    if old == new:
        if before != after:  # guard: 175-ends
            yield "only how its lines end is otherwise"
        return
    if len(old) + len(new) > _MOST_LINES:  # guard: 175-long
        yield from (f"-{line}" for line in old)
        yield from (f"+{line}" for line in new)
        return
    told = unified_diff(old, new, lineterm="", n=_CONTEXT)
    for number, line in enumerate(told):
        # The first two name files.
        if number > 1:
            yield "…" if line.startswith("@@") else line


def _cut(text: str) -> list[str]:
    """The lines of a text: only a line feed ends one, so that nothing else that changes is taken for one."""
    return text.replace("\r\n", "\n").split("\n") if text else []


def _live_warnings(live: _Version | None, after: _Version) -> Iterator[str]:
    if live is None:
        yield f"Live mail is made from version {short(after.tag, 100)} from now on; there was no active version."
        return
    same = live.tag.casefold() == after.tag.casefold()
    change = (
        f"version {short(live.tag, 100)} itself changes"
        if same
        else (f"version {short(after.tag, 100)} takes the place of {short(live.tag, 100)}")
    )
    yield f"Live mail changes from now on: {change}."
    known = _asked_for(live)
    if more := [name for name in _asked_for(after) if name not in known]:
        yield f"It asks for {short(', '.join(more), 300)}, which live mail did not have to give so far."


def _asked_for(version: _Version) -> list[str]:
    return variables.names("\n".join([version.source, *(version.headers or {}).values()]))

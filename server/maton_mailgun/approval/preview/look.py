"""Makes what a person sees before a write: looks at the account first, reads only, and freezes the result."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maton_mailgun.approval.preview import came_in, difference, fields, registry, spelling, standing
from maton_mailgun.approval.preview.document import EXACT, AskedBy, Preview, Row, Section, ShownAccount, ShownRequest
from maton_mailgun.approval.preview.effect import of_target, render
from maton_mailgun.approval.preview.labels import told
from maton_mailgun.approval.preview.proposal import (
    CouldNotRead,
    Findings,
    Proposal,
    ReadAnswer,
    Reads,
    dig,
    risk_of,
)
from maton_mailgun.approval.store.record import Risk
from maton_mailgun.mail.text import safe_line, short

if TYPE_CHECKING:
    from maton_mailgun.catalogue.operation import Fact

SECONDS = 5.0
"""For all reads of one preview together."""

_SNAPSHOT = b"maton-mailgun snapshot 1\n"
"""Keeps this digest apart from any other one over the same text."""

_TOOL_NAMED = re.compile(r" with [a-z]+(?:_[a-z]+)+(?: and (?=the\b))?")
"""In a row's own words, before any value stands in them."""

_RAW = frozenset({"text", "html", "amp_html", "recipient_values", "parts"})
"""The bodies in `message` stay as they are: the page renders them in a frame of their own."""


@dataclass(frozen=True, slots=True)
class Look:
    """The preview and what is remembered beside it."""

    preview: dict[str, Any]
    snapshot: str | None
    """Digest of the target as it was read; None where there is nothing to read or it could not be read."""
    before: Any
    """The target as it was read, without secrets; None as above."""
    risk: Risk
    warnings: list[str]
    refused: str = ""
    """Why nobody can be asked; empty where somebody can."""
    instead: str = ""
    """What to do then, where that is known."""


async def make(proposal: Proposal, *, seconds: float = SECONDS) -> Look:
    """Look at everything the preview needs, in parallel and within `seconds` in all, and freeze it.

    A read that fails becomes a line under `unchecked` and raises the risk; it never stops the question.
    """
    if proposal.operation.preview:
        # In a thread: the first call of a kind loads what it needs.
        await asyncio.to_thread(registry.preview_of, proposal.operation.preview)
    reads = Reads(proposal.read, seconds)
    before, within, watched, facts, findings = await asyncio.gather(
        _before(proposal, reads),
        _within(proposal, reads),
        _watched(proposal, reads),
        asyncio.gather(*(_fact(proposal, reads, fact) for fact in proposal.operation.facts)),
        _findings(proposal, reads),
    )
    preview = _compose(proposal, before, facts, findings, reads.unchecked)
    sure = standing.refused(proposal.operation, _given(proposal), _target(proposal, findings), before, within)
    return Look(
        preview=preview,
        snapshot=_digest(watched) if watched else None,
        before=difference.without_secrets(before.data) if before is not None and before.status != 404 else None,
        risk=preview["risk"],
        warnings=preview["warnings"],
        refused=findings.refused or sure,
        instead=proposal.operation.instead or (standing.LOOK_IT_UP if sure else ""),
    )


async def snapshot(proposal: Proposal, *, seconds: float = SECONDS) -> str | None:
    """The digest of the target as it is now, to be compared with the one in the preview; None when this operation
    has nothing to watch.

    Raises:
        CouldNotRead: the target could not be read within `seconds`.
    """
    reads = Reads(proposal.read, seconds)
    sources = _sources(proposal)
    answers = await asyncio.gather(*(reads.ask(source, arguments) for source, arguments in sources))
    return _digest(answers) if sources else None


async def out_of_reach(proposal: Proposal, shown: Mapping[str, Any], *, seconds: float = SECONDS) -> list[str]:
    """What lies beyond what the preview `shown` said the yes covers, a line each: more people, other lists.

    Raises:
        CouldNotRead: it could not be read within `seconds`.
    """
    hold = registry.hold_of(proposal.operation.preview or "")
    return await hold(proposal, Reads(proposal.read, seconds), Preview.of(shown).covers) if hold else []


def _sources(proposal: Proposal) -> list[tuple[str, Mapping[str, Any]]]:
    """The reads whose answers the yes is bound to: the target, and what the preview function watches."""
    operation = proposal.operation
    sources: list[tuple[str, Mapping[str, Any]]] = []
    if operation.before:
        sources.append((operation.before, proposal.arguments))
    watch = registry.watch_of(operation.preview or "")
    return sources + (watch(proposal) if watch else [])


async def _watched(proposal: Proposal, reads: Reads) -> list[ReadAnswer]:
    """What the yes is bound to; empty where there is nothing, or not all of it can be read, which the look at the
    same things for the preview reports."""
    try:
        return await asyncio.gather(*(reads.ask(source, arguments) for source, arguments in _sources(proposal)))
    except CouldNotRead:
        return []


def _digest(answers: list[ReadAnswer]) -> str:
    states = [{"status": answer.status, "data": difference.lasting(answer.data)} for answer in answers]
    text = json.dumps(states, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
    return "sha256:" + hashlib.sha256(_SNAPSHOT + text.encode("ascii")).hexdigest()


async def _before(proposal: Proposal, reads: Reads) -> ReadAnswer | None:
    if not proposal.operation.before:
        return None
    return await reads("its present state", proposal.operation.before, proposal.arguments)


async def _within(proposal: Proposal, reads: Reads) -> ReadAnswer | None:
    """What the target is to be a part of; that it could not be read is no news to a person."""
    if proposal.operation.within is None:
        return None
    try:
        return await reads.ask(proposal.operation.within, proposal.arguments)
    except CouldNotRead:
        return None


def _given(proposal: Proposal) -> dict[str, Any]:
    return {**proposal.operation.defaults, **proposal.arguments}


def _target(proposal: Proposal, findings: Findings) -> str:
    operation = proposal.operation
    told = findings.target or render(operation.target, _given(proposal), secret=operation.secret)
    return told or operation.title


async def _fact(proposal: Proposal, reads: Reads, fact: Fact) -> Row:
    answer = await reads(f"“{fact.label}”", fact.read, proposal.arguments)
    if answer is None:
        return Row(fact.label, "could not be checked")
    if answer.status == 404:
        return Row(fact.label, "none found")
    found = told(fact.pick, dig(difference.without_secrets(answer.data), fact.pick))
    return Row(fact.label, "none" if found in (None, "", [], {}) else difference.read(found))


async def _findings(proposal: Proposal, reads: Reads) -> Findings:
    name = proposal.operation.preview
    return await registry.preview_of(name)(proposal, reads) if name else Findings()


def _compose(
    proposal: Proposal, before: ReadAnswer | None, facts: list[Row], findings: Findings, unchecked: list[str]
) -> dict[str, Any]:
    operation = proposal.operation
    given, target = _given(proposal), _target(proposal, findings)
    called = standing.called(operation, before)
    diff = difference.diff(operation, given, before)
    strange = came_in.warnings(proposal, findings)
    warnings = [*dict.fromkeys([*strange, *_warnings(proposal, given, target, before, diff, findings)])]
    unchecked = sorted({*unchecked, *findings.unchecked})
    held = {**given, **_held(called.effect, before)}
    effect = findings.effect or render(called.effect, held, secret=operation.secret) or ""
    undo = render(called.undo, given, secret=operation.secret) or ""
    plainly = render(_TOOL_NAMED.sub(_without, called.undo), given, secret=operation.secret) or ""
    sections = [
        *findings.sections,
        Section("Facts", facts, read=True),
        Section("As it is now", _as_it_is(before, diff, facts, findings), read=True),
        Section(EXACT, fields.rows(operation, proposal.request, covered=findings.covers)),
    ]
    preview = Preview(
        whole=True,
        title=called.title,
        action=called.action,
        operation=operation.name,
        account=ShownAccount(
            proposal.account.connection_id, short(proposal.account.label, 200), proposal.account.sandbox
        ),
        target=target,
        effect=effect,
        ending=findings.ending,
        headline=findings.headline or f"{called.verb} {target}",
        undo=undo,
        undo_plainly=plainly if plainly != undo else "",
        request=ShownRequest(proposal.request.method, proposal.request.path),
        sections=[section for section in sections if section.rows],
        diff=[change.told() for change in diff],
        warnings=warnings,
        unchecked=unchecked,
        history=list(proposal.history),
        asked_by=AskedBy(short(proposal.client, 80), short(proposal.principal, 120)),
        risk=risk_of(_steps(proposal, undo, findings, unchecked, diff) + bool(strange)),
        recipients=list(findings.recipients),
        covers=findings.reach or {},
        message=findings.message,
        outside=findings.tells_before,
    )
    return _safe(preview.frozen())


def _held(template: str, before: ReadAnswer | None) -> dict[str, Any]:
    """What the target holds of what a sentence names, without what is empty."""
    if before is None or before.status == 404:
        return {}
    data = difference.without_secrets(before.data)
    found = {name: dig(data, place) for name, place in of_target(template).items()}
    return {name: value for name, value in found.items() if value not in ("", [], {})}


def _without(named: re.Match[str]) -> str:
    return " with " if named[0].endswith(" and ") else ""


def _rows(findings: Findings) -> list[Row]:
    return [row for section in findings.sections for row in section.rows]


def _as_it_is(
    before: ReadAnswer | None, diff: list[difference.Change], facts: list[Row], findings: Findings
) -> list[Row]:
    """The target value by value, without what the diff and other sections show already."""
    if findings.tells_before:
        return []
    told = {row.value for row in (*facts, *_rows(findings))}
    return [row for row in difference.state(before, hide={change.path for change in diff}) if row.value not in told]


def _steps(
    proposal: Proposal, undo: str, findings: Findings, unchecked: list[str], diff: list[difference.Change]
) -> int:
    deletes = proposal.operation.access == "delete"
    final = deletes and "cannot be undone" in undo.lower()
    odd = bool(spelling.doubts(proposal.operation, proposal.arguments))
    return deletes + final + odd + findings.raises + bool(unchecked) + any(change.consent for change in diff)


def _warnings(
    proposal: Proposal,
    given: Mapping[str, Any],
    target: str,
    before: ReadAnswer | None,
    diff: list[difference.Change],
    findings: Findings,
) -> list[str]:
    operation = proposal.operation
    lines = [change.consent for change in diff if change.consent is not None]
    if there := standing.called(operation, before).warning:
        # It is no creation then, whatever it is called.
        lines.append(there.format(target=target))
    lines += [*findings.warnings, *spelling.doubts(operation, proposal.arguments)]
    if before is not None and before.status == 404 and operation.access != "create":
        lines.append(f"{standing.sentence(target)} does not exist: the service will probably refuse this.")
    if difference.changes_nothing(operation, proposal.arguments, before, diff):
        lines.append("This changes nothing: every value is already as asked for.")
    if operation.billed:
        lines.append(operation.billed)
    lines += [line for template in operation.warn if (line := render(template, given, secret=operation.secret))]
    return [*dict.fromkeys(lines)]


def _safe(frozen: dict[str, Any]) -> dict[str, Any]:
    """The preview with every text in it display-safe: the last gate, whatever the parts above forgot."""
    message = frozen.pop("message", None)
    shown: dict[str, Any] = _display_safe(frozen)
    if message is not None:
        # Only here: other texts of these names, such as a recipient variable, are no bodies.
        bodies = {name: message.pop(name) for name in _RAW & message.keys()}
        shown["message"] = {**_display_safe(message), **bodies}
    return shown


def _display_safe(part: Any) -> Any:
    if isinstance(part, str):
        return safe_line(part)
    if isinstance(part, Mapping):
        return {name: _display_safe(inner) for name, inner in part.items()}
    if isinstance(part, list):
        return [_display_safe(inner) for inner in part]
    return part

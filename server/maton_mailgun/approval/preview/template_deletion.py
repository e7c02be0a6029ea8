"""What a template held, and whether mail still uses it."""

from __future__ import annotations

import asyncio
from typing import Any

from maton_mailgun.approval.preview.document import Row, Section
from maton_mailgun.approval.preview.proposal import Findings, Proposal, ReadAnswer, Reads, dig, items
from maton_mailgun.mail.text import count, moment, short

_VERSIONS = "GET /v3/{domain}/templates/{template_name}/versions?limit=100"
_EVENTS = "GET /v3/{domain}/events?event=accepted&limit=300"
_UNKNOWN = "could not be checked"


async def preview(proposal: Proposal, reads: Reads) -> Findings:
    """Its versions, its active content, and the last message that named it as far as the event log tells."""
    given = {"domain": proposal.arguments["domain"], "template_name": proposal.arguments["template_name"]}
    template, versions, events = await asyncio.gather(
        reads("its content", "GET /v3/{domain}/templates/{template_name}?active=yes", given),
        reads("its versions", _VERSIONS, given),
        reads("when it was last used", _EVENTS, {"domain": given["domain"]}),
    )
    source = dig(template.data, "template.version.template") if template is not None else None
    last = _last_use(events, str(given["template_name"]))
    rows = [
        Row("Versions", _versions(versions)),
        Row("Last use", _UNKNOWN if events is None else last or "not named in the newest 300 accepted messages"),
    ]
    if isinstance(source, str) and source:
        rows.append(Row("Active content", short(source, 1000), ["cannot be brought back unless it is kept elsewhere"]))
    warnings = [f"The template is in use: it was last named {last}."] if last else []
    return Findings(sections=[Section("What is lost", rows, read=True)], warnings=warnings, raises=bool(last))


def _versions(answer: ReadAnswer | None) -> str:
    if answer is None:
        return _UNKNOWN
    found = items(answer, "template.versions")
    told = [f"{short(str(dig(one, 'tag')), 60)}{' (active)' if dig(one, 'active') is True else ''}" for one in found]
    more = f" and {len(told) - 10:,} more" if len(told) > 10 else ""
    return f"{count(len(told), 'version')}: {', '.join(told[:10])}{more}" if told else "none"


def _last_use(events: ReadAnswer | None, name: str) -> str:
    """When an accepted message last named the template, or the empty string. Events come newest first."""
    for event in items(events):
        if str(_template_of(event)).casefold() == name.casefold():
            when = dig(event, "timestamp")
            if isinstance(when, int | float):
                return f"on {moment(when)}"
            return "recently"
    return ""


def _template_of(event: Any) -> Any:
    named = dig(event, "template.name")
    return named if named is not None else dig(event, "template")

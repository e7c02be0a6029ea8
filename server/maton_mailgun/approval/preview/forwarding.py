"""Writes after which data leaves the account by itself: routes, webhooks, archiving of a domain's mail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from maton_mailgun.approval.preview import route_filters
from maton_mailgun.approval.preview.document import Row, Section
from maton_mailgun.approval.preview.fields import values
from maton_mailgun.approval.preview.labels import said
from maton_mailgun.approval.preview.proposal import Findings, Proposal, ReadAnswer, Reads
from maton_mailgun.mail.addresses import address_flags, parse, split
from maton_mailgun.mail.hosts import as_browsers_read, place
from maton_mailgun.mail.text import count, short

_CALL = re.compile(r"\s*(forward|store|stop)\s*\(\s*(.*?)\s*\)\s*", re.IGNORECASE | re.DOTALL)
_QUOTED = re.compile(r"""(?:notify\s*=\s*)?(["'])(.*)\1""", re.IGNORECASE | re.DOTALL)
_CAPTURE = re.compile(r"\\(?:[1-9][0-9]?|g<\w+>)")
_AUTHORITY = re.compile(r"[^/?#]*://[^/?#]*")


async def preview(proposal: Proposal, reads: Reads) -> Findings:
    """Old and new destinations, what is odd about the new ones, and whether the rule takes everything."""
    operation = proposal.operation
    before = await reads("its present state", operation.before, proposal.arguments) if operation.before else None
    captures = {target for action in values(proposal.request, "action") for target in targets(action)}
    new = list(dict.fromkeys(_asked(proposal)))
    old = list(dict.fromkeys(_present(before)))
    rows, warnings, raises = [], [], 0
    for destination in new:
        label = "Forwards to (as now)" if destination in old else "Forwards to (new)"
        host, flags, dangerous = _judged_action(destination) if destination in captures else _judged(destination)
        rows.append(Row(label, short(destination, 500), [f"host {host}", *flags] if host else flags))
        if destination not in old and host:
            warnings.append(f"Data will be forwarded to {short(host, 253)}.")
        if dangerous or "cleartext http" in flags:
            warnings.append(f"{short(destination, 200)}: {'; '.join(flags)}.")
        raises += dangerous
    if not new and values(proposal.request, "expression"):
        # The actions stay as they are, and what the rule takes is another mail (Mailgun's reference, Routes).
        rows += [Row("Forwards to (as now)", short(destination, 500)) for destination in old]
        warnings += [f"Mail that the new expression takes goes to {short(one, 200)}." for one in old]
        raises += bool(old)  # guard: 137-widened
    if new:
        rows += [Row("No longer forwards to", short(gone, 500)) for gone in old if gone not in new]
    rule = await route_filters.judged(proposal, before, reads, forwards=bool(new or old))
    rows += rule.sections[0].rows
    warnings += rule.warnings
    raises += rule.raises
    raises += any(destination not in old for destination in new)
    where = Section("Where data goes", rows)
    return Findings(
        sections=[where],
        warnings=list(dict.fromkeys(warnings)),
        unchecked=rule.unchecked,
        raises=raises,
        headline=_headline(proposal, [one for one in new if one not in old], rule),
    )


def _headline(proposal: Proposal, places: list[str], rule: Findings) -> str:
    """What goes where, for a title; empty where nothing goes to a new place."""
    if not places:
        return ""
    host, _, _ = _judged(places[0])
    named = short(places[0] if "://" not in places[0] or not host else host, 120)
    where = named if len(places) == 1 else f"{named} and {count(len(places) - 1, 'other place')}"
    if values(proposal.request, "action"):
        everything = any("takes all mail" in one.flags for section in rule.sections for one in section.rows)
        return f"Forward {'all ' if everything else ''}inbound mail to {where}"
    if kind := proposal.arguments.get("webhook_type"):
        return f"Send {short(str(said('webhook_type', kind)), 40)} events to {where}"
    return ""


def targets(action: str) -> list[str]:
    """The destinations of one route action; the action itself where it cannot be read."""
    call = _CALL.fullmatch(action)
    if call is None:
        return [action]
    if not call[2] or call[1].lower() == "stop":
        return []
    quoted = _QUOTED.fullmatch(call[2])
    return split(quoted[2]) if quoted else [action]


def _asked(proposal: Proposal) -> Iterator[str]:
    for name in ("url", "archive_to"):
        yield from (text.strip() for text in values(proposal.request, name))
    for action in values(proposal.request, "action"):
        yield from targets(action)


def _present(before: ReadAnswer | None) -> Iterator[str]:
    """Destinations anywhere in the answer: `route.actions`, `webhook.urls`, and the `url` of old records."""
    if before is None or before.status == 404:
        return
    waiting: list[tuple[str, Any]] = [("", before.data)]
    while waiting:
        key, data = waiting.pop(0)
        if isinstance(data, dict):
            waiting[:0] = [(str(name), inner) for name, inner in data.items()]
        elif isinstance(data, list):
            waiting[:0] = [(key, inner) for inner in data]
        elif isinstance(data, str) and key in {"url", "urls", "archive_to"}:
            yield data.strip()
        elif isinstance(data, str) and key == "actions":
            yield from targets(data)


def _judged_action(destination: str) -> tuple[str, list[str], bool]:
    """The same for a route, in which a capture stands for a part of the mail that comes in (Mailgun's manual, Routes):
    harmless in a path or before an @, not where it says to whom the mail goes."""
    if not _CAPTURE.search(destination):
        return _judged(destination)
    url = _AUTHORITY.match(destination)
    decides = url[0] if url else destination.rpartition("@")[2]
    if _CAPTURE.search(decides):
        return "", ["the mail that comes in decides where it goes"], True
    return _judged(_CAPTURE.sub("x", destination))


def _judged(destination: str) -> tuple[str, list[str], bool]:
    """Host, remarks, and whether it is a dangerous place."""
    if "://" in destination or as_browsers_read(destination).startswith(("http:", "https:")):
        found = place(destination)
        return found.host, list(found.flags), found.dangerous
    address = parse(destination)
    flags = address_flags(address)
    return address.ascii_domain, flags, bool(flags)

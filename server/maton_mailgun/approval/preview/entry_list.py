"""Many entries in one write: each of them in full, what is odd about any, and which are there already."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from maton_mailgun.approval.preview import list_members
from maton_mailgun.approval.preview.document import Row, Section
from maton_mailgun.approval.preview.fields import row, values
from maton_mailgun.approval.preview.proposal import Findings, Proposal, Reads, items
from maton_mailgun.catalogue import entry_fields
from maton_mailgun.mail.addresses import address_flags, parse
from maton_mailgun.mail.text import count, short
from maton_mailgun.wire.speakers import says_absent

_PAGE = 1_000
"""The most that Mailgun lists at once of a suppression list (its reference, Suppressions)."""
_MOST_DOMAINS = 8


async def preview(proposal: Proposal, reads: Reads) -> Findings:
    """Entries of a suppression list, and which of them are on it already."""
    source = f"GET {proposal.operation.path}?limit={_PAGE}"
    answer = await reads("which of them are on the list already", source, proposal.arguments)
    there = {str(one.get("address") or "").casefold() for one in items(answer) if isinstance(one, dict)}
    given = entry_fields.addresses(proposal.operation, proposal.arguments)
    known = [one for one in given if one.casefold() in there]
    unchecked = []
    if len(there) >= _PAGE:
        unchecked.append(f"could not check who is on the list already beyond its first {_PAGE:,} entries")
    warnings = [f"{_some(known)} on the list already."] if known else []
    return _findings(proposal, dict.fromkeys(known, "on the list already"), warnings, unchecked)


async def members(proposal: Proposal, reads: Reads) -> Findings:
    """New members of a mailing list, and which of them had opted out of it."""
    source = f"GET /v3/lists/{{list_address}}/members/pages?subscribed=no&limit={list_members.PAGE}"
    answer = await reads("which of them opted out of the list", source, proposal.arguments)
    warnings, unchecked = [], []
    if answer is not None and answer.status == 404 and not says_absent(answer.status, answer.data):
        warnings.append(f"There is no mailing list {short(str(proposal.arguments['list_address']), 200)}.")
    out = {str(one.get("address") or "").casefold() for one in items(answer) if isinstance(one, dict)}
    back = []
    if proposal.arguments.get("upsert"):
        given = proposal.arguments.get("members") or ()
        wanted = [str(one.get("address") or "") for one in given if one.get("subscribed") is not False]
        back = [address for address in wanted if address.casefold() in out]
        if len(out) >= list_members.PAGE:
            unchecked.append(f"could not check who opted out of the list beyond the first {list_members.PAGE}")
    if back:
        warnings.append(f"{_some(back)} there as opted out; subscribing them again needs their consent.")
    return _findings(proposal, dict.fromkeys(back, "opted out"), warnings, unchecked, raises=bool(back))


def _findings(
    proposal: Proposal, known: Mapping[str, str], warnings: list[str], unchecked: list[str], raises: int = 0
) -> Findings:
    """A row for each entry: nothing of any is left out, so that a channel without room for all takes no yes."""
    operation = proposal.operation
    rows, odd = [], []
    sent = _sent(proposal)
    for number, entry in enumerate(sent, 1):
        address = str(entry.get("address") or "")
        flags = address_flags(parse(address))
        odd += [f"{short(address, 253)}: {short('; '.join(flags), 300)}."] if flags else []
        flags += [known[address]] if address in known else []
        rows.append(row(f"{number}", _told(entry), flags))
    sections = [Section("How many", [Row("Addresses", _counts(proposal))]), Section("Each of them", rows)]
    covers = {f"[{number}]" for number in range(1, len(rows) + 1)} if operation.body_is is not None else set()
    if rows and operation.body_is is None:
        covers = {operation.wire.get(name, name) for name in operation.each}
    return Findings(
        sections=sections, warnings=[*warnings, *odd], unchecked=unchecked, covers=frozenset(covers), raises=raises
    )


def _sent(proposal: Proposal) -> list[Mapping[str, Any]]:
    """The entries as they leave: the body itself, or JSON in a field of the form. Nothing where that is no list of
    entries, which is then shown as it is."""
    found: Any = proposal.request.json
    if proposal.operation.body_is is None:
        (name,) = proposal.operation.each
        try:
            (text,) = values(proposal.request, proposal.operation.wire.get(name, name))
            found = json.loads(text)
        except ValueError:
            return []
    return found if isinstance(found, list) and all(isinstance(one, dict) for one in found) else []


def _told(entry: Mapping[str, Any]) -> str:
    """An address, and all else of the entry as it is sent: JSON, in which no text can pose as another field."""
    rest = {field: value for field, value in entry.items() if field != "address"}
    return str(entry.get("address") or "") + (f" {json.dumps(rest, ensure_ascii=False)}" if rest else "")


def _counts(proposal: Proposal) -> str:
    given = entry_fields.addresses(proposal.operation, proposal.arguments)
    domains = Counter(one.rpartition("@")[2].casefold() for one in given).most_common()
    told = ", ".join(f"{number:,} at {short(domain, 60)}" for domain, number in domains[:_MOST_DOMAINS])
    more = len(domains) - _MOST_DOMAINS
    return f"{len(given):,}: {told}" + (f" and {count(more, 'more domain')}" if more > 0 else "")


def _some(found: list[str]) -> str:
    first = ", ".join(short(one, 120) for one in found[:5])
    verb = "is" if len(found) == 1 else "are"
    more = f" and {len(found) - 5:,} more" if len(found) > 5 else ""
    return f"{first}{more} {verb}"

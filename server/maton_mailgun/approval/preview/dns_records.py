"""The DNS records of a domain as Mailgun saw them last: what is there, and what is still missing.

Source: Mailgun's reference, Domains: `valid` is `valid`, `unknown` or `invalid`; MX records have a
`priority` and may have no name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from maton_mailgun.approval.preview.document import Row, Section
from maton_mailgun.approval.preview.proposal import Findings, Proposal, Reads, dig, items
from maton_mailgun.mail.text import count, short

_KINDS = {"sending_dns_records": "needed for sending", "receiving_dns_records": "for receiving"}


async def preview(proposal: Proposal, reads: Reads) -> Findings:
    """A row for each record, and a remark where some of those needed for sending were not there."""
    answer = await reads("its DNS records", str(proposal.operation.before), proposal.arguments)
    records = [(use, one) for place, use in _KINDS.items() for one in items(answer, place)]
    domain = str(proposal.arguments["domain"])
    rows = [Row(_named(one, domain), _value(one), [use, *_remarks(one)]) for use, one in records]
    lacking = sum(use == "needed for sending" and dig(one, "valid") != "valid" for use, one in records)
    state = dig(answer.data, "domain.state") if answer is not None else None
    warnings = []
    if lacking and state == "active":
        lost = count(lacking, "record needed for sending was", "records needed for sending were")
        warnings.append(f"{lost} not found last time: if so now, {short(domain, 253)} may lose its right to send.")
    return Findings(sections=[Section("Records as Mailgun saw them last", rows, read=True)], warnings=warnings)


def _named(record: Any, domain: str) -> str:
    name = dig(record, "name") or domain
    return f"{short(str(dig(record, 'record_type')), 20)} {short(str(name), 253)}"


def _value(record: Any) -> str:
    priority = dig(record, "priority")
    return (
        f"{short(str(priority), 10)} {short(str(dig(record, 'value')), 600)}"
        if priority
        else short(str(dig(record, "value")), 600)
    )


def _remarks(record: Any) -> Iterator[str]:
    yield "found" if dig(record, "valid") == "valid" else "not found"

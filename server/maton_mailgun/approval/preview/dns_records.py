"""The DNS records of a domain as Mailgun saw them last: what is there, and what is still missing.

Source: Mailgun's reference, Domains: `valid` is `valid`, `unknown` or `invalid`; MX records have a
`priority` and may have no name.
"""

from __future__ import annotations

from typing import Any

from maton_mailgun.approval.preview.document import Row, Section
from maton_mailgun.approval.preview.proposal import Findings, Proposal, Reads, dig, items
from maton_mailgun.mail.text import count, short

_SENDING = "sending_dns_records"
_KINDS = {_SENDING: "needed for sending", "receiving_dns_records": "for receiving"}


async def preview(proposal: Proposal, reads: Reads) -> Findings:
    """A row for each record, and a remark where some of those needed for sending were not there."""
    answer = await reads("its DNS records", str(proposal.operation.before), proposal.arguments)
    records = [(use, one) for place, use in _KINDS.items() for one in items(answer, place)]
    domain = str(proposal.arguments["domain"])
    rows = [
        Row(_named(one, domain), _value(one), [use, "found" if _is_there(one) else "not found"]) for use, one in records
    ]
    lacking = sum(not _is_there(one) for one in items(answer, _SENDING))
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
    value = short(str(dig(record, "value")), 600)
    priority = dig(record, "priority")
    return f"{short(str(priority), 10)} {value}" if priority else value


def _is_there(record: Any) -> bool:
    return bool(dig(record, "valid") == "valid")

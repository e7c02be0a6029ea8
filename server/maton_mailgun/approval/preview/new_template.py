"""A new template, whose first version live mail is made from by itself: what is in it."""

from __future__ import annotations

from maton_mailgun.approval.preview.document import Section
from maton_mailgun.approval.preview.proposal import Findings, Proposal, Reads
from maton_mailgun.approval.preview.stored_body import looked_through


async def preview(proposal: Proposal, _reads: Reads) -> Findings:
    """What messages that name it will say, load and lead to, and as whom they will go out."""
    given = proposal.arguments.get("headers")
    headers = {str(name): str(value) for name, value in given.items()} if isinstance(given, dict) else {}
    source, domain = (str(proposal.arguments.get(name) or "") for name in ("template", "domain"))
    found = await looked_through(source, headers, domain)
    return Findings(
        sections=[
            Section("Messages that use it", found.rows),
            Section("Headers of messages that use it", found.header_rows),
        ],
        warnings=[*found.warnings, *found.header_warnings],
        unchecked=found.unchecked,
        raises=found.raises,
    )

"""A body that is stored for later messages: looked through as theirs, with the headers that it brings."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from maton_mailgun.approval.preview import broken_markup, content, stored_template
from maton_mailgun.approval.preview.document import Row, Section
from maton_mailgun.approval.preview.proposal import Findings, Proposal, Reads
from maton_mailgun.approval.preview.stored_template import StoredTemplate
from maton_mailgun.mail.letter import Letter
from maton_mailgun.mail.text import safe_line


async def preview(proposal: Proposal, _reads: Reads) -> Findings:
    """What messages that name it will say, load and lead to, and as whom they will go out."""
    source = str(proposal.arguments.get("template") or "")
    given = proposal.arguments.get("headers")
    brought = given if isinstance(given, dict) else {}
    # Long work for a large body, and the loop has other calls to serve.
    return await asyncio.to_thread(_findings, source, brought, str(proposal.arguments.get("domain") or ""))


def _findings(source: str, given: Mapping[str, Any], domain: str) -> Findings:
    letter = Letter(html=source or None)
    reading = content.read(letter)
    template = StoredTemplate(
        "", "", {}, source, [(str(name), str(value)) for name, value in given.items()], known=True
    )
    header_rows, header_warnings = stored_template.headers(template, Letter(), domain)  # guard: 161-headers
    broken = broken_markup.of_template(letter, {})
    told = [*reading.warnings, *content.host_remarks(reading)]  # guard: 161-body
    rows = [Row("Links lead to", safe_line(", ".join(reading.links)))] if reading.links else []
    rows += [Row("Loads from", safe_line(", ".join(reading.remote)))] if reading.remote else []
    return Findings(
        sections=[
            Section("Messages that use it", [*rows, *reading.rows]),
            Section("Headers of messages that use it", header_rows),
        ],
        warnings=[*told, *broken, *header_warnings],
        unchecked=reading.unchecked,
        raises=reading.raises + len(broken) + len(header_warnings),
    )

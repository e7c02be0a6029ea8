"""A body that is stored for later messages: looked through as theirs, with the headers that it brings."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from maton_mailgun.approval.preview import broken_markup, content, recipient_values, stored_template
from maton_mailgun.approval.preview.document import Row
from maton_mailgun.approval.preview.stored_template import StoredTemplate
from maton_mailgun.mail.letter import Letter
from maton_mailgun.mail.template_tags import filled_blank
from maton_mailgun.mail.text import safe_line


@dataclass(frozen=True, slots=True)
class StoredBody:
    """What messages that are made from it will say, load and lead to, and as whom they will go out."""

    rows: list[Row]
    warnings: list[str]
    header_rows: list[Row]
    header_warnings: list[str]
    unchecked: list[str]
    raises: int


async def looked_through(source: str, headers: Mapping[str, str], domain: str) -> StoredBody:
    """Read `source` as the HTML that it becomes, and `headers` as those of a message of `domain` without its own."""
    # Long work for a large body, and the loop has other calls to serve.
    return await asyncio.to_thread(_looked_through, source, headers, domain)


def _looked_through(source: str, headers: Mapping[str, str], domain: str) -> StoredBody:
    letter = Letter(html=source or None)
    reading = content.read(letter)
    built = content.Reading()
    if "{{" in source:
        recipient_values.add(built, content.read(Letter(html=filled_blank(source))), reading)
    reading.links = {**built.links, **reading.links}
    reading.remote += built.remote
    reading.warnings += built.warnings  # guard: 171-stored
    template = StoredTemplate("", "", {}, source, [*headers.items()], known=True)
    header_rows, header_warnings = stored_template.headers(template, Letter(), domain)  # guard: 161-headers
    broken = broken_markup.of_template(letter, {})
    told = [*reading.warnings, *content.host_remarks(reading)]  # guard: 161-body
    rows = [Row("Links lead to", safe_line(", ".join(reading.links)))] if reading.links else []
    rows += [Row("Loads from", safe_line(", ".join(reading.remote)))] if reading.remote else []
    return StoredBody(
        rows=[*rows, *reading.rows],
        warnings=[*told, *broken],
        header_rows=header_rows,
        header_warnings=header_warnings,
        unchecked=reading.unchecked,
        raises=reading.raises + len(broken) + len(header_warnings),
    )

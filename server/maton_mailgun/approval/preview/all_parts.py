"""What is inside every part of a message that programs may show, and the files that stand in its texts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

from maton_mailgun.approval.preview import content
from maton_mailgun.approval.preview.document import Row
from maton_mailgun.mail import files_in_text
from maton_mailgun.mail.files_in_text import FileInText
from maton_mailgun.mail.letter import FurtherPart, Letter
from maton_mailgun.mail.text import quoted

_MOST_TEXT = 100_000
"""Characters of a file in a text that is shown as a text itself."""


def read(sent: Letter) -> content.Reading:
    """What is inside the bodies, and inside every other part that programs may show."""
    reading = content.read(sent)
    for part in sent.parts:
        other = content.read(Letter(html=part.text) if "html" in part.type else Letter(text=part.text))
        for host, remarks in other.links.items():
            reading.links.setdefault(host, remarks)
        reading.warnings += [f"{part.label}: {warning}" for warning in other.warnings]  # guard: 46-further-warnings
        reading.unchecked += [f"{part.label}: {line}" for line in other.unchecked]
        reading.remote += [host for host in other.remote if host not in reading.remote]
        reading.cids |= other.cids
        reading.rows += [replace(one, label=f"{part.label}: {one.label}") for one in other.rows]
        reading.raises += other.raises
    found = dict.fromkeys(line for text in _texts(sent) for line in files_in_text.remarks(text))
    reading.warnings += found  # guard: 118-remarks
    reading.raises += len(found)
    return reading


def with_files(sent: Letter) -> tuple[Letter, list[Row]]:
    """The letter with what the files in its texts say, and a row for each of them."""
    parts: list[FurtherPart] = []
    rows: list[Row] = []
    left = _MOST_TEXT
    for text in _texts(sent):
        for one in files_in_text.files(text):
            name = quoted(one.name, len(one.name))
            rows.append(Row("File in the text", f"{name}, {_size(one)}", [] if one.whole else ["broken"]))
            if one.text is not None and len(one.text) <= left:
                left -= len(one.text)
                parts.append(FurtherPart(f"File in the text {name}", "text/plain", one.text, ""))  # guard: 118-decoded
    return replace(sent, parts=[*sent.parts, *parts]), rows


def _size(one: FileInText) -> str:
    return f"{len(one.content):,} bytes, SHA-256 {hashlib.sha256(one.content).hexdigest()}"


def _texts(sent: Letter) -> Iterator[str]:
    if sent.text is not None:
        yield sent.text
    yield from (part.text for part in sent.parts if part.type in {"text/plain", "message/rfc822"})

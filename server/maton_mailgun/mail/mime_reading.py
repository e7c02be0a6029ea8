"""What is found in a ready message, and what is to be said of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from maton_mailgun.mail import entry_reading
from maton_mailgun.mail.letter import Enclosure, FurtherPart
from maton_mailgun.mail.mime_tree import MESSAGES

BODIES = {"text/plain": "Text", "text/html": "HTML", "text/x-amp-html": "AMP HTML"}
KINDS = {
    **BODIES,
    "text/calendar": "Calendar entry",
    "text/enriched": "Enriched text",
    "text/richtext": "Enriched text",
    "text/markdown": "Markdown",
    "message/rfc822": "Forwarded message",
}
AS_WRITTEN = "As programs show it that do not join lines: "
FILE_TEXT = "Text in the file"
MOST_TEXT, MOST_FURTHER, MOST_OF_FILES = 500_000, 100_000, 50_000
"""Characters of all bodies together, of those beyond the usual three, and of files among these."""


@dataclass(slots=True)
class MimeReading:
    """What is in a message, part by part, and what speaks against sending it."""

    problems: list[tuple[str, str]] = field(default_factory=list)
    """What is wrong, and what would be right: such a message is refused before anybody is asked."""
    headers: list[tuple[str, str]] = field(default_factory=list)
    bodies: dict[str, str] = field(default_factory=dict)
    """The first text of each of the usual kinds."""
    parts: list[FurtherPart] = field(default_factory=list)
    attachments: list[Enclosure] = field(default_factory=list)
    inline: list[Enclosure] = field(default_factory=list)
    structure: list[tuple[str, str]] = field(default_factory=list)
    """Each part's place with its headers."""
    remarks: list[str] = field(default_factory=list)
    """What a person should know about how programs show it."""


def remarks_on(reading: MimeReading) -> Iterator[str]:
    aside, read_out = ("Forwarded", "Attached", AS_WRITTEN, FILE_TEXT), entry_reading.ENDS
    usual = [part for part in reading.parts if not part.label.startswith(aside) and not part.label.endswith(read_out)]
    kinds = Counter(part.type for part in usual)
    kinds.update(reading.bodies.keys())
    for kind, name in BODIES.items():
        if kinds[kind] > 1:
            yield f"The message has {kinds[kind]} {name} parts: programs show one, some or all of them."
    for part in reading.parts:
        if part.type == "text/calendar":
            yield f"The message has a calendar entry ({part.place or 'all of it'}): programs may enter or answer it."
        elif part.label.startswith((FILE_TEXT, "Attached")) or part.label.endswith(read_out):
            continue
        elif part.type in MESSAGES:
            yield f"The message has a forwarded message ({part.place}): programs show it below or as a file."
        elif part.type not in BODIES:
            name = f"{KINDS.get(part.type, 'a text of the kind')} {part.type}"
            yield f"The message has {name} ({part.place or 'all of it'}): shown as it is written."

"""Calendar entries (RFC 5545): programs make an invitation of one wherever it stands, attached or not."""

from __future__ import annotations

import re

_TYPES = frozenset({"text/calendar", "text/x-vcalendar", "application/ics", "application/x-ics", "text/x-icalendar"})
_ENDINGS = (".ics", ".vcs", ".ifb", ".ical", ".icalendar")
_FOLDED = frozenset({"text/vcard", "text/x-vcard", "text/directory"})
_FOLD = re.compile(rb"\r?\n[ \t]")


def is_calendar(type_: str, name: str) -> bool:
    """Whether programs take a part or a file for a calendar entry: by what it says it is, or by its name."""
    return type_.partition(";")[0].strip().casefold() in _TYPES or name.strip().casefold().endswith(_ENDINGS)


def is_folded(type_: str, name: str) -> bool:
    """Whether lines that begin with a blank go on with the one before."""
    return type_ in _FOLDED or is_calendar(type_, name)


def unfolded(content: bytes) -> bytes:
    """Its lines as programs read them (RFC 5545, 3.1): a fold may stand inside an amount, a host or even a letter."""
    return _FOLD.sub(b"", content)

"""What a person reads on each channel, in the place of its kind; raw and derived lines are left out.

A count, a size, a warning or an encoded path changes with what it is about, and tells nobody what it has become.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from approval import records
from approval.form_reading import as_read
from maton_mailgun.approval.channels import view
from maton_mailgun.approval.preview.document import Preview
from maton_mailgun.approval.preview.form_text import question
from maton_mailgun.approval.preview.terminal_text import unwrapped

_ENCODED = re.compile(
    r"\\u[0-9a-fA-F]{4}|%[0-9A-Fa-f]{2}|=[0-9A-F]{2}|[A-Za-z0-9+/=]{40,}|\b[\d,]+ (?:bytes|characters?)\b"
)
"""JSON escapes, percent signs, quoted-printable, base64, digests and sizes: nobody reads these."""
_DERIVED_PARTS = ("Warnings", "Not checked", "Earlier", "Facts", "As it is now", "Body", "Recipients")
"""Parts of the terminal's text that are made from what stands elsewhere, or were read from the account."""
_WHOLE_DIGEST = "Size and digest"
"""Of a ready message as a whole: it would change with anything in it, and tells nobody what."""
_DERIVED_LINES = ("Request: ", "Risk: ", "WARNING: ", "NOT CHECKED: ", "EARLIER: ", "Recipients: ", "Undo")
_DERIVED_KEYS = frozenset({"warnings", "unchecked", "history", "risk", "request", "covers", "size", "link_hosts"})


def screens(preview: Mapping[str, Any], *, digests: bool) -> dict[str, str]:
    """Each channel's text. With `digests`, those of files are read too: the one thing that tells of their content."""
    found = {"terminal": "\n".join(_terminal(preview)), "page": "\n".join(_page(preview))}
    if (form := question(preview)) is not None:
        found["form"] = "\n".join(_form(as_read(form.text)))
    return found if digests else {channel: _ENCODED.sub("□", text) for channel, text in found.items()}


def _terminal(preview: Mapping[str, Any]) -> Iterator[str]:
    derived = False
    blank = False
    for line in unwrapped(preview):
        if blank and not line.startswith(" "):
            derived = line in _DERIVED_PARTS
        blank = line == ""
        if not derived and not line.startswith((*_DERIVED_LINES, f"  {_WHOLE_DIGEST}: ")):
            yield line


def _form(text: str) -> Iterator[str]:
    """Without the part of the same names."""
    derived = False
    for line in text.split("\n"):
        if not line.startswith(("- ", "> ")):
            derived = line.rstrip(":") in _DERIVED_PARTS
            if line.startswith(_DERIVED_LINES):
                continue
        if not derived and not line.startswith(f"- {_WHOLE_DIGEST}: "):
            yield line


def _page(preview: Mapping[str, Any]) -> Iterator[str]:
    record = records.a_record(preview=preview)
    shown = view.detail(record, reveals=False)
    yield from _texts(_sections(shown["preview"]))
    yield from _texts(shown["message"])
    if message := preview.get("message"):
        shown_message = Preview.of({"message": message}).message
        assert shown_message is not None
        yield from _texts(view.bodies(shown_message))


def _sections(preview: dict[str, Any]) -> dict[str, Any]:
    kept = [part for part in preview["sections"] if part["heading"] not in _DERIVED_PARTS]
    for part in kept:
        part["rows"] = [row for row in part["rows"] if row["label"] != _WHOLE_DIGEST]
    return {**preview, "sections": kept}


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        for name, inner in part.items():
            if name not in _DERIVED_KEYS:
                yield name
                yield from _texts(inner)
    elif isinstance(part, list | tuple):
        for inner in part:
            yield from _texts(inner)
    else:
        yield str(part)

"""Letters of a text that depend on the program that shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from maton_mailgun.mail.charsets import contradicts, doubtful
from maton_mailgun.mail.mime_tree import MimePart
from maton_mailgun.mail.text import quoted

_META = re.compile(rb"<meta\b[^>]{0,500}?\bcharset\s*=\s*[\"']?\s*([^\s\"'/>;]{1,60})", re.IGNORECASE)


def letters_in_doubt(part: MimePart, charset: str, place: str) -> Iterator[str]:
    """Where programs that go by something else than the header of a text read other letters."""
    where = place.strip() or "the text"
    if doubtful(part.content, charset):
        yield (
            f"Some letters of {where} are none of {charset}: shown as Windows has them, and programs may show others "
            "or none."
        )
    if "html" in part.type:
        named = dict.fromkeys(found.decode("ascii", "replace") for found in _META.findall(part.content))
        for other in named:
            if contradicts(part.content, charset, other):  # guard: 88-meta
                said = f"says it is {quoted(other, 60)}, the message {quoted(charset or 'nothing', 60)}"
                yield (f"The HTML of {where} {said}: shown by the message, and programs may show other letters.")

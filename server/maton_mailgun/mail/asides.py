"""Words of a message that stand in no body of it: tooltips, titles, and what is read aloud."""

from __future__ import annotations

from collections.abc import Iterable

from maton_mailgun.mail.pieces import Piece

_SAID = (
    "title", "aria-label", "aria-description", "aria-roledescription", "aria-valuetext", "aria-placeholder",
    "aria-braillelabel", "aria-brailleroledescription", "label", "summary", "standby", "abbr", "prompt", "alt",
    "content", "xlink:title", "download",
)  # fmt: skip
"""Attributes with words: shown where one points at, where something is missing, or read aloud."""
_NAMES = frozenset(
    {"description", "title", "author", "og:title", "og:description", "twitter:title", "application-name"}
)
"""What a `meta` may say in words."""


def asides(pieces: Iterable[Piece]) -> tuple[str, ...]:
    """The texts in `pieces` that people may meet outside the words of the message, each once."""
    pieces = list(pieces)
    found: dict[str, None] = {}
    for piece in pieces:
        if piece.kind == "text" and piece.name == "title":
            found[" ".join(piece.text.split())] = None
        elif piece.kind == "start":
            for name in _SAID if piece.attributes else ():
                if (said := piece.attributes.get(name)) and (name != "content" or _is_said(piece)):
                    found[" ".join(said.split())] = None
    labels = {" ".join(piece.text.split()) for piece in pieces if piece.kind == "label"}
    return tuple(said for said in found if any(map(str.isalnum, said)) and said not in labels)


def _is_said(piece: Piece) -> bool:
    named = piece.attributes.get("name") or piece.attributes.get("property") or ""
    return piece.name == "meta" and named.strip().lower() in _NAMES

"""The words that newsletters hide for the list of an inbox, which shows the beginning of a message."""

from __future__ import annotations

import re
from dataclasses import replace

from maton_mailgun.mail.pieces import HIDDEN, PREHEADER, SHOWN, UNSHOWN, Piece, words

_OF_PREHEADERS = frozenset({"div", "span", "p", "td", "tr", "table", "tbody", "center", "font", "br", "b", "strong"})
"""Elements that may be in one."""
_LONGEST_PREHEADER = 400
"""Characters, without what fills the line behind it; inboxes show 140 at most."""


def with_preheader(pieces: list[Piece]) -> list[Piece]:
    """`pieces` with the preheader marked: hidden words without link or picture, before all that is shown."""
    first = next((at for at, piece in enumerate(pieces) if _says(piece) and piece.where == SHOWN), 0)
    before = [at for at, piece in enumerate(pieces[:first]) if piece.where == HIDDEN]
    blocks = [pieces[at] for at in before]
    odd = any(one.kind == "label" or (one.kind == "start" and one.name not in _OF_PREHEADERS) for one in blocks)
    said = re.sub(r"[\s\u034f\u00ad\u200b-\u200f\u2060\ufeff]+", " ", words(blocks))
    odd = odd or any(one.name == "details" for one in pieces[:first])
    if odd or len(said) > _LONGEST_PREHEADER or any(one.foreign for one in blocks):
        return pieces
    for at in before:
        pieces[at] = replace(pieces[at], where=PREHEADER)
    return pieces


def _says(piece: Piece) -> bool:
    """Whether `piece` has words that a browser shows somewhere."""
    shown = piece.kind == "label" or (piece.kind == "text" and piece.name not in UNSHOWN)
    return shown and any(character.isalnum() for character in piece.text)

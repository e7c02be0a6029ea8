"""What is read of HTML, piece by piece, in order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

SHOWN, HIDDEN, PREHEADER, SOME = "shown", "hidden", "preheader", "some programs only"

UNSHOWN = frozenset({"script", "style", "title", "iframe", "noembed", "noframes"})
"""Elements whose text a browser does not show."""

INLINE = frozenset(
    re.findall(
        r"\w+",
        "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr output q s samp small"
        " span strike strong sub sup time tt u var wbr",
    )
)
"""Elements that a browser draws in a line, as far as their names say."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A start tag, an end tag, text, or a label: words that stand in an attribute and are shown."""

    kind: str
    """start, end, text or label."""
    name: str = ""
    """The tag, lower case; for text and labels the element they stand in."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Of a start tag: lower-case names, decoded values."""
    text: str = ""
    where: str = SHOWN
    """`SHOWN`; `HIDDEN` where a style may hide it; `PREHEADER` where it is hidden as newsletters do with the words that
    are for the list of an inbox; `SOME` where only some programs show it."""
    foreign: bool = False
    """Whether it is an element of SVG or MathML, or stands right in one."""
    does: int = 0
    """Of a start tag: what styles do to it, as in `hiding` and `placing`; of a text only whether it can be judged."""

    @property
    def inline(self) -> bool:
        """Whether a browser draws it in a line, as far as its name says."""
        return self.name in INLINE


def words(pieces: Iterable[Piece], *where: str) -> str:
    """What is to be read of `pieces` that are shown `where` (everywhere by default), a line for each block."""
    parts: list[str] = []
    for piece in pieces:
        if piece.kind in {"start", "end"}:
            if piece.name not in INLINE:
                parts.append("\n")
        elif piece.name not in UNSHOWN and (not where or piece.where in where):
            parts.append(f" {piece.text} " if piece.kind == "label" else piece.text)
    lines = (" ".join(line.split()) for line in "".join(parts).split("\n"))
    return "\n".join(line for line in lines if line)


def styled(pieces: Iterable[Piece]) -> bool:
    """Whether a style may decide what is seen of `pieces`: no reading of styles foresees all that a browser does."""
    return any(piece.kind == "start" and (piece.name == "style" or "style" in piece.attributes) for piece in pieces)

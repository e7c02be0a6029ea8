"""What the style sheets of a message do that no reading of its words can foresee."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from maton_mailgun.mail.css_addresses import addresses, brought, respelled
from maton_mailgun.mail.css_rules import plain
from maton_mailgun.mail.data_urls import opened
from maton_mailgun.mail.pieces import Piece

_MEDIA = re.compile(r"@(?:media|import)([^{;]*+)")
_SAID = re.compile(r"\"(?:[^\"\\\n]|\\.)*+\"?|'(?:[^'\\\n]|\\.)*+'?|url\([^)\"']*+\)?", re.DOTALL)
_BY_MEDIA = (
    ("the width of the window", r"width|height|aspect-ratio|orientation|resolution|device"),
    ("light or dark colours", r"prefers-color-scheme"),
    ("what the reader prefers", r"prefers-(?!color-scheme)|forced-colors|inverted-colors|hover|pointer"),
    ("the program", r"-webkit-|-moz-|-ms-|scripting|display-mode|dynamic-range|color-gamut"),
    ("whether it is printed", r"\bprint\b|\bscreen\b(?!\s+and)"),
)
_BY_RULES = (
    ("the width of the window", r"@container"),
    ("light or dark colours", r"light-dark\("),
    ("the program", r"@supports"),
    ("whether it is printed", r"@page"),
    (
        "where the reader points or clicks",
        r":(?:target|hover|focus|active|checked|visited|indeterminate|open|popover-open|user-|has-slotted)",
    ),
    ("time", r"@(?:-\w+-)?keyframes"),
)
_COUNTED = re.compile(r"counter-(?:reset|set|increment)\s*:([^;}]*+)")
_MANY = re.compile(r"\d{2}|\(")
_DRAWS = re.compile(r"counters?\(|@counter-style|symbols\(")


@dataclass(frozen=True, slots=True)
class Styling:
    """What a person should know about the styles of a message."""

    depends: tuple[str, ...] = ()
    """What it looks different by."""
    fonts: bool = False
    """Whether it brings fonts, which may draw any letter as any other."""
    counts: bool = False
    """Whether it counts in ways of its own: numbers and signs that stand nowhere in it."""
    outside: bool = False
    """Whether a style sheet is loaded, which was not read."""


def styling(pieces: Iterable[Piece]) -> Styling:
    """The same of what was read of a body."""
    pieces = list(pieces)
    media, linked = [], False
    for piece in pieces:
        if piece.kind == "start" and piece.attributes:
            media.append(piece.attributes.get("media", "") or piece.attributes.get("sizes", ""))
            linked |= piece.name == "link" and _is_sheet(piece) and opened(piece.attributes["href"]) is None
    own = {piece.attributes["style"] for piece in pieces if piece.kind == "start" and piece.attributes.get("style")}
    sheets = [*style_elements(pieces), *own, *(f"@media {one}{{" for one in media if one)]
    css = respelled(plain("\n".join([*sheets, *_brought(pieces, sheets)]))).lower()
    depends = list(_depends(css))  # guard: 126-depends
    return Styling(
        depends=tuple(depends),
        fonts="@font-face" in css,
        counts=_counts(css),
        outside=linked or any(_remote(sheet) for sheet in sheets),
    )


def _depends(css: str) -> Iterator[str]:
    media = "\n".join(dict.fromkeys(_MEDIA.findall(_SAID.sub("", css))))
    given = {what for what, pattern in _BY_MEDIA if re.search(pattern, media)}
    if not given and re.search(r"\w", re.sub(r"\b(?:all|only|and|screen)\b", "", media)):
        given.add("the program")
    given |= {what for what, pattern in _BY_RULES if re.search(pattern, css)}
    yield from (what for what in dict.fromkeys(what for what, _ in (*_BY_MEDIA, *_BY_RULES)) if what in given)


def _counts(css: str) -> bool:
    counted = any(_MANY.search(said) for said in _COUNTED.findall(css))
    return counted or _DRAWS.search(css) is not None


def _is_sheet(piece: Piece) -> bool:
    return "stylesheet" in piece.attributes.get("rel", "").lower() and bool(piece.attributes.get("href"))


def _remote(sheet: str) -> bool:
    if "import" not in (css := respelled(sheet).lower()):
        return False
    return "@import" in plain(css) and any(opened(one) is None for one in addresses(css))


def _brought(pieces: Iterable[Piece], sheets: Iterable[str]) -> Iterator[str]:
    named = [piece.attributes["href"] for piece in pieces if piece.kind == "start" and _is_sheet(piece)]
    return brought([*named, *(one for sheet in sheets if "data:" in sheet.lower() for one in addresses(sheet))])


def style_elements(pieces: Iterable[Piece]) -> Iterator[str]:
    """What stands in each `style` element. In SVG it may hold comments and elements, and what is right in it counts."""
    open_ones: list[tuple[int, list[str]]] = []
    depth = 0
    for piece in pieces:
        match piece.kind:
            case "start":
                depth += 1
                if piece.name == "style":
                    open_ones.append((depth, []))
            case "end":
                if open_ones and piece.name == "style" and open_ones[-1][0] == depth:
                    yield "".join(open_ones.pop()[1])
                depth -= 1
            case "text" if open_ones and piece.name == "style":
                if open_ones[-1][0] == depth:
                    open_ones[-1][1].append(piece.text)
                else:
                    yield piece.text
    yield from ("".join(parts) for _, parts in open_ones)

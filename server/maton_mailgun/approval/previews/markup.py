"""HTML taken apart in one pass, in time proportional to its length whatever it holds.

The standard library's parser needs quadratic time for some malformed tags, which a hostile body could use to stop the
server; here every character is looked at once. Reads tags the way browsers do (HTML standard, section 13.2.5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape

_NAME = re.compile(r"[a-zA-Z][^\s/>]*")
_SPACE = re.compile(r"[\s/]*")
_ATTRIBUTE = re.compile(r"[^\s/>][^\s/>=]*")
_EQUALS = re.compile(r"\s*=\s*")
_BARE = re.compile(r"[^\s>]*")
_RAW = frozenset({"script", "style", "title", "textarea", "xmp"})
"""Elements whose content is text; `noscript` is none of them, because mail programs run no script."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A start tag, an end tag, or text."""

    kind: str
    """start, end or text."""
    name: str = ""
    """The tag, lower case; for text the raw element it stands in (script, style ...), or the empty string."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Of a start tag: lower-case names, decoded values; the first of equal names counts."""
    text: str = ""


def pieces(source: str) -> Iterator[Piece]:
    """Everything in `source` in its order, comments and declarations left out. Never fails."""
    position = 0
    while position < len(source):
        opening = source.find("<", position)
        if opening < 0:
            yield Piece("text", text=unescape(source[position:]))
            return
        if opening > position:
            yield Piece("text", text=unescape(source[position:opening]))
        closes = source.startswith("/", opening + 1)
        if source.startswith("<!--", opening):
            position = _after(source, "-->", opening + 4)
        elif source.startswith(("<!", "<?"), opening):
            position = _after(source, ">", opening + 2)
        elif name := _NAME.match(source, opening + 1 + closes):
            attributes, position = _attributes(source, name.end())
            tag = name[0].lower()
            if closes:
                yield Piece("end", tag)
                continue
            yield Piece("start", tag, attributes)
            if tag in _RAW:
                end = _end_of_raw(source, tag, position)
                yield Piece("text", tag, text=source[position:end])
                position = end
        elif closes:
            position = _after(source, ">", opening + 2)
        else:
            yield Piece("text", text="<")
            position = opening + 1


def _attributes(source: str, position: int) -> tuple[dict[str, str], int]:
    """The attributes from `position` on, and where the tag ends."""
    found: dict[str, str] = {}
    while True:
        position = _end(_SPACE.match(source, position), position)
        if position >= len(source):
            return found, position
        if source[position] == ">":
            return found, position + 1
        named = _ATTRIBUTE.match(source, position)
        name = source[position] if named is None else named[0].lower()
        position = position + 1 if named is None else named.end()
        equals = _EQUALS.match(source, position)
        value = ""
        if equals is not None:
            value, position = _value(source, equals.end())
        found.setdefault(name, unescape(value))


def _value(source: str, position: int) -> tuple[str, int]:
    quote = source[position : position + 1]
    if quote and quote in "\"'":
        end = source.find(quote, position + 1)
        # A quotation mark that never closes swallows the rest, as it does in a browser.
        return (source[position + 1 :], len(source)) if end < 0 else (source[position + 1 : end], end + 1)
    bare = _BARE.match(source, position)
    return ("", position) if bare is None else (bare[0], bare.end())


def _end_of_raw(source: str, tag: str, position: int) -> int:
    found = re.compile(f"</{tag}(?=[\\s/>])", re.IGNORECASE).search(source, position)
    return len(source) if found is None else found.start()


def _after(source: str, mark: str, position: int) -> int:
    found = source.find(mark, position)
    return len(source) if found < 0 else found + len(mark)


def _end(match: re.Match[str] | None, otherwise: int) -> int:
    return otherwise if match is None else match.end()

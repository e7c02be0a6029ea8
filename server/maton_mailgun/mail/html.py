"""HTML taken apart in one pass, in time proportional to its length whatever it holds.

The standard library's parser needs minutes for some malformed texts of 160 kB, and a message body is written by whoever
wants to be approved; here every character is looked at once. Tags are read the way browsers read them (HTML standard,
section 13.2.5), and to the letter where a difference could hide part of a message from one of the two that read it:
what is white space, where a comment ends, which elements hold text.
"""

from __future__ import annotations

import html
import re
import string
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

RAW = frozenset({"script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"})
"""Elements whose content is text; `noscript` is none of them, because mail programs run no script."""

# White space is the standard's: `\s` knows more of it, and a no-break space before a quotation mark would make that
# mark swallow what a browser shows.
_NAME = re.compile(r"[a-zA-Z][^ \t\n\f\r/>]*")
_BETWEEN = re.compile(r"[ \t\n\f\r/]*")
_ATTRIBUTE = re.compile(r"[^ \t\n\f\r/>][^ \t\n\f\r/>=]*")
_EQUALS = re.compile(r"[ \t\n\f\r]*=[ \t\n\f\r]*")
_BARE = re.compile(r"[^ \t\n\f\r>]*")
_END_OF_COMMENT = re.compile(r"--!?>")
# Without re.ASCII a long s would be an s, and `</\u017fcript>` the end of a script that goes on.
_END_OF_RAW = {name: re.compile(rf"</{name}(?=[ \t\n\f\r/>])", re.IGNORECASE | re.ASCII) for name in RAW}
_NUMBER = re.compile(r"&#(?:([0-9]+)|([xX])([0-9a-fA-F]+));?")
_MOST_DIGITS = 7  # of the last character, 1114111
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


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
    """Of a text: decoded, unless it stands in a raw element."""


def displayed(source: str) -> Iterator[Piece]:
    """The pieces of `source` that a browser goes by. A tag that the text ends in is none; NUL becomes U+FFFD."""
    return pieces(source.replace("\x00", "\ufffd"), unfinished=False)


def pieces(source: str, *, raw: Collection[str] = RAW, unfinished: bool = True) -> Iterator[Piece]:
    """Everything in `source` in its order, comments and declarations left out. Never fails.

    Args:
        source: HTML of any kind.
        raw: Those of `RAW` whose content is text; that of the others is taken apart as well.
        unfinished: Whether a tag that the text ends in is a piece. For a browser it is none; but where a mail program
            puts the text into a page of its own, the tag goes on.
    """
    position = 0
    while position < len(source):
        opening = source.find("<", position)
        if opening < 0:
            yield Piece("text", text=unescape(source[position:]))
            return
        if opening > position:
            yield Piece("text", text=unescape(source[position:opening]))
        closes = source.startswith("/", opening + 1)
        if name := _NAME.match(source, opening + 1 + closes):
            attributes, position, finished = _attributes(source, name.end())
            tag = name[0].translate(_LOWER)
            if not (finished or unfinished):
                return
            yield Piece("end", tag) if closes else Piece("start", tag, attributes)
            if tag in raw and not closes:
                end = _end_of_raw(source, tag, position)
                yield Piece("text", tag, text=source[position:end])
                position = end
        elif closes or source.startswith(("!", "?"), opening + 1):
            position = _after_comment(source, opening)
        else:
            yield Piece("text", text="<")
            position = opening + 1


def unescape(text: str) -> str:
    """`text` with its character references resolved, however many digits they have."""
    if "&" not in text:
        return text
    return html.unescape(_NUMBER.sub(_bounded, text))


def _bounded(found: re.Match[str]) -> str:
    """A numeric reference without leading zeros: the standard library gives up on thousands of digits."""
    digits = (found[1] or found[3]).lstrip("0")
    return "\ufffd" if len(digits) > _MOST_DIGITS else f"&#{found[2] or ''}{digits or '0'};"


def _attributes(source: str, position: int) -> tuple[dict[str, str], int, bool]:
    """The attributes from `position` on, where the tag ends, and whether it does so before the text."""
    found: dict[str, str] = {}
    while True:
        position = _skip(_BETWEEN, source, position)
        named = _ATTRIBUTE.match(source, position)
        if named is None:
            return found, position + 1, position < len(source)
        value, position = _value(source, named.end())
        found.setdefault(named[0].translate(_LOWER), unescape(value))


def _value(source: str, position: int) -> tuple[str, int]:
    """The value after an attribute's name, empty where there is none, and where it ends."""
    equals = _EQUALS.match(source, position)
    if equals is None:
        return "", position
    position = equals.end()
    quote = source[position : position + 1]
    if quote and quote in "\"'":
        end = source.find(quote, position + 1)
        # A quotation mark that never closes swallows the rest, as it does in a browser.
        return (source[position + 1 :], len(source)) if end < 0 else (source[position + 1 : end], end + 1)
    end = _skip(_BARE, source, position)
    return source[position:end], end


def _end_of_raw(source: str, tag: str, position: int) -> int:
    found = _END_OF_RAW[tag].search(source, position)
    return len(source) if found is None else found.start()


def _after_comment(source: str, opening: int) -> int:
    """Where the comment, declaration or broken end tag at `opening` ends; one that does not swallows the rest."""
    if not source.startswith("<!--", opening):
        return source.find(">", opening) + 1 or len(source)
    for short in ("<!-->", "<!--->"):
        if source.startswith(short, opening):
            return opening + len(short)
    found = _END_OF_COMMENT.search(source, opening + 4)
    return len(source) if found is None else found.end()


def _skip(pattern: re.Pattern[str], source: str, position: int) -> int:
    found = pattern.match(source, position)
    return position if found is None else found.end()

"""HTML taken apart in one pass whose time grows with its length and nothing else.

The standard library's parser needs minutes for some malformed texts of 160 kB, and a message body is written by
whoever wants to be approved. What comes out is only ever shown or rebuilt from an allow-list, so where this reads a
broken text differently from a browser, the worst case is that it looks different.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

RAW = frozenset({"script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"})
"""Elements whose content is not markup."""

_NAME = re.compile(r"[a-zA-Z][^\s/>]*")
_BETWEEN = re.compile(r"[\s/]*")
_ATTRIBUTE = re.compile(r"[^\s/>][^\s/>=]*")
_EQUALS = re.compile(r"\s*=\s*")
_BARE_VALUE = re.compile(r"[^\s>]*")
_END_OF_COMMENT = re.compile(r"--!?>")
_END_OF_RAW = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in RAW}
_LONG_REFERENCE = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{7,});?")
"""Beyond any character; the standard library would try to convert thousands of digits and give up with an error."""


@dataclass(frozen=True, slots=True)
class Text:
    """Characters between tags, references resolved."""

    data: str


@dataclass(frozen=True, slots=True)
class Start:
    """An opening tag; names in lower case, the first of repeated attributes."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class End:
    """A closing tag."""

    name: str


@dataclass(frozen=True, slots=True)
class RawText:
    """What a script, style or similar element holds."""

    name: str
    data: str


Token = Text | Start | End | RawText


def tokens(markup: str) -> Iterator[Token]:
    """The tags and texts of `markup` in order. Comments and declarations are left out; an unfinished one, and an
    unfinished tag, end the text as they do in a browser."""
    markup = markup.replace("\x00", "\ufffd")
    position = 0
    while position < len(markup):
        opening = markup.find("<", position)
        if opening < 0:
            yield Text(unescape(markup[position:]))
            return
        if opening > position:
            yield Text(unescape(markup[position:opening]))
        following = markup[opening + 1 : opening + 2]
        if following.isascii() and following.isalpha():
            tag, position = _start(markup, opening + 1)
            if tag is None:
                return
            yield tag
            if tag.name in RAW:
                raw, position = _raw(markup, position, tag.name)
                yield raw
        elif following == "/" and _NAME.match(markup, opening + 2):
            name, position = _end(markup, opening + 2)
            if position < 0:
                return
            yield End(name)
        elif following and following in "!?/":
            position = _after_comment(markup, opening)
            if position < 0:
                return
        else:
            yield Text("<")
            position = opening + 1


def unescape(text: str) -> str:
    """`text` with its character references resolved."""
    if "&" not in text:
        return text
    return html.unescape(_LONG_REFERENCE.sub("\ufffd", text))


def _start(markup: str, position: int) -> tuple[Start | None, int]:
    name = _NAME.match(markup, position)
    if name is None:
        return None, len(markup)
    position = name.end()
    attributes: dict[str, str] = {}
    while True:
        position = _skip(_BETWEEN, markup, position)
        if position >= len(markup):
            return None, position
        if markup[position] == ">":
            return Start(name.group().lower(), attributes), position + 1
        found = _ATTRIBUTE.match(markup, position)
        if found is None:
            return None, len(markup)
        value, position = _value(markup, found.end())
        if value is None:
            return None, len(markup)
        attributes.setdefault(found.group().lower(), unescape(value))


def _value(markup: str, position: int) -> tuple[str | None, int]:
    """The value after an attribute's name, empty where there is none; None where its quote never closes."""
    equals = _EQUALS.match(markup, position)
    if equals is None:
        return "", position
    position = equals.end()
    quote = markup[position : position + 1]
    if quote and quote in "\"'":
        closing = markup.find(quote, position + 1)
        return (None, closing) if closing < 0 else (markup[position + 1 : closing], closing + 1)
    end = _skip(_BARE_VALUE, markup, position)
    return markup[position:end], end


def _end(markup: str, position: int) -> tuple[str, int]:
    name = _NAME.match(markup, position)
    closing = markup.find(">", position)
    return (name.group().lower() if name else ""), (closing + 1 if closing >= 0 else -1)


def _raw(markup: str, position: int, name: str) -> tuple[RawText, int]:
    end = _END_OF_RAW[name].search(markup, position)
    if end is None:
        return RawText(name, markup[position:]), len(markup)
    return RawText(name, markup[position : end.start()]), end.start()


def _after_comment(markup: str, opening: int) -> int:
    if not markup.startswith("<!--", opening):
        return markup.find(">", opening) + 1 or -1
    for short in ("<!-->", "<!--->"):
        if markup.startswith(short, opening):
            return opening + len(short)
    end = _END_OF_COMMENT.search(markup, opening + 4)
    return end.end() if end else -1


def _skip(pattern: re.Pattern[str], markup: str, position: int) -> int:
    found = pattern.match(markup, position)
    return found.end() if found else position

"""Long lines in lines of a width that nothing breaks again. Nothing is lost: joined again they are the same text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

_WORD = re.compile(r" *[^ ]+| +$")

_WIDE = frozenset(map(chr, (*range(0x2630, 0x2638), *range(0x268A, 0x2690), *range(0x4DC0, 0x4E00))))
"""Two columns since Unicode 16, and one for a Python that knows earlier ones only (EastAsianWidth.txt)."""


def fold(text: str, *, begin: str, hang: str, width: int) -> Iterator[str]:
    """`text` in lines of at most `width` columns beside the blanks at their ends, broken behind blanks where there are
    some. Each character is looked at once.

    Args:
        begin: Stands before the first line.
        hang: Stands before each continuation.
    """
    line, used, begun = [begin], _width(begin), False
    for word in _WORD.findall(text):
        wide = _width(word)
        if begun and used + wide > width:
            bare = word.lstrip(" ")
            line.append(word[: len(word) - len(bare)])
            yield "".join(line)
            line, used = [hang], _width(hang)
            word, wide = bare, _width(bare)
        if used + wide <= width:
            line.append(word)
            used += wide
        else:
            for character in word:
                columns = _columns(character)
                if used + columns > width:
                    yield "".join(line)
                    line, used = [hang], _width(hang)
                line.append(character)
                used += columns
        begun = True
    yield "".join(line)


def cut_to(text: str, width: int) -> str:
    """The first line that `fold` makes of `text`, with … where more follows: at most `width` columns."""
    first, *more = fold(text, begin="", hang="", width=width)
    if not more:
        return first
    first, *_ = fold(text, begin="", hang="", width=width - 2)
    return f"{first.rstrip()} …"


def _width(text: str) -> int:
    return len(text) if text.isascii() else sum(map(_columns, text))


@cache
def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    if character in _WIDE:  # guard: 151-wide
        return 2
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1

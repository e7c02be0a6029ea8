"""How one text became another, word by word: what a person, and a model, reads of a change.

Blanks and single signs count as words, so that the pieces, one behind another, are the whole of both texts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import Match, SequenceMatcher
from itertools import accumulate
from typing import Literal

Kind = Literal["same", "out", "in"]
Piece = tuple[Kind, str]
"""A stretch of text that is in both, in the earlier one alone, or in the later one alone."""

MOST_WORDS = 1_200
"""Of each text, between what begins and ends alike: comparing takes the product of both. More are told as replaced."""
_WORDS = re.compile(r"[\w.+%-]{1,64}@[\w.-]{1,255}|\w+|\s+|[^\w\s]")
"""An address is one word: half of one that changed says little."""
_MARKS = re.compile(r"\[-|-\]|\{\+|\+\}")
MOST_LOOKS = 8_000_000
"""Pairs of the same word that are looked at; about a second. Few words again and again in another order would take
minutes."""
_AROUND = 24
"""Characters of what is the same that stand beside a change."""


def word_diff(before: str, after: str) -> list[Piece]:
    """The pieces of both texts in their order; what goes stands before what comes in its place."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    begin = _alike(old, new)
    end = _alike(old[begin:][::-1], new[begin:][::-1])
    inner_old, inner_new = old[begin : len(old) - end], new[begin : len(new) - end]
    middle = _compared(inner_old, inner_new) if max(len(inner_old), len(inner_new)) <= MOST_WORDS else None
    pieces: list[Piece] = [("same", "".join(old[:begin]))]
    pieces += middle if middle is not None else [("out", "".join(inner_old)), ("in", "".join(inner_new))]
    pieces.append(("same", "".join(old[len(old) - end :])))
    return [piece for piece in pieces if piece[1]]


def before_of(pieces: Iterable[Piece]) -> str:
    """The earlier text."""
    return "".join(text for kind, text in pieces if kind != "in")


def marked(pieces: Sequence[Piece], limit: int) -> str:
    """The change in one text as `git diff --word-diff` has it: `[-gone-]{+come+}`, with a little of what is around it.
    The marks themselves cannot stand in the words: a blank parts them there."""
    told = "".join(_marked(pieces))
    return told if len(told) <= limit else f"{told[:limit]}…"


def _alike(old: Sequence[str], new: Sequence[str]) -> int:
    """How many words both begin with."""
    for number, (one, other) in enumerate(zip(old, new, strict=False)):
        if one != other:
            return number
    return min(len(old), len(new))


class _TooLong(Exception):
    """It would take too long to say how one text became the other."""


class _Bounded(SequenceMatcher[str]):
    """Compares until so many pairs were looked at. Raises _TooLong."""

    def __init__(self, old: Sequence[str], new: Sequence[str]) -> None:
        super().__init__(None, old, new, autojunk=False)
        often = Counter(new)
        self._pairs = [0, *accumulate(often[word] for word in old)]
        self._left = MOST_LOOKS

    def find_longest_match(self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None) -> Match:
        self._left -= self._pairs[-1 if ahi is None else ahi] - self._pairs[alo]
        if self._left < 0:  # guard: 424-looks
            raise _TooLong
        return super().find_longest_match(alo, ahi, blo, bhi)


def _compared(old: Sequence[str], new: Sequence[str]) -> list[Piece] | None:
    pieces: list[Piece] = []
    try:
        steps = _Bounded(old, new).get_opcodes()
    except _TooLong:
        return None
    for tag, a, b, c, d in steps:
        gone, come = "".join(old[a:b]), "".join(new[c:d])
        pieces += [("same", gone)] if tag == "equal" else [("out", gone), ("in", come)]
    return _joined(pieces)


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    """A blank that stayed between two changes belongs to them: a sentence that is new reads as one change."""
    joined: list[Piece] = []
    gone = come = ""
    for number, (kind, text) in enumerate(pieces):
        between = kind == "same" and text.isspace() and (gone or come) and number + 1 < len(pieces)
        if kind == "same" and not between:
            joined += [("out", gone), ("in", come), (kind, text)]
            gone = come = ""
        else:
            gone += text if kind != "in" else ""
            come += text if kind != "out" else ""
    return [*joined, ("out", gone), ("in", come)]


def _marked(pieces: Sequence[Piece]) -> Iterator[str]:
    for number, (kind, text) in enumerate(pieces):
        words = _MARKS.sub(lambda found: f"{found[0][0]} {found[0][1]}", text)  # guard: 292-marks
        if kind == "out":
            yield f"[-{words}-]"
        elif kind == "in":
            yield f"{{+{words}+}}"
        elif len(words) <= 2 * _AROUND + 1:
            yield words
        else:
            head = words[:_AROUND] if number else ""
            tail = words[-_AROUND:] if number + 1 < len(pieces) else ""
            yield f"{head}…{tail}"

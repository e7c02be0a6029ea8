"""Tags of a template in its source: Handlebars' (its grammar, handlebars.l), and the comments of Go's templates."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_COMMENT = re.compile(r"\{\{(?:(?P<long>~?!--)|(?P<short>~?!)|(?P<go>-?[ \t]{0,9}/\*))")
_ENDS = {
    "long": re.compile(r"--~?\}\}"),
    "short": re.compile(r"\}\}"),
    "go": re.compile(r"\*/[ \t]{0,9}-?\}\}"),
}
_TAG = re.compile(r"\{{2,4}(?:\"[^\"]*\"|'[^']*'|\[[^\]{}]*\]|[^{}\"'\[])*+\}{2,4}|\{{2,4}[^{}]*\}{2,4}")
_RUN = re.compile(r"\{{2,}")
_MOST_BRACES = 4
_INSIDE = re.compile(r"\{{2,4}[~\s-]*(!|/\*|[#^/&>*]?)[~\s*]*([^\s{}~()]*)")
_WORDS_OF_BLOCKS = frozenset({"else", "end", "if", "range", "with", "block", "define"})
NOTHING = "{{}}"
"""What stands for a tag of which nothing is left when the template is filled in."""


@dataclass(frozen=True, slots=True)
class TemplateTag:
    """One tag."""

    text: str
    start: int
    end: int
    sign: str
    """`#`, `^`, `/`, `&`, `>`, `!` for a comment, or the empty string."""
    word: str
    """What it names first."""

    @property
    def whole(self) -> bool:
        """Whether its value arrives as it is, unescaped."""
        return self.sign == "&" or (self.text.startswith("{{{") and not self.text.startswith("{{{{"))

    @property
    def shows(self) -> bool:
        """Whether a value stands in its place."""
        return self.sign in {"", "&"} and self.word not in _WORDS_OF_BLOCKS and not self.text.startswith("{{{{")


def tags(source: str) -> Iterator[TemplateTag]:
    """Every tag in `source`."""
    for start, end in _spans(source):
        text = source[start:end]
        told = _INSIDE.match(text)
        sign, word = (told[1], told[2]) if told else ("", "")
        comment = sign in {"!", "/*"}
        yield TemplateTag(text, start, end, "!" if comment else sign, "" if comment else word)


def _spans(source: str) -> Iterator[tuple[int, int]]:
    endless: set[str] = set()
    position = 0
    while run := _RUN.search(source, position):
        start = max(run.start(), run.end() - _MOST_BRACES)
        end = _end(source, start, endless)
        if end:
            yield start, end
        position = end or run.end()


def _end(source: str, start: int, endless: set[str]) -> int:
    """Where the tag ends that begins at `start`, or 0; `endless` are kinds of comments that nothing ends any more."""
    comment = _COMMENT.match(source, start)
    kind = comment.lastgroup if comment is not None else None
    for one in ("long", "short") if kind == "long" else (kind,) if kind else ():
        if one in endless:
            continue
        if found := _ENDS[one].search(source, start + 3):
            return found.end()
        endless.add(one)
    tag = _TAG.match(source, start)
    return tag.end() if tag is not None else 0


def filled_blank(source: str) -> str:
    """`source` without what its comments and blocks say of themselves: what is in all branches stays, and values."""
    return _replaced(source, lambda tag: tag.text if tag.shows else NOTHING)


def around(text: str) -> list[str]:
    """The pieces of `text` before, between and behind its tags."""
    pieces, start = [], 0
    for begun, end in _spans(text):
        pieces.append(text[start:begun])
        start = end
    return [*pieces, text[start:]]


def _replaced(source: str, by: Callable[[TemplateTag], str]) -> str:
    pieces, start = [], 0
    for tag in tags(source):
        pieces += [source[start : tag.start], by(tag)]
        start = tag.end
    return "".join([*pieces, source[start:]])

"""Whether a text can be read as HTML in little time: found out in one pass, before any parser sees it.

Parsers of the HTML standard need time that grows with depth times length, with the square of the attributes of a tag,
and with the number of formatting elements that were never closed times that of the blocks behind them. What is counted
here is never less than what the parser will meet: where another reading of the text is possible (in SVG a `style` holds
markup), no end tag counts any more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MOST_TAGS = 24_000
MOST_ATTRIBUTES = 200
"""Of one tag."""
_MOST_OF_THE_PAGE = 1_000
"""Attributes of all tags `html` and `body`: they are gathered on one element."""
_MOST_FORMATTING = 1_000
_MOST_DOUBTFUL = 10_000
"""Words behind the place from which on it is open what is a tag: all may be attributes of one."""
_DEPTH_TIMES_TAGS = 50_000_000
_FORMATTING_TIMES_TAGS = 1_000_000
_MOST_IMPLIED = 3
"""Elements that end with the one around them, closed at once."""

_FORMATTING = frozenset("a b big code em font i nobr s small strike strong tt u".split())  # noqa: SIM905
_IMPLIED = frozenset(["p", "li", "dd", "dt", "option", "optgroup", "rb", "rp", "rt", "rtc"])
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())  # noqa: SIM905
_PAGE = frozenset({"html", "head", "body"})
_NEVER_CLOSED = frozenset({"form"})
"""Its end tag closes nothing when another one went before."""
_RAW = frozenset({"script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"})
_DOUBTFUL = re.compile(r"(?i)<(?:svg|math|select|frameset|plaintext|!\[CDATA\[)")

_NEXT = re.compile(r"<(?:(!--)|(/?)([a-zA-Z][^ \t\n\f\r/>]*)|([!?/]))")
_BETWEEN = re.compile(r"[ \t\n\f\r/]*")
_ATTRIBUTE = re.compile(r"[^ \t\n\f\r/>][^ \t\n\f\r/>=]*(?:[ \t\n\f\r]*(=)[ \t\n\f\r]*)?")
_BARE = re.compile(r"[^ \t\n\f\r>]*")
_END_OF_COMMENT = re.compile(r"--!?>")
# Without re.ASCII a long s would be an s, and `</\u017fcript>` the end of a script that goes on.
_END_OF_RAW = {name: re.compile(rf"</{name}(?=[ \t\n\f\r/>])", re.IGNORECASE | re.ASCII) for name in _RAW}
_START = re.compile(r"<([a-zA-Z][^ \t\n\f\r/>]*)")
_WORD_END = re.compile(r"[ \t\n\f\r/\"']+")

DEEP = "nested too deep to be read"
MANY = f"more than {MOST_TAGS:,} tags, too many to be read"
ATTRIBUTES = "a tag with too many attributes to be read"
UNCLOSED = "too many elements that are never closed to be read"


def why_too_costly(source: str) -> str:
    """Why `source` must not be given to a parser, in words; the empty string where it may."""
    tags = source.count("<")
    if tags > MOST_TAGS:
        return MANY
    doubtful = _DOUBTFUL.search(source)
    sure, doubt = (source, "") if doubtful is None else (source[: doubtful.start()], source[doubtful.start() :])
    counted = _Count()
    rest = counted.read(sure)
    return counted.problem or counted.add(rest + doubt if rest else doubt) or counted.judge(tags)


@dataclass(slots=True)
class _Count:
    open: list[str] = field(default_factory=list)
    deepest: int = 0
    formatting: int = 0
    most_formatting: int = 0
    of_the_page: int = 0
    problem: str = ""

    def read(self, source: str) -> str:
        """Count the tags of `source`; return what could not be told apart because it ends within something."""
        position = 0
        while found := _NEXT.search(source, position):
            comment, closes, name, other = found.groups()
            if comment:
                position = _after_comment(source, found.start())
            elif other:
                position = source.find(">", found.start()) + 1
            else:
                position = self._tag(source, name.lower(), bool(closes), found.end())
            if position <= 0 or self.problem:
                return source[found.start() :]
        return ""

    def _tag(self, source: str, name: str, closes: bool, position: int) -> int:
        """Where reading goes on behind a tag whose name ends at `position`; 0 where it does not end."""
        position, attributes = _attributes(source, position)
        self.of_the_page += attributes if name in _PAGE else 0
        if attributes > MOST_ATTRIBUTES or self.of_the_page > _MOST_OF_THE_PAGE:
            self.problem = ATTRIBUTES
        if closes:
            self._close(name)
            return position
        self._open(name)
        if name not in _RAW or not position:
            return position
        end = _END_OF_RAW[name].search(source, position)
        if end is None or (name == "script" and "<!--" in source[position : end.start()]):
            return 0
        return end.start()

    def _open(self, name: str) -> None:
        if name not in _PAGE and name not in _VOID:
            self.open.append(name)
            self.deepest = max(self.deepest, len(self.open))
            self.formatting += name in _FORMATTING
            self.most_formatting = max(self.most_formatting, self.formatting)

    def _close(self, name: str) -> None:
        """Only what is certain to be closed: the innermost element, or one that holds nothing but what ends with it."""
        if name in _NEVER_CLOSED:
            return
        at = len(self.open) - 1
        if name not in _FORMATTING:
            lowest = at - _MOST_IMPLIED
            while at > max(lowest, -1) and self.open[at] != name and self.open[at] in _IMPLIED:
                at -= 1
        if at >= 0 and self.open[at] == name:
            del self.open[at:]
            self.formatting -= name in _FORMATTING

    def add(self, doubt: str) -> str:
        """Count every tag that `doubt` may start, and none that it may end."""
        if not doubt:
            return ""
        if len(_WORD_END.findall(doubt)) > _MOST_DOUBTFUL:
            return ATTRIBUTES
        names = [name.lower() for name in _START.findall(doubt)]
        self.deepest = max(self.deepest, len(self.open) + len(names))
        self.most_formatting = max(self.most_formatting, self.formatting + sum(name in _FORMATTING for name in names))
        return ""

    def judge(self, tags: int) -> str:
        if self.deepest * tags > _DEPTH_TIMES_TAGS:
            return DEEP
        if self.most_formatting > _MOST_FORMATTING or self.most_formatting * tags > _FORMATTING_TIMES_TAGS:
            return UNCLOSED
        return ""


def _attributes(source: str, position: int) -> tuple[int, int]:
    """Where a tag ends, 0 where it does not, and how many attributes it has."""
    number = 0
    while number <= MOST_ATTRIBUTES:
        between = _BETWEEN.match(source, position)
        position = between.end() if between else position
        named = _ATTRIBUTE.match(source, position)
        if named is None:
            return (position + 1 if position < len(source) else 0), number
        number += 1
        position = named.end()
        if not named[1]:
            continue
        quote = source[position : position + 1]
        if quote and quote in "\"'":
            position = source.find(quote, position + 1) + 1
            if not position:
                return 0, number
        else:
            bare = _BARE.match(source, position)
            position = bare.end() if bare else position
    return position, number


def _after_comment(source: str, opening: int) -> int:
    """Where the comment at `opening` ends, 0 where it does not."""
    for short in ("<!-->", "<!--->"):
        if source.startswith(short, opening):
            return opening + len(short)
    found = _END_OF_COMMENT.search(source, opening + 4)
    return 0 if found is None else found.end()

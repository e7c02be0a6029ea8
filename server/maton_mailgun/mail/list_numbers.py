"""The numbers that browsers put before the entries of lists, where they are no plain count."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

LISTS = frozenset({"ol", "ul", "menu", "dir"})
_NUMBER = re.compile(r"[ \t\n\f\r]*([+-]?\d{1,20})", re.ASCII)
_MOST = 2**31 - 1
_LATIN = "abcdefghijklmnopqrstuvwxyz"
_GREEK = "αβγδεζηθικλμνξοπρστυφχψω"
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
          (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip
_MOST_ROMAN = 3999
_TYPES = {"a": "lower-alpha", "A": "upper-alpha", "i": "lower-roman", "I": "upper-roman"}


@dataclass(slots=True)
class Numbers:
    """How far one list has counted."""

    all: int = 0
    """With every entry so far."""
    shown: int = 0
    """Without those that may be hidden."""
    step: int = 1
    odd: bool = False
    """Whether it counts otherwise than 1, 2, 3."""
    drawn: str = ""
    """What says how its numbers are drawn, if it has its own way."""

    def next(self, attributes: Mapping[str, str], *, hidden: bool) -> list[str]:
        """What may stand before an entry with these attributes; nothing in a list that counts 1, 2, 3."""
        given = _number(attributes.get("value", ""))
        if given is not None:
            self.all = self.shown = given
            self.odd = True
        else:
            self.all += self.step
            self.shown += 0 if hidden else self.step
        if not self.odd:
            return []
        drawn = self.drawn + _drawn(attributes)
        return [form for number in dict.fromkeys((self.all, self.shown)) for form in _forms(number, drawn)]


def of(node: LexborNode, name: str, attributes: Mapping[str, str], sheets: str) -> Numbers:
    """The numbers of a list (HTML, "ordinal value"); `sheets` is what style sheets say about how lists are drawn."""
    given = _number(attributes.get("start", "")) if name == "ol" else None
    back = name == "ol" and "reversed" in attributes
    step = -1 if back else 1
    first = given if given is not None else _entries(node) if back else 1
    return Numbers(first - step, first - step, step, given is not None or back, sheets + _drawn(attributes))


def _number(given: str) -> int | None:
    found = _NUMBER.match(given)
    return int(found[1]) if found and abs(int(found[1])) <= _MOST else None


def ways(css: str) -> str:
    """Of all that `css` says, how it has numbers drawn."""
    return " ".join(set(re.findall(r"(?:lower|upper)-(?:alpha|latin|roman|greek)", css.lower())))


def _drawn(attributes: Mapping[str, str]) -> str:
    return f" {_TYPES.get(attributes.get('type', '').strip(), '')} {ways(attributes.get('style', ''))}"


def _forms(number: int, drawn: str) -> Iterator[str]:
    yield str(number)
    for kind, written in (("alpha|latin", _letters(number, _LATIN)), ("greek", _letters(number, _GREEK))):
        yield from _cased(written, kind, drawn)
    yield from _cased(_roman(number), "roman", drawn)


def _cased(written: str, kind: str, drawn: str) -> Iterator[str]:
    if written and re.search(f"lower-(?:{kind})", drawn):
        yield written
    if written and re.search(f"upper-(?:{kind})", drawn):
        yield written.upper()


def _letters(number: int, letters: str) -> str:
    """`number` as spreadsheets name columns (CSS Counter Styles, "alphabetic")."""
    found = ""
    while number > 0:
        number, at = divmod(number - 1, len(letters))
        found = letters[at] + found
    return found


def _roman(number: int) -> str:
    if not 0 < number <= _MOST_ROMAN:
        return ""
    found = ""
    for worth, written in _ROMAN:
        times, number = divmod(number, worth)
        found += written * times
    return found


def _entries(node: LexborNode) -> int:
    """How many entries a list has: those of lists in it are none of its own."""
    number = 0
    todo = [node.first_child]
    while todo:
        child = todo.pop()
        while child is not None:
            number += child.tag == "li"
            if child.is_element_node and child.tag not in LISTS:
                todo.append(child.first_child)
            child = child.next
    return number

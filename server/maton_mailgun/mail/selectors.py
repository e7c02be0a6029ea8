"""Whether a selector of CSS matches an element: no, maybe or yes.

Known are the tag and the attributes of an element, not what is around it: combinators, and what only a browser knows
(`:hover`, `:nth-child`), are a maybe. So is a selector that cannot be read: other programs may read it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from maton_mailgun.mail.css_rules import NAME_SIGN, unescaped

NO, MAYBE, YES = 0, 1, 2

_NAME = rf"(?:{NAME_SIGN}|\\(?:[0-9a-fA-F]{{1,6}}\s?|[^\n]))+"
_TYPE = re.compile(rf"(?:(?:{_NAME}|\*)?\|(?![|=]))?({_NAME}|\*)")
_MARK = re.compile(rf"([.#])({_NAME})")
_ATTRIBUTE = re.compile(
    rf"\[\s*(?:(?:{_NAME}|\*)?\|(?!=))?({_NAME})\s*"
    rf"(?:([~|^$*]?=)\s*(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|{_NAME})\s*([iIsS])?\s*)?\]",
    re.DOTALL,
)
_PSEUDO = re.compile(rf"(::?)({_NAME})(\()?")
_COMBINATOR = re.compile(r"\s*(?:[>+~]|\|\|)\s*|\s+")
_COMMA = re.compile(r"\s*,\s*")
_SPACES = re.compile(r"[ \t\n\f\r]+")
_BESIDE = frozenset({"before", "after", "marker", "backdrop", "selection", "target-text", "spelling-error", "cue"})
"""Pseudo-elements that hold no words of the element itself."""
_ALTERNATIVES = frozenset({"is", "where", "matches", "-webkit-any", "-moz-any"})
_NO_WEIGHT = frozenset({"where", "not"})
_ELEMENTS = frozenset({"before", "after", "first-line", "first-letter"})
_MOST_WITHIN = 8
LONGEST = 20_000
"""Characters of a list of selectors."""


@dataclass(frozen=True, slots=True)
class Element:
    """What selectors look at."""

    tag: str
    attributes: Mapping[str, str]
    classes: frozenset[str]

    @classmethod
    def of(cls, tag: str, attributes: Mapping[str, str]) -> Element:
        return cls(tag, attributes, frozenset(_SPACES.split(attributes.get("class", ""))) - {""})


Test: TypeAlias = Callable[[Element], int]


@dataclass(slots=True)
class Selector:
    """The last compound of one selector: all tests must hold; those before it only make it a maybe."""

    tests: list[Test] = field(default_factory=list)
    key: str = "*"
    """One of what it needs, in lower case: a tag, `.class` or `#id`; `*` where it needs none of them."""
    most: int = YES
    around: list[Selector] = field(default_factory=list)
    """What stands before it and asks for an element around it."""
    plain: bool = True
    """Whether it is made of tags, classes, ids and elements around it: what every program reads."""
    chain: tuple[tuple[bool, Selector], ...] = ()
    """What stands before it, the nearest first, and whether that is right around."""
    ids: int = 0
    marks: int = 0
    tags: int = 0
    """How specific it is (Selectors Level 4, 17)."""

    def within(self, around: Sequence[Element], names: Collection[str]) -> bool:
        """Whether the elements `around` may be those that it asks for; `names` are the keys of all of them."""
        return all(
            (one.key == "*" or one.key in names) and any(one.fits(element) for element in around) for one in self.around
        )

    def fits(self, element: Element) -> bool:
        """Whether it may match, whatever stands around."""
        return all(test(element) > NO for test in self.tests)

    def certain(self, element: Element, around: Sequence[Element]) -> bool:
        """Whether it matches in every program."""
        return self.plain and self._is(element) and self._stands(around)

    def _is(self, element: Element) -> bool:
        return all(test(element) == YES for test in self.tests)

    def _stands(self, around: Sequence[Element]) -> bool:
        """Whether the nearest elements that fit are those of the chain; others may be too."""
        left = len(around)
        for right_around, outer in self.chain:
            left -= 1
            while left >= 0 and not outer._is(around[left]):
                if right_around:
                    return False
                left -= 1
            if left < 0:
                return False
        return True

    def matches(self, element: Element) -> int:
        found = self.most
        for test in self.tests:
            if (found := min(found, test(element))) == NO:
                break
        return found


UNREADABLE = Selector(most=MAYBE, plain=False)


def selectors(source: str) -> list[Selector]:
    """Those of a list; one that cannot be read may match anything."""
    if len(source) > LONGEST:
        return [UNREADABLE]
    reader = _Reader(source)
    return reader.all(0)


class _Unreadable(Exception):
    """Not a selector that we know."""


class _Reader:
    """One way through a list of selectors."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0

    def all(self, within: int) -> list[Selector]:
        found = []
        while True:
            try:
                found.append(self._one(within))
            except _Unreadable:
                found.append(UNREADABLE)  # guard: 45-unreadable
                self._skip()
            if not self._take(_COMMA):
                break
        if not within and self._at < len(self._source):
            found.append(UNREADABLE)
        return found

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._source, self._at)
        if found is not None and found.end() > self._at:
            self._at = found.end()
            return found
        return None

    def _one(self, within: int) -> Selector:
        """A selector up to a comma, a closing parenthesis or the end."""
        most = YES
        if self._take(_COMBINATOR) and self._source[: self._at].strip().endswith((">", "+", "~")):
            most = MAYBE
        selector = self._compound(within)
        selector.plain &= most == YES
        while True:
            placed = self._take(_COMBINATOR)
            if self._at >= len(self._source) or self._source[self._at] in ",)":
                break
            if placed is None:
                raise _Unreadable
            outer, before = selector, [*selector.around]
            selector, most = self._compound(within), MAYBE
            inside = not placed[0].strip() or placed[0].strip() == ">"
            selector.around = [*before, outer] if inside else before
            selector.plain &= outer.plain and inside
            selector.chain = ((placed[0].strip() == ">", outer), *outer.chain)
            selector.ids, selector.marks, selector.tags = (
                selector.ids + outer.ids,
                selector.marks + outer.marks,
                selector.tags + outer.tags,
            )
        selector.most = min(most, selector.most)
        return selector

    def _compound(self, within: int) -> Selector:
        made = Selector()
        start = self._at
        if found := self._take(_TYPE):
            self._type(made, unescaped(found[1]).lower())
        while True:
            if found := self._take(_MARK):
                self._mark(made, found[1], unescaped(found[2].rstrip("\n\t ")))
            elif found := self._take(_ATTRIBUTE):
                made.tests.append(_attribute(*found.groups()))
                made.marks, made.plain = made.marks + 1, False
            elif found := self._take(_PSEUDO):
                self._pseudo(made, found, within)
            elif self._source.startswith("&", self._at):
                self._at += 1
                made.tests.append(_maybe)
                made.plain = False
            else:
                break
        if self._at == start:
            raise _Unreadable
        return made

    def _type(self, made: Selector, tag: str) -> None:
        if tag == "*":
            return
        made.key, made.tags = tag, 1
        made.tests.append(lambda element: YES if element.tag == tag else NO)

    def _mark(self, made: Selector, kind: str, name: str) -> None:
        if not made.key.startswith("#"):
            made.key = kind + name.lower()
        lower = name.lower()
        made.ids, made.marks = made.ids + (kind == "#"), made.marks + (kind == ".")

        def test(element: Element) -> int:
            names = element.classes if kind == "." else {element.attributes.get("id", "")}
            if name in names:
                return YES
            # In pages without a doctype they match whatever their case.
            return MAYBE if any(one.lower() == lower for one in names) else NO

        made.tests.append(test)

    def _pseudo(self, made: Selector, found: re.Match[str], within: int) -> None:
        name, arguments = unescaped(found[2]).lower(), found[3] is not None
        made.plain = False
        if within >= _MOST_WITHIN:
            raise _Unreadable
        beside = found[1] == "::" or name in _ELEMENTS
        made.tags, made.marks = made.tags + beside, made.marks + (not beside and name not in _ALTERNATIVES | _NO_WEIGHT)
        if not arguments:
            made.tests.append(_beside if name in _BESIDE else _root if name == "root" else _maybe)
            return
        if name not in _ALTERNATIVES and name != "not":
            made.tests.append(_beside if name in _BESIDE else _maybe)
            self._skip(closing=True)
            return
        inner = self.all(within + 1)
        if not self._source.startswith(")", self._at):
            raise _Unreadable
        self._at += 1
        if name != "where":
            made.ids, made.marks, made.tags = (
                own + most
                for own, most in zip(
                    (made.ids, made.marks, made.tags), max((one.ids, one.marks, one.tags) for one in inner), strict=True
                )
            )
        if name == "not":
            made.tests.append(lambda element: YES - max(one.matches(element) for one in inner))
        else:
            made.tests.append(lambda element: max(one.matches(element) for one in inner))

    def _skip(self, *, closing: bool = False) -> None:
        """Go on behind what cannot be read: at the next comma or closing parenthesis of this level, or behind it."""
        depth = 0
        for token in _SIGNS.finditer(self._source, self._at):
            sign = token[0]
            self._at = token.start()
            if sign in {"(", "["}:
                depth += 1
            elif sign in {")", "]"} and depth:
                depth -= 1
            elif sign == ")" and closing:
                self._at = token.end()
                return
            elif sign in {")", ","} and not depth and not closing:
                return
        self._at = len(self._source)


_SIGNS = re.compile(r"\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.)*'?|\\.|[()\[\],]", re.DOTALL)


def _maybe(_: Element) -> int:
    return MAYBE


def _beside(_: Element) -> int:
    return NO


def _root(element: Element) -> int:
    return YES if element.tag == "html" else NO


def _attribute(name: str, operator: str | None, value: str | None, flag: str | None) -> Test:
    name = unescaped(name).lower()
    wanted = unescaped((value or "")[1:-1] if (value or "")[:1] in {'"', "'"} else (value or "").strip())

    def test(element: Element) -> int:
        have = element.attributes.get(name)
        if have is None:
            return NO
        if operator is None or (_holds(operator, have, wanted)):
            return YES
        if _holds(operator, have.casefold(), wanted.casefold()):
            # Values of some attributes match whatever their case.
            return YES if flag in {"i", "I"} else MAYBE
        return NO

    return test


def _holds(operator: str, have: str, wanted: str) -> bool:
    match operator:
        case "=":
            return have == wanted
        case "~=":
            return wanted in _SPACES.split(have) and wanted != ""
        case "|=":
            return have == wanted or have.startswith(f"{wanted}-")
        case "^=":
            return wanted != "" and have.startswith(wanted)
        case "$=":
            return wanted != "" and have.endswith(wanted)
        case _:
            return wanted != "" and wanted in have

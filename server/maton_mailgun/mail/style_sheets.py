"""What style sheets do to the words of a message: which they hide, and which they add.

No cascade is worked out: a rule that hides counts wherever it may apply, because programs disagree about which rules
they follow (many drop style sheets altogether), and both what is shown and what may be hidden is told.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from maton_mailgun.mail import hiding, paints, placing
from maton_mailgun.mail.cascade import ANYWHERE, Applied, Weight
from maton_mailgun.mail.css_rules import StyleRule, TooMuchStyle, plain, rules, unescaped
from maton_mailgun.mail.list_numbers import ways
from maton_mailgun.mail.paints import Paint
from maton_mailgun.mail.selectors import LONGEST, NO, UNREADABLE, Element, Selector, selectors

_TOKEN = re.compile(r"([;{}])|\"([^\"\\\n]*(?:\\.[^\"\\\n]*)*)\"?|'([^'\\\n]*(?:\\.[^'\\\n]*)*)'?", re.DOTALL)
"""The ends of declarations, and strings. Each character is looked at once."""
_NOT_SAID = re.compile(
    r"(?i)^\s*(?:font(?:-family|-feature-settings|-variation-settings)?|src|grid-.*|mso-.*|filter)\s*$"
)
"""Properties whose strings nobody reads."""
_NAMES_A_FILE = re.compile(r"(?i)(?:url|format|local)\(\s*$")
_ATTRIBUTE = re.compile(r"\(\s*+(?:[^\s,()|]*\|)?((?:\\[0-9a-fA-F]{1,6}\s?|\\[^\n]|[^\s,()\\|])+)")
"""What may be the argument of `attr()`: its name and that of the attribute in any spelling."""
_LONGEST_ATTR = 40
_NOT_A_BRACKET = re.compile(r"\"[^\"\\\n]*(?:\\.[^\"\\\n]*)*\"?|'[^'\\\n]*(?:\\.[^'\\\n]*)*'?|\\.", re.DOTALL)
_COUNTED = re.compile(r"(?i)(?<![\w-])counter-(?:reset|set|increment)\s*:([^;}]*)")
_SYMBOLS = re.compile(r"(?i)^(?:additive-)?symbols$|^(?:prefix|suffix|pad|negative)$")
_MOST_QUOTES = 20_000
_MOST_SHEETS = 1_000
_MOST_PARTS = 20_000
"""Selectors, with those in selectors."""
_MOST_TRIES = 400_000
"""Times that a selector is held against an element."""
_WEIGHING = 3
"""Tries that weighing one rule against others is worth."""
_OWN = re.compile(r"(?i)@(?:page|font-|property|counter-style|import|charset|namespace|view-transition|position-try)")
_STATE = re.compile(r"(?i)(?<!not\():(?:hover|active|focus|visited|target|checked)|::?(?:selection|placeholder)")
"""Where a reader points or clicks: no colour of what is shown at first."""
_DARK = re.compile(r"(?i)@media(?!.*\b(?:not|or)\b)[^,]*\(\s*prefers-color-scheme\s*:\s*dark\s*\)[^,]*")
_DARK_ALONE = re.compile(
    r"(?i)@media\s*(?:(?:only\s+)?screen\s+and\s+|all\s+and\s+)?\(\s*prefers-color-scheme\s*:\s*dark\s*\)"
)
_PRINTED = re.compile(r"(?i)@media\s+print")
_PUT_BESIDE = re.compile(r"(?i)::?(?:before|after)\b")
_MOST_BRACKETS = 4
_LONG_LIST = 2_000
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_FRAMES = re.compile(r"(?i)@(?:-\w+-)?keyframes")


_Painting: TypeAlias = tuple[Selector, Paint, Weight, bool]
"""A rule that gives colours, what it gives, how it weighs, and whether all programs follow it."""


@dataclass(slots=True)
class Styles:
    """All style sheets of one message."""

    added: dict[str, None] = field(default_factory=dict)
    """Strings that they put in front of recipients."""
    attributes: set[str] = field(default_factory=set)
    """Attributes whose values they put there: `content: attr(data-price)`."""
    lists: str = ""
    """How they have numbers of lists drawn."""
    moves: bool = False
    """Whether an animation hides what it moves."""
    recolours: bool = False
    """Whether an animation gives colours, or moves things otherwise."""
    covers: bool = False
    """Whether something that has no words is put over others."""
    _does: dict[str, list[tuple[Selector, int, int]]] = field(default_factory=dict)
    """What rules do, by the `key` of their selectors."""
    _paints: dict[str, list[_Painting]] = field(default_factory=dict)
    """Colours that rules give, in the same way."""
    _known_paints: dict[tuple[str, tuple[tuple[str, str], ...]], list[_Painting]] = field(default_factory=dict)
    _known: dict[tuple[str, tuple[tuple[str, str], ...]], int] = field(default_factory=dict)
    _tries: int = 0
    _parts: int = 0

    def take(self, prelude: str, does: int) -> None:
        """Remember what a rule does to those whom its selectors match."""
        parts = 1 + prelude.count(",") + prelude.count("(")
        self._parts += parts if len(prelude) <= LONGEST else 1
        if self._parts > _MOST_PARTS:
            raise TooMuchStyle("styled with too many rules to be read")
        cost = parts if "(" in prelude else 1
        for selector in selectors(prelude):
            self.add(selector, does, cost)

    def add(self, selector: Selector, does: int, cost: int = 1) -> None:
        self._does.setdefault(selector.key, []).append((selector, does, cost))

    def does(self, tag: str, attributes: Mapping[str, str]) -> int:
        """All that rules may do to an element (`hiding`), whichever of them wins."""
        if not self._does:
            return 0
        key = (tag, tuple(attributes.items()))
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._found(tag, attributes)
        return found

    @property
    def paints(self) -> bool:
        """Whether they give colours at all."""
        return bool(self._paints)

    def paint(self, prelude: str, paint: Paint, place: int, *, everywhere: bool, alone: bool) -> None:
        """Remember which colours a rule gives to those whom its selectors match. `everywhere` says whether all programs
        follow it, `alone` whether its place among the rules is known."""
        for selector in selectors(prelude):
            if selector is not UNREADABLE:
                weight = (selector.ids, selector.marks, selector.tags, place) if alone else ANYWHERE
                made = (selector, paint, weight, everywhere and selector.plain)
                self._paints.setdefault(selector.key, []).append(made)

    def painted(self, element: Element, around: Sequence[Element], names: Collection[str]) -> list[Applied]:
        """Every paint that rules may give to an element that stands in those `around`, of all of which `names` holds
        the `keys`."""
        found = []
        for selector, paint, weight, everywhere in self._giving(element):
            self._tries += 1 + (len(around) // 16 if selector.around else 0)
            if self._tries > _MOST_TRIES:
                raise TooMuchStyle("styled with too many rules to be read")
            if not selector.within(around, names):
                continue
            self._tries += _WEIGHING
            certain = everywhere and selector.certain(element, around)  # guard: 225-certain
            found.append(Applied(paint, weight, certain))
        return found

    def _giving(self, element: Element) -> list[_Painting]:
        """What may give it a paint, wherever it stands."""
        key = (element.tag, tuple(element.attributes.items()))
        found = self._known_paints.get(key)
        if found is None:
            found = self._known_paints[key] = []
            for name in keys(element) & self._paints.keys():
                self._tries += len(self._paints[name])
                if self._tries > _MOST_TRIES:
                    raise TooMuchStyle("styled with too many rules to be read")
                found += [one for one in self._paints[name] if one[0].matches(element) > NO]
        return found

    def _found(self, tag: str, attributes: Mapping[str, str]) -> int:
        element = Element.of(tag, attributes)
        found = 0
        for key in keys(element) & self._does.keys():
            for selector, does, cost in self._does[key]:
                self._tries += cost
                if self._tries > _MOST_TRIES:
                    raise TooMuchStyle("styled with too many rules to be read")
                if does | found != found and selector.matches(element) > NO:
                    found |= does
        return found


def keys(element: Element) -> set[str]:
    """Every `key` that a selector of it may have."""
    own = {element.tag, "*", f"#{element.attributes.get('id', '').lower()}"}
    return own | {f".{name.lower()}" for name in element.classes}


def read(sheets: Iterable[str], for_all: Collection[str] = ()) -> Styles:
    """Take in every sheet; those `for_all` are read by all programs that read any."""
    styles = Styles()
    spent = place = 0
    for number, sheet in enumerate(sheets):
        if number >= _MOST_SHEETS:
            raise TooMuchStyle(f"styled by more than {_MOST_SHEETS} sheets, too many to be read")
        taken = rules(sheet, spent)
        spent += taken.signs
        if taken.odd and hiding.loosely(taken):  # guard: 45-odd
            styles.add(UNREADABLE, hiding.GONE)
        for rule in taken.rules:
            if rule.declarations and (does := hiding.of(rule.declarations)):
                place += 1
                _take(styles, rule, does, place, sure=sheet in for_all and not taken.odd)
            for declaration in rule.declarations:
                _bare(styles, declaration)
        css = plain(sheet)
        _say(styles, css)
        styles.lists += ways(unescaped(css))
    return styles


def _take(styles: Styles, rule: StyleRule, does: int, place: int, *, sure: bool) -> None:
    within = rule.preludes[:-1]
    alone = all(one.lower().startswith(("@media", "@supports", "@container")) for one in within)
    if within:
        does &= ~hiding.SIZED
    for prelude in reversed(rule.preludes):
        if prelude.startswith("--") or _OWN.match(prelude):
            return
        if _FRAMES.match(prelude):
            styles.moves |= bool(does & (hiding.GONE | hiding.TINY | hiding.SMALL))
            styles.recolours |= bool(does & ~hiding.SIZED)
            return
        if not prelude.startswith("@"):
            if _FRAMES.match(rule.preludes[-2] if len(rule.preludes) > 1 else ""):
                continue
            state = _STATE.search(prelude) is not None
            styles.take(prelude, does & ~hiding.SIZED if state else does)
            if _PUT_BESIDE.search(prelude) and does & hiding.PAPER and does & placing.MOVES:
                styles.covers = True
            printed = any(_PRINTED.fullmatch(one) for one in within)
            if does & (hiding.INK | hiding.PAPER) and not (state and _pointed_at(prelude)) and not printed:
                dark = any(_DARK.fullmatch(one) for one in within)
                conditions = [one for one in within if not _DARK_ALONE.fullmatch(one)]
                everywhere = sure and not conditions and len(within) <= 1
                paint = replace(paints.of(rule.declarations), dark=dark)
                styles.paint(prelude, paint, place, everywhere=everywhere, alone=alone)
            return
    if any(prelude.lower().startswith("@scope") for prelude in rule.preludes):
        styles.add(UNREADABLE, does)


def _pointed_at(prelude: str) -> bool:
    """Whether all its selectors ask for something that a reader does first, outside brackets."""
    if len(prelude) > _LONG_LIST:
        return False
    outside = prelude
    for _ in range(_MOST_BRACKETS):
        outside = _BRACKETS.sub("", outside)
    if "(" in outside:
        return False
    return all(_STATE.search(one) for one in outside.split(","))


def _bare(styles: Styles, declaration: str) -> None:
    """What is shown without being a string: numbers that are counted from, and names that are symbols of a list."""
    styles.added.update(dict.fromkeys(counted(declaration)))
    name, _, value = declaration.partition(":")
    name = name.strip()
    if _SYMBOLS.match(name):
        bare = unescaped(_NOT_A_BRACKET.sub(lambda found: found[0] if found[0][0] == "\\" else " ", value)).strip()
        if any(map(str.isalnum, bare)):
            styles.added[bare] = None


def counted(css: str) -> Iterator[str]:
    """The numbers from which `css` counts, and by which."""
    for found in _COUNTED.finditer(unescaped(css)):
        yield from (number for number in re.findall(r"-?\d+", found[1]) if len(number) > 1)


def _say(styles: Styles, css: str) -> None:
    """Every string in `css` that may be shown, whatever property brings it: `content`, `quotes`, list markers."""
    for words in strings(css):
        styles.added[words] = None
    styles.attributes.update(attributes_named(css))


def attributes_named(css: str) -> Iterator[str]:
    """The attributes whose values `css` may show."""
    for found in _ATTRIBUTE.finditer(css):
        before = css[max(0, found.start() - _LONGEST_ATTR) : found.start()]
        if unescaped(before).lower().endswith("attr"):
            yield unescaped(found[1]).strip().lower()


def strings(css: str) -> Collection[str]:
    """The strings of the declarations in `css` that recipients may read; those side by side are one."""
    if '"' not in css and "'" not in css:
        return ()
    if css.count('"') + css.count("'") > _MOST_QUOTES:
        raise TooMuchStyle("styled with too many strings to be read")
    found: dict[str, None] = {}
    beside: list[str] = []
    end = 0
    for said, start, stop in _said(css):
        if css[end:start].strip():
            _together(found, beside)
        beside.append(said)
        end = stop
    _together(found, beside)
    return tuple(found)


def _together(found: dict[str, None], beside: list[str]) -> None:
    joined = "".join(beside).strip()
    if any(character.isalnum() for character in joined):
        found[joined] = None
        if len(beside) > 1:
            # `quotes` and lists of symbols have them apart.
            found.update(dict.fromkeys(one.strip() for one in beside if any(map(str.isalnum, one))))
    beside.clear()


def _said(css: str) -> Iterator[tuple[str, int, int]]:
    """Each string that may be read, and where it starts and ends."""
    start = 0
    for token in _TOKEN.finditer(css):
        if token[1]:
            start = token.end()
            continue
        # An escaped bracket is a letter, and one in a string is text: only the bracket of a selector counts.
        before = _NOT_A_BRACKET.sub("_", css[start : min(token.start(), start + 200)])
        name, colon, _ = before.partition(":")
        at_rule = name.lstrip().startswith("@")
        if before.count("[") > before.count("]") or at_rule or (colon and _NOT_SAID.match(name)):
            continue
        if not _NAMES_A_FILE.search(css[max(start, token.start() - 40) : token.start()]):
            yield unescaped(token[2] if token[2] is not None else token[3]), token.start(), token.end()

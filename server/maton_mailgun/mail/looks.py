"""Whether the words in an element are to be seen: what styles and attributes do, passed on from element to element."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from maton_mailgun.mail import cascade, hiding, paints, placing
from maton_mailgun.mail.cascade import Applied, Colours, Hints, Papers
from maton_mailgun.mail.colours import legacy
from maton_mailgun.mail.css_rules import rules
from maton_mailgun.mail.paints import Given, Paint
from maton_mailgun.mail.pieces import INLINE
from maton_mailgun.mail.selectors import Element
from maton_mailgun.mail.style_sheets import Styles, keys

_LEAST_INK = 0.13
_LINK: Given = ((0, 0, 238), 1.0)
"""HTML Standard, 15.3.4."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How the words in an element look."""

    gone: bool = False
    """A style may hide it with all that is in it."""
    tiny: bool = False
    """Its letters may have no size; those of an element in it may."""
    light: Colours = cascade.FIRST
    dark: Colours = cascade.FIRST
    """In programs with light colours, and in those with dark ones, as far as the styles say them."""

    displayed: bool = False
    """Whether a style says that the element itself is displayed, whatever it is."""
    clear: float = 1.0
    """How much of its ink is left."""
    clips: bool = False
    """Whether it stands in an element that shows nothing of what overflows."""
    narrow: bool = False
    """Whether it stands in an element that is a few letters wide."""
    below: tuple[Papers, Papers] | None = None
    """Of an element in a line: what is behind that line, in light and in dark. Blocks in it do not have its own."""
    link: Given = _LINK
    """The colour of links, as `body` may say."""
    does: int = 0
    """All that styles say of the element itself (`hiding`, `placing`)."""
    within: tuple[Element, ...] = ()
    """The element, and what is around it."""
    names: frozenset[str] = frozenset()
    """The keys of selectors that all these have."""

    def over_lines(self) -> Seen:
        """The same for a block that stands in it."""
        if self.below is None:
            return self
        light, dark = self.below
        return replace(self, light=self.light.also_on(light), dark=self.dark.also_on(dark), below=None)

    @property
    def unseen(self) -> bool:
        return (
            self.gone
            or self.tiny
            or self.light.alike(self.clear)
            or self.dark.alike(self.clear)
            or self.clear <= _LEAST_INK
        )

    @property
    def doubtful(self) -> bool:
        """Whether it depends on a picture if the words right in it are seen."""
        return self.light.doubtful(self.clear) or self.dark.doubtful(self.clear)


PLAIN = Seen()

_UNGIVEN = Paint()
_PAINTED = frozenset({"bgcolor", "background", "color", "text", "link"})
_GROUNDED = frozenset({"body", "table", "thead", "tbody", "tfoot", "tr", "td", "th", "mark"})
"""Elements whose attributes give them a background (HTML Standard, 15.3)."""
_CELLS = frozenset({"table", "tbody", "tr", "td", "th"})
"""Elements that grow with what is in them."""


@dataclass(frozen=True, slots=True)
class _Own:
    """What an element's own style does, and the colours that it says."""

    does: int = 0
    paint: Paint = _UNGIVEN


_NONE = _Own()


class Looks:
    """How the elements of one message look."""

    def __init__(self, styles: Styles) -> None:
        self._styles = styles
        self._own: dict[str, _Own] = {"": _NONE}

    def within(self, around: Seen, name: str, attributes: Mapping[str, str]) -> Seen:
        """How the words right in an element look that stands in `around`."""
        sheets = self._styles.does(name, attributes)
        own = self._said(attributes.get("style", ""))
        painted = not _PAINTED.isdisjoint(attributes) or name in {"a", "mark"}
        both = sheets | own.does
        in_line = name in INLINE and not both & placing.BLOCK
        around = around if in_line else around.over_lines()
        path, names = around.within, around.names
        if self._styles.paints:
            path = (*around.within, Element.of(name, attributes))
            names = around.names | keys(path[-1])
        if not sheets and not own.does and not painted:
            plain = not around.displayed and not around.does and path is around.within
            return around if plain else replace(around, displayed=False, does=0, within=path, names=names)
        moved = self._styles.moves and both & hiding.MOVED
        cut = both & hiding.SMALL and both & hiding.CLIPS
        given = self._styles.painted(path[-1], path[:-1], around.names) if path else []  # guard: 158-sheets
        if own.paint.said:
            given = [*given, Applied(own.paint, cascade.OWN, certain=True)]
        link = legacy(attributes["link"]) if name == "body" and "link" in attributes else around.link
        shrunk = bool(both & hiding.SMALL) and name not in _CELLS
        hints = Hints(
            _ink(name, attributes, link),
            _paper(name, attributes),
            "background" in attributes,
            odd=name not in _GROUNDED,
            parts=bool(both & placing.SCALED or shrunk),
            shrunk=shrunk,
        )
        flat = both & hiding.FLAT and around.clips and name not in _CELLS
        flat = flat or (both & hiding.CLIPS and around.narrow)
        odd_move = self._styles.recolours and both & hiding.MOVED
        light, dark, odd = _colours(around, given, hints)
        return Seen(
            gone=bool(around.gone or moved or cut or both & hiding.GONE),
            tiny=_tiny(around, sheets, own.does),
            light=light,
            dark=dark,
            displayed=bool(both & hiding.DISPLAYED),
            clear=around.clear * next((share for bit, share in hiding.FADED if both & bit), 1.0),
            narrow=around.narrow or bool(both & placing.NARROW),
            link=link,
            clips=around.clips or bool(both & hiding.CLIPS),
            below=(around.below or (around.light.papers, around.dark.papers)) if in_line else None,
            does=both | (placing.UNJUDGED if odd or flat or odd_move else 0),
            within=path,
            names=names,
        )

    def _said(self, style: str) -> _Own:
        found = self._own.get(style)
        if found is None:
            found = self._own[style] = _own(style)
        return found


def _own(style: str) -> _Own:
    taken = rules(style)
    if taken.odd:
        return _Own(hiding.GONE) if hiding.loosely(taken) else _NONE
    declarations = [one for rule in taken.rules for one in rule.declarations]
    does = hiding.of(declarations)
    return _Own(does, paints.of(declarations) if does & (hiding.INK | hiding.PAPER) else Paint())


def _tiny(around: Seen, sheets: int, own: int) -> bool:
    if own & hiding.TINY or sheets & hiding.FORCED:
        return True
    if own & hiding.SIZED:
        return False
    if sheets & hiding.TINY:
        return True
    return around.tiny and not sheets & hiding.SIZED


def _colours(around: Seen, given: Sequence[Applied], hints: Hints) -> tuple[Colours, Colours, bool]:
    """In light, in dark, and whether some could not be judged."""
    light = [one for one in given if not one.paint.dark]
    told, odd = cascade.taken(around.light, light, hints)
    if len(light) == len(given) and around.dark == around.light:
        return told, told, odd
    dark, odd_in_dark = cascade.taken(around.dark, given, hints)
    return told, dark, odd or odd_in_dark


def _ink(name: str, attributes: Mapping[str, str], link: Given) -> tuple[Given, ...]:
    if name == "font" and attributes.get("color"):
        return (legacy(attributes["color"]),)
    if name == "body" and attributes.get("text"):
        return (legacy(attributes["text"]),)
    if name == "mark":
        return (((0, 0, 0), 1.0),)
    return (link,) if name == "a" and "href" in attributes else ()


def _paper(name: str, attributes: Mapping[str, str]) -> tuple[Given, ...]:
    if attributes.get("bgcolor"):
        return (legacy(attributes["bgcolor"]),)
    return (((255, 255, 0), 1.0),) if name == "mark" else ()

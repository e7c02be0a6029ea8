"""Whether the words in an element are to be seen: what styles and attributes do, passed on from element to element."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from maton_mailgun.mail import hiding, paints, placing
from maton_mailgun.mail.colours import Colour, alike, over, with_cover
from maton_mailgun.mail.css_rules import rules
from maton_mailgun.mail.paints import Given, Paint
from maton_mailgun.mail.selectors import Element
from maton_mailgun.mail.style_sheets import Styles

_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)
_MOST_COLOURS = 8
"""Of one element; with more of them none counts as known."""
_LEAST_INK = 0.13


@dataclass(frozen=True, slots=True)
class Colours:
    """Those that letters and what is behind them may have; None is one that is not known."""

    inks: tuple[Colour | None, ...] = (_BLACK,)
    papers: tuple[Colour | None, ...] = (_WHITE,)

    @property
    def alike(self) -> bool:
        return any(alike(ink, paper) for ink in self.inks for paper in self.papers)

    def on(self, inks: Iterable[Given], papers: Iterable[Given]) -> Colours:
        """The same under what an element gives; what it does not give stays."""
        behind = _few(over(one, below) for one in papers for below in self.papers) or self.papers
        return Colours(_few(one and one[0] for one in inks) or self.inks, behind)


@dataclass(frozen=True, slots=True)
class Seen:
    """How the words in an element look."""

    gone: bool = False
    """A style may hide it with all that is in it."""
    tiny: bool = False
    """Its letters may have no size; those of an element in it may."""
    light: Colours = Colours()
    dark: Colours = Colours()
    """In programs with light colours, and in those with dark ones, as far as the styles say them."""

    displayed: bool = False
    """Whether a style says that the element itself is displayed, whatever it is."""
    clear: float = 1.0
    """How much of its ink is left."""
    does: int = 0
    """All that styles say of the element itself (`hiding`, `placing`)."""
    within: tuple[Element, ...] = ()
    """The element, and what is around it."""

    @property
    def unseen(self) -> bool:
        return self.gone or self.tiny or self.light.alike or self.dark.alike or self.clear <= _LEAST_INK


PLAIN = Seen()

_UNGIVEN = Paint()
_UNPAINTED = frozenset({"bgcolor", "background", "color", "size", "text"})


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
        painted = not _UNPAINTED.isdisjoint(attributes) or name == "a"
        path = around.within
        if self._styles.paints:
            path = (*around.within, Element.of(name, attributes))
        if not sheets and not own.does and not painted:
            plain = not around.displayed and not around.does and path is around.within
            return around if plain else replace(around, displayed=False, does=0, within=path)
        both = sheets | own.does
        moved = self._styles.moves and both & hiding.MOVED
        cut = both & hiding.SMALL and both & hiding.CLIPS
        given = self._styles.painted(path[-1], path[:-1]) if path else []  # guard: 158-sheets
        light, dark, odd = _colours(around, name, attributes, own.paint, given)
        return Seen(
            gone=bool(around.gone or moved or cut or both & hiding.GONE),
            tiny=_tiny(around, sheets, own.does),
            light=light,
            dark=dark,
            displayed=bool(both & hiding.DISPLAYED),
            clear=around.clear * (0.25 if both & hiding.FAINT else 0.5 if both & hiding.HALF else 1),
            does=both | (placing.UNJUDGED if odd else 0),
            within=path,
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


def _colours(
    around: Seen, name: str, attributes: Mapping[str, str], own: Paint, given: list[Paint]
) -> tuple[Colours, Colours, bool]:
    """In light, in dark, and whether some could not be judged. No cascade is worked out: what any rule gives counts."""
    light = [one for one in given if not one.dark]
    ink = _ink(name, attributes)
    inks = own.ink or tuple(one for paint in light for one in paint.ink) or ink
    inks += tuple(one for paint in light if own.ink and paint.forced for one in paint.ink)
    papers = own.paper or tuple(one for paint in light for one in paint.paper) or _paper(attributes)
    papers += tuple(one for paint in light if own.paper and paint.forced for one in paint.paper)
    told = around.light.on(inks, papers)
    if own.own_ink or any(one.own_ink for one in light):
        told = Colours(told.inks, told.inks)
    dark_inks = tuple(one for paint in given if paint.dark for one in paint.ink) or inks
    dark_papers = tuple(one for paint in given if paint.dark for one in paint.paper) or papers
    odd = own.odd or any(one.odd for one in given)
    return told, around.dark.on(dark_inks, dark_papers), odd


def _ink(name: str, attributes: Mapping[str, str]) -> tuple[Given, ...]:
    if name == "font" and "color" in attributes:
        return (with_cover(attributes["color"]),)
    if name == "body" and "text" in attributes:
        return (with_cover(attributes["text"]),)
    return (None,) if name == "a" else ()


def _paper(attributes: Mapping[str, str]) -> tuple[Given, ...]:
    if "background" in attributes:
        return (None,)
    return (with_cover(attributes["bgcolor"]),) if "bgcolor" in attributes else ()


def _few(colours: Iterable[Colour | None]) -> tuple[Colour | None, ...]:
    found = tuple(dict.fromkeys(colours))
    return found if len(found) <= _MOST_COLOURS else (None,)

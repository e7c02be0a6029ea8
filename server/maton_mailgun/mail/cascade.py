"""Which colours an element takes of those that rules, its own style and its attributes give it.

Where it is certain that a rule applies, in every program that reads style sheets at all, those that it overrides do
not count. All others may be taken: programs disagree about what they know.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar

from maton_mailgun.mail.colours import Colour, alike, over
from maton_mailgun.mail.paints import Given, Kind, Paint, Picture

T = TypeVar("T")
Weight: TypeAlias = tuple[int, int, int, int]
"""How specific a rule is (ids; classes, attributes, pseudo-classes; tags), and its place in the sheets."""

Papers: TypeAlias = tuple[Colour | None, ...]
"""What may be behind letters; None is a colour that is not known."""

OWN: Weight = (1 << 20, 0, 0, 0)
"""Of what the style of the element itself says; more than any rule has."""
ANYWHERE: Weight = (1 << 30, 0, 0, 0)
"""Of a rule of which it is not known what it overrides: what it gives always counts."""

_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)
_MOST_COLOURS = 8
"""Of one element."""
_FAINT = 0.15
"""So much ink nobody sees, whatever is behind it."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a rule gives to one element."""

    paint: Paint
    weight: Weight
    certain: bool
    """Whether it applies for certain."""


@dataclass(frozen=True, slots=True)
class Hints:
    """What attributes and browsers give, which every rule overrides, and what else decides what is behind letters."""

    ink: tuple[Given, ...] = ()
    paper: tuple[Given, ...] = ()
    picture: bool = False
    odd: bool = False
    """Whether attributes give a background to an element that has none in browsers, but in some programs."""
    parts: bool = False
    """Whether pictures may cover a part of it only."""
    shrunk: bool = False
    """Whether its box may be smaller than its words."""


@dataclass(frozen=True, slots=True)
class Colours:
    """Those that letters and what is behind them may have."""

    inks: tuple[Given, ...] = ((_BLACK, 1.0),)
    fills: tuple[Given, ...] = ()
    papers: Papers = (_WHITE,)
    perhaps: Papers = ()
    """What is behind the letters where a picture is not loaded or does not cover them."""

    def also_on(self, papers: Papers) -> Colours:
        """The same where some of `papers` may be behind them as well."""
        return self if papers == self.papers else replace(self, papers=_few([*self.papers, *papers])[0])

    def alike(self, clear: float) -> bool:
        """Whether letters may not be seen of which so much ink is left as `clear` says."""
        return any(_unseen(ink, paper, clear) for ink in (*self.inks, *self.fills) for paper in self.papers)

    def doubtful(self, clear: float) -> bool:
        """Whether it depends on a picture if they are."""
        return any(_unseen(ink, paper, clear) for ink in (*self.inks, *self.fills) for paper in self.perhaps)


FIRST = Colours()
"""Black on white."""


def _unseen(ink: Given, paper: Colour | None, clear: float) -> bool:
    if ink is None:
        return False
    colour, cover = ink
    return cover <= _FAINT or alike(over((colour, cover * clear), paper), paper)


def taken(around: Colours, given: Sequence[Applied], hints: Hints) -> tuple[Colours, bool]:
    """The colours in an element that stands in `around`, and whether some of them could not be judged."""
    ink, fill, paper, picture = (_layers(kind, given) for kind in ("ink", "fill", "paper", "picture"))
    inks, many = _few(
        [
            *ink.colours,
            *((hints.ink or around.inks) if ink.falls else ()),
            *(around.inks if ink.inherits else ()),
        ]
    )
    fills, many_fills = _few([*fill.colours, *(around.fills if fill.falls or fill.inherits else ())])
    solid = [*paper.colours, *(inks if paper.own_ink else ()), *(hints.paper if paper.falls else ())]
    through = paper.inherits or (paper.falls and (hints.odd or not hints.paper))
    papers, many_papers = _few(
        [*(over(one, below) for one in solid for below in around.papers), *(around.papers if through else ())]
    )
    perhaps = [over(one, below) for one in solid if one and one[1] < 1 for below in around.perhaps]
    perhaps += around.perhaps if through else ()
    perhaps += around.papers if hints.shrunk and not through else ()
    without = picture.inherits or picture.falls
    pictures = [*picture.pictures, *([(None,)] if hints.picture and picture.falls else [])]
    covering = list(papers) if without and (hints.odd or not hints.picture) else []
    for one in pictures:
        stops = [over(stop, below) for stop in one for below in papers]
        if len(set(stops)) == 1 and None not in stops and not hints.parts:
            covering += stops
            continue
        covering.append(None)
        perhaps += stops
        perhaps += papers if hints.parts or None in stops else ()
    behind, many_behind = _few(covering)
    doubtful, many_doubtful = _few(perhaps)
    made = Colours(inks, fills, behind or papers or (None,), doubtful)
    odd = ink.odd or fill.odd or paper.odd
    return made, odd or many or many_fills or many_papers or many_behind or many_doubtful


@dataclass(slots=True)
class _Layers:
    """What may be taken of one property."""

    colours: list[Given] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    inherits: bool = False
    """Whether it may be that of the element around, or seen through."""
    falls: bool = False
    """Whether it may be that no rule gives any."""
    own_ink: bool = False
    odd: bool = False
    """Whether a colour could not be judged."""


def _layers(kind: Kind, given: Sequence[Applied]) -> _Layers:
    found = _Layers()
    layers = [
        ((said.important, one.weight), one.certain and said.sure, said)
        for one in given
        for said in one.paint.said
        if said.kind == kind
    ]
    layers.sort(key=lambda layer: layer[0], reverse=True)
    for _, stops, said in layers:
        found.colours += [one for one in said.colours if one is not None]
        found.pictures += said.pictures
        found.odd |= None in said.colours
        found.own_ink |= said.own_ink
        found.inherits |= said.inherits or (kind == "picture" and not said.pictures)
        if stops:
            return found
    found.falls = True
    return found


def _few(colours: Iterable[T]) -> tuple[tuple[T, ...], bool]:
    found = tuple(dict.fromkeys(colours))
    return found[:_MOST_COLOURS], len(found) > _MOST_COLOURS

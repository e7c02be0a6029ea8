"""Whether the words in an element are to be seen: what styles and attributes do, passed on from element to element."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from maton_mailgun.mail import hiding
from maton_mailgun.mail.css_rules import rules
from maton_mailgun.mail.style_sheets import Styles

_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Seen:
    """How the words in an element look."""

    gone: bool = False
    """A style may hide it with all that is in it."""
    tiny: bool = False
    """Its letters may have no size; those of an element in it may."""
    ink: tuple[int, int, int] | None = _BLACK
    paper: tuple[int, int, int] | None = _WHITE
    """Colour and background where elements say them themselves; None once they are not known for certain."""

    displayed: bool = False
    """Whether a style says that the element itself is displayed, whatever it is."""

    @property
    def unseen(self) -> bool:
        return self.gone or self.tiny or hiding.alike(self.ink, self.paper)


PLAIN = Seen()

_Colour: TypeAlias = tuple[int, int, int] | None
_UNPAINTED = frozenset({"bgcolor", "background", "color", "size"})
_SEE_THROUGH = frozenset({"transparent", "none", "inherit"})


@dataclass(frozen=True, slots=True)
class _Own:
    """What an element's own style does, and the colours that it says: none, or a colour, or one that is not known."""

    does: int = 0
    ink: tuple[_Colour, ...] = ()
    paper: tuple[_Colour, ...] = ()


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
        if not sheets and not own.does and not painted:
            return replace(around, displayed=False) if around.displayed else around
        both = sheets | own.does
        moved = self._styles.moves and both & hiding.MOVED
        cut = both & hiding.SMALL and both & hiding.CLIPS
        ink, paper = _colours(around, name, attributes, sheets, own)
        return Seen(
            gone=bool(around.gone or moved or cut or both & hiding.GONE),
            tiny=_tiny(around, sheets, own.does),
            ink=ink,
            paper=paper,
            displayed=bool(both & hiding.DISPLAYED),
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
    ink: tuple[_Colour, ...] = ()
    paper: tuple[_Colour, ...] = ()
    for declaration in declarations if does & (hiding.INK | hiding.PAPER) else ():
        said, _, value = declaration.partition(":")
        said, value = said.strip().lower(), value.strip().lower()
        if said == "color":
            ink = (hiding.colour(value),)
        elif said in {"background", "background-color"} and value not in _SEE_THROUGH:
            paper = (hiding.colour(value),)
        elif said == "background-image" and value != "none":
            paper = (None,)
    return _Own(does, ink, paper)


def _tiny(around: Seen, sheets: int, own: int) -> bool:
    if own & hiding.TINY or sheets & hiding.FORCED:
        return True
    if own & hiding.SIZED:
        return False
    if sheets & hiding.TINY:
        return True
    return around.tiny and not sheets & hiding.SIZED


def _colours(around: Seen, name: str, attributes: Mapping[str, str], sheets: int, own: _Own) -> tuple[_Colour, _Colour]:
    """Ink and paper as the element says them itself; what a sheet says of them is not worked out."""
    ink, paper = around.ink, around.paper
    if sheets & hiding.PAPER or "background" in attributes:
        paper = None
    elif "bgcolor" in attributes:
        paper = hiding.colour(attributes["bgcolor"])
    if sheets & hiding.INK or name == "a":
        ink = None
    elif name == "font" and "color" in attributes:
        ink = hiding.colour(attributes["color"])
    return (own.ink or (ink,))[0], (own.paper or (paper,))[0]

"""The colours that the declarations of one rule or one element give to its letters and to what is behind them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from maton_mailgun.mail.colours import Colour, with_cover
from maton_mailgun.mail.css_rules import unescaped

Given: TypeAlias = tuple[Colour, float] | None

_INHERITED = frozenset({"inherit", "currentcolor", "unset"})
_SEE_THROUGH = frozenset({"transparent", "none", "inherit", "initial", "unset", "0", "0 0", "revert"})


@dataclass(frozen=True, slots=True)
class Paint:
    """What is given; a colour of None is one that is not known, or a picture."""

    ink: tuple[Given, ...] = ()
    paper: tuple[Given, ...] = ()
    forced: bool = False
    """Whether it goes before the element's own style."""
    dark: bool = False
    """Whether only programs with dark colours follow it."""
    own_ink: bool = False
    """Whether what is behind the letters has their colour."""
    odd: bool = False
    """Whether a colour is one that could not be judged."""


def of(declarations: Iterable[str], *, dark: bool = False) -> Paint:
    """Those of `declarations`, the last of each kind. Two properties colour letters: programs that know the second one
    take it, and others the first."""
    inks: dict[str, Given] = {}
    paper: tuple[Given, ...] = ()
    forced = own_ink = odd = False
    for declaration in declarations:
        name, _, value = declaration.partition(":")
        name, value = unescaped(name).strip(" \t\n*_").lower(), unescaped(value).strip().lower()
        bare = value.replace("!important", "").strip()
        if name in {"color", "-webkit-text-fill-color"}:
            if bare in _INHERITED:
                continue
            inks[name] = with_cover(bare)
            odd |= inks[name] is None and _judged_by_browser(bare)
        elif name in {"background", "background-color"}:
            if bare in _SEE_THROUGH:
                continue
            paper = (with_cover(_colour_in(bare)),)
            own_ink = "currentcolor" in bare
            odd |= paper[0] is None and not own_ink and _judged_by_browser(bare)
        elif name == "background-image" and bare not in _SEE_THROUGH:
            paper = (None,)
        else:
            continue
        forced |= "important" in value
    return Paint(tuple(inks.values()), paper, forced, dark, own_ink, odd)


def _colour_in(value: str) -> str:
    """The colour among the words of `background`; all of it where there is a picture."""
    if "(" in value:
        return value
    return next((word for word in value.split() if with_cover(word) is not None), value)


def _judged_by_browser(value: str) -> bool:
    return "(" in value and not any(one in value for one in ("url(", "gradient(", "image("))

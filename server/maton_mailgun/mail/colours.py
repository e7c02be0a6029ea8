"""Colours of CSS and of old attributes, and whether letters of one are seen on another."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

Rgb = tuple[int, int, int]

_PICTURE = re.compile(r"url\(|gradient\(|image\(|image-set\(|element\(|cross-fade\(")
_BARE = re.compile(r"[0-9a-f]{6}|[0-9a-f]{3}")
_LEGACY_ODD = re.compile(r"[^0-9a-f]")
_PAINTED = re.compile(r"(?:[a-z-]+\([^()]*\)|#?[a-z0-9]+)")
_BEGINS = ("#", "rgb", "hsl", "hwb", "lab", "lch", "ok", "color", "var")
_STANDS_FOR = frozenset({"inherit", "initial", "unset", "revert", "revert-layer", "currentcolor", "auto", ""})
_OPEN = re.compile(r"(?:var|env|attr|calc|color-mix|light-dark|contrast-color|if)\(")
_FAINT: Final = 0.1
"""An opacity at which nobody reads."""
_CLOSE: Final = 40
"""Of 255, in each of red, green and blue: colours further apart are told apart whatever their brightness."""
_CONTRAST: Final = 1.12
"""Of brightness (WCAG 2.2, contrast ratio, which asks for 4.5); 1 is none."""


class Unforeseen(ValueError):
    """A colour that programs draw differently, or that nothing but a browser works out."""


@lru_cache(maxsize=4096)
def colour(value: str) -> Rgb | None:
    """Red, green and blue of a colour; None where it is a picture, or says that another colour is to be taken.

    Raises:
        Unforeseen: It cannot be told which colour that is, or whether there is any: it is all but transparent, uses a
            variable, or another space than RGB's, which hardly a mail program knows.
    """
    value = value.strip().lower().removesuffix("!important").strip()
    if _PICTURE.search(value) or value in _STANDS_FOR:
        return None
    if _BARE.fullmatch(value):
        value = f"#{value}"  # attributes of old, and browsers without a doctype
    if _OPEN.search(value):
        raise Unforeseen(value[:80])
    from tinycss2.color4 import parse_color

    found = parse_color(value)
    if found is None or isinstance(found, str):
        return None
    try:
        red, green, blue = found.to("srgb").coordinates
    except NotImplementedError:
        raise Unforeseen(value[:80]) from None
    if found.alpha <= _FAINT:
        raise Unforeseen(value[:80])
    return _whole(red), _whole(green), _whole(blue)


def of_background(value: str) -> Rgb | None:
    """The colour of a `background`, which may hold other things beside it. Raises Unforeseen."""
    value = value.strip().lower().removesuffix("!important").strip()
    if _PICTURE.search(value):
        return None
    for part in _PAINTED.findall(value):
        named = part.isalpha() or part.startswith(_BEGINS)
        if named and (found := colour(part)) is not None:
            return found
    return colour(value) if _BARE.fullmatch(value) else None


def alike(one: Rgb | None, other: Rgb | None) -> bool:
    """Whether nobody sees one of these on the other."""
    if one is None or other is None or any(abs(a - b) > _CLOSE for a, b in zip(one, other, strict=True)):
        return False
    dark, light = sorted((_brightness(one), _brightness(other)))
    return (light + 0.05) / (dark + 0.05) <= _CONTRAST


def _brightness(colour: Rgb) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2)."""
    red, green, blue = (
        (part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4) for part in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _whole(part: float) -> int:
    return round(255 * min(max(part, 0.0), 1.0))

"""What declarations of CSS do to the words of an element: which of them keep it from being seen."""

from __future__ import annotations

import re
from collections.abc import Iterable

from maton_mailgun.mail import placing
from maton_mailgun.mail.css_rules import Taken, plain, unescaped

GONE, SMALL, CLIPS, TINY, SIZED, FORCED, MOVED, INK, PAPER, DISPLAYED, FLAT = (1 << bit for bit in range(11))
"""Not seen, with all in it; a box of no size; what overflows is not seen; letters of no size; letters of a size of
their own; `TINY` even against the element's own style; animated; a colour, a background of its own;
displayed, whatever it is; a box of no height."""
FADED = tuple((1 << 32 + tenth, tenth / 10) for tenth in range(1, 10))
"""How much ink is left, in tenths."""

_LENGTH = re.compile(r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*([a-z%]*)")
_NUMBER = re.compile(r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?")
_OF_FONT = re.compile(r"(?:^|\s)((?:\d+\.?\d*|\.\d+)(?:[a-z]+|%)|0+\.?0*)(?=\s|/|$)")
_OPEN = re.compile(r"\b(?:var|env|if|attr|calc|min|max|clamp)\(")
"""Values that only a browser knows."""
_FAR = re.compile(r"-\d{3,}")
_SCALED = re.compile(r"scale[xyz3d]*\(([^()]*)\)|matrix\(([^(),]*),[^()]*\)")
_NUMBERS = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?%?")
_LEAST_SCALE = 0.15
_ASIDE = -100.0
"""Pixels to the side where nobody looks."""
_NO_ROW = re.compile(r"(?<![\d.])0*\.?0+(?:fr|px|%)?(?![\w.%])")
_CUT = re.compile(r"rect\(\s*[01]?(?:px)?[\s,)]|inset\(\s*(?:[5-9]\d|\d{3,})(?:\.\d*)?%|circle\(\s*0|polygon\(\s*0")
_LOOSE = re.compile(
    r"display|visibility|opacity|font|mso-hide|height|width|color|clip|indent|transform|zoom|animation|position"
)
_LEAST = {
    **{"em": 0.07, "rem": 0.1, "ex": 0.1, "ch": 0.1, "vw": 0.3, "vh": 0.3, "in": 0.02, "cm": 0.05, "mm": 0.5, "q": 2.0},
    **{"px": 1.9, "pt": 1.4, "pc": 0.1, "": 0.0},
}
"""Of each unit: less than that nobody reads."""
_PLACES = re.compile(r"(?:margin|inset|left|right|top|bottom|translate|text-indent)(?:-[a-z-]+)?")
_TURNED = re.compile(r"unicode-bidi\s*:[^;}]*(?:override|var\()")
_SIZES = re.compile(r"(?:max-)?(?:height|width|block-size|inline-size)|line-height")


def loosely(taken: Taken) -> bool:
    """Whether a sheet in which brackets do not match may hide anything at all."""
    said = (part for rule in taken.rules for part in (*rule.preludes, *rule.declarations))
    return any(_LOOSE.search(unescaped(part).lower()) for part in said)


def turns(css: str) -> bool:
    """Whether `css` may draw letters in another order than they are written."""
    return "bidi" in (said := unescaped(plain(css)).lower()) and _TURNED.search(said) is not None


def of(declarations: Iterable[str]) -> int:
    """What the declarations of one rule do; each counts, whatever comes behind it."""
    found = 0
    for declaration in declarations:
        name, colon, value = declaration.partition(":")
        if not colon:
            continue
        name, value = unescaped(name).strip(" \t\n*_").lower(), unescaped(value).strip().lower()
        found |= _one(name, value) | placing.of(name, value)
    return found


def _one(name: str, value: str) -> int:
    match name:
        case "display" if not value.startswith("none"):
            return DISPLAYED | (GONE if _OPEN.search(value) else 0)
        case "display" | "visibility" | "content-visibility" | "mso-hide":
            return GONE if value.startswith(("none", "hidden", "collapse", "all")) or _OPEN.search(value) else 0
        case "opacity":
            return _faded(value)
        case "font-size" | "font":
            return _letters(name, value)
        case "overflow" | "overflow-x" | "overflow-y" | "overflow-block" | "overflow-inline":
            return 0 if value.startswith("visible") else CLIPS
        case "contain":
            return CLIPS | (SMALL | FLAT if re.search("strict|size", value) else 0)
        case "animation" | "animation-name" | "-webkit-animation":
            return 0 if value.startswith("none") else MOVED
        case "color" | "-webkit-text-fill-color":
            return INK
        case "background" | "background-color" | "background-image":
            return PAPER
        case "all":
            return INK | PAPER
    return _of_shape(name, value)


def _faded(value: str) -> int:
    number = _NUMBER.match(value)
    share = float(number[0]) * (0.01 if "%" in value else 1) if number else 1
    if _OPEN.search(value) or share <= 0.05:
        return GONE
    return next((bit for bit, most in FADED if share <= most), 0)


def _of_shape(name: str, value: str) -> int:
    match name:
        case "-webkit-text-security":
            return 0 if value.startswith("none") else GONE
        case "content":
            return GONE if re.search(r"(?:url|image|image-set|gradient)\(", value) else 0
        case "filter" | "-webkit-filter":
            return GONE if re.search(r"opacity\(\s*0*\.?0*%?\s*\)", value) else 0
        case "clip" | "clip-path" | "-webkit-clip-path":
            return GONE if _CUT.search(value) else 0
        case "transform" | "-webkit-transform" | "scale" | "zoom":
            return GONE if _no_scale(name, value) or _FAR.search(value) else 0
        case "grid-template-rows" | "grid-template" | "grid" | "grid-auto-rows":
            return SMALL if _NO_ROW.search(value) else 0
        case "font-size-adjust":
            return TINY if _NO_ROW.match(value) else 0
    if _SIZES.fullmatch(name):
        flat = FLAT if name.endswith(("height", "block-size")) and not name.startswith("line") else 0
        return SMALL | flat if _OPEN.search(value) or _no_size(value, percent=0.5) else 0
    if _PLACES.fullmatch(name):
        return GONE if _FAR.search(value) or placing.leftmost(value) <= _ASIDE else 0
    return 0


def _no_scale(name: str, value: str) -> bool:
    given = [value] if name in {"scale", "zoom"} else [one or other for one, other in _SCALED.findall(value)]
    numbers = (one for part in given for one in _NUMBERS.findall(part))
    return any(abs(float(one.rstrip("%"))) * (0.01 if "%" in one else 1) <= _LEAST_SCALE for one in numbers)


def _letters(name: str, value: str) -> int:
    size = value
    if name == "font":
        found = _OF_FONT.search(value)
        size = found[1] if found else ""
    if _OPEN.search(value):
        return TINY
    if _no_size(size):
        return TINY | (FORCED if "important" in value else 0)
    length = _LENGTH.match(size)
    relative = length is not None and length[1] in {"em", "%", "ex", "ch"}
    return SIZED if size and not relative and not size.startswith(("inherit", "smaller", "larger", "unset")) else 0


def _no_size(value: str, percent: float = 7.0) -> bool:
    found = _LENGTH.match(value)
    if found is None:
        return False
    number = _NUMBER.match(value)
    least = percent if found[1] == "%" else _LEAST.get(found[1], 1.0)
    return number is not None and float(number[0]) <= least

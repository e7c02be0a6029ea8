"""What declarations of CSS do to the words of an element: which of them keep it from being seen."""

from __future__ import annotations

import re
from collections.abc import Iterable

from maton_mailgun.mail import placing
from maton_mailgun.mail.colours import Colour, alike, with_cover
from maton_mailgun.mail.css_rules import Taken, plain, unescaped

GONE, SMALL, CLIPS, TINY, SIZED, FORCED, MOVED, INK, PAPER, DISPLAYED, FAINT, HALF = (1 << bit for bit in range(12))
"""Not seen, with all in it; a box of no size; what overflows is not seen; letters of no size; letters of a size of
their own; `TINY` even against the element's own style; animated; a colour, a background of its own;
displayed, whatever it is; a quarter or less of its ink, and half or less."""

_LENGTH = re.compile(r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*([a-z%]*)")
_NUMBER = re.compile(r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?")
_OF_FONT = re.compile(r"(?:^|\s)((?:\d+\.?\d*|\.\d+)(?:[a-z]+|%)|0+\.?0*)(?=\s|/|$)")
_OPEN = re.compile(r"\b(?:var|env|if|attr|calc|min|max|clamp)\(")
"""Values that only a browser knows."""
_FAR = re.compile(r"-\d{3,}")
_NO_SCALE = re.compile(r"scale[xy3d]*\(\s*0*\.?0*\s*[,)]")
_CUT = re.compile(r"rect\(\s*[01]?(?:px)?[\s,)]|inset\(\s*(?:[5-9]\d|\d{3,})(?:\.\d*)?%|circle\(\s*0|polygon\(\s*0")
_CLEAR = re.compile(
    r"^transparent|^(?:rgb|hsl)a?\([^)]*[,/]\s*0*\.?0*%?\s*\)|^#(?:[0-9a-f]{3}0|[0-9a-f]{6}00)(?![0-9a-f])"
)
_LOOSE = re.compile(
    r"display|visibility|opacity|font|mso-hide|height|width|color|clip|indent|transform|zoom|animation|position"
)
_RELATIVE = {"em": 0.07, "rem": 0.07, "ex": 0.1, "ch": 0.1, "vw": 0.1, "vh": 0.1, "in": 0.02, "cm": 0.04}
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
    colours: dict[str, Colour | None] = {}
    for declaration in declarations:
        name, colon, value = declaration.partition(":")
        if not colon:
            continue
        name, value = unescaped(name).strip(" \t\n*_").lower(), unescaped(value).strip().lower()
        found |= _one(name, value) | placing.of(name, value)
        if name in {"color", "background", "background-color"}:
            known = with_cover(value)
            colours[name.partition("-")[0]] = known[0] if known is not None and known[1] == 1 else None
    if len(colours) == 2 and alike(colours["color"], colours["background"]):
        found |= GONE
    return found


def _one(name: str, value: str) -> int:
    match name:
        case "display" if not value.startswith("none"):
            return DISPLAYED | (GONE if _OPEN.search(value) else 0)
        case "display" | "visibility" | "content-visibility" | "mso-hide":
            return GONE if value.startswith(("none", "hidden", "collapse", "all")) or _OPEN.search(value) else 0
        case "opacity":
            number = _NUMBER.match(value)
            least = 5 if "%" in value else 0.05
            if _OPEN.search(value) or (number and float(number[0]) <= least):
                return GONE
            share = float(number[0]) * (0.01 if "%" in value else 1) if number else 1
            return FAINT if share <= 0.25 else HALF if share <= 0.5 else 0
        case "font-size" | "font":
            return _letters(name, value)
        case "overflow" | "overflow-x" | "overflow-y" | "contain":
            return 0 if value.startswith("visible") else CLIPS
        case "animation" | "animation-name" | "-webkit-animation":
            return 0 if value.startswith("none") else MOVED
        case "color":
            return INK | (GONE if _faint(value) else 0)
        case "background" | "background-color" | "background-image":
            return PAPER
    return _of_shape(name, value)


def _faint(value: str) -> bool:
    known = with_cover(value)
    return _CLEAR.search(value) is not None or (known is not None and known[1] <= 0.15)


def _of_shape(name: str, value: str) -> int:
    match name:
        case "-webkit-text-fill-color" | "fill":
            return INK | (GONE if _faint(value) else 0)
        case "-webkit-text-security":
            return 0 if value.startswith("none") else GONE
        case "content":
            return GONE if re.search(r"(?:url|image|image-set|gradient)\(", value) else 0
        case "filter" | "-webkit-filter":
            return GONE if re.search(r"opacity\(\s*0*\.?0*%?\s*\)", value) else 0
        case "clip" | "clip-path" | "-webkit-clip-path":
            return GONE if _CUT.search(value) else 0
        case "transform" | "-webkit-transform" | "scale" | "zoom":
            none = re.match(r"0*\.?0*%?(?:\s|!|$)", value) if name in {"scale", "zoom"} and value else None
            return GONE if none or _NO_SCALE.search(value) or _FAR.search(value) else 0
    if _SIZES.fullmatch(name):
        return SMALL if _OPEN.search(value) or _no_size(value, percent=0.5) else 0
    return GONE if _PLACES.fullmatch(name) and _FAR.search(value) else 0


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
    least = percent if found[1] == "%" else _RELATIVE.get(found[1], 1.0 if found[1] else 0.0)
    return number is not None and float(number[0]) <= least

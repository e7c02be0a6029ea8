"""Colours of CSS as red, green, blue and how much they cover: to tell ink that nobody sees on its paper."""

from __future__ import annotations

import colorsys
import re
from typing import TypeAlias

Colour: TypeAlias = tuple[int, int, int]

_WORDS = re.findall(
    r"\w+",
    "aliceblue f0f8ff antiquewhite faebd7 aqua 00ffff aquamarine 7fffd4 azure f0ffff beige f5f5dc bisque ffe4c4 "
    "black 000000 blanchedalmond ffebcd blue 0000ff blueviolet 8a2be2 brown a52a2a burlywood deb887 cadetblue "
    "5f9ea0 chartreuse 7fff00 chocolate d2691e coral ff7f50 cornflowerblue 6495ed cornsilk fff8dc crimson dc143c "
    "cyan 00ffff darkblue 00008b darkcyan 008b8b darkgoldenrod b8860b darkgray a9a9a9 darkgreen 006400 darkgrey "
    "a9a9a9 darkkhaki bdb76b darkmagenta 8b008b darkolivegreen 556b2f darkorange ff8c00 darkorchid 9932cc darkred "
    "8b0000 darksalmon e9967a darkseagreen 8fbc8f darkslateblue 483d8b darkslategray 2f4f4f darkslategrey 2f4f4f "
    "darkturquoise 00ced1 darkviolet 9400d3 deeppink ff1493 deepskyblue 00bfff dimgray 696969 dimgrey 696969 "
    "dodgerblue 1e90ff firebrick b22222 floralwhite fffaf0 forestgreen 228b22 fuchsia ff00ff gainsboro dcdcdc "
    "ghostwhite f8f8ff gold ffd700 goldenrod daa520 gray 808080 green 008000 greenyellow adff2f grey 808080 "
    "honeydew f0fff0 hotpink ff69b4 indianred cd5c5c indigo 4b0082 ivory fffff0 khaki f0e68c lavender e6e6fa "
    "lavenderblush fff0f5 lawngreen 7cfc00 lemonchiffon fffacd lightblue add8e6 lightcoral f08080 lightcyan "
    "e0ffff lightgoldenrodyellow fafad2 lightgray d3d3d3 lightgreen 90ee90 lightgrey d3d3d3 lightpink ffb6c1 "
    "lightsalmon ffa07a lightseagreen 20b2aa lightskyblue 87cefa lightslategray 778899 lightslategrey 778899 "
    "lightsteelblue b0c4de lightyellow ffffe0 lime 00ff00 limegreen 32cd32 linen faf0e6 magenta ff00ff maroon "
    "800000 mediumaquamarine 66cdaa mediumblue 0000cd mediumorchid ba55d3 mediumpurple 9370db mediumseagreen "
    "3cb371 mediumslateblue 7b68ee mediumspringgreen 00fa9a mediumturquoise 48d1cc mediumvioletred c71585 "
    "midnightblue 191970 mintcream f5fffa mistyrose ffe4e1 moccasin ffe4b5 navajowhite ffdead navy 000080 oldlace "
    "fdf5e6 olive 808000 olivedrab 6b8e23 orange ffa500 orangered ff4500 orchid da70d6 palegoldenrod eee8aa "
    "palegreen 98fb98 paleturquoise afeeee palevioletred db7093 papayawhip ffefd5 peachpuff ffdab9 peru cd853f "
    "pink ffc0cb plum dda0dd powderblue b0e0e6 purple 800080 red ff0000 rosybrown bc8f8f royalblue 4169e1 "
    "saddlebrown 8b4513 salmon fa8072 sandybrown f4a460 seagreen 2e8b57 seashell fff5ee sienna a0522d silver "
    "c0c0c0 skyblue 87ceeb slateblue 6a5acd slategray 708090 slategrey 708090 snow fffafa springgreen 00ff7f "
    "steelblue 4682b4 tan d2b48c teal 008080 thistle d8bfd8 tomato ff6347 turquoise 40e0d0 violet ee82ee wheat "
    "f5deb3 white ffffff whitesmoke f5f5f5 yellow ffff00 yellowgreen 9acd32 ",
)
_NAMED = {**dict(zip(_WORDS[::2], _WORDS[1::2], strict=True)), "rebeccapurple": "663399"}
"""CSS Color Module 4, 6.1."""
_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
_FUNCTION = re.compile(
    rf"(rgb|hsl)a?\(\s*({_NUMBER})(%|deg)?[\s,]+({_NUMBER})(%?)[\s,]+({_NUMBER})(%?)\s*(?:[,/]\s*({_NUMBER})(%?)\s*)?\)"
)
_HEX = re.compile(r"#?([0-9a-f]{8}|[0-9a-f]{6}|[0-9a-f]{3,4})(?![0-9a-z])")
_CLOSE = 20
"""Steps of 256 in each of red, green and blue that no eye tells apart in letters."""
_TINGED, _CONTRAST = 40, 1.25
"""So far apart only the tinge differs where the brightness is the same (WCAG 2.2, contrast ratio: it asks for 4.5)."""


def with_cover(value: str) -> tuple[Colour, float] | None:
    """A colour, and from 0 to 1 how much it covers; None of one that is not known, or of a picture."""
    value = value.strip().lower()
    if "url(" in value or "gradient" in value:
        return None
    if found := _FUNCTION.match(value):
        return _of_function(found)
    word = value
    if word == "transparent":
        return (0, 0, 0), 0.0
    given = _HEX.fullmatch(_NAMED.get(word, word))
    if given is None:
        return None
    digits = given[1] if len(given[1]) >= 6 else "".join(2 * digit for digit in given[1])
    cover = int(digits[6:] or "ff", 16) / 255
    return (int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)), cover


def legacy(value: str) -> tuple[Colour, float] | None:
    """The colour that browsers make of the value of an attribute (HTML Standard, 2.3.6); None where they make none."""
    value = value.strip(" \t\n\f\r").lower()
    if value in {"", "transparent"}:
        return None
    if value in _NAMED:
        return with_cover(value)
    if re.fullmatch(r"#[0-9a-f]{3}", value):
        return with_cover(value)
    spelled = "".join("00" if ord(sign) > 0xFFFF else sign for sign in value)[:128].removeprefix("#")
    digits = "".join(sign if sign in "0123456789abcdef" else "0" for sign in spelled)
    digits += "0" * (-len(digits) % 3 if digits else 3)
    third = len(digits) // 3
    parts = [digits[at * third : (at + 1) * third][-8:] for at in range(3)]
    while len(parts[0]) > 2 and all(part[0] == "0" for part in parts):
        parts = [part[1:] for part in parts]
    red, green, blue = (int(part[:2], 16) for part in parts)
    return (red, green, blue), 1.0


def _of_function(found: re.Match[str]) -> tuple[Colour, float]:
    kind, first, unit, second, _, third, _, cover, cover_share = found.groups()
    over = float(cover) / (100 if cover_share else 1) if cover else 1.0
    over = min(1.0, max(0.0, over))
    if kind == "rgb":
        scale = 2.55 if unit == "%" else 1.0
        red, green, blue = (_step(float(one) * scale) for one in (first, second, third))
        return (red, green, blue), over
    lightness = min(1.0, max(0.0, float(third) / 100))
    saturation = min(1.0, max(0.0, float(second) / 100))
    mixed = colorsys.hls_to_rgb(float(first) % 360 / 360, lightness, saturation)
    return (_step(mixed[0] * 255), _step(mixed[1] * 255), _step(mixed[2] * 255)), over


def _step(value: float) -> int:
    return min(255, max(0, round(value)))


def over(above: tuple[Colour, float] | None, below: Colour | None) -> Colour | None:
    """What is seen of `above` on `below`."""
    if above is None or (above[1] < 1 and below is None):
        return None
    if above[1] == 1 or below is None:
        return above[0]
    red, green, blue = (round(a * above[1] + b * (1 - above[1])) for a, b in zip(above[0], below, strict=True))
    return red, green, blue


def _brightness(colour: Colour) -> float:
    """Relative luminance, from 0 to 1 (WCAG 2.2)."""
    parts = [part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def alike(one: Colour | None, other: Colour | None) -> bool:
    """Whether nobody sees one of these on the other."""
    if one is None or other is None:
        return False
    apart = max(abs(a - b) for a, b in zip(one, other, strict=True))
    if apart <= _CLOSE or apart > _TINGED:
        return apart <= _CLOSE
    dark, light = sorted((_brightness(one), _brightness(other)))
    return (light + 0.05) / (dark + 0.05) <= _CONTRAST

"""Characters that look like others, or like nothing: what a text holds of them, in words."""

from __future__ import annotations

import re

_ALL = re.compile(
    "(?P<private>[\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd])"
    # The flags of England, Scotland and Wales are tags behind a black flag, up to the last one.
    "|\U0001f3f4[\U000e0020-\U000e007e]{1,6}\U000e007f|(?P<tag>[\U000e0000-\U000e007f])"
    "|(?P<turning>[\u202a-\u202e\u2066-\u2069])"
    "|(?P<variant>[\U000e0100-\U000e01ef]|[\ufe00-\ufe0d]|(?<=[0-9A-Za-z.@])[\ufe0e\ufe0f](?!\u20e3))"
    # Between letters of Latin, Greek and Cyrillic nothing joins; soft hyphens and joiners of words may stand there.
    "|(?<=[0-9A-Za-z\u00c0-\u024f\u0370-\u052f])(?P<zero>[\u200b-\u200d\ufeff\u034f\u180e\u2061-\u2064]+)"
    "(?=[0-9A-Za-z\u00c0-\u024f\u0370-\u052f])"
)
_SAID = {
    "private": ("private-use character", "that each font draws in its own way"),
    "tag": ("tag character", "that nobody sees and programs may read"),
    "turning": ("control character", "that turns the order of letters"),
    "variant": ("variation selector", "that changes how the letter before it is drawn"),
    "zero": ("invisible character", "inside words"),
}


def odd_signs(text: str) -> list[str]:
    """One line for each kind: `2 private-use characters (U+E000, U+E001) that each font draws in its own way`."""
    if text.isascii():
        return []
    found: dict[str, list[str]] = {}
    for sign in _ALL.finditer(text):
        if sign.lastgroup:
            found.setdefault(sign.lastgroup, []).append(sign[sign.lastgroup][0])
    return [_told(kind, signs) for kind, signs in found.items()]


def _told(kind: str, signs: list[str]) -> str:
    name, why = _SAID[kind]
    distinct = list(dict.fromkeys(signs))
    named = ", ".join(f"U+{ord(one):04X}" for one in distinct[:3])
    more = f" and {len(distinct) - 3} others" if len(distinct) > 3 else ""
    return f"{len(signs):,} {name}{'' if len(signs) == 1 else 's'} ({named}{more}) {why}"

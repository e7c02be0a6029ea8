"""Characters that look like others, or like nothing: what a text holds of them, in words."""

from __future__ import annotations

import re
from itertools import islice

from maton_mailgun.mail.text import count

_WORD = "0-9A-Za-z\u00c0-\u024f\u0370-\u052f"
_KINDS = {
    "private-use character": (
        "that each font draws in its own way",
        "[\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd]",
    ),
    "tag character": (
        "that nobody sees and programs may read",
        "[\U000e0000-\U000e007f]",
    ),
    "control character": ("that turns the order of letters", "[\u202a-\u202e\u2066-\u2069]"),
    "variation selector": (
        "that changes how the letter before it is drawn",
        "[\U000e0100-\U000e01ef\ufe00-\ufe0d]|(?<=[0-9A-Za-z.@])[\ufe0e\ufe0f](?!\u20e3)",
    ),
    # Between letters of Latin, Greek and Cyrillic nothing joins.
    "invisible character": (
        "inside words",
        f"(?<=[{_WORD}])[\u200b-\u200d\ufeff\u034f\u180e\u2061-\u2064]+(?=[{_WORD}])",
    ),
}
_SIGNS = {kind: (why, re.compile(pattern)) for kind, (why, pattern) in _KINDS.items()}
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{1,6}\U000e007f")
"""Those of England, Scotland and Wales are tags behind a black flag."""
_MOST = 1_000
"""Of a kind that are counted."""


def odd_signs(text: str) -> list[str]:
    """One line for each kind: `2 private-use characters (U+E000, U+E001) that each font draws in its own way`."""
    if text.isascii():
        return []
    text = _FLAG.sub("", text)
    told = []
    for kind, (why, pattern) in _SIGNS.items():
        if found := [sign[0] for sign in islice(pattern.finditer(text), _MOST)]:
            told.append(f"{_told(kind, found)} {why}")
    return told


def _told(kind: str, signs: list[str]) -> str:
    distinct = list(dict.fromkeys(sign[0] for sign in signs))
    named = ", ".join(f"U+{ord(one):04X}" for one in distinct[:3])
    more = f" and {len(distinct) - 3} others" if len(distinct) > 3 else ""
    number = count(len(signs), kind)
    return f"{number if len(signs) < _MOST else f'{number} or more'} ({named}{more})"

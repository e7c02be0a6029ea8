"""The addresses in style sheets: from where they may fetch pictures, fonts and further sheets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from maton_mailgun.mail.css_rules import NAME_SIGN, TooMuchStyle, unescaped
from maton_mailgun.mail.data_urls import opened

_ESCAPED = re.compile(r"\\(?:([0-9a-fA-F]{1,6})[ \t\n]?|([^\n])|\Z)")
_PART = re.compile(
    r"/\*.*?(?:\*/|\Z)"
    r"|\"((?:[^\"\\\n]|\\.)*+)\"?|'((?:[^'\\\n]|\\.)*+)'?"
    # A name with an escape: `\31 url(` is another function than `url(`.
    rf"|(?:\\(?:[0-9a-f]{{1,6}}[ \t\n]?|.){NAME_SIGN}*+)++"
    rf"|(?<!{NAME_SIGN})url\([ \t\n]*+(?![\"'])((?:[^)\\]|\\.)*+)\)?",
    re.IGNORECASE | re.DOTALL,
)
_FETCHING = re.compile(r"(?i)@import|(?:src|image(?:-set)?)\s*+\(")
"""Where a string is an address, not words."""
_BARE_IMPORT = re.compile(r"@import[ \t\n]*+(?![\"']|url\()([^; \t\n]++)", re.IGNORECASE)
"""No rule, but Chromium fetches it ahead of reading the sheet (its `CSSPreloadScanner`)."""
_MOST_WITHIN = 4


def addresses(css: str) -> Iterator[str]:
    """All that may be an address in `css`, each once: those of `url()`, and every string, for `image-set()`, `src()`
    and `@import` take them and custom properties hand them on. A string without a host of its own is one only where
    something may fetch it."""
    css = css.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")
    css = respelled(css)  # guard: 121-spelled
    fetching = _FETCHING.search(css) is not None
    told: dict[str, None] = {}
    told.update(dict.fromkeys(_BARE_IMPORT.findall(css)))  # guard: 121-bare
    for part in _PART.finditer(css):
        double, single, bare = part.groups()
        said = double if double is not None else single
        if bare is not None:
            told[unescaped(bare.strip(" \t\n"))] = None
        elif said is not None and (fetching or ":" in said or "//" in said or "\\" in said):  # guard: 121-strings
            told[unescaped(said)] = None
    yield from told


def brought(given: Iterable[str]) -> Iterator[str]:
    """The style sheets that stand in the addresses `given` themselves, and those that they bring in.

    Raises:
        TooMuchStyle: they go on bringing in others.
    """
    todo = list(given)
    for _ in range(_MOST_WITHIN):
        found = [inner.text for one in todo if (inner := opened(one)) is not None and "css" in inner.kind]
        if not found:
            return
        yield from found
        todo = [one for sheet in found for one in addresses(sheet)]
    raise TooMuchStyle("styled by sheets within sheets, too deep to be read")


def respelled(css: str) -> str:
    """`css` in which no letter is spelled with a backslash. All else keeps its own, so that each rule stays what it
    is."""
    return _ESCAPED.sub(_spelled, css) if "\\" in css else css


def _spelled(escape: re.Match[str]) -> str:
    """An escape of CSS: the letter that it means, or another escape of the same character."""
    number = int(escape[1], 16) if escape[1] else ord(escape[2] or "\ufffd")
    if not 0 < number < 0x110000 or 0xD800 <= number < 0xE000:
        number = 0xFFFD
    character = chr(number)
    return character if character.isalpha() or character in "-_" else f"\\{number:x} "

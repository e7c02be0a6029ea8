"""Hosts in plain text without `https://` before them, which mail programs make links of: `example.com/pay`.

Programs go by the list of top-level domains, each by its own. Here every ending counts that could be one, but for those
that name files and are no domain: a name too many among the links is harmless, one that is missing is not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_ENDING = r"(?:xn--[a-z0-9-]{2,59}|[^\W\d_]{2,24})"
_BARE = re.compile(
    rf"(?<![\w@.\\-])(?<!//)((?:[\w-]{{1,63}}\.)+{_ENDING})(?![\w@-]|\.[\w-])"
    r"(:[0-9]{1,5}(?!\w))?([/?#][^\s<>\"'\])}]*)?",
    re.IGNORECASE,
)
_PLACE = re.compile(r"%recipient\.[\w.-]{1,80}%")
_ASCII_TAIL = re.compile(r"(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}\Z")
_FILE_ENDINGS = (
    "txt text pdf html htm xhtml php asp aspx jsp xml xsl json jsonl csv tsv doc docx docm rtf odt ods odp "
    "xls xlsx xlsm ppt pptx ics eml msg mbox png jpg jpeg gif svg webp bmp tif tiff ico heic psd wav flac ogg "
    "avi mkv webm tar gz tgz xz rar jar iso exe dll msi bat cmd apk dmg deb rpm js mjs cjs jsx ts tsx css "
    "scss cpp hpp cs go rb swift sql db sqlite yml yaml toml ini cfg conf env log lock bak tmp tex ipynb "
    "epub ttf woff pem crt key"
)
_FILES = frozenset(_FILE_ENDINGS.split())
"""Endings of file names that are no top-level domain. `md`, `py`, `zip`, `sh` and `mov` are both, and count."""
_WITHOUT_BLANKS = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")
_OF_NUMBERS = frozenset({"com", "net", "org", "cn", "info", "biz", "me", "io", "co", "vip", "top", "xyz"})
"""Domains below which names of digits alone are sold: `163.com` is a host, `3.50.EUR` is none."""


def bare_links(text: str) -> Iterator[str]:
    """Each host with what follows it, as it is followed: with `http://` before it."""
    for found in _BARE.finditer(_PLACE.sub(_blanked, text)):
        host, port, path = found[1].lstrip("-"), found[2], found[3]
        ending = host.rpartition(".")[2].casefold()
        alone = not port and not path
        if alone and ending in _FILES:
            continue
        if alone and ending not in _OF_NUMBERS and not re.search(r"[^\W\d_]", host[: -len(ending)]):
            continue
        rest = f"{port or ''}{text[found.start(3) : found.end(3)] if path else ''}".rstrip(".,;:!?»”’")
        yield f"http://{host}{rest}"
        if not host.isascii() and (tail := _ASCII_TAIL.search(host)) and _begins_anew(host, tail.start()):
            yield f"http://{tail[0]}{rest}"


def _blanked(place: re.Match[str]) -> str:
    return "\x00" * len(place[0])


def _begins_anew(host: str, at: int) -> bool:
    """Whether a host may begin at a place: right behind a script that has no blanks between its words."""
    return at > 0 and unicodedata.name(host[at - 1], "").startswith(_WITHOUT_BLANKS)

"""Documents and style sheets that stand in an address of their own: `data:text/css,p{...}`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

_DATA = re.compile(r"[\x00-\x20]*+d[\t\n\r]*+a[\t\n\r]*+t[\t\n\r]*+a[\t\n\r]*+:([^,]*),(.*)", re.IGNORECASE | re.DOTALL)
_BASE64 = re.compile(r";\s*base64\s*$", re.IGNORECASE)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w-]{1,20})", re.IGNORECASE)
_DRAWN = re.compile(r"image/(?!svg)|audio/|video/|font/|application/(?:font|x-font|octet-stream|pdf)")
_BLANK = re.compile(rb"[\t\n\f\r ]+")


@dataclass(frozen=True, slots=True)
class Inside:
    """What an address holds itself."""

    kind: str
    """Its media type, in lower case; `text/plain` where it names none."""
    text: str


def opened(address: str) -> Inside | None:
    """What `address` holds (RFC 2397, WHATWG Fetch "data: URL processor"); None of other addresses, and of what is no
    text: pictures, fonts, sounds."""
    found = _DATA.match(address)
    if found is None:
        return None
    kind = found[1].partition(";")[0].strip().lower() or "text/plain"
    if _DRAWN.match(kind):
        return None
    content = unquote_to_bytes(found[2].replace("\t", "").replace("\n", "").replace("\r", ""))
    if _BASE64.search(found[1]):
        content = _BLANK.sub(b"", content).rstrip(b"=")
        try:
            content = base64.b64decode(content + b"=" * (-len(content) % 4), validate=True)
        except binascii.Error:
            return Inside(kind, "")
    charset = _CHARSET.search(found[1])
    return Inside(kind, _decoded(content, charset[1] if charset else "utf-8"))


def _decoded(content: bytes, charset: str) -> str:
    try:
        return content.decode(charset, "replace")
    except (LookupError, ValueError):
        return content.decode("utf-8", "replace")


def held(addresses: Iterable[str]) -> list[str]:
    """The pictures, sounds, fonts and files among `addresses` that hold all of it themselves: what each is, how large,
    and its digest."""
    found: dict[str, None] = {}
    for address in addresses:
        part = _DATA.match(address)
        if part is None or opened(address) is not None:
            continue
        content = unquote_to_bytes(part[2])
        if _BASE64.search(part[1]):
            try:
                content = base64.b64decode(_BLANK.sub(b"", content).rstrip(b"=") + b"==")
            except binascii.Error:
                content = b""
        kind = part[1].partition(";")[0].strip().lower()[:60]
        found[f"{kind}, {len(content):,} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}"] = None
    return list(found)

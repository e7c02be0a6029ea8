"""Parts that say where they are: their links without a host lead there in some programs, and nowhere in others.

RFC 2557, 4.2 and 5, makes a base of Content-Location and of the base that goes around a part; Thunderbird writes one
before the HTML (mailnews/mime/src/mimethtm.cpp), for Content-Base too, which RFC 2110 had.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urljoin

from maton_mailgun.mail.hosts import as_browsers_read
from maton_mailgun.mail.html import read
from maton_mailgun.mail.links import followed
from maton_mailgun.mail.mime_tree import MimePart
from maton_mailgun.mail.pieces import Piece

_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_LEADING = ("href", "xlink:href", "action", "formaction", "action-xhr", "longdesc", "cite", "ping")
_LOADING = ("src", "background", "poster", "data")
_ADDRESSES = (*_LEADING, *_LOADING)
_IN_STYLE = re.compile(r"(?i)(?:url\(|@import)\s*[\"']?([^\s\"')]+)")
_RIGHT = "Write every link and picture in full, or leave Content-Location and Content-Base out"


def problem(part: MimePart, text: str, whole: MimePart) -> tuple[str, str] | None:
    """What is wrong with an HTML text and what would be right, if programs lead its links to different places.

    Args:
        part: Where the text stands.
        text: The HTML.
        whole: The message.
    """
    around = [one for one in whole.walk() if not one.place or part.place.startswith(f"{one.place}.") or one is part]
    bases = [base for one in around for base in _bases(one)]
    if not bases:
        return None
    page = read(text)
    if page.lost:
        return f"says that it is at {bases[-1][:60]!a}, and its HTML is {page.lost}", _RIGHT
    sent_along = {urljoin(base, name) for base in bases for name in _locations(whole)}
    for name, address in _relative(page.pieces):
        known = name in _LOADING and any(urljoin(base, address) in sent_along for base in bases)
        if not known:  # guard: 146-base
            at = f"says that it is at {bases[-1][:60]!a}"
            return f"{at}, and has links or pictures without a host: {address[:60]!a}", _RIGHT
    return None


def _bases(part: MimePart) -> Iterator[str]:
    for name in ("content-base", "content-location"):
        location = "".join(part.header(name).split())
        if _SCHEME.match(location) and not location.casefold().startswith(("cid:", "mid:")):
            yield location


def _locations(whole: MimePart) -> Iterator[str]:
    return filter(None, ("".join(one.header("content-location").split()) for one in whole.walk()))


def _relative(pieces: Sequence[Piece]) -> Iterator[tuple[str, str]]:
    """Attributes of addresses that depend on a base, with them."""
    for piece in pieces:
        style = piece.attributes.get("style", "") if piece.kind == "start" else piece.text if _is_sheet(piece) else ""
        given = [("src", found[1]) for found in _IN_STYLE.finditer(style)]
        if piece.kind == "start" and piece.name != "base":
            given += [(name, piece.attributes[name]) for name in _ADDRESSES if name in piece.attributes]
            given += [("src", one.strip().partition(" ")[0]) for one in piece.attributes.get("srcset", "").split(",")]
        for name, written in given:
            address = as_browsers_read(followed(written))
            if address and not address.startswith("#") and not _SCHEME.match(address):
                yield name, address


def _is_sheet(piece: Piece) -> bool:
    return piece.kind == "text" and piece.name == "style"

"""What a message loads when it is opened: every address that a browser or a mail program may fetch by itself."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping

from maton_mailgun.mail.css_addresses import addresses
from maton_mailgun.mail.css_rules import unescaped
from maton_mailgun.mail.data_urls import opened
from maton_mailgun.mail.links import bases, joined
from maton_mailgun.mail.nesting import why_too_costly
from maton_mailgun.mail.pieces import Piece
from maton_mailgun.mail.styling import style_elements

_ADDRESSES = frozenset(
    "src srcset imagesrcset background poster data lowsrc dynsrc archive classid codebase code icon profile manifest"  # noqa: SIM905
    " attributionsrc datasrc pluginspage".split()
)
"""Attributes that name what is loaded, whatever the element is."""
_SEVERAL = frozenset({"srcset", "imagesrcset", "archive", "attributionsrc"})
_BY_HREF = frozenset(
    "link image use feimage script lineargradient radialgradient pattern filter textpath mpath tref cursor"  # noqa: SIM905
    " font-face-uri color-profile".split()
)
"""Elements that load what `href` names; those of other spaces, as VML's `v:fill o:href`, have a colon in one or both
names."""
_OWN_WAYS = re.compile(r"(?i)<(/?)(svg|math|select|frameset|frame)(?![\w-])")
_ANIMATED = ("to", "from", "by", "values")
_MOST_WITHIN = 3
_ABSOLUTE = re.compile(r"(?i)(?:https?|ftp):[/\\]*[^\s\"'<>)]+")
_NAMESPACE = re.compile(r"(?i)\bxmlns(?::[\w-]+)?\s*=\s*(?:\"[^\"]*\"|'[^']*')")


def loads(pieces: Iterable[Piece]) -> list[str]:
    """Each address that is loaded, once, in order; one without a host of its own with that of each `base`."""
    pieces = list(pieces)
    found: dict[str, None] = {}
    for piece in pieces:
        if piece.kind == "start":
            found.update(dict.fromkeys(_of_element(piece.name, piece.attributes)))  # guard: 121-attributes
    for sheet in style_elements(pieces):
        found.update(dict.fromkeys(addresses(sheet)))
    inside = [one for address in found for one in _inside(address)]  # guard: 121-inside
    found.update(dict.fromkeys(inside))
    bound = bases(pieces)
    return list(dict.fromkeys(whole for one in found for whole in joined(bound, one)))


def ahead(source: str) -> tuple[list[str], str]:
    """What browsers may fetch of `source` before they build its tree, for then every tag counts (Chromium's
    `HTMLPreloadScanner`): that of the tags alone, without the elements that have ways of their own with what is in
    them; and why that could not be read, or the empty string."""
    if _OWN_WAYS.search(source) is None:
        return [], ""
    flat = _OWN_WAYS.sub(r"<\1x-\2", source)
    if lost := why_too_costly(flat):
        return [], lost
    return loads(_tags(flat)), ""


def _tags(source: str) -> Iterator[Piece]:
    from selectolax.lexbor import LexborHTMLParser

    for node in LexborHTMLParser(source).css("*"):
        name = node.tag or ""
        yield Piece("start", name, {key.lower(): value or "" for key, value in node.attributes.items()})
        if name == "style" and node.first_child is not None:
            yield Piece("text", name, text=node.first_child.text_content or "")
        yield Piece("end", name)


def _of_element(name: str, attributes: Mapping[str, str]) -> Iterator[str]:
    local = name.rpartition(":")[2]
    for key, given in attributes.items():
        if not given:
            continue
        bare = key.rpartition(":")[2]
        if bare in _SEVERAL:
            # A comma may be part of an address, or end it.
            yield from (one.strip(",") for one in given.split())
            yield from given.replace(",", " ").split()
        elif bare in _ADDRESSES or (bare == "href" and (local in _BY_HREF or key != bare)):
            yield given
        elif key == "style" or "(" in given:
            yield from addresses(given)
        elif bare in _ANIMATED and name in {"set", "animate"}:
            yield from given.split(";")


def _inside(address: str, within: int = 0) -> Iterator[str]:
    """What is loaded by what an address holds itself."""
    inner = opened(address)
    if inner is None or within > _MOST_WITHIN:
        return
    found = list(addresses(inner.text)) if "css" in inner.kind else list(_absolute(inner.text))
    for one in found:
        yield one
        yield from _inside(one, within + 1)


def _absolute(markup: str) -> Iterator[str]:
    """Addresses in a document, wherever they stand in it and however they are spelled there."""
    plain = _NAMESPACE.sub(" ", html.unescape(markup))
    yield from _ABSOLUTE.findall(plain)
    if "\\" in plain:
        yield from _ABSOLUTE.findall(unescaped(plain))

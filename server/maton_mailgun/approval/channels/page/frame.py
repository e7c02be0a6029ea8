"""The HTML body of a message, rebuilt so that looking at it does nothing.

The frame it is shown in runs no script and fetches nothing (`fence.FRAME_POLICY`); that is the wall. This is the
second one, and covers what a content policy does not: name look-ups in advance, links, refreshes. What loads, leads
somewhere or acts does not come through, and all text is escaped again. Everything else does, under its own name and
with its attributes: a style sheet that finds them finds them here too, so that the frame draws what the mail does.
"""

from __future__ import annotations

import html
import re
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from maton_mailgun.approval.preview.document import InlinePicture
from maton_mailgun.mail.css_addresses import respelled
from maton_mailgun.mail.html import Page, read
from maton_mailgun.mail.pieces import SOME, UNSHOWN, Piece
from maton_mailgun.mail.text import count, safe_line

MOST_CHARACTERS = 1_000_000
"""Of HTML that is rendered; mail programs cut far earlier (Gmail at 102 kB). Longer is shown as source only."""

_ACTIVE_NAMES = (
    "applet area audio base basefont bgsound button canvas command datalist details dialog embed fencedframe fieldset"
    " form frame frameset geolocation iframe image img input isindex keygen legend link listing map marquee math"
    " menuitem meta meter model nextid noembed noframes noscript object optgroup option output param permission picture"
    " plaintext portal progress script search select selectedcontent shadow slot source style svg template textarea"
    " title track usermedia video xmp html head body"
)
_ACTIVE = frozenset(_ACTIVE_NAMES.split())
"""Elements that load, act, or read what is in them in their own way; all others do nothing of themselves."""
_ELEMENT = re.compile(r"[a-z][a-z0-9_.:-]{0,60}")
_ATTRIBUTE = re.compile(r"[a-z_][a-z0-9_.:-]{0,60}")
_LOADING_NAMES = (
    "action archive autofocus autoplay background cite classid code codebase command commandfor content"
    " contenteditable data download draggable dynsrc enterkeyhint for form formaction href http-equiv icon imagesizes"
    " imagesrcset inputmode interestfor is itemid itemtype longdesc lowsrc manifest nonce object ping popover"
    " popovertarget poster profile rel shadowrootmode slot src srcdoc srcset target usemap xlink:href xml:base"
    " accesskey tabindex name"
)
_LOADING = frozenset(_LOADING_NAMES.split())
"""Attributes that load, lead somewhere or act. They come through under other names, for rules that ask for them."""
_LONGEST_FIRST = "|".join(map(re.escape, sorted(_LOADING, key=len, reverse=True)))
_ASKED = re.compile(rf"(?i)\[\s*(?:[\w*]*\|)?({_LONGEST_FIRST})(?=[\s\]=~|^$*])")
RENAMED = f"data-{secrets.token_hex(6)}-"
"""Stands before their names: what no message can know, or a rule could ask for that."""
_EMPTY = frozenset({"br", "hr", "wbr", "col", "img"})
_APART = frozenset(
    {"option", "optgroup", "select", "legend", "button", "textarea", "xmp", "listing", "plaintext", "marquee", "dialog"}
)
"""Not let through, and their words stand apart from what is beside them."""
_NUMBERED = frozenset({"img", "ol", "li"})
"""Elements whose labels come through as attributes or in their own way."""
_SILENT = frozenset({"html", "head", "body", "meta", "title", "noscript", "details"})
"""Left out without a word: they are part of any message or do nothing; `html` and `body` are the frame's own, with the
attributes of the message."""

_ATTACHED = "attached, not drawn here"
_PICTURE = re.compile(r"data:image/(?:png|jpe?g|gif|webp|avif|bmp|x-icon)[;,]", re.IGNORECASE)
_SVG = re.compile(r"data:image/svg", re.IGNORECASE)
"""A document that is drawn by its own rules, which may ask how wide it stands here."""
_FETCHES = re.compile(r"(?i)(?:url|src|image|(?:-webkit-)?image-set)\s*+\(\s*+(?![\"']?data:(?!image/svg))")
_URL_ENDS = re.compile(r"[\"')\s]")
_MOST_NAMED = 1_000
"""Pictures of style sheets whose hosts are named."""
_IMPORTS = re.compile(r"(?i)@import")

_BASE = "html{color-scheme:light;background:#fff}"
"""Nothing that a message is drawn by: it would be drawn otherwise than in the mail."""
_PLAIN = (
    "display:block!important;visibility:visible!important;opacity:1!important;position:static!important;"
    "float:none!important;width:auto!important;height:auto!important;min-width:0!important;min-height:0!important;"
    "max-width:none!important;max-height:none!important;overflow:visible!important;transform:none!important;"
    "clip-path:none!important;content-visibility:visible!important;animation:none!important;filter:none!important;"
    "mask:none!important;zoom:1!important;padding:0!important;"
)
"""For the root and the body of the frame, which are ours: no rule of the message keeps them from being seen."""
_OURS = ";".join(
    f"{declaration}!important"
    for declaration in (
        "all:initial",  # guard: 92-own-style
        *("display:inline-block", "padding:4px 8px", "border:1px dashed #767676", "border-radius:4px"),
        *("background:#f6f6f6", "color:#444", "font:12px/1.4 system-ui,sans-serif", "overflow-wrap:anywhere"),
    )
)
"""How labels of ours look: as a style of the element itself, which no style sheet of the message overrides."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message ready for its frame."""

    document: str
    removed: tuple[str, ...]
    """What is not shown as the sender wrote it, in words: `2 remote pictures (images.example.com)`."""


def render(markup: str, inline: Iterable[InlinePicture] = ()) -> Rendered:
    """Rebuild `markup`; `inline` holds the pictures it may name by content id."""
    return render_page(read(markup), inline)


def render_page(page: Page, inline: Iterable[InlinePicture] = ()) -> Rendered:
    """The same of what was read already."""
    if page.lost:
        return Rendered(_document(f"<p>{html.escape(_cannot(page.lost))}</p>"), (f"the whole body: {page.lost}",))
    body = _Body({_cid(picture.cid): picture for picture in inline})
    for piece in page.pieces:
        match piece:
            case Piece(where="some programs only"):
                body.only_some(piece)
            case Piece("start", name, attributes):
                body.start(name, attributes, foreign=piece.foreign)
            case Piece("end", name):
                body.end(name, foreign=piece.foreign)
            case Piece("label", name, text=data) if name not in _NUMBERED:
                body.text("", f" {data} ")
            case Piece("text", name, text=data):
                body.text(name, data)
    if page.added:
        body.note("words that the style sheet adds", page.added)
    doctype = page.doctype  # guard: 96-doctype
    return Rendered(_document("".join(body.parts), doctype, body), tuple(_in_words(body.removed)))


def _cannot(lost: str) -> str:
    return f"This body is {lost} and is not rendered. Read its source instead."


def too_long() -> Rendered:
    """What stands in for a body of more than `MOST_CHARACTERS`."""
    why = f"This body has more than {MOST_CHARACTERS:,} characters and is not rendered. Read its source instead."
    return Rendered(_document(f"<p>{html.escape(why)}</p>"), ("the whole body, for its length",))


def _document(body: str, doctype: str = "<!doctype html>", given: _Body | None = None) -> str:
    """A message keeps its own doctype, or none: classes, sizes and colours are read otherwise without it."""
    head = f'<meta charset="utf-8"><title>Message</title><style>{_BASE}</style>'
    root, own = (given.root, given.body) if given else ({}, {})
    above = "".join(given.head) if given else ""
    return (
        f"{doctype}<html{_open(root, f'{_PLAIN}margin:0!important;overflow:auto!important')}>"
        f"<head>{head}{above}</head>"
        f"<body{_open(own, f'{_PLAIN}margin:16px!important')}>{body}</body></html>"
    )


def _open(attributes: Mapping[str, str], style: str) -> str:
    """Attributes of the message, with a style of ours behind its own: no rule of the message keeps it from counting."""
    return _written({**attributes, "style": f"{attributes.get('style', '')};{style}".lstrip(";")})


def _written(attributes: Mapping[str, str]) -> str:
    return "".join(f' {name}="{html.escape(value)}"' for name, value in attributes.items())


class _Body:
    """The body being rebuilt, and what was left out of it."""

    def __init__(self, pictures: Mapping[str, InlinePicture]) -> None:
        self.parts: list[str] = []
        self.head: list[str] = []
        """Style sheets that stand before the body."""
        self.root: Mapping[str, str] = {}
        self.body: Mapping[str, str] = {}
        """Attributes of `html` and `body`."""
        self.removed: Counter[tuple[str, str]] = Counter()
        self._pictures = pictures
        self._named = 0
        self._began = False
        self._in_picture = self._sources = False

    def start(self, name: str, attributes: Mapping[str, str], *, foreign: bool = False) -> None:
        if foreign:
            self._left_out(f"{safe_line(name)[:24]} element")
            self.parts.append(" ")
        elif name == "img":
            self._picture(attributes)
        elif name == "html":
            self.root = self._kept(attributes)
        elif name == "body":
            self._began = True
            self.body = self._kept(attributes)
        elif name not in _ACTIVE and _ELEMENT.fullmatch(name):
            self.parts.append(f"<{name}{self._attributes(attributes)}>")
        elif name == "meta" and attributes.get("http-equiv", "").strip().lower() == "refresh":
            self._left_out("automatic redirect")
        elif name not in _SILENT and name != "style":
            if name == "picture":
                self._in_picture = True
            elif name == "source" and self._in_picture:
                self._sources = True
            else:
                self._left_out(f"{safe_line(name)[:24]} element")
                self._between(name)

    def _between(self, name: str) -> None:
        if name in _APART:
            self.parts.append("<br>")

    def only_some(self, piece: Piece) -> None:
        """Outlook's own parts are listed beside the frame; in it they would break what others see."""
        if piece.kind == "text" and piece.text.strip() and piece.name not in UNSHOWN:
            self._left_out(f"part shown by {SOME}")

    def note(self, what: str, said: Iterable[str]) -> None:
        words = html.escape(", ".join(safe_line(one) for one in said))
        self.parts.append(f'<br><span style="{_OURS}">{what}: {words}</span>')

    def end(self, name: str, *, foreign: bool = False) -> None:
        if foreign:
            self.parts.append(" ")
        elif name == "picture":
            self._sources = self._in_picture = False
        elif name in _APART:
            self._between(name)
        elif name not in _ACTIVE and name not in _EMPTY and _ELEMENT.fullmatch(name):
            self.parts.append(f"</{name}>")

    def text(self, element: str, data: str) -> None:
        if element == "style":
            # Inside style nothing is escaped; without "<" it cannot end early.
            place = self.parts if self._began else self.head
            place.append(f"<style>{self._styles(data).replace('<', ' ')}</style>")
        elif element not in UNSHOWN:
            self.parts.append(html.escape(data))

    def _attributes(self, attributes: Mapping[str, str]) -> str:
        return _written(self._kept(attributes))

    def _kept(self, attributes: Mapping[str, str]) -> dict[str, str]:
        """What comes through of an element's attributes."""
        kept: dict[str, str] = {}
        for name, value in attributes.items():
            if name == "style":
                kept[name] = self._styles(value)
            elif name == "background":
                self._left_out("remote picture", _host(value))
                kept[RENAMED + name] = value
            elif name.startswith("on"):
                self._left_out("script handler")
            elif name in _LOADING:
                kept[RENAMED + name] = value
                if name == "href":
                    # A link by its looks and for `:link`, to nowhere else than the top of the frame.
                    kept["href"] = "#"
            elif _ATTRIBUTE.fullmatch(name) and not name.startswith(RENAMED):
                kept[name] = value
        return kept

    def _styles(self, css: str) -> str:
        """`css` that names nothing to fetch. Letters are no longer spelled with a backslash: one could spell `url` in
        letters not searched for. All else keeps its own, so that each rule stays what it is."""
        css = respelled(css)
        for found in _FETCHES.finditer(css):
            self._named += 1
            behind = css[found.end() : found.end() + 300] if self._named <= _MOST_NAMED else ""
            self._left_out("remote picture", _host(_URL_ENDS.split(behind.lstrip("\"' "), 1)[0]) if behind else "")
        if _IMPORTS.search(css):
            self._left_out("remote style sheet")
        css = _ASKED.sub(rf"[{RENAMED}\1", css)
        return _IMPORTS.sub("@blocked", _FETCHES.sub("blocked(", css))

    def _picture(self, attributes: Mapping[str, str]) -> None:
        source = attributes.get("src", "").strip()
        if source.lower().startswith("cid:"):
            known = self._pictures.get(_cid(source[4:]))
            found = known.data_uri if known is not None else ""
            why = f"inline picture that is {_ATTACHED if known is not None else 'not attached'}"  # guard: 150-attached
        else:
            known, found, why = None, source, "remote picture"
        rest = {name: value for name, value in attributes.items() if name not in ("src", "srcset")}
        if _SVG.match(found):  # guard: 167-svg
            found, why = "", "picture that is a document of its own (SVG)"
        if self._sources or "srcset" in attributes:  # guard: 93-srcset
            found, why = "", "picture that programs choose from several"
        if _PICTURE.match(found):
            self.parts.append(f'<img src="{html.escape(found)}"{self._attributes(rest)}>')
            return
        host = _host(source) or _host(next(iter(attributes.get("srcset", "").split()), ""))
        self._left_out(why, host)
        label = attributes.get("alt", "").strip() or host or "no description"
        told = f"picture: {safe_line(label)[:200]}"
        if known is not None:
            told += f" ({safe_line(known.name)[:200]}, {known.size:,} bytes: {_ATTACHED})"
        self.parts.append(f'<span style="{_OURS}">{html.escape(told)}</span>')

    def _left_out(self, what: str, host: str = "") -> None:
        self.removed[(what, host)] += 1


def _in_words(removed: Counter[tuple[str, str]]) -> Iterable[str]:
    totals: Counter[str] = Counter()
    hosts: dict[str, list[str]] = {}
    for (what, host), number in removed.items():
        totals[what] += number
        if host:
            hosts.setdefault(what, []).append(host)
    for what, number in totals.most_common(20):
        named = hosts.get(what, [])
        more = f", and {len(named) - 5} more" if len(named) > 5 else ""
        yield count(number, what, _many(what)) + (f" ({', '.join(named[:5])}{more})" if named else "")


def _many(what: str) -> str:
    return re.sub(r"^.*?(?:picture|element|part|sheet)", r"\g<0>s", what).replace(" that is ", " that are ")


def _cid(given: Any) -> str:
    return unquote(str(given)).strip().strip("<>").casefold()


def _host(url: str) -> str:
    try:
        return safe_line(urlsplit(url.strip()).hostname or "")[:120]
    except ValueError:
        return ""

"""One reading of HTML: the tree that a browser builds, walked once for all who need it.

The words that are compared, the links, what loads, what is hidden, and the body as the page shows it all come from the
same pieces, so that none of them can miss what another one sees. The tree is the one of the HTML standard (lexbor, by
selectolax) without scripting, as mail programs have it. What browsers show only in some cases, and what only some mail
programs show, is a piece too, and says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING

from maton_mailgun.mail import hiding, list_numbers, placing, style_sheets
from maton_mailgun.mail.css_addresses import addresses, brought
from maton_mailgun.mail.css_rules import TooMuchStyle, plain
from maton_mailgun.mail.data_urls import opened
from maton_mailgun.mail.list_numbers import Numbers
from maton_mailgun.mail.looks import PLAIN, Looks, Seen
from maton_mailgun.mail.nesting import DEEP, MANY, why_too_costly
from maton_mailgun.mail.pieces import HIDDEN, SHOWN, SOME, UNSHOWN, Piece, words
from maton_mailgun.mail.preheader import with_preheader
from maton_mailgun.mail.style_sheets import Styles

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

MOST = 2_000_000
"""Characters that are read."""
_DEEPEST = 500
"""Blink builds another tree from 512 on."""
_MOST_NODES = 200_000
_MOST_FRAGMENTS = 1_000
_MOST_WITHIN = 3

_FALLBACK = frozenset({"iframe", "noembed", "noframes"})
"""Their content is text for browsers, and markup for programs that do not know them."""
_DRAWN = frozenset({"display", "visibility", "opacity", "font-size"})
"""Attributes of SVG and MathML that are styles."""
_MATH = {"mathcolor": "color", "mathbackground": "background-color", "mathsize": "font-size"}
"""MathML Core, 2.1.3."""
_EVERYWHERE = frozenset({"", "all", "screen"})
_NOT_SEEN = hiding.GONE | hiding.TINY
_STYLED = UNSHOWN - _FALLBACK | {"noembed", "noframes"}
"""Browsers show their text where a style says so."""
_UNSEEN = {
    "svg": frozenset("title desc metadata defs symbol clippath mask pattern marker lineargradient".split()),  # noqa: SIM905
    "math": frozenset({"mphantom", "annotation"}),
    "": frozenset({"datalist", "audio", "video", "canvas", "rp"}),
}
"""Elements of which a browser shows nothing, or something else than their words."""
_LABELS = {
    "img": ("alt",), "area": ("alt",), "input": ("value", "placeholder", "alt"), "textarea": ("placeholder",),
    "option": ("label",), "optgroup": ("label",), "amp-img": ("alt",),
}  # fmt: skip
"""Attributes that are shown as words."""
_FRAMES = frozenset({"iframe", "frame", "object", "embed", "portal", "fencedframe"})
_MARKUP = frozenset({"text/html", "application/xhtml+xml", "image/svg+xml", "text/xml", "application/xml"})
_CONDITIONAL = re.compile(r"\s*\[if\b[^\]]*\]>(?!<!(?:--)?\s*\Z)(.*?)(?:<!\[endif\]\s*)?\Z", re.IGNORECASE | re.DOTALL)
_REVEALED = re.compile(r"\s*\[if\b[^\]]*\](?:>\s*<!(?:--)?\s*)?\Z", re.IGNORECASE)
"""The comment before what all but some versions of Outlook show."""
_ENDIF = re.compile(r"\s*(?:<!)?\[endif\]\s*(?:--)?\Z", re.IGNORECASE)
_DOCTYPE = re.compile(
    r"(?:[\s\ufeff]|<!--(?:-?>|.*?--!?>)|<[?/][^>]*>|<!(?!--|doctype)[^>]*>)*+(<!doctype[^<>]*>)",
    re.IGNORECASE | re.DOTALL,
)
_MARK = "\ufdd0"
"""Put at the end of a text to see whether it arrives; a noncharacter, so nobody's word."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a body holds."""

    pieces: tuple[Piece, ...] = ()
    added: tuple[str, ...] = ()
    """Words that style sheets add."""
    spared: str = ""
    """Words that Outlook may not show, for it obeys comments around them."""
    covered: bool = False
    """Whether style sheets put something without words over others."""
    doctype: str = ""
    """As it stands in the source: it decides in which of its modes a browser draws."""
    lost: str = ""
    """Why it could not be read, in words: then there are no pieces. Else empty."""


def read(source: str) -> Page:
    """Everything in `source`. Never fails; what could not be read says why."""
    if len(source) > MOST:
        return Page(lost=f"longer than {MOST:,} characters, too long to be read")
    if lost := why_too_costly(source):  # guard: 45-costly
        return Page(lost=lost)
    try:
        return _read(source)
    except (_Lost, TooMuchStyle) as problem:
        return Page(lost=str(problem))


class _Lost(Exception):
    """The tree is one that cannot be told."""


def _read(source: str) -> Page:
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(source + _MARK)
    styles = _styles(tree)
    walk = _Walk(styles)
    found = list(walk.over(tree.root))
    # Blink puts comments and text before the first tag elsewhere; what stands beside the root element counts too.
    for beside in _beside(tree.root):
        found += walk.over(beside)
    if not any(_MARK in piece.text for piece in found):
        found += _unfinished(source)
    cleared = [replace(piece, text=piece.text.replace(_MARK, "")) if _MARK in piece.text else piece for piece in found]
    added = dict.fromkeys([*styles.added, *walk.added])
    kept = with_preheader([piece for piece in cleared if piece.kind != "text" or piece.text])
    return Page(tuple(kept), tuple(added), words(walk.spared, SHOWN), styles.covers, _doctype(tree, source))


def _doctype(tree: LexborHTMLParser, source: str) -> str:
    if tree.root is None or not any(node.tag == "-doctype" for node in _beside(tree.root)):
        return ""
    found = _DOCTYPE.match(source)
    return found[1] if found else "<!doctype html>"


def _beside(root: LexborNode | None) -> Iterator[LexborNode]:
    for way in ("prev", "next"):
        node = getattr(root, way, None)
        while node is not None:
            yield node
            node = getattr(node, way)


def _unfinished(source: str) -> Iterator[Piece]:
    """The tag that `source` ends in. A browser drops it; but where a mail program puts the text into a page of its
    own, the tag goes on."""
    from selectolax.lexbor import LexborHTMLParser

    for end in ('">', "'>", ">"):
        tree = LexborHTMLParser(source + end)
        last = [piece for piece in _Walk(Styles()).over(tree.root) if piece.kind == "start"][-1:]
        for piece in last:
            yield replace(piece, where=SOME)
            yield Piece("end", piece.name, where=SOME)


@dataclass(frozen=True, slots=True)
class _Around:
    """What an element passes on to what is in it."""

    where: str = SHOWN
    seen: Seen = PLAIN
    name: str = ""
    space: str = ""
    """The empty string for HTML, svg or math."""
    unseen: str = ""
    """The element of `UNSHOWN` that text stands in."""
    listed: bool = False
    """Whether it stands in a `select` or an `option`: their labels are all the text in them, and older browsers read
    markup there where the standard of today has a style sheet (Chromium, held against it)."""

    numbers: Numbers = field(default_factory=Numbers)
    """Of the list that it stands in."""
    summary: str = ""
    """Right in `details` that are closed: where its summary is."""

    @property
    def told(self) -> str:
        """Where the words right in it are."""
        return HIDDEN if self.where == SHOWN and self.seen.unseen else self.where


class _Walk:
    """One way through a tree, without recursion: it may be deep."""

    def __init__(self, styles: Styles, outer: str = SHOWN, within: int = 0) -> None:
        self.added: dict[str, None] = {}
        self.spared: list[Piece] = []
        self._revealed = False
        self._styles = styles
        self._looks = Looks(styles)
        self._outer = outer
        self._within = within
        self._nodes = 0
        self._fragments = 0

    def over(self, root: LexborNode | None) -> Iterator[Piece]:
        todo: list[tuple[LexborNode | None, _Around, Piece | None]] = [(root, _Around(self._outer), None)]
        depth = 0
        while todo:
            node, around, closing = todo.pop()
            if closing is not None:
                depth -= 1
                yield closing
            if node is None:
                continue
            self._nodes += 1
            if self._nodes > _MOST_NODES:
                raise _Lost(MANY)
            if node.is_element_node:
                depth += 1
                if depth > _DEEPEST:  # guard: 45-deep
                    raise _Lost(DEEP)
                inner, start = self._enter(node, around)
                yield start
                yield from self._kept(self._said(start, around.numbers))
                todo.append((None, around, Piece("end", start.name, where=start.where, foreign=start.foreign)))
                todo += [(child, inner, None) for child in reversed(_children(node))]
            elif node.is_text_node:
                yield from self._kept(self._text(node.text_content or "", around))
            elif node.is_comment_node:
                if not self._within:
                    yield from self._comment(node.comment_content or "")
            else:
                todo += [(child, around, None) for child in reversed(_children(node))]

    def _enter(self, node: LexborNode, around: _Around) -> tuple[_Around, Piece]:
        name = (node.tag or "").lower()
        attributes = {key.lower(): value or "" for key, value in node.attributes.items()}
        space = _space(name, around)
        seen = self._looks.within(around.seen, name, _styled_math(attributes) if space == "math" else attributes)
        where = around.summary if name == "summary" and around.summary else around.where
        if where == SHOWN and (seen.gone or self._silent(name, attributes, space)):
            where, seen = HIDDEN, replace(seen, gone=True)
        silent = name in UNSHOWN if not space else space == "svg" and name in {"style", "script"}
        unseen = name if silent and not around.unseen else ""
        listed = around.listed or name in {"select", "option"}
        numbers = around.numbers
        if name in list_numbers.LISTS and not space:
            numbers = list_numbers.of(node, name, attributes, self._styles.lists)
        integration = _integration(name, attributes, space)
        inner = _Around(where, seen, integration, space, unseen or around.unseen, listed, numbers)
        start = Piece("start", name, attributes, where=inner.told, foreign=bool(space), does=seen.does)
        if name == "details" and not space and "open" not in attributes and where == SHOWN:
            inner = replace(inner, where=HIDDEN, summary=where)
        return inner, start

    @staticmethod
    def _silent(name: str, attributes: Mapping[str, str], space: str) -> bool:
        """Whether no browser shows what is in it, without any style."""
        if name == "template" and "shadowrootmode" not in attributes:
            return True
        if name in _UNSEEN[space] or "hidden" in attributes or "popover" in attributes:
            return True
        if space and any(hiding.of([f"{key}:{attributes[key]}"]) & _NOT_SEEN for key in _DRAWN & attributes.keys()):
            return True
        return name == "dialog" and "open" not in attributes

    def _said(self, start: Piece, numbers: Numbers) -> Iterator[Piece]:
        attributes = start.attributes
        if start.name == "li":
            counted = numbers.next(attributes, hidden=start.where != SHOWN)  # guard: 124-numbers
            for number in counted:
                yield Piece("label", "li", text=number, where=start.where)
        for key in _LABELS.get(start.name, ()):
            if attributes.get(key) and attributes.get("type", "").lower() != "hidden":
                yield Piece("label", start.name, text=attributes[key], where=start.where)
        if "style" in attributes:
            own = plain(attributes["style"])
            self.added.update(dict.fromkeys([*style_sheets.strings(own), *style_sheets.counted(own)]))
            self._styles.attributes.update(style_sheets.attributes_named(own))  # guard: 97-attributes
        for key in self._styles.attributes & attributes.keys():
            self.added[attributes[key]] = None
        for document in _documents(start.name, attributes):
            yield from self._for_some(document)

    def _text(self, text: str, around: _Around) -> Iterator[Piece]:
        doubtful = around.seen.doubtful  # guard: 227-picture
        does = placing.UNJUDGED if doubtful else 0
        yield Piece("text", around.unseen, text=text, where=around.told, foreign=bool(around.space), does=does)
        if around.unseen and around.listed:
            yield Piece("text", text=f" {text} ", where=around.told)
        if around.unseen in _STYLED and around.seen.displayed:
            yield Piece("text", text=f" {text} ", where=SOME)
        if around.unseen in _FALLBACK or (around.unseen and around.listed):
            yield from self._for_some(text)

    def _kept(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        for piece in pieces:
            if self._revealed:
                self.spared.append(piece)
            yield piece

    def _comment(self, text: str) -> Iterator[Piece]:
        """Outlook reads what stands in its comments, and leaves out what stands between them; nobody else does."""
        if _REVEALED.match(text) or _ENDIF.match(text):
            self._revealed = _REVEALED.match(text) is not None
        if conditional := _CONDITIONAL.match(text):
            yield from self._for_some(conditional[1])

    def _for_some(self, source: str) -> Iterator[Piece]:
        """What `source` holds, for programs that read it as markup."""
        from selectolax.lexbor import LexborHTMLParser

        self._fragments += 1
        if not source.strip():
            return
        if self._within > _MOST_WITHIN:
            raise _Lost(DEEP)
        if self._fragments > _MOST_FRAGMENTS:
            raise _Lost(f"more than {_MOST_FRAGMENTS:,} parts for some programs only, too many to be read")
        if lost := why_too_costly(source):
            raise _Lost(lost)
        tree = LexborHTMLParser(source)
        styles = _styles(tree)
        walk = _Walk(styles, SOME, self._within + 1)
        for piece in walk.over(tree.root):
            if piece.name not in {"html", "head", "body"} or piece.attributes:
                yield piece
        self.added.update({**styles.added, **walk.added})  # guard: 124-within


def _styles(tree: LexborHTMLParser) -> Styles:
    """The style sheets in `tree`; those in SVG count in browsers too."""
    found = _all(tree, "style")
    own = [_own_text(node) for node in found]
    linked = [node.attributes.get("href") or "" for node in _all(tree, "link")]
    named = (address for sheet in own if "data:" in sheet.lower() or "\\" in sheet for address in addresses(sheet))
    inner = brought([*linked, *named])  # guard: 124-brought
    read_by_all = [(sheet, node) for sheet, node in zip(own, found, strict=True) if _for_all(node)]
    # Some programs drop those of the body, and others all.
    in_head = [sheet for sheet, node in read_by_all if node.parent is not None and node.parent.tag == "head"]
    return style_sheets.read([*own, *inner], frozenset(in_head or (sheet for sheet, _ in read_by_all)))


def _for_all(node: LexborNode) -> bool:
    """Whether all programs that read style sheets read that of a `style` element."""
    given = {key.lower(): (value or "").strip().lower() for key, value in node.attributes.items()}
    around = node.parent
    while around is not None and around.tag not in {"svg", "math", "template", "noscript", "select"}:
        around = around.parent
    return around is None and given.get("type", "") in {"", "text/css"} and given.get("media", "") in _EVERYWHERE


def _own_text(node: LexborNode) -> str:
    return "".join(part.text_content or "" for part in _children(node) if part.is_text_node)


def _all(tree: LexborHTMLParser, tag: str) -> list[LexborNode]:
    """Every element of the name `tag`, in templates too: those of a shadow root are drawn."""
    found = list(tree.css(tag))
    todo = list(tree.css("template"))
    while todo:
        for node in todo.pop().template_fragments() or ():
            found += node.css(tag)
            todo += node.css("template")
    return found


def _documents(name: str, attributes: Mapping[str, str]) -> Iterator[str]:
    """The documents that an element shows and holds itself."""
    if name == "iframe" and attributes.get("srcdoc"):
        yield attributes["srcdoc"]
    for key in ("src", "data") if name in _FRAMES else ():
        inner = opened(attributes.get(key, ""))  # guard: 124-documents
        if inner is not None:
            yield inner.text if inner.kind in _MARKUP else f"<pre>{escape(inner.text)}"


def _children(node: LexborNode) -> list[LexborNode]:
    found = list(node.template_fragments() or ()) if node.tag == "template" else []
    child = node.first_child
    while child is not None:
        found.append(child)
        child = child.next
    return found


def _space(name: str, around: _Around) -> str:
    """Whether an element is one of HTML, SVG or MathML, from where it stands."""
    if name in {"svg", "math"} and (not around.space or around.name == "html"):
        return name
    return "" if around.name == "html" else around.space


def _styled_math(attributes: Mapping[str, str]) -> Mapping[str, str]:
    """`attributes` with those of MathML that are styles as one."""
    given = "".join(f"{_MATH[name]}:{attributes[name]};" for name in _MATH.keys() & attributes.keys())
    return {**attributes, "style": f"{given}{attributes.get('style', '')}"} if given else attributes


def _integration(name: str, attributes: Mapping[str, str], space: str) -> str:
    """`html` for an element of SVG or MathML whose content is HTML again."""
    if space == "svg" and name in {"foreignobject", "desc", "title"}:
        return "html"
    if space == "math" and name in {"mi", "mo", "mn", "ms", "mtext"}:
        return "html"
    if space == "math" and name == "annotation-xml":
        return "html" if attributes.get("encoding", "").lower() in {"text/html", "application/xhtml+xml"} else name
    return name

"""What is inside the bodies of a message: where links lead, what loads from outside, what should not be there.

Everything is read as text; nothing is rendered, run or fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from maton_mailgun.mail.addresses import domain_flags
from maton_mailgun.mail.hosts import address_of, place
from maton_mailgun.mail.html import RAW, Piece, pieces
from maton_mailgun.mail.letter import Letter
from maton_mailgun.mail.text import count, short

_URL = re.compile(r"https?://[^\s<>\"'\])}]+", re.IGNORECASE)
_HOST_IN_TEXT = re.compile(r"[\w.-]+")
_CSS_URL = re.compile(r"url\([\s'\"]*([^'\")]+)", re.IGNORECASE)
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])|opacity\s*:\s*0(?![.\d])", re.I
)
_WORD = re.compile(r"\w{3,}")
_LOADING = {"src", "background", "poster", "srcset", "data"}
_ACTIVE = {"script", "form", "iframe", "frame", "object", "embed", "base", "applet"}
_FALLBACK = frozenset({"iframe", "noembed", "noframes"})
"""Their content is text for browsers, and markup for programs that do not know them: links in it count."""
_MOST = 2_000_000
"""Characters of each body that are looked through."""
_FILES = frozenset(
    {
        *("html", "htm", "php", "pdf", "txt", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "csv", "json", "xml"),
        *("png", "jpg", "jpeg", "gif", "zip", "md", "py", "js", "ts", "sh", "rs", "go"),
    }
)
"""Endings that name a file or a program more often than a host; all other dotted words in a link may be hosts."""


@dataclass(slots=True)
class Reading:
    """What was found in one message."""

    links: dict[str, list[str]] = field(default_factory=dict)
    """Host -> remarks about it, in order of appearance."""
    warnings: list[str] = field(default_factory=list)
    remote: list[str] = field(default_factory=list)
    """Hosts from which images or styles load when the message is opened."""
    cids: set[str] = field(default_factory=set)
    unchecked: list[str] = field(default_factory=list)
    raises: int = 0


class _Html:
    """What one HTML body holds."""

    def __init__(self, source: str) -> None:
        self.links: list[tuple[str, str]] = []
        """Where each link leads, and its text."""
        self.loads: list[str] = []
        self.active: list[str] = []
        self.words: list[str] = []
        self.hidden = False
        self._link: str | None = None
        self._link_text: list[str] = []
        self._read(pieces(source))
        self._close_link()

    def _read(self, found: Iterable[Piece]) -> None:
        for piece in found:
            if piece.kind == "start":
                self._start(piece.name, piece.attributes)
            elif piece.name in _FALLBACK and piece.kind == "text":
                self._read(pieces(piece.text, raw=RAW - _FALLBACK))
            elif piece.kind == "text":
                self._text(piece)
            elif piece.name in {"a", "area"}:
                self._close_link()

    def _start(self, tag: str, values: Mapping[str, str]) -> None:
        if tag in {"a", "area"}:
            self._close_link()
            self._link = values.get("href", "")
        if tag in _ACTIVE:
            self.active.append(tag)
        if tag == "meta" and values.get("http-equiv", "").casefold() == "refresh":
            self.active.append("meta refresh")
            self.links.append((values.get("content", "").partition("=")[2].strip(" '\""), ""))
        if tag == "form" or values.get("formaction"):
            self.links.append((values.get("action") or values.get("formaction", ""), ""))
        if tag == "link" and values.get("href"):
            self.loads.append(values["href"])
        for name, value in values.items():
            if name.startswith("on"):
                self.active.append(f"event handler {name}")
            if name in _LOADING:
                self.loads += value.replace(",", " ").split() if name == "srcset" else [value]
            if name == "style":
                self.loads += _CSS_URL.findall(value)
                self.hidden = self.hidden or bool(_HIDDEN.search(value))

    def _text(self, piece: Piece) -> None:
        if piece.name == "style":
            self.loads += _CSS_URL.findall(piece.text)
        if not piece.name:
            self.words.append(piece.text)
        if self._link is not None:
            self._link_text.append(piece.text)

    def _close_link(self) -> None:
        if self._link is not None:
            self.links.append((self._link, "".join(self._link_text)))
        self._link, self._link_text = None, []


def read(letter: Letter) -> Reading:
    """Look through text and HTML of `letter`."""
    reading = Reading()
    for name, body in (("text", letter.text), ("HTML", letter.html), ("AMP HTML", letter.amp_html)):
        if body is not None and len(body) > _MOST:
            reading.unchecked.append(f"could not check the {name} beyond its first {_MOST:,} characters")
    text = None if letter.text is None else letter.text[:_MOST]
    text_hosts = [_link(reading, url) for url in _URL.findall(text or "")]
    _link_all(reading, _URL.findall((letter.amp_html or "")[:_MOST]))
    if letter.html is None:
        return reading
    html = _Html(letter.html[:_MOST])
    html_hosts = [_follow(reading, href, words) for href, words in html.links]
    _load(reading, html.loads)
    if html.active:
        found = ", ".join(dict.fromkeys(html.active))
        reading.warnings.append(f"The HTML holds {short(found, 200)}: mail programs block or distrust these.")
        reading.raises += 1
    if html.hidden:
        reading.warnings.append("The HTML holds text that is not displayed.")
    if text is not None:
        _compare(reading, text, " ".join(html.words), set(filter(None, text_hosts)), set(filter(None, html_hosts)))
    return reading


def _link(reading: Reading, url: str) -> str:
    found = place(url.rstrip(".,;:!?"))
    if found.host:
        reading.links.setdefault(found.host, [flag for flag in found.flags if flag != "cleartext http"])
    return found.host


def _link_all(reading: Reading, urls: Iterable[str]) -> None:
    for url in urls:
        _link(reading, url)


def _follow(reading: Reading, href: str, words: str) -> str:
    """Note where a link leads; a text that names another host than the link is a warning."""
    target = re.sub(r"[\x00-\x20]+", "", href)
    scheme = target.partition(":")[0].casefold()
    if scheme in {"javascript", "data", "vbscript", "file"}:
        reading.warnings.append(f"A link runs {scheme}: instead of leading to a place: {short(target, 80)}")
        reading.raises += 1
        return ""
    if target.startswith("//"):
        target = f"https:{target}"
    if scheme not in {"http", "https"} and not target.startswith("https:"):
        return ""
    host = _link(reading, target)
    named = _named_hosts(words)
    if host and named and not any(_same_site(host, one) for one in named):  # guard: 18-links
        reading.warnings.append(f"A link shows {short(named[0], 100)} but leads to {short(host, 100)}.")
        reading.raises += 1
    return host


def _named_hosts(words: str) -> list[str]:
    """Dotted words in a link's text that read as host names."""
    found = []
    for word in _HOST_IN_TEXT.findall(words[:2000]):
        host = word.strip(".-").casefold()
        name, dot, ending = host.rpartition(".")
        if name and dot and len(ending) >= 2 and ending.isalpha() and ending not in _FILES and len(host) <= 253:
            found.append(host)
    return found


def _same_site(one: str, other: str) -> bool:
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def _load(reading: Reading, urls: Iterable[str]) -> None:
    for url in urls:
        target = url.strip()
        if target.casefold().startswith("cid:"):
            reading.cids.add(target[4:])
        elif re.match(r"(?:https?:)?//", target, re.IGNORECASE):
            host = place(f"https:{target}" if target.startswith("//") else target).host
            if host and host not in reading.remote:
                reading.remote.append(host)


def _compare(reading: Reading, text: str, html_text: str, text_hosts: set[str], html_hosts: set[str]) -> None:
    if only_text := sorted(text_hosts - html_hosts):
        reading.warnings.append(f"Only the text part links to {short(', '.join(only_text), 200)}.")
    if text_hosts and (only_html := sorted(html_hosts - text_hosts)):
        reading.warnings.append(f"Only the HTML part links to {short(', '.join(only_html), 200)}.")
    words, html_words = _words(text), _words(html_text)
    if max(len(words), len(html_words)) >= 6:
        common = len(words & html_words) / (len(words | html_words) or 1)
        if common < 0.4:  # guard: 18-bodies
            all_words = count(len(words | html_words), "word")
            reading.warnings.append(f"Text and HTML say different things: they share {common:.0%} of {all_words}.")
            reading.raises += 1


def _words(text: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(_URL.sub(" ", text))}


def host_remarks(reading: Reading) -> list[str]:
    """Warnings about the hosts that links lead to."""
    lines = []
    for host, flags in reading.links.items():
        if "{" in host or "%" in host:
            lines.append(f"A link's host comes from a variable: {short(host, 100)}.")
        elif address_of(host):
            lines.append(f"A link leads to the bare address {short(host, 60)}.")
        elif told := domain_flags(host) or [flag for flag in flags if not flag.startswith("port ")]:
            lines.append(f"A link leads to {short(host, 100)}: {short('; '.join(told), 300)}.")
    return lines

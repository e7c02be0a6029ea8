"""What is inside the bodies of a message: where links lead, what loads from outside, what should not be there.

Everything is read as text; nothing is rendered, run or fetched.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from urllib.parse import urlsplit

from maton_mailgun.approval.preview import other_links
from maton_mailgun.approval.preview.document import Row
from maton_mailgun.mail import placing, structured_data
from maton_mailgun.mail.amounts import Amounts, amounts
from maton_mailgun.mail.asides import asides
from maton_mailgun.mail.data_urls import held
from maton_mailgun.mail.hiding import CLIPS, PAPER, turns
from maton_mailgun.mail.hosts import LONGEST_HOST, address_of, as_browsers_read, place, private_host
from maton_mailgun.mail.html import read as read_html
from maton_mailgun.mail.letter import Letter
from maton_mailgun.mail.links import as_seen, bare_in_text, followed, in_text, targets, too_many_bases, written_in_text
from maton_mailgun.mail.loads import ahead, loads
from maton_mailgun.mail.odd_signs import odd_signs
from maton_mailgun.mail.pieces import HIDDEN, PREHEADER, SHOWN, SOME, words
from maton_mailgun.mail.styling import styling
from maton_mailgun.mail.template_tags import around
from maton_mailgun.mail.text import count, quoted, short

_URL = re.compile(r"https?://[^\s<>\"'\])}]+", re.IGNORECASE)
_HOST_IN_TEXT = re.compile(r"[\w.-]+")
_WORD = re.compile(r"\w{3,}")
_ACTIVE = {"script", "form", "iframe", "frame", "object", "embed", "base", "applet"}
_MOST_HOSTS = 500
"""Different hosts that are judged; judging one takes up to a millisecond."""
_TOO_MANY_HOSTS = f"could not check what hosts its links lead to beyond the first {_MOST_HOSTS}"
_MOST_LINKS = 5_000
_MOST_WARNINGS = 200
_MOST_LOADS = 5_000
_MOST_ASIDE = 600
"""Characters of what is said beside the bodies; the sources and the page hold all of it."""
_MOST_NUMBERS = 20_000
"""Different ones of each body: nobody writes a tenth of it, and each takes its time."""
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
    rows: list[Row] = field(default_factory=list)
    """What else people may meet of it, or see of it in another way."""
    raises: int = 0


@dataclass(frozen=True, slots=True)
class _Said:
    """What is compared between the bodies."""

    name: str
    numbers: Amounts
    words: set[str]
    hosts: set[str]
    bare: set[str]
    """Hosts that it names without a link: programs make one of them, or not."""


class _Html:
    """What one HTML body holds."""

    def __init__(self, source: str) -> None:
        self.page = read_html(source)
        pieces = self.page.pieces
        self.links = [(address, words) for address, words, _ in targets(pieces)]
        self.words = "\n".join((words(pieces), *self.page.added))
        self.loads = loads(pieces)
        self.styling = styling(pieces)
        self.asides = asides(pieces)
        self.data = structured_data.read(pieces)
        self.held = held(self.loads)
        self.preheader = words(pieces, PREHEADER)
        self.active: list[str] = []
        self.drawn = placing.drawn(pieces, CLIPS, PAPER, covered=self.page.covered)
        self.turned = False
        hidden = words(pieces, HIDDEN)
        self.hidden = hidden if any(unicodedata.category(sign)[0] in "LNPS" for sign in hidden) else ""
        self.some = words(pieces, SOME)
        for piece in pieces:
            if piece.kind == "start":
                self._start(piece.name, piece.attributes)
            elif piece.kind == "text" and piece.name == "style":
                self.turned |= turns(piece.text)

    def _start(self, tag: str, values: Mapping[str, str]) -> None:
        if tag in _ACTIVE:
            self.active.append(tag)
        if tag == "meta" and values.get("http-equiv", "").strip().casefold() == "refresh":
            self.active.append("meta refresh")
        for name, value in values.items():
            if name.startswith("on"):
                self.active.append(f"event handler {name}")
            if name == "style":
                self.turned |= turns(value)


def read(letter: Letter) -> Reading:
    """Look through text, HTML and AMP of `letter`."""
    reading = Reading()
    if letter.text is not None and len(letter.text) > _MOST:
        reading.unchecked.append(f"could not check the text beyond its first {_MOST:,} characters")
    parts: list[_Said] = []
    if letter.text is not None:
        text = letter.text[:_MOST]
        urls = list(dict.fromkeys(in_text(text)))
        _signs(reading, "text", text)
        if len(urls) > _MOST_LINKS:  # guard: 95-links
            reading.unchecked.append(f"could not check the links of the text beyond the first {_MOST_LINKS:,}")
        found = {url: _link(reading, url) for url in urls[:_MOST_LINKS]}
        hosts = {host for url in written_in_text(text) if (host := found.get(url))}
        parts.append(_said(reading, "text", text, hosts, {*found.values()} - hosts - {""}))
    for name, source in (("HTML", letter.html), ("AMP HTML", letter.amp_html)):
        if source is not None and (part := _read_html(reading, name, source)):
            parts.append(part)
    for index, one in enumerate(parts):
        for other in parts[index + 1 :]:
            _compare(reading, one, other)
    return reading


def _read_html(reading: Reading, name: str, source: str) -> _Said | None:
    html = _Html(source)
    if html.page.lost:
        reading.unchecked.append(f"could not check the {name}: it is {html.page.lost}")
        reading.warnings.append(f"The {name} is {html.page.lost}: only its source can be shown.")
        reading.raises += 1
        return None
    if too_many_bases(html.page.pieces):  # guard: 121-bases
        reading.unchecked.append(f"could not check where all links of the {name} lead: it has too many bases")
    hosts = {_follow(reading, href, said) for href, said in html.links} - {""}
    early, lost = ahead(source)
    if lost:
        reading.unchecked.append(f"could not check all that the {name} loads: its tags alone are {lost}")
    _load(reading, [*html.loads, *early])  # guard: 121-ahead
    active = [one for one in html.active if name == "HTML" or one != "script"]  # AMP needs its own script
    if active:
        found = ", ".join(dict.fromkeys(active))
        reading.warnings.append(f"The {name} holds {short(found, 200)}: mail programs block or distrust these.")
        reading.raises += 1
    if html.hidden:  # guard: 160-amp
        reading.warnings.append(f"The {name} holds text that is not displayed: {short(html.hidden, 200)}")
    if html.turned or html.drawn.turned:  # guard: 157-turned
        said = f": {short(told, 200)}" if (told := placing.told(html.drawn.turned)) else "."
        reading.warnings.append(f"The {name} holds text that is drawn in another order than it is written{said}")
        reading.raises += 1
    reading.warnings += _doubtful(name, html)  # guard: 158-doubtful
    if html.some:
        reading.warnings.append(f"Some programs only show: {short(html.some, 200)}")
    if html.page.spared:
        reading.warnings.append(f"Outlook may not show: {short(html.page.spared, 200)}")
    covering = [_link_told(one) for one in html.drawn.covering]
    if covering:  # guard: 159-covering
        lead = short("; ".join(covering), 200)
        reading.warnings.append(f"The {name} puts a link without words over other things: it leads to {lead}")
        reading.raises += 1
    for address in html.data.addresses[:_MOST_LINKS]:
        _link(reading, address)  # guard: 160-data
    if html.held:  # guard: 162-pictures
        pictures = short("; ".join(html.held), 400)
        reading.warnings.append(f"The {name} holds pictures or files of its own, which no text shows: {pictures}")
    reading.warnings += _styles(name, html)  # guard: 123-styles
    reading.rows += _rows(name, html)  # guard: 125-rows
    if html.page.added:
        reading.warnings.append(f"The style sheet adds words: {short(', '.join(html.page.added), 200)}")
    _signs(reading, name, "\n".join((words(html.page.pieces, SHOWN, SOME), *html.page.added, *html.asides)))
    named = {_bare_host(url) for url in islice(bare_in_text(html.words), _MOST_LINKS)}
    return _said(reading, name, html.words, hosts, named)


def _doubtful(name: str, html: _Html) -> list[str]:
    lines = []
    if html.drawn.cut:
        lines.append(f"The {name} may cut off a part of this: {short(placing.told(html.drawn.cut), 200)}")
    if html.drawn.unjudged:
        told = short(placing.told(html.drawn.unjudged), 200)
        lines.append(f"The {name} has colours or effects that could not be judged; this may not be seen: {told}")
    return lines


def _link_told(address: str) -> str:
    return _bare_host(followed(address)) or address


def _styles(name: str, html: _Html) -> list[str]:
    styling = html.styling
    lines = []
    if styling.outside:
        lines.append(f"The {name} takes a style sheet from outside, which was not read: it may hide and add words.")
    if styling.fonts:
        lines.append(f"The {name} brings fonts of its own: letters may be drawn as others.")
    if styling.counts:
        lines.append(f"The style sheet of the {name} counts: numbers and signs may be shown that stand nowhere in it.")
    return lines


def _rows(name: str, html: _Html) -> list[Row]:
    before = "" if name == "HTML" else f"{name}: "
    found = (
        ("Preheader, shown in the inbox list only", html.preheader),
        ("Titles, tooltips and words read aloud", "; ".join(html.asides)),
        ("Data for mail programs, which may show it as cards and buttons", "; ".join(html.data.words)),
        ("Looks different by", ", ".join(html.styling.depends)),
    )
    return [Row(f"{before}{label}", short(said, _MOST_ASIDE)) for label, said in found if said]


def _signs(reading: Reading, name: str, text: str) -> None:
    found = odd_signs(text)  # guard: 122-signs
    for told in found:
        reading.warnings.append(f"The {name} holds {told}.")
        reading.raises += 1


def _link(reading: Reading, url: str) -> str:
    url = url.rstrip(".,;:!?")
    if len(reading.links) >= _MOST_HOSTS and (bare := _bare_host(url)) not in reading.links:
        if bare:
            reading.links[bare] = []
            if _TOO_MANY_HOSTS not in reading.unchecked:  # guard: 45-hosts
                reading.unchecked.append(_TOO_MANY_HOSTS)
        return bare
    found = place(url)
    if found.host:
        told = reading.links.setdefault(found.host, [])
        told += [flag for flag in found.flags if flag != "cleartext http" and flag not in told]
    elif len(reading.warnings) < _MOST_WARNINGS:  # guard: 115-no-host
        reading.warnings.append(f"A link {'; '.join(found.flags)}: {quoted(url, 80)}.")
        reading.raises += 1
    return found.host


def _bare_host(url: str) -> str:
    try:
        return (urlsplit(as_browsers_read(url)).hostname or "")[: LONGEST_HOST + 1]
    except ValueError:
        return ""


def _follow(reading: Reading, href: str, words: str) -> str:
    """Note where a link leads; a text that names another host than the link is a warning."""
    target = followed(href)
    scheme = as_browsers_read(target).partition(":")[0].casefold()
    if scheme in {"javascript", "data", "vbscript", "file"}:
        reading.warnings.append(f"A link runs {scheme}: instead of leading to a place: {short(target, 80)}")
        reading.raises += 1
        return ""
    if scheme not in {"http", "https", "ftp", "ws", "wss"}:
        if told := other_links.told(target, words):  # guard: 159-other
            reading.warnings.append(told)
            reading.raises += 1
        return ""
    host = _link(reading, target)
    named = _named_hosts(" ".join(around(words)))
    if host and named and not any(_same_site(host, one) for one in named):  # guard: 18-links
        reading.warnings.append(f"A link shows {short(named[0], 100)} but leads to {short(host, 100)}.")
        reading.raises += 1
    return host


def _named_hosts(words: str) -> list[str]:
    """Dotted words in a link's text that read as host names."""
    found = []
    seen = as_seen(words[:2000])  # guard: 91-as-seen
    for word in _HOST_IN_TEXT.findall(seen):
        host = word.strip(".-").lower()
        name, dot, ending = host.rpartition(".")
        if name and dot and len(ending) >= 2 and ending.isalpha() and ending not in _FILES and len(host) <= 253:
            found.append(host)
    return found


def _same_site(one: str, other: str) -> bool:
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def _load(reading: Reading, urls: Iterable[str]) -> None:
    known = dict.fromkeys(reading.remote)
    distinct = list(dict.fromkeys(urls))
    if len(distinct) > _MOST_LOADS:  # guard: 95-loads
        reading.unchecked.append(f"could not check what it loads from outside beyond the first {_MOST_LOADS:,}")
    for url in distinct[:_MOST_LOADS]:
        target = followed(url)
        if target.casefold().startswith("cid:"):
            reading.cids.add(target[4:])
        elif re.match(r"(?:https?|ftp)://", as_browsers_read(target)):
            known[place(target).host if len(known) < _MOST_HOSTS else _bare_host(target)] = None
    reading.remote[:] = [host for host in known if host]


def _said(reading: Reading, name: str, text: str, hosts: set[str], bare: set[str]) -> _Said:
    text = _URL.sub(" ", text)
    numbers = amounts(text, _MOST_NUMBERS)
    if not numbers.whole:  # guard: 95-numbers
        reading.unchecked.append(f"could not compare the numbers of the {name} beyond the first {_MOST_NUMBERS:,}")
    return _Said(name, numbers, set(_WORD.findall(text.casefold())), hosts, bare)


def _compare(reading: Reading, one: _Said, other: _Said) -> None:
    """What stands in one part and not in the other: each recipient sees one of them."""
    name, other_name = one.name, other.name
    if only := _only(one, other):
        reading.warnings.append(f"Only the {name} part links to {short(', '.join(only), 200)}.")
    if (one.hosts or one.bare) and (only := _only(other, one)):
        reading.warnings.append(f"Only the {other_name} part links to {short(', '.join(only), 200)}.")
    numbers, other_numbers = one.numbers, other.numbers
    for part, here, there in ((name, numbers, other_numbers), (other_name, other_numbers, numbers)):
        if only := here.beyond(there):  # guard: 45-numbers
            reading.warnings.append(f"Only the {part} part says {short(', '.join(only), 300)}.")
            reading.raises += 1
    mine, others = one.words, other.words
    if max(len(mine), len(others)) >= 6:
        common = len(mine & others) / (len(mine | others) or 1)
        if common < 0.4:  # guard: 18-bodies
            both = f"{name[:1].upper()}{name[1:]} and {other_name}"
            all_words = count(len(mine | others), "word")
            reading.warnings.append(f"{both} say different things: they share {common:.0%} of {all_words}.")
            reading.raises += 1


def _only(one: _Said, other: _Said) -> list[str]:
    """Hosts that one part links to; in a text, those that it only names are links as well."""
    named = one.bare if one.name == "text" else set()
    return sorted((one.hosts - other.hosts - other.bare) | (named - other.hosts - other.bare))


def host_remarks(reading: Reading) -> list[str]:
    """Warnings about the hosts that links lead to."""
    lines = []
    for host, flags in reading.links.items():
        if "{" in host or "%" in host:
            lines.append(f"A link's host comes from a variable: {short(host, 100)}.")
        elif address_of(host):
            why = private_host(host)
            lines.append(f"A link leads to the bare address {short(host, 60)}{why and f': {why}'}.")
        elif told := [flag for flag in flags if not flag.startswith("port ")]:
            lines.append(f"A link leads to {short(host, 100)}: {short('; '.join(told), 300)}.")
    return lines

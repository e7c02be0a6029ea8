"""Where the links of a message lead, next to what they claim to be."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from maton_mailgun.mail.addresses import ascii_domain
from maton_mailgun.mail.bare_links import bare_links
from maton_mailgun.mail.hosts import LONGEST_HOST, address_of, as_browsers_read, place
from maton_mailgun.mail.html import Page
from maton_mailgun.mail.pieces import SHOWN, UNSHOWN, Piece
from maton_mailgun.mail.template_tags import around
from maton_mailgun.mail.text import safe_line, short

MOST = 500
"""Links listed; the page says how many more there are."""

_CONTROLS = re.compile(r"[\x00-\x20]+")
_SCHEME = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]*):")
_WITH_HOST = ("http:", "https:", "ftp:", "ws:", "wss:")
_LOADED = frozenset({"a", "image", "use", "feimage", "base", "link"})
"""Elements of SVG and MathML whose address is told elsewhere, or loads."""
_MOST_BASES = 10
_MOST_JOINED = 500
"""Links that lead to more than one place by several bases; nobody has one."""
_IN_TEXT = re.compile(r"(?i)(?:(?:https?|ftp)://(?:\[[0-9a-f:.]+\])?|(?<![\w@.:/-])www\.(?=\w))[^\s<>\"'\])}]*")
"""What mail programs make a link of in plain text."""
_IN_CODE = re.compile(r"(?i)(?:https?:)?//[^\s\"'<>)]+")
_NAMED_HOST = re.compile(r"(?i)(?:https?://)?((?:[\w-]{1,63}\.)+(?:xn--[a-z0-9-]{2,59}|[^\W\d_]{2,24}))(?![\w.@-])")
_ANIMATIONS = frozenset({"animate", "set", "animatemotion", "animatetransform", "animatecolor"})
_REFRESH = re.compile(r"(?is)[\s\d.]*[\s;,]\s*(?:url\s*=)?(.*)")
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)
_MARKS = re.compile("(?<=[A-Za-z0-9.])[\u0300-\u036f]+")
_BEGINS = re.compile(r"(?i)\s*(?:https?:)?//[\w.-]+")
_VARIABLE = re.compile(r"\{\{|%recipient\.")
_SAID_ALREADY = ("cleartext http", "not https", "what stands before the @", "names no host")
_BARE_PART = "plain text, a host alone"
_NOT_A_HOST = frozenset({"pdf", "html", "htm", "php", "png", "jpg", "jpeg", "gif", "docx", "xlsx", "csv", "txt", "ics"})


@dataclass(frozen=True, slots=True)
class Link:
    """One link as the person is shown it; every text display-safe."""

    text: str
    host: str
    url: str
    part: str
    """`HTML` or `plain text`."""
    flags: tuple[str, ...]


def find(page: Page, text: str, amp: Page | None = None) -> tuple[list[dict[str, Any]], int]:
    """The distinct links of all parts, and how many there are in all."""
    given = [*_given(page.pieces), *(_given(amp.pieces, "AMP HTML") if amp else ()), *_in_text(text)]
    # To judge a link takes long beside finding it, so only those that are listed are.
    distinct = list(dict.fromkeys(given))
    return [asdict(_link(*link)) for link in distinct[:MOST]], len(distinct)


def targets(pieces: Iterable[Piece]) -> Iterator[tuple[str, str, str]]:
    """Where each link in `pieces` leads, its words, and where it is shown.

    A relative one leads where the first `base` says in browsers; mail programs mostly drop that, and then it leads
    nowhere. With several, all that a program may go by are told.
    """
    pieces = list(pieces)
    bound = bases(pieces)
    left = _MOST_JOINED
    for address, words, where in _raw_targets(pieces):
        whole = joined(bound if left > 0 else bound[:1], address)
        left -= len(whole) - 1
        yield from ((one, words, where) for one in (*whole, *_in_branches(address)))


def _in_branches(address: str) -> Iterator[str]:
    """Where an address leads by the branches of a template that are in it."""
    for piece in around(address)[1:] if "{{" in address else ():
        if _BEGINS.match(piece):  # guard: 171-branches
            yield piece


def bases(pieces: Iterable[Piece]) -> list[str]:
    """Where addresses without a host may lead, by each `base`; of too many the first."""
    return _bases(pieces)[:_MOST_BASES]


def too_many_bases(pieces: Iterable[Piece]) -> bool:
    """Whether `targets` cannot say of every link where it leads by each `base`."""
    pieces = list(pieces)
    bound = _bases(pieces)
    if len(bound) < 2:
        return False
    relative = sum(_is_relative(address) for address, _, _ in _raw_targets(pieces))
    return len(bound) > _MOST_BASES or relative * (len(bound) - 1) >= _MOST_JOINED


def _bases(pieces: Iterable[Piece]) -> list[str]:
    return list(dict.fromkeys(filter(None, map(_base, pieces))))


def _base(piece: Piece) -> str:
    given = piece.attributes.get("href", "") if piece.kind == "start" and piece.name == "base" else ""
    return as_browsers_read(followed(given)) if given and not _is_relative(given) else ""


def _is_relative(address: str) -> bool:
    address = as_browsers_read(followed(address))
    return not _SCHEME.match(address) and not address.startswith(("{{", "%"))


def joined(bound: Sequence[str], address: str) -> list[str]:
    """`address`, or what it is with each of `bound`."""
    return [_joined(base, address) for base in bound] if bound and _is_relative(address) else [address]


def _joined(base: str, address: str) -> str:
    try:
        return urljoin(base, as_browsers_read(address).replace("\\", "/"))
    except ValueError:
        return base


def _raw_targets(pieces: Iterable[Piece]) -> Iterator[tuple[str, str, str]]:
    open_links: list[tuple[str, str, list[str]]] = []
    moved: list[list[str]] = []
    for piece in pieces:
        attributes = piece.attributes
        match piece:
            case Piece("start", "a"):
                given = [attributes[name] for name in ("href", "xlink:href") if attributes.get(name)]
                open_links.append((given[0] if given else "", piece.where, []))
                moved.append(given[1:])
            case Piece("start", name) if addresses := _animated(name, attributes):
                if moved:
                    moved[-1] += addresses
                else:
                    yield from ((address, "(animated)", piece.where) for address in addresses)
            case Piece("start", "area") if attributes.get("href"):
                yield attributes["href"], attributes.get("alt", ""), piece.where
            case Piece("start", "form") if attributes.get("action"):
                yield attributes["action"], "(form)", piece.where
            case Piece("start", "meta") if attributes.get("http-equiv", "").strip().lower() == "refresh":
                yield _redirect(attributes.get("content", "")), "(redirect)", piece.where
            case Piece("start", "img"):
                _say(open_links, f" [picture: {attributes.get('alt', '')}] ")
            case Piece("label", name) if name != "img":
                _say(open_links, f" {piece.text} ")
            case Piece("text", name) if name not in UNSHOWN:
                _say(open_links, piece.text)
            case Piece("end", "a") if open_links:
                address, where, words = open_links.pop()
                for one in dict.fromkeys([address, *moved.pop()]):
                    if one:
                        yield one, "".join(words), where
        if piece.kind == "start" and attributes.get("formaction"):
            yield attributes["formaction"], "(form)", piece.where
        if piece.kind == "start" and attributes.get("action-xhr"):  # guard: 160-xhr
            yield attributes["action-xhr"], "(form)", piece.where
        if piece.kind == "start":
            yield from ((one, "(on a tap)", piece.where) for one in _of_amp(attributes))
        for ping in attributes.get("ping", "").split() if piece.kind == "start" else ():
            yield ping, "(told of a click)", piece.where
        if piece.kind == "start" and ":" in piece.name and attributes.get("href"):
            # A shape of Outlook (VML) is a link as a whole.
            yield attributes["href"], f"({safe_line(piece.name)[:24]})", piece.where
        if piece.kind == "start" and piece.foreign and piece.name not in _LOADED:
            # Every element of MathML may be a link (MathML 3, 2.1.6): some browsers follow it, others do not.
            for address in (attributes.get("href", ""), attributes.get("xlink:href", "")):
                if address and not address.startswith("#"):
                    yield address, f"({piece.name})", piece.where


def _of_amp(attributes: Mapping[str, str]) -> Iterator[str]:
    """Addresses in what AMP does on a tap (`on`) or binds (`[href]`)."""
    for name, value in attributes.items():
        if name == "on" or name.startswith(("[", "data-amp-bind-")):  # guard: 160-bound
            yield from _IN_CODE.findall(value)


def _animated(name: str, attributes: Mapping[str, str]) -> list[str]:
    """Where an animation of SVG lets the link lead that it stands in."""
    moves = attributes.get("attributename", "").strip().lower() in {"href", "xlink:href"}
    if name not in _ANIMATIONS or not moves:  # guard: 90-animated
        return []
    given = [attributes.get(one, "") for one in ("to", "from", "by")] + attributes.get("values", "").split(";")
    return [address.strip() for address in given if address.strip()]


def _redirect(content: str) -> str:
    """The address in `5; url=address` and in `5; address`, which is valid as well."""
    found = _REFRESH.match(content)
    return found[1].strip(" '\"") if found else content


def _say(open_links: list[tuple[str, str, list[str]]], words: str) -> None:
    if open_links:
        open_links[-1][2].append(words)


def _given(pieces: Iterable[Piece], part: str = "HTML") -> Iterator[tuple[str, str, str]]:
    for address, words, where in targets(pieces):
        yield " ".join(words.split()), address, part if where == SHOWN else f"{part}, {where}"


def in_text(text: str) -> Iterator[str]:
    """The addresses in plain text that mail programs make links of, as they are followed."""
    yield from written_in_text(text)
    yield from bare_in_text(text)


def bare_in_text(text: str) -> Iterator[str]:
    """Those that are hosts alone, as they are followed."""
    yield from bare_links(_IN_TEXT.sub(lambda found: "\x00" * len(found[0]), text))  # guard: 115-bare


def written_in_text(text: str) -> Iterator[str]:
    """Those that begin with a scheme, or with www."""
    for found in _IN_TEXT.finditer(text):
        url = found.group().rstrip(".,;:!?»”’")
        yield f"http://{url}" if url[:4].lower() == "www." else url


def _in_text(text: str) -> Iterator[tuple[str, str, str]]:
    for url in written_in_text(text):
        yield "", url, "plain text"
    for url in bare_in_text(text):
        yield "", url, _BARE_PART


def followed(address: str) -> str:
    """`address` as `hosts.place` is to be asked about it: a link that keeps the scheme of where it is shown is one of
    https, and control characters within are left out, as some programs do, where browsers would not follow it."""
    if not as_browsers_read(address).lower().startswith(_WITH_HOST):
        address = _CONTROLS.sub("", address)
    address = address.strip()
    return f"https:{address}" if address.startswith("//") else address


def _link(words: str, address: str, part: str) -> Link:
    words = " ".join(words.split())
    host, flags = _host_and_flags(followed(address))
    address = _CONTROLS.sub("", address) if not address.isprintable() else address.strip()
    flags += _mismatch(words, host)
    if part == _BARE_PART:
        # Whether it is followed by http or https is the program's own choice.
        flags = [flag for flag in flags if not flag.startswith("not encrypted")]
    return Link(short(words, 200), safe_line(host), short(address, 500), part, tuple(safe_line(flag) for flag in flags))


def _host_and_flags(url: str) -> tuple[str, list[str]]:
    normal = as_browsers_read(url)
    scheme = _SCHEME.match(normal)
    if scheme is None:
        filled_in = "{{" in url or url.startswith("%")
        return "", ["filled in when it is sent"] if filled_in else ["no host: leads nowhere from a mail"]
    kind = scheme[1].lower()
    if kind in {"javascript", "data", "vbscript", "file", "blob"}:
        return "", [f"{kind}: runs or opens something instead of a page"]
    if f"{kind}:" not in _WITH_HOST:
        return "", [f"opens another program ({kind})"] if kind not in {"mailto", "tel", "sms"} else []
    try:
        parts = urlsplit(normal)
        given = parts.hostname or ""
    except ValueError:
        return "", ["cannot be read as an address"]
    flags = [] if kind == "https" else [f"not encrypted ({kind})"]
    if parts.username is not None:
        flags.append("a name before the @ hides the real host")
    if _VARIABLE.search(given):
        return given, [*flags, "the host is filled in when it is sent"]
    judged = place(url)
    told = [flag for flag in judged.flags if not flag.startswith(_SAID_ALREADY)]
    if address_of(given):
        flags.append("a bare IP address")
    written = ascii_domain(judged.host) if len(judged.host) <= LONGEST_HOST else None
    return written or judged.host or given, [*flags, *told]


def as_seen(words: str) -> str:
    """`words` as somebody reads them who looks for the name of a host: without what draws nothing (Unicode,
    Default_Ignorable), with letters and dots of other widths as the plain ones."""
    if words.isascii():
        return words
    kept = "".join(one for one in _UNSEEN.sub("", words) if unicodedata.category(one) != "Cf")
    plain = unicodedata.normalize("NFKC", kept).replace("。", ".")
    return _MARKS.sub("", plain)


def _mismatch(words: str, host: str) -> list[str]:
    """What the words of a link claim, where that is another host than the one it leads to."""
    if not host:
        return []
    for found in _NAMED_HOST.finditer(as_seen(" ".join(around(words[:2_000])))):
        named = ascii_domain(found[1]) or found[1].casefold()
        if named.rpartition(".")[2] in _NOT_A_HOST:
            continue
        plain = named.removeprefix("www.")
        if host != plain and not host.endswith(f".{plain}"):
            return [f"the text names {named}, the link leads to {host}"]
    return []

"""Where the links of a message lead, next to what they claim to be."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from maton_mailgun.mail.addresses import ascii_domain, domain_flags
from maton_mailgun.mail.html import Piece, displayed
from maton_mailgun.mail.text import safe_line, short

MOST = 500
"""Links listed; the page says how many more there are."""

_CONTROLS = re.compile(r"[\x00-\x20]+")
_LOOSE_SCHEME = re.compile(r"(?i)^(https?|ftp):[/\\]*")
_SCHEME = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]*):")
_IN_TEXT = re.compile(r"(?i)\bhttps?://[^\s<>\"']+")
_NAMED_HOST = re.compile(r"(?i)(?:https?://)?((?:[\w-]{1,63}\.)+(?:xn--[a-z0-9-]{2,59}|[^\W\d_]{2,24}))(?![\w.@-])")
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


def find(markup: str, text: str) -> tuple[list[dict[str, Any]], int]:
    """The distinct links of both parts, and how many there are in all."""
    distinct = dict.fromkeys([*_in_html(markup), *_in_text(text)])
    return [asdict(link) for link in list(distinct)[:MOST]], len(distinct)


def _in_html(markup: str) -> Iterator[Link]:
    address: str | None = None
    words: list[str] = []
    for piece in displayed(markup):
        match piece:
            case Piece("start", "a" | "area", attributes):
                if address is not None:
                    yield _link("".join(words), address, "HTML")
                address, words = attributes.get("href"), []
                if piece.name == "area" and address is not None:
                    yield _link(attributes.get("alt", ""), address, "HTML")
                    address = None
            case Piece("start", "img", attributes):
                words.append(f" [picture: {attributes.get('alt', '')}] ")
            case Piece("start", "form", attributes) if attributes.get("action"):
                yield _link("(form)", attributes["action"], "HTML")
            case Piece("text", "" | "textarea" | "xmp", text=data):
                words.append(data)
            case Piece("end", "a") if address is not None:
                yield _link("".join(words), address, "HTML")
                address = None
    if address is not None:
        yield _link("".join(words), address, "HTML")


def _in_text(text: str) -> Iterator[Link]:
    for found in _IN_TEXT.finditer(text):
        url = found.group().rstrip(".,;:!?)]}»”’")
        yield _link("", url, "plain text")


def _link(words: str, address: str, part: str) -> Link:
    words = " ".join(words.split())
    address = _CONTROLS.sub("", address) if not address.isprintable() else address.strip()
    normal = _LOOSE_SCHEME.sub(lambda scheme: f"{scheme[1].lower()}://", address)
    if normal.startswith(("//", "\\\\")):
        normal = "https://" + normal.lstrip("/\\")
    host, flags = _host_and_flags(normal)
    flags += _mismatch(words, host)
    return Link(short(words, 200), safe_line(host), short(address, 500), part, tuple(safe_line(flag) for flag in flags))


def _host_and_flags(url: str) -> tuple[str, list[str]]:
    scheme = _SCHEME.match(url)
    if scheme is None:
        filled_in = "{{" in url or url.startswith("%")
        return "", ["filled in when it is sent"] if filled_in else ["no host: leads nowhere from a mail"]
    kind = scheme[1].lower()
    if kind in {"javascript", "data", "vbscript", "file", "blob"}:
        return "", [f"{kind}: runs or opens something instead of a page"]
    if kind not in {"http", "https", "ftp"}:
        return "", [f"opens another program ({kind})"] if kind not in {"mailto", "tel", "sms"} else []
    try:
        parts = urlsplit(url.replace("\\", "/"))
        given = parts.hostname or ""
    except ValueError:
        return "", ["cannot be read as an address"]
    flags = [] if kind == "https" else [f"not encrypted ({kind})"]
    if parts.username is not None:
        flags.append("a name before the @ hides the real host")
    if _is_ip(given):
        return given, [*flags, "a bare IP address"]
    return ascii_domain(given) or given, flags + domain_flags(given)


def _mismatch(words: str, host: str) -> list[str]:
    """What the words of a link claim, where that is another host than the one it leads to."""
    if not host:
        return []
    for found in _NAMED_HOST.finditer(words[:1_000]):
        named = ascii_domain(found[1]) or found[1].casefold()
        if named.rpartition(".")[2] in _NOT_A_HOST:
            continue
        plain = named.removeprefix("www.")
        if host != plain and not host.endswith(f".{plain}"):
            return [f"the text names {named}, the link leads to {host}"]
    return []


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True

"""Where a URL really leads, and what a person should know about that place. Nothing is ever looked up or fetched."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote, urlsplit

import idna

from maton_mailgun.mail.addresses import domain_flags
from maton_mailgun.mail.text import short

_PRIVATE_ENDINGS = (
    *("localhost", "local", "localdomain", "internal", "intranet", "lan", "home", "corp", "private"),
    *("home.arpa", "svc", "test", "example", "invalid", "onion"),
)
_EMBEDDED_IP = re.compile(r"(?<![0-9])((?:[0-9]{1,3}[.-]){3}[0-9]{1,3})(?![0-9])")
_ESCAPED = re.compile(r"%[0-9a-fA-F]{2}")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_METADATA = frozenset({"169.254.169.254", "100.100.100.200", "fd00:ec2::254", "169.254.170.2"})

LONGEST_HOST = 253
"""Characters (RFC 1035, 2.3.4, without the length octets)."""
_LONGEST_LABEL = 63

_EDGES = "".join(map(chr, range(0x21)))
_DROPPED = str.maketrans("", "", "\t\n\r")
_RELATIVE = re.compile(r"[/\\]{2}")
_SPECIAL = re.compile(r"(https?|ftp|wss?):[/\\]*", re.IGNORECASE)
_AS_PUBLISHED = re.compile(r"[a-z][a-z0-9+.-]*://[^/\\]", re.IGNORECASE)
_IGNORED = re.compile("[\u00ad\u034f\u180b-\u180d\u180f\u200b\u2060\u2064\ufe00-\ufe0f\ufeff]")
"""Characters that are no part of a host although they stand in it (Unicode Technical Standard 46, "ignored")."""

_IP = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Place:
    """What a URL names."""

    url: str
    host: str
    """Lower case; empty where none can be made out."""
    flags: tuple[str, ...]
    dangerous: bool
    """Private, hidden or unreadable: no data should be sent there without a second thought."""


def as_browsers_read(url: str) -> str:
    """`url` with its scheme, slashes and name before the @ where every browser finds them, whatever it is written like
    (WHATWG URL, 4.4): `\\` is `/`, any number of them may follow `https:`, line breaks and tabs are not there, and what
    begins with two slashes stays on https. Other schemes, and what has none, are only trimmed."""
    url = url.strip(_EDGES).translate(_DROPPED)
    if _RELATIVE.match(url):
        url = f"https:{url}"
    scheme = _SPECIAL.match(url)
    if scheme is None:
        return url
    rest = url[scheme.end() :]
    end = next((index for index, character in enumerate(rest) if character in "/\\?#"), len(rest))
    name, at, host = rest[:end].rpartition("@")
    path, mark, query = rest[end:].partition("?") if "?" in rest[end:] else rest[end:].partition("#")
    path = path.replace("\\", "/")
    # What stands before the @ may hold anything; escaped, it cannot make the rest unreadable.
    return f"{scheme[1].lower()}://{quote(name, safe='%:', errors='replace')}{at}{host}{path}{mark}{query}"


def place(url: str) -> Place:
    """Take `url` apart as browsers do, and say what is odd about it."""
    flags: list[str] = []
    odd = False
    if re.search(r"[\s\x00-\x1f\x7f\\]", url.strip()):
        flags.append("holds a space, control character or backslash: programs disagree about where it leads")
        odd = True
    normal = as_browsers_read(url)  # guard: 89-spelling
    try:
        parts = urlsplit(normal)
        given = parts.hostname or ""
        host, port = _plain(given), parts.port
    except ValueError:
        return Place(url, "", ("cannot be read as a URL",), dangerous=True)
    if not host:
        return Place(url, "", (*flags, "names no host"), dangerous=True)
    if not _AS_PUBLISHED.match(url.strip(_EDGES)) and _SPECIAL.match(normal):
        flags.append("is not written as scheme://host: browsers repair it, other programs may not")
        odd = True
    if odd and (other := _unrepaired(url)) not in {"", host}:
        flags.append(f"programs that are no browsers lead to {short(other, LONGEST_HOST)}")
    if len(host) > LONGEST_HOST or max(map(len, host.split("."))) > _LONGEST_LABEL:
        return Place(url, host, (*flags, "is longer than the name of any host: it leads nowhere"), dangerous=True)
    if parts.scheme.casefold() != "https":
        flags.append("cleartext http" if parts.scheme.casefold() == "http" else f"not https: {short(parts.scheme, 20)}")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        flags.append(f"what stands before the @ is not the host; it leads to {host}")
        odd = True
    if _ESCAPED.search(given):
        flags.append(f"the host is spelled with percent signs; it is {host}")
        odd = True
    if "\u1e9e" in unquote(parts.netloc):
        # Unicode 15.1 has made ß of it, which was ss before (Unicode Technical Standard 46, Modifications).
        flags.append(f"holds a capital ẞ: older programs lead to {short(host.replace('ß', 'ss'), LONGEST_HOST)}")
        odd = True
    if port not in (None, 80, 443):
        flags.append(f"port {port}")
    private = private_host(host)  # guard: 29-private
    if private:
        flags.append(private)
    spelling = _spelling(host)
    return Place(url, host, (*flags, *spelling), dangerous=odd or bool(private or spelling))


def _unrepaired(url: str) -> str:
    """The host by the generic syntax alone (RFC 3986), as libraries have it that fetch what routes and webhooks say."""
    try:
        return _plain(urlsplit(url.strip()).hostname or "")
    except ValueError:
        return ""


@lru_cache(maxsize=4_096)
def _spelling(host: str) -> tuple[str, ...]:
    """Kept, since it takes up to a millisecond and one message may name a host ten thousand times."""
    return () if address_of(host) else tuple(domain_flags(host))


def private_host(host: str) -> str:
    """Why `host` is not a place on the public internet, in words; the empty string where nothing says so."""
    host = _plain(host)
    found = address_of(host)
    if found is not None:
        usual = str(found) == host.strip("[]")
        spelled = "" if usual else f" (an unusual spelling of {found})"
        if str(found) in _METADATA:
            return f"cloud metadata address{spelled}"
        if not found.is_global or found.is_multicast:
            return f"private or local address{spelled}"
        return "" if usual else f"an unusual spelling of the address {found}"
    labels = host.rstrip(".").split(".")
    if host.rstrip(".") in {"metadata", "metadata.google.internal", "metadata.goog"}:
        return "cloud metadata host"
    if len(labels) == 1 or any(host.rstrip(".").endswith(f".{ending}") for ending in _PRIVATE_ENDINGS):
        return "private or local name"
    embedded = _EMBEDDED_IP.search(host)
    if embedded and (inner := _dotted(embedded[1].replace("-", "."))) and not inner.is_global:
        return f"the name holds the private address {inner}"
    return ""


def address_of(host: str) -> _IP | None:
    """The IP address that `host` spells: dotted, decimal, hexadecimal, octal, shortened, IPv6, or IPv4 within it."""
    bare = host.strip("[]").split("%", 1)[0].rstrip(".")
    try:
        found: _IP = ipaddress.ip_address(bare)
    except ValueError:
        return _dotted(bare)
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped or found.sixtofour:
            return found.ipv4_mapped or found.sixtofour
        if found in _NAT64:
            return ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
    return found


def _dotted(host: str) -> ipaddress.IPv4Address | None:
    """An IPv4 address in any spelling that network libraries have taken since BSD: one to four numbers, each decimal,
    octal or hexadecimal, the last one filling the rest."""
    if host.count(".") > 3:
        return None
    numbers = [_number(part) for part in host.split(".")]
    if any(number is None for number in numbers):
        return None
    values = [number for number in numbers if number is not None]
    *first, last = values
    if any(number > 255 for number in first) or last >= 256 ** (5 - len(values)):
        return None
    total = last
    for index, number in enumerate(first):
        total += number << (8 * (3 - index))
    return ipaddress.IPv4Address(total)


def _number(text: str) -> int | None:
    if not re.fullmatch(r"0[xX][0-9a-fA-F]{1,8}|[0-9]{1,12}", text):
        return None
    if text[:2].lower() == "0x":
        return int(text, 16)
    if len(text) > 1 and text.startswith("0"):
        return int(text, 8) if re.fullmatch("[0-7]+", text) else None
    return int(text)


def _plain(host: str) -> str:
    """`host` without percent escapes and width variants, in lower case, as a browser would take it: mapped as Unicode
    Technical Standard 46 has it, without the transition from older names, so that ß and ς stay what they are."""
    host = _IGNORED.sub("", unquote(host))
    if host.isascii():
        return host.lower()
    try:
        return idna.uts46_remap(host, std3_rules=False, transitional=False)  # guard: 130-sharp
    except idna.IDNAError:
        return unicodedata.normalize("NFKC", host).replace("。", ".").lower()

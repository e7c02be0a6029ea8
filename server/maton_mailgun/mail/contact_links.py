"""Links that lead to no page: to somebody's mailbox or telephone, or into another program."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote

from maton_mailgun.mail.hosts import as_browsers_read
from maton_mailgun.mail.text import short

WEB = frozenset({"http", "https", "ftp", "ws", "wss"})
_CALLS = frozenset({"tel", "sms", "smsto", "callto", "facetime", "facetime-audio", "whatsapp"})
_QUIET = frozenset({"mailto", "cid", "mid", "about", *_CALLS})
_SCHEME = re.compile(r"\s*([a-zA-Z][a-zA-Z0-9+.-]*):")
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"'@]+@(?:[\w-]+\.)+[\w-]+")
_NUMBER = re.compile(r"\+?[0-9](?:[ \u00a0\u2009\u202f().\u2010\u2011/-]*[0-9]){5,}")
_MOST = 2_000
"""Characters of a link's words that are looked at."""
_SAME_DIGITS = 6
"""At the end of two numbers, of which one may lack the country or the area."""


def scheme_of(target: str) -> str:
    """What stands before the colon of an address, in small letters; empty where it has no scheme."""
    found = _SCHEME.match(as_browsers_read(target))
    return found[1].lower() if found else ""


def other_program(target: str) -> str:
    """The scheme of a link that opens a program which is neither a browser nor for mail or calls; else empty."""
    scheme = scheme_of(target)
    return "" if scheme in WEB or scheme in _QUIET else scheme


def misnamed(words: str, target: str) -> str:
    """What the words of a link say, where they name another mailbox or number than it leads to; empty where they agree.

    (RFC 6068 for `mailto:`, RFC 3966 for `tel:`, RFC 5724 for `sms:`.)
    """
    scheme = scheme_of(target)
    rest = as_browsers_read(target).strip().partition(":")[2]
    words = words[:_MOST]
    if scheme == "mailto":
        leads = _mailboxes(rest)
        named = [one for one in _ADDRESS.findall(words) if one.casefold().strip(".") not in leads]
        if named and leads:
            return f"shows {short(named[0], 100)} but writes to {short(', '.join(leads), 200)}"
    elif scheme in _CALLS:
        called = re.sub(r"[^0-9]", "", unquote(rest.partition("?")[0].partition(";")[0]))
        named = [one for one in _NUMBER.findall(words) if not _same(re.sub(r"[^0-9]", "", one), called)]
        if named and called:
            return f"shows {short(named[0], 60)} but calls {short(called, 60)}"
    return ""


def beside(target: str) -> str:
    """Whom a `mailto:` link writes to besides those it begins with; empty where there is nobody."""
    if scheme_of(target) != "mailto":
        return ""
    return ", ".join(_more(as_browsers_read(target).partition("?")[2]))


def _mailboxes(rest: str) -> list[str]:
    first, _, query = rest.partition("?")
    return list(dict.fromkeys([*_addresses(unquote(first)), *_more(query)]))


def _more(query: str) -> list[str]:
    fields = parse_qsl(query.replace("+", "%2B"), keep_blank_values=False, max_num_fields=None)
    return [one for name, value in fields if name.lower() in {"to", "cc", "bcc"} for one in _addresses(value)]


def _addresses(text: str) -> list[str]:
    return [one.casefold().strip(".") for one in _ADDRESS.findall(text)]


def _same(one: str, other: str) -> bool:
    one, other = one.lstrip("0"), other.lstrip("0")
    shorter = min(len(one), len(other))
    return shorter >= _SAME_DIGITS and (one.endswith(other) or other.endswith(one)) if one != other else True

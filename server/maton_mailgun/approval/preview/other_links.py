"""Links that lead to no page: to an address, a telephone number, or into another program."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote

from maton_mailgun.mail.hosts import as_browsers_read
from maton_mailgun.mail.links import as_seen
from maton_mailgun.mail.text import short

_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"@]+@[^\s<>()\[\],;:\"@]+\.[^\W\d_]{2,}")
_NUMBER = re.compile(r"\+?\d[\d\s()./\u00a0-]{4,}\d")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_PLACE = re.compile(r"%recipient|\{\{|%unsubscribe|%mailing_list")
_LEAST_DIGITS = 6
_MOST_WORDS = 2_000


def told(target: str, words: str) -> str:
    """A warning about a link to `target` with these words, in a scheme that names no host; else empty."""
    scheme, colon, rest = as_browsers_read(target).partition(":")
    scheme = scheme.casefold()
    if not colon or not _SCHEME.fullmatch(scheme):
        return ""
    seen = as_seen(words[:_MOST_WORDS])
    if scheme == "mailto":
        return _of_mail(rest, seen)
    if scheme in {"tel", "sms", "smsto", "callto", "facetime"}:
        return _of_call(rest, seen, scheme)
    if scheme in {"cid", "mid", "about"}:
        return ""
    return f"A link opens another program ({short(scheme, 40)}): {short(target, 120)}"


def _of_mail(rest: str, words: str) -> str:
    path, _, query = rest.partition("?")
    given = parse_qsl(query, keep_blank_values=True)
    people = [path, *(value for name, value in given if name.lower() in {"to", "cc", "bcc"})]
    written = ", ".join(unquote(one) for one in people if one)
    if _PLACE.search(written):
        return ""
    meant = {one.strip(".").casefold() for one in _ADDRESS.findall(written)}
    named = [one.strip(".") for one in _ADDRESS.findall(words)]
    if wrong := [one for one in named if one.casefold() not in meant]:
        return f"A link shows {short(wrong[0], 100)} but writes to {short(written, 100) or 'nobody'}."
    further = ", ".join(unquote(value) for name, value in given if name.lower() in {"cc", "bcc"})
    return f"A link that writes to {short(unquote(path), 100)} adds {short(further, 100)}." if further else ""


def _of_call(rest: str, words: str, scheme: str) -> str:
    number = unquote(re.split(r"[?;&]", rest, maxsplit=1)[0])
    meant = _digits(number)
    if _PLACE.search(rest):
        return ""
    for said in _NUMBER.findall(words):
        shown = _digits(said)
        if len(shown) >= _LEAST_DIGITS and not any(_same(one, meant) for one in _forms(shown)):
            does = "calls" if scheme in {"tel", "callto", "facetime"} else "writes to"
            return f"A link shows {short(said.strip(), 60)} but {does} {short(number, 60)}."
    return ""


def _digits(number: str) -> str:
    return re.sub(r"\D", "", number.replace("(0)", ""))


def _forms(digits: str) -> Iterator[str]:
    """A number as it is, and without what stands before it at home or abroad."""
    yield digits
    yield digits.removeprefix("00")
    yield digits.lstrip("0")


def _same(one: str, other: str) -> bool:
    other = other.removeprefix("00")
    least = max(_LEAST_DIGITS, min(len(one), len(other)))
    return len(one) >= _LEAST_DIGITS and (one[-least:] == other or other[-least:] == one)

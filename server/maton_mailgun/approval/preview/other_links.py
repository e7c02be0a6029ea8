"""Links that lead to no page: to an address, a telephone number, or into another program."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote

from maton_mailgun.mail.hosts import as_browsers_read
from maton_mailgun.mail.links import as_seen
from maton_mailgun.mail.text import quoted, short

_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"@]+@[^\s<>()\[\],;:\"@]+\.(?:xn--[a-z0-9-]{2,59}|[^\W\d_]{2,})", re.IGNORECASE)
_NUMBER = re.compile(r"\+?\d[\d\s()./\u00a0-]{4,}\d|\+?\d[\d\s()./-]{1,20}[A-Z]{3}[A-Z-]{0,9}\b")
_DASHES = {ord(sign): "-" for sign in "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u00b7\u2022\u2027"}
_ON_KEYS = {2: "ABC", 3: "DEF", 4: "GHI", 5: "JKL", 6: "MNO", 7: "PQRS", 8: "TUV", 9: "WXYZ"}
_KEYS = {ord(sign): str(key) for key, signs in _ON_KEYS.items() for sign in signs}
"""Letters on the keys of a telephone (ITU-T E.161)."""
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_PLACE = re.compile(r"%recipient|\{\{|%unsubscribe|%mailing_list")
_LEAST_DIGITS = 6
_MOST_ABROAD = 3
"""Digits of a country's code (ITU-T E.164)."""
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
    given = [(name.casefold(), value) for name, value in parse_qsl(query.replace("+", "%2B"), keep_blank_values=True)]
    path = unquote(path)
    to = [one for text in (path, *(value for name, value in given if name == "to")) for one in _people(text)]
    further = ", ".join(value for name, value in given if name in {"cc", "bcc"})
    named = [one.strip(".") for one in _ADDRESS.findall(words)]
    plain = [one for one in (*to, *_people(further)) if not _PLACE.search(one)]
    written = ", ".join([*to, *_people(further)])
    if any(one.count("@") != 1 or not one.isprintable() for one in plain):  # guard: 173-odd
        return f"A link writes to what cannot be read as addresses for certain: {short(written, 100)}"
    meant = {_bare(one) for one in plain}
    wrong = [one for one in named if one.casefold() not in meant]
    others = [one for one in plain if _bare(one) not in {name.casefold() for name in named}]
    if wrong and (others or len(plain) == len(to)):  # guard: 173-places
        return f"A link shows {short(wrong[0], 100)} but writes to {short(written, 100) or 'nobody'}."
    if named and (more := [one for one in others if one in to]):  # guard: 173-more
        return f"A link shows {short(named[0], 100)} and writes to {short(', '.join(more), 100)} too."
    if further:
        return f"A link that writes to {short(path, 100)} adds {short(further, 100)}."
    files = [value for name, value in given if name in {"attach", "attachment", "insert"}]
    return f"A link that writes to {short(path, 100)} attaches a file: {short(files[0], 100)}." if files else ""


def _people(text: str) -> list[str]:
    return [one.strip() for one in re.split(r"[,;]", text) if one.strip()]


def _bare(person: str) -> str:
    return person.rpartition("<")[2].rstrip("> ").strip(".").casefold()


def _of_call(rest: str, words: str, scheme: str) -> str:
    number, _, more = unquote(rest).partition("?")
    calls = scheme in {"tel", "callto", "facetime"}
    if calls and re.search(r"[*#]", number):  # guard: 173-codes
        return f"A link dials a code, which may change what the telephone does with calls: {short(number, 60)}."
    number = re.split(r"[;&]", number, maxsplit=1)[0]
    meant = _digits(number)
    for said in [] if _PLACE.search(number) else _NUMBER.findall(words.translate(_DASHES)):
        shown = _digits(said.translate(_KEYS))
        if len(shown) >= _LEAST_DIGITS and not any(
            _same(one, other) for one in _forms(shown) for other in _forms(meant)
        ):
            does = "calls" if calls else "writes to"
            return f"A link shows {short(said.strip(), 60)} but {does} {short(number, 60)}."
    body = next((value for name, value in parse_qsl(more) if name.casefold() == "body" and not calls), "")
    if body and body.casefold() not in words.casefold():
        return f"A link writes {quoted(body, 100)} to {short(number, 60)}."
    return ""


def _digits(number: str) -> str:
    return re.sub(r"\D", "", number.replace("(0)", ""))


def _forms(digits: str) -> Iterator[str]:
    """A number as it is, and without what stands before it at home or abroad."""
    yield digits
    yield digits.removeprefix("00")
    yield digits.lstrip("0")


def _same(one: str, other: str) -> bool:
    """Whether the shorter one is the end of the other one, which has a country's code beside it at most."""
    short_one, long_one = sorted((one, other), key=len)
    if len(long_one) - len(short_one) > _MOST_ABROAD:  # guard: 173-ends
        return False
    return len(short_one) >= _LEAST_DIGITS and long_one.endswith(short_one)

"""What a message's own headers say of SPF, DKIM and DMARC, and who says it. Nothing is checked here.

Whoever writes a message can write such headers too (RFC 8601, section 7.1): a result is worth what the server that it
names is worth, and the one that took the message in puts its own on top.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

METHODS = ("spf", "dkim", "dmarc")
_LONGEST = 4_000
"""Characters of a header that are read."""
_OF_MAILGUN = {"x-mailgun-spf": "spf", "x-mailgun-dkim-check-result": "dkim"}
"""Headers that Mailgun puts on mail it takes in, with what they tell (Mailgun's reference of routes)."""
_RESULT = re.compile(r"([a-z0-9-]+)\s*(?:/\s*[0-9]+\s*)?=\s*([a-z0-9-]+)", re.IGNORECASE)
_SERVER = re.compile(r"[^\s;]+")
_WORD = re.compile(r"\s*([A-Za-z]+)")


@dataclass(frozen=True, slots=True)
class AuthenticationResult:
    """One result: `method` is spf, dkim or dmarc, `result` a word such as pass; `by` is the server that claims it."""

    method: str
    result: str
    header: str
    by: str = ""


def verdicts(headers: Iterable[tuple[str, str]]) -> list[AuthenticationResult]:
    """Every result in these headers, in their order, the latest server first."""
    found: list[AuthenticationResult] = []
    for name, value in headers:
        field = name.casefold()
        plain = _without_asides(value[:_LONGEST])
        if field == "authentication-results":
            found += _results(name, plain)
        elif (field == "received-spf" or field in _OF_MAILGUN) and (word := _WORD.match(plain)):
            found.append(AuthenticationResult(_OF_MAILGUN.get(field, "spf"), word[1].casefold(), name))
    return found


def _results(name: str, plain: str) -> list[AuthenticationResult]:
    server, *parts = plain.split(";")
    by = _SERVER.search(server)
    told = [matched for part in parts if (matched := _RESULT.match(part.strip()))]
    return [
        AuthenticationResult(one[1].casefold(), one[2].casefold(), name, by[0] if by else "")
        for one in told
        if one[1].casefold() in METHODS
    ]


def _without_asides(text: str) -> str:
    """`text` without comments in brackets and quoted texts, in which a semicolon ends nothing."""
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for sign in text:
        if escaped:
            escaped = False
        elif sign == "\\" and (depth or quoted):
            escaped = True
        elif sign == '"' and not depth:
            quoted = not quoted
        elif sign == "(" and not quoted:
            depth += 1
        elif sign == ")" and depth and not quoted:
            depth -= 1
        elif not depth and not quoted:
            kept.append(sign)
    return "".join(kept)

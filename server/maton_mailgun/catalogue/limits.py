"""What the service is sure to refuse although the schema has nothing against it: host names, spans of time, words of a
filter, how much there may be in all. Rows say which argument is held to what; nobody is asked about such a call.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from maton_mailgun.catalogue.codecs import codec_for, encoded, map_value, minutes, text_of
from maton_mailgun.catalogue.operation import Operation
from maton_mailgun.errors import Problem

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?=.{{4,253}}\Z){_LABEL}(?:\.{_LABEL})+")
_OPTIONS = ("o:", "h:", "v:", "t:")
"""Fields of which the service takes 16 KB in all, names and values (Mailgun's API reference, Messages)."""
_MESSAGE_ID = len("<@>") + 32
"""The id that this server gives a message, without the domain in it."""
_TOKEN = re.compile(r'"[^"]*"|[()]|[^\s()"]+|"')
_JOINS = ("AND", "OR", "NOT")


def host_problems(name: str, value: str) -> Iterator[Problem]:
    """A host name and nothing else: with a blank or an address around it the path is another one."""
    if not _HOST.fullmatch(value):
        meant = _host_in(value)
        yield Problem(name, "is not a host name", f"Give {meant}" if meant else "Give a name such as mg.example.com")


def login_problems(name: str, value: str, domain: Any) -> Iterator[Problem]:
    """A login is a name, or that name at the very domain of the call: the service takes the name alone and looks for it
    there, whatever stands behind the @ (Mailgun's reference, Credentials)."""
    local, at, behind = value.partition("@")
    if at and (not local.strip() or "@" in behind or behind.casefold() != str(domain).casefold()):  # guard: 127-login
        meant = f"{local}@{domain}" if local.strip() else f"alice@{domain}"
        yield Problem(name, f"is no login of {domain}", f"Give {meant}, or the domain that it belongs to as domain")


def _host_in(value: str) -> str:
    """The host name that was meant, if it can be told."""
    text = value.strip().strip("<>").rstrip("/. ")
    if "://" in text or "/" in text:
        try:
            parts = urlsplit(text if "://" in text else f"//{text}")
        except ValueError:
            return ""
        inner = [step for step in parts.path.split("/") if _HOST.fullmatch(step)]
        text = inner[0] if inner else (parts.hostname or "")
    text = text.rpartition("@")[2]
    if not text.isascii():
        from maton_mailgun.mail.plain_address import ascii_domain

        text = ascii_domain(text) or ""
    return text if _HOST.fullmatch(text) else ""


def span_problems(name: str, value: str, limits: Sequence[str]) -> Iterator[Problem]:
    """A span such as 1h30m between two others, both included."""
    least, most = (minutes(limit) for limit in limits)
    if not least <= minutes(value) <= most:
        told = "short" if minutes(value) < least else "long"
        yield Problem(name, f"is too {told}", f"Give {limits[0]} to {limits[1]}, such as {limits[0]}")


def word_problems(name: str, value: str, known: Sequence[str]) -> Iterator[Problem]:
    """A filter expression of known words, which AND, OR, NOT and parentheses may join: any other word finds nothing."""
    for token in dict.fromkeys(_TOKEN.findall(value)):
        word = token.strip('"')
        if token in (*_JOINS, "(", ")") or word in known:
            continue
        shown = word.encode("ascii", "backslashreplace").decode()[:40]
        if word.upper() in _JOINS:
            yield Problem(name, f"has {shown}, which joins nothing in small letters", f"Write {word.upper()}")
            continue
        if "," in word:
            yield Problem(name, "has a comma, which joins nothing", f"Write {' OR '.join(known[:2])}")
            continue
        # Loaded for a wrong word only: the list of tools needs none of it.
        from difflib import get_close_matches

        near = get_close_matches(word.casefold(), known, 1, 0.75)
        meant = f"Did you mean {near[0]}? " if near else ""
        joined = " OR ".join(known[:2])
        yield Problem(name, f"has {shown}, which there is not", f"{meant}Use {', '.join(known)}; or several: {joined}")


def ascii_problem(path: str, value: str) -> Problem:
    """Which character of a text is not printable ASCII."""
    odd = [*dict.fromkeys(sign for sign in value if not " " <= sign <= "~")][:5]
    told = ", ".join(f"“{sign}”" if sign.isprintable() and not sign.isspace() else f"U+{ord(sign):04X}" for sign in odd)
    return Problem(path, f"has {told}", "Use letters, digits and signs of ASCII only")


def together_problems(operation: Operation, arguments: Mapping[str, Any]) -> Iterator[Problem]:
    """How many recipients, and how much in options, one call may have over all its arguments."""
    if most := operation.together.get("addresses"):
        found = {name: _keys(value) for name, value in arguments.items() if operation.addresses.get(name) == "list"}
        total = len(set().union(*found.values()))
        # One that has too many alone is told of by itself.
        if total > most and max(map(len, found.values())) <= most:
            names = ", ".join(found)
            yield Problem("", f"{names} name {total:,} people together", f"Give at most {most:,} in one message")
    if most := operation.together.get("option_bytes"):
        size = sum(
            len(name.encode("utf-8", "replace")) + len(text.encode("utf-8", "replace"))
            for name, text in _fields(operation, arguments)
        )
        size += len(operation.message_id or "") + _MESSAGE_ID + len(str(arguments.get(operation.path_arguments[0], "")))
        if size > most:
            names = ", ".join(name for name in arguments if operation.wire.get(name, "").startswith(_OPTIONS))
            yield Problem("", f"{names} are {size:,} bytes together", f"Keep them within {most:,} bytes")


def _keys(value: Any) -> set[str]:
    from maton_mailgun.mail.addresses import parse_all

    return {one.key for one in parse_all(value)}


def _fields(operation: Operation, arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The options as they go on the wire; those that cannot be written are told of elsewhere."""
    for name, value in arguments.items():
        wire = operation.wire.get(name, "")
        if not wire.startswith(_OPTIONS):
            continue
        with suppress(ValueError):
            if wire.endswith("*"):
                yield from ((wire[:-1] + key, map_value(wire, key, text_of(item))) for key, item in value.items())
            else:
                yield from ((wire, text) for text in encoded(operation.encode.get(name) or codec_for(value), value))

"""A message as Mailgun keeps it, told shortly: who, when, what it says, what hangs on it and what its headers claim.

Mailgun answers with the parsed parts under names of its own (`body-plain`, `message-headers`, …: its contract, and its
reference of routes for mail that came in, where attachments are a list or a text that holds one).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from maton_mailgun.mail.authentication import verdicts
from maton_mailgun.wire.fencing import Own

LONGEST_TEXT = 20_000
"""Characters of a body that are told."""
LONGEST_HEADER = 500
MOST_HEADERS = 60
MOST_FILES = 50
CLAIMED = Own(
    "As its headers say; nothing was checked here, and a sender can write such headers. Trust only what the receiving "
    "server put there."
)
_NAMED = {
    "from": "From",
    "to": "To",
    "cc": "Cc",
    "reply_to": "Reply-To",
    "subject": "Subject",
    "date": "Date",
    "message_id": "Message-Id",
    "in_reply_to": "In-Reply-To",
    "references": "References",
}
_AUTHENTICATION = {"authentication-results", "received-spf", "x-mailgun-spf", "x-mailgun-dkim-check-result"}


def told(body: Mapping[str, Any]) -> dict[str, Any]:
    """What the caller is told of `body`; fields that the message does not have are left out."""
    found = list(headers(body))
    last = {name.casefold(): value for name, value in found}
    named = {key: last.get(name.casefold()) or body.get(name) for key, name in _NAMED.items()}
    shown: dict[str, Any] = {key: _short(value, 2_000) for key, value in named.items() if isinstance(value, str)}
    shown |= {
        f"envelope_{key}": _short(body[name], 2_000)
        for key, name in (("sender", "sender"), ("recipients", "recipients"))
        if isinstance(body.get(name), str)
    }
    if twice := _twice(found):
        shown["repeated_headers"] = twice
    if claims := [_claim(one) for one in verdicts(found)]:
        shown["authentication"] = claims[:20]
        shown["authentication_note"] = CLAIMED
    shown |= _bodies(body)
    shown["attachments"] = [_file(one) for one in files(body)][:MOST_FILES]
    known = {name.casefold() for name in _NAMED.values()} | _AUTHENTICATION
    others = [
        [_short(name, 100), _short(value, LONGEST_HEADER)] for name, value in found if name.casefold() not in known
    ]
    shown["other_headers"] = others[:MOST_HEADERS]
    if len(others) > MOST_HEADERS:
        shown["other_headers_left_out"] = len(others) - MOST_HEADERS
    return shown


def headers(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and value of each header in the message's order; a list, or a text that holds one."""
    for pair in _list(body.get("message-headers")):
        if isinstance(pair, list) and len(pair) == 2:
            yield str(pair[0]), str(pair[1])


def _twice(headers: list[tuple[str, str]]) -> list[str]:
    """Headers of which a message has one and this has more: programs show different ones of them."""
    names = [name.casefold() for name, _ in headers]
    return [name for name in _NAMED.values() if names.count(name.casefold()) > 1]


def _claim(one: Any) -> dict[str, str]:
    found = {"method": one.method, "result": one.result, "header": one.header}
    return {**found, "by": _short(one.by, 200)} if one.by else found


def _bodies(body: Mapping[str, Any]) -> dict[str, Any]:
    """The text; the HTML only where there is no text, as it says the same at many times the length."""
    for key, name in (("text", "body-plain"), ("html", "body-html"), ("mime", "body-mime")):
        value = body.get(name)
        if isinstance(value, str) and value.strip():
            whole = {key: value[:LONGEST_TEXT]}
            if len(value) > LONGEST_TEXT:
                whole["cut"] = Own(f"Only the first {LONGEST_TEXT:,} of {len(value):,} characters are shown.")
            return whole
    return {"text": ""}


def files(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in _list(body.get("attachments")) if isinstance(one, Mapping)]


def _file(one: Mapping[str, Any]) -> dict[str, Any]:
    """Name, type and size; not its address, which lies on a host that is never asked."""
    size = one.get("size")
    return {
        "name": _short(str(one.get("name", "")), 200),
        "type": _short(str(one.get("content-type", "")), 100),
        "bytes": size if isinstance(size, int) else None,
    }


def _list(value: Any) -> list[Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return []
    return value if isinstance(value, list) else []


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text) - longest:,} more characters)"

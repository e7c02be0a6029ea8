"""The events list. Its cursor is a token in the path: base64 of JSON with the first call's filters and a position."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from itertools import islice

from maton_mailgun.sandbox.account.eventlog import Event, Position
from maton_mailgun.sandbox.account.mailgun_account import Domain, MailgunAccount, Message
from maton_mailgun.sandbox.mailgun.reporting.eventview import show
from maton_mailgun.sandbox.mailgun.reporting.expressions import Test, compile_expression
from maton_mailgun.sandbox.mailgun.times import parse_moment
from maton_mailgun.sandbox.web.calls import Call, HttpAnswer, SentFields, choice, integer, ok, parse_json, refuse
from maton_mailgun.sandbox.web.pages import ORIGIN
from maton_mailgun.sandbox.web.router import MailgunOperation

_MOST = 300
# A filter of one word, which an index can answer.
_PLAIN = re.compile(r"(?!(?:AND|OR|NOT)$)[^\s()\"<>]+")

# How to read each filter's values of an event, and whether a filter means the whole value.
_FIELDS: dict[str, tuple[bool, Callable[[Event, Message], list[str]]]] = {
    "event": (True, lambda event, message: [event.kind]),
    "severity": (True, lambda event, message: [event.extra.get("severity", "")]),
    "recipient": (True, lambda event, message: [event.recipient]),
    "recipients": (False, lambda event, message: message.recipients),
    "message-id": (True, lambda event, message: [message.id.strip("<>")]),
    "tags": (True, lambda event, message: message.tags),
    "list": (True, lambda event, message: [message.via.get(event.recipient, "")]),
    "from": (False, lambda event, message: [message.sender]),
    "to": (False, lambda event, message: message.to),
    "subject": (False, lambda event, message: [message.subject]),
    "attachment": (False, lambda event, message: [upload.filename for upload in message.attachments]),
    "size": (True, lambda event, message: [str(message.size)]),
}


@dataclass(frozen=True)
class Cursor:
    """Everything one page needs: the range, its direction, the filters, and where the page starts."""

    domain: str
    ascending: bool
    limit: int
    begin: float | None
    end: float | None
    filters: list[tuple[str, str]]
    page: str = "first"
    pivot: Position | None = None


def _moment(query: SentFields, name: str) -> float | None:
    text = query.first(name)
    if text is None:
        return None
    moment = parse_moment(text)
    if moment is None:
        raise refuse(400, f"Invalid date format for parameter '{name}': {text}")
    return moment


def _first_cursor(account: MailgunAccount, domain: Domain, query: SentFields) -> Cursor:
    begin, end = _moment(query, "begin"), _moment(query, "end")
    word = choice(query, "ascending", ("yes", "no", "true", "false"))
    wanted = None if word is None else word in ("yes", "true")
    limit = integer(query, "limit", 100, 1, _MOST)
    choice(query, "pretty", ("yes", "no", "true", "false"))
    filters = [(name, value) for name in _FIELDS for value in query.every(name) if value.strip()]
    if begin is not None and end is None and wanted is None:
        raise refuse(400, "The 'ascending' parameter is required when 'end' is not given")
    start = account.now if begin is None else begin
    if end is not None:
        ascending = end >= start
        if wanted is not None and wanted is not ascending:
            raise refuse(400, "The 'ascending' parameter contradicts the 'begin' and 'end' parameters")
    else:
        ascending = bool(wanted)
    if ascending:
        # Without a begin and an end, an ascending list tells the whole history and then waits for more.
        lower, upper = (None if begin is None and end is None else start), end
    else:
        lower, upper = end, start
    return Cursor(domain.name, ascending, limit, lower, upper, filters)


def _seal(text: str) -> str:
    return blake2b(text.encode(), digest_size=6, key=b"events").hexdigest()


def encode_token(cursor: Cursor) -> str:
    text = json.dumps(asdict(cursor), separators=(",", ":"))
    return urlsafe_b64encode(f'[{text},"{_seal(text)}"]'.encode()).decode()


def decode_token(token: str) -> Cursor:
    """The cursor of a token Mailgun itself made; anything else is refused with 400."""
    try:
        values, seal = parse_json(urlsafe_b64decode(token.encode()))
        if seal != _seal(json.dumps(values, separators=(",", ":"))):
            raise refuse(400, "Invalid page token")
        values["filters"] = [(name, value) for name, value in values["filters"]]
        values["pivot"] = None if values["pivot"] is None else (values["pivot"][0], values["pivot"][1])
        return Cursor(**values)
    except (ValueError, TypeError, KeyError):
        raise refuse(400, "Invalid page token") from None


def _tests(cursor: Cursor) -> list[tuple[Test, Callable[[Event, Message], list[str]]]]:
    return [(compile_expression(value, exact=_FIELDS[name][0]), _FIELDS[name][1]) for name, value in cursor.filters]


def _only_key(domain: Domain, message_id: str | None) -> str | None:
    """The storage key of the one message with this id; None when there are several, as ids need not be unique."""
    if message_id is None:
        return None
    wanted = f"<{message_id}>".lower()
    keys = [key for kept in (domain.messages, domain.received) for key, one in kept.items() if one.id.lower() == wanted]
    return keys[0] if len(keys) == 1 else None


def _page(domain: Domain, cursor: Cursor) -> list[Event]:
    tests = _tests(cursor)
    plain = {name: value.strip() for name, value in cursor.filters if _PLAIN.fullmatch(value.strip())}
    log = domain.log.narrowest(plain.get("event"), plain.get("recipient"), _only_key(domain, plain.get("message-id")))
    forward, backward = (log.upward, log.downward) if cursor.ascending else (log.downward, log.upward)

    def matching(events: Iterator[Event]) -> list[Event]:
        return list(islice((event for event in events if _passes(domain, event, tests)), cursor.limit))

    if cursor.page in ("first", "next"):
        return matching(forward(cursor.pivot if cursor.page == "next" else None, cursor.begin, cursor.end))
    return matching(backward(cursor.pivot if cursor.page == "previous" else None, cursor.begin, cursor.end))[::-1]


def _passes(domain: Domain, event: Event, tests: list[tuple[Test, Callable[[Event, Message], list[str]]]]) -> bool:
    message = domain.message(event.message_key)
    return all(test(values(event, message)) for test, values in tests)


def _paging(domain: Domain, cursor: Cursor, events: list[Event], origin: str | None) -> dict[str, str]:
    """All four URLs, always. Behind the last event `next` keeps its place: polling it shows what comes later."""
    first, last = replace(cursor, page="first", pivot=None), replace(cursor, page="last", pivot=None)
    if events:
        before = replace(cursor, page="previous", pivot=events[0].position)
        behind = replace(cursor, page="next", pivot=events[-1].position)
    elif cursor.page == "previous":
        before, behind = cursor, first
    else:
        before, behind = (last, cursor) if cursor.page == "next" else (first, first)
    targets = {"previous": before, "first": first, "last": last, "next": behind}
    base = f"{origin or ORIGIN}/v3/{domain.name}/events"
    return {word: f"{base}/{encode_token(target)}" for word, target in targets.items()}


def _answer(domain: Domain, cursor: Cursor, origin: str | None) -> HttpAnswer:
    events = _page(domain, cursor)
    items = [show(domain, event, origin) for event in events]
    return ok({"items": items, "paging": _paging(domain, cursor, events, origin)})


def list_events(account: MailgunAccount, call: Call) -> HttpAnswer:
    domain = account.domain_of(call)
    return _answer(domain, _first_cursor(account, domain, call.query), call.origin)


def follow_events(account: MailgunAccount, call: Call) -> HttpAnswer:
    """A page by its token. Query parameters beside it are ignored."""
    domain = account.domain_of(call)
    cursor = decode_token(call.path["token"])
    if cursor.domain != domain.name:
        raise refuse(400, "Invalid page token")
    return _answer(domain, cursor, call.origin)


OPERATIONS = (
    MailgunOperation("GET", "/v3/{domain}/events", list_events),
    MailgunOperation("GET", "/v3/{domain}/events/{token}", follow_events),
)

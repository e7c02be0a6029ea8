"""Four styles of paging behind one opaque cursor.

Mailgun's pages are absolute URLs of its own host. Following one would fail and carry the Maton key elsewhere, so a
cursor keeps only path and query, is bound to the call it came from, and is taken back only for that call. An answer may
end in the middle of a page: a cursor also says after which of its items.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from maton_mailgun.catalogue.operation import NOT_SENT, Operation
from maton_mailgun.errors import BadArguments, Problem
from maton_mailgun.wire.places import at
from maton_mailgun.wire.request import Request

_HOSTS = ("api.mailgun.net", "api.eu.mailgun.net")
_HOST_ENDING = ".api.mailgun.net"
_FORBIDDEN = ("..", "//", "\\", "?", "#", "%2f", "%5c", " ")
_QUERY = re.compile(r"[!\"$-~]*")
"""Visible ASCII without "#": anything else would end or split the request line."""
_LONGEST = 4_000
"""Of path and query together; Mailgun's own stay below a few hundred characters."""
_MOST_SKIPPED = 10_000
"""Items of one page; no service gives as many."""
_RIGHT = "Use a cursor exactly as this tool returned it, with the same other arguments, or leave it out to start over"


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page: raw path and raw query, as the service encoded them."""

    path: str
    query: str


@dataclass(frozen=True, slots=True)
class Spot:
    """Where reading goes on: a page, how many of its items were told already, and the digest of the last of them."""

    page: ListPage
    told: int = 0
    last: str = ""


def at_cursor(operation: Operation, arguments: Mapping[str, Any], request: Request, connection_id: str) -> Request:
    """The request for the page a cursor names; the first page where the call has no cursor.

    The filters of the first call travel inside the cursor: repeating them and leaving them all out are both fine.

    Raises:
        BadArguments: The cursor is not one of this tool's, or belongs to another call.
    """
    cursor = arguments.get("cursor")
    if cursor is None:
        return request
    try:
        data = _data(cursor)
        place = ListPage(str(data["p"]), str(data["q"]))
        bound = (str(data["f"]), str(data["l"]))
        spot = _spot(data, place)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _refused(operation, "is not a cursor of this tool") from None
    if not _whole(place) or not _same_list(operation, request.path, place.path):  # guard: 30-list
        raise _refused(operation, "belongs to another call")
    full, bare = _bindings(operation, arguments, connection_id)
    repeated = bound[0] == full
    left_out = bound[1] == bare and not _filters(operation, arguments)
    if not (repeated or left_out):
        raise _refused(operation, "belongs to another call")
    return replace(request, path=spot.page.path, query=(), raw_query=spot.page.query)


def beginning(arguments: Mapping[str, Any], request: Request) -> Spot:
    """Where the reading of a checked call begins."""
    cursor = arguments.get("cursor")
    return Spot(page_of(request)) if cursor is None else _spot(_data(cursor), page_of(request))


def page_of(request: Request) -> ListPage:
    """The page that a request asks for."""
    query = urlencode(request.query) if request.raw_query is None else request.raw_query
    return ListPage(request.path, query)


def cursor_at(operation: Operation, arguments: Mapping[str, Any], connection_id: str, spot: Spot) -> str:
    """The cursor with which the same call goes on from a spot."""
    full, bare = _bindings(operation, arguments, connection_id)
    if (cursor := arguments.get("cursor")) is not None:
        # The filters of the first call, which the one that goes on may leave out.
        full = str(_data(cursor)["f"])
    data: dict[str, Any] = {"p": spot.page.path, "q": spot.page.query, "f": full, "l": bare}
    if spot.told:
        data |= {"n": spot.told, "a": spot.last}
    text = json.dumps(data, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def next_page(operation: Operation, request: Request, body: Mapping[str, Any]) -> ListPage | None:
    """The page after an answer; None at the end, and where the service names a page that is not of this list."""
    return (_counted if operation.paging == "skip" else _linked)(operation, request, body)


def is_last(operation: Operation, next_: ListPage, items: list[Any]) -> bool:
    """Whether the page that is named next must be empty: it says how many items a page has, and these are fewer.

    Pages of events say nothing of the kind, and the service names a next page to the end and beyond it (recorded).
    """
    size = dict(parse_qsl(next_.query)).get("limit", "")
    return operation.paging == "pivot" and size.isdecimal() and len(items) < int(size)


def digest(item: Any) -> str:
    """What an item is known by when its page is read again."""
    return _short_digest(item)


def _data(cursor: str) -> dict[str, Any]:
    return dict(json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))))


def _spot(data: Mapping[str, Any], page: ListPage) -> Spot:
    told = data.get("n", 0)
    if type(told) is not int or not 0 <= told <= _MOST_SKIPPED:
        raise ValueError
    return Spot(page, told, str(data.get("a", "")))


def _counted(operation: Operation, request: Request, body: Mapping[str, Any]) -> ListPage | None:
    """Style A: `skip` and `limit` with `total_count`."""
    sent = parse_qsl(request.raw_query) if request.raw_query is not None else list(request.query)
    position = dict(sent).get("skip", "0")
    if not position.isdecimal():
        # Only a cursor that somebody wrote themselves says this.
        return None
    items = at(body, operation.items)
    count, total = len(items) if isinstance(items, list) else 0, at(body, operation.total)
    if isinstance(total, str) and total.isdecimal() and total.isascii():
        total = int(total)
    reached = int(position) + count
    if not count or not isinstance(total, int) or reached >= total:
        return None
    others = [(key, value) for key, value in sent if key != "skip"]
    return ListPage(request.path, urlencode([*others, ("skip", str(reached))]))


def _linked(operation: Operation, request: Request, body: Mapping[str, Any]) -> ListPage | None:
    """Styles B and C: page URLs. "next" is always there, so it says nothing; an empty page is the end (recorded)."""
    links = body.get("paging")
    if not at(body, operation.items) or not isinstance(links, dict):
        return None
    place = _place(operation, request, links.get("next"))
    return None if place == page_of(request) else place


def leads_elsewhere(operation: Operation, request: Request, body: Mapping[str, Any]) -> bool:
    """Whether there is a next page whose address is not taken: the list would end there without a word."""
    links = body.get("paging")
    if operation.paging == "skip" or not at(body, operation.items) or not isinstance(links, dict):
        return False
    return bool(links.get("next")) and _place(operation, request, links["next"]) is None


def _place(operation: Operation, request: Request, url: Any) -> ListPage | None:
    """Path and query of a page URL, if it is this list on a Mailgun host; None otherwise."""
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname or ""
    trusted = host in _HOSTS or host.endswith(_HOST_ENDING)  # guard: 30-pages
    # Only path and query are taken from it, so it need not be https; the name tells that Mailgun wrote it.
    theirs = parts.scheme in ("https", "http") and port in (None, 443, 80)
    if not theirs or not trusted or parts.username or parts.password:
        return None
    # An events page carries its token as one more segment than the list's own path has.
    own = "/".join(request.path.split("/")[: operation.path.count("/") + 1])
    place = ListPage(parts.path, parts.query)
    return place if _whole(place) and _same_list(operation, own, place.path) else None


def _whole(place: ListPage) -> bool:
    return len(place.path) + len(place.query) <= _LONGEST and _QUERY.fullmatch(place.query) is not None


def _same_list(operation: Operation, own: str, path: str) -> bool:
    """Whether a raw path is this list: a tampered cursor must not turn a read into another call."""
    lowered = path.lower()
    if not path.isascii() or not path.isprintable() or any(mark in lowered for mark in _FORBIDDEN):
        return False
    # Mailgun writes some signs plain that are encoded here (the @ of an address): what they stand for is the same.
    theirs, ours = _segments(path), _segments(own)
    if theirs == ours:
        return True
    return operation.paging == "token" and theirs[:-1] == ours and theirs[-1] not in ("", ".", "..")


def _segments(path: str) -> list[str]:
    return [unquote(segment).lower() for segment in path.split("/")]


def _filters(operation: Operation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    left_out = NOT_SENT | {"limit", *operation.path_arguments}
    return {name: value for name, value in arguments.items() if name not in left_out}


def _bindings(operation: Operation, arguments: Mapping[str, Any], connection_id: str) -> tuple[str, str]:
    """What a cursor is bound to: with the filters, and without them."""
    place = [operation.name, connection_id, [arguments.get(name) for name in operation.path_arguments]]
    return _short_digest([*place, _filters(operation, arguments)]), _short_digest(place)


def _short_digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def _refused(operation: Operation, wrong: str) -> BadArguments:
    return BadArguments(operation.name, [Problem("cursor", wrong, _RIGHT)])

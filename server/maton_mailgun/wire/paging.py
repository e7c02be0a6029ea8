"""Four styles of paging behind one opaque cursor.

Mailgun's pages are absolute URLs of its own host. Following one would fail and carry the Maton key elsewhere, so a
cursor keeps only path and query, is bound to the call it came from, and is taken back only for that call.
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
_MORE = (
    "There may be more: the service named a next page that is not of this list, and it is not followed. Narrow the "
    "call to see the rest, and tell the user."
)
_RIGHT = "Use a cursor exactly as this tool returned it, with the same other arguments, or leave it out to start over"


@dataclass(frozen=True, slots=True)
class _Place:
    """One page: raw path and raw query, as the service encoded them."""

    path: str
    query: str


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
        data = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        place = _Place(str(data["p"]), str(data["q"]))
        bound = (str(data["f"]), str(data["l"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _refused(operation, "is not a cursor of this tool") from None
    if not _whole(place) or not _same_list(operation, request.path, place.path):  # guard: 30-list
        raise _refused(operation, "belongs to another call")
    full, bare = _bindings(operation, arguments, connection_id)
    repeated = bound[0] == full
    left_out = bound[1] == bare and not _filters(operation, arguments)
    if not (repeated or left_out):
        raise _refused(operation, "belongs to another call")
    return replace(request, path=place.path, query=(), raw_query=place.query)


def pages(
    operation: Operation, arguments: Mapping[str, Any], request: Request, connection_id: str, body: Any
) -> dict[str, str]:
    """Cursors for the pages around an answer: `next_cursor` and `previous_cursor` where there is one; `more`, in words,
    where the service names a next page that is not followed."""
    if operation.paging is None or not isinstance(body, dict):
        return {}
    around = _counted(operation, request, body) if operation.paging == "skip" else _linked(operation, request, body)
    if "cursor" not in arguments:
        # Before the first page there is nothing; Mailgun names a previous page all the same (recorded).
        around.pop("previous_cursor", None)
    kept = _bound_by(arguments)
    full, bare = _bindings(operation, arguments, connection_id)
    if kept is not None:
        full = kept
    written = {name: _written(place, full, bare) for name, place in around.items()}
    return {**written, "more": _MORE} if _leads_elsewhere(operation, request, body) else written


def _written(place: _Place, full: str, bare: str) -> str:
    text = json.dumps({"p": place.path, "q": place.query, "f": full, "l": bare}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _bound_by(arguments: Mapping[str, Any]) -> str | None:
    """The first call's binding, carried on from the cursor that led here."""
    cursor = arguments.get("cursor")
    if cursor is None:
        return None
    return str(json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))["f"])


def _counted(operation: Operation, request: Request, body: Mapping[str, Any]) -> dict[str, _Place]:
    """Style A: `skip` and `limit` with `total_count`."""
    sent = parse_qsl(request.raw_query) if request.raw_query is not None else list(request.query)
    values = dict(sent)
    position, size = values.get("skip", "0"), values.get("limit", "100")
    if not (position.isdecimal() and size.isdecimal()):
        # Only a cursor that somebody wrote themselves says this.
        return {}
    skip, limit = int(position), int(size)
    items = at(body, operation.items)
    count, total = len(items) if isinstance(items, list) else 0, at(body, operation.total)
    others = [(key, value) for key, value in sent if key != "skip"]

    def page(position: int) -> _Place:
        return _Place(request.path, urlencode([*others, ("skip", str(position))]))

    found: dict[str, _Place] = {}
    if count and isinstance(total, int) and skip + count < total:
        found["next_cursor"] = page(skip + count)
    if skip > 0:
        found["previous_cursor"] = page(max(0, skip - limit))
    return found


def _linked(operation: Operation, request: Request, body: Mapping[str, Any]) -> dict[str, _Place]:
    """Styles B and C: page URLs. "next" is always there, so it says nothing; an empty page is the end (recorded)."""
    links = body.get("paging")
    if not at(body, operation.items) or not isinstance(links, dict):
        return {}
    sent = urlencode(request.query) if request.raw_query is None else request.raw_query
    here = _Place(request.path, sent)
    found: dict[str, _Place] = {}
    for name, key in (("next_cursor", "next"), ("previous_cursor", "previous")):
        place = _place(operation, request, links.get(key))
        if place is not None and place != here:
            found[name] = place
    return found


def _leads_elsewhere(operation: Operation, request: Request, body: Mapping[str, Any]) -> bool:
    """Whether there is a next page whose address is not taken: the list would end there without a word."""
    links = body.get("paging")
    if operation.paging == "skip" or not at(body, operation.items) or not isinstance(links, dict):
        return False
    return bool(links.get("next")) and _place(operation, request, links["next"]) is None


def _place(operation: Operation, request: Request, url: Any) -> _Place | None:
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
    place = _Place(parts.path, parts.query)
    return place if _whole(place) and _same_list(operation, own, place.path) else None


def _whole(place: _Place) -> bool:
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
    left_out = NOT_SENT | set(operation.path_arguments)
    return {name: value for name, value in arguments.items() if name not in left_out}


def _bindings(operation: Operation, arguments: Mapping[str, Any], connection_id: str) -> tuple[str, str]:
    """What a cursor is bound to: with the filters, and without them."""
    place = [operation.name, connection_id, [arguments.get(name) for name in operation.path_arguments]]
    return _short_digest([*place, _filters(operation, arguments)]), _short_digest(place)


def _short_digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def _refused(operation: Operation, wrong: str) -> BadArguments:
    return BadArguments(operation.name, [Problem("cursor", wrong, _RIGHT)])

"""One list for one call, however many pages the service gives it in.

`limit` is how many items the caller wants; how many a page has is between this server and the service. Reading on is
bounded in requests and in time, and what was read before a bound, or before a page that failed, is told with a cursor.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from maton_mailgun.catalogue.operation import Operation
from maton_mailgun.errors import AnswerUnreadable, CallError
from maton_mailgun.wire.fencing import fenced
from maton_mailgun.wire.paging import ListPage, Spot, digest, is_last, leads_elsewhere, next_page, page_of
from maton_mailgun.wire.places import at, put
from maton_mailgun.wire.request import Request

USUAL = 100
"""Items of an answer whose call names no limit: a page, as the services have it."""
MOST_REQUESTS = 40
"""Of one call: 12,000 events, or 40,000 suppressions."""
ELSEWHERE = (
    "There may be more: the service named a next page that is not of this list, and it is not followed. Narrow the "
    "call to see the rest, and tell the user."
)
CHANGED = "The list has changed since the last answer: some of these may have been told before."
_LIMIT = re.compile(r"(?:^|(?<=&))limit=[0-9]+")

Get = Callable[[Request], Awaitable[dict[str, Any]]]
"""Reads one page: the JSON object of its answer."""


@dataclass(slots=True)
class Listing:
    """What was read of a list."""

    body: dict[str, Any]
    """The first answer, with an empty list in the place of its own; as it is where it holds none."""
    items: list[Any] = field(default_factory=list)
    after: list[Spot] = field(default_factory=list)
    """Where reading goes on after each of the items."""
    rest: Spot | None = None
    """Where it goes on after the last of them; None at the end of the list."""
    notes: list[str] = field(default_factory=list)
    """What the caller must know: a page that is not followed, a list that changed, a page that failed."""
    stopped: bool = False
    """Whether a bound or a failure ended it before as much was read as was wanted."""

    @property
    def complete(self) -> bool:
        """Whether the list ends with the last item."""
        return self.rest is None and not self.notes


@dataclass(frozen=True, slots=True)
class ListReader:
    """Reads a list on.

    Args:
        operation: The row of the list.
        get: What reads a page.
        late: Whether no further page may be asked for.
    """

    operation: Operation
    get: Get
    late: Callable[[], bool]

    async def read(self, request: Request, start: Spot, wanted: int | None, *, counted: bool = False) -> Listing:
        """As many items as are wanted, all of them without a number, or what there is before a bound.

        What is `counted` must be a list; else an answer of another form is told as it is.

        Raises:
            CallError: The first page could not be read.
        """
        request = self._sized(request, wanted, start)
        body = await self.get(request)
        if not self._is_list(body, or_absent=not counted):
            raise AnswerUnreadable(
                message=f"{self.operation.name} was answered with something that is no list",
                next="Call again; if it stays so, the gateway or Mailgun is not well.",
            )
        listing = Listing(self._emptied(body))
        self._take(listing, page_of(request), self._items(body), start)
        for asked in range(1, MOST_REQUESTS + 1):
            if wanted is not None and len(listing.items) > wanted:
                _shorten(listing, wanted)
                return listing
            request, place = self._after(listing, request, body)
            if place is None:
                return listing
            full = wanted is not None and len(listing.items) == wanted
            if full and self.operation.paging == "skip":
                return listing
            if asked == MOST_REQUESTS or self.late():
                listing.stopped = not full
                return listing
            try:
                body = await self.get(request)
                said = "" if self._is_list(body) else "the next page was answered with something that is no list"
            except CallError as failure:
                said = failure.message
            if said:
                listing.stopped = not full
                listing.notes += [] if full else [f"Reading on failed: {fenced(said)}"]
                return listing
            items = self._items(body)
            if full:
                # Nothing of this page is told: it was asked for only to know whether there is more.
                listing.rest = Spot(place) if items else None
                return listing
            self._take(listing, place, items, Spot(place))
        return listing

    def _sized(self, request: Request, wanted: int | None, start: Spot) -> Request:
        """The same page with as many items as the call can use and the service gives; a page of which some were told
        is as large as it was, or they might not be on it."""
        size = self.operation.page_most if wanted is None else min(wanted, self.operation.page_most)
        if request.raw_query is not None:
            if start.told:
                return request
            return replace(request, raw_query=_LIMIT.sub(f"limit={size}", request.raw_query))
        if wanted is not None and "limit" not in dict(request.query):
            return request
        rest = tuple((name, value) for name, value in request.query if name != "limit")
        return replace(request, query=(*rest, ("limit", str(size))))

    def _is_list(self, body: dict[str, Any], *, or_absent: bool = False) -> bool:
        """Whether an answer holds a list in its place, or null for an empty one; with `or_absent`, or nothing there: an
        answer of another form, which is told as it is."""
        holder, _, last = self.operation.items.rpartition(".")
        within = at(body, holder) if holder else body
        if not isinstance(within, dict) or last not in within:
            return or_absent
        return isinstance(within[last], list | None)

    def _items(self, body: dict[str, Any]) -> list[Any]:
        found = at(body, self.operation.items)
        return found if isinstance(found, list) else []

    def _emptied(self, body: dict[str, Any]) -> dict[str, Any]:
        rest = {name: value for name, value in body.items() if name != "paging"}
        return put(rest, self.operation.items, []) if self._is_list(rest) else rest

    def _take(self, listing: Listing, page: ListPage, items: list[Any], start: Spot) -> None:
        begin = _begin(items, start)
        if begin is None:
            begin = 0
            listing.notes.append(CHANGED)
        for number, item in enumerate(items[begin:], begin + 1):
            listing.items.append(item)
            listing.after.append(Spot(page, number, digest(item)))
        listing.rest = None

    def _after(self, listing: Listing, request: Request, body: dict[str, Any]) -> tuple[Request, ListPage | None]:
        """The request for the page after an answer, and its place; no place at the end."""
        place = next_page(self.operation, request, body)
        if place is None:
            listing.notes += [ELSEWHERE] if leads_elsewhere(self.operation, request, body) else []
            return request, None
        if is_last(self.operation, place, self._items(body)):
            return request, None
        listing.rest = Spot(place)
        return replace(request, path=place.path, query=(), raw_query=place.query), place


def _begin(items: list[Any], start: Spot) -> int | None:
    """The index of the first item that was not told; None where the page no longer has the last one that was."""
    if not start.told:
        return 0
    known = [number for number, item in enumerate(items, 1) if digest(item) == start.last]
    if start.told in known:
        return start.told
    return known[0] if known else None


def _shorten(listing: Listing, wanted: int) -> None:
    listing.rest = listing.after[wanted - 1]
    del listing.items[wanted:], listing.after[wanted:]

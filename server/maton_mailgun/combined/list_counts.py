"""A mailing list with how many of its members are subscribed and how many opted out.

The list itself says only how many there are. Mailgun's older list of members answers with a total, documented as of
the whole list whatever is asked for: only totals of both kinds that add up to the list's own number are believed. Else
those who opted out, the fewer as a rule, are counted page by page to a bound.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from maton_mailgun.catalogue.codecs import fill
from maton_mailgun.catalogue.rows import load
from maton_mailgun.combined.bounded_reads import BoundedReads
from maton_mailgun.errors import CallError
from maton_mailgun.wire.fencing import Own
from maton_mailgun.wire.listing import ListReader
from maton_mailgun.wire.paging import Spot, page_of
from maton_mailgun.wire.places import at
from maton_mailgun.wire.request import Request, build

_MEMBERS = "/v3/lists/{list_address}/members/pages"
_PAGES = 10
"""Of those who opted out, 100 on each."""
MOST_REQUESTS = 3 + _PAGES
NOT_COUNTED = Own(
    "Not all who opted out were counted in the requests of one call: the list of members, with subscribed false and "
    "count_by subscribed, counts more."
)


async def counted(reads: BoundedReads, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of `get_mailing_list`.

    Raises:
        CallError: The list itself could not be read.
    """
    address = str(arguments["list_address"])
    settings = Request("mailgun", "GET", fill("/v3/lists/{address}", {"address": address}))
    found = dict(await reads.body(settings, "list"))
    members = at(found, "list.members_count")
    total = members if type(members) is int and members >= 0 else None
    if total == 0:
        return {**found, "members": _both(0, 0)}
    subscribed, opted_out = await asyncio.gather(*(_total(reads, address, kind) for kind in ("yes", "no")))
    if None not in (total, subscribed, opted_out) and subscribed + opted_out == total:  # type: ignore[operator]
        return {**found, "members": _both(subscribed, opted_out)}
    try:
        number, complete = await _opted_out(reads, address)
    except CallError as failure:
        unknown = {"unsubscribed_at_least": 0, "complete": False}
        return {**found, "members": unknown, "NOT_READ": {"members": failure.message}}
    if not complete or (total is not None and number > total):
        return {**found, "members": {"unsubscribed_at_least": number, "complete": False}, "note": NOT_COUNTED}
    return {**found, "members": _both(None if total is None else total - number, number)}


def _both(subscribed: int | None, opted_out: int | None) -> dict[str, Any]:
    known = {"subscribed": subscribed} if subscribed is not None else {}
    return {**known, "unsubscribed": opted_out, "complete": True}


async def _total(reads: BoundedReads, address: str, subscribed: str) -> int | None:
    """The total that the service answers when it is asked for one kind; None where it gives none."""
    query = (("subscribed", subscribed), ("limit", "1"))
    answer = await reads.ask("/v3/lists/{address}/members", query, holds="total_count", address=address)
    total = answer.body.get("total_count")
    return total if type(total) is int and total >= 0 else None


async def _opted_out(reads: BoundedReads, address: str) -> tuple[int, bool]:
    """How many opted out, and whether all members that the service names as such were read.

    Raises:
        CallError: Their first page could not be read.
    """
    row, pages = next(row for row in load().values() if row.path == _MEMBERS), 0

    async def get(request: Request) -> dict[str, Any]:
        nonlocal pages
        pages += 1
        return await reads.body(request, "items")

    request = build(row, {"list_address": address, "subscribed": False})
    listing = await ListReader(row, get, lambda: pages >= _PAGES).read(request, Spot(page_of(request)), None)
    # A service that does not heed the filter names the others too.
    number = sum(isinstance(one, Mapping) and one.get("subscribed") is False for one in listing.items)
    return number, listing.complete

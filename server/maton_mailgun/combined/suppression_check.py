"""Which of some addresses are on which list of a domain: bounces, unsubscribes, complaints, and the allowlist.

Mailgun takes addresses alike whatever their letters' case (its lists store them in one). An address counts as clear
of a list only where the list was read to its end, or Mailgun said of the address itself that it is not there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from maton_mailgun.catalogue.rows import load
from maton_mailgun.combined.bounded_reads import BoundedReads, iso
from maton_mailgun.errors import CallError
from maton_mailgun.mail.addresses import Address, parse
from maton_mailgun.wire.fencing import Own
from maton_mailgun.wire.listing import ListReader
from maton_mailgun.wire.paging import Spot, page_of
from maton_mailgun.wire.request import build

LISTS: Mapping[str, str] = {
    "bounces": "bounces",
    "unsubscribes": "unsubscribes",
    "complaints": "complaints",
    "allowlist": "whitelists",
}
"""Name of a list as callers are told it, with the service's own in its paths."""
STOPPING = ("bounces", "unsubscribes", "complaints")
_ONE_BY_ONE = 5
"""Addresses up to which each is asked about; beyond, lists are read in pages of 1,000 first."""
_PAGES = 5
"""Pages of one list that are read before the rest of the addresses is asked about."""
OF_ONE = 5
"""Requests about one address: one for each list, and one for its domain on the allowlist."""
MOST_REQUESTS = 250
"""Of one call, at 10 a second: within the time that clients give it."""


@dataclass(frozen=True, slots=True)
class ListEntry:
    """An address on a list, as the service has it."""

    address: str
    """As the caller gave it."""
    list: str
    since: str | None
    """ISO 8601 in UTC."""
    code: str | None = None
    said: str | None = None
    """The error of a bounce, the reason of an allowlist entry: outside text."""
    tags: tuple[str, ...] = ()
    """What an unsubscribe is for; * is all mail."""
    by_domain: str = ""
    """The domain that is allowlisted in the address's place."""

    @property
    def stops_all(self) -> bool:
        """Whether no mail at all reaches the address while it stands."""
        return self.list in STOPPING and (self.list != "unsubscribes" or not self.tags or "*" in self.tags)


@dataclass(slots=True)
class Standing:
    """What was found of some addresses."""

    entries: list[ListEntry] = field(default_factory=list)
    unread: dict[str, dict[str, str]] = field(default_factory=dict)
    """List -> address -> why it is not known."""

    def unknown(self, address: str) -> list[str]:
        """The lists of which it is not known whether the address is on them."""
        return [name for name in LISTS if address in self.unread.get(name, {})]


async def look(
    reads: BoundedReads, domain: str, addresses: Sequence[str], lists: Collection[str] = tuple(LISTS)
) -> Standing:
    """Look the addresses up on lists of the domain.

    Args:
        reads: The bounded reads of the call.
        domain: A Mailgun domain.
        addresses: Checked addresses, as the caller spelled them.
        lists: Which lists; all of them if left out.
    """
    standing = Standing()
    asked = {given: parse(given) for given in addresses}
    await asyncio.gather(*(_one_list(standing, reads, domain, name, asked) for name in lists))
    order = {given: number for number, given in enumerate(addresses)}
    standing.entries.sort(key=lambda entry: (order[entry.address], [*LISTS].index(entry.list)))
    return standing


async def _one_list(
    standing: Standing, reads: BoundedReads, domain: str, name: str, asked: Mapping[str, Address]
) -> None:
    left = dict(asked)
    if len(asked) > _ONE_BY_ONE:
        found, complete = await _by_pages(reads, domain, name)
        for given, address in asked.items():
            for key in _keys(name, address):
                if (item := found.get(key)) is not None:
                    standing.entries.append(_entry(name, given, item, key))
                    left.pop(given, None)
        if complete:
            return
    await asyncio.gather(*(_single(standing, reads, domain, name, given, one) for given, one in left.items()))


async def _by_pages(reads: BoundedReads, domain: str, name: str) -> tuple[dict[str, Mapping[str, Any]], bool]:
    """What a list holds, by key, and whether that is all of it."""
    path = f"/v3/{{domain}}/{LISTS[name]}"
    operation = next(row for row in load().values() if row.path == path and row.paging is not None)
    pages = 0

    def enough() -> bool:
        return pages >= _PAGES

    async def get(request: Any) -> dict[str, Any]:
        nonlocal pages
        pages += 1
        return await reads.body(request, "items")

    request = build(operation, {"domain": domain})
    try:
        listing = await ListReader(operation, get, enough).read(request, Spot(page_of(request)), None)
    except CallError as failure:
        reads.failed(failure)
        return {}, False
    field_ = "value" if name == "allowlist" else "address"
    items = [item for item in listing.items if isinstance(item, dict) and isinstance(item.get(field_), str)]
    found: dict[str, Mapping[str, Any]] = {parse(item[field_]).key: item for item in items}
    return found, listing.complete and len(items) == len(listing.items)


async def _single(
    standing: Standing, reads: BoundedReads, domain: str, name: str, given: str, address: Address
) -> None:
    """Ask about one address on one list, and on the allowlist about its domain too."""
    for key in _keys(name, address):
        path = f"/v3/{{domain}}/{LISTS[name]}/{{value}}"
        # As it was given where that is the address itself: only the comparison is ours.
        value = address.address if key == address.key else key
        field_ = "value" if name == "allowlist" else "address"
        answer = await reads.ask(path, holds=field_, domain=domain, value=value)
        if answer.unread:
            standing.unread.setdefault(name, {})[given] = answer.unread
        elif not answer.absent:
            if parse(str(answer.body[field_])).key != key:  # guard: 212-same-address
                standing.unread.setdefault(name, {})[given] = "The answer is about something else."
                continue
            standing.entries.append(_entry(name, given, answer.body, key))


def _keys(name: str, address: Address) -> tuple[str, ...]:
    """What stands on a list for an address: itself, and its domain on the allowlist."""
    domain = (address.ascii_domain,) if name == "allowlist" and address.ascii_domain else ()
    return (address.key, *domain)


def _entry(name: str, given: str, item: Mapping[str, Any], key: str) -> ListEntry:
    tags = item.get("tags")
    said = item.get("error") or item.get("reason")
    return ListEntry(
        given,
        name,
        iso(item.get("created_at") or item.get("createdAt")),
        str(item["code"]) if item.get("code") else None,
        str(said)[:300] if said else None,
        tuple(str(tag) for tag in tags) if isinstance(tags, list) else (),
        "" if "@" in key else key,
    )


async def check(reads: BoundedReads, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of `check_suppressions`: what each address is listed for, and of whom nothing is known.

    Raises:
        CallError: Nothing could be read.
    """
    once: dict[str, str] = {}
    for given in arguments["addresses"]:
        once.setdefault(parse(given).key, given)
    addresses = [*once.values()]
    standing = await look(reads, arguments["domain"], addresses)
    reads.hold()
    listed = {entry.address for entry in standing.entries if entry.list in STOPPING}
    doubtful = [one for one in addresses if one not in listed and set(standing.unknown(one)) & {*STOPPING}]
    clear = [one for one in addresses if one not in listed and one not in doubtful]
    found: dict[str, Any] = {"checked": len(addresses), "on_a_list": len(listed)}
    if standing.entries:
        found |= {
            "columns": ["address", "list", "since", "code", "said", "tags"],
            "rows": [_row(entry) for entry in standing.entries],
        }
    found["on_none_of_the_three"] = clear
    if standing.unread:
        found["NOT_READ"] = {
            name: {"why": next(iter(unread.values())), "addresses": [*unread]}
            for name, unread in standing.unread.items()
        }
        found["note"] = Own("Of addresses under NOT_READ it is not known whether they are on that list: call again.")
    return found


async def bounce(reads: BoundedReads, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of `get_bounce`: the entry, or that there is none, and what else is kept of the address. Whoever asks
    why somebody gets no mail would have to look through every list otherwise.

    Raises:
        CallError: Whether it bounced could not be read.
    """
    domain, address = arguments["domain"], arguments["address"]
    others = [name for name in LISTS if name != "bounces"]
    found, standing = await asyncio.gather(
        reads.ask("/v3/{domain}/bounces/{address}", holds="address", domain=domain, address=address),
        look(reads, domain, [address], others),
    )
    if found.failure is not None:
        raise found.failure
    told = {"address": address, "bounced": False} if found.absent else {**found.body}
    told["on_other_lists"] = [_shortly(entry) for entry in standing.entries]
    if unread := standing.unknown(address):
        told["NOT_READ"] = {"lists": unread, "note": Own("Whether it is on these is not known: call again.")}
    return told


def _shortly(entry: ListEntry) -> dict[str, Any]:
    named = zip(("list", "since", "code", "said", "tags"), _row(entry)[1:], strict=True)
    return {name: value for name, value in named if value is not None}


def _row(entry: ListEntry) -> list[Any]:
    name = Own(f"{entry.list} (the domain {entry.by_domain})") if entry.by_domain else entry.list
    # As list_unsubscribes tells them.
    tags = [*entry.tags] if entry.list == "unsubscribes" else None
    return [entry.address, name, entry.since, entry.code, entry.said, tags]

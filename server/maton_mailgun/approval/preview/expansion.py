"""Which recipients are mailing lists, and the most people that a yes to a message covers."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from maton_mailgun.approval.preview.proposal import ReadAnswer, Reads, dig, items
from maton_mailgun.mail.addresses import Address
from maton_mailgun.mail.text import count, safe_line, short

_PAGE = 100
"""Safe everywhere; more than that is documented for no list of mailing lists."""
_SINGLY = 10
"""How many recipients are asked about singly where an account has more lists than one page holds."""

JOIN_PERCENT, JOIN_AT_LEAST = 5, 10
"""How many people may join mailing lists between the question and the sending before it is another audience."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """The mailing lists among the recipients."""

    lists: Mapping[str, Mapping[str, Any]]
    """What the service says about each, by the key of its address."""
    unread: frozenset[str]
    """Keys of recipients that may be lists as well: it could not be found out."""
    untried: int = 0
    """How many of these nobody asked about."""


async def expand(recipients: Sequence[Address], reads: Reads, *, first: Collection[str] = ()) -> Expansion | None:
    """Find the lists among `recipients`; None after noting that it could not be found out.

    Any recipient may be a list: it can belong to another domain of the same account. Those whose keys are in `first`
    are looked up first where not everybody can be.
    """
    page = await reads("which recipients are mailing lists", f"GET /v3/lists/pages?limit={_PAGE}", {})
    if page is None:
        return None
    if page.status != 404 and not (isinstance(page.data, dict) and "items" in page.data):
        reads.unchecked.append("could not check which recipients are mailing lists: the answer is not readable")
        return None
    there = {str(dig(one, "address")).casefold(): one for one in items(page) if isinstance(one, dict)}
    keys = {one.key for one in recipients}
    lists: dict[str, Mapping[str, Any]] = {key: there[key] for key in keys & there.keys()}
    if len(items(page)) < _PAGE:
        return Expansion(lists, frozenset())
    near = sorted((one for one in recipients if one.key not in lists), key=lambda one: one.key not in first)
    asked, rest = near[:_SINGLY], near[_SINGLY:]
    unread = {one.key for one in rest}
    for one, answer in zip(asked, await _each(asked, reads), strict=True):
        found = dig(answer.data, "list") if answer is not None and answer.status != 404 else None
        if isinstance(found, dict):
            lists[one.key] = found
        elif answer is None or answer.status != 404:
            unread.add(one.key)
    return Expansion(lists, frozenset(unread), len(rest))


def untried(found: Expansion) -> list[str]:
    """A line about the recipients that nobody asked about."""
    if not found.untried:
        return []
    return [
        f"could not check whether {count(found.untried, 'more recipient')} are mailing lists: this account has many, "
        f"and only {_SINGLY} are looked up"
    ]


async def _each(some: Sequence[Address], reads: Reads) -> list[ReadAnswer | None]:
    return await asyncio.gather(
        *(
            reads(
                f"whether {short(one.address, 100)} is a mailing list",
                "GET /v3/lists/{address}",
                {"address": one.address},
            )
            for one in some
        )
    )


def members(found: Mapping[str, Any]) -> int | None:
    """How many members a list has; None where the answer does not say."""
    number = found.get("members_count")
    return number if isinstance(number, int) and not isinstance(number, bool) and number >= 0 else None


def people(everybody: int, found: Expansion) -> int | None:
    """How many people `everybody` recipients are, the members of lists in place of the lists; None where a list does
    not say how many members it has."""
    sizes = [members(one) for one in found.lists.values()]
    known = [size for size in sizes if size is not None]
    return everybody - len(sizes) + sum(known) if len(known) == len(sizes) else None


def noted(everybody: int, found: Expansion | None) -> dict[str, Any]:
    """What the preview records of the lists: the yes is held to it before the message leaves."""
    if found is None:
        return {"most": None, "lists": None, "unread": None}
    shown = people(everybody, found)
    join = max(JOIN_AT_LEAST, -(-(shown or 0) * JOIN_PERCENT // 100)) if found.lists else 0
    lists = {
        safe_line(key): {"members": members(one), "created_at": _made(one)} for key, one in sorted(found.lists.items())
    }
    return {"most": None if shown is None else shown + join, "lists": lists, "unread": len(found.unread)}


def changes(shown: Mapping[str, Any], everybody: int, found: Expansion) -> list[str]:
    """What is no longer as it was recorded, a line each: lists that are new, gone or others, and too many people."""
    before: Mapping[str, Any] = shown.get("lists") or {}
    now = {safe_line(key): one for key, one in found.lists.items()}
    unread = {safe_line(key) for key in found.unread}
    lines = [
        f"{short(key, 120)} is a mailing list now, of {_size(one)}"
        for key, one in now.items()
        if key not in before  # guard: 49-new-list
    ]
    lines += [
        f"{short(key, 120)} is no longer the mailing list that was shown"
        for key, noted in before.items()
        if key not in unread and _made(now.get(key)) != noted["created_at"]  # guard: 49-same-list
    ]
    if lines:
        return lines
    most, total = shown.get("most"), people(everybody, found)
    if not before or (total is None and most is None):
        return []
    if total is None or most is None or total > most:  # guard: 49-most
        return [f"it would go to {_people(total)} now, and the yes is for at most {_people(most)}"]
    return []


def _made(found: Mapping[str, Any] | None) -> str | None:
    """When a list was made, which tells it from another one that has its address later; None for no list."""
    return None if found is None else safe_line(str(found.get("created_at", "")))


def _size(found: Mapping[str, Any]) -> str:
    number = members(found)
    return "an unknown number of members" if number is None else count(number, "member")


def _people(number: int | None) -> str:
    return "an unknown number of people" if number is None else count(number, "person", "people")

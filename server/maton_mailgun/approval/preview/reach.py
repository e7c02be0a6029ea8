"""How far a yes to a message reaches: the most people, which recipients are mailing lists, what the domain can do.

It is recorded with the question and held to right before the message leaves, so that a list that grew, or an address
that became a list meanwhile, does not turn a yes about some people into one about others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from maton_mailgun.approval.preview import audience, domain_additions, expansion, list_members
from maton_mailgun.approval.preview.audience import Audience
from maton_mailgun.approval.preview.document import Row
from maton_mailgun.approval.preview.proposal import CouldNotRead, Proposal, ReadAnswer, Reads, dig
from maton_mailgun.mail.text import count, moment, safe_line, short

_KINDS = ("state", "type", "disabled")
_DISABLED = {True: "disabled", False: "not disabled"}


async def domain_state(domain: str, reads: Reads) -> ReadAnswer | None:
    """The sending domain as it is now; None after noting that it could not be read."""
    return await reads("the state of the domain", "GET /v3/domains/{domain}", {"domain": domain})


def covered(people: Audience, state: ReadAnswer | None, leaves: float | None = None) -> dict[str, Any]:
    """What a yes covers besides the request itself; `leaves` is when it is to leave, if that is ahead."""
    waiting = {"leaves": leaves} if leaves is not None else {}
    return {**expansion.noted(len(people.recipients), people.expansion), "domain": _standing(state), **waiting}


def in_words(covers: Mapping[str, Any]) -> str:
    """A sentence about the most people; empty where the recipients are exactly those that are named."""
    if not covers["lists"]:
        return ""
    if covers["most"] is None:
        return " Nobody knows to how many people it goes."
    return f" It may go to at most {count(covers['most'], 'person', 'people')}."


def rows(people: Audience, covers: Mapping[str, Any]) -> list[Row]:
    """How the most people come about, where there are lists."""
    if not covers["lists"] or people.expansion is None or covers["most"] is None:
        return []
    now = expansion.people(len(people.recipients), people.expansion) or 0
    joined = f"{now:,} now, and at most {covers['most'] - now:,} who join the lists before it leaves"
    return [Row("At most", count(covers["most"], "person", "people"), [joined])]


async def hold(proposal: Proposal, reads: Reads, shown: Mapping[str, Any]) -> list[str]:
    """What `covered` recorded for the question and is otherwise now, a line each.

    Raises:
        CouldNotRead: What could be read for the question cannot be read now.
    """
    leaves = shown.get("leaves")
    if leaves is not None and leaves <= proposal.now:  # guard: 152-leaves
        return [f"it was to leave at {moment(leaves)}, which is past: it would leave at once"]
    domain = audience.domain_of(proposal.operation, proposal.arguments)
    people = [one.address for one in audience.gather(audience.letter_of(proposal.request), domain).recipients]
    lists, unread = shown.get("lists"), shown.get("unread") or 0
    before: Mapping[str, Mapping[str, str]] = shown.get("members") or {}
    state, tracking, members, found = await asyncio.gather(
        domain_state(domain, reads),
        domain_additions.tracking(domain, reads),
        list_members.look(before, reads),
        expansion.expand(people, reads, first=lists or ()),
    )
    changes = [*_moved(domain, shown.get("domain"), _standing(state))]
    added: Mapping[str, str] = shown.get("added") or {}
    changes += domain_additions.changes(added, domain_additions.noted(state, tracking))
    changes += list_members.changes(before, members)
    if found is not None:
        changes += expansion.changes(shown, len(people), found)
    if changes:
        return changes
    if (
        (state is None and shown.get("domain") is not None)
        or (tracking is None and "click" in added)
        or any(members.known[one] == {} and before[one] for one in before)
        or (lists is not None and (found is None or len(found.unread) > unread))  # guard: 49-unread
    ):
        raise CouldNotRead("; ".join(reads.unchecked) or "could not check which recipients are mailing lists")
    return []


def _standing(state: ReadAnswer | None) -> dict[str, Any] | None:
    """What of a domain decides whether and to whom it sends; None where it could not be read."""
    if state is None:
        return None
    if state.status == 404:
        return {"state": "missing", "type": "", "disabled": False}
    told = {kind: safe_line(str(dig(state.data, f"domain.{kind}") or "")) for kind in ("state", "type")}
    return {**told, "disabled": dig(state.data, "domain.is_disabled") is True}


def _moved(domain: str, before: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> Iterator[str]:
    if now is None:
        return
    # Where it could not be read for the question, the person took the risk of a domain that is as domains are.
    known = before or {"state": "active", "type": now["type"], "disabled": False}
    for kind in _KINDS:
        if known[kind] != now[kind]:  # guard: 49-domain
            was, is_now = (_DISABLED.get(value, value) or "unknown" for value in (known[kind], now[kind]))
            yield f"{short(domain, 253)} was {short(was, 60)} and is {short(is_now, 60)}"

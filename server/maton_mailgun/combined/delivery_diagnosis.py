"""Why mail to one address arrived or did not: events, suppressions, the domain and its queues, and who takes the mail.

The verdict stands on what was read, and says where something could not be. Sentences are ours; what a receiving server
or anybody else wrote stands beside them, as text from outside.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from maton_mailgun.combined import suppression_check
from maton_mailgun.combined.bounded_reads import BoundedReads, ReadResult, iso
from maton_mailgun.combined.verdicts import Facts, verdict
from maton_mailgun.errors import MailgunRefused
from maton_mailgun.mail.addresses import parse
from maton_mailgun.mail.dates import rfc2822
from maton_mailgun.mail.message_ids import bare
from maton_mailgun.wire.fencing import Own
from maton_mailgun.wire.places import at

MOST_REQUESTS = 12
_EVENTS = 100
"""The newest events that are read: some steps for each of the messages to one person."""
_STEPS, _OTHERS = 12, 5
"""Steps of the message, and other messages, that are told."""
_STATES = ("active", "unverified", "disabled")
_QUEUES = ("regular", "scheduled")
_WORD = re.compile(r"[A-Za-z0-9_-]{1,40}")
_KEPT = Own("Mailgun keeps events 1 to 30 days by plan, and the newest half hour may be incomplete.")

_Event = Mapping[str, Any]


async def diagnose(reads: BoundedReads, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of `diagnose_delivery`.

    Raises:
        CallError: Nothing could be read, or the account has no such domain.
    """
    domain, recipient = str(arguments["domain"]), str(arguments["recipient"])
    receiving = parse(recipient).ascii_domain == domain.casefold()
    events, standing, state, queues, route = await asyncio.gather(
        reads.ask("/v3/{domain}/events", _asked_events(arguments), holds="items", domain=domain),
        suppression_check.look(reads, domain, [recipient]),
        reads.ask("/v3/domains/{domain}", holds="domain", domain=domain),
        reads.ask("/v3/domains/{domain}/sending_queues", holds="regular", domain=domain),
        _route(reads, recipient) if receiving else _nothing(),
    )
    _hold(reads)
    read = {"events": events, "domain": state, "queues": queues, "routes": route}
    unread = {name: one.unread for name, one in read.items() if one.unread}
    unread |= {name: next(iter(why.values())) for name, why in standing.unread.items()}
    messages = _messages(events.body, recipient)
    chosen, others = (messages[0], messages[1:]) if messages else ([], [])
    named = "message_id" in arguments
    facts = Facts(
        domain,
        recipient,
        events=chosen,
        named=named,
        elsewhere=await _elsewhere(reads, arguments) if named and not chosen and not events.unread else 0,
        entries=standing.entries,
        state=_state(state.body),
        held=[name for name in _QUEUES if at(queues.body, f"{name}.is_disabled") is True],
        receiving=receiving,
        no_route=route.absent,
        unread=unread,
    )
    found = verdict(facts)
    told: dict[str, Any] = {"verdict": found.word, "why": Own(found.why), "next": Own(found.next)}
    if chosen:
        told["message"] = _told_message(chosen)
    rows = [*_steps(chosen), *_listed(facts), *_of_domain(facts, state.body, queues.body), *_routed(route)]
    told["evidence"] = {"columns": ["time", "what", "said"], "rows": rows}
    if others:
        told["other_messages"] = {
            "number": len(others),
            "columns": ["time", "last", "message_id", "subject"],
            "rows": [_told_other(one) for one in others[:_OTHERS]],
        }
    if unread:
        told["NOT_READ"] = unread
    notes = [Own(f"Only the newest {_EVENTS} events were read.")] if len(_items(events.body)) >= _EVENTS else []
    notes += [_KEPT] if found.open else []
    return {**told, **({"note": Own(" ".join(notes))} if notes else {})}


def _asked_events(arguments: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Newest first: a range that begins later than it ends (Mailgun's reference, Events)."""
    query = [("recipient", parse(str(arguments["recipient"])).address), ("limit", str(_EVENTS))]
    if "message_id" in arguments:
        query.append(("message-id", bare(str(arguments["message_id"]))))
    if "begin" in arguments or "end" in arguments:
        newest = arguments.get("end", int(time.time()))
        query.append(("begin", rfc2822(newest)))
        if "begin" in arguments:
            query.append(("end", rfc2822(arguments["begin"])))
        else:
            query.append(("ascending", "no"))
    return query


async def _nothing() -> ReadResult:
    return ReadResult()


async def _route(reads: BoundedReads, recipient: str) -> ReadResult:
    return await reads.ask("/v3/routes/match", [("address", parse(recipient).address)], holds="route")


async def _elsewhere(reads: BoundedReads, arguments: Mapping[str, Any]) -> int:
    """How many recipients the named message has, whoever they are."""
    query = [("message-id", bare(str(arguments["message_id"]))), ("limit", str(_EVENTS))]
    answer = await reads.ask("/v3/{domain}/events", query, holds="items", domain=str(arguments["domain"]))
    return len({str(event.get("recipient", "")).casefold() for event in _items(answer.body)})


def _hold(reads: BoundedReads) -> None:
    """Raise what leaves nothing to say: a domain that is not there, or an account that cannot be reached.

    Raises:
        CallError: That failure.
    """
    for failure in reads.failures:
        if isinstance(failure, MailgunRefused) and "domain not found" in failure.message.casefold():
            raise failure
    reads.hold()


def _items(body: Mapping[str, Any]) -> list[_Event]:
    found = body.get("items")
    return [event for event in found if isinstance(event, dict)] if isinstance(found, list) else []


def _messages(body: Mapping[str, Any], recipient: str) -> list[list[_Event]]:
    """The events of the recipient by message, newest first in both; what a person did later does not make it newer.

    The filter takes words, so an answer may hold more than was meant: the address is compared again.
    """
    key = parse(recipient).key
    mine = [
        event
        for event in _items(body)
        if parse(str(event.get("recipient", ""))).key == key  # guard: 213-same-address
    ]
    by_id: dict[str, list[_Event]] = {}
    for event in sorted(mine, key=_when, reverse=True):
        by_id.setdefault(str(at(event, "message.headers.message-id") or ""), []).append(event)
    return sorted(by_id.values(), key=lambda some: max(map(_sent, some)), reverse=True)


def _when(event: _Event) -> float:
    stamp = event.get("timestamp")
    return float(stamp) if isinstance(stamp, int | float) else 0.0


def _sent(event: _Event) -> float:
    return _when(event) if event.get("event") in ("accepted", "delivered", "failed", "rejected", "stored") else 0.0


def _state(body: Mapping[str, Any]) -> str:
    if at(body, "domain.is_disabled") is True:
        return "disabled"
    state = at(body, "domain.state")
    return state if state in _STATES else ""


def _told_message(events: Sequence[_Event]) -> dict[str, Any]:
    newest = events[0]
    first = [event for event in events if event.get("event") == "accepted"] or [events[-1]]
    found = {
        "message_id": at(newest, "message.headers.message-id"),
        "subject": at(newest, "message.headers.subject"),
        "from": at(newest, "message.headers.from"),
        "accepted": iso(first[-1].get("timestamp")),
    }
    return {name: _short(text) for name, text in found.items() if isinstance(text, str)}


def _told_other(events: Sequence[_Event]) -> list[Any]:
    newest = events[0]
    headers = (at(newest, "message.headers.message-id"), at(newest, "message.headers.subject"))
    texts = [_short(text) if isinstance(text, str) else None for text in headers]
    return [iso(newest.get("timestamp")), _words(newest.get("event")), *texts]


def _steps(events: Sequence[_Event]) -> Iterator[list[Any]]:
    for event in events[:_STEPS]:
        status = event.get("delivery-status")
        status = status if isinstance(status, dict) else {}
        code = status.get("code")
        what = [_words(event.get("event")), _words(event.get("severity"))]
        what += [f"code {code}" if isinstance(code, int) and not isinstance(code, bool) else ""]
        what += [_words(event.get("reason"))]
        said = status.get("message") or status.get("description") or at(event, "reject.reason")
        yield [
            iso(event.get("timestamp")),
            Own(", ".join(part for part in what if part)),
            _short(said) if isinstance(said, str) and said else None,
        ]
    if len(events) > _STEPS:
        yield [None, Own(f"{len(events) - _STEPS} earlier steps are left out"), None]


def _listed(facts: Facts) -> Iterator[list[Any]]:
    for entry in facts.entries:
        what = f"is on the {entry.list}" + (f" by its domain {entry.by_domain}" if entry.by_domain else "")
        if entry.list == "allowlist":
            what += ": a bounce does not put it on the bounces"
        tags = ", ".join(entry.tags)
        said = entry.said or (f"tags: {tags}" if tags and tags != "*" else None)
        yield [entry.since, Own(what), said]


def _of_domain(facts: Facts, state: Mapping[str, Any], queues: Mapping[str, Any]) -> Iterator[list[Any]]:
    if facts.state:
        records = state.get("sending_dns_records")
        wrong = [one for one in records if isinstance(one, dict) and one.get("valid") != "valid"] if records else []
        dns = f"; {len(wrong)} of its DNS records for sending are not valid" if wrong else ""
        yield [None, Own(f"the domain is {facts.state}{dns}"), None]
    for name in facts.held:
        until, why = (at(queues, f"{name}.disabled.{part}") for part in ("until", "reason"))
        yield [None, Own(f"{name} messages are held until {iso(until) or 'it is lifted'}"), _short(str(why or ""))]


def _routed(route: ReadResult) -> Iterator[list[Any]]:
    if route.absent:
        yield [None, Own("no route takes mail to this address"), None]
    elif isinstance(found := route.body.get("route"), dict):
        actions = found.get("actions")
        told = "; ".join(str(one) for one in actions) if isinstance(actions, list) else ""
        yield [None, Own("a route takes mail to this address"), _short(f"{found.get('expression', '')} -> {told}")]


def _words(found: Any) -> str:
    """A word of the service's own vocabulary; nothing where it is something else."""
    return found if isinstance(found, str) and _WORD.fullmatch(found) else ""  # guard: 214-vocabulary


def _short(text: str, longest: int = 300) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"

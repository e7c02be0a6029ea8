"""From facts about one recipient to a verdict, why, and what to do next. Pure; every sentence is ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from maton_mailgun.combined.suppression_check import STOPPING, ListEntry
from maton_mailgun.mail.text import count
from maton_mailgun.wire.places import at

_SUPPRESSED = {
    "suppress-bounce": "bounces",
    "suppress-unsubscribe": "unsubscribes",
    "suppress-complaint": "complaints",
}
"""Mailgun's reason of a failure -> the list that it names (its reference, Events)."""
_FREE = {
    "bounces": "If the user knows that the address works again, propose delete_bounce, then send again.",
    "unsubscribes": "Only if the person asked for this mail again, propose delete_unsubscribe, then send again.",
    "complaints": "Only if the person asked for this mail again, propose delete_complaint, then send again.",
}
_THEIRS = ("opened", "clicked", "unsubscribed", "complained")


@dataclass(slots=True)
class Facts:
    """What was read about the mail of a domain to one recipient."""

    domain: str
    recipient: str
    events: Sequence[Mapping[str, Any]] = ()
    """Of the message that counts, newest first."""
    named: bool = False
    """Whether the call named a message."""
    elsewhere: int = 0
    """Recipients that the named message has, where this one is not among them."""
    entries: Sequence[ListEntry] = ()
    state: str = ""
    """Of the domain: active, unverified or disabled; empty where it is not known."""
    held: Sequence[str] = ()
    """Queues of the domain that are held."""
    receiving: bool = False
    """Whether the recipient is at the domain itself: routes take its mail."""
    no_route: bool = False
    unread: Mapping[str, str] = field(default_factory=dict)
    """What could not be read -> why."""

    @property
    def stopping(self) -> list[ListEntry]:
        """The entries that stop all mail to the recipient now."""
        return [entry for entry in self.entries if entry.stops_all]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One word for programs, why, and the next step."""

    word: str
    why: str
    next: str
    open: bool = False
    """Whether the log may still say more of it."""


def verdict(facts: Facts) -> Diagnosis:
    """What became of the message, or why there is none."""
    found = _of_message(facts) if facts.events else _without_events(facts)
    more = [] if found.word in ("suppressed", "unknown") else [*_stops(facts)]
    return Diagnosis(found.word, " ".join([found.why, *more]), found.next, found.open)


def _of_message(facts: Facts) -> Diagnosis:
    """The last word about the message counts: a server may refuse what it took before."""
    for event in facts.events:
        kind = event.get("event")
        if kind == "failed":
            return _failed(facts, event)
        if kind == "rejected":
            return Diagnosis(
                "rejected",
                "Mailgun took the message and refused to send it; its reason stands in the evidence.",
                "Correct what the reason names, then send again.",
            )
        if kind == "delivered" or kind in _THEIRS:
            return _delivered(facts)
    return _pending(facts)


def _delivered(facts: Facts) -> Diagnosis:
    kinds = {event.get("event") for event in facts.events}
    if "complained" in kinds:
        return Diagnosis(
            "complained",
            "It arrived, and the recipient reported it as spam.",
            "Send nothing more to this address. Tell the user.",
        )
    if kinds & {"opened", "clicked", "unsubscribed"}:
        return Diagnosis("delivered", "It arrived and was opened or acted on.", "Tell the user when.")
    return Diagnosis(
        "delivered",
        "The recipient's mail server took it. What that server did then, Mailgun does not see.",
        "Ask the recipient to look in the spam folder, quarantine and filters, or their administrator to look for the "
        "message id at that time. Whether the domain's DNS records are right, get_domain shows.",
    )


def _failed(facts: Facts, event: Mapping[str, Any]) -> Diagnosis:
    reason = str(event.get("reason") or "")
    if event.get("severity") == "temporary":
        tries = sum(one.get("event") == "failed" for one in facts.events)
        return Diagnosis(
            "delayed",
            f"The recipient's mail server put it off {count(tries, 'time')}. Mailgun tries again by itself.",
            "Do not send it again. Look once more in an hour.",
            open=True,
        )
    if reason in _SUPPRESSED:
        return _suppressed(facts, _SUPPRESSED[reason])
    if reason == "template-not-found":
        return Diagnosis(
            "no_template",
            "The template that it names does not exist, or has no such version.",
            "Check the name with list_templates, then send again.",
        )
    after = any(one.get("event") == "delivered" for one in facts.events)
    return Diagnosis(
        "bounced",
        "The recipient's mail server refused it for good"
        f"{' after it had taken it' if after else ''}; code and words stand in the evidence.",
        "Read the code: 550 or 551 mostly means that there is no such mailbox (check the spelling with the user), 552 "
        "that it is full, 554 that content or sender was refused. Once that is put right, propose delete_bounce if the "
        "address is on the bounces list, then send again.",
    )


def _suppressed(facts: Facts, name: str) -> Diagnosis:
    still = [entry for entry in facts.entries if entry.list == name]
    others = [entry.list for entry in facts.stopping if entry.list != name]
    why = f"Mailgun dropped it: the address was on the list of {name} of {facts.domain}"
    if name in facts.unread:
        return Diagnosis("suppressed", f"{why}. Whether it still is could not be read.", f"Call again. {_FREE[name]}")
    if not still:
        gone = "Send again: it is on no list now." if not others else " ".join(_FREE[one] for one in others)
        return Diagnosis("suppressed", f"{why}, and no longer is.", gone)
    more = f" It is on the list of {' and '.join(others)} too." if others else ""
    steps = " ".join(_FREE[one] for one in dict.fromkeys([name, *others]))
    return Diagnosis("suppressed", f"{why}, and still is.{more}", steps)


def _pending(facts: Facts) -> Diagnosis:
    if any(at(event, "flags.is-test-mode") is True for event in facts.events):
        return Diagnosis(
            "test_mode", "It was sent in test mode: accepted, never delivered.", "Send it without test_mode."
        )
    if any(event.get("event") == "stored" for event in facts.events):
        return Diagnosis(
            "stored", "A route stored it; what picks it up from there is not seen here.", "Look at it with list_routes."
        )
    if facts.held:
        return Diagnosis(
            "held",
            f"Mailgun holds the {' and '.join(facts.held)} messages of {facts.domain}, as the evidence says.",
            "The user asks Mailgun's support why. Do not send again.",
            open=True,
        )
    doubt = " Whether its queues are held could not be read." if "queues" in facts.unread else ""
    return Diagnosis(
        "waiting",
        f"Mailgun accepted it and tells of no outcome yet.{doubt}",
        "Look again in some minutes; a message with a delivery_time waits for it. Do not send it again.",
        open=True,
    )


def _without_events(facts: Facts) -> Diagnosis:
    if "events" in facts.unread:
        return Diagnosis(
            "unknown",
            "The events could not be read, so it is not known what became of it.",
            "Call again; if it stays so, tell the user.",
            open=True,
        )
    if facts.elsewhere:
        return Diagnosis(
            "not_addressed",
            f"The message went to {count(facts.elsewhere, 'recipient')}, and this address is none of them.",
            "Check the address with the user: list_events with message_id shows who got it.",
        )
    if facts.receiving and facts.no_route:
        return Diagnosis(
            "no_route",
            "No route takes mail to this address, and there are no events of it.",
            "Look at list_routes; propose create_route if mail to it is wanted.",
        )
    if facts.named:
        return Diagnosis(
            "no_such_message",
            "The log of this domain has no such message to this address.",
            "Check the message id and the domain; it may also be older than the log.",
            open=True,
        )
    return Diagnosis(
        "not_sent",
        f"The log has no mail of {facts.domain} to this address in that time.",
        "Check address, domain and period with the user; if it was never sent, send it.",
        open=True,
    )


def _stops(facts: Facts) -> list[str]:
    """What stops further mail now."""
    lists = [*dict.fromkeys(entry.list for entry in facts.stopping)]
    said = [f"Further mail to it is dropped: it is on the list of {' and '.join(lists)}."] if lists else []
    if unread := [name for name in STOPPING if name in facts.unread]:
        said.append(f"Whether it is on the list of {' and '.join(unread)} could not be read.")
    if facts.state not in ("", "active"):
        said.append(f"The domain {facts.domain} is {facts.state}: it sends nothing.")
    return said

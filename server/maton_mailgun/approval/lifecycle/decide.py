"""A person's answer: what it is, how it is recorded, and why it may not count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from maton_mailgun.approval.binding.passkeys import why_not_of
from maton_mailgun.approval.lifecycle.several import people_of, why_not, with_yes
from maton_mailgun.approval.preview.document import Preview
from maton_mailgun.approval.store.contract import Store
from maton_mailgun.approval.store.failures import Conflict, IllegalMove
from maton_mailgun.approval.store.record import Channel, Level, Record

APPROVED_SECONDS = 300.0
"""How long a yes stays good when nothing carries it out."""

HELD_SECONDS = 60.0
"""After its undo window, until when a held yes is let go on by the process that took it, or never."""

MORE_SECONDS = 15 * 60.0
"""By which a person puts off the end of what waits."""
LONGEST_SECONDS = 24 * 3_600.0
"""What was asked may wait at most, from when it was asked, however often it is put off."""

_TURNS = 5
"""How often a decision is recorded over what others wrote meanwhile."""
NAMED: frozenset[Channel] = frozenset({"page", "cli"})
"""Channels that can tell people from each other."""
EARLIER = "It was proposed by an earlier version, which did not show all of it: reject it and propose it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Yes or no, by whom and through which channel."""

    approve: bool
    level: Level
    channel: Channel
    decider: str
    person: str | None = None
    """Their name, where the people who may decide are known by name and this channel asked for it."""
    reason: str | None = None
    signed: Mapping[str, Any] = field(default_factory=dict)
    """The evidence that a passkey of theirs signed it; see `passkeys`."""


class NotDecidable(Exception):
    """The record cannot be decided like this (any more); `record` is as it is now."""

    def __init__(self, record: Record, why: str) -> None:
        super().__init__(why)
        self.record = record
        self.why = why


async def decide(store: Store, record: Record, decision: Decision, now: float) -> Record:
    """Record a person's decision on a pending approval; who answers a form has had it before them.

    Args:
        now: Unix seconds.

    Raises:
        NotDecidable: It is no longer pending, this channel is not enough for it, or it does not show all that leaves.
    """
    for _ in range(_TURNS):
        try:
            return await _decided(store, record, decision, now)
        except Conflict as lost:
            # It may have been shown elsewhere meanwhile, which decides nothing.
            record = lost.current
        except IllegalMove as lost:
            record = lost.record
    raise NotDecidable(record, "It changed again and again at this moment. Decide again.")


async def _decided(store: Store, record: Record, decision: Decision, now: float) -> Record:
    if record.state != "pending":
        raise NotDecidable(record, f"It is {record.state} already.")
    if record.level != "client" and decision.level == "client":
        raise NotDecidable(record, "This must be decided on the approval page or in a terminal.")
    if decision.approve and not Preview.of(record.preview).whole:  # guard: 48-earlier
        raise NotDecidable(record, EARLIER)
    named = decision.channel in NAMED
    known = (await store.people()).known if named or record.approvers > 1 else {}
    if named and known and decision.person not in known:  # guard: 312-named
        raise NotDecidable(record, "Sign in with your own name and passphrase: that is how decisions are made here.")
    actor = decision.decider
    shown_at = now if record.shown_at is None and decision.channel == "form" else record.shown_at
    yeses: tuple[Mapping[str, Any], ...] = ()
    by = actor
    yes: dict[str, Any] = {"person": decision.person, "at": now, "by": actor}
    if decision.person is not None and decision.person in known:
        yes["vouched"] = known[decision.person]
    if decision.approve and decision.person in known:
        # By name also where one is enough: it counts as long as they may decide, until it is carried out.
        yeses = (yes,)  # guard: 415-one
    if decision.approve and record.level == "passkey":
        if why := why_not_of(record, decision.signed, approve=True, person=decision.person):  # guard: 301-signed
            raise NotDecidable(record, why)
        yes = {**yes, "signed": dict(decision.signed)}
        yeses = (yes,)
    if decision.approve and record.approvers > 1:
        if why := why_not(record, decision.person if named else None, known):
            raise NotDecidable(record, why)
        yeses = with_yes(record, known, yes)
        by = " and ".join(str(one["by"]) for one in yeses)
        if len(people_of(yeses)) < record.approvers:
            return await store.amend(record, actor=actor, yeses=yeses, shown_at=shown_at)
    if decision.approve and record.hold:
        return await store.move(
            record, "held", actor=actor, decided_at=now, decided_by=by, channel=decision.channel, yeses=yeses,
            shown_at=shown_at, held_until=now + record.hold, expires_at=now + record.hold + HELD_SECONDS,
        )  # fmt: skip
    if decision.approve:
        return await store.move(
            record, "approved", actor=actor, decided_at=now, decided_by=by, channel=decision.channel, yeses=yeses,
            reason=decision.reason, shown_at=shown_at, expires_at=now + APPROVED_SECONDS,
        )  # fmt: skip
    return await store.move(
        record, "rejected", actor=actor, decided_at=now, decided_by=actor, channel=decision.channel,
        reason=decision.reason, shown_at=shown_at, finished_at=now,
    )  # fmt: skip


async def mark_shown(store: Store, record: Record, now: float) -> Record:
    """Note the first time a person had a pending question before them."""
    if record.shown_at is not None or record.state != "pending":
        return record
    try:
        return await store.amend(record, actor="channel", shown_at=now)
    except Conflict as lost:
        return lost.current


async def more_time(store: Store, record: Record, by: str, now: float) -> Record:
    """Put off the end of a pending approval: it waits for at least 15 more minutes. It decides nothing.

    Args:
        by: Whoever asks for it, in words for the audit.
        now: Unix seconds.

    Raises:
        NotDecidable: It is no longer pending, or has waited for as long as anything may.
    """
    for _ in range(_TURNS):
        if record.state != "pending":
            raise NotDecidable(record, f"It is {record.state} already.")
        end = min(now + MORE_SECONDS, record.created_at + LONGEST_SECONDS)
        if end <= record.expires_at:
            if record.expires_at >= now + MORE_SECONDS:
                return record
            raise NotDecidable(record, "It cannot be put off any more: let the assistant ask again.")
        try:
            return await store.amend(record, actor=by, expires_at=end)
        except Conflict as lost:
            record = lost.current
        except IllegalMove as lost:
            record = lost.record
    raise NotDecidable(record, "It changed again and again at this moment. Try again.")

"""A call becomes a question: policy, history, the look at the account, and the record that everything else goes by."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from maton_mailgun.approval.binding import seal
from maton_mailgun.approval.binding.envelope import pack
from maton_mailgun.approval.lifecycle import history
from maton_mailgun.approval.lifecycle.decide import APPROVED_SECONDS, LONGEST_SECONDS
from maton_mailgun.approval.lifecycle.follow import standing
from maton_mailgun.approval.lifecycle.services import Services
from maton_mailgun.approval.lifecycle.several import name_of
from maton_mailgun.approval.policy.case import case_off_loop
from maton_mailgun.approval.policy.in_force import policy_now
from maton_mailgun.approval.policy.kept_case import with_case
from maton_mailgun.approval.preview import document
from maton_mailgun.approval.preview import look as preview
from maton_mailgun.approval.preview.brought import brought, key_of_mail
from maton_mailgun.approval.preview.document import Preview
from maton_mailgun.approval.store.contract import ALL
from maton_mailgun.approval.store.record import OPEN, Record, new_approval_id
from maton_mailgun.errors import Refused
from maton_mailgun.exchange import Caller, Prepared

MAX_PENDING = 10  # guard: 22-ten
REPEATED_SECONDS = 120.0
"""Frameworks give up a call after 5 to 60 seconds and make it anew, or tell their model to."""
NOT_SHOWN = "Tell the user. What cannot be shown to a person is not sent."
_READS_GO_OUT = 0.01
"""Seconds."""
_DAY, _HOUR = 86_400.0, 3_600.0


@dataclass(frozen=True, slots=True)
class Built:
    """A call as it will be asked about: not stored yet."""

    record: Record
    envelope: bytes
    """The sealed request."""
    unasked: bool
    """Whether a rule of the operator lets it run with nobody asked."""


async def propose(uses: Services, prepared: Prepared, caller: Caller, digests: Sequence[str]) -> Record:
    """Judge a call, look at the account, and store the question; an open one about the same call is joined.

    Args:
        digests: The call's own, and what it was called by earlier versions.

    Returns:
        The record: pending, joined in whatever state it is, or approved where a rule of the operator allows it unasked.

    Raises:
        Refused: The policy says no, a person has said no too often, or what would leave cannot be shown.
        TooManyPending: Too much is waiting already.
        StoreError: It could not be recorded.
    """
    for record in await uses.store.list(principal=caller.principal, states=OPEN, limit=200):
        # One whose time is over and that nobody has closed yet is closed by `insert` below.
        in_time = uses.clock() < record.expires_at  # guard: 00-over
        if record.digest in digests and (record.state == "executing" or in_time):  # guard: 39-joins.gate
            return record
    past = await uses.store.history(caller.principal, digests, uses.clock() - _DAY)  # guard: 00-history
    for record in past:
        stands = await standing(uses.store, record)
        if stands.state in OPEN and stands.edited_by:  # guard: 293-again
            return stands
    built = await build(uses, prepared, caller, digests, past)
    # What nobody is asked about waits for nobody.
    most = ALL if built.unasked else MAX_PENDING
    record, joined = await uses.store.insert(built.record, built.envelope, max_pending=most)
    if built.unasked and not joined:
        actor = f"policy:{record.rule}"
        record = await uses.store.move(
            record, "approved", actor=actor, decided_at=uses.clock(), decided_by=actor, channel="policy",
            expires_at=uses.clock() + APPROVED_SECONDS,
        )  # fmt: skip
    return record


async def build(
    uses: Services,
    prepared: Prepared,
    caller: Caller,
    digests: Sequence[str],
    past: Sequence[Record],
    told: Sequence[str] = (),
    before: Sequence[str] = (),
) -> Built:
    """Judge a call, look at the account, and make the question of it.

    Args:
        past: What became of the same call before.
        told: Further lines for the person about where it comes from.
        before: The warnings of the request in whose place it comes.

    Raises:
        Refused: The policy says no, a person has said no too often, what would leave cannot be shown, or the service is
            sure to refuse it.
    """
    case = replace(await case_off_loop(prepared), principal=caller.principal)
    verdict = (await policy_now(uses.settings)).judge(case)
    allowed = verdict.decision == "allow" and await _within(uses, verdict.budgets)
    if verdict.decision == "deny":
        raise Refused(
            message=f"The operator's policy does not allow this: {verdict.why}",
            next="Tell the user. Nothing was sent, and asking again does not change it.",
        )
    now = uses.clock()
    # Whose it is matters where somebody else must say yes.
    written_by = await _writers(uses, digests, now) if verdict.approvers > 1 else ()
    if written_by:
        told = [
            *told,
            f"{' and '.join(map(name_of, written_by))} wrote exactly this, in place of what was proposed before.",
        ]
    history.refuse_after_rejections(past, now - _HOUR)
    look, _ = await asyncio.gather(
        preview.make(uses.proposal(prepared, caller, (*told, *history.lines(past, now)), before)),
        _loaded(),
    )
    for mail in brought(look.preview):  # guard: 429-brought
        await uses.heard.noted(caller.principal, "mail", {"storage_key": key_of_mail(prepared)}, mail)
    if look.refused:  # guard: 200-seen
        raise Refused(
            message=f"Nothing was sent, and nobody was asked: {look.refused}",
            next=" ".join([look.instead or NOT_SHOWN, *history.told(past)]),
        )
    record = Record(
        id=new_approval_id(),
        digest=digests[0],
        operation=prepared.operation.name,
        access=prepared.operation.access,  # type: ignore[arg-type]
        principal=caller.principal,
        client=caller.client,
        connection_id=prepared.account.connection_id,
        preview=with_case(look.preview, case),
        snapshot=look.snapshot,
        risk=look.risk,
        rule=verdict.rule,
        level=verdict.level,
        state="pending",
        version=1,
        created_at=now,
        expires_at=now + uses.settings.pending_minutes * 60,
        duplicate_of=history.newest(past, "succeeded"),
        budget_rules=tuple(rule for rule, _ in verdict.budgets),
        hold=verdict.hold,
        approvers=verdict.approvers,
        written_by=written_by,
    )
    absent = prepared.operation.before is not None and look.snapshot is not None and look.before is None
    packed = pack(prepared, uses.mark_of(uses.gateway.of(caller.principal)), absent_before=absent)
    envelope = seal.seal(uses.keys.seal, packed, approval_id=record.id, digest=record.digest)
    # A rule cannot know the members behind a recipient, nor judge what could not be looked at: a person is asked.
    shown = Preview.of(look.preview)
    lists = any(one.kind == "list" for one in shown.recipients)
    unknowable = lists or bool(shown.unchecked)  # guard: 38-list
    # Nor does a rule repeat what may have happened: that is for a person to risk.
    doubted = any(one.state == "unknown" for one in past)  # guard: 00-doubted
    # Nor what was done a moment ago: whoever gave up the call was not told, and makes it again.
    again = any(_just_done(one, now) for one in past)  # guard: 250-again
    # Nor what a person changed when it was proposed before: they did not want it as it is.
    changed = any(one.state == "superseded" for one in past)  # guard: 293-unasked
    return Built(record, envelope, unasked=allowed and not (unknowable or doubted or again or changed))


async def _loaded() -> None:
    """Load, while the account is read, what the first question of a process would otherwise wait for."""
    await asyncio.sleep(_READS_GO_OUT)
    await asyncio.to_thread(_load)


def _load() -> None:
    document.load()
    seal.load()


async def _writers(uses: Services, digests: Sequence[str], now: float) -> tuple[str, ...]:
    """Who made this very call of a proposal within the day: what they wrote stays theirs when an agent withdraws it and
    proposes it as its own."""
    earlier = await uses.store.alike(digests, now - LONGEST_SECONDS - _DAY)
    writers = [who for one in earlier for who in (*one.written_by, *one.edited_by)]
    return tuple(dict.fromkeys(writers))  # guard: 417-written


def _just_done(record: Record, now: float) -> bool:
    """Whether this adds or sends something, and did so a moment ago."""
    done = record.state == "succeeded" and record.access in ("send", "create")
    return done and now - (record.finished_at or record.created_at) < REPEATED_SECONDS


async def _within(uses: Services, budgets: Sequence[tuple[str, int]]) -> bool:
    """Whether today's budgets still hold that many more; where they do not, a person is asked instead."""
    spent = await uses.store.spent([rule for rule, _ in budgets], uses.clock())
    wanted = Counter(budgets)
    return all(spent.get(rule, 0) + number <= per_day for (rule, per_day), number in wanted.items())

"""Rules tried on what happened: what they would have allowed, asked and denied of the calls that are kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from maton_mailgun.approval.policy.judge import Decision, Policy
from maton_mailgun.approval.policy.kept_case import case_in
from maton_mailgun.approval.preview.document import Preview
from maton_mailgun.approval.store.budget_names import period_of
from maton_mailgun.approval.store.record import Record

Answer = Literal["approved", "rejected", "unasked", "undecided"]


@dataclass(frozen=True, slots=True)
class Replayed:
    """One call as it was answered, and as the rules would have it."""

    record: Record
    answer: Answer
    """What a person said; `unasked` where a rule let it run, `undecided` where nobody said anything."""
    decision: Decision
    rule: str | None


@dataclass(frozen=True, slots=True)
class Replay:
    """All of them, oldest first."""

    calls: Sequence[Replayed]
    unjudged: int
    """Calls of which what rules judge is not kept."""

    def of(self, decision: Decision, answer: Answer | None = None) -> list[Replayed]:
        """Those that the rules would treat so, and that were answered so."""
        return [one for one in self.calls if one.decision == decision and answer in (None, one.answer)]


def answer_to(record: Record) -> Answer:
    """What was said to a write."""
    if record.channel == "policy":
        return "unasked"
    if record.channel is None or record.decided_at is None:
        return "undecided"
    return "rejected" if record.state == "rejected" else "approved"


def replay(policy: Policy, records: Iterable[Record]) -> Replay:
    """Try rules on these records. Budgets are used up by day and hour, in the order in which the calls came."""
    calls, unjudged = [], 0
    used: Counter[tuple[str, str]] = Counter()
    for record in sorted(records, key=lambda one: one.created_at):
        case = case_in(record)
        if case is None:
            unjudged += 1
            continue
        verdict = policy.judge(case)
        decision = verdict.decision
        wanted = Counter(verdict.budgets)
        when = {budget: _period(budget, record.created_at) for budget, _ in wanted}
        if decision == "allow" and not _knowable(record):
            decision = "ask"
        if decision == "allow" and any(used[when[one], one] + much > most for (one, most), much in wanted.items()):
            decision = "ask"  # guard: 276-budget
        if decision == "allow":
            used.update({(when[one], one): much for (one, _), much in wanted.items()})
        calls.append(Replayed(record, answer_to(record), decision, verdict.rule))
    return Replay(calls, unjudged)


def _period(budget: str, at: float) -> str:
    """The day or hour that a use of a budget counts in."""
    began = datetime.fromtimestamp(at, UTC)
    return began.strftime("%Y-%m-%dT%H" if period_of(budget) == "hour" else "%Y-%m-%d")


def _knowable(record: Record) -> bool:
    """Whether a rule may let it run at all: not where members stand behind a recipient, or something was not looked
    at."""
    shown = Preview.of(record.preview)
    return not shown.unchecked and all(one.kind != "list" for one in shown.recipients)  # guard: 276-list

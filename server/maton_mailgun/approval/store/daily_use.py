"""Uses of policy budgets, counted by UTC day and hour in the head of the audit."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace

from maton_mailgun.approval.store.audit import Head
from maton_mailgun.approval.store.budget_names import HOURLY
from maton_mailgun.approval.store.failures import BudgetSpent
from maton_mailgun.approval.store.record import Record

_HOUR = "\x02"
"""Under which the hour stands that uses of an hour were counted in; a name that no rule can have."""


def day_of(now: float) -> str:
    return datetime.datetime.fromtimestamp(now, datetime.UTC).date().isoformat()


def _hour_of(now: float) -> int:
    return int(now // 3_600)


def used_now(head: Head, now: float) -> dict[str, int]:
    """How much of each budget is used at this moment. Neither the day nor the hour ever goes back: a clock that is set
    back goes on counting where it was, so no budget is spent twice."""
    if head.day < day_of(now):
        return {}
    if head.budgets.get(_HOUR, 0) >= _hour_of(now):  # guard: 300-hour
        return dict(head.budgets)
    return {budget: count for budget, count in head.budgets.items() if budget[:1] not in (HOURLY, _HOUR)}


def reserved(head: Head, budgets: Sequence[tuple[str, int]], now: float) -> Head:
    """The head with one use of each budget taken. Raises BudgetSpent."""
    used = used_now(head, now)
    for budget, most in budgets:
        if used.get(budget, 0) >= most:  # guard: 38-budget
            raise BudgetSpent(budget, most)
        used[budget] = used.get(budget, 0) + 1
        if budget.startswith(HOURLY):
            used.setdefault(_HOUR, _hour_of(now))
    return replace(head, day=max(head.day, day_of(now)), budgets=used) if budgets else head


def released(head: Head, record: Record) -> Head:
    """The head with this record's budgets given back: the service said that it carried nothing out."""
    if record.attempted_at is None or day_of(record.attempted_at) != head.day:
        return head
    same_hour = head.budgets.get(_HOUR) == _hour_of(record.attempted_at)
    used = {
        budget: count - (record.budget_rules.count(budget) if same_hour or not budget.startswith(HOURLY) else 0)
        for budget, count in head.budgets.items()
    }
    return replace(head, budgets=used)

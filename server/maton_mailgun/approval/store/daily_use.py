"""Uses of policy budgets, counted by UTC day in the head of the audit."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace

from maton_mailgun.approval.store.audit import Head
from maton_mailgun.approval.store.failures import BudgetSpent
from maton_mailgun.approval.store.record import Record


def day_of(now: float) -> str:
    return datetime.datetime.fromtimestamp(now, datetime.UTC).date().isoformat()


def reserved(head: Head, budgets: Sequence[tuple[str, int]], now: float) -> Head:
    """The head with one use of each budget taken. Raises BudgetSpent.

    The day never goes back: a clock set back a day goes on counting where it was, so no budget is spent twice.
    """
    day = max(head.day, day_of(now))
    used = dict(head.budgets) if day == head.day else {}
    for rule, per_day in budgets:
        if used.get(rule, 0) >= per_day:  # guard: 38-budget
            raise BudgetSpent(rule, per_day)
        used[rule] = used.get(rule, 0) + 1
    return replace(head, day=day, budgets=used) if budgets else head


def released(head: Head, record: Record) -> Head:
    """The head with this record's budgets given back: the service said that it carried nothing out."""
    if record.attempted_at is None or day_of(record.attempted_at) != head.day:
        return head
    used = {rule: count - record.budget_rules.count(rule) for rule, count in head.budgets.items()}
    return replace(head, budgets=used)

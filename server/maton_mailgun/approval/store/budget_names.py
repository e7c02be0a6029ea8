"""What budgets are kept under: a rule's uses of a day by the rule's name, its uses of an hour by that behind a mark."""

from __future__ import annotations

HOURLY = "\x01"
"""Begins the name of an hour's budget; no rule's name can hold it."""


def of_an_hour(rule: str) -> str:
    """The name of a rule's budget of an hour."""
    return f"{HOURLY}{rule}"


def rule_of(budget: str) -> str:
    """The rule that a budget belongs to."""
    return budget.removeprefix(HOURLY)


def period_of(budget: str) -> str:
    """What it is counted by, in a word: day or hour."""
    return "hour" if budget.startswith(HOURLY) else "day"


def limit_in_words(budget: str, most: int) -> str:
    """How much it allows: `50 a day`, `5 an hour`."""
    return f"{most} {'an' if period_of(budget) == 'hour' else 'a'} {period_of(budget)}"

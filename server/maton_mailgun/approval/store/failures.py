"""How a store fails, as a tree of its own: every reason is told apart by its class."""

from __future__ import annotations

from maton_mailgun.approval.store.budget_names import limit_in_words, rule_of
from maton_mailgun.approval.store.record import Record, State
from maton_mailgun.own_command import own_command

# StoreError
# ├── StoreUnavailable   the database cannot be used
# ├── Tampered           a row was changed behind our back: it is never acted on
# ├── PutBack            the database is at an earlier moment than it was: what was used may look unused
# ├── Conflict           another process was faster, or time ran out: `.current` is what is there now
# ├── IllegalMove        the state machine has no such move; terminal states never change
# ├── AlreadyWaits       a changed proposal would be one that waits already
# ├── TooManyPending     the principal must wait for answers first
# ├── AllStopped         an operator stopped everything, and nobody has lifted it yet
# └── BudgetSpent        a policy rule's budget of a day or an hour is used up


class StoreError(Exception):
    """The root of everything a store raises on purpose."""


class StoreUnavailable(StoreError):
    """The database cannot be used just now; the text says why and what would be right.

    Nothing of the operation was kept; except that PostgreSQL may have kept all of it when the connection was lost in
    the very moment of the commit. Read the record again before going on; a claim without a return value is no claim.

    Args:
        told: Why, and what would be right.
        certain: Whether it is certain that nothing was kept: the commit had not begun.
    """

    def __init__(self, told: str, *, certain: bool = False) -> None:
        super().__init__(told)
        self.certain = certain


class Tampered(StoreError):
    """A stored row does not carry our checksum, or is not the version the audit knows."""

    def __init__(self, approval_id: str, why: str = "its checksum does not fit") -> None:
        super().__init__(
            f"The stored record of {approval_id} was changed outside maton-mailgun ({why}). It is refused. "
            f"Run `{own_command('audit verify')}` to see what else was touched."
        )
        self.approval_id = approval_id


class PutBack(StoreError):
    """The database is at an earlier moment than it was before: a restored backup, a standby that lagged."""

    def __init__(self, ends: int, was: int) -> None:
        super().__init__(
            f"The approval database was put back to an earlier moment: its audit ends at entry {ends} without entry "
            f"{was} as it was written before. What it shows as approved may have been carried out already, so nothing "
            f"of it is carried out. Look in Mailgun what was done, and run `{own_command('audit verify')}`, which says "
            "how to go on"
        )


class Conflict(StoreError):
    """The record is no longer the one this decision was about."""

    def __init__(self, current: Record) -> None:
        super().__init__(f"Approval {current.id} is {current.state} meanwhile; read it again before deciding.")
        self.current = current


class IllegalMove(StoreError):
    """The state machine has no such move."""

    def __init__(self, record: Record, to: State) -> None:
        super().__init__(f"Approval {record.id} is {record.state} and cannot become {to}.")
        self.record = record
        self.to = to


class AlreadyWaits(StoreError):
    """What a proposal is to be changed to is open already, as another one."""

    def __init__(self, record: Record) -> None:
        super().__init__(f"Exactly this is {record.state} already, as {record.id}.")
        self.record = record


class TooManyPending(StoreError):
    """The principal has as many open questions as it may have."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"{limit} approvals are already waiting for an answer, which is the most allowed at once. "
            "Wait until they are decided, or withdraw some with cancel_approval."
        )
        self.limit = limit


class AllStopped(StoreError):
    """An operator stopped all writes: nothing is asked, and nothing is carried out."""

    def __init__(self) -> None:
        super().__init__("All writes were stopped by a person, and nobody has lifted that yet.")


class BudgetSpent(StoreError):
    """A policy rule's budget for the UTC day or hour is used up."""

    def __init__(self, budget: str, most: int) -> None:
        self.rule = rule_of(budget)
        self.most = most
        limit = limit_in_words(budget, most)
        super().__init__(f'The policy rule "{self.rule}" allows {limit} (UTC), and they are used up.')

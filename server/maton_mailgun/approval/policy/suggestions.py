"""Rules that would have saved clicks: proposed from what one person always approved, adopted by nobody but a person."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from maton_mailgun.approval.policy.judge import Case
from maton_mailgun.approval.policy.kept_case import case_in
from maton_mailgun.approval.policy.replay import answer_to
from maton_mailgun.approval.store.record import Record
from maton_mailgun.catalogue.rows import load
from maton_mailgun.mail.plain_address import parse

LEAST = 5
"""Approvals of a kind that make a habit."""
_MOST_PEOPLE = 20
_NEVER = frozenset({"delete"})
"""What no rule is proposed for, as high risk is not."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A rule, and what it was made of."""

    name: str
    tool: str
    connection_id: str
    domains: Sequence[str]
    recipients: Sequence[str]
    """Addresses as they were, all of them; empty for what has none."""
    most: int
    """Recipients of one call at most."""
    per_day: int
    approved: int
    by: str

    def toml(self, until: date) -> str:
        """The rule as a policy file has it."""
        lines = [
            f"# {self.approved} were approved by {_plain(self.by)}, none was rejected.",
            "[[rule]]",
            f"name = {_text(self.name)}",
            'decision = "allow"',
            f"tools = [{_text(self.tool)}]",
            f"connections = [{_text(self.connection_id)}]",
        ]
        if self.domains:
            lines.append(f"domains = [{', '.join(map(_text, self.domains))}]")
        if self.recipients:
            lines.append(f"recipients = [{', '.join(map(_text, self.recipients))}]")
            lines.append(f"max_recipients = {self.most}")
        return "\n".join([*lines, f"per_day = {self.per_day}", f"until = {until.isoformat()}", ""])


def suggestions(records: Iterable[Record], taken: Iterable[str] = ()) -> Iterator[Suggestion]:
    """A rule for each kind of call that one person approved every time, and nobody rejected.

    Args:
        taken: Names that rules have already.
    """
    kinds: defaultdict[tuple[str, str, tuple[str, ...]], list[tuple[Record, Case]]] = defaultdict(list)
    for record in records:
        if (case := case_in(record)) is not None and answer_to(record) in ("approved", "rejected"):
            kinds[case.tool, case.connection_id, tuple(sorted(set(case.domains)))].append((record, case))
    names = set(taken)
    for (tool, connection, domains), calls in sorted(kinds.items(), key=lambda item: -len(item[1])):
        if not _is_habit(calls) or not connection or _opens_a_way(tool):
            continue
        people = sorted({one for _, case in calls for one in (*case.recipients, *case.besides)})
        if len(people) > _MOST_PEOPLE or (not people and not domains):
            continue
        most = max(len(case.recipients) for _, case in calls)
        if people and not most:
            # No allow rule is met by those alone who are written to because of it.
            continue
        if not all(map(_is_literal, (*people, *domains))):  # guard: 277-literal
            continue
        name = next(one for one in _names(tool) if one not in names)
        names.add(name)
        yield Suggestion(
            name=name,
            tool=tool,
            connection_id=connection,
            domains=domains,
            recipients=people,
            most=most,
            per_day=max(_by_day(calls).values()),
            approved=len(calls),
            by=calls[0][0].decided_by or "",
        )


def _is_habit(calls: Sequence[tuple[Record, Case]]) -> bool:
    if len(calls) < LEAST or len({record.decided_by for record, _ in calls}) != 1:  # guard: 277-one-person
        return False
    if any(answer_to(record) == "rejected" for record, _ in calls):  # guard: 277-always
        return False
    # What a person had to change was not approved as it was proposed.
    if any(record.edited_by for record, _ in calls):  # guard: 299-changed
        return False
    # A relayed yes is nobody's: the assistant vouches for it, which would then make its own rule.
    if any(record.channel == "relay" for record, _ in calls):  # guard: 277-relayed
        return False
    return all(record.risk != "high" and record.access not in _NEVER for record, _ in calls)  # guard: 277-risk


def _opens_a_way(tool: str) -> bool:
    """Whether it leads data elsewhere or lets somebody in: no rule says to which address, or with which password."""
    operation = load().get(tool)
    if operation is None:
        return True
    return operation.preview == "forwarding" or bool(operation.secret or operation.reveals)  # guard: 422-way


def _is_literal(text: str) -> bool:
    """Whether a rule that names it is about it alone: `*` is a letter of addresses, and any text in rules."""
    return not set("*?") & set(text) and ("@" not in text or parse(text) is not None)


def _by_day(calls: Sequence[tuple[Record, Case]]) -> Counter[str]:
    days: Counter[str] = Counter()
    for record, case in calls:
        days[datetime.fromtimestamp(record.created_at, UTC).date().isoformat()] += case.uses
    return days


def _names(tool: str) -> Iterator[str]:
    yield f"always approved: {tool}"
    yield from (f"always approved: {tool} {number}" for number in range(2, 1000))


def _text(text: str) -> str:
    # JSON's strings are TOML's, but for surrogate pairs, which ASCII alone would make.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def _plain(text: str) -> str:
    return "".join(character for character in text if character.isprintable())

"""What the operator's policy says about a call: let it run, ask a person, or refuse it.

All rules are judged: deny beats ask beats allow, and the strictest level wins. A rule that loosens needs certainty, one
that tightens does not: an allow rule is met when *every* recipient matches, a deny or ask rule when *any* one does; and
what cannot be read for certain (see `plain_address`) matches no allow rule, but every deny and ask rule about
recipients. So does a call that names no domain, as for a rule of inbound mail that holds for all of them, with every
deny and ask rule about domains that is not about other tools.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from maton_mailgun.approval.store.budget_names import limit_in_words, of_an_hour, rule_of
from maton_mailgun.approval.store.record import Level
from maton_mailgun.mail.plain_address import PlainAddress, ascii_domain, parse
from maton_mailgun.mail.text import moment

Decision = Literal["allow", "ask", "deny"]
_STRICTER: Mapping[Level, int] = {"client": 0, "operator": 1, "passkey": 2}


@dataclass(frozen=True, slots=True)
class Case:
    """One call, as far as the policy is concerned."""

    tool: str
    access: str
    recipients: tuple[str, ...]
    """Bare addresses of every kind (to, cc, bcc, added by headers); empty for a tool that has none."""
    domains: tuple[str, ...]
    """The Mailgun domains the call is about; empty for one that names none, as routes of the whole account."""
    connection_id: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    uses: int = 1
    """How many uses of a day's budget it is."""
    at: float = field(default_factory=time.time, compare=False)
    """When it is judged, Unix seconds."""
    principal: str = ""
    """Who asks for it, for budgets that each person has."""
    besides: tuple[str, ...] = ()
    """Who else is written to or heard of because of it: where answers go, what routes forward to. An allow rule about
    recipients needs all of them to match too, and is never met by them alone."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the policy decides, and what made it decide so."""

    decision: Decision
    level: Level
    """The least assurance a yes must have, when a person is asked."""
    rules: tuple[str, ...]
    """Names of all rules that matched, in the order of the file."""
    rule: str | None
    """The rule that decided; None where no rule matched."""
    budgets: tuple[tuple[str, int], ...]
    """(budget, uses of its day or hour) to be reserved when the write is claimed, as often as the write is uses."""
    why: str
    hold: float = 0.0
    """Seconds for which a person's yes can be taken back before anything leaves."""
    approvers: int = 1
    """How many people must say yes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. A condition that is None is not asked for; all that are given must be met."""

    name: str
    decision: Decision
    level: Level | None = None
    tools: tuple[str, ...] | None = None
    recipients: tuple[tuple[str, str], ...] | None = None
    """Patterns for the local part and for the domain: no `*` reaches across the @."""
    max_recipients: int | None = None
    domains: tuple[str, ...] | None = None
    connections: tuple[str, ...] | None = None
    per_day: int | None = None
    per_hour: int | None = None
    hold: float | None = None
    approvers: int | None = None
    per_person: int | None = None
    """Uses a day of each principal, within those of all."""
    until: float | None = None
    """The moment from which it no longer applies, Unix seconds; of allow rules alone."""

    def unmet(self, case: Case) -> str | None:
        """The first condition that the case does not meet, in words; None when the rule matches."""
        if self.until is not None and case.at >= self.until:  # guard: 275-until
            return f"it ended {moment(self.until)}"
        if self.tools is not None and not _any(self.tools, case.tool):
            return f"the tool is {case.tool}"
        if self.connections is not None and case.connection_id not in self.connections:
            return f"the connection is {case.connection_id}"
        if self.domains is not None and not self._domains_met(case.domains):
            return f"the domain is {' and '.join(case.domains) or 'not named'}"
        about_people = self.recipients is not None or self.max_recipients is not None
        if about_people and not case.recipients and (self.decision == "allow" or not case.besides):  # guard: 187-alone
            return "there are no recipients"
        if self.max_recipients is not None and len(case.recipients) > self.max_recipients:
            return f"there are {len(case.recipients)} recipients"
        return None if self.recipients is None else self._recipients_unmet(case)

    def budgets(self, principal: str) -> Iterator[tuple[str, int]]:
        """The budgets that what it decides uses, with how much of each there is: of all, and of this principal."""
        if self.per_day is not None:
            yield self.name, self.per_day
        if self.per_hour is not None:
            yield of_an_hour(self.name), self.per_hour
        if self.per_person is not None:
            yield f"{self.name} for {principal or 'each person'}", self.per_person  # guard: 341-person

    def _domains_met(self, domains: Sequence[str]) -> bool:
        if not domains:
            return self.decision != "allow"  # guard: 128-unnamed
        met = [self._domain_met(domain) for domain in domains]
        return all(met) if self.decision == "allow" else any(met)

    def _domain_met(self, domain: str) -> bool:
        ascii_form = ascii_domain(domain)
        return self.decision != "allow" if ascii_form is None else _any(self.domains or (), ascii_form)

    def _recipients_unmet(self, case: Case) -> str | None:
        named = [*(("the recipient", one) for one in case.recipients), *(("beside them,", one) for one in case.besides)]
        if self.decision != "allow":
            met = any(address is None or self._covers(address) for address in (parse(one) for _, one in named))
            return None if met else "no recipient matches"
        for what, recipient in named:
            address = parse(recipient)
            if address is None:
                return f"{what} {recipient!a} is not a plain address"  # guard: 38-strict.rule
            if not self._covers(address):
                return f"{what} {recipient!a} does not match"
        return None

    def _covers(self, address: PlainAddress) -> bool:
        return any(
            _glob(local).fullmatch(address.local) and _glob(domain).fullmatch(address.domain)
            for local, domain in self.recipients or ()
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """The operator's rules, and the level that asking needs at least."""

    rules: tuple[Rule, ...] = ()
    level: Level = "client"

    def judge(self, case: Case) -> Verdict:
        """Decide. Without a matching rule a person is asked."""
        matched = [rule for rule in self.rules if rule.unmet(case) is None]
        names = tuple(rule.name for rule in matched)
        level = max((self.level, *(rule.level for rule in matched if rule.level)), key=_STRICTER.__getitem__)
        for decision in ("deny", "ask", "allow"):
            deciding = [rule for rule in matched if rule.decision == decision]
            if deciding:
                rule = deciding[0]
                budgets = tuple(budget for other in deciding for budget in other.budgets(case.principal))
                hold = max(other.hold or 0.0 for other in deciding)
                approvers = max(other.approvers or 1 for other in deciding)
                # No form and no relay can tell one person from another, and none shows what can be undone.
                level = "operator" if (approvers > 1 or hold) and level == "client" else level
                why = _why(rule, level, budgets, hold, approvers)
                counted = budgets * case.uses
                return Verdict(rule.decision, level, names, rule.name, counted, why, hold, approvers)
        return Verdict("ask", level, (), None, (), f"No rule matches: a person is asked (level {level}).")

    def explain(self, case: Case) -> str:
        """The verdict and, rule by rule, why it matched or did not; plain text for a terminal."""
        verdict = self.judge(case)
        lines = [f"{case.tool}: {verdict.decision}. {verdict.why}"]
        for rule in self.rules:
            unmet = rule.unmet(case)
            outcome = f"matches ({rule.decision})" if unmet is None else f"does not match: {unmet}"
            lines.append(f'  rule "{rule.name}" {outcome}')
        return "\n".join(lines)


def _why(rule: Rule, level: Level, budgets: tuple[tuple[str, int], ...], hold: float, approvers: int) -> str:
    by = f'The rule "{rule.name}"'
    limits = ", ".join(f'{limit_in_words(name, most)} by "{rule_of(name)}"' for name, most in budgets)
    limit = f" At most {limits}." if limits else ""
    if rule.decision == "deny":
        return f"{by} refuses it."
    if rule.decision == "allow":
        return f"{by} lets it run without asking.{limit}"
    who = "a person" if approvers == 1 else f"{approvers} people"
    undo = f" A yes can be taken back for {hold:.0f} s." if hold else ""
    return f"{by} asks {who} (level {level}).{limit}{undo}"


def _any(patterns: Sequence[str], text: str) -> bool:
    return any(_glob(pattern).fullmatch(text.lower()) for pattern in patterns)


def _glob(pattern: str) -> re.Pattern[str]:
    """`*` is any text and `?` one character; everything else is itself. `re` keeps compiled patterns."""
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(sign) or re.escape(sign) for sign in pattern), re.ASCII | re.DOTALL)

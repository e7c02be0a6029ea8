"""What a rule for inbound mail takes: its expression tried on mails that have nothing in common.

Filters are regular expressions in Python's syntax (Mailgun's manual, Routes, "Route Filters"). How an expression is
spelled says little (`.*`, `^`, `@`, an empty one take the same mail), so it is tried; and where it is not certain, it
counts as taking everything.
"""

from __future__ import annotations

import re
import warnings as python_warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from maton_mailgun.approval.preview import route_words
from maton_mailgun.approval.preview.document import Row, Section
from maton_mailgun.approval.preview.fields import values
from maton_mailgun.approval.preview.proposal import Findings, Proposal, ReadAnswer, Reads, dig, items
from maton_mailgun.mail.text import count

_TOKEN = re.compile(
    r"""\s*(?:(?P<word>match_recipient|match_header|catch_all|and|or|not)\b|(?P<sign>[(),])
    |(?P<quote>["'])(?P<text>(?:\\.|(?!(?P=quote)).)*)(?P=quote))\s*""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_QUANTIFIER = re.compile(r"(?<!\\)(?:[*+?]|\{[0-9,]+\})")
_REPEATED_GROUP = re.compile(r"\)[*+?{]|\(\?[a-zA-Z]*x")
"""Or a pattern with comments, in which the sign may stand further on."""
_MOST_QUANTIFIERS, _LONGEST = 6, 500
"""More of them in one pattern, or a group that repeats, could take longer to try than anybody waits."""
_PAGE = 100


@dataclass(frozen=True, slots=True)
class _Mail:
    recipient: str
    text: str
    """What stands in a header that may hold anything."""

    def header(self, name: str) -> str:
        return self.recipient if name.casefold() in _OF_ADDRESSES else self.text


_OF_ADDRESSES = frozenset({"from", "to", "sender", "reply-to", "return-path", "x-envelope-from"})
_MAILS = (_Mail("q@z.io", "x"), _Mail("7_K+b@w-9.de", "Re: 12"), _Mail("Ann.Wu@mm.jp", "Ab, c!"))
"""Short and unlike each other: whatever takes all of them is about no sender, recipient or subject."""
_Test = Callable[[_Mail], bool]


class _Unclear(Exception):
    """An expression that is not read here."""


def takes_everything(expression: str) -> bool | None:
    """Whether a rule takes mail of any kind; None where that cannot be found out."""
    try:
        return all(map(_Reader(expression).whole(), _MAILS))
    except (_Unclear, re.error, RecursionError, OverflowError):
        return None


class _Reader:
    """Reads `match_recipient("…") and (not match_header("subject", "…") or catch_all())`."""

    def __init__(self, expression: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        place = 0
        while place < len(expression):
            found = _TOKEN.match(expression, place)
            if found is None or found.end() == place:
                raise _Unclear
            kind = "word" if found["word"] else "sign" if found["sign"] else "text"
            self._tokens.append((kind, (found["word"] or "").lower() or found["sign"] or found["text"] or ""))
            place = found.end()

    def whole(self) -> _Test:
        test = self._either()
        if self._tokens:
            raise _Unclear
        return test

    def _either(self) -> _Test:
        tests = [self._both()]
        while self._next_is("or"):
            tests.append(self._both())
        return lambda mail: any(test(mail) for test in tests)

    def _both(self) -> _Test:
        tests = [self._one()]
        while self._next_is("and"):
            tests.append(self._one())
        return lambda mail: all(test(mail) for test in tests)

    def _one(self) -> _Test:
        if self._next_is("not"):
            test = self._one()
            return lambda mail: not test(mail)
        if self._next_is("("):
            test = self._either()
            self._need(")")
            return test
        for name, number in (("catch_all", 0), ("match_recipient", 1), ("match_header", 2)):
            if self._next_is(name):
                return _filter(self._arguments(number))
        raise _Unclear

    def _arguments(self, number: int) -> list[str]:
        self._need("(")
        texts = []
        for index in range(number):
            if index:
                self._need(",")
            if not self._tokens or self._tokens[0][0] != "text":
                raise _Unclear
            texts.append(self._tokens.pop(0)[1])
        self._need(")")
        return texts

    def _next_is(self, wanted: str) -> bool:
        if self._tokens and self._tokens[0][0] != "text" and self._tokens[0][1] == wanted:
            self._tokens.pop(0)
            return True
        return False

    def _need(self, wanted: str) -> None:
        if not self._next_is(wanted):
            raise _Unclear


def _filter(texts: Sequence[str]) -> _Test:
    if not texts:
        return lambda _: True
    pattern = texts[-1]
    if (
        len(pattern) > _LONGEST
        or len(_QUANTIFIER.findall(pattern)) > _MOST_QUANTIFIERS
        or pattern.count("|") > _MOST_QUANTIFIERS
        or _REPEATED_GROUP.search(pattern)  # guard: 137-bounded
    ):
        raise _Unclear
    with python_warnings.catch_warnings():
        python_warnings.simplefilter("ignore")
        found = re.compile(pattern)
    if len(texts) == 1:
        return lambda mail: found.search(mail.recipient) is not None
    return lambda mail: found.search(mail.header(texts[0])) is not None


async def judged(proposal: Proposal, before: ReadAnswer | None, reads: Reads, *, forwards: bool) -> Findings:
    """What the rule will take, with what of it stays as it is, and which rules behind it lose that mail.

    `forwards` says whether mail leaves by this rule, now or then.
    """
    asked = values(proposal.request, "expression")
    actions = values(proposal.request, "action") or _present(before, "route.actions")
    expressions = asked or _present(before, "route.expression")  # guard: 137-together
    rows: list[Row] = []
    lines: list[str] = []
    unchecked: list[str] = []
    for expression in expressions:
        everything = takes_everything(expression)  # guard: 137-tried
        told = route_words.mail(expression)
        if everything and (asked or forwards):
            rows.append(Row("Which mail", told, ["takes all mail"]))
            lines.append("This rule takes all inbound mail of the account, not only some of it.")
        elif everything is None and (asked or forwards):
            rows.append(Row("Which mail", told, ["may take all mail"]))
            lines.append("This rule may take all inbound mail of the account: its expression is not read here.")
    if any(re.match(r"\s*stop\s*\(", action, re.IGNORECASE) for action in actions):
        behind, known = await _behind(proposal, before, reads)
        if behind:  # guard: 137-behind
            verb = "gets" if behind == 1 else "get"
            lines.append(f"It stops there: {count(behind, 'rule')} behind it no longer {verb} the mail that it takes.")
        if not known:
            unchecked.append("could not check which rules no longer get the mail that this one takes")
    return Findings(sections=[Section("", rows)], warnings=lines, unchecked=unchecked, raises=len(lines))


async def _behind(proposal: Proposal, before: ReadAnswer | None, reads: Reads) -> tuple[int, bool]:
    """How many rules come after this one, and whether all are known. Lower numbers come first; 0 without any."""
    page = await reads("the rules behind this one", f"GET /v3/routes?limit={_PAGE}", {})
    own = values(proposal.request, "priority") or _present(before, "route.priority")
    priority = int(own[0]) if own and own[0].lstrip("-").isdigit() else 0
    others = [one for one in items(page) if isinstance(one, Mapping)]
    mine = str(proposal.arguments.get("route_id", ""))
    behind = [one for one in others if str(one.get("id")) != mine and _number(one.get("priority")) >= priority]
    return len(behind), page is not None and len(others) < _PAGE


def _present(before: ReadAnswer | None, path: str) -> list[str]:
    found = dig(before.data, path) if before is not None and before.status != 404 else None
    return [str(one) for one in (found if isinstance(found, list) else [found]) if one is not None]


def _number(given: Any) -> int:
    return given if isinstance(given, int) else 0

"""Routes of the account: what happens to inbound mail. `action` comes in, `actions` goes out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from maton_mailgun.sandbox.account.mailgun_account import MailgunAccount
from maton_mailgun.sandbox.mailgun.times import gmt
from maton_mailgun.sandbox.web.calls import Call, HttpAnswer, Record, SentFields, integer, ok, refuse, required
from maton_mailgun.sandbox.web.pages import windowed
from maton_mailgun.sandbox.web.router import MailgunOperation

_STRING = r"(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
_TOKEN = re.compile(
    rf"\s*(?:(?P<word>and|or|not)\b|(?P<paren>[()])|(?P<all>catch_all\(\s*\))"
    rf"|match_recipient\(\s*(?P<recipient>{_STRING})\s*\)"
    rf"|match_header\(\s*(?P<header>{_STRING})\s*,\s*(?P<value>{_STRING})\s*\))"
)
_ACTION = re.compile(
    rf"\s*(?:stop\(\s*\)|store\(\s*(?:notify\s*=\s*)?(?:{_STRING})?\s*\)|forward\(\s*{_STRING}\s*\))\s*", re.IGNORECASE
)
_LONGEST = 4096


def check_expression(text: str) -> None:
    """Filters joined by and, or, not and parentheses; every pattern must be a regular expression."""
    problem = "is too long" if len(text) > _LONGEST else _problem(text)
    if problem:
        raise refuse(400, f"Invalid route expression '{text[:200]}': {problem}")


def _problem(text: str) -> str | None:
    at, depth, operand_expected = 0, 0, True
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            return f"can't read '{text[at:].strip()[:40]}'"
        at = match.end()
        word, paren = match["word"], match["paren"]
        if word == "not" or paren == "(":
            if not operand_expected:
                return f"'{word or paren}' stands where 'and' or 'or' is needed"
            depth += paren == "("
        elif word or paren == ")":
            if operand_expected:
                return f"nothing stands before '{word or paren}'"
            operand_expected = bool(word)
            depth -= paren == ")"
        else:
            if not operand_expected:
                return "'and' or 'or' is missing between two filters"
            operand_expected = False
            if bad := _bad_pattern(match["recipient"], match["value"]):
                return bad
        if depth < 0:
            return "unbalanced parentheses"
    return "unbalanced parentheses" if depth else ("a filter is missing" if operand_expected else None)


def _bad_pattern(*quoted: str | None) -> str | None:
    for pattern in quoted:
        try:
            re.compile((pattern or "''")[1:-1])
        except (re.error, RecursionError, OverflowError) as error:
            return f"bad pattern {(pattern or '')[:200]}: {error}"
    return None


def _actions(form: SentFields) -> list[str]:
    actions = form.every("action")
    for action in actions:
        if len(action) > _LONGEST or not _ACTION.fullmatch(action):
            raise refuse(400, f"Invalid route action '{action[:200]}'. It can be any of: forward(), store(), stop()")
    return actions


def _route(account: MailgunAccount, call: Call) -> Record:
    route = account.routes.get(call.path["id"])
    if route is None:
        raise refuse(404, "Route not found")
    return route


def list_routes(account: MailgunAccount, call: Call) -> HttpAnswer:
    return ok(windowed(call, list(account.routes.values()), "The 'limit' parameter can't be larger than 1000"))


def create_route(account: MailgunAccount, call: Call) -> HttpAnswer:
    """Every call makes another route: equal ones are allowed."""
    form = call.form
    expression = required(form, "expression", "Missing mandatory parameter: expression")
    check_expression(expression)
    actions = _actions(form)
    if not actions:
        raise refuse(400, "Missing mandatory parameter: action")
    route: Record = {
        "id": account.mint.hexadecimal(24),
        "priority": integer(form, "priority", 0, -(1 << 31), 1 << 31),
        "description": form.first("description") or "",
        "expression": expression,
        "actions": actions,
        "created_at": gmt(account.now),
    }
    account.routes[route["id"]] = route
    return ok({"message": "Route has been created", "route": route})


def get_route(account: MailgunAccount, call: Call) -> HttpAnswer:
    return ok({"route": _route(account, call)})


def update_route(account: MailgunAccount, call: Call) -> HttpAnswer:
    """Fields not sent stay; any `action` replaces the whole list. The answer is flat (recorded 2025)."""
    route, form = _route(account, call), call.form
    expression, actions = form.first("expression"), _actions(form)
    changes: Record = {"priority": integer(form, "priority", route["priority"], -(1 << 31), 1 << 31)}
    if expression is not None:
        check_expression(expression)
        changes["expression"] = expression
    if (description := form.first("description")) is not None:
        changes["description"] = description
    if actions:
        changes["actions"] = actions
    route.update(changes)
    return ok({**route, "message": "Route has been updated"})


def delete_route(account: MailgunAccount, call: Call) -> HttpAnswer:
    route = _route(account, call)
    del account.routes[route["id"]]
    return ok({"id": route["id"], "message": "Route has been deleted"})


def match_route(account: MailgunAccount, call: Call) -> HttpAnswer:
    """The first route by priority that takes mail to the address. Of a header nothing is known here, so no filter for
    one is met."""
    address = required(call.query, "address", "Missing mandatory parameter: address").strip()
    for route, _ in matching(account, address, ()):
        return ok({"route": route})
    raise refuse(404, "Route not found")


@dataclass
class Envelope:
    """What filters look at, and the parts of it that the ones which were met have found."""

    recipient: str
    headers: Sequence[tuple[str, str]]
    found: list[re.Match[str]] = field(default_factory=list)


def matching(
    account: MailgunAccount, recipient: str, headers: Sequence[tuple[str, str]]
) -> Iterator[tuple[Record, re.Match[str] | None]]:
    """Routes that take mail to an address with these headers, each with what its filter captured: lowest number first,
    and of equal ones the older."""
    for route in sorted(account.routes.values(), key=lambda route: int(route["priority"])):
        envelope = Envelope(recipient, headers)
        if takes(route["expression"], envelope):
            yield route, next(iter(envelope.found), None)


def takes(expression: str, envelope: Envelope) -> bool:
    """Whether a checked expression is met by this mail: `not` binds before `and`, `and` before `or`."""
    tokens = list(_TOKEN.finditer(expression))
    truth, _ = _any_of(tokens, 0, envelope)
    return truth


def _any_of(tokens: list[re.Match[str]], at: int, envelope: Envelope) -> tuple[bool, int]:
    truth, at = _all_of(tokens, at, envelope)
    while at < len(tokens) and tokens[at]["word"] == "or":
        other, at = _all_of(tokens, at + 1, envelope)
        truth = truth or other
    return truth, at


def _all_of(tokens: list[re.Match[str]], at: int, envelope: Envelope) -> tuple[bool, int]:
    truth, at = _one(tokens, at, envelope)
    while at < len(tokens) and tokens[at]["word"] == "and":
        other, at = _one(tokens, at + 1, envelope)
        truth = truth and other
    return truth, at


def _one(tokens: list[re.Match[str]], at: int, envelope: Envelope) -> tuple[bool, int]:
    denied = False
    while tokens[at]["word"] == "not":
        denied, at = not denied, at + 1
    token = tokens[at]
    if token["paren"]:
        truth, at = _any_of(tokens, at + 1, envelope)
    elif token["recipient"]:
        truth = _met(token["recipient"], [envelope.recipient], envelope)
    elif token["header"]:
        name = token["header"][1:-1].lower()
        truth = _met(token["value"], [value for key, value in envelope.headers if key.lower() == name], envelope)
    else:
        truth = bool(token["all"])
    return truth != denied, at + 1


def _met(quoted: str, values: Iterable[str], envelope: Envelope) -> bool:
    """Whether a pattern is found at the beginning of one of the values."""
    matches = [match for value in values if (match := re.match(quoted[1:-1], value, re.IGNORECASE))]
    envelope.found += matches
    return bool(matches)


OPERATIONS = (
    MailgunOperation("GET", "/v3/routes", list_routes),
    MailgunOperation("GET", "/v3/routes/match", match_route),
    MailgunOperation("POST", "/v3/routes", create_route),
    MailgunOperation("GET", "/v3/routes/{id}", get_route),
    MailgunOperation("PUT", "/v3/routes/{id}", update_route),
    MailgunOperation("DELETE", "/v3/routes/{id}", delete_route),
)

"""Headers that steer Mailgun as fields of a call do: what both say could be two things, and which counts is documented
nowhere, but that `t:variables` win over `v:*` (Mailgun's manual, "Passing Sending Options", "Batch Sending", "Attaching
Metadata to Messages"). Such a call is refused, before anybody is asked; whatever stands in one place alone is shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from maton_mailgun.catalogue.operation import Operation
from maton_mailgun.errors import Problem

_PREFIX = "x-mailgun-"
_FIELDS = {
    "recipient-variables": "recipient-variables",
    "template-name": "template",
    "template-version": "t:version",
    "template-text": "t:text",
    "template-variables": "t:variables",
    "drop-message": "o:testmode",
    "track": "o:tracking",
    "track-clicks": "o:tracking-clicks",
    "track-opens": "o:tracking-opens",
    "track-pixel-location-top": "o:tracking-pixel-location-top",
    "deliver-by": "o:deliverytime",
    "delivery-time-optimize-period": "o:deliverytime-optimize-period",
}
"""Those whose names differ from the field's; `x-mailgun-dkim` is `o:dkim`, and so on."""
_ADD_UP = frozenset({"x-mailgun-tag"})
"""Of these there may be several (the same page)."""
_VARIABLES = "x-mailgun-variables"

Headers = Iterable[tuple[str, str]]


def problems(
    operation: Operation, arguments: Mapping[str, Any], where: str, headers: Headers, others: Headers = ()
) -> Iterator[Problem]:
    """What is wrong with such headers, in the argument `where`, beside the arguments and the headers in `others`."""
    by_wire = {wire: name for name, wire in operation.wire.items()}
    beside = {name.casefold() for name, _ in others}
    variables: list[tuple[str, str, str]] = []
    for name, text in headers:
        known = name.casefold()
        if not known.startswith(_PREFIX) or known in _ADD_UP:
            continue
        rest = known.removeprefix(_PREFIX)
        wire = _FIELDS.get(rest, f"o:{rest}")
        argument = by_wire.get(wire, wire if wire in operation.properties else "")
        if known == "x-mailgun-recipient-variables":  # guard: 119-values
            yield Problem(where, f"has the header {name}: nobody would see who gets which values", _give(argument))
        elif known in beside:  # guard: 119-twice
            yield Problem(where, f"has the header {name}, which headers give too", "Give it once")
        elif argument in arguments:  # guard: 119-clash
            wrong = f"has the header {name}, which sets what {argument} sets: either may count"
            yield Problem(where, wrong, _give(argument))
        elif known == _VARIABLES:
            variables.append((name, text, where))
    yield from _variable_problems(by_wire, arguments, variables)


def _give(argument: str) -> str:
    return f"Leave the header out and give {argument} alone" if argument else "Leave it out"


def _variable_problems(
    by_wire: Mapping[str, str], arguments: Mapping[str, Any], found: list[tuple[str, str, str]]
) -> Iterator[Problem]:
    """Variables of one name in two places; those of several names add up."""
    given: dict[str, str] = {}
    for wire in ("v:*", "t:variables"):
        argument = by_wire.get(wire, "")
        own = arguments.get(argument)
        given |= {str(key): argument for key in own} if isinstance(own, Mapping) else {}
    for name, text, where in found:
        own = _read(text)
        if own is None:
            yield Problem(where, f"has the header {name}, which is no JSON object", 'Write it as {"name": "value"}')
            continue
        twice = {key: given[key] for key in own if key in given}
        for key, argument in twice.items():  # guard: 119-variable
            shown = ascii(key[:60])[1:-1]
            wrong = f"has {shown} in the header {name}, and so has {argument}: either may count"
            yield Problem(where, wrong, f"Give {shown} once")
        given |= dict.fromkeys(own, f"another header {name}")


def _read(text: str) -> Mapping[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None

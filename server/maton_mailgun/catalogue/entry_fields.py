"""Arguments that are lists of entries, such as a thousand addresses: each field of each entry held to what its row
says, and every wrong one named, before anybody is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from maton_mailgun.catalogue.operation import Operation
from maton_mailgun.errors import Problem
from maton_mailgun.mail.dates import EXPECTED, moment, rfc2822
from maton_mailgun.mail.unclear import Unclear

MOST_TOLD = 50
"""Wrong entries that are named one by one; of more, their number."""


def problems(operation: Operation, arguments: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with the entries, each by its number, counted from 0 as in JSON."""
    for name, fields in operation.each.items():
        found = [*_problems(name, arguments.get(name), fields)]
        yield from found[:MOST_TOLD]
        if (more := len(found) - MOST_TOLD) > 0:
            yield Problem(name, f"has {more:,} more mistakes like these", "Correct them all, then call again")


def written(operation: Operation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """These arguments as the service takes them: moments in its form, the fields of an entry in the schema's order.

    JSON gives the order of an object's fields no meaning (RFC 8259, 4): two calls that differ in it alone are one.
    """
    return {
        name: [_written(entry, fields, operation.schema["properties"][name]["items"]) for entry in arguments[name]]
        for name, fields in operation.each.items()
        if name in arguments
    }


def addresses(operation: Operation, arguments: Mapping[str, Any]) -> list[str]:
    """Every address of every entry."""
    return [
        str(entry[field])
        for name, fields in operation.each.items()
        for entry in arguments.get(name) or ()
        for field, kind in fields.items()
        if kind == "plain" and field in entry
    ]


def _problems(name: str, entries: Any, fields: Mapping[str, str]) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for number, entry in enumerate(entries or ()):
        for field, kind in fields.items():
            if field not in entry:
                continue
            where = f"{name}[{number}].{field}"
            if kind == "date":
                yield from _date_problems(where, entry[field])
                continue
            key, wrong = _read(where, entry[field])
            if wrong is not None:
                yield wrong
            elif (first := seen.setdefault(key, number)) != number:  # guard: 69-twice
                yield Problem(where, f"is the address of {name}[{first}] again", "Give each address once")


def _read(where: str, text: str) -> tuple[str, Problem | None]:
    """The key of a plain address, or what is wrong with it."""
    from maton_mailgun.mail.address_fields import bare

    try:
        return bare(text).key, None
    except Unclear as problem:
        return "", Problem(where, problem.wrong, problem.right)


def _date_problems(where: str, value: Any) -> Iterator[Problem]:
    try:
        moment(value)
    except ValueError as problem:
        yield Problem(where, str(problem), EXPECTED)


def _written(entry: Mapping[str, Any], fields: Mapping[str, str], schema: Mapping[str, Any]) -> dict[str, Any]:
    dates = {field for field, kind in fields.items() if kind == "date"}
    place = {field: number for number, field in enumerate(schema["properties"])}
    ordered = sorted(entry, key=lambda field: place.get(field, len(place)))
    return {field: rfc2822(entry[field]) if field in dates else entry[field] for field in ordered}

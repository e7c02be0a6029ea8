"""Arguments that become header values: what a person reads in them is what the recipient reads.

They are encoded on their way where they are not ASCII. What looks encoded already goes out as it is, and mail programs
decode it: `=?utf-8?b?UGF5IG5vdw==?=` is “Pay now” to whoever gets it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from maton_mailgun.catalogue import steering_headers
from maton_mailgun.catalogue.operation import Operation
from maton_mailgun.errors import Problem

_VALUES = "recipient-variables"
"""The field with the values of each recipient of a batch."""
_MOST = 20
"""Problems with values that are told of."""
_AS_IT_READS = "Write it as it reads; it is encoded on its way"


def problems(operation: Operation, arguments: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with texts that become headers, alone and with each recipient's values in them."""
    if not operation.header_texts and not any(wire == "h:*" for wire in operation.wire.values()):
        return
    from maton_mailgun.mail.mime_values import holds_words

    places = [*_places(operation, arguments)]
    for where, _, text in places:
        if holds_words(text):  # guard: 79-headers
            yield Problem(where, "holds an encoded word, which readers see decoded", _AS_IT_READS)
    added = next((name for name, wire in operation.wire.items() if wire == "h:*"), "")
    own = arguments.get(added)
    given = own.items() if isinstance(own, dict) else ()
    for key, text in given:
        where = f"{added}.{ascii(key[:60])[1:-1]}"
        yield from steering_headers.problems(operation, arguments, where, [(key, str(text))])
    yield from _value_problems(operation, arguments, [(header, text) for _, header, text in places])


def _places(operation: Operation, arguments: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Where each text stands in the call, the header that it becomes, and the text."""
    for name, value in arguments.items():
        if name not in operation.header_texts and operation.wire.get(name) != "h:*":
            continue
        if isinstance(value, str):
            yield name, name.capitalize(), value
        elif isinstance(value, dict):
            for key, text in value.items():
                if isinstance(text, str):
                    shown = ascii(key[:60])[1:-1]
                    yield f"{name}.{shown}", shown, text


def _value_problems(
    operation: Operation, arguments: Mapping[str, Any], places: list[tuple[str, str]]
) -> Iterator[Problem]:
    from maton_mailgun.mail import header_filling
    from maton_mailgun.mail.addresses import parse_all

    given = {
        name: arguments[name] for name, kind in operation.addresses.items() if name in arguments and kind != "mime"
    }
    for name, value in given.items():
        texts = value if isinstance(value, list) else [value]
        places += [(name.capitalize(), text) for text in texts if isinstance(text, str)]
    filled = [(header, text) for header, text in dict.fromkeys(places) if header_filling.holds_places(text)]
    if not filled:
        return
    name = next((name for name, wire in operation.wire.items() if wire == _VALUES), "")
    values = arguments.get(name)
    own = [*values.items()] if isinstance(values, dict) else []
    people = {
        one.key: one
        for argument, value in given.items()
        if operation.addresses[argument] == "list"
        for one in parse_all(value)
    }
    known = {address.casefold() for address, _ in own}
    alone: list[tuple[str, Any]] = [(one.address, {}) for key, one in people.items() if key not in known]
    told = 0
    for address, entry in (*own, *alone):
        person = people.get(address.casefold())
        for header, text in filled:
            wrong = header_filling.doubt(
                header,
                text,
                entry if isinstance(entry, dict) else {},
                address=address,
                name=person.name if person else "",
            )
            if wrong and told < _MOST:
                told += 1
                where = f"{name}.{ascii(address[:60])[1:-1]}" if entry else ""
                yield Problem(where, wrong, "Give one line of plain words there, or name it in the body alone")

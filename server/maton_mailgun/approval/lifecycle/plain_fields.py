"""Which arguments of a proposal a person may change: texts, lists of texts, numbers, switches.

What the write is about stays (the arguments in its path, the account), as does what cannot be typed or seen: files,
secrets, objects, and what is taken from another message. They go along as they were proposed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from maton_mailgun.approval.preview.labels import named
from maton_mailgun.catalogue.operation import FILE_CODECS, NOT_SENT, Operation
from maton_mailgun.exchange import Prepared

FieldKind = Literal["line", "text", "list", "number", "switch", "choice"]
MOST_OF_A_FIELD = 200_000
"""Characters of a value that can be changed by hand; a longer one goes along as it is."""


@dataclass(frozen=True, slots=True)
class PlainField:
    """One argument, with its value as it was proposed; None where it has none."""

    name: str
    kind: FieldKind
    value: Any
    about: str
    required: bool
    usual: bool = True
    """One that many change: it has a value, or says to whom, under which subject, or when."""
    choices: Sequence[str] = ()

    @property
    def label(self) -> str:
        """What it is called."""
        return named(self.name)


def plain_fields(prepared: Prepared) -> list[PlainField]:
    """What can be changed, in the order of the schema, what is usual first."""
    operation = prepared.operation
    required = operation.schema.get("required", ())
    found = []
    for name, shape in operation.properties.items():
        kind = _kind(operation, name, shape)
        value = prepared.arguments.get(name)
        if kind is None or len(text_of(value)) > MOST_OF_A_FIELD:
            continue
        about, choices = str(shape.get("description", "")), tuple(map(str, shape.get("enum", ())))
        usual = value is not None or name in {*operation.addresses, *operation.header_texts, *operation.ahead}
        found.append(PlainField(name, kind, value, about, name in required, usual, choices))
    return sorted(found, key=lambda one: not one.usual)


def text_of(value: Any) -> str:
    """A value as a text that can be compared word by word; empty where there is none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _kind(operation: Operation, name: str, shape: Mapping[str, Any]) -> FieldKind | None:
    fixed = {*NOT_SENT, *operation.path_arguments, *operation.secret, *operation.answers}  # guard: 294-fixed
    files = {*operation.from_file.values(), *(one for one, how in operation.encode.items() if how in FILE_CODECS)}
    if name in fixed | files:
        return None
    kinds = [one.get("type") for one in shape.get("anyOf", ())] or [shape.get("type")]
    if "enum" in shape:
        return "choice"
    if kinds[0] == "string":
        return "text" if name in operation.lines else "line"
    if kinds[0] == "array":
        return "list" if shape.get("items", {}).get("type") == "string" else None
    return {"integer": "number", "number": "number", "boolean": "switch"}.get(str(kinds[0]))  # type: ignore[return-value]

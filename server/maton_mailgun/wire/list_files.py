"""Entries of a list from a file under the operator's directory: read once, when the call is prepared. From then on they
are arguments like any others: held to the schema, shown one by one, sealed, and sent as they were shown.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from maton_mailgun.catalogue.as_meant import each_once
from maton_mailgun.catalogue.operation import Operation
from maton_mailgun.errors import Problem
from maton_mailgun.wire.attachments import FileRefused, content_of

_FORMS = "Give a CSV file with a first line of names such as address,name, or a JSON file that is a list of objects"

_SWITCH = {"yes": True, "true": True, "no": False, "false": False}


def named(operation: Operation, arguments: Mapping[str, Any]) -> bool:
    """Whether the call names a file to read entries from; a call that gives them too is refused by the rules."""
    return any(
        isinstance(arguments.get(file), str) and name not in arguments for name, file in operation.from_file.items()
    )


def filled(
    operation: Operation, arguments: Mapping[str, Any], allowed: Path | None
) -> tuple[dict[str, Any], list[Problem]]:
    """The arguments with the entries of each file in place of its name, and a problem for each that cannot be read."""
    found, problems = dict(arguments), []
    for name, file in operation.from_file.items():
        if not isinstance(found.get(file), str) or name in found:
            continue
        fields = operation.properties[name]["items"]["properties"]
        try:
            found[name] = _entries(content_of(found[file], allowed), fields)
            del found[file]
        except FileRefused as refused:
            problems.append(Problem(file, refused.wrong, refused.right))
    return found, problems


def _entries(content: bytes, fields: Mapping[str, Any]) -> list[Any]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeError:
        raise FileRefused("is not UTF-8", "Save it as UTF-8") from None
    if text.lstrip()[:1] not in ("[", "{"):
        return list(_rows(text, fields))
    try:
        read = json.loads(text, object_pairs_hook=each_once)  # guard: 176-once
    except (json.JSONDecodeError, RecursionError):
        raise FileRefused("is not JSON", _FORMS) from None
    except ValueError:
        raise FileRefused("has a key twice in one object, or is no JSON that can be read", _FORMS) from None
    if not isinstance(read, list):
        raise FileRefused("is no list", _FORMS)
    return read


def _rows(text: str, fields: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A row of a CSV file for each entry; an empty cell is a field that is left out."""
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names = [name.strip() for name in next(lines, [])]
        if odd := [name for name in names if name not in fields]:
            told = ", ".join(f"“{name[:40]}”" if name.isprintable() else "an odd one" for name in odd[:3])
            raise FileRefused(f"has a column {told}", f"Its first line names columns of {', '.join(fields)}")
        if len(names) != len(set(names)) or not names:
            raise FileRefused("has no column, or two of one name", _FORMS)
        for row in lines:
            if len(row) > len(names):
                raise FileRefused(f"has more cells than columns in line {lines.line_num}", _FORMS)
            if any(row):
                cells = zip(names, row, strict=False)
                yield {name: _value(cell, fields[name]) for name, cell in cells if cell}
    except csv.Error as problem:
        raise FileRefused(f"is no CSV: {problem}", _FORMS) from None


def _value(cell: str, shape: Mapping[str, Any]) -> Any:
    """A cell as its field has it; what is no word of a switch is left for the schema to refuse."""
    return _SWITCH.get(cell.strip().casefold(), cell) if shape.get("type") == "boolean" else cell

"""Items of a list as columns and rows: names once, no empty column, what is the same in all rows told once.

Measured over 100 events (`bench/answers.py`): about an eighth of what the service answered, and half of the same fields
as objects.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from maton_mailgun.catalogue.as_meant import MARK
from maton_mailgun.catalogue.operation import Operation
from maton_mailgun.errors import Problem
from maton_mailgun.mail.dates import moment
from maton_mailgun.wire.places import at

ALL = "all"
"""Asks for the items as the service gives them."""
_TIMES = ("time", "created", "first_seen", "last_seen")
"""Columns that are moments: told as ISO 8601, to the second, in UTC."""
_PARTS_OF_TIME = {"day": 10, "hour": 13}
_LONG, _OFTEN = 20, 3
"""Characters and times from which on a repeated text is told once and pointed at."""


def names(text: str) -> list[str]:
    """The fields that a text names, with commas between."""
    return [name for part in text.split(",") if (name := part.strip())]


def problems(arguments: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with how a list is to be told."""
    if "count_by" in arguments and "distinct" in arguments:
        yield Problem("distinct", "is another answer than count_by", "Give one of the two")
    if isinstance(counted := arguments.get("count_by"), str) and len(names(counted)) not in (1, 2):
        yield Problem("count_by", f"names {len(names(counted))} fields", "Name one or two, with a comma between")
    if isinstance(single := arguments.get("distinct"), str) and len(names(single)) != 1:
        yield Problem("distinct", f"names {len(names(single))} fields", "Name one")


def value(operation: Operation, item: Any, name: str) -> Any:
    """What a field holds in an item: a column of the row, `day` and `hour` of its time, or any place in the item."""
    if name in _PARTS_OF_TIME and (moment_of := next((one for one in _TIMES if one in operation.columns), None)):
        when = value(operation, item, moment_of)
        return when[: _PARTS_OF_TIME[name]] if isinstance(when, str) else None
    places = operation.columns.get(name) or operation.more_columns.get(name) or name
    found = next((part for place in places.split("|") if (part := at(item, place)) not in (None, "", [], {})), None)
    return _iso(found) if name in _TIMES else found


def table(operation: Operation, items: Sequence[Any], wanted: Sequence[str]) -> dict[str, Any] | None:
    """The items as columns and rows; None where one of them holds nothing of that, and would be lost."""
    names_ = list(wanted) or list(operation.columns)
    rows = [[value(operation, item, name) for name in names_] for item in items]
    if not wanted and any(all(cell is None for cell in row) for row in rows):
        return None
    filled = [number for number, _ in enumerate(names_) if any(row[number] is not None for row in rows)]
    same = [number for number in filled if len(rows) > 1 and all(row[number] == rows[0][number] for row in rows)]
    kept = [number for number in filled if number not in same] or filled
    found: dict[str, Any] = {}
    if same and kept != same:
        found["in_all_rows"] = {names_[number]: rows[0][number] for number in same}
    if kept:
        found["columns"] = [names_[number] for number in kept]
    return {**found, "rows": [[row[number] for number in kept] for row in rows]}


def missing(operation: Operation, told: Mapping[str, Any], wanted: Sequence[str]) -> dict[str, Any]:
    """Fields that were asked for and stand in no item, with those that there are where one of them is not known."""
    there = {*told.get("columns", ()), *told.get("in_all_rows", ())}
    return _lacking(operation, [name for name in wanted if name not in there] if told["rows"] else [])


def nowhere(operation: Operation, items: Sequence[Any], wanted: Sequence[str]) -> dict[str, Any]:
    """The same of fields that were counted, or whose values were asked for."""
    has = [name for name in wanted if any(value(operation, item, name) is not None for item in items)]
    return _lacking(operation, [name for name in wanted if name not in has] if items else [])


def _lacking(operation: Operation, lacking: Sequence[str]) -> dict[str, Any]:
    known = [*operation.columns, *operation.more_columns]
    found: dict[str, Any] = {"no_item_has": [*lacking]} if lacking else {}
    if any(name not in known for name in lacking):
        found["fields_there_are"] = [*known, *(_PARTS_OF_TIME if set(_TIMES) & set(known) else ())]
    return found


def told_once(result: Mapping[str, Any]) -> dict[str, Any]:
    """The same table with long texts that stand in several rows in a place of their own; to be done after fencing, as
    the mark tells such a pointer from any text."""
    rows = result["rows"]
    often = Counter(cell for row in rows for cell in row if isinstance(cell, str) and len(cell) >= _LONG)
    texts = {cell: f"{MARK}#{number}" for number, cell in enumerate((c for c, n in often.items() if n >= _OFTEN), 1)}
    if not texts:
        return dict(result)
    pointed = [[texts.get(cell, cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    return {**result, "texts": {pointer: text for text, pointer in texts.items()}, "rows": pointed}


def rows_of(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a table as it is told, each with all that is its own: what all share, and texts that are told once,
    in their places, without the marks of outside text."""
    shared, names_, texts = result.get("in_all_rows") or {}, result.get("columns", []), result.get("texts") or {}
    rows = [{**shared, **dict(zip(names_, row, strict=False))} for row in result.get("rows", [])]
    return [{name: _without_mark(cell, texts) for name, cell in row.items()} for row in rows]


def _without_mark(cell: Any, texts: Mapping[str, str]) -> Any:
    return texts.get(cell, cell).replace(MARK, "") if isinstance(cell, str) else cell


def _iso(found: Any) -> Any:
    if not isinstance(found, str | int | float) or isinstance(found, bool):
        return found
    try:
        return moment(found).strftime("%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return found

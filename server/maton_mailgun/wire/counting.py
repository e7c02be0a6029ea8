"""Counts over a list, and its distinct values: one small answer for a whole list."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from maton_mailgun.catalogue.operation import Operation
from maton_mailgun.wire import columns
from maton_mailgun.wire.columns import value
from maton_mailgun.wire.listing import Listing

MOST_GROUPS = 200
MOST_VALUES = 2_000
MOST_WORDS = 50
"""Of one field of one item that are counted: Mailgun takes 10 tags for a message."""


def counts(operation: Operation, listing: Listing, fields: Sequence[str]) -> dict[str, Any]:
    """How many items there are by one or two fields, the most first. An item counts under each word of a list."""
    found = Counter(group for item in listing.items for group in _groups(operation, item, fields))
    rows = [[*map(json.loads, group), number] for group, number in found.most_common(MOST_GROUPS)]
    told: dict[str, Any] = {**_how_far(listing), "columns": [*fields, "count"], "rows": rows}
    if (more := len(found) - MOST_GROUPS) > 0:
        told["more"] = f"{more:,} smaller groups are left out."
    return {**told, **columns.nowhere(operation, listing.items, fields)}


def distinct(operation: Operation, listing: Listing, field: str) -> dict[str, Any]:
    """The values of a field, each once, in the order in which they first stand."""
    found = dict.fromkeys(group[0] for item in listing.items for group in _groups(operation, item, [field]))
    values = [one for text in found if (one := json.loads(text)) is not None]
    told: dict[str, Any] = {**_how_far(listing), "distinct": len(values), field: values[:MOST_VALUES]}
    if (more := len(values) - MOST_VALUES) > 0:
        told["more"] = f"{more:,} more are left out; narrow the call to see them."
    return {**told, **columns.nowhere(operation, listing.items, [field])}


def _how_far(listing: Listing) -> dict[str, Any]:
    return {"items": len(listing.items), "complete": listing.complete}


def _groups(operation: Operation, item: Any, fields: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """What an item counts under, as JSON: values need not be hashable, and true is not 1."""
    parts = []
    for name in fields:
        found = value(operation, item, name)
        several = found if isinstance(found, list) and found else [found]
        words = dict.fromkeys(json.dumps(one, sort_keys=True) for one in several)
        parts.append(list(words)[:MOST_WORDS])
    yield from product(*parts)

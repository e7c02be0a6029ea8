"""Places in an answer: `id`, or `data.list` for what stands deeper."""

from __future__ import annotations

from typing import Any


def at(body: Any, place: str) -> Any:
    """What stands at a dotted place; None where there is nothing."""
    found = body
    for step in place.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def put(body: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    """A copy of a body with something else at a place that is there."""
    step, _, rest = place.partition(".")
    return {**body, step: put(body[step], rest, value) if rest else value}

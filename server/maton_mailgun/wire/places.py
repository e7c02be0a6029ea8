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


def without(body: dict[str, Any], place: str) -> dict[str, Any]:
    """A copy of a body without what stands at a place; the same where nothing does."""
    step, _, rest = place.partition(".")
    if step not in body:
        return body
    if not rest:
        return {name: value for name, value in body.items() if name != step}
    within = body[step]
    return {**body, step: without(within, rest)} if isinstance(within, dict) else body

"""Answers of Mailgun's analytics, told shortly: numbers in columns and rows, log entries with what is asked for most.

Rates come as texts ("0.8300"), numbers that were not counted as null (Mailgun's reference, Metrics).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from maton_mailgun.wire.places import at

_LOG = {
    "time": ("@timestamp",),
    "event": ("event",),
    "recipient": ("recipient",),
    "domain": ("domain.name",),
    "subject": ("message.headers.subject",),
    "message_id": ("message.headers.message-id",),
    "severity": ("severity",),
    "reason": ("reason",),
    "code": ("delivery-status.code",),
    "said": ("delivery-status.description", "delivery-status.message"),
    "tags": ("tags",),
    "storage_key": ("storage.key",),
}
"""Column -> where it stands in a log entry, or may stand."""


def metrics(body: Mapping[str, Any]) -> dict[str, Any]:
    """One row for each bucket: its dimensions, then its metrics; columns without a value anywhere are left out."""
    entries = [one for one in _items(body) if isinstance(one, Mapping)]
    rows = [_bucket(one) for one in entries]
    told = {**_period(body, "resolution"), **_table(rows)}
    total = at(body, "pagination.total")
    if isinstance(total, int):
        told["total"] = total
        begin = at(body, "pagination.skip")
        through = (begin if isinstance(begin, int) else 0) + len(rows)
        if rows and through < total:
            told["next_skip"] = through
    sums = _counted(at(body, "aggregates.metrics"))
    return {**told, **({"together": sums} if sums else {})}


def logs(body: Mapping[str, Any]) -> dict[str, Any]:
    """One row for each entry, and the token of the next page where there may be one."""
    entries = [one for one in _items(body) if isinstance(one, Mapping)]
    rows = [{name: _first(one, places) for name, places in _LOG.items()} for one in entries]
    told = {**_period(body), **_table(rows)}
    total, following = at(body, "pagination.total"), at(body, "pagination.next")
    if isinstance(total, int):
        told["total"] = total
    if rows and isinstance(following, str) and following and total != len(rows):
        told["next_token"] = following
    sums = _counted(at(body, "aggregates.metrics"))
    return {**told, **({"together": sums} if sums else {})}


def _items(body: Mapping[str, Any]) -> list[Any]:
    found = body.get("items")
    return found if isinstance(found, list) else []


def _period(body: Mapping[str, Any], *more: str) -> dict[str, Any]:
    return {name: body[name] for name in ("start", "end", *more) if body.get(name)}


def _bucket(one: Mapping[str, Any]) -> dict[str, Any]:
    dimensions = one.get("dimensions")
    named = {
        str(found.get("dimension")): found.get("display_value") or found.get("value")
        for found in (dimensions if isinstance(dimensions, list) else [])
        if isinstance(found, Mapping)
    }
    return {**named, **_counted(one.get("metrics"))}


def _counted(found: Any) -> dict[str, Any]:
    return {name: value for name, value in found.items() if value is not None} if isinstance(found, Mapping) else {}


def _first(entry: Mapping[str, Any], places: Iterable[str]) -> Any:
    return next((found for place in places if (found := at(entry, place)) not in (None, "", [])), None)


def _table(rows: list[dict[str, Any]]) -> dict[str, Any]:
    names = [*dict.fromkeys(name for row in rows for name, value in row.items() if value is not None)]
    return {"columns": names, "rows": [[row.get(name) for name in names] for row in rows]}

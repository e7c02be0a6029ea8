"""Counts of events, told shortly: totals first, then the hours, days or months in which anything happened.

Mailgun answers one entry for each period, empty ones too, with both ends among them (recorded).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from maton_mailgun.mail.dates import moment
from maton_mailgun.wire.fencing import Own

_LENGTHS = {"month": 7, "day": 10, "hour": 16}
"""Characters of an ISO time that name a period."""
EMPTY = Own("Periods without any are left out; all times are UTC, and the first and the last period are counted too.")
UNIQUE = "unique"
"""Counts of people: the same ones may be in several periods, so these do not add up."""


def told(body: Mapping[str, Any]) -> dict[str, Any]:
    """What the caller is told of `body`; the answer itself where it is none of these."""
    periods = body.get("stats")
    if not isinstance(periods, list) or not all(isinstance(one, Mapping) for one in periods):
        return dict(body)
    length = _LENGTHS.get(str(body.get("resolution")), 16)
    counted = [(_when(one.get("time"), length), dict(_counts(one))) for one in periods]
    totals: Counter[str] = Counter()
    for _, found in counted:
        totals.update({name: number for name, number in found.items() if not name.endswith(f".{UNIQUE}")})
    asked = list(dict.fromkeys(name for one in periods for name in one if name != "time"))
    columns = list(dict.fromkeys(path.removesuffix(".total") for path in totals if path.endswith(".total")))
    rows = [[when, *(found.get(f"{name}.total", 0) for name in columns)] for when, found in counted]
    kept = [row for row in rows if any(row[1:])]
    return {
        "from": _when(body.get("start"), length),
        "to": _when(body.get("end"), length),
        "resolution": body.get("resolution"),
        "totals": dict.fromkeys(asked, 0) | _nested(totals),
        **({"columns": [str(body.get("resolution") or "time"), *columns], "rows": kept} if kept else {}),
        "note": EMPTY,
    }


def _counts(period: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, int]]:
    for name, value in period.items():
        if isinstance(value, Mapping):
            yield from _counts(value, f"{path}{name}.")
        elif path and isinstance(value, int) and value:
            yield f"{path}{name}", value


def _nested(totals: Mapping[str, int]) -> dict[str, Any]:
    """`delivered.total` and its siblings as one number where that says all, else as what it is made of.

    Failures have totals for good (`permanent`) and for now (`temporary`), and none of both: that is their sum.
    """
    found: dict[str, Any] = {}
    for name in dict.fromkeys(path.partition(".")[0] for path in totals):
        parts = {path.partition(".")[2]: number for path, number in totals.items() if path.startswith(f"{name}.")}
        kinds = [path for path in parts if path.endswith(".total")]
        if kinds and "total" not in parts:
            parts["total"] = sum(parts[path] for path in kinds)
        for path in kinds:
            _say_once(parts, path.removesuffix("total"))
        whole = [number for path, number in parts.items() if path != "total"]
        alone = "total" in parts and not kinds and whole in ([], [parts["total"]])
        found[name] = parts["total"] if alone else parts
    return found


def _say_once(parts: dict[str, int], kind: str) -> None:
    """Of `permanent.total` and what it is made of, take the total away where one part is all of it; a total that stands
    alone is told as `permanent`."""
    total = parts[f"{kind}total"]
    others = [path for path in parts if path.startswith(kind) and path != f"{kind}total"]
    if not others or [parts[path] for path in others] == [total]:
        del parts[f"{kind}total"]
    if not others:
        parts[kind.removesuffix(".")] = total


def _when(text: Any, length: int) -> str:
    try:
        return moment(text).strftime("%Y-%m-%dT%H:%M")[:length]
    except (ValueError, TypeError):
        return str(text or "")

"""Totals per hour, day or month, counted while events are written."""

from __future__ import annotations

import re
from calendar import monthrange
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from maton_mailgun.sandbox.account.eventlog import HOUR, EventLog
from maton_mailgun.sandbox.account.mailgun_account import MailgunAccount
from maton_mailgun.sandbox.mailgun.times import parse_moment, utc
from maton_mailgun.sandbox.web.calls import Call, HttpAnswer, Record, SentFields, choice, ok, refuse
from maton_mailgun.sandbox.web.router import MailgunOperation

EVENTS = ("accepted", "delivered", "failed", "opened", "clicked", "unsubscribed", "complained", "stored")
_RESOLUTIONS = ("hour", "day", "month")
_DURATION = re.compile(r"(\d{1,4})([hdm])")
_MOST_BUCKETS = 10_000


def bucket_start(moment: float, resolution: str) -> datetime:
    at = datetime.fromtimestamp(moment, UTC).replace(minute=0, second=0, microsecond=0)
    if resolution != "hour":
        at = at.replace(hour=0)
    return at.replace(day=1) if resolution == "month" else at


def _following(at: datetime, resolution: str) -> datetime:
    if resolution == "month":
        return (at.replace(day=1) + timedelta(days=32)).replace(day=1)
    return at + (timedelta(hours=1) if resolution == "hour" else timedelta(days=1))


def months_back(moment: float, months: int) -> float:
    at = datetime.fromtimestamp(moment, UTC)
    index = at.year * 12 + at.month - 1 - months
    year, month = divmod(index, 12)
    if year < 1:
        raise refuse(400, "Invalid duration")
    day = min(at.day, monthrange(year, month + 1)[1])
    return at.replace(year=year, month=month + 1, day=day).timestamp()


def _range(query: SentFields, now: float) -> tuple[float, float]:
    """Start and end in epoch seconds; `duration` counts back from the end and beats `start` (its `m` is a month)."""
    moments: dict[str, float] = {}
    for name in ("start", "end"):
        text = query.first(name)
        if text is not None:
            moment = parse_moment(text)
            if moment is None:
                raise refuse(400, f"Invalid date format for parameter '{name}': {text}")
            moments[name] = moment
    end = moments.get("end", now)
    duration = query.first("duration")
    if duration is None:
        start = moments.get("start", end - 7 * 24 * HOUR)
    else:
        match = _DURATION.fullmatch(duration)
        if match is None:
            raise refuse(400, f"Invalid duration '{duration}'")
        count, unit = int(match[1]), match[2]
        start = months_back(end, count) if unit == "m" else end - count * (HOUR if unit == "h" else 24 * HOUR)
    if start > end:
        raise refuse(400, "'start' can't be after 'end'")
    return start, end


def _shape(event: str, counts: Counter[str]) -> Record:
    """One event's totals in the recorded shape."""
    total = counts[event]
    if event == "accepted":
        return {"incoming": 0, "outgoing": total, "total": total}
    if event == "delivered":
        return {"smtp": total, "http": 0, "optimized": 0, "total": total}
    if event in ("opened", "clicked"):
        return {"total": total, "unique": counts[event + ".unique"]}
    if event == "failed":
        reasons = ("suppress-bounce", "suppress-unsubscribe", "suppress-complaint", "bounce", "delayed-bounce")
        permanent = {reason: counts[f"failed.permanent.{reason}"] for reason in reasons}
        return {
            "temporary": {"espblock": 0, "total": counts["failed.temporary"]},
            "permanent": {**permanent, "webhook": 0, "optimized": 0, "total": counts["failed.permanent"]},
        }
    return {"total": total}


def _sum(log: EventLog, begin: datetime, end: datetime) -> Counter[str]:
    first, last = int(begin.timestamp()) // HOUR, int(end.timestamp()) // HOUR
    total: Counter[str] = Counter()
    for hour in range(first, last):
        if hour in log.hours:
            total.update(log.hours[hour])
    return total


def _buckets(start: datetime, end: datetime, resolution: str) -> Iterator[tuple[datetime, datetime]]:
    """Each bucket with its end, both ends of the range included: 8 days for a week (recorded)."""
    at = start
    while at <= end:
        following = _following(at, resolution)
        yield at, following
        at = following


def total_stats(account: MailgunAccount, call: Call) -> HttpAnswer:
    domain, query = account.domain_of(call), call.query
    events = query.every("event")
    if not events:
        raise refuse(400, "Missing mandatory parameter: event")
    for event in events:
        if event not in EVENTS:
            raise refuse(400, f"Invalid event type '{event}'. It can be any of: {', '.join(EVENTS)}")
    resolution = choice(query, "resolution", _RESOLUTIONS) or "day"
    start, end = (bucket_start(moment, resolution) for moment in _range(query, account.now))
    if (end - start) / timedelta(hours=1) / {"hour": 1, "day": 24, "month": 672}[resolution] > _MOST_BUCKETS:
        raise refuse(400, f"Too many buckets: choose a resolution above '{resolution}' or a shorter range")
    stats: list[Record] = []
    for begin, finish in _buckets(start, end, resolution):
        counts = _sum(domain.log, begin, finish)
        shapes = {event: _shape(event, counts) for event in dict.fromkeys(events)}
        stats.append({"time": utc(begin.timestamp()), **shapes})
    return ok(
        {
            "description": "",
            "start": utc(start.timestamp()),
            "end": utc(end.timestamp()),
            "resolution": resolution,
            "stats": stats,
        }
    )


OPERATIONS = (MailgunOperation("GET", "/v3/{domain}/stats/total", total_stats),)

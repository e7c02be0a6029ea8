"""Dates as people and models write them, to the one form Mailgun takes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from email.utils import format_datetime, parsedate_to_datetime

EXPECTED = (
    "Use ISO 8601 with a zone (2026-01-31T09:00:00Z), RFC 2822 (Sat, 31 Jan 2026 09:00:00 +0000) or epoch seconds"
)
_LATEST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()


def moment(value: str | float) -> datetime:
    """Read ISO 8601, RFC 2822 or epoch seconds as a moment in UTC.

    A bare date means midnight UTC. A date and time without a zone is refused: guessing a zone would send mail at
    the wrong hour.

    Raises:
        ValueError: The text is none of these.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _epoch(value)
    try:
        return _given(str(value).strip()).astimezone(UTC)
    except OverflowError:
        raise ValueError("is not a date") from None


def rfc2822(value: str | float) -> str:
    """The same moment as Mailgun takes it: RFC 2822 with a numeric zone, the one that was given; it takes ISO 8601
    nowhere. Whoever reads it later can tell the hour in the words of whoever wrote it.

    Raises:
        ValueError: The text is no moment.
    """
    found = moment(value)
    if isinstance(value, str):
        given = _given(value.strip())
        offset = given.utcoffset() or timedelta()
        if offset.total_seconds() % 60 == 0:
            return format_datetime(given.replace(tzinfo=timezone(offset)))
    return format_datetime(found)


def now_told(now: float, zone: timezone | None = None) -> str:
    """The present, which nothing else tells a model: in UTC, and in a zone that was used beside it.

    Args:
        now: Unix seconds.
        zone: That of a moment that somebody gave; None or UTC where there is none.
    """
    told = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if zone is None or not zone.utcoffset(None):
        return told
    return f"{told}, which is {datetime.fromtimestamp(now, zone).isoformat(timespec='seconds')}"


def zone_of(value: object) -> timezone | None:
    """The zone, other than UTC, in which a moment was written; None for all else."""
    try:
        offset = _given(value.strip()).utcoffset() if isinstance(value, str) else None
    except ValueError:
        return None
    return timezone(offset) if offset else None


def _given(text: str) -> datetime:
    """A moment in the zone that it was given in."""
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return _epoch(float(text))
    parsed = _iso(text) or _rfc2822(text)
    if parsed is None:
        raise ValueError("is not a date")
    if parsed.tzinfo is None:
        raise ValueError("has no time zone")
    return parsed


def _epoch(seconds: float) -> datetime:
    # Compared before it is converted: a whole number may be too large for a float.
    if not 0 <= seconds < _LATEST:
        raise ValueError("is no time in epoch seconds")
    return datetime.fromtimestamp(seconds, UTC)


def _iso(text: str) -> datetime | None:
    try:
        if len(text) == len("2026-01-31"):
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _rfc2822(text: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    # "-0000" is RFC 2822 for "UTC, local zone unknown"; the parser returns it without a zone.
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None and text.rstrip().endswith("-0000") else parsed

"""Mailgun's dates: one way in (RFC 2822, sometimes epoch seconds), four ways out."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_RFC_2822 = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),\s*)?\d{1,2}\s+"
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\s+\d{4}\s+"
    r"\d{2}:\d{2}(?::\d{2})?\s+(?:[+-]\d{4}|GMT|UTC|UT|[ECMP][SD]T)",
    re.IGNORECASE,
)
_EPOCH = re.compile(r"\d{1,11}(?:\.\d+)?")


def _printed(moment: float, zone: str) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%a, %d %b %Y %H:%M:%S ") + zone


def gmt(moment: float) -> str:
    """Domains and routes."""
    return _printed(moment, "GMT")


def utc(moment: float) -> str:
    """Suppressions, templates and statistics."""
    return _printed(moment, "UTC")


def minus_zero(moment: float) -> str:
    """Mailing lists."""
    return _printed(moment, "-0000")


def plus_zero(moment: float) -> str:
    """SMTP credentials."""
    return _printed(moment, "+0000")


def rfc3339(moment: float) -> str:
    """Tags."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_micro(moment: float) -> str:
    """Maton's connections."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_rfc2822(text: str) -> float | None:
    """Epoch seconds of an RFC 2822 date, or None. ISO 8601 is None, as no operation accepts it."""
    if not _RFC_2822.fullmatch(text.strip()):
        return None
    try:
        moment = parsedate_to_datetime(text.strip())
    except ValueError:
        return None
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return seconds if seconds >= 0 else None


def parse_moment(text: str) -> float | None:
    """Epoch seconds of an RFC 2822 date or of epoch seconds, or None."""
    if _EPOCH.fullmatch(text.strip()):
        return float(text)
    return parse_rfc2822(text)

"""When to try again: (access, attempt, outcome) -> seconds, or None to stop. Pure.

Reads go again on a connection that failed, on too many requests and on server errors. A write goes again only while
no byte of it has left: everything else could make one yes two writes.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from maton_mailgun.catalogue.operation import Access

ATTEMPTS = 4
LONGEST_WAIT = 20.0
"""Seconds a call may be kept waiting; a longer wait is told to the caller instead."""
_BASE = 0.5
_AGAIN = frozenset({420, 429})
_FAILED = frozenset({500, 502, 503, 504})
_NUMBER = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,18})?")
_SECONDS = re.compile(r"try again after ([0-9]{1,18}(?:\.[0-9]{1,18})?) ?s", re.IGNORECASE)
_DATE = re.compile(r"try again after ([A-Z][a-z]{2}, [^\"}]+?(?:UTC|GMT|[+-]\d{4}))")


def after_reply(access: Access, attempt: int, status: int, wait: float | None, *, jitter: float) -> float | None:
    """Seconds until the next attempt after an answer with this status.

    Args:
        access: What the call does.
        attempt: How many were made, from 1.
        status: HTTP status of the answer.
        wait: What the service asked for, from `asked_wait`.
        jitter: From 0 to 1, spreads clients that failed together.
    """
    if access != "read" or attempt >= ATTEMPTS or status not in _AGAIN | _FAILED:
        return None
    seconds = wait if wait is not None else _backoff(attempt, jitter)
    return seconds if seconds <= LONGEST_WAIT else None


def after_failure(access: Access, attempt: int, *, sent: bool, jitter: float) -> float | None:
    """Seconds until the next attempt after a connection that failed; `sent` says whether bytes may have left."""
    if attempt >= ATTEMPTS or (sent and access != "read"):
        return None
    return _backoff(attempt, jitter)


def asked_wait(headers: Mapping[str, str], body: bytes, now: float) -> float | None:
    """How long the service asks to wait, in seconds; None where it says nothing.

    Understands `Retry-After` (seconds or date), `{"retry-seconds": 60}` (Mailgun's domains and webhooks), the texts
    "try again after 120 seconds" and "try again after <date>", and `X-RateLimit-Reset` in seconds or milliseconds
    (recorded in milliseconds).
    """
    found = _header_wait(headers, now)
    if found is None:
        found = _body_wait(body, now)
    if found is None and headers.get("x-ratelimit-remaining") == "0":
        found = _reset_wait(headers.get("x-ratelimit-reset", ""), now)
    return max(0.0, found) if found is not None and math.isfinite(found) else None


def _backoff(attempt: int, jitter: float) -> float:
    return _BASE * float(2 ** (attempt - 1)) * (0.5 + jitter)


def _header_wait(headers: Mapping[str, str], now: float) -> float | None:
    value = headers.get("retry-after", "").strip()
    if _NUMBER.fullmatch(value):
        return float(value)
    return _until(value, now) if value else None


def _body_wait(body: bytes, now: float) -> float | None:
    text = body[:4000].decode("utf-8", "replace")
    try:
        parsed = json.loads(text, parse_int=float)
    except (ValueError, RecursionError):
        parsed = None
    told = parsed.get("retry-seconds") if isinstance(parsed, dict) else None
    if isinstance(told, float):
        return told
    if seconds := _SECONDS.search(text):
        return float(seconds[1])
    date = _DATE.search(text)
    return _until(date[1].replace("UTC", "+0000"), now) if date else None


def _reset_wait(value: str, now: float) -> float | None:
    if not _NUMBER.fullmatch(value):
        return None
    moment = float(value)
    return (moment / 1000 if moment > 1e11 else moment) - now


def _until(text: str, now: float) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() - now
    except (ValueError, TypeError, IndexError, OverflowError):
        return None

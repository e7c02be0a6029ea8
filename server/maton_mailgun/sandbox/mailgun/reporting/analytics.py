"""Account-wide numbers and logs of version 1: questions with JSON bodies, answers with pagination in them."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from maton_mailgun.sandbox.account.eventlog import Event
from maton_mailgun.sandbox.account.mailgun_account import Domain, MailgunAccount, Message
from maton_mailgun.sandbox.mailgun.reporting.eventview import show
from maton_mailgun.sandbox.mailgun.reporting.stats import bucket_start, months_back
from maton_mailgun.sandbox.mailgun.times import parse_moment
from maton_mailgun.sandbox.web.calls import Call, HttpAnswer, Record, ok, refuse
from maton_mailgun.sandbox.web.router import MailgunOperation

_DAY = 86_400.0
_MOST = 1_000
_USUAL = {"metrics": 1_500, "logs": 50}
_KINDS = ("accepted", "delivered", "failed", "opened", "clicked", "unsubscribed", "complained", "stored")
_COUNTS: dict[str, Callable[[Counter[str]], int]] = {
    **{f"{kind}_count": lambda found, kind=kind: found[kind] for kind in _KINDS},  # type: ignore[misc]
    "permanent_failed_count": lambda found: found["failed.permanent"],
    "temporary_failed_count": lambda found: found["failed.temporary"],
    "sent_count": lambda found: found["delivered"] + found["failed.permanent"],
    "processed_count": lambda found: found["accepted"],
}
_RATES = {
    "delivered_rate": ("delivered", "accepted"),
    "fail_rate": ("failed", "accepted"),
    "permanent_fail_rate": ("failed.permanent", "accepted"),
    "temporary_fail_rate": ("failed.temporary", "accepted"),
    "opened_rate": ("opened", "delivered"),
    "clicked_rate": ("clicked", "delivered"),
    "unsubscribed_rate": ("unsubscribed", "delivered"),
    "complained_rate": ("complained", "delivered"),
}
_Found = tuple[Domain, Event, Message]
_VALUES: dict[str, Callable[[_Found], list[str]]] = {
    "domain": lambda found: [found[0].name],
    "tag": lambda found: found[2].tags,
    "recipient": lambda found: [found[1].recipient],
    "recipient_domain": lambda found: [found[1].recipient.rpartition("@")[2]],
    "event": lambda found: [found[1].kind],
    "subject": lambda found: [found[2].subject],
    "from": lambda found: [found[2].sender],
    "message_id": lambda found: [found[2].id.strip("<>")],
}
_DIMENSIONS = ("domain", "tag", "recipient_domain")


def _question(call: Call) -> Record:
    question = call.json
    if not isinstance(question, dict):
        raise refuse(400, "invalid request body")
    for name, kind in (
        ("filter", dict),
        ("pagination", dict),
        ("metrics", list),
        ("dimensions", list),
        ("events", list),
    ):
        if not isinstance(question.get(name, kind()), kind):
            raise refuse(400, f"invalid {name}")
    return question


def _moment(question: Record, name: str) -> float | None:
    given = question.get(name)
    moment = parse_moment(given) if isinstance(given, str) else None
    if given is not None and moment is None:
        raise refuse(400, f"invalid {name}: {given}")
    return moment


def _period(question: Record, now: float) -> tuple[float, float]:
    end = _moment(question, "end") or now
    duration = question.get("duration")
    if duration is None:
        start = _moment(question, "start")
        return (end - 7 * _DAY if start is None else start), end
    unit, number = str(duration)[-1:], str(duration)[:-1]
    if unit not in ("h", "d", "m") or not number.isdigit():
        raise refuse(400, f"invalid duration: {duration}")
    if unit == "m":
        return months_back(end, int(number)), end
    return end - int(number) * (3_600.0 if unit == "h" else _DAY), end


def _conditions(question: Record) -> list[tuple[Callable[[_Found], list[str]], str, list[str]]]:
    found = []
    conditions = question.get("filter", {}).get("AND", [])
    if not isinstance(conditions, list) or not all(isinstance(one, dict) for one in conditions):
        raise refuse(400, "invalid filter")
    for one in conditions:
        attribute, comparator = str(one.get("attribute")), str(one.get("comparator"))
        if not all(isinstance(value, dict) for value in one.get("values", [])):
            raise refuse(400, "invalid filter values")
        if attribute not in _VALUES:
            raise refuse(400, f"invalid filter attribute: {attribute}")
        if comparator not in ("=", "!=", "contains", "not contains"):
            raise refuse(400, f"invalid filter comparator: {comparator}")
        wanted = [str(value.get("value", "")).casefold() for value in one.get("values", [])]
        found.append((_VALUES[attribute], comparator, wanted))
    return found


def _events(account: MailgunAccount, question: Record, start: float, end: float) -> Iterator[_Found]:
    conditions = _conditions(question)
    for domain in account.domains.values():
        for event in domain.log.everything.upward(None, start, end):
            found = (domain, event, domain.messages[event.message_key])
            if all(_passes(values(found), comparator, wanted) for values, comparator, wanted in conditions):
                yield found


def _passes(values: list[str], comparator: str, wanted: list[str]) -> bool:
    have = [value.casefold() for value in values]
    if "contains" in comparator:
        holds = any(text in value for value in have for text in wanted)
    else:
        holds = any(value in wanted for value in have)
    return holds is not (comparator in ("!=", "not contains"))


def _page(question: Record, kind: str) -> tuple[Record, int]:
    pagination = question.get("pagination") or {}
    limit = pagination.get("limit", _USUAL[kind])
    if not isinstance(limit, int) or not 1 <= limit <= max(_MOST, _USUAL[kind]):
        raise refuse(400, "invalid pagination limit")
    return pagination, limit


def query_metrics(account: MailgunAccount, call: Call) -> HttpAnswer:
    question = _question(call)
    start, end = _period(question, account.now)
    metrics, dimensions = question.get("metrics") or [], question.get("dimensions") or []
    for name in metrics:
        if str(name) not in {*_COUNTS, *_RATES}:
            raise refuse(400, f"invalid metric: {name}")
    for name in dimensions:
        if str(name) not in ("time", *_DIMENSIONS):
            raise refuse(400, f"invalid dimension: {name}")
    resolution = question.get("resolution") or "day"
    pagination, limit = _page(question, "metrics")
    skip = pagination.get("skip", 0)
    if not isinstance(skip, int) or skip < 0:
        raise refuse(400, "invalid pagination skip")
    groups: dict[tuple[str, ...], Counter[str]] = {}
    together: Counter[str] = Counter()
    for found in _events(account, question, start, end):
        _count(together, found[1])
        for key in _keys(found, dimensions, resolution):
            _count(groups.setdefault(key, Counter()), found[1])
    items = [
        {
            "dimensions": [
                {"dimension": name, "value": value, "display_value": value}
                for name, value in zip(dimensions, key, strict=True)
            ],
            "metrics": _numbers(metrics, counts),
        }
        for key, counts in groups.items()
    ]
    told: Record = {
        "start": _utc(start),
        "end": _utc(end),
        "resolution": resolution,
        "duration": question.get("duration", ""),
        "dimensions": dimensions,
        "pagination": {"sort": pagination.get("sort", ""), "skip": skip, "limit": limit, "total": len(items)},
        "items": items[skip : skip + limit],
    }
    if question.get("include_aggregates"):
        told["aggregates"] = {"metrics": _numbers(metrics, together)}
    return ok(told)


def _keys(found: _Found, dimensions: list[str], resolution: str) -> list[tuple[str, ...]]:
    keys: list[tuple[str, ...]] = [()]
    for name in dimensions:
        if name == "time":
            values = [_utc(bucket_start(found[1].timestamp, resolution).timestamp())]
        else:
            values = _VALUES[name](found)
        keys = [(*key, value) for key in keys for value in values]
    return keys


def _count(counts: Counter[str], event: Event) -> None:
    counts[event.kind] += 1
    if event.kind == "failed":
        counts[f"failed.{event.extra['severity']}"] += 1


def _numbers(metrics: list[str], counts: Counter[str]) -> Record:
    return {name: _COUNTS[name](counts) if name in _COUNTS else _rate(counts, *_RATES[name]) for name in metrics}


def _rate(counts: Counter[str], part: str, whole: str) -> str:
    return f"{counts[part] / counts[whole]:.4f}" if counts[whole] else "0.0000"


def query_logs(account: MailgunAccount, call: Call) -> HttpAnswer:
    question = _question(call)
    start, end = _period(question, account.now)
    pagination, limit = _page(question, "logs")
    kinds = question.get("events") or []
    found = [one for one in _events(account, question, start, end) if not kinds or one[1].kind in kinds]
    newest_first = pagination.get("sort", "timestamp:desc") != "timestamp:asc"
    found.sort(key=lambda one: one[1].position, reverse=newest_first)
    at = _place(pagination.get("token"))
    told: Record = {
        "start": _utc(start),
        "end": _utc(end),
        "items": [_entry(*one) for one in found[at : at + limit]],
        "pagination": {
            "previous": _token(max(0, at - limit)),
            "next": _token(min(at + limit, len(found))),
            "first": _token(0),
            "last": _token(max(0, len(found) - limit)),
            "total": len(found),
        },
    }
    if question.get("include_totals"):
        told["aggregates"] = {"all": len(found), "metrics": dict(Counter(one[1].kind for one in found))}
    return ok(told)


def _entry(domain: Domain, event: Event, message: Message) -> Record:
    seen = show(domain, event)
    when = datetime.fromtimestamp(seen.pop("timestamp"), UTC).isoformat(timespec="milliseconds")
    seen["user-variables"] = str(seen.get("user-variables") or "")
    seen["flags"] = {"is-delayed-bounce": False, "is-callback": False, **seen["flags"]}
    if "storage" in seen:
        seen["storage"] = {**seen["storage"], "url": [seen["storage"]["url"]]}
    return {**seen, "@timestamp": when.replace("+00:00", "Z"), "domain": {"name": domain.name}}


def _token(place: int) -> str:
    return urlsafe_b64encode(f"logs {place}".encode()).decode()


def _place(token: Any) -> int:
    if token is None:
        return 0
    try:
        word, _, place = urlsafe_b64decode(str(token).encode()).decode().partition(" ")
        if word == "logs":
            return int(place)
    except (ValueError, UnicodeDecodeError):
        pass
    raise refuse(400, "invalid pagination token")


def _utc(moment: float) -> str:
    return format_datetime(datetime.fromtimestamp(moment, UTC))


OPERATIONS = (
    MailgunOperation("POST", "/v1/analytics/metrics", query_metrics),
    MailgunOperation("POST", "/v1/analytics/logs", query_logs),
)

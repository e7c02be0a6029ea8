"""An invitation that was sent, read again from its message: what a later version of it takes over.

Only an entry that says clearly what it is counts: one event, one number, no repetition. What it holds is text again, to
be held to the rules as if it were given.
"""

from __future__ import annotations

import email
from datetime import datetime
from email import policy
from email.message import EmailMessage
from typing import Any
from zoneinfo import ZoneInfo

from maton_mailgun.mail.addresses import parse_all
from maton_mailgun.mail.unclear import Unclear

_REPEATS = ("rrule", "rdate", "exdate", "recurrence-id", "duration")
_NEEDED = ("uid", "organizer", "attendee", "summary", "dtstart", "dtend")
_GIVE = "Give uid and sequence from its answer, with all that it shall say"


def read(message: bytes) -> dict[str, Any]:
    """The arguments that would make the invitation of a message, its number (`uid`) and its version (`sequence`).

    Raises:
        Unclear: It carries none, or one that cannot be read clearly.
    """
    try:
        calendar, event = _entry(message)
        start, end = (_moment(event, name) for name in ("dtstart", "dtend"))
        zone = _zone(str(calendar.get("x-wr-timezone", "UTC")))
        people = event["attendee"]
        found = {
            "uid": str(event["uid"]),
            "sequence": int(event.get("sequence", 0)),
            "organizer": _person(event["organizer"]),
            "attendees": [_person(one) for one in (people if isinstance(people, list) else [people])],
            "title": str(event["summary"]),
            "start": start.astimezone(zone).isoformat(timespec="minutes"),
            "end": end.astimezone(zone).isoformat(timespec="minutes"),
            "time_zone": zone.key,
        }
        texts = {name: str(event[name]) for name in ("location", "description") if name in event}
    except Unclear:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, LookupError):
        raise Unclear("cannot be read as an invitation", _GIVE) from None
    return found | texts


def _entry(message: bytes) -> tuple[Any, Any]:
    from icalendar import Calendar

    parts = [
        part
        for part in email.message_from_bytes(message, policy=policy.default).walk()
        if part.get_content_type() == "text/calendar"
    ]
    if len(parts) != 1 or not isinstance(parts[0], EmailMessage):  # guard: 355-one
        raise Unclear("carries no invitation, or more than one", _GIVE)
    calendar = Calendar.from_ical(str(parts[0].get_content()))
    events = calendar.walk("VEVENT")
    if calendar.name != "VCALENDAR":
        raise Unclear("carries no calendar entry", _GIVE)
    if str(calendar.get("method", "")).upper() != "REQUEST":  # guard: 355-request
        raise Unclear("is no invitation: it cancels one, or tells of one", _GIVE)
    if len(events) != 1 or any(name in events[0] for name in _REPEATS):
        raise Unclear("invites to more than one appointment", _GIVE)
    (event,) = events
    if any(name not in event or (name != "attendee" and isinstance(event[name], list)) for name in _NEEDED):
        raise Unclear("does not say all that an invitation says, once", _GIVE)
    return calendar, event


def _moment(event: Any, name: str) -> datetime:
    found = event.decoded(name)
    if not isinstance(found, datetime) or found.tzinfo is None:
        raise Unclear("has times that are in no zone", _GIVE)
    return found


def _person(value: Any) -> str:
    scheme, _, address = str(value).partition(":")
    found = parse_all(address)
    if scheme.casefold() != "mailto" or len(found) != 1 or found[0].problems:
        raise Unclear("invites somebody who has no address", _GIVE)
    name = str(value.params.get("CN", "")).strip()
    if not name:
        return address
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>'


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")

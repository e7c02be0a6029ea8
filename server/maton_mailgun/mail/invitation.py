"""A calendar invitation as a ready message: words for people, and the entry (RFC 5545) that programs take up.

The same arguments make the same bytes, whenever they are asked for: a yes is bound to them. So the entry's number is
made of what it says, and its stamp is a fixed one (RFC 5546, 2.1.5, uses it to tell versions of one entry apart).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from typing import Any
from zoneinfo import ZoneInfo

from maton_mailgun.mail.addresses import Address, parse_all
from maton_mailgun.mail.unclear import Unclear

LONGEST = timedelta(days=31)
_STAMP = datetime(2000, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = 2000, 2100
"""Years that programs know."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """What is invited to."""

    title: str
    start: datetime
    """In the zone that was given."""
    end: datetime
    zone: str
    sender: str
    """Name and address of From, as it goes on the wire."""
    organizer: Address
    attendees: tuple[Address, ...]
    location: str = ""
    description: str = ""
    uid: str = ""
    """Of the invitation that this one changes or cancels; its own where it is the first."""
    sequence: int = 0
    """Which version of it: programs go by the highest (RFC 5546, 2.1.4)."""
    cancels: bool = False

    @property
    def number(self) -> str:
        """The entry's UID: the same for the same invitation, so that one that comes twice stands once in a calendar,
        and for all its later versions."""
        return self.uid or _number(self)

    @property
    def method(self) -> str:
        """What programs do with it."""
        return "CANCEL" if self.cancels else "REQUEST"

    @property
    def subject(self) -> str:
        """The title, after what becomes of it."""
        return f"{'Cancelled: ' if self.cancels else 'Changed: ' if self.sequence else ''}{self.title}"

    @property
    def when(self) -> str:
        """Begin and end in words, in the zone that was given."""
        return f"{_span(self.start, self.end)} {self.zone}"

    @property
    def when_utc(self) -> str:
        """The same in UTC."""
        return f"{_span(self.start.astimezone(UTC), self.end.astimezone(UTC))} UTC"

    @property
    def lasts(self) -> str:
        """How long it is: `1 h 30 min`."""
        minutes = int((self.end.astimezone(UTC) - self.start.astimezone(UTC)).total_seconds()) // 60
        parts = ((minutes // 1440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "min"))
        return " ".join(f"{number} {unit}" for number, unit in parts if number)


def read(arguments: Mapping[str, Any]) -> Invitation:
    """The invitation that the arguments of a call describe.

    Raises:
        Unclear: A zone that is not known, a time that is none or two in that zone, or an end that is not after the
            start; its first word is the argument.
    """
    zone = _zone(str(arguments["time_zone"]))
    start, end = (_moment(name, str(arguments[name]), zone) for name in ("start", "end"))
    lasts = end.astimezone(UTC) - start.astimezone(UTC)
    if not timedelta(0) < lasts <= LONGEST:  # guard: 219-order
        wrong = (
            "is not after the start" if lasts <= timedelta(0) else f"is more than {LONGEST.days} days after the start"
        )
        raise Unclear(f"end {wrong}", "Give start and end of one appointment")
    (sender,) = parse_all(str(arguments["from"]))
    organizer = parse_all(str(arguments["organizer"]))[0] if "organizer" in arguments else sender
    uid, sequence = str(arguments.get("uid", "")), int(arguments.get("sequence", 0))
    if bool(uid) != (sequence > 0) or bool(uid) != ("changes" in arguments or "cancels" in arguments):
        raise Unclear("uid goes with sequence, and with changes or cancels", "Leave it out for a first invitation")
    return Invitation(
        str(arguments["title"]),
        start,
        end,
        zone.key,
        sender.written,
        organizer,
        tuple(parse_all([str(one) for one in arguments["attendees"]])),
        str(arguments.get("location", "")),
        str(arguments.get("description", "")).replace("\r\n", "\n").replace("\r", "\n"),
        uid,
        sequence,
        "cancels" in arguments,
    )


def composed(invited: Invitation) -> bytes:
    """The message, with lines that end as they do on the wire."""
    entry = _entry(invited)
    message = EmailMessage(policy=policy.SMTP.clone(max_line_length=78, cte_type="7bit"))
    message["From"] = invited.sender
    message["To"] = ", ".join(one.written for one in invited.attendees)
    message["Subject"] = invited.subject
    message["MIME-Version"] = "1.0"
    message.set_content(_words(invited))
    message.add_alternative(entry.decode("utf-8"), subtype="calendar")
    calendar = message.get_payload(1)
    assert isinstance(calendar, EmailMessage)  # noqa: S101 - for the type
    # Programs make an invitation with buttons of it only where the part says the method too (RFC 6047, 2.4).
    calendar.set_param("method", invited.method)
    message.set_boundary(f"invitation-{hashlib.sha256(entry).hexdigest()[:32]}")
    return message.as_bytes()


def _entry(invited: Invitation) -> bytes:
    from icalendar import Calendar, Event, vCalAddress, vText

    calendar, event = Calendar(), Event()
    for name, value in (("prodid", "-//maton-mailgun//invitation//EN"), ("version", "2.0"), ("method", invited.method)):
        calendar.add(name, value)
    # For a later version, which is made of this one; times are in UTC, whatever it says.
    calendar.add("x-wr-timezone", invited.zone)
    event.add("uid", invited.number)
    event.add("dtstamp", _STAMP + timedelta(minutes=invited.sequence))
    # In UTC: no program can take it for another time, whatever it knows of zones.
    event.add("dtstart", invited.start.astimezone(UTC))
    event.add("dtend", invited.end.astimezone(UTC))
    event.add("summary", invited.title)
    for name, text in (("location", invited.location), ("description", invited.description)):
        if text:
            event.add(name, text)
    event.add("organizer", _person(vCalAddress, vText, invited.organizer, {}))
    asked = {"cutype": "INDIVIDUAL", "role": "REQ-PARTICIPANT", "partstat": "NEEDS-ACTION", "rsvp": "TRUE"}
    if invited.cancels:
        asked = {"cutype": "INDIVIDUAL", "role": "REQ-PARTICIPANT"}
    for one in invited.attendees:
        event.add("attendee", _person(vCalAddress, vText, one, asked))
    event.add("sequence", invited.sequence)
    event.add("status", "CANCELLED" if invited.cancels else "CONFIRMED")
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def _person(kind: Any, text: Any, one: Address, parameters: Mapping[str, str]) -> Any:
    person = kind(f"mailto:{one.address}")
    if one.name:
        # No reader agrees with another on how a quotation mark is written in a parameter (RFC 6868).
        person.params["cn"] = text(one.name.replace('"', "'"))
    for name, value in parameters.items():
        person.params[name] = text(value)
    return person


def _number(invited: Invitation) -> str:
    said = [
        invited.title, invited.start.isoformat(), invited.end.isoformat(), invited.organizer.key,
        *(one.key for one in invited.attendees), invited.location, invited.description,
    ]  # fmt: skip
    digest = hashlib.sha256(json.dumps(said, ensure_ascii=True).encode("ascii")).hexdigest()[:32]
    return f"{digest}@{invited.organizer.ascii_domain}"


def _words(invited: Invitation) -> str:
    lines = [invited.title, ""]
    if invited.cancels:
        lines += ["This appointment is cancelled.", ""]
    elif invited.sequence:
        lines += ["This appointment has changed. It is now as follows.", ""]
    lines += [f"When: {invited.when}", f"      {invited.when_utc}"]
    lines += [f"Where: {invited.location}"] if invited.location else []
    lines += [f"Organiser: {invited.organizer.written}"]
    lines += ["", invited.description] if invited.description else []
    return "\n".join(lines) + "\n"


def _span(start: datetime, end: datetime) -> str:
    same_day = start.date() == end.date()
    return (
        f"{start:%a %Y-%m-%d %H:%M} to {end:%H:%M}"
        if same_day
        else f"{start:%a %Y-%m-%d %H:%M} to {end:%a %Y-%m-%d %H:%M}"
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Unclear("time_zone is not known", "Give a name such as Europe/Berlin, or UTC") from None


def _moment(name: str, text: str, zone: ZoneInfo) -> datetime:
    """A time of that zone: as it stands on a clock there, or with an offset, which counts."""
    try:
        given = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Unclear(f"{name} is no date and time", "Give ISO 8601, such as 2026-12-01T10:00") from None
    if len(text.strip()) <= len("2026-12-01") or given.second or given.microsecond:
        raise Unclear(f"{name} is no date with hour and minute", "Give ISO 8601, such as 2026-12-01T10:00")
    if not _EARLIEST <= given.year <= _LATEST:
        raise Unclear(f"{name} is in a year that programs do not know", "Give a time to come")
    if given.tzinfo is not None:
        return given.astimezone(zone)
    local = given.replace(tzinfo=zone)
    back = local.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    if back != given:  # guard: 219-gap
        raise Unclear(
            f"{name} is a time that clocks in {zone.key} skip", "Give another, or one with its offset from UTC"
        )
    if local.utcoffset() != local.replace(fold=1).utcoffset():  # guard: 219-twice
        raise Unclear(
            f"{name} is an hour that clocks in {zone.key} show twice", "Give it with its offset, such as 02:30+01:00"
        )
    return local

"""When a calendar entry is: in its own time and in UTC, and where its table of a zone is not that zone.

RFC 5545, 3.6.5, lets an entry bring the rules of a zone along. Outlook and Apple's Calendar go by these, Google's by
the name of the zone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from maton_mailgun.mail.text import short

_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?")
_OFFSET = re.compile(r"([+-])(\d\d)(\d\d)(?:\d\d)?")
_NTH_DAY = re.compile(r"([+-]?\d)?(MO|TU|WE|TH|FR|SA|SU)")
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_ZONE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+\-]*(?:/[A-Za-z0-9_+\-]+)*")


@dataclass(frozen=True, slots=True)
class _Rule:
    """From when on, each year or once, clocks are set so far from UTC."""

    begin: datetime
    offset: timedelta
    month: int = 0
    nth: int = 0
    weekday: int = 0

    def onset(self, year: int) -> datetime | None:
        """When it begins in that year, in local time."""
        if not self.month:
            return self.begin if year >= self.begin.year else None
        if year < self.begin.year:
            return None
        first = self.begin.replace(year=year, month=self.month, day=1)
        after = first.replace(year=year + self.month // 12, month=self.month % 12 + 1)
        days = [first + timedelta(days=number) for number in range((after - first).days)]
        fitting = [day for day in days if day.weekday() == self.weekday]
        return fitting[self.nth - 1 if self.nth > 0 else self.nth]


@dataclass(slots=True)
class Zones:
    """The tables of zones in one entry, by name."""

    rules: dict[str, list[_Rule]] = field(default_factory=dict)

    @classmethod
    def of(cls, found: Iterable[tuple[str, str]]) -> Zones:
        """The tables among properties, which are lower-case names with values."""
        zones, name, within = cls(), "", False
        part: dict[str, str] = {}
        for key, value in found:
            word = value.strip()
            if key == "begin" and word.casefold() == "vtimezone":
                within, name = True, ""
            elif key == "end" and word.casefold() == "vtimezone":
                within = False
            elif within and key == "tzid":
                name = word
                zones.rules.setdefault(name, [])
            elif within and key == "begin":
                part = {}
            elif within and key == "end":
                if (rule := _rule(part)) is not None:
                    zones.rules.setdefault(name, []).append(rule)
            elif within:
                part[key] = word
        return zones

    def offset(self, name: str, local: datetime) -> timedelta | None:
        """How far from UTC clocks are by the table of that name; None where there is none or it says nothing."""
        onsets = [
            (onset, rule.offset)
            for rule in self.rules.get(name, [])
            for year in (local.year - 1, local.year)
            if (onset := rule.onset(year)) is not None and onset <= local
        ]
        return max(onsets)[1] if onsets else None


def told(text: str, zone: str, zones: Zones) -> tuple[str, str]:
    """A time in words, and what is doubtful about it, or the empty string.

    Args:
        text: `20261201T100000Z`, `20261201T100000` or `20261201`.
        zone: The name of its zone, or the empty string.
        zones: The tables of zones that the entry brings along.
    """
    found = _MOMENT.fullmatch(text.strip().partition("/")[0])
    if found is None:
        return text.strip(), ""
    try:
        numbers = [int(one) for one in found.groups()[:6] if one]
        local = datetime(*numbers)  # type: ignore[arg-type]
    except ValueError:
        return text.strip(), ""
    if not found[4]:
        return f"{local:%Y-%m-%d}, all day", ""
    if found[7]:
        return f"{local:%Y-%m-%d %H:%M} UTC", ""
    if not zone:
        return f"{local:%Y-%m-%d %H:%M} wherever the reader is", ""
    name = short(zone, 100)
    try:
        offsets = _offset_of(zone, local), zones.offset(zone, local)
        in_utc = [f"{local - offset:%Y-%m-%d %H:%M} UTC" for offset in offsets if offset is not None]
    except (ValueError, OverflowError):
        return text.strip(), f"it is in a year that programs do not know: {short(text, 40)}."
    words = f"{local:%Y-%m-%d %H:%M} {name}, {' or '.join(dict.fromkeys(in_utc)) or 'of which the UTC is not known'}"
    if len(set(in_utc)) > 1:
        return words, f"its table of {name} is not that of the zone: it begins or ends at {' or '.join(in_utc)}."
    return words, "" if in_utc else f"it is in a zone that is not known: {name}."


def _offset_of(zone: str, local: datetime) -> timedelta | None:
    if not _ZONE_NAME.fullmatch(zone):
        return None
    try:
        return local.replace(tzinfo=ZoneInfo(zone)).utcoffset()
    except (KeyError, ValueError, OSError):
        return None


def _rule(part: Mapping[str, str]) -> _Rule | None:
    begin, offset = _MOMENT.fullmatch(part.get("dtstart", "")), _OFFSET.fullmatch(part.get("tzoffsetto", ""))
    if begin is None or offset is None or not begin[4]:
        return None
    spans = timedelta(hours=int(offset[2]), minutes=int(offset[3])) * (-1 if offset[1] == "-" else 1)
    try:
        start = datetime.strptime(begin[0].rstrip("Z"), "%Y%m%dT%H%M%S")
    except ValueError:
        return None
    every = dict(pair.partition("=")[::2] for pair in part.get("rrule", "").upper().split(";"))
    day = _NTH_DAY.fullmatch(every.get("BYDAY", ""))
    month = every.get("BYMONTH", "")
    nth = int(day[1] or 1) if day is not None else 0
    if day is None or not month.isdecimal() or not 1 <= int(month) <= 12 or not 1 <= abs(nth) <= 4:
        return _Rule(start, spans)
    return _Rule(start, spans, int(month), nth, _DAYS.index(day[2]))

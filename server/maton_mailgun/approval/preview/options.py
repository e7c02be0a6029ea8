"""Headers a call adds, when the message leaves, and every other switch: nothing that is sent stays unseen."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC
from email.utils import parsedate_to_datetime

from maton_mailgun.approval.preview import replies
from maton_mailgun.approval.preview.document import Row
from maton_mailgun.approval.preview.fields import row
from maton_mailgun.mail.hosts import place
from maton_mailgun.mail.letter import RECIPIENT_HEADERS, FormFields, Letter
from maton_mailgun.mail.text import count, moment, safe_line, short

_RECEIPTS = {"disposition-notification-to", "return-receipt-to", "x-confirm-reading-to"}
_SENDERS = {"from", "sender", "resent-from", "resent-sender"}
_RETURNS = {"return-path", "errors-to"}
_DAY = 86_400
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SPAN = re.compile(r"(?:(\d{1,4})h)?(?:(\d{1,4})m)?")
_READ_AS = "changes how the body is read"
_ANSWERS = "answers go here, not to From"
_RECIPIENTS = {name.casefold() for name in RECIPIENT_HEADERS}


def headers(sent: Letter) -> tuple[list[Row], list[str]]:
    """A row for each header, and warnings for those that change who sends, who gets or how the message is read."""
    rows, warnings = [], []
    for name, value in (*sent.headers, *sent.own_headers):
        told = remark(name)
        if (name, value) in sent.own_headers and told == _READ_AS:
            told = ""
        # Where answers go stands beside the sender too, if it is another address.
        again = name.casefold() == "reply-to" and len(sent.header("Reply-To")) == 1
        again = again and value.strip() != sent.sender.strip()
        rows.append(replace(row(safe_line(name), value, [told] if told else []), again=again))
        if told and told != _ANSWERS:
            warnings.append(f"The header {short(name, 60)} {told}: {short(value, 200)}")
    return rows, warnings


def remark(header: str) -> str:
    """What a header changes beside the text, in words; empty for most."""
    name = header.casefold()
    if name in _RECIPIENTS:
        return "names recipients; they may get a copy or be shown in place of the true ones"
    if name in _SENDERS:
        return "changes who seems to send"
    if name == "subject":
        return "replaces the subject"
    if name in _RETURNS:
        return "changes where bounces go"
    if name in _RECEIPTS:
        return "asks for a receipt to be sent there"
    if name.startswith("x-mailgun-") and name != "x-mailgun-variables":
        return "steers Mailgun"
    if name.startswith("x-mozilla-"):  # guard: 147-told
        return "may let Thunderbird open a file from elsewhere"
    if name.startswith("content-") or name == "mime-version":
        return _READ_AS
    return _ANSWERS if name == "reply-to" or name in replies.OTHERS else ""


def options(fields: FormFields, now: float) -> tuple[list[Row], list[str]]:
    """A row for each `o:` and `v:` field, and warnings for those that forward copies."""
    rows, warnings = [], []
    for name, value in fields.spread("o:"):
        known = name.casefold()
        if known == "deliverytime":
            rows.append(Row("Leaves at", schedule(value, now), again=True))
            warnings += _odd_time(value, now)
        elif known == "testmode":
            rows.append(row("Test mode", value))
        elif known == "archive-to":
            found = place(value)
            rows.append(row("Copies go to", value, [f"host {found.host}", *found.flags]))
            if found.flags:
                warnings.append(f"Copies go to {short(found.host or value, 253)}: {'; '.join(found.flags)}.")
        else:
            rows.append(row(_called(name), value, _in_words(value)))
    rows += [row(f"v:{safe_line(name)}", value, ["recipients can see it"]) for name, value in fields.spread("v:")]
    return rows, warnings


def _called(option: str) -> str:
    """An option in words: `Tracking clicks` of `tracking-clicks`."""
    name = safe_line(option.replace("-", " "))
    return f"{name[:1].upper()}{name[1:]}".replace("Dkim", "DKIM").replace("dkim", "DKIM").replace(" ip", " IP")


def _in_words(text: str) -> list[str]:
    """A span of time as people say it; nothing for all else."""
    found = _SPAN.fullmatch(text)
    numbers = [int(number or 0) for number in found.groups()] if found else []
    said = " ".join(count(number, unit) for number, unit in zip(numbers, ("hour", "minute"), strict=False) if number)
    return [said] if said else []


def _odd_time(text: str, now: float) -> list[str]:
    """What is odd about a delivery time. Mailgun takes 3 or 7 days ahead, by plan, and sends at once what is past."""
    when = _seconds(text)
    if when is None:
        return ["The delivery time cannot be read: the service will probably refuse it."]
    if when <= now:
        return ["The delivery time is past: it leaves at once."]
    if when > now + 7 * _DAY:
        return ["The delivery time is more than 7 days ahead: the service will refuse it."]
    if when > now + 3 * _DAY:
        return ["The delivery time is more than 3 days ahead: the service refuses that on smaller plans."]
    return []


def spread(fields: FormFields) -> str:
    """A sentence about copies that each leave at an hour of their own; empty where they do not.

    Mailgun's manual: Send Time Optimization waits up to the period, Timezone Optimization up to a day.
    """
    lines = [
        f" Each copy leaves at {short(hour, 40)} in its reader's time zone, up to a day later."
        for hour in fields.all("o:time-zone-localize")
    ]
    lines += [
        f" Each copy leaves when Mailgun thinks that its reader looks, up to {short(period, 40)} later."
        for period in fields.all("o:deliverytime-optimize-period")
    ]
    return "".join(lines)  # guard: 152-spread


def waits_until(fields: FormFields, now: float) -> float | None:
    """When it leaves, in Unix seconds, if that is ahead."""
    times = [_seconds(text) for text in fields.all("o:deliverytime")]
    return times[-1] if times and times[-1] is not None and times[-1] > now else None


def leaving(text: str, now: float) -> str:
    """A delivery time, and what a person should know of mail that waits: only Mailgun's own pages can drop it."""
    when = _seconds(text)
    waits = when is not None and when > now
    return schedule(text, now) + ("; even before then it cannot be stopped from here" if waits else "")


def _seconds(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def schedule(text: str, now: float) -> str:
    """A delivery time, absolute and from now."""
    when = _seconds(text)
    if when is None:
        return safe_line(text)
    minutes = round(abs(when - now) / 60)
    days, hours = divmod(minutes // 60, 24)
    parts = [(days, "day"), (hours, "hour"), (minutes % 60, "minute")]
    span = " ".join([count(number, unit) for number, unit in parts if number][:2]) or "less than a minute"
    told = f"{_weekday(text)} {_in_its_zone(text) or moment(when)}"
    return f"{told} (in {span})" if when > now else f"{told} ({span} ago, so at once)"


def _weekday(text: str) -> str:
    """The day of the week in the zone in which a moment was written, whatever the machine's language."""
    return _WEEKDAYS[parsedate_to_datetime(text).weekday()]


def _in_its_zone(text: str) -> str:
    """A moment as it was written, in another zone than UTC, and in UTC too; empty where it is in that."""
    at = parsedate_to_datetime(text)
    if not at.utcoffset():
        return ""
    there = moment(at.replace(tzinfo=UTC).timestamp()).removesuffix("UTC")
    return f"{there}{at:%z} ({moment(at.timestamp())})"

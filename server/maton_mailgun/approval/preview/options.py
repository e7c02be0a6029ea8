"""Headers a call adds, when the message leaves, and every other switch: nothing that is sent stays unseen."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

from maton_mailgun.approval.preview.fields import whole
from maton_mailgun.approval.preview.proposal import Row
from maton_mailgun.mail.hosts import place
from maton_mailgun.mail.letter import RECIPIENT_HEADERS, FormFields, Letter
from maton_mailgun.mail.text import count, moment, safe_line, short

_RECEIPTS = {"disposition-notification-to", "return-receipt-to", "x-confirm-reading-to"}
_SENDERS = {"from", "sender", "resent-from", "resent-sender"}
_RETURNS = {"return-path", "errors-to"}
_READ_AS = "changes how the body is read"
_ANSWERS = "answers go here, not to From"
_RECIPIENTS = {name.casefold() for name in RECIPIENT_HEADERS}


def headers(sent: Letter) -> tuple[list[Row], list[str]]:
    """A row for each header, and warnings for those that change who sends, who gets or how the message is read."""
    rows, warnings = [], []
    for name, value in (*sent.headers, *sent.own_headers):
        remark = _remark(name.casefold())
        if (name, value) in sent.own_headers and remark == _READ_AS:
            remark = ""
        rows.append(Row(short(name, 100), safe_line(value), [remark] if remark else []))
        if remark and remark != _ANSWERS:
            warnings.append(f"The header {short(name, 60)} {remark}: {short(value, 200)}")
    return rows, warnings


def _remark(name: str) -> str:
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
    if name.startswith("content-") or name == "mime-version":
        return _READ_AS
    return _ANSWERS if name == "reply-to" else ""


def options(fields: FormFields, now: float) -> tuple[list[Row], list[str]]:
    """A row for each `o:` and `v:` field, and warnings for those that forward copies."""
    rows, warnings = [], []
    for name, value in fields.spread("o:"):
        known = name.casefold()
        if known == "deliverytime":
            rows.append(Row("Leaves at", schedule(value, now)))
        elif known == "testmode":
            rows.append(Row("Test mode", short(value, 100)))
        elif known == "archive-to":
            found = place(value)
            rows.append(Row("Copies go to", short(value, 500), [f"host {found.host}", *found.flags]))
            if found.flags:
                warnings.append(f"Copies go to {short(found.host or value, 253)}: {'; '.join(found.flags)}.")
        else:
            rows.append(Row(f"o:{short(name, 60)}", short(value, 500)))
    rows += [
        Row(f"v:{short(name, 60)}", whole(value, 500), ["recipients can see it"]) for name, value in fields.spread("v:")
    ]
    if fields.all("recipient-variables"):
        rows.append(Row("Recipient variables", f"for {count(len(fields.mapping('recipient-variables')), 'recipient')}"))
    return rows, warnings


def schedule(text: str, now: float) -> str:
    """A delivery time, absolute and from now."""
    try:
        when = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return short(text, 100)
    minutes = round(abs(when - now) / 60)
    days, hours = divmod(minutes // 60, 24)
    parts = [(days, "day"), (hours, "hour"), (minutes % 60, "minute")]
    span = " ".join([count(number, unit) for number, unit in parts if number][:2]) or "less than a minute"
    return f"{moment(when)} (in {span})" if when > now else f"{moment(when)} ({span} ago, so at once)"

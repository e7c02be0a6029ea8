"""Files of a call that mail programs open by themselves: calendar entries and whole messages are shown as text."""

from __future__ import annotations

from dataclasses import replace

from maton_mailgun.approval.preview.proposal import Findings
from maton_mailgun.mail.calendar_entry import is_calendar, unfolded
from maton_mailgun.mail.charsets import decode
from maton_mailgun.mail.letter import Enclosure, FurtherPart, Letter
from maton_mailgun.mail.mime import MOST_FURTHER
from maton_mailgun.mail.mime_tree import MESSAGES
from maton_mailgun.mail.text import quoted
from maton_mailgun.mail.unclear import Unclear

_MESSAGE_ENDINGS = (".eml", ".mht", ".mhtml")


def opened(sent: Letter) -> tuple[Letter, Findings]:
    """The letter with what is in such files, and a warning for each."""
    parts: list[FurtherPart] = []
    warnings: list[str] = []
    left = MOST_FURTHER
    for one in (*sent.attachments, *sent.inline):
        calendar = is_calendar(one.type, one.name)  # guard: 86-upload
        if not calendar and not _is_message(one):
            continue
        name = quoted(one.name, len(one.name))
        kind, does = ("a calendar entry", "enter or answer it") if calendar else ("a message", "show what is in it")
        text = _text(one, calendar=calendar)
        told = f"The file {name} is {kind}: programs may {does}"
        if text is None or len(text) > left:
            warnings.append(f"{told}, which cannot be shown here.")
            continue
        left -= len(text)
        warnings.append(f"{told}.")
        label, type_ = ("Calendar entry", "text/calendar") if calendar else ("Attached message", "message/rfc822")
        parts.append(FurtherPart(f"{label} {name}", type_, text, ""))
    return replace(sent, parts=[*sent.parts, *parts]), Findings(warnings=warnings, raises=len(warnings))


def _is_message(one: Enclosure) -> bool:
    type_ = one.type.partition(";")[0].strip().casefold()
    return type_ in MESSAGES or one.name.strip().casefold().endswith(_MESSAGE_ENDINGS)  # guard: 85-upload


def _text(one: Enclosure, *, calendar: bool) -> str | None:
    if one.content is None or len(one.content) > 4 * MOST_FURTHER:
        return None
    try:
        text = decode(unfolded(one.content) if calendar else one.content, "utf-8")
    except Unclear:
        return None
    return text.replace("\r\n", "\n")

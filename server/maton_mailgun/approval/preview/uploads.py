"""Files of a call that mail programs open by themselves: what is in calendar entries, messages and texts is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from maton_mailgun.approval.preview import armoured
from maton_mailgun.approval.preview.proposal import Findings
from maton_mailgun.mail import entry_reading
from maton_mailgun.mail.calendar_entry import is_calendar, is_folded
from maton_mailgun.mail.drawn_as import PACKED, drawn_as, is_text
from maton_mailgun.mail.letter import Enclosure, FurtherPart, Letter
from maton_mailgun.mail.mime import attached, text_of_file
from maton_mailgun.mail.mime_reading import MOST_FURTHER, MOST_OF_FILES
from maton_mailgun.mail.mime_tree import MESSAGES
from maton_mailgun.mail.text import quoted
from maton_mailgun.mail.unclear import Unclear

_NOT_HERE = "which cannot be shown here"


@dataclass(slots=True)
class _Opened:
    """What has been found so far."""

    parts: list[FurtherPart] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    left: int = MOST_FURTHER
    left_of_files: int = MOST_OF_FILES

    def add(self, told: str, parts: Sequence[FurtherPart], remarks: Sequence[str] = (), why: str = "") -> None:
        size = sum(len(part.text) for part in parts)
        if not parts or size > self.left:
            self.warnings.append(f"{told}, {_NOT_HERE}{why and f': it {why}'}.")
            return
        self.left -= size
        self.warnings += [f"{told}.", *remarks]
        self.parts += parts


def opened(sent: Letter) -> tuple[Letter, Findings]:
    """The letter with what is in such files, and a warning for each."""
    found = _Opened()
    for one in (*sent.attachments, *sent.inline):
        name = quoted(one.name, len(one.name))
        kind = drawn_as(one.type, one.name)
        if is_calendar(one.type, one.name):  # guard: 86-upload
            told = f"The file {name} is a calendar entry: programs may enter or answer it"
            found.add(told, *_entry(one, f"Calendar entry {name}", "text/calendar", MOST_FURTHER, sent))
        elif kind in MESSAGES or drawn_as("", one.name) in MESSAGES:  # guard: 85-upload
            _message(one, f"The file {name} is a message: programs may show what is in it", found)
        elif kind in PACKED or drawn_as("", one.name) in PACKED:
            found.warnings.append(f"The file {name} is packed: programs may show what is in it, {_NOT_HERE}.")
        elif is_text(kind):  # guard: 145-upload
            label = f"Text in the file {name}"
            parts, remarks = _entry(one, label, kind, found.left_of_files, sent)
            found.left_of_files -= sum(len(part.text) for part in parts)
            found.add(f"Some programs show the text in the file {name} in the message", parts, remarks)
    whole, armour = armoured.opened(replace(sent, parts=[*sent.parts, *found.parts]))
    warnings = [*found.warnings, *armour]
    return whole, Findings(warnings=warnings, raises=len(warnings))


def _message(one: Enclosure, told: str, found: _Opened) -> None:
    if one.content is None:
        found.add(told, [])
        return
    try:
        reading = attached(one.content, one.name)  # guard: 144-upload
    except Unclear as problem:
        found.add(told, [], why=problem.wrong)
    else:
        found.add(told, reading.parts, reading.remarks)


def _entry(one: Enclosure, label: str, kind: str, most: int, sent: Letter) -> tuple[list[FurtherPart], list[str]]:
    """The text of a file, and what programs make of it where it is a calendar entry or a card."""
    text = _text(one, kind, most)
    if text is None:
        return [], []
    if not is_folded(kind, one.name):
        return [FurtherPart(label, kind, text, "")], []
    entry = entry_reading.read(text, label, sender=sent.sender)
    return [FurtherPart(label, kind, entry.text, ""), *entry.parts], entry.remarks


def _text(one: Enclosure, kind: str, most: int) -> str | None:
    if one.content is None or len(one.content) > 4 * most:
        return None
    try:
        text = text_of_file(one.content, kind, one.name)
    except Unclear:
        return None
    return text if len(text) <= most else None

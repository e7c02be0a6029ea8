"""What programs make of calendar entries (RFC 5545, vCalendar 1.0) and cards (RFC 6350, vCard 2.1): their words without
packing and escapes, when they are, and who gets the answers.

vCalendar 1.0 and vCard 2.1 pack values as ENCODING= says, and Outlook reads that in newer entries too.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from maton_mailgun.mail.charsets import decode
from maton_mailgun.mail.entry_times import Zones, told
from maton_mailgun.mail.letter import FurtherPart
from maton_mailgun.mail.text import quoted, short
from maton_mailgun.mail.unclear import Unclear

ENDS = (", as programs show it", ", its HTML")
"""How the names of parts end that are read out of an entry."""
_HEAD = re.compile(r"\s*([A-Za-z0-9.\-]{1,100})((?:;(?:[^\";:]|\"[^\"]*\")*)*):", re.DOTALL)
_PARAMETER = re.compile(r";((?:[^\";]|\"[^\"]*\")*)")
_PACKINGS = {"quoted-printable": "q", "q": "q", "base64": "b", "b": "b"}
_NOT_PACKED = frozenset({"", "7bit", "8bit"})
_BROKEN_Q = re.compile(r"=(?![0-9A-Fa-f]{2})")
_TIMES = frozenset({"dtstart", "dtend", "due", "recurrence-id", "rdate", "exdate"})
_FORM = frozenset({"prodid", "version", "uid", "dtstamp", "sequence", "created", "last-modified", "calscale", "rev"})
_FILES = frozenset({"photo", "logo", "sound", "key", "attach", "image"})
_ANSWERED = frozenset({"organizer"})
_MOST = 2_000
"""Properties of one entry that are told."""


@dataclass(frozen=True, slots=True)
class _Property:
    name: str
    """In lower case."""
    parameters: Mapping[str, str]
    """Names in lower case."""
    head: str
    """Name and parameters as they are written."""
    value: str
    packed: bool = False


@dataclass(slots=True)
class EntryReading:
    """One entry as programs show it, and what is to be said of it."""

    text: str
    """As it is written, with what is packed decoded."""
    parts: list[FurtherPart] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def read(text: str, label: str, place: str = "", sender: str = "") -> EntryReading:
    """Read an entry whose folds are undone.

    Args:
        text: The entry.
        label: What it is called: `Calendar entry “invite.ics”`.
        place: Where it stands in a ready message.
        sender: The From of the message.
    """
    reading = EntryReading(text)
    lines, found = [], []
    for line, item in _properties(text, reading, label):
        lines.append(f"{item.head}:{item.value}" if item is not None and item.packed else line)
        found += [item] if item is not None else []
    reading.text = "\n".join(lines)
    if len(found) > _MOST:
        reading.remarks.append(f"{label} has {len(found):,} lines: only the first {_MOST:,} are read as programs do.")
    zones = Zones.of([(item.name, item.value) for item in found])
    said = [*_said(found[:_MOST], zones, reading, label, sender)]
    if said:
        whole = "\n".join(said)  # guard: 148-shown
        reading.parts.append(FurtherPart(f"{label}{ENDS[0]}", "text/plain", whole, place))
    for item in found[:_MOST]:
        if "html" in item.parameters.get("fmttype", "").casefold() and not item.name.startswith("attach"):
            reading.parts.append(FurtherPart(f"{label}{ENDS[1]}", "text/html", _unescaped(item.value), place))
    return reading


def _said(found: Sequence[_Property], zones: Zones, reading: EntryReading, label: str, sender: str) -> Iterator[str]:
    in_zone = False
    for item in found:
        if item.name in {"begin", "end"} and item.value.strip().casefold() in {"vtimezone"}:
            in_zone = item.name == "begin"
        if in_zone or item.name in _FORM or item.name in {"end", "begin"}:
            continue
        if item.name in _TIMES:
            for moment in item.value.split(","):
                words, doubt = told(moment, item.parameters.get("tzid", ""), zones)
                yield f"{item.name}: {words}"
                if doubt:  # guard: 148-zone
                    reading.remarks.append(f"{label}: {doubt}")
            continue
        name = item.parameters.get("cn", "")
        yield f"{item.name}: {f'{name} ' if name else ''}{_unescaped(item.value)}"
        address = re.sub(r"(?i)^\s*mailto:", "", item.value).strip()
        if item.name in _ANSWERED and address.casefold() not in sender.casefold():  # guard: 148-answers
            reading.remarks.append(f"{label}: answers to it go to {short(address, 200)}, not to the sender.")
        if item.name == "method" and item.value.strip().casefold() == "cancel":
            reading.remarks.append(f"{label}: it cancels what is in the calendar.")


def _properties(text: str, reading: EntryReading, label: str) -> Iterator[tuple[str, _Property | None]]:
    """Each line with the property that it is; lines that quoted-printable goes on in are one."""
    lines = iter(text.split("\n"))
    for line in lines:
        head = _HEAD.match(line)
        if head is None:
            yield line, None
            continue
        parameters, name = _parameters(head[2]), head[1].rpartition(".")[2].casefold()
        said = parameters.get("encoding", "")
        packing = _PACKINGS.get(said.casefold(), "")
        whole = line
        while packing == "q" and whole.endswith("=") and (more := next(lines, None)) is not None:
            whole = whole[:-1] + more
        raw = whole[head.end() :]
        value = _unpacked(raw, packing, parameters.get("charset", "")) if packing else None
        if value is None and said.casefold() not in _NOT_PACKED and not (packing == "b" and name in _FILES):
            reading.remarks.append(f"{label} has a value that is packed ({quoted(said, 40)}) and cannot be shown here.")
        shown = raw if value is None else value
        yield whole, _Property(name, parameters, head[1] + head[2], shown, value is not None)


def _parameters(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in _PARAMETER.findall(text):
        name, equals, value = one.partition("=")
        if not equals and name.strip().casefold() in _PACKINGS:
            # vCard 2.1 leaves the name out.
            name, value = "encoding", name.strip()
        found.setdefault(name.strip().casefold(), value.strip().strip('"'))
    return found


def _unpacked(text: str, packing: str, charset: str) -> str | None:
    """The words that a packed value stands for, or None where it is none."""
    try:
        if packing == "b":
            content = binascii.a2b_base64(re.sub(r"\s", "", text), strict_mode=True)
        elif _BROKEN_Q.search(text):
            return None
        else:
            content = binascii.a2b_qp(text.encode("utf-8"))
        words = decode(content, charset).replace("\r\n", "\n")
    except (binascii.Error, Unclear, UnicodeError):
        return None
    return words if all(sign.isprintable() or sign in "\n\t" for sign in words) else None  # guard: 148-packed


def _unescaped(value: str) -> str:
    """RFC 5545, 3.3.11: a backslash before commas, semicolons and itself; `\\n` is a line break."""
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], value)

"""The values that each recipient of a batch gets in the message: all of them shown, and read where they will stand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from maton_mailgun.approval.preview import all_parts, content
from maton_mailgun.approval.preview.audience import Audience
from maton_mailgun.approval.preview.content import Reading
from maton_mailgun.approval.preview.document import Row
from maton_mailgun.mail import filling
from maton_mailgun.mail.letter import FormFields, Letter
from maton_mailgun.mail.text import count, quoted, safe_line, short

Entries = Mapping[str, Mapping[str, Any]]

_MOST = 300_000
"""Characters of filled messages that are read."""
_MOST_OF_ONE = 3_000_000
"""Of the first of them more are read, as of a message that is the same for all."""
_MOST_OF_A_SUBJECT = 10_000
_MOST_VALUES = 200_000
"""Values that are looked at to find out which messages differ."""
_WARNINGS = 20
_PLAIN = re.compile(r"[\w -]*")
_TAIL = re.compile(r"[\w./=&~+-]*")
_LINK = re.compile(r"(https?://[\w.-]+(?::\d+)?)(?:[/?#][\w./?=&#~+,;:-]*)?")
_ALONE = re.compile(rf"(?:^|(?<=[\s>(])){filling.USED.pattern}(?=$|[\s<,!?)]|\.(?:[\s<]|$))")
_WHOLE_LINK = re.compile(rf"href=([\"']){filling.USED.pattern}\1", re.IGNORECASE)
_IN_TAIL = re.compile(
    r"(?:https?://[\w.-]+|(?<![\w@.-])(?:[\w-]{1,63}\.)+[a-z]{2,24})(?::\d+)?/[^\s\"'<>]*$", re.IGNORECASE
)
_LONGEST_ADDRESS = 300
"""Characters before a place in which the beginning of its link is looked for."""


def entries(fields: FormFields) -> Entries:
    """Who has which values, in the order sent."""
    given = fields.mapping("recipient-variables")
    return {address: own if isinstance(own, dict) else {"": own} for address, own in given.items()}


def rows_and_warnings(fields: FormFields, sent: Letter, people: Audience) -> tuple[list[Row], list[str]]:
    """Every recipient with all their values, and whoever lacks an entry or has one in vain."""
    if not fields.all("recipient-variables"):
        return [], []
    given = entries(fields)
    spelled = _by_address(given)
    rows, warnings = _first_subject(sent, people, given), []
    left_out = 0
    for one in people.recipients:
        own = spelled.pop(one.address.key, [])
        if not own and one.kind in {"to", "list", "cc", "bcc"}:  # guard: 152-copies
            left_out += 1
            rows.append(Row(safe_line(one.address.address), "(nothing)", ["has no entry"]))
        flags = ["one of several entries for this address"] if len(own) > 1 else []
        rows += [Row(safe_line(address), _told(given[address]), flags) for address in own]
        if flags:
            warnings.append(f"{short(one.address.address, 200)} has several entries in the recipient variables.")
    nobody = [address for addresses in spelled.values() for address in addresses]
    rows += [Row(safe_line(address), _told(given[address]), ["gets no copy"]) for address in nobody]
    if nobody:
        names = ", ".join(quoted(address, 100) for address in nobody[:5])
        more = f" and {len(nobody) - 5:,} more" if len(nobody) > 5 else ""
        warnings.append(f"Recipient variables for {names}{more}, who is no recipient: no copy goes there.")
    if left_out and given:
        warnings.append(f"{count(left_out, 'recipient')} without an entry in the recipient variables.")
    return rows, warnings


def as_data(fields: FormFields) -> dict[str, dict[str, Any]]:
    """All values by address and key as they leave, for whoever shows the message of any one recipient."""
    return {address: dict(own) for address, own in entries(fields).items()}


def read(
    letter: Letter, fields: FormFields, people: Audience, base: Reading, template_values: Mapping[str, Any] | None
) -> Reading:
    """What the filled messages and the values hold beyond `base`, which is the reading of the message unfilled. With
    `template_values`, `letter` is the source of a template with the plain ones of them put in.

    A thousand recipients are not a thousand readings: those whose values cannot make a difference to where links lead
    (a name between blanks, the tail of an address) share one.
    """
    given = entries(fields)
    texts = [filling.text_of(value) for own in given.values() for value in own.values()]
    texts += [filling.text_of(value) for value in (template_values or {}).values()]
    values = dict.fromkeys(f"{link[1]}/" if (link := _LINK.fullmatch(text)) else text for text in texts)
    extra = content.read(Letter(text="\n".join(values))) if values else Reading()
    if template_values is not None:
        add(extra, all_parts.read(letter), base)
    spelled = _by_address(given)
    copies = [
        FilledCopy(one.address.address, given[address] if address is not None else {}, one.address.name)
        for one in people.recipients
        for address in spelled.get(one.address.key, [None])
    ]
    read_copies(letter, copies, base, extra)
    for host in base.links:
        extra.links.pop(host, None)
    return extra


@dataclass(frozen=True, slots=True)
class FilledCopy:
    """Who gets a message, and what it is filled with for them."""

    address: str
    values: Mapping[str, Any]
    name: str = ""


def read_copies(letter: Letter, copies: Sequence[FilledCopy], base: Reading, extra: Reading) -> None:
    """Add to `extra` what the filled messages hold beyond `base`."""
    left = _MOST
    for number, one in enumerate(_editions(filling.places(letter), copies)):
        size = filling.longest(filling.places(letter), one.values, one.name)
        left -= size
        if left < 0 and (number or size > _MOST_OF_ONE):  # guard: 47-bounded
            first = short(one.address, 100)
            extra.unchecked.append(
                f"could not check the links in every filled message, as in that of {first}: too long"
            )
            break
        edition = filling.filled_for(letter, one.values, address=one.address, name=one.name)
        lines = content.read(
            Letter(
                text="\n".join([edition.subject or "", *(text for _, text in (*edition.headers, *edition.own_headers))])
            )
        )
        for reading in (all_parts.read(edition), lines):  # guard: 120-parts
            add(extra, reading, base, f"For {short(one.address, 100)}: ")  # guard: 47-filled


def _editions(places: Sequence[str], copies: Sequence[FilledCopy]) -> list[FilledCopy]:
    """One copy for each way in which the filled messages can differ for a reader of links."""
    used = filling.used(places)
    if not used:
        return []
    if len(used) * len(copies) > _MOST_VALUES:
        return [*copies]
    texts = [[filling.given(named, one.values, one.name) for named in used] for one in copies]
    having = [(one, own) for one, own in zip(copies, texts, strict=True) if any(text is not None for text in own)]
    forms = _forms(places)
    found: dict[tuple[str | None, ...], FilledCopy] = {}
    for one, own in having:
        marks = [_mark(text, forms[named]) for named, text in zip(used, own, strict=True)]
        wild = any(mark is None for mark in marks)
        found.setdefault(tuple(own if wild else marks), one)
    return list(found.values())


def _forms(places: Iterable[str]) -> dict[str, set[str]]:
    """How the places of each name (`filling.used`) stand: alone, as a whole link, in the tail of one, or otherwise."""
    found: dict[str, set[str]] = {}
    for text in places:
        tame = {place.start(): "alone" for place in _ALONE.finditer(text)}
        tame |= {place.start() + len("href=") + 1: "link" for place in _WHOLE_LINK.finditer(text)}
        for place in filling.USED.finditer(text):
            start = place.start()
            in_tail = _IN_TAIL.search(text, max(0, start - _LONGEST_ADDRESS), start)
            found.setdefault(place[1], set()).add("tail" if in_tail else tame.get(start, "other"))
    return found


def _mark(text: str | None, forms: set[str]) -> str | None:
    """What of a value matters to a reader of links, or None where all of it may."""
    if text is None:
        return "(none)"
    if "other" in forms:
        return None
    if _PLAIN.fullmatch(text) or (forms == {"tail"} and _TAIL.fullmatch(text)):
        return ""
    head = _LINK.fullmatch(text)
    return head[1] if head and forms <= {"alone", "link"} else None


def add(extra: Reading, reading: Reading, base: Reading, who: str = "") -> None:
    for host, flags in reading.links.items():
        extra.links.setdefault(host, flags)
    extra.remote += [host for host in reading.remote if host not in base.remote and host not in extra.remote]
    extra.unchecked += [line for line in reading.unchecked if line not in base.unchecked + extra.unchecked]
    told = [
        line.removeprefix("For ").partition(": ")[2] if line.startswith("For ") else line for line in extra.warnings
    ]
    known = {_kind(line) for line in (*base.warnings, *told)}
    for line in reading.warnings:
        if _kind(line) not in known and len(extra.warnings) <= _WARNINGS:
            full = len(extra.warnings) == _WARNINGS
            extra.warnings.append("For more recipients: there is more like this." if full else who + line)
            extra.raises = 1


def _kind(line: str) -> str:
    return re.sub(r"\d+", "", line)


def _by_address(given: Entries) -> dict[str, list[str]]:
    """The entries as they are spelled, by the address that they are for."""
    found: dict[str, list[str]] = {}
    for address in given:
        found.setdefault(address.casefold(), []).append(address)
    return found


def _first_subject(sent: Letter, people: Audience, given: Entries) -> list[Row]:
    spelled = _by_address(given)
    for one in people.recipients:
        if sent.subject and (own := spelled.get(one.address.key)):
            values = given[own[0]]
            if filling.longest([sent.subject], values, one.address.name) > _MOST_OF_A_SUBJECT:
                return [Row("First subject, filled", "(too long to be filled here)", [f"for {one.address.address}"])]
            subject = filling.filled(sent.subject, values, address=one.address.address, name=one.address.name)
            told = [Row("First subject, filled", quoted(subject, len(subject)), [f"for {one.address.address}"])]
            return told if subject != sent.subject else []
    return []


def _told(values: Mapping[str, Any]) -> str:
    """All keys with their values, none cut; a text that could be taken for two values stands as JSON."""
    told = "; ".join(f"{_plain(key)}: {_plain(value)}" for key, value in values.items())
    return safe_line(told) or "(nothing)"  # guard: 47-values


def _plain(value: Any) -> str:
    if isinstance(value, str) and value and not re.search(r'[;"]|: |^\s|\s$', value):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)

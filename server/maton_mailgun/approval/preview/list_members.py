"""The members of mailing lists among the recipients, and what Mailgun fills a message with for each of them.

A message to a list is a batch: `%recipient.x%` becomes what the list holds of each member as `vars` (Mailgun's manual,
Mailing Lists, "Mailing Lists with the Template Variables"). Whoever says yes has to see these values, and the message
leaves only while they are as they were.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from maton_mailgun.approval.preview import content, recipient_values
from maton_mailgun.approval.preview.audience import Audience, is_external
from maton_mailgun.approval.preview.content import Reading
from maton_mailgun.approval.preview.document import Row, Section
from maton_mailgun.approval.preview.proposal import Reads, dig, items
from maton_mailgun.approval.preview.recipient_values import FilledCopy
from maton_mailgun.mail import filling
from maton_mailgun.mail.addresses import parse
from maton_mailgun.mail.letter import Letter
from maton_mailgun.mail.text import count, quoted, safe_line, short

PAGE = 100
"""The most members that Mailgun lists at once (its reference, Mailing Lists)."""
_SOURCE = f"GET /v3/lists/{{list_address}}/members/pages?limit={PAGE}"
_NOTHING = "(nothing)"
_IN_HEADERS = "goes to a mailing list, whose members' own data becomes a part of it: it differs from copy to copy"


@dataclass(slots=True)
class Members:
    """The first page of each list: list -> address -> what is held of that member."""

    known: dict[str, dict[str, Mapping[str, Any]]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    """Lists of which not everybody is known."""

    def values(self) -> Iterator[tuple[str, Mapping[str, Any], str]]:
        """Every member with their data and their name."""
        for members in self.known.values():
            yield from ((address, own, self.names.get(address, "")) for address, own in members.items())


async def look(lists: Collection[str], reads: Reads) -> Members:
    """Read the first page of each list; what cannot be read is noted."""
    found = Members()
    ordered = sorted(lists)
    answers = await asyncio.gather(
        *(reads(f"who is on {short(one, 120)}", _SOURCE, {"list_address": one}) for one in ordered)
    )
    for one, answer in zip(ordered, answers, strict=True):
        members = [member for member in items(answer) if isinstance(member, dict)]
        if answer is None or answer.status == 404 or len(members) >= PAGE:
            found.unknown.append(one)
        there: dict[str, Mapping[str, Any]] = {}
        for member in members:
            if member.get("subscribed") is not False:
                own = member.get("vars")
                address = str(dig(member, "address") or "")
                there[address] = own if isinstance(own, dict) else {}
                found.names[address] = str(dig(member, "name") or "")
        found.known[one] = there
    return found


def lists_of(people: Audience) -> list[str]:
    """The keys of the recipients that are lists."""
    return [*people.expansion.lists] if people.expansion is not None else []


def mark(people: Audience, members: Members) -> None:
    """Count a list as outside of the sending domain where a member is, or may be, whatever its own address."""
    for one in people.recipients:
        if one.address.key not in members.known:
            continue
        there = members.known[one.address.key]
        outside = sum(is_external(parse(address), people.domain) for address in there)
        one.external, one.flags = False, [flag for flag in one.flags if flag != "external"]
        if outside or one.address.key in members.unknown:  # guard: 129-outside
            one.external = True
            told = count(outside, "member") + " outside" if outside else "members not known"
            one.flags.insert(0, f"external: {told}")


def places(letter: Letter, given: Mapping[str, Any]) -> list[str]:
    """Every text that is filled for each member: all of the message, and the values in `given`, from which Mailgun
    makes the text of a template first."""
    return [*filling.places(letter), *map(filling.text_of, given.values())]


def section(letter: Letter, texts: Sequence[str], members: Members) -> tuple[Section, list[str], list[str]]:
    """What is filled in for whom where `texts` have places, warnings, and what is not known; nothing where the message
    has none."""
    used = filling.used(texts)
    if not used or not members.known:
        return Section("What lists hold of their members", []), [], []
    rows = []
    for address, own, name in members.values():
        told = "; ".join(_told(named, own, name) for named in used)
        rows.append(Row(safe_line(address), safe_line(told)))  # guard: 129-values
    shown = ", ".join(f"%recipient{short(named, 60)}%" for named in used[:5])
    warnings = [f"{shown} is filled with what the mailing list holds of each member: see the values."]
    for header, text in _header_texts(letter):
        if filling.used([text]):  # guard: 129-headers
            warnings.append(f"{short(header, 60)} {quoted(text, 100)} {_IN_HEADERS}.")
    unchecked = [
        f"could not check what {short(one, 120)} holds of its other members: they are filled in unseen"
        for one in members.unknown
    ]
    return Section("What lists hold of their members", rows), warnings, unchecked


def _told(named: str, own: Mapping[str, Any], name: str) -> str:
    if named[0] == ".":
        return f"{named[1:]}: {_plain(own.get(named[1:].partition('.')[0]))}"
    return f"recipient{named}: {filling.given(named, own, name) or _NOTHING}"


def read(letter: Letter, texts: Sequence[str], members: Members, base: Reading) -> Reading:
    """Hosts of links and warnings in the filled messages that are not in `base`."""
    extra = Reading()
    if not filling.used(texts):
        return extra
    held = [filling.text_of(value) for _, own, name in members.values() for value in (*own.values(), name)]
    alone = content.read(Letter(text="\n".join(dict.fromkeys(held))))
    recipient_values.add(extra, alone, base)  # guard: 129-links.alone
    copies = [FilledCopy(address, own, name) for address, own, name in members.values()]
    recipient_values.read_copies(letter, copies, base, extra)  # guard: 129-links.filled
    for host in base.links:
        extra.links.pop(host, None)
    return extra


def noted(texts: Sequence[str], members: Members) -> dict[str, dict[str, str]]:
    """What the yes is bound to: a digest of what is held of each member whose values were shown."""
    if not filling.used(texts):
        return {}
    return {
        safe_line(one): {
            safe_line(address): _digest(own, members.names.get(address, "")) for address, own in there.items()
        }
        for one, there in members.known.items()
    }


def changes(shown: Mapping[str, Mapping[str, str]], members: Members) -> list[str]:
    """Members whose data is not what was shown, a line each; those who left get nothing and change nothing."""
    lines = []
    for one, there in members.known.items():
        before = shown.get(safe_line(one), {})
        for address, own in there.items():
            if before.get(safe_line(address)) != _digest(own, members.names.get(address, "")):  # guard: 129-bound
                lines.append(f"what {short(one, 120)} holds of {short(address, 120)} is not what was shown")
    return lines[:5]


def _header_texts(letter: Letter) -> Iterator[tuple[str, str]]:
    yield "From", letter.sender
    yield "Subject", letter.subject or ""
    yield from letter.headers
    yield from letter.own_headers


def _plain(value: Any) -> str:
    return _NOTHING if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _digest(own: Mapping[str, Any], name: str) -> str:
    text = json.dumps([own, name], sort_keys=True, ensure_ascii=True, default=str)  # guard: 170-bound
    return hashlib.sha256(text.encode("ascii")).hexdigest()

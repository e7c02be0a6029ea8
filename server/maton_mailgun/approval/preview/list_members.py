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

from maton_mailgun.approval.preview import content
from maton_mailgun.approval.preview.audience import Audience, is_external
from maton_mailgun.approval.preview.content import Reading
from maton_mailgun.approval.preview.document import Row, Section
from maton_mailgun.approval.preview.proposal import Reads, dig, items
from maton_mailgun.mail import filling
from maton_mailgun.mail.addresses import parse
from maton_mailgun.mail.letter import Letter
from maton_mailgun.mail.text import count, quoted, safe_line, short

PAGE = 100
"""The most members that Mailgun lists at once (its reference, Mailing Lists)."""
_SOURCE = f"GET /v3/lists/{{list_address}}/members/pages?limit={PAGE}"
_MOST_FILLED = 20
"""Members whose filled messages are read for links."""
_LONGEST = 300_000
_IN_HEADERS = "goes to a mailing list, whose members' own data becomes a part of it: it differs from copy to copy"


@dataclass(slots=True)
class Members:
    """The first page of each list: list -> address -> what is held of that member."""

    known: dict[str, dict[str, Mapping[str, Any]]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    """Lists of which not everybody is known."""

    def values(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Every member with their data."""
        for members in self.known.values():
            yield from members.items()


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
    """Count a list as outside of the sending domain where a member is, or may be."""
    for one in people.recipients:
        if one.address.key not in members.known:
            continue
        there = members.known[one.address.key]
        outside = sum(is_external(parse(address), people.domain) for address in there)
        if outside or one.address.key in members.unknown:  # guard: 129-outside
            one.external = True
            told = count(outside, "member") + " outside" if outside else "members not known"
            one.flags.insert(0, f"external: {told}")


def places(letter: Letter) -> list[str]:
    """The keys that a message is filled with."""
    return filling.keys(_texts(letter))


def section(letter: Letter, members: Members) -> tuple[Section, list[str], list[str]]:
    """What is filled in for whom, warnings, and what is not known; nothing where the message has no places."""
    used = places(letter)
    if not used or not members.known:
        return Section("What lists hold of their members", []), [], []
    rows = []
    for address, own in members.values():
        told = "; ".join(f"{key}: {_plain(own.get(key.partition('.')[0]))}" for key in used)
        rows.append(Row(safe_line(address), safe_line(told)))  # guard: 129-values
    shown = ", ".join(f"%recipient.{short(key, 60)}%" for key in used[:5])
    warnings = [f"{shown} is filled with what the mailing list holds of each member: see the values."]
    for name, text in _header_texts(letter):
        if filling.keys([text]):  # guard: 129-headers
            warnings.append(f"{short(name, 60)} {quoted(text, 100)} {_IN_HEADERS}.")
    unchecked = [
        f"could not check what {short(one, 120)} holds of its other members: they are filled in unseen"
        for one in members.unknown
    ]
    return Section("What lists hold of their members", rows), warnings, unchecked


def read(letter: Letter, members: Members, base: Reading) -> Reading:
    """Hosts of links and warnings in the filled messages that are not in `base`."""
    extra = Reading()
    if not places(letter):
        return extra
    texts = [filling.text_of(value) for _, own in members.values() for value in own.values()]
    editions = [Letter(text="\n".join(dict.fromkeys(texts)))] if texts else []
    for address, own in [*members.values()][:_MOST_FILLED]:
        if filling.longest(_texts(letter), own) <= _LONGEST:
            name = members.names.get(address, "")
            editions.append(filling.filled_for(letter, own, address=address, name=name))
    for edition in editions:
        found = content.read(edition)
        for host, flags in found.links.items():
            if host not in base.links:
                extra.links.setdefault(host, flags)  # guard: 129-links
        extra.warnings += [line for line in found.warnings if line not in (*base.warnings, *extra.warnings)]
    extra.raises = bool(extra.warnings)
    return extra


def noted(letter: Letter, members: Members) -> dict[str, dict[str, str]]:
    """What the yes is bound to: a digest of what is held of each member whose values were shown."""
    if not places(letter):
        return {}
    return {
        safe_line(one): {safe_line(address): _digest(own) for address, own in there.items()}
        for one, there in members.known.items()
    }


def changes(shown: Mapping[str, Mapping[str, str]], members: Members) -> list[str]:
    """Members whose data is not what was shown, a line each; those who left get nothing and change nothing."""
    lines = []
    for one, there in members.known.items():
        before = shown.get(safe_line(one), {})
        for address, own in there.items():
            if before.get(safe_line(address)) != _digest(own):  # guard: 129-bound
                lines.append(f"what {short(one, 120)} holds of {short(address, 120)} is not what was shown")
    return lines[:5]


def _header_texts(letter: Letter) -> Iterator[tuple[str, str]]:
    yield "From", letter.sender
    yield "Subject", letter.subject or ""
    yield from letter.headers
    yield from letter.own_headers


def _texts(letter: Letter) -> Sequence[str]:
    bodies = [body for body in (letter.text, letter.html, letter.amp_html) if body]
    return [*bodies, *(text for _, text in _header_texts(letter))]


def _plain(value: Any) -> str:
    return "(nothing)" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _digest(own: Mapping[str, Any]) -> str:
    text = json.dumps(own, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode("ascii")).hexdigest()

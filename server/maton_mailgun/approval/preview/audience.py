"""Who gets a message, and what is known about each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from maton_mailgun.approval.preview import expansion
from maton_mailgun.approval.preview.came_in import WRITTEN_BEFORE
from maton_mailgun.approval.preview.document import ShownRecipient
from maton_mailgun.approval.preview.expansion import Expansion
from maton_mailgun.approval.preview.proposal import Reads, dig, items
from maton_mailgun.catalogue.operation import Operation
from maton_mailgun.mail import letter as letters
from maton_mailgun.mail.addresses import Address, address_flags, parse_all
from maton_mailgun.mail.letter import RECIPIENT_HEADERS, Letter
from maton_mailgun.mail.text import count, moment, quoted, short
from maton_mailgun.wire.request import Request

_ONE_BY_ONE = 1
"""Recipients asked about singly in each of three lists; for more, the lists themselves are no more requests than for
one: Maton lets 10 a second through (its documentation), and what comes on top waits."""
_CLOSELY = 20
"""Recipients whose history is asked for, and who are asked about singly where a list is longer than a page."""
_PAGE = 1000
_EVENTS = "GET /v3/{domain}/events?event=accepted%20OR%20delivered&limit=300&recipient={recipients}"

_SUPPRESSIONS = {
    "bounces": ("bounced before", "has bounced before"),
    "unsubscribes": ("unsubscribed", "has unsubscribed"),
    "complaints": ("complained", "has reported earlier mail as spam"),
}

_FIRST = "first time"
_NAMED = 3
"""Hidden copies that a line each tells of."""
_READS = ("events", *_SUPPRESSIONS, "lists")


@dataclass(slots=True)
class Recipient:
    """One recipient with the remarks that come together while the account is looked at."""

    address: Address
    kind: str
    """to, cc, bcc, header, or list for a mailing list."""
    external: bool
    flags: list[str] = field(default_factory=list)
    """What the spelling tells."""
    again: list[Address] = field(default_factory=list)
    """Further entries of the same address: each goes out with its name and its spelling."""
    notes: dict[str, str] = field(default_factory=dict)
    """What the account tells, by where it was read: the reads end in any order, the remarks have a fixed one."""
    hidden: bool = False
    """Whether no other reader sees that they get it."""

    @property
    def remarks(self) -> list[str]:
        """All flags and notes, each once."""
        return [*dict.fromkeys([*self.flags, *(self.notes[read] for read in _READS if read in self.notes)])]

    @property
    def suppressed(self) -> str:
        """Why Mailgun will drop this copy, in words; empty where it will not."""
        return next((words for kind, (flag, words) in _SUPPRESSIONS.items() if self.notes.get(kind) == flag), "")

    def shown(self) -> ShownRecipient:
        """The recipient as it stands in a preview."""
        return ShownRecipient(self.address.address, self.address.name, self.kind, self.remarks)


@dataclass(slots=True)
class Audience:
    """Everyone who gets the message."""

    domain: str
    recipients: list[Recipient]
    warnings: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    expansion: Expansion | None = None
    """The mailing lists among them; None where it could not be found out."""

    @property
    def external(self) -> int:
        """How many are outside the sending domain."""
        return sum(one.external for one in self.recipients)


def is_external(address: Address, domain: str) -> bool:
    """Whether an address is outside the sending domain, its parents and the domains below it.

    `mg.example.com` and `example.com` belong together; what cannot be read as an address is external.
    """
    theirs, ours = address.ascii_domain, domain.casefold()
    if address.problems or not theirs:
        return True
    if theirs == ours or theirs.endswith(f".{ours}"):
        return False
    return not ours.endswith(f".{theirs}") or theirs == "mailgun.org"


def gather(letter: Letter, domain: str) -> Audience:
    """The envelope recipients of `letter` and those its headers name, each once, with what the spelling tells."""
    found: dict[str, Recipient] = {}
    named = [(kind, texts) for kind, texts in (("to", letter.to), ("cc", letter.cc), ("bcc", letter.bcc)) if texts]
    header_names = {name.casefold() for name in RECIPIENT_HEADERS}
    seen = {one.identity for one in parse_all(letter.claims)} if letter.mime else set()
    named.append(("header", [value for name, value in letter.headers if name.casefold() in header_names]))
    for kind, texts in named:
        for address in parse_all(texts):
            if (known := found.get(address.identity)) is not None:
                _add_entry(known, kind, address, domain) if kind != "header" else None
                continue
            outside = is_external(address, domain)
            flags = address_flags(address, known=domain)
            if kind == "header":
                flags.insert(0, "named in a header only")
            hidden = address.identity not in seen if letter.mime else kind == "bcc"
            flags = (["external"] if outside else []) + flags
            found[address.identity] = Recipient(address, kind, outside, flags, hidden=hidden)
    audience = Audience(domain, list(found.values()))
    entries = [entry for one in audience.recipients for entry in (one.address, *one.again)]
    odd = [entry for entry in entries if address_flags(entry, known=domain)]
    for entry in odd[:5]:
        told = "; ".join(address_flags(entry, known=domain))
        audience.warnings.append(f"{short(entry.raw.strip(), 120)}: {short(told, 300)}.")
    if len(odd) > 5:
        audience.warnings.append(f"{count(len(odd) - 5, 'more recipient')} with an odd address.")
    return audience


def _add_entry(known: Recipient, kind: str, entry: Address, domain: str) -> None:
    """Tell of one more entry of an address as it is sent: the headers hold each of them."""
    known.again.append(entry)
    name = f"{quoted(entry.name, len(entry.name))} " if entry.name else ""
    known.flags.append("listed more than once")
    known.flags.append(f"also in {kind}: {name}{entry.address}")  # guard: 82-again
    known.flags += address_flags(entry, known=domain)


def recipients(operation: Operation, arguments: Mapping[str, Any], request: Request) -> list[Address]:
    """Everyone the call names as a recipient: to, cc, bcc and the recipient headers, those of a MIME text included."""
    sent = letter_of(request)
    named = gather(sent, domain_of(operation, arguments)).recipients
    return [*(one.address for one in named), *parse_all([*sent.claims, *(text for _, text in sent.unseen)])]


def letter_of(request: Request) -> Letter:
    """The message of a request, whether it is built from parts or ready."""
    if not any(part.field == "message" for part in request.files):
        return letters.from_form(request)
    from maton_mailgun.mail.mime import from_request

    return from_request(request)


def domain_of(operation: Operation, arguments: Mapping[str, Any]) -> str:
    """The sending domain: the first argument of the path."""
    return str(arguments[operation.path_arguments[0]]).strip().casefold()


async def look(audience: Audience, reads: Reads, tags: Sequence[str], now: float) -> None:
    """Ask the account about the recipients: suppressed, never written to before, mailing lists."""
    if not audience.recipients:
        return
    await asyncio.gather(
        *(_suppressed(audience, reads, kind, tags) for kind in _SUPPRESSIONS),
        _first_time(audience, reads, now),
        _lists(audience, reads),
    )
    dropped = [one for one in audience.recipients if one.suppressed]
    if len(dropped) == len(audience.recipients):
        audience.warnings.append("Nobody will get this: Mailgun drops every copy of it.")
    audience.warnings += [
        f"{short(one.address.address, 120)} {one.suppressed}: Mailgun will drop this copy." for one in dropped[:5]
    ]
    if len(dropped) > 5:
        audience.warnings.append(f"{count(len(dropped) - 5, 'more recipient')} on suppression lists: copies dropped.")


def hidden_copies(audience: Audience) -> list[str]:
    """A line for everybody outside who gets it and is seen by no other reader."""
    outside = _hidden_outside(audience)
    lines = []
    for one in outside[:_NAMED]:  # guard: 381-hidden
        first = ", for the first time" if one.notes.get("events") == _FIRST else ""
        lines.append(
            f"Hidden copy (Bcc) to {short(one.address.address, 120)}, outside {short(audience.domain, 100)}{first}."
        )
    if len(outside) > _NAMED:
        lines.append(
            f"Hidden copies (Bcc) to {count(len(outside) - _NAMED, 'more address', 'more addresses')} outside."
        )
    return lines


def hidden_from_habit(audience: Audience) -> bool:
    """Whether one of those was not written to lately, as far as is known: one who gets a copy of everything is told of,
    and is no more risk than the day before."""
    return any(not one.notes.get("events", "").startswith(WRITTEN_BEFORE) for one in _hidden_outside(audience))


def _hidden_outside(audience: Audience) -> list[Recipient]:
    outside = [one for one in audience.recipients if one.hidden and one.external and one.kind != "header"]
    # Where nobody is told of anybody, they are who it is for.
    return [] if len(outside) == len(audience.recipients) else outside


async def _suppressed(audience: Audience, reads: Reads, kind: str, tags: Sequence[str]) -> None:
    known = [one for one in audience.recipients if one.address.local and one.address.ascii_domain]
    if len(known) <= _ONE_BY_ONE:
        await _singly(known, audience.domain, reads, kind, tags)
        return
    page = await reads(
        f"who is on the {kind} list", f"GET /v3/{{domain}}/{kind}?limit={_PAGE}", {"domain": audience.domain}
    )
    if page is None:
        return
    entries = {str(dig(entry, "address")).casefold(): entry for entry in items(page)}
    for one in known:
        if entry := entries.get(one.address.key):
            _mark(one, kind, entry, tags)
    if len(items(page)) >= _PAGE:
        rest = [one for one in known if one.address.key not in entries]
        await _singly(rest[:_CLOSELY], audience.domain, reads, kind, tags)
        if len(rest) > _CLOSELY:
            number = count(len(rest) - _CLOSELY, "recipient")
            audience.unchecked.append(
                f"could not check {number} against the {kind} list: it has more than {_PAGE:,} entries"
            )


async def _singly(some: Sequence[Recipient], domain: str, reads: Reads, kind: str, tags: Sequence[str]) -> None:
    answers = await asyncio.gather(
        *(
            reads(
                f"whether {short(one.address.address, 100)} is on the {kind} list",
                f"GET /v3/{{domain}}/{kind}/{{address}}",
                {"domain": domain, "address": one.address.address},
            )
            for one in some
        )
    )
    for one, answer in zip(some, answers, strict=True):
        if answer is not None and answer.status != 404:
            _mark(one, kind, answer.data, tags)


def _mark(one: Recipient, kind: str, entry: Any, tags: Sequence[str]) -> None:
    flag = _SUPPRESSIONS[kind][0]
    left = dig(entry, "tags")
    if kind == "unsubscribes" and isinstance(left, list) and left:
        refused = {str(tag).casefold() for tag in left}
        if not refused & {"*", *(tag.casefold() for tag in tags)}:
            flag = f"unsubscribed from other tags: {short(', '.join(sorted(refused)), 80)}"
    one.notes[kind] = flag


async def _first_time(audience: Audience, reads: Reads, now: float) -> None:
    """Flag those whom the event log does not know. It goes back 1 to 30 days, depending on the plan."""
    known = [one for one in audience.recipients if one.address.local and one.address.ascii_domain]
    asked = sorted(known, key=lambda one: not one.external)[:_CLOSELY]
    if not asked:
        return
    answer = await reads(
        "who was written to before",
        _EVENTS,
        {"domain": audience.domain, "recipients": " OR ".join(one.address.address for one in asked)},
    )
    if len(known) > len(asked):
        audience.unchecked.append(
            f"could not check whether {count(len(known) - len(asked), 'more recipient')} were written to before: "
            f"only {_CLOSELY} are looked up"
        )
    if answer is None:
        return
    last: dict[str, float] = {}
    for event in items(answer):
        key, when = str(dig(event, "recipient")).casefold(), dig(event, "timestamp")
        # An event in the future of the preview cannot be earlier mail.
        if isinstance(when, int | float) and when <= now:
            last[key] = max(when, last.get(key, 0.0))
    for one in asked:
        if one.address.key in last:
            one.notes["events"] = f"{WRITTEN_BEFORE}{moment(last[one.address.key])}"
        elif len(items(answer)) < 300:
            one.notes["events"] = _FIRST
        else:
            audience.unchecked.append(
                f"could not check whether {short(one.address.address, 100)} was written to before: the log is too long"
            )


async def _lists(audience: Audience, reads: Reads) -> None:
    audience.expansion = found = await expansion.expand([one.address for one in audience.recipients], reads)
    if found is None:
        return
    audience.unchecked += expansion.untried(found)
    for one in audience.recipients:
        if known := found.lists.get(one.address.key):
            _expand(audience, one, known)


def _expand(audience: Audience, one: Recipient, found: Mapping[str, Any]) -> None:
    members = expansion.members(found)
    size = "an unknown number of members" if members is None else count(members, "member")
    if members is None:
        audience.unchecked.append(f"could not check how many members {short(one.address.address, 100)} has")
    one.notes["lists"] = f"mailing list in {one.kind}: {size}, posting open to {found.get('access_level') or 'unknown'}"
    one.kind = "list"
    audience.warnings.append(f"{short(one.address.address, 120)} is a mailing list: the message goes to {size}.")

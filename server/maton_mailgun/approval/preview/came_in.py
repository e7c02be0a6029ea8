"""What a call names that came in with a mail or an event just before: how a stranger's wish looks when it works."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from maton_mailgun.approval.preview.proposal import Findings, Proposal
from maton_mailgun.heard import Source, places
from maton_mailgun.mail.text import count, short

_MOST = 5
_MOST_NAMED = 20
"""Of those beyond, how many are named."""
_IDS = frozenset({"in-reply-to", "references", "message-id", "message_id"})
"""Names of messages, which look like addresses and are none."""
CAME = " came in with "
LIKE = " came in like this: "
UNKNOWN = "Whether the others came in like this is not known"
"""How the remarks here read, which those about a changed request are taken from."""
WRITTEN_BEFORE = "last mail "
"""How the remark begins at a recipient to whom this account wrote before."""


def warnings(proposal: Proposal, findings: Findings) -> list[str]:
    """A line for each address or host of the call that was read from outside within the last hour, and is no habit of
    this account: neither of the domain it is about, nor somebody it wrote to before."""
    heard = proposal.heard
    if heard is None:
        return []
    domain = str(proposal.arguments.get("domain") or "").strip().casefold()
    habits = {
        one.address.casefold()
        for one in findings.recipients
        if any(flag.startswith(WRITTEN_BEFORE) for flag in one.flags)
    }
    answered = _answered(proposal)
    lines: dict[str, str] = {}
    earlier = _Earlier(proposal.before)
    unknown = False
    for name, is_address in _named(proposal, findings):
        if name in habits or (not is_address and _at_home(name, domain)):
            continue
        if is_address and _at_home(name.rpartition("@")[2], domain):
            continue
        find = heard.of_address if is_address else heard.of_host
        source = find(proposal.principal, name)
        if source is None and (line := earlier.of(name)) is not None:  # guard: 421-earlier
            lines.setdefault(name, line)
            continue
        unknown = unknown or source is None
        if source is not None and not _wrote_it(source, answered):  # guard: 255-said
            lines.setdefault(name, f"{short(name, 120)}{CAME}{source.told}, which was read just before.")
    beyond = heard.beyond(proposal.principal) if unknown else 0
    return [*_told(lines), *_untold(beyond, earlier.unknown if unknown else [])]  # guard: 416-told


def _told(lines: Mapping[str, str]) -> list[str]:
    """The first of them each with its mail, the others by their names."""
    rest = [short(name, 120) for name in list(lines)[_MOST:]]
    if not rest:
        return list(lines.values())
    further = f" and {len(rest) - _MOST_NAMED:,} more" if len(rest) > _MOST_NAMED else ""
    number = count(len(rest), "more address", "more addresses")
    return [*list(lines.values())[:_MOST], f"{number}{LIKE}{', '.join(rest[:_MOST_NAMED])}{further}."]


def _untold(beyond: int, earlier: Sequence[str]) -> Sequence[str]:
    """What is not known of the others that a call names."""
    if not beyond:
        return earlier
    number = count(beyond, "address or host is", "addresses and hosts are")
    return [f"{UNKNOWN}: of what was read within the hour, {number} not remembered any more."]


class _Earlier:
    """What the request before said of where its addresses came in: who changes it may be at another process, which has
    read nothing."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = {line.partition(CAME)[0]: line for line in lines if CAME in line}
        rest = next((line for line in lines if LIKE in line), "")
        self._rest = set(rest.partition(LIKE)[2].removesuffix(".").split(", "))
        self.unknown = [
            line for line in lines if line.startswith(UNKNOWN) or (line == rest and line.endswith(" more."))
        ]
        """What says that there are more, which nobody can name."""

    def of(self, name: str) -> str | None:
        """What was said of this one."""
        name = short(name, 120)
        if name in self._rest:
            return f"{name}{CAME}what was read before the request that this one replaces."
        return self._lines.get(name)


def _wrote_it(source: Source, answered: Sequence[str]) -> bool:
    """Whether this is who wrote the very mail that is answered: an answer goes there."""
    return source.sender and bool(source.key) and any(source.key in one for one in answered)


def _answered(proposal: Proposal) -> list[str]:
    """What names the mail that a call answers: its writer is no surprise then."""
    given, answers = proposal.arguments, proposal.operation.answers
    names = [name for name in given if name in answers or name.endswith("_key")]  # guard: 425-named
    return [str(given[name]) for name in names]


def _at_home(host: str, domain: str) -> bool:
    host = host.casefold()
    return bool(domain) and (host == domain or host.endswith(f".{domain}") or domain.endswith(f".{host}"))


def _named(proposal: Proposal, findings: Findings) -> Iterator[tuple[str, bool]]:
    """Every address (True) and host (False) of the call: as arguments, and in a message that is ready made."""
    yield from ((one.address.casefold(), True) for one in findings.recipients)
    if findings.message is not None:
        yield from ((host.casefold(), False) for host in findings.message.link_hosts)
    for text in _texts(proposal.arguments):
        for name, known_as in places(text):
            if not known_as.startswith("@"):
                yield name.casefold(), not known_as.startswith("//")


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, Mapping):
        for name, inner in part.items():
            if str(name).casefold() not in _IDS:
                yield from _texts(inner)
    elif isinstance(part, list | tuple):
        for inner in part:
            yield from _texts(inner)

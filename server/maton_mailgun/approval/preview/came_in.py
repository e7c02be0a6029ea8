"""What a call names that came in with a mail or an event just before: how a stranger's wish looks when it works."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from maton_mailgun.approval.preview.proposal import Findings, Proposal
from maton_mailgun.heard import Source, places
from maton_mailgun.mail.text import count, short

_MOST = 5
_IDS = frozenset({"in-reply-to", "references", "message-id", "message_id"})
"""Names of messages, which look like addresses and are none."""
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
    given = {text for name, text in proposal.arguments.items() if isinstance(text, str)}
    lines: dict[str, str] = {}
    unknown = False
    for name, is_address in _named(proposal, findings):
        if name in habits or (not is_address and _at_home(name, domain)):
            continue
        if is_address and _at_home(name.rpartition("@")[2], domain):
            continue
        find = heard.of_address if is_address else heard.of_host
        source = find(proposal.principal, name)
        unknown = unknown or source is None
        if source is not None and not _answered(source, given):  # guard: 255-said
            lines.setdefault(name, f"{short(name, 120)} came in with {source.told}, which was read just before.")
    told = list(lines.values())
    more = [f"{count(len(told) - _MOST, 'more address', 'more addresses')} came in like this."]
    beyond = heard.beyond(proposal.principal) if unknown else 0
    left = [
        f"Whether the others came in like this is not known: of what was read within the hour, "
        f"{count(beyond, 'address or host is', 'addresses and hosts are')} not remembered any more."
    ]
    return [*told[:_MOST], *(more if len(told) > _MOST else []), *(left if beyond else [])]  # guard: 416-told


def _answered(source: Source, given: set[str]) -> bool:
    """Whether the call names the very mail, and this is who wrote it: an answer goes there."""
    return source.sender and bool(source.key) and any(source.key in text for text in given)


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

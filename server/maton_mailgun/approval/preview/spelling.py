"""How the addresses and domains of any call are written, where they could be taken for others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from maton_mailgun.approval.preview.proposal import Findings, Proposal, Reads, dig
from maton_mailgun.mail.addresses import address_flags, domain_flags, parse
from maton_mailgun.mail.text import count, short

if TYPE_CHECKING:
    from maton_mailgun.catalogue.operation import Operation


def doubts(operation: Operation, arguments: Mapping[str, Any]) -> list[str]:
    """A line for each address or domain that looks like another one; for mail that is sent, see `audience`."""
    plain = [] if operation.access == "send" else [name for name, kind in operation.addresses.items() if kind != "mime"]
    addresses = [text for name in plain for text in _texts(arguments.get(name))]
    domains = [text for name in operation.hosts for text in _texts(arguments.get(name))]
    told = [(text, address_flags(parse(text))) for text in addresses]  # guard: 131-address
    told += [(text, domain_flags(text)) for text in domains]  # guard: 131-domain
    return [f"{short(text, 253)}: {short('; '.join(flags), 300)}." for text, flags in told if flags]


async def member(proposal: Proposal, reads: Reads) -> Findings:
    """Whether a new address on a mailing list is itself a list: mail to the one reaches the members of the other."""
    address = str(proposal.arguments.get("address", ""))
    if not address:
        return Findings()
    found = await reads("whether the member is a list", "GET /v3/lists/{address}", {"address": address})
    if found is None or found.status == 404 or dig(found.data, "list") is None:
        return Findings()
    members = dig(found.data, "list.members_count")
    size = count(members, "member") if isinstance(members, int) else "an unknown number of members"
    return Findings(warnings=[f"{short(address, 120)} is itself a mailing list of {size}."], raises=1)


def _texts(given: Any) -> list[str]:
    return [given] if isinstance(given, str) else [one for one in given or () if isinstance(one, str)]

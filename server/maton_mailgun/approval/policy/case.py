"""A prepared call as the policy sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from maton_mailgun.approval.policy.judge import Case
from maton_mailgun.approval.preview.audience import recipients
from maton_mailgun.catalogue import entry_fields
from maton_mailgun.catalogue.operation import Operation
from maton_mailgun.exchange import Prepared

AT_ONCE = 20_000
"""Characters and bytes of a call whose recipients are read in a moment."""


def domains(operation: Operation, arguments: Mapping[str, Any]) -> Iterator[str]:
    """The domains that the call is about: named alone, or as that of an address such as a mailing list's."""
    for name in operation.domains:
        if name in arguments:
            yield str(arguments[name]).strip().rpartition("@")[2]


def case_of(prepared: Prepared) -> Case:
    """Tool, recipients and account of a call, for the policy's rules.

    Every envelope recipient counts, also those named in headers, and the place a copy of all mail is forwarded to. One
    that cannot be read strictly is passed on as it stands, so that no allow rule can match it. In a write of many
    entries every address counts, and is one use of a day's budget.
    """
    operation, arguments = prepared.operation, prepared.arguments
    found = recipients(operation, arguments, prepared.request) if operation.access == "send" else []
    forwarding = {operation.wire.get(name, name) for name in operation.copies}
    copies = [text for name, text in prepared.request.form if name in forwarding]
    listed = entry_fields.addresses(operation, arguments)
    return Case(
        tool=operation.name,
        access=operation.access,
        recipients=(
            *(address.raw if address.problems else address.address for address in found),  # guard: 38-strict.case
            *copies,  # guard: 38-copies
            *listed,  # guard: 70-counted
        ),
        domains=tuple(domains(operation, arguments)),  # guard: 128-named
        connection_id=prepared.account.connection_id,
        arguments=arguments,
        uses=max(1, len(listed)),  # guard: 70-uses
    )


async def case_off_loop(prepared: Prepared) -> Case:
    """The same, while other calls go on: a large message, which may be read for its headers, takes a while."""
    request = prepared.request
    large = sum(len(text) for _, text in request.form) + sum(one.size for one in request.files)
    if large <= AT_ONCE:
        return case_of(prepared)
    return await asyncio.to_thread(case_of, prepared)  # guard: 112-case

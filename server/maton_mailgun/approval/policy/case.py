"""A prepared call as the policy sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from maton_mailgun.approval.policy.judge import Case
from maton_mailgun.approval.preview import replies
from maton_mailgun.approval.preview.audience import letter_of, recipients
from maton_mailgun.approval.preview.fields import values
from maton_mailgun.approval.preview.forwarding import targets
from maton_mailgun.catalogue import entry_fields
from maton_mailgun.catalogue.operation import Operation
from maton_mailgun.exchange import Prepared
from maton_mailgun.mail.addresses import Address

AT_ONCE = 20_000
"""Characters and bytes of a call whose recipients are read in a moment."""

_ANSWERS = {"reply-to", *replies.OTHERS, "disposition-notification-to", "return-receipt-to", "errors-to"}
"""Headers that say where answers, receipts (RFC 8098) and errors go."""


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
    sends = operation.access == "send"
    found = recipients(operation, arguments, prepared.request) if sends else []
    copies = list(_copies(prepared)) if sends else []
    listed = entry_fields.addresses(operation, arguments)
    return Case(
        tool=operation.name,
        access=operation.access,
        recipients=(
            *map(_as_read, found),
            *copies,  # guard: 38-copies
            *listed,  # guard: 70-counted
        ),
        domains=tuple(domains(operation, arguments)),  # guard: 128-named
        connection_id=prepared.account.connection_id,
        arguments=arguments,
        uses=max(1, len(listed)),  # guard: 70-uses
        besides=tuple(_answers(prepared) if sends else _led_to(prepared)),  # guard: 187-besides
    )


def _as_read(address: Address) -> str:
    return address.raw if address.problems else address.address  # guard: 38-strict.case


def _copies(prepared: Prepared) -> Iterator[str]:
    """The places that a copy of all mail is forwarded to."""
    forwarding = {prepared.operation.wire.get(name, name) for name in prepared.operation.copies}
    return (text for name, text in prepared.request.form if name in forwarding and text)


def _answers(prepared: Prepared) -> Iterator[str]:
    """Where the answers to a message, its receipts and its bounces go, but to its sender."""
    letter = letter_of(prepared.request)
    for name, value in (*letter.headers, *letter.own_headers):
        if name.casefold() in _ANSWERS:
            yield from map(_as_read, replies.named(name, value))


def _led_to(prepared: Prepared) -> Iterator[str]:
    """Whom a change of the account leads mail to from then on: by a route, a copy of a domain's mail, a list."""
    operation = prepared.operation
    yield from _copies(prepared)
    if operation.preview == "forwarding":
        for action in values(prepared.request, "action"):
            yield from targets(action)
    for name, holds in operation.addresses.items():
        # What names a domain of the account is its own list, for rules about domains.
        if holds == "plain" and name not in operation.domains and prepared.arguments.get(name):
            yield str(prepared.arguments[name])


async def case_off_loop(prepared: Prepared) -> Case:
    """The same, while other calls go on: a large message, which may be read for its headers, takes a while."""
    request = prepared.request
    large = sum(len(text) for _, text in request.form) + sum(one.size for one in request.files)
    if large <= AT_ONCE:
        return case_of(prepared)
    return await asyncio.to_thread(case_of, prepared)  # guard: 112-case

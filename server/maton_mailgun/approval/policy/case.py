"""A prepared call as the policy sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from maton_mailgun.approval.policy.judge import Case
from maton_mailgun.approval.preview.audience import recipients
from maton_mailgun.catalogue.operation import Operation
from maton_mailgun.exchange import Prepared


def domains(operation: Operation, arguments: Mapping[str, Any]) -> Iterator[str]:
    """The domains that the call is about: named alone, or as that of an address such as a mailing list's."""
    for name in operation.domains:
        if name in arguments:
            yield str(arguments[name]).strip().rpartition("@")[2]


def case_of(prepared: Prepared) -> Case:
    """Tool, recipients and account of a call, for the policy's rules.

    Every envelope recipient counts, also those named in headers, and the place a copy of all mail is forwarded to. One
    that cannot be read strictly is passed on as it stands, so that no allow rule can match it.
    """
    operation, arguments = prepared.operation, prepared.arguments
    found = recipients(operation, arguments, prepared.request) if operation.access == "send" else []
    forwarding = {operation.wire.get(name, name) for name in operation.copies}
    copies = [text for name, text in prepared.request.form if name in forwarding]
    return Case(
        tool=operation.name,
        access=operation.access,
        recipients=(
            *(address.raw if address.problems else address.address for address in found),  # guard: 38-strict.case
            *copies,  # guard: 38-copies
        ),
        domains=tuple(domains(operation, arguments)),  # guard: 128-named
        connection_id=prepared.account.connection_id,
        arguments=arguments,
    )

"""A send that bears no id of this server, looked for in the events: who got it, when, and what it repeats.

Mailgun names such a message itself, so that only its likeness shows it. What could be another message proves nothing.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from maton_mailgun.approval.preview.audience import recipients
from maton_mailgun.approval.preview.proposal import Reader, dig, items
from maton_mailgun.exchange import Prepared

MOST_ASKED = 20
"""Recipients that are looked for: a message to more is found by these."""


class Hopeless(Exception):
    """No look will ever tell how this ended."""


async def sent_alike(prepared: Prepared, since: float, until: float, read: Reader) -> str | None:
    """The id of the message that was sent, where exactly one of the events can be it; None where none or several can.

    Args:
        prepared: The send.
        since: Unix seconds at which it left.
        until: Unix seconds at which it was over at the latest.
        read: Reads the account.

    Raises:
        Hopeless: What it repeats is gone.
        CouldNotRead: The events cannot be read now.
    """
    operation, arguments = prepared.operation, prepared.arguments
    if operation.before is None or operation.settle_read is None or operation.settle_pick is None:
        raise Hopeless("there is nothing to compare it with")
    original = await read(operation.before, arguments)
    wanted = {place: _one_line(dig(original.data, source)) for place, source in operation.settle_like.items()}
    if original.status == 404 or not any(wanted.values()):
        raise Hopeless("the message that it repeats is gone")
    people = {one.key for one in recipients(operation, arguments, prepared.request)}
    asked = sorted(people)[:MOST_ASKED]
    where = {**arguments, "recipients": " OR ".join(asked), "since": str(math.floor(since))}
    got: defaultdict[str, set[str]] = defaultdict(set)
    for event in items(await read(operation.settle_read, where)):
        if _may_be_it(event, wanted, prepared, since, until):
            got[str(dig(event, operation.settle_pick))].add(str(dig(event, "recipient")).casefold())
    complete = [name for name, who in got.items() if who >= set(asked)]
    return complete[0] if len(complete) == 1 and len(got) == 1 else None  # guard: 201-one


def _may_be_it(event: Any, wanted: Mapping[str, str], prepared: Prepared, since: float, until: float) -> bool:
    when = dig(event, "timestamp")
    if not isinstance(when, int | float) or not math.floor(since) <= when <= until:  # guard: 201-when
        return False
    own = any(
        str(dig(event, place)) == str(prepared.arguments.get(name))
        for place, name in prepared.operation.settle_not.items()
    )
    alike = all(_one_line(dig(event, place)) == text for place, text in wanted.items())  # guard: 201-alike
    return alike and not own  # guard: 201-own


def _one_line(value: Any) -> str:
    return " ".join(str(value or "").split())

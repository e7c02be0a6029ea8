"""The functions that catalogue rows may name in `answered_by`: one answer made of several reads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from maton_mailgun.combined import delivery_diagnosis, list_counts, suppression_check
from maton_mailgun.combined.bounded_reads import BoundedReads
from maton_mailgun.wire.fencing import Own
from maton_mailgun.wire.request import Request
from maton_mailgun.wire.steps import on_offer

_Answer = Callable[[BoundedReads, Mapping[str, Any]], Awaitable[dict[str, Any]]]

COMBINED: Mapping[str, tuple[_Answer, int]] = {
    "bounce": (suppression_check.bounce, suppression_check.OF_ONE),
    "delivery": (delivery_diagnosis.diagnose, delivery_diagnosis.MOST_REQUESTS),
    "list_counts": (list_counts.counted, list_counts.MOST_REQUESTS),
    "suppressions": (suppression_check.check, suppression_check.MOST_REQUESTS),
}
"""By name: the function, and how many requests one call of it may make."""


async def answer(
    name: str,
    arguments: Mapping[str, Any],
    get: Callable[[Request], Awaitable[dict[str, Any]]],
    until: float,
    offered: Collection[str],
) -> dict[str, Any]:
    """The answer of one call.

    Args:
        name: As the row names it.
        arguments: Checked.
        get: Sends one read.
        until: The moment of the loop's clock after which no answer is waited for.
        offered: Names of the tools on offer: no other is named as a next step.

    Raises:
        CallError: Nothing could be read.
    """
    function, most = COMBINED[name]
    found = await function(BoundedReads(get, until, most), arguments)
    if isinstance(step := found.get("next"), Own):
        found["next"] = Own(on_offer(step, offered))
    return found

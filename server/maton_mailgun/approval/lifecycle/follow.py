"""From a proposal that was changed to what stands in its place now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from maton_mailgun.approval.lifecycle.services import Services
from maton_mailgun.approval.store.contract import Store
from maton_mailgun.approval.store.record import Record

MOST_REVISIONS = 30
"""Proposals that may stand in the place of one, one after the other."""


async def standing(store: Store, record: Record) -> Record:
    """What stands in the place of a proposal now; the proposal itself where nobody changed it."""
    while record.superseded_by is not None:
        following = await store.get(record.superseded_by)
        if following is None or following.revision <= record.revision:
            return record
        record = following
    return record


async def followed(uses: Services, record: Record, seconds: float, until: Callable[[Record], bool]) -> Record:
    """What stands in its place as soon as it satisfies `until`, or as it is after `seconds`: whoever waits for a
    proposal goes on waiting for what a person makes of it."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    while True:
        record = await standing(uses.store, record)
        left = ends - loop.time()
        if left <= 0 or until(record):
            return record
        record = await uses.changes.wait(record.id, left, until)
        if record.superseded_by is None:
            return record

"""Wakes whoever waits for an approval to change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from maton_mailgun.approval.store.contract import Store
from maton_mailgun.approval.store.record import Record

POLL_SECONDS = 0.25
"""Another process may decide or carry out: its change is only seen by looking again."""


class ChangeSignal:
    """The changes of one process to the approvals of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._changed = asyncio.Event()
        self._ended = False

    def end(self) -> None:
        """Let everybody who waits, and who would, have the record as it is now: the server stops."""
        self._ended = True
        self.announce()

    def announce(self) -> None:
        """Wake everybody who waits for a change."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self, approval_id: str, seconds: float, until: Callable[[Record], bool]) -> Record:
        """The record as soon as it satisfies `until`, or as it is after `seconds`.

        Raises:
            KeyError: There is no such approval.
            StoreError: It cannot be read.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            changed = self._changed
            record = await known(self._store, approval_id)
            left = deadline - loop.time()
            if until(record) or left <= 0 or self._ended:
                return record
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), min(left, POLL_SECONDS))


async def known(store: Store, approval_id: str) -> Record:
    """The record of an approval that must be there.

    Raises:
        KeyError: It is not.
    """
    record = await store.get(approval_id)
    if record is None:
        raise KeyError(approval_id)
    return record

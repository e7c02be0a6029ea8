"""Removes what was finished longer ago than the operator wants it kept.

Every serving process does it beside its sweeps, so that a server that runs for months does, and so that no command has
to be remembered. A step is one short transaction; a walk that found its end begins anew an hour later.
"""

from __future__ import annotations

from maton_mailgun.approval.lifecycle.services import Services
from maton_mailgun.approval.store.upkeep import Reached

_DAY = 86_400.0
AGAIN_SECONDS = 3_600.0


class Retention:
    """The walk of one process through what is finished."""

    def __init__(self, services: Services) -> None:
        self._uses = services
        self._place = Reached()
        self._next = float("-inf")

    async def step(self) -> int:
        """Remove some of what is due. Returns how many.

        Raises:
            StoreError: The store cannot be used now.
        """
        uses = self._uses
        if uses.monotonic() < self._next:
            return 0
        before = uses.clock() - uses.settings.keep_days * _DAY
        removed = await uses.store.remove_finished(before, self._place)
        self._place = removed.place or Reached()
        if removed.place is None:
            self._next = uses.monotonic() + AGAIN_SECONDS
        return removed.count

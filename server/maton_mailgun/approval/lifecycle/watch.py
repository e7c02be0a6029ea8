"""Notices what other processes decided, closes what time closed, looks up what is not known."""

from __future__ import annotations

import asyncio
import logging

from maton_mailgun.approval.binding import seal
from maton_mailgun.approval.lifecycle.execute import Execution
from maton_mailgun.approval.lifecycle.keep import Retention
from maton_mailgun.approval.lifecycle.reconcile import Reconciliation
from maton_mailgun.approval.lifecycle.services import Services
from maton_mailgun.approval.store.contract import ALL
from maton_mailgun.approval.store.failures import StoreError
from maton_mailgun.approval.store.record import Record
from maton_mailgun.errors import CallError

log = logging.getLogger(__name__)

WATCH_SECONDS = 0.25
SWEEP_SECONDS = 20.0


class Watcher:
    """The background of one process: runs until it is cancelled."""

    def __init__(self, services: Services, execution: Execution, reconciliation: Reconciliation) -> None:
        self._uses = services
        self._execution = execution
        self._reconciliation = reconciliation
        self._retention = Retention(services)

    async def watch(self) -> None:
        """Look again and again. A store that cannot be read now is looked at again later."""
        seen, next_sweep = -1, 0.0
        loop = asyncio.get_running_loop()
        while True:
            try:
                if loop.time() >= next_sweep:
                    await self._uses.store.sweep()
                    await self._reconciliation.look_up_due()
                    await self._retention.step()
                    next_sweep = loop.time() + SWEEP_SECONDS
                now = await self._uses.store.changed()
                if now != seen or self._execution.interrupted:
                    await self._execution.take_up_again()
                    seen = now
                    self._uses.changes.announce()
                    await self.take_up()  # guard: 33-taken-up
            except StoreError as problem:
                seen = -1
                log.warning("the approvals cannot be read", extra={"why": str(problem)})
            await asyncio.sleep(WATCH_SECONDS)

    async def take_up(self) -> None:
        """Run what was approved elsewhere (the terminal, another replica's page) and belongs to this gateway."""
        for record in await self._uses.store.list(states={"approved"}, limit=ALL):
            waits = record.retry_at is not None
            if not waits and record.id not in self._execution.running and await self._is_ours(record):
                self._execution.start(record)

    async def _is_ours(self, record: Record) -> bool:
        try:
            sealed = await self._uses.opened(record)
        except (StoreError, seal.Unsealable, KeyError):
            return False
        except Exception:
            # One stored call that nobody foresaw must not keep the others from being carried out.
            log.exception("a stored call cannot be opened", extra={"approval": record.id})
            return False
        try:
            mark = self._uses.mark_of(self._uses.gateway.of(record.principal))
        except CallError:
            return False
        return sealed.gateway == mark and sealed.prepared.operation.name in self._uses.offered

"""Tells a person who is elsewhere that approvals wait: one notice a minute at most, then how many there are.

It is beside the path of a write: whatever becomes of a notice, the proposal is as it is without one. The minute is
counted in the state directory, for clients that start a server for each call.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maton_mailgun.approval.channels.notice import Named, notice
from maton_mailgun.approval.channels.notifier import Notifier, NotNotified
from maton_mailgun.approval.preview.document import Preview
from maton_mailgun.approval.store.contract import Store
from maton_mailgun.approval.store.failures import StoreError
from maton_mailgun.approval.store.record import Record
from maton_mailgun.catalogue.operation import Catalogue, title_of
from maton_mailgun.whole_file import one_at_a_time, replace_whole

log = logging.getLogger(__name__)

EVERY = 60.0
FILE = "notices.json"
_CLOSING = 5.0
"""For a notice that is on its way when the server stops."""


@dataclass(frozen=True, slots=True)
class Last:
    """How the last notice went."""

    at: float
    """Unix seconds."""
    failed: str | None
    """Why it did not reach everybody, in words that hold nothing of the setting."""


class Notices:
    """What is to be told by one process.

    Args:
        notifier: Hands a notice over.
        store: Says what waits.
        operations: What operations are called.
        home: The state directory.
        where: Where to decide one of these, or all where there are several, in words.
        clock: Unix seconds.
        sleep: Waits.
    """

    def __init__(
        self,
        notifier: Notifier,
        store: Store,
        operations: Catalogue,
        home: Path,
        where: Callable[[str | None], str],
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    ) -> None:
        self._notifier = notifier
        self._store = store
        self._operations = operations
        self._home = home
        self._where = where
        self._clock = clock
        self._sleep = sleep
        self._untold: dict[str, str] = {}
        """Who proposed each of them."""
        self._telling: asyncio.Task[None] | None = None
        self._sending = False
        self._last_here = -EVERY

    def waits(self, record: Record) -> None:
        """Tell of this one, as soon as that may be."""
        self._untold[record.id] = record.principal
        if self._telling is None:
            self._telling = asyncio.create_task(self._tell(), name="notices")
            self._telling.add_done_callback(self._ended)

    async def aclose(self) -> None:
        """Let a notice that is on its way arrive; what would have to wait is not told."""
        if (telling := self._telling) is None:
            return
        if self._sending:
            await asyncio.wait({telling}, timeout=_CLOSING)
        telling.cancel()
        await asyncio.wait({telling})

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._telling = None
        if not task.cancelled() and (failure := task.exception()) is not None:
            log.warning("a notice could not be sent", extra={"why": type(failure).__name__})

    async def _tell(self) -> None:
        while self._untold:
            # What is decided before its turn is not told.
            news, _ = await self._news()
            if not news:
                continue
            left = await asyncio.to_thread(self._claimed)
            if left > 0:  # guard: 320-minute
                await self._sleep(left)
                continue
            self._sending = True
            try:
                await self._send()
            finally:
                self._sending = False

    async def _send(self) -> None:
        news, waiting = await self._news()
        for told in news:
            del self._untold[told.record.id]
        if not news:
            return
        where = self._where(news[0].record.id if len(news) == 1 else None)
        why = None
        try:
            await self._notifier.send(notice(news, waiting, where))
        except NotNotified as failure:
            why = failure.why
            log.warning("a notice did not reach everybody", extra={"why": why})
        await asyncio.to_thread(self._noted, why)

    async def _news(self) -> tuple[list[Named], int]:
        """What was not told and still waits, newest first, and how many wait in all of those who proposed it; nothing
        else is left untold."""
        untold, found = dict(self._untold), list[Record]()
        try:
            # Of each of them: a proposal of one person must not take another's out of the notice.
            for principal in dict.fromkeys(untold.values()):  # guard: 374-each
                found += await self._store.list(principal=principal, states={"pending"}, limit=1_000)
        except StoreError:
            self._untold.clear()
            raise
        found.sort(key=lambda record: record.created_at, reverse=True)
        waiting = [record for record in found if record.expires_at > self._clock()]
        left = {record.id for record in waiting}
        # What came while the store was read is looked at the next time.
        self._untold = {one: who for one, who in self._untold.items() if one in left or one not in untold}
        named = [Named(one, self._title(one)) for one in waiting if one.id in self._untold]
        return named, len(waiting)

    def _title(self, record: Record) -> str:
        """What the person is asked to do, which may be more than the tool says: to replace, and not to add."""
        return Preview.of(record.preview).title or title_of(self._operations, record.operation)

    def _claimed(self) -> float:
        """Take this minute for a notice of this process. 0, or the seconds until the next may be taken."""
        now = self._clock()
        try:
            with one_at_a_time(self._home / f"{FILE}.lock"):
                last = last_notice(self._home)
                at = last.at if last is not None else -EVERY
                # A clock that was put back says nothing about how long it was.
                left = EVERY - (now - at) if at <= now else 0.0
                if left <= 0:
                    _write(self._home, Last(now, None))
        except OSError as problem:
            log.warning("the time of the last notice cannot be kept", extra={"why": problem.strerror})
            left = EVERY - (now - self._last_here)
        if left <= 0:
            self._last_here = now
        return max(0.0, left)

    def _noted(self, why: str | None) -> None:
        """Keep how it went, for `doctor`."""
        if why is None:
            return
        try:
            with one_at_a_time(self._home / f"{FILE}.lock"):
                _write(self._home, Last(self._last_here, why))
        except OSError as problem:
            log.warning("a failed notice cannot be noted", extra={"why": problem.strerror})


def last_notice(home: Path) -> Last | None:
    """How the last one went; None where there was none, or nothing of it can be read."""
    try:
        kept = json.loads((home / FILE).read_bytes())
        failed = kept["failed"]
        return Last(float(kept["at"]), None if failed is None else str(failed))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(home: Path, last: Last) -> None:
    replace_whole(home / FILE, json.dumps({"at": last.at, "failed": last.failed}))

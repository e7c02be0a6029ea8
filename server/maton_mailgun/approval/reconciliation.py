"""Finds out how a write ended whose answer was lost. Only reads; nothing is ever sent again from here.

Sends are looked up in the events by the Message-Id this server set; changes and deletes by reading the target back.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from ..call import Prepared
from ..request import codec_for
from . import seal
from .preview import Answer, CouldNotRead
from .previews.proposal import dig
from .reader import AccountReader
from .record import Record
from .store import Conflict, StoreError

if TYPE_CHECKING:
    from .gate import Gate

log = logging.getLogger(__name__)

DELAYS = (0.0, 2.0, 10.0, 30.0, 120.0, 600.0, 1_800.0)
"""Seconds after the attempt at which the outcome is looked up; events can arrive late (documented)."""
GIVE_UP_SECONDS = 3 * 86_400.0
"""Mailgun keeps events for one day on the smallest plan; after this nothing more can be learnt."""
GRACE_SECONDS = 90.0
"""How long a request may still be on its way: until then "not there" proves nothing."""


class Reconciliation:
    """Looks up unknown outcomes of one process."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._looking: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def first_look(self, record: Record) -> Record:
        """Look once at once, then keep looking in the background."""
        if record.state != "unknown":
            return record
        record = await self._look(record)
        if record.state == "unknown":
            self._keep_looking(record)
        return record

    async def look_up_due(self) -> None:
        """Take up outcomes that an earlier process left unknown."""
        for record in await self._gate.store.list(states=("unknown",), limit=100):
            age = self._gate.clock() - (record.attempted_at or record.created_at)
            if record.id not in self._looking and age < GIVE_UP_SECONDS:
                self._keep_looking(record)

    async def close(self) -> None:
        """Stop looking; what is unknown stays so until the next start."""
        for task in self._tasks:
            task.cancel()

    def _keep_looking(self, record: Record) -> None:
        if record.id in self._looking:
            return
        self._looking.add(record.id)
        task = asyncio.create_task(self._look_later(record), name=f"look-up-{record.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look_later(self, record: Record) -> None:
        attempted = record.attempted_at or record.created_at
        waits = [max(0.0, attempted + delay - self._gate.clock()) for delay in DELAYS[1:]]
        # After a restart all of these are past: one look, then none.
        for wait in [0.0, *dict.fromkeys(wait for wait in waits if wait > 0)]:
            await asyncio.sleep(max(0.0, wait))
            try:
                record = await self._look(record)
            except StoreError as problem:
                log.warning("an outcome cannot be looked up", extra={"why": str(problem)})
                continue
            if record.state != "unknown":
                return

    async def _look(self, record: Record) -> Record:
        """One look; the record as it is then."""
        try:
            prepared = (await self._gate.opened(record)).prepared
            happened = await self._happened(record, prepared)
        except (CouldNotRead, seal.Unsealable, KeyError) as problem:
            log.info("an outcome is not known yet", extra={"approval": record.id, "why": str(problem)})
            return record
        if happened is None:
            return record
        state: Any = "succeeded" if happened else "failed"
        result = {"result": {"found_by": "looking it up afterwards"}} if happened else _not_done()
        try:
            record = await self._gate.store.move(
                record, state, actor="reconciliation", finished_at=self._gate.clock(), result=result
            )
        except Conflict as lost:
            record = lost.current
        self._gate.announce()
        return record

    async def _happened(self, record: Record, prepared: Prepared) -> bool | None:
        """True or False where the account shows it, None where it does not."""
        operation, arguments = prepared.operation, prepared.arguments
        read = AccountReader(self._gate.engine.gateway, self._gate.operations, prepared.account.connection_id)
        late = self._gate.clock() - (record.attempted_at or record.created_at) >= GRACE_SECONDS
        match operation.settle:
            case "events":
                if record.message_id is None:
                    return None
                where = {"domain": arguments["domain"], "message": record.message_id}
                answer = await read("GET /v3/{domain}/events?message-id={message}&limit=1", where)
                # Absent events prove nothing: they can be late, and the log may not hold them any more.
                return True if _items(answer) else None
            case "absent":
                answer = await read(operation.before or "", arguments)
                return True if answer.status == 404 else (False if late and answer.status == 200 else None)
            case "exists":
                answer = await read(operation.settle_read or operation.before or "", arguments)
                return True if answer.status == 200 else (False if late and answer.status == 404 else None)
            case "matches":
                answer = await read(operation.before or "", arguments)
                if answer.status != 200:
                    return None
                return True if _matches(prepared, answer) else (False if late else None)
            case _:
                return None


def _items(answer: Answer) -> list[Any]:
    found = dig(answer.data, "items") if answer.status == 200 else None
    return found if isinstance(found, list) else []


def _matches(prepared: Prepared, answer: Answer) -> bool:
    """Whether every value that was sent is there now."""
    compared = [name for name in prepared.operation.compare if name in prepared.arguments]
    return bool(compared) and all(
        _plain(prepared.arguments[name]) == _plain(dig(answer.data, prepared.operation.compare[name]))
        for name in compared
    )


def _plain(value: Any) -> Any:
    """Values as they compare across the wire: numbers and words as text, lists in order."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if codec_for(value) != "text" else str(value)


def _not_done() -> dict[str, Any]:
    return {
        "error": {
            "kind": "not_done",
            "who": "service",
            "message": "The answer was lost; looking afterwards shows that it was not carried out.",
            "next": "Tell the user. It may be proposed again.",
        }
    }

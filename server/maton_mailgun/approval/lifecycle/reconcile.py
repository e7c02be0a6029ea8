"""Finds out how a write ended whose answer was lost. Only reads; nothing is ever sent again from here.

Sends are looked up in the events by the Message-Id this server set; changes and deletes by reading the target back.
"""

from __future__ import annotations

import asyncio
import logging
import re
from contextlib import suppress
from typing import Any

from maton_mailgun.approval.binding import seal
from maton_mailgun.approval.binding.envelope import Sealed
from maton_mailgun.approval.lifecycle.services import Services
from maton_mailgun.approval.preview import difference
from maton_mailgun.approval.preview.account_reader import AccountReader
from maton_mailgun.approval.preview.look import snapshot
from maton_mailgun.approval.preview.proposal import CouldNotRead, ReadAnswer, dig
from maton_mailgun.approval.store.contract import ALL
from maton_mailgun.approval.store.failures import Conflict, StoreError
from maton_mailgun.approval.store.record import Record
from maton_mailgun.exchange import Caller, Prepared

log = logging.getLogger(__name__)

_BRACED = re.compile(r"\{([a-z][a-z0-9_]*)\}")
DELAYS = (0.0, 2.0, 10.0, 30.0, 120.0, 600.0, 1_800.0)
"""Seconds after the attempt at which the outcome is looked up; events can arrive late (documented)."""
GIVE_UP_SECONDS = 3 * 86_400.0
"""Mailgun keeps events for one day on the smallest plan; after this nothing more can be learnt."""
LEASE_SECONDS = 240.0
"""Longer than every attempt to connect and one whole exchange together: a lapsed lease means the process is gone."""
GRACE_SECONDS = 90.0  # guard: 00-grace
"""How long a request may still be on its way after we gave up: until then "not there" proves nothing."""
CLOSE_SECONDS = 2.0
"""What a look under way may take when the server stops."""


class Reconciliation:
    """Looks up unknown outcomes of one process."""

    def __init__(self, services: Services) -> None:
        self._uses = services
        self._looking: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    async def first_look(self, record: Record) -> Record:
        """Look once at once, then keep looking in the background."""
        if record.state != "unknown":
            return record
        record = await self.look(record)
        if record.state == "unknown":
            self._keep_looking(record, looked=True)
        return record

    async def look_up_due(self) -> None:
        """Take up outcomes that an earlier process left unknown."""
        for record in await self._uses.store.list(states={"unknown"}, limit=ALL):
            if record.id not in self._looking and self._age(record) < GIVE_UP_SECONDS:
                self._keep_looking(record, looked=False)

    async def close(self) -> None:
        """Stop looking, after the looks under way (bounded); what is unknown stays so until the next start."""
        self._closing.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS)
            for task in late:
                task.cancel()

    def _keep_looking(self, record: Record, *, looked: bool) -> None:
        if record.id in self._looking:
            return
        self._looking.add(record.id)
        task = asyncio.create_task(self._look_later(record, looked=looked), name=f"look-up-{record.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look_later(self, record: Record, *, looked: bool) -> None:
        loop = asyncio.get_running_loop()
        begin = loop.time() - max(0.0, self._age(record))
        # After a restart all of these may be past: one look, then none.
        due = [moment for delay in DELAYS[1:] if (moment := begin + delay) > loop.time()]
        for moment in due if looked else (loop.time(), *due):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), max(0.0, moment - loop.time()))
            if self._closing.is_set():
                return
            try:
                record = await self.look(record)
            except StoreError as problem:
                log.warning("an outcome cannot be looked up", extra={"why": str(problem)})
                continue
            except Exception:
                # What nobody foresaw leaves the outcome unknown, as it is; the next look may do better.
                log.exception("a look failed", extra={"approval": record.id})
                continue
            if record.state != "unknown":
                return

    def _age(self, record: Record) -> float:
        return self._uses.clock() - (record.attempted_at or record.created_at)

    def _lost_for(self, record: Record) -> float:
        """Seconds since the last moment at which a byte of it can have left."""
        ended = record.finished_at or (record.attempted_at or record.created_at) + LEASE_SECONDS  # guard: 00-ended
        return self._uses.clock() - ended

    async def look(self, record: Record) -> Record:
        """One look; the record as it is then."""
        current = await self._uses.store.get(record.id)
        if current is not None and current.state not in ("unknown", "executing"):
            # Another process has settled it meanwhile.
            return current
        try:
            happened = await self._happened(record, await self._uses.opened(record))
        except (CouldNotRead, seal.Unsealable, KeyError) as problem:
            log.info("an outcome is not known yet", extra={"approval": record.id, "why": str(problem)})
            return record
        if happened is None:
            return record
        state: Any = "succeeded" if happened else "failed"
        result = {"result": {"found_by": "looking it up afterwards"}} if happened else _not_done()
        try:
            record = await self._uses.store.move(
                record, state, actor="reconciliation", finished_at=self._uses.clock(), result=result
            )
        except Conflict as lost:
            record = lost.current
        self._uses.changes.announce()
        return record

    async def _happened(self, record: Record, sealed: Sealed) -> bool | None:
        """True or False where the account shows it, None where it does not."""
        operation, arguments = sealed.prepared.operation, sealed.prepared.arguments
        read = AccountReader(self._uses.gateway, self._uses.operations, record.connection_id)
        if operation.settle == "events":  # guard: 00-sends
            if record.message_id is None:
                return None
            where = {"domain": arguments["domain"], "message": record.message_id}
            answer = await read("GET /v3/{domain}/events?message-id={message}&limit=1", where)
            # Absent events prove nothing: they can be late, and the log may not hold them any more. Neither does the
            # event of another message, which a service that ignored the filter would show.
            named = (str(dig(event, "message.headers.message-id")).strip("<> ") for event in _items(answer))
            return True if record.message_id in named else None  # guard: 00-absent, 00-own-event
        if (
            record.snapshot is None  # guard: 00-before
            or operation.settle is None
            or operation.before is None
        ):
            return None
        source = operation.before if operation.settle != "exists" else operation.settle_read or operation.before
        return await self._compared(record, sealed, await read(source, arguments))

    async def _compared(self, record: Record, sealed: Sealed, answer: ReadAnswer) -> bool | None:
        """What the target shows beside the one of the preview: only a difference that the write explains proves it,
        only an untouched target, once the request can no longer be on its way, disproves it."""
        caller = Caller(record.principal, record.client)
        now = await snapshot(self._uses.proposal(sealed.prepared, caller))
        operation = sealed.prepared.operation
        matches = as_asked(sealed.prepared, answer) if answer.status == 200 else False
        if now == record.snapshot:  # guard: 00-untouched
            # What is done later, or cannot be told from what was there, is not disproved by an untouched target.
            tells = not operation.asynchronous and (operation.settle != "matches" or matches is False)
            return False if tells and self._lost_for(record) >= GRACE_SECONDS else None
        match operation.settle:
            case "absent":
                return True if answer.status == 404 else None
            case "exists":
                return True if answer.status == 200 and sealed.absent_before else None
            case "matches":
                return True if matches else None
            case _:
                return None


def _items(answer: ReadAnswer) -> list[Any]:
    found = dig(answer.data, "items") if answer.status == 200 else None
    return found if isinstance(found, list) else []


def as_asked(prepared: Prepared, answer: ReadAnswer) -> bool | None:
    """Whether the target has every value that was sent; None when one of them cannot be compared."""
    operation = prepared.operation
    given = {**operation.defaults, **prepared.arguments}
    sent = {name for name, value in given.items() if value is not None}
    # What names the target in its own address needs no comparison.
    named = {*operation.path_arguments, *_BRACED.findall(operation.before or ""), "connection_id"}
    if not (sent - named <= set(operation.compare) and sent & set(operation.compare)):  # guard: 00-every-value
        return None
    return not difference.diff(operation, given, answer)


def _not_done() -> dict[str, Any]:
    return {
        "error": {
            "kind": "not_done",
            "who": "service",
            "message": "The answer was lost; looking afterwards shows that it was not carried out.",
            "next": "Tell the user. It may be proposed again.",
        }
    }

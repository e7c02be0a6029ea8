"""Finds out how a write ended whose answer was lost. Only reads; nothing is ever sent again from here.

Sends are looked up in the events by the Message-Id this server set, or by what they repeat (`found_sends`); changes
and deletes by reading the target back.
What is found is a guess, however good: the service's own answer, should it still come, corrects it. That something did
not happen is concluded only after this process itself saw time pass, never from what a clock was set to.
"""

from __future__ import annotations

import asyncio
import logging
import re
from contextlib import suppress
from dataclasses import replace
from typing import Any

from maton_mailgun.approval.binding import seal
from maton_mailgun.approval.binding.envelope import Sealed
from maton_mailgun.approval.lifecycle.found_sends import Hopeless, sent_alike
from maton_mailgun.approval.lifecycle.services import Services
from maton_mailgun.approval.preview import difference
from maton_mailgun.approval.preview.account_reader import AccountReader
from maton_mailgun.approval.preview.look import snapshot
from maton_mailgun.approval.preview.proposal import CouldNotRead, ReadAnswer, dig
from maton_mailgun.approval.store.contract import ALL
from maton_mailgun.approval.store.failures import Conflict, StoreError
from maton_mailgun.approval.store.record import GUESS, Record
from maton_mailgun.errors import CallError
from maton_mailgun.exchange import Caller, Prepared

log = logging.getLogger(__name__)

_BRACED = re.compile(r"\{([a-z][a-z0-9_]*)\}")
GAPS = (2.0, 8.0, 20.0, 90.0, 480.0, 1_200.0, 1_800.0)
"""Seconds from one look to the next; the last one is repeated. Events can arrive late (documented)."""
AT_ONCE = 4
"""Look-ups under way at a time: reads of one account share Maton's ten requests a second."""
LOOK_SECONDS = 30.0
"""For one look-up: one that hangs must not hold up the others for long."""
GIVE_UP_SECONDS = 3 * 86_400.0
"""Mailgun keeps events for one day on the smallest plan; after this nothing more can be learnt."""
LEASE_SECONDS = 240.0
"""Longer than every attempt to connect and one whole exchange together: a lapsed lease means the process is gone."""
AS_ONE_SECONDS = 86_400.0
"""Within which two sends of the same are not told apart by what they say."""
GRACE_SECONDS = 90.0  # guard: 00-grace
"""How long a request may still be on its way after we gave up: until then "not there" proves nothing."""
CLOSE_SECONDS = 2.0
"""What a look under way may take when the server stops."""


class Reconciliation:
    """Looks up unknown outcomes of one process: each in its turn, whoever waits longest first."""

    def __init__(self, services: Services) -> None:
        self._uses = services
        self._due: dict[str, float] = {}
        """Approval id -> when it is looked up next, by the loop's clock."""
        self._looks: dict[str, int] = {}
        self._given_up: set[str] = set()
        self._first_seen: dict[str, float] = {}
        """Approval id -> when this process first looked at it, in monotonic time."""
        self._more = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    async def first_look(self, record: Record) -> Record:
        """Look once at once, then keep looking in the background."""
        if record.state != "unknown":
            return record
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                record = await self.look(record)
        except TimeoutError:
            log.info("an outcome is not known yet", extra={"approval": record.id, "why": "the look-up took too long"})
        if record.state == "unknown" and record.id not in self._given_up:
            self._again(record.id)
        return record

    async def look_up_due(self) -> None:
        """Take up outcomes that an earlier process, or another one, left unknown."""
        now = asyncio.get_running_loop().time()
        for record in reversed(await self._uses.store.list(states={"unknown"}, limit=ALL)):
            fresh = record.id not in self._due and record.id not in self._given_up
            if fresh and self._age(record) < GIVE_UP_SECONDS:
                self._due[record.id] = now
        self._wake()

    async def close(self) -> None:
        """Stop looking, after the looks under way (bounded); what is unknown stays so until the next start."""
        self._closing = True
        self._more.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=CLOSE_SECONDS)
            self._task.cancel()

    # Turns --------------------------------------------------------------------------------------------------------

    def _again(self, approval_id: str) -> None:
        done = self._looks.get(approval_id, 0)
        self._looks[approval_id] = done + 1
        self._due[approval_id] = asyncio.get_running_loop().time() + GAPS[min(done, len(GAPS) - 1)]
        self._wake()

    def _forget(self, approval_id: str) -> None:
        for kept in (self._due, self._looks, self._first_seen):
            kept.pop(approval_id, None)

    def _wake(self) -> None:
        self._more.set()
        if self._due and self._task is None and not self._closing:
            self._task = asyncio.create_task(self._work(), name="look-up")

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._closing:
            self._more.clear()
            # Sorted by when they are due: whoever was looked at stands behind everybody who was not.
            waiting = sorted(self._due, key=self._due.__getitem__)
            turn = [one for one in waiting if self._due[one] <= loop.time()][:AT_ONCE]
            if turn:
                await asyncio.gather(*(self._turn(one) for one in turn))
                continue
            until = self._due[waiting[0]] - loop.time() if waiting else None
            with suppress(TimeoutError):
                await asyncio.wait_for(self._more.wait(), until)

    async def _turn(self, approval_id: str) -> None:
        """One look-up, and when the next one is due, if any."""
        try:
            record = await self._uses.store.get(approval_id)
            if record is not None and record.state == "unknown" and self._age(record) < GIVE_UP_SECONDS:
                async with asyncio.timeout(LOOK_SECONDS):
                    record = await self.look(record)
            if record is None or record.state != "unknown" or self._age(record) >= GIVE_UP_SECONDS:
                self._forget(approval_id)
                return
        except (StoreError, TimeoutError) as problem:
            log.warning("an outcome cannot be looked up", extra={"approval": approval_id, "why": str(problem)})
        except Exception:
            log.exception("a look-up failed", extra={"approval": approval_id})
        if approval_id in self._given_up:
            self._forget(approval_id)
        else:
            self._again(approval_id)

    # One look -----------------------------------------------------------------------------------------------------

    def _age(self, record: Record) -> float:
        return self._uses.clock() - (record.attempted_at or record.created_at)

    def _may_still_arrive(self, record: Record, first_seen: float) -> bool:
        """Whether the request may be on its way yet: by the time that passed since this process first saw the doubt,
        whatever any clock was set to meanwhile."""
        # Who did not say that it ended may be alive, and only be taken for dead by a clock that is wrong.
        least = GRACE_SECONDS + (0.0 if record.finished_at else LEASE_SECONDS)  # guard: 62-alive
        return self._uses.monotonic() - first_seen < least

    async def look(self, record: Record) -> Record:
        """One look; the record as it is then."""
        # Kept for this look: another one that ends meanwhile forgets it.
        first_seen = self._first_seen.setdefault(record.id, self._uses.monotonic())
        if record.id in self._uses.in_flight:  # guard: 62-in-flight
            return record
        if (current := await self._settled_meanwhile(record)) is not None:
            return current
        try:
            happened = await self._happened(record, await self._uses.opened(record), first_seen)
        except CouldNotRead as problem:
            log.info("an outcome is not known yet", extra={"approval": record.id, "why": str(problem)})
            return record
        except (Hopeless, seal.Unsealable, KeyError) as problem:
            # With the end of it its request was dropped.
            if (current := await self._settled_meanwhile(record)) is not None:
                return current
            log.info("an outcome cannot be looked up", extra={"approval": record.id, "why": str(problem)})
            self._given_up.add(record.id)
            return record
        if happened is None:
            return await self._settled_meanwhile(record) or record
        state: Any = "succeeded" if happened else "failed"
        result = _found(happened) if happened else _not_done()
        try:
            record = await self._uses.store.move(
                record, state, actor="reconciliation", finished_at=self._uses.clock(), result={**result, GUESS: True}
            )
        except Conflict as lost:
            record = lost.current
        self._uses.changes.announce()
        return record

    async def _settled_meanwhile(self, record: Record) -> Record | None:
        """The record if another process or another look has found out how it ended."""
        current = await self._uses.store.get(record.id)
        return current if current is not None and current.state not in ("unknown", "executing") else None

    async def _happened(self, record: Record, sealed: Sealed, first_seen: float) -> bool | str | None:
        """True, for a send its message id, or False where the account shows it; None where it does not.

        Raises:
            Hopeless: It never will.
            CouldNotRead: It cannot be read now.
        """
        operation, arguments = sealed.prepared.operation, sealed.prepared.arguments
        try:
            gateway = self._uses.gateway.of(record.principal)
        except CallError as problem:
            raise CouldNotRead(str(problem)) from None
        reader = AccountReader(gateway, self._uses.operations, record.connection_id)
        read = ServiceReader(reader)
        if operation.settle_like:
            return await self._sent_alike(record, sealed, read)
        if operation.settle == "events":  # guard: 00-sends
            if record.message_id is None or operation.settle_read is None or operation.settle_pick is None:
                raise Hopeless("it has no Message-Id")
            where = {"domain": arguments["domain"], "message": record.message_id}
            answer = await read(operation.settle_read, where)
            # Absent events prove nothing: they can be late, and the log may not hold them any more. Neither does the
            # event of another message, which a service that ignored the filter would show.
            named = (str(dig(event, operation.settle_pick)).strip("<> ") for event in _items(answer))
            return record.message_id if record.message_id in named else None  # guard: 00-absent, 00-own-event
        if (
            record.snapshot is None  # guard: 00-before
            or operation.settle is None
            or operation.before is None
        ):
            raise Hopeless("nothing was read before it that could be compared")
        source = operation.before if operation.settle != "exists" else operation.settle_read or operation.before
        answer = await read(source, arguments)
        now = await snapshot(
            replace(self._uses.proposal(sealed.prepared, Caller(record.principal, record.client)), read=read)
        )
        may_arrive = self._may_still_arrive(record, first_seen)
        return _compared(sealed, answer, untouched=now == record.snapshot, may_arrive=may_arrive)

    async def _sent_alike(self, record: Record, sealed: Sealed, read: ServiceReader) -> str | None:
        """The id that the events show of a send that bears none of ours; None where they do not show it.

        Raises:
            Hopeless: They never will.
            CouldNotRead: They cannot be read now.
        """
        if record.attempted_at is None:
            raise Hopeless("it is not known when it left")
        digests = {record.digest, *self._uses.digests(sealed.prepared)}
        others = await self._uses.store.history(record.principal, digests, record.created_at - AS_ONE_SECONDS)
        if any(one.id != record.id and one.attempted_at is not None for one in others):  # guard: 201-twice
            raise Hopeless("the same was sent another time, and one cannot be told from the other")
        return await sent_alike(sealed.prepared, record.attempted_at, record.attempted_at + LEASE_SECONDS, read)


def _compared(sealed: Sealed, answer: ReadAnswer, *, untouched: bool, may_arrive: bool) -> bool | None:
    """What the target shows beside the one of the preview: only a difference that the write explains proves it,
    only an untouched target, once the request can no longer be on its way, disproves it."""
    operation = sealed.prepared.operation
    matches = as_asked(sealed.prepared, answer) if answer.status == 200 else False
    if untouched:  # guard: 00-untouched
        # What is done later, or cannot be told from what was there, is not disproved by an untouched target.
        tells = not operation.asynchronous and (operation.settle != "matches" or matches is False)
        return False if tells and not may_arrive else None
    match operation.settle:
        case "absent":
            return True if answer.status == 404 else None
        case "exists":
            # That something of this name is there now does not say that it is what was asked for.
            there = answer.status == 200 and as_asked(sealed.prepared, answer, by_name=True)
            return True if sealed.absent_before and there else None
        case "matches":
            return True if matches else None
        case _:
            return None


class ServiceReader:
    """Reads the account, each thing once, and takes only answers that the service gives: a page that somebody else put
    in its place shows nothing about the target."""

    def __init__(self, reader: AccountReader) -> None:
        self._reader = reader
        self._read: dict[str, ReadAnswer] = {}

    async def __call__(self, source: str, arguments: Any, /) -> ReadAnswer:
        """See `AccountReader`.

        Raises:
            CouldNotRead: No answer, or not one of the service.
        """
        key = f"{source} {sorted((str(name), str(value)) for name, value in arguments.items())}"
        if key not in self._read:
            answer = await self._reader(source, arguments)
            if not isinstance(answer.data, dict):  # guard: 67-service
                raise CouldNotRead("the answer is not one of the service")
            self._read[key] = answer
        return self._read[key]


def _items(answer: ReadAnswer) -> list[Any]:
    found = dig(answer.data, "items") if answer.status == 200 else None
    return found if isinstance(found, list) else []


def as_asked(prepared: Prepared, answer: ReadAnswer, *, by_name: bool = False) -> bool | None:
    """Whether the target has every value that was sent; None when one of them cannot be compared. With `by_name`, a
    target of which nothing was sent but its name is as it was asked for."""
    operation = prepared.operation
    given = {**operation.defaults, **prepared.arguments}
    sent = {name for name, value in given.items() if value is not None}
    # What names the target in its own address needs no comparison.
    named = {*operation.path_arguments, *_BRACED.findall(operation.before or ""), "connection_id"}
    comparable = sent - named <= set(operation.compare) and (by_name or bool(sent & set(operation.compare)))
    if not comparable:  # guard: 00-every-value
        return None
    return not difference.diff(operation, given, answer)


def _found(happened: bool | str) -> dict[str, Any]:
    named = {"id": happened} if isinstance(happened, str) else {}
    return {"result": {**named, "found_by": "looking it up afterwards"}}


def _not_done() -> dict[str, Any]:
    return {
        "error": {
            "kind": "not_done",
            "who": "service",
            "message": "No answer came; looking afterwards shows that it was not carried out.",
            "next": "Tell the user. It may be proposed again.",
        }
    }

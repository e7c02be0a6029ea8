"""A gate as the page knows it, in memory: same moves, same refusals, and outcomes the test decides.

`test_gate_contract` holds it to what the real gate does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from maton_mailgun.approval.binding.passkeys import PasskeyError
from maton_mailgun.approval.lifecycle.decide import (
    APPROVED_SECONDS,
    EARLIER,
    LONGEST_SECONDS,
    MORE_SECONDS,
    Decision,
    NotDecidable,
)
from maton_mailgun.approval.lifecycle.hold import TAKEN_BACK
from maton_mailgun.approval.store.contract import Stop
from maton_mailgun.approval.store.record import MOVES, Channel, Record, State
from maton_mailgun.approval.told import STOPPED

from .edits_in_memory import EditsInMemory


class PeopleInMemory:
    """People with their passphrases, and who tried them."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}
        self.tried: list[tuple[str, str]] = []

    async def names(self) -> Sequence[str]:
        return list(self.known)

    async def vouched(self) -> Mapping[str, str]:
        return self.known

    async def at_page(self, name: str, given: str, who: str) -> str | None:
        self.tried.append((name, who))
        return name if self.known.get(name) == given else None

    async def passkeys(self, name: str) -> Sequence[Mapping[str, str]]:
        return []

    async def can_sign_in(self) -> bool | None:
        return bool(self.known) or None

    async def any_passkeys(self) -> bool:
        return False

    async def signed(self, name: str, origin: str, statement: Mapping[str, Any], credential: Any) -> Mapping[str, Any]:
        raise PasskeyError("That is no passkey of this person.")


class HoldingInMemory:
    """What is held by a gate in memory."""

    def __init__(self, gate: GateInMemory) -> None:
        self._gate = gate

    async def undo(self, record: Record, by: str, channel: Channel) -> Record:
        now = self._gate.records[record.id]
        if now.state != "held":
            raise NotDecidable(now, f"It cannot be undone: it is {now.state}.")
        at = self._gate.clock()
        said = {"decided_at": at, "decided_by": by, "channel": channel, "reason": TAKEN_BACK}
        return self._gate.move(now, "rejected", finished_at=at, **said)


class GateInMemory:
    """Keeps records and notes every decision that was taken and every write that was begun."""

    def __init__(self, records: Sequence[Record] = (), clock: Callable[[], float] = time.time) -> None:
        self.records = {record.id: record for record in records}
        self.decisions: list[tuple[str, Decision]] = []
        self.writes: list[str] = []
        self.secrets: dict[str, Mapping[str, str]] = {}
        self.outcomes: dict[str, tuple[State, Mapping[str, Any]]] = {}
        self.clock = clock
        self.edits = EditsInMemory(self)
        self.people = PeopleInMemory()
        self.holding = HoldingInMemory(self)
        self.stop_in_force: Stop | None = None
        self.go_on = asyncio.Event()
        """While it is not set, an approved write stays in flight."""
        self.go_on.set()
        self._changed = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()

    async def get(self, approval_id: str) -> Record | None:
        record = self.records.get(approval_id)
        if record is not None and record.state == "pending" and record.expires_at <= self.clock():
            record = self.move(record, "expired", finished_at=self.clock())
        return record

    async def list(
        self, principal: str | None = None, states: Collection[State] | None = None, limit: int = 50
    ) -> Sequence[Record]:
        found = [
            record
            for record in self.records.values()
            if principal in {None, record.principal} and (states is None or record.state in states)
        ]
        return sorted(found, key=lambda record: -record.created_at)[:limit]

    async def decide(self, approval_id: str, decision: Decision) -> Record:
        record = await self.get(approval_id)
        if record is None:
            raise KeyError(approval_id)
        if record.state != "pending":
            raise NotDecidable(record, f"It is {record.state} already.")
        if record.level != "client" and decision.level == "client":
            raise NotDecidable(record, "This must be decided on the approval page or in a terminal.")
        if decision.approve and record.approvers > 1:
            yes = {"person": decision.person, "at": self.clock(), "by": decision.decider}
            yeses = (*record.yeses, yes)
            if len({one["person"] for one in yeses}) < record.approvers:
                return self.amend(record, yeses=yeses)
        if decision.approve and not record.preview.get("whole"):
            raise NotDecidable(record, EARLIER)
        self.decisions.append((approval_id, decision))
        now = self.clock()
        said: dict[str, Any] = {
            "decided_at": now,
            "decided_by": decision.decider,
            "channel": decision.channel,
            "reason": decision.reason,
        }
        if not decision.approve:
            return self.move(record, "rejected", finished_at=now, **said)
        if record.hold:
            record = self.move(record, "held", held_until=now + record.hold, **said)
        else:
            record = self.move(record, "approved", expires_at=now + APPROVED_SECONDS, **said)
        task = asyncio.create_task(self._write(record))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return record

    async def stop(self, by: str) -> int:
        waiting = [record for record in self.records.values() if record.state == "pending"]
        for record in waiting:
            self.move(record, "rejected", finished_at=self.clock(), decided_by=by, reason=STOPPED)
        self.stop_in_force = Stop(by, self.clock())
        return len(waiting)

    async def stopped(self) -> Stop | None:
        return self.stop_in_force

    async def wait(self, approval_id: str, seconds: float, until: Callable[[Record], bool]) -> Record:
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            changed = self._changed
            record = await self.get(approval_id)
            if record is None:
                raise KeyError(approval_id)
            left = deadline - asyncio.get_running_loop().time()
            if until(record) or left <= 0:
                return record
            try:
                await asyncio.wait_for(changed.wait(), min(left, 0.2))
            except TimeoutError:
                continue

    async def shown(self, approval_id: str) -> Record:
        record = self.records[approval_id]
        if record.shown_at is None and record.state == "pending":
            record = self.amend(record, shown_at=self.clock())
        return record

    async def more_time(self, approval_id: str, by: str) -> Record:
        record = await self.get(approval_id)
        if record is None:
            raise KeyError(approval_id)
        if record.state != "pending":
            raise NotDecidable(record, f"It is {record.state} already.")
        now = self.clock()
        end = min(now + MORE_SECONDS, record.created_at + LONGEST_SECONDS)
        if end > record.expires_at:
            return self.amend(record, expires_at=end)
        if record.expires_at >= now + MORE_SECONDS:
            return record
        raise NotDecidable(record, "It cannot be put off any more: let the assistant ask again.")

    async def secret(self, approval_id: str) -> Mapping[str, str] | None:
        record = self.records[approval_id]
        secret = self.secrets.pop(approval_id, None) if record.state == "succeeded" else None
        if secret is not None:
            self.amend(record)
        return secret

    def move(self, record: Record, state: State, **changes: Any) -> Record:
        """Bring a record into another state, if that move is drawn."""
        assert state in MOVES[record.state], f"{record.state} -> {state}"
        return self.amend(record, state=state, **changes)

    def amend(self, record: Record, **changes: Any) -> Record:
        """Change a record and wake whoever waits for it."""
        record = replace(record, version=record.version + 1, **changes)
        self.records[record.id] = record
        self._changed.set()
        self._changed = asyncio.Event()
        return record

    def add(self, record: Record) -> None:
        """One more record."""
        self.records[record.id] = record

    async def _write(self, record: Record) -> None:
        if record.held_until is not None:
            while True:
                if self.clock() >= record.held_until:
                    break
                await asyncio.sleep(0.05)
            if self.records[record.id] != record:
                return
            record = self.move(record, "approved", held_until=None, expires_at=self.clock() + APPROVED_SECONDS)
        record = self.move(record, "executing", attempted_at=self.clock())
        self.writes.append(record.id)
        await self.go_on.wait()
        state, result = self.outcomes.get(record.id, ("succeeded", {"result": {"message": "Queued. Thank you."}}))
        self.move(record, state, result=result, finished_at=self.clock())

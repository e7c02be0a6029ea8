"""The approver's desk: look at approvals and decide them, without carrying anything out.

This is all that a terminal needs. It knows neither the Maton key nor the gateway; a serving process notices a yes and
acts on it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence

from maton_mailgun.approval.failures import Conflict, IllegalMove, StoreUnavailable
from maton_mailgun.approval.opening import open_store
from maton_mailgun.approval.store import Store

from ..config import Settings, state_home
from ..errors import SetupError
from . import seal
from .decision import Decision, NotDecidable
from .keys import KeyFileError, Keys, load_keys
from .passphrase import Passphrase
from .record import Record, State

APPROVED_SECONDS = 300.0
"""How long a yes stays good when nothing carries it out."""
POLL_SECONDS = 0.25


class Desk:
    """Approvals of one installation. Use `Desk.open`; every method may raise StoreError."""

    def __init__(
        self, store: Store, keys: Keys, passphrase: Passphrase, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.store = store
        self.passphrase = passphrase
        self.clock = clock
        self._keys = keys

    @classmethod
    async def open(cls, settings: Settings) -> Desk:
        """Open the store of these settings, and close what time has closed.

        Raises:
            SetupError: The state directory or the database cannot be used.
        """
        home = state_home(settings)
        try:
            keys = await asyncio.to_thread(load_keys, home)
            store = await open_store(settings.database_url, home, keys)
            await store.sweep()
        except (KeyFileError, StoreUnavailable) as problem:
            raise SetupError(str(problem)) from None
        return cls(store, keys, Passphrase(home))

    async def get(self, approval_id: str) -> Record | None:
        """The record, or None where there is none."""
        return await self.store.get(approval_id)

    async def list(self, states: Collection[State] | None = None, limit: int = 50) -> Sequence[Record]:
        """Approvals of everybody, newest first."""
        return await self.store.list(states=states, limit=limit)

    async def shown(self, record: Record) -> Record:
        """Note that a person has the question before them."""
        return await mark_shown(self.store, record, self.clock())

    async def decide(self, record: Record, decision: Decision) -> Record:
        """Record a person's decision. Raises NotDecidable."""
        return await decide(self.store, record, decision, self.clock())

    async def secret(self, record: Record) -> Mapping[str, str] | None:
        """A freshly generated secret, the first time it is asked for."""
        return await take_secret(self.store, self._keys.seal, record)

    async def wait(self, approval_id: str, seconds: float, until: Callable[[Record], bool]) -> Record:
        """The record as soon as it satisfies `until`, or as it is after `seconds`. Raises KeyError."""
        deadline = time.monotonic() + seconds
        while True:
            record = await self.store.get(approval_id)
            if record is None:
                raise KeyError(approval_id)
            left = deadline - time.monotonic()
            if until(record) or left <= 0:
                return record
            # Another process carries it out: its progress is only seen by looking again.
            await asyncio.sleep(min(left, POLL_SECONDS))

    async def close(self) -> None:
        """Let go of the store."""
        await self.store.close()


async def decide(store: Store, record: Record, decision: Decision, now: float) -> Record:
    """Record a person's decision on a pending approval.

    Args:
        now: Unix seconds.

    Raises:
        NotDecidable: It is no longer pending, or this channel is not enough for it.
    """
    if record.state != "pending":
        raise NotDecidable(record, f"It is {record.state} already.")
    if record.level == "operator" and decision.level != "operator":
        raise NotDecidable(record, "This must be decided on the approval page or in a terminal.")
    actor = decision.decider
    try:
        if decision.approve:
            return await store.move(
                record, "approved", actor=actor, decided_at=now, decided_by=actor, channel=decision.channel,
                reason=decision.reason, expires_at=now + APPROVED_SECONDS,
            )  # fmt: skip
        return await store.move(
            record, "rejected", actor=actor, decided_at=now, decided_by=actor, channel=decision.channel,
            reason=decision.reason, finished_at=now,
        )  # fmt: skip
    except (Conflict, IllegalMove) as lost:
        current = lost.current if isinstance(lost, Conflict) else lost.record
        raise NotDecidable(current, f"It is {current.state} already.") from None


async def mark_shown(store: Store, record: Record, now: float) -> Record:
    """Note the first time a person had a pending question before them."""
    if record.shown_at is not None or record.state != "pending":
        return record
    try:
        return await store.amend(record, actor="channel", shown_at=now)
    except Conflict as lost:
        return lost.current


def keep_secret(seal_key: bytes, record: Record, secrets: Mapping[str, str]) -> str:
    """A fresh secret as a finished record keeps it under `_sealed`, until `take_secret` hands it out."""
    data = json.dumps(dict(secrets)).encode()
    return seal.seal(seal_key, data, approval_id=f"{record.id}/secret", digest=record.digest).hex()


def has_secret(record: Record) -> bool:
    """Whether a fresh secret of this write waits to be shown."""
    return isinstance((record.result or {}).get("_sealed"), str)


async def take_secret(store: Store, seal_key: bytes, record: Record) -> Mapping[str, str] | None:
    """The secret of a finished write: once, and only to whoever the store lets take it first."""
    sealed = (record.result or {}).get("_sealed")
    if not isinstance(sealed, str):
        return None
    rest = {key: value for key, value in (record.result or {}).items() if key != "_sealed"}
    try:
        await store.amend(record, actor="secret shown", result=rest)
    except (Conflict, IllegalMove):
        return None
    data = seal.unseal(seal_key, bytes.fromhex(sealed), approval_id=f"{record.id}/secret", digest=record.digest)
    secrets: dict[str, str] = json.loads(data)
    return secrets

"""The approver's desk: look at approvals and decide them, without carrying anything out.

This is all that a terminal needs. It knows neither the Maton key nor the gateway; a serving process notices a yes and
acts on it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence

from maton_mailgun.approval.binding import signatures
from maton_mailgun.approval.binding.envelope import unpack
from maton_mailgun.approval.binding.keys import KeyFileError, Keys, load_keys
from maton_mailgun.approval.binding.seal import unseal
from maton_mailgun.approval.channels.passphrase import Passphrase
from maton_mailgun.approval.channels.people import People
from maton_mailgun.approval.lifecycle import forget
from maton_mailgun.approval.lifecycle.decide import Decision, decide, mark_shown
from maton_mailgun.approval.lifecycle.forget import About
from maton_mailgun.approval.lifecycle.fresh_secret import take_secret
from maton_mailgun.approval.lifecycle.hold import undo, wait_out
from maton_mailgun.approval.lifecycle.signal import POLL_SECONDS, ChangeSignal, known
from maton_mailgun.approval.store.contract import ALL, Stop, Store
from maton_mailgun.approval.store.failures import StoreUnavailable
from maton_mailgun.approval.store.opening import open_store
from maton_mailgun.approval.store.record import OPEN, Channel, Record, State
from maton_mailgun.approval.told import STOPPED
from maton_mailgun.catalogue.rows import load
from maton_mailgun.config import Settings, state_home
from maton_mailgun.errors import SetupError
from maton_mailgun.exchange import Prepared
from maton_mailgun.mail.mentions import Mentions

_UNENDED: frozenset[State] = frozenset({*OPEN, "unknown"})
_PENDING: frozenset[State] = frozenset({"pending"})
_NEWEST = 50


class Terminal:
    """Approvals of one installation. Use `Terminal.open`; every method may raise StoreError."""

    def __init__(
        self, store: Store, keys: Keys, passphrase: Passphrase, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.store = store
        self.passphrase = passphrase
        self.people = People(passphrase.home, store)
        self.clock = clock
        self.monotonic = time.monotonic
        self._keys = keys

    @classmethod
    async def open(cls, settings: Settings) -> Terminal:
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
        return cls(store, keys, Passphrase(home), clock=store.clock)

    async def get(self, approval_id: str) -> Record | None:
        """The record, or None where there is none."""
        return await self.store.get(approval_id)

    async def beginning_with(self, text: str) -> Sequence[str]:
        """The ids that begin like this, some of them where they are many; of unreadable records too, since one that
        could be meant makes a beginning doubtful."""
        page = await self.store.every(text)
        ids = sorted([*(row.record.id for row in page.rows), *page.unreadable])
        return [one for one in ids if one.startswith(text)]

    async def list(self, states: Collection[State] | None = None, limit: int = 50) -> Sequence[Record]:
        """Approvals of everybody, newest first."""
        return await self.store.list(states=states, limit=limit)

    async def shown(self, record: Record) -> Record:
        """Note that a person has the question before them."""
        return await mark_shown(self.store, record, self.clock())

    async def decide(self, record: Record, decision: Decision) -> Record:
        """Record a person's decision. Raises NotDecidable."""
        return await decide(self.store, record, decision, self.clock())

    async def wait_out(self, record: Record) -> Record:
        """Wait until a yes that this process has just recorded cannot be undone any more, and let it go on."""
        if record.state != "held":
            return record
        released = await wait_out(self.store, record, self.monotonic() + record.hold, self)
        return released or await known(self.store, record.id)

    async def undo(self, record: Record, by: str, channel: Channel = "cli") -> Record:
        """Take back a yes that is held still. Raises NotDecidable."""
        return await undo(self.store, record, by=by, channel=channel, now=self.clock())

    async def stop(self, *, by: str, reason: str | None) -> int:
        """Close all that waits, and have every server refuse what is new until `go_on`. How many were closed."""
        return len(await self.store.stop(actor=by, reason=reason or STOPPED))

    async def go_on(self, *, by: str) -> bool:
        """Lift a stop. Returns whether there was one."""
        return await self.store.go_on(actor=by)

    async def stopped(self) -> Stop | None:
        """The stop in force, if there is one."""
        return await self.store.stopped()

    async def secret(self, record: Record) -> Mapping[str, str] | None:
        """A freshly generated secret, the first time it is asked for."""
        return await take_secret(self.store, self._keys.seal, record)

    async def request(self, record: Record) -> Prepared:
        """The stored request itself.

        Raises:
            Unsealable: It is no longer kept, or cannot be opened.
            KeyError: Its tool is no longer in the catalogue.
        """
        envelope = await self.store.envelope(record.id)
        data = unseal(self._keys.seal, envelope, approval_id=record.id, digest=record.digest)
        return unpack(data, load()).prepared

    def sign(self, work: Callable[[bytes], str]) -> str:
        """Something that is signed with the installation's key, which `work` is given."""
        return work(self._keys.seal)

    @property
    def public_key(self) -> bytes:
        """What signatures of this installation are checked with."""
        return signatures.public_key(self._keys.seal)

    @property
    def fingerprint(self) -> str:
        """The name of that key."""
        return signatures.fingerprint(self.public_key)

    async def about(self, mentions: Mentions) -> About:
        """What is kept of a person."""
        return await forget.about(self.store, self._keys, mentions)

    async def forget(self, found: About, by: str) -> tuple[Sequence[Record], str]:
        """Remove it. Returns the records that were emptied, and what stays in the database's files, in words."""
        emptied = await forget.empty(self.store, found, by)
        return emptied, await self.store.wipe()

    async def wait(self, approval_id: str, seconds: float, until: Callable[[Record], bool]) -> Record:
        """The record as soon as it satisfies `until`, or as it is after `seconds`. Raises KeyError."""
        return await ChangeSignal(self.store).wait(approval_id, seconds, until)

    async def changes(self) -> AsyncIterator[Record]:
        """What waits now, oldest first, then every record that begins to wait or comes to another state."""
        seen = await self.store.changed()
        known = {record.id: record.state for record in await self._latest({})}
        for record in reversed(await self.list(_PENDING, ALL)):
            yield record
        while True:
            await asyncio.sleep(POLL_SECONDS)
            # No server need be running: then nobody else closes what nobody decided in time.
            await self.store.sweep()
            if (now := await self.store.changed()) == seen:
                continue
            seen = now
            for record in await self._latest(known):
                if known.get(record.id) != record.state:
                    known[record.id] = record.state
                    yield record

    async def _latest(self, known: Mapping[str, State]) -> Sequence[Record]:
        """All that is open or in doubt, what was so before, and the newest of the others, which may have come and gone
        since; oldest first. Not all of them: some keep thousands."""
        found = {record.id: record for record in [*await self.list(_UNENDED, ALL), *await self.list(None, _NEWEST)]}
        for approval_id, state in known.items():
            if state in _UNENDED and approval_id not in found and (record := await self.get(approval_id)) is not None:
                found[approval_id] = record
        return sorted(found.values(), key=lambda record: record.created_at)

    async def close(self) -> None:
        """Let go of the store."""
        await self.store.close()

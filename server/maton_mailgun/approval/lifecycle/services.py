"""What every step of an approved write uses: store, gateway, connections, clock, keys. None of it knows the gate."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from maton_mailgun.approval.binding import canonical, seal
from maton_mailgun.approval.binding.envelope import Sealed, canonical_of, gateway_mark, unpack
from maton_mailgun.approval.binding.keys import Keys
from maton_mailgun.approval.lifecycle.signal import ChangeSignal
from maton_mailgun.approval.preview.account_reader import AccountReader
from maton_mailgun.approval.preview.proposal import Proposal
from maton_mailgun.approval.store.contract import Store
from maton_mailgun.approval.store.record import Record
from maton_mailgun.catalogue.operation import Catalogue
from maton_mailgun.catalogue.rows import load
from maton_mailgun.config import Settings
from maton_mailgun.connections import Connections
from maton_mailgun.exchange import Caller, Prepared
from maton_mailgun.heard import Heard
from maton_mailgun.wire.gateway import Gateway


class Access(Protocol):
    """The way to the account that the engine has: what the gate is opened with."""

    settings: Settings
    catalogue: Catalogue
    """The operations on offer."""
    gateway: Gateway
    connections: Connections
    heard: Heard
    """What of strangers was read here."""
    page_url: str | None
    """Where the approval page is served beside MCP over HTTP."""

    async def prepare(self, name: str, arguments: Mapping[str, Any], principal: str = "") -> Prepared:
        """Check a call of this principal and build its exact request. Raises CallError."""
        ...


@dataclass(slots=True, kw_only=True)
class Services:
    """What one gate works with; made once when it opens."""

    settings: Settings
    offered: Catalogue
    """The operations on offer here: nothing else runs."""
    operations: Catalogue
    """All there are: what was proposed elsewhere can be read and looked up too."""
    gateway: Gateway
    connections: Connections
    store: Store
    keys: Keys
    clock: Callable[[], float]
    """Unix seconds, as the store counts them: replicas on one database agree about them."""
    wall: Callable[[], float]
    """Unix seconds of this machine: it sees that the machine slept."""
    monotonic: Callable[[], float]
    """Seconds that never run backwards."""
    mark: str
    """Names the gateway, key, policy and attachments directory that a stored call must have been prepared for."""
    changes: ChangeSignal
    heard: Heard
    prepare: Callable[[str, Mapping[str, Any], str], Awaitable[Prepared]]
    """Makes the exact request of a call, as for a model that makes it. Raises CallError."""
    in_flight: set[str] = field(default_factory=set)
    """Whose request this process is sending just now: nobody else can know better how it ends."""

    @classmethod
    def over(
        cls,
        access: Access,
        store: Store,
        keys: Keys,
        *,
        clock: Callable[[], float] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> Services:
        """The services of a gate that writes through `access` and remembers in `store`."""
        return cls(
            settings=access.settings,
            offered=access.catalogue,
            operations=load(),
            gateway=access.gateway,
            connections=access.connections,
            store=store,
            keys=keys,
            clock=store.clock,
            wall=clock or time.time,
            monotonic=monotonic,
            mark=gateway_mark(access.settings, seal.derive(keys.seal, "gateway-mark")),
            changes=ChangeSignal(store),
            heard=access.heard,
            prepare=access.prepare,
        )

    def proposal(
        self, prepared: Prepared, caller: Caller, past: Sequence[str] = (), before: Sequence[str] = ()
    ) -> Proposal:
        """What the preview of a call is made from; `past` are lines about the same call before, and `before` the
        warnings of one in whose place it comes."""
        return Proposal(
            operation=prepared.operation,
            arguments=prepared.arguments,
            request=prepared.request,
            account=prepared.account,
            client=caller.client,
            read=AccountReader(
                self.gateway.of(caller.principal), self.operations, prepared.account.connection_id, caller.until
            ),
            now=self.clock(),
            history=tuple(past),
            principal=caller.principal,
            heard=self.heard,
            before=tuple(before),
        )

    def mark_of(self, gateway: Gateway) -> str:
        """Names what a stored call must have been prepared for, under this gateway's key."""
        if gateway is self.gateway:
            return self.mark
        return gateway_mark(gateway.settings, seal.derive(self.keys.seal, "gateway-mark"))

    def digests(self, prepared: Prepared) -> tuple[str, str]:
        """What a yes to this call is bound to, and what earlier versions bound it to."""
        text = canonical_of(prepared)
        digest = canonical.digest(text, self._digest_key)
        return digest, canonical.plain_digest(text)  # guard: 186-before

    @property
    def _digest_key(self) -> bytes:
        return seal.derive(self.keys.seal, "digest")

    async def opened(self, record: Record) -> Sealed:
        """The stored call, held to the digest that was approved.

        Raises:
            seal.Unsealable: It cannot be opened, or is not what was approved.
            KeyError: Its tool is no longer in the catalogue.
            StoreError: It cannot be read.
        """
        envelope = await self.store.envelope(record.id)
        data = seal.unseal(self.keys.seal, envelope, approval_id=record.id, digest=record.digest)
        stored = unpack(data, self.operations)
        text = canonical_of(stored.prepared)
        if canonical.digest_like(record.digest, text, self._digest_key) != record.digest:  # guard: 00-schema
            raise seal.Unsealable(record.id, "its schema changed since it was proposed")
        return stored

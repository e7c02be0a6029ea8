"""Which Mailgun account a call works on.

Maton's own documents disagree whether the oldest or the newest of several connections is its default, so this server
never relies on the default: one active connection is used and named, several are refused with their list.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from maton_mailgun.config import Settings
from maton_mailgun.errors import (
    AnswerUnreadable,
    ConnectionUnknown,
    MaybeSent,
    NoConnection,
    NotSent,
    SeveralConnections,
    Unreachable,
)
from maton_mailgun.exchange import Account
from maton_mailgun.wire.answers import refusal, words
from maton_mailgun.wire.gateway import Gateway, Reply
from maton_mailgun.wire.request import Request

CACHE_SECONDS = 60.0
_LIST = Request("maton", "GET", "/connections", query=(("app", "mailgun"), ("status", "ACTIVE"), ("limit", "100")))


class Connections:
    """Looks up active connections once a minute and settles which one is meant."""

    def __init__(self, gateway: Gateway, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._gateway = gateway
        self._preset = settings.connection_id
        self._sandbox = settings.sandbox
        self._clock = clock
        self._others: WeakKeyDictionary[Gateway, Connections] = WeakKeyDictionary()
        self._known: tuple[Account, ...] = ()
        self._looked_up: float | None = None
        self._looking: asyncio.Task[tuple[Account, ...]] | None = None

    def under(self, gateway: Gateway) -> Connections:
        """The connections of another key."""
        if gateway is self._gateway:
            return self
        if gateway not in self._others:
            self._others[gateway] = Connections(gateway, gateway.settings, clock=self._clock)
        return self._others[gateway]

    async def choose(self, wanted: str | None) -> Account:
        """The account to work on.

        Args:
            wanted: The caller's `connection_id`; the operator's setting counts where it is None.

        Raises:
            NoConnection: There is none.
            SeveralConnections: There are several and none is named.
            ConnectionUnknown: The named one is not among the active ones.
            CallError: The list cannot be read.
        """
        named = wanted or self._preset
        accounts = await self._active(fresh=False)
        if named is not None:
            if not any(account.connection_id == named for account in accounts):
                accounts = await self._active(fresh=True)
            for account in accounts:
                if account.connection_id == named:
                    return account
            raise ConnectionUnknown(
                message="The named connection is not an active Mailgun connection of this Maton account.",
                next="Call list_connections and pass the connection_id of an active one.",
            )
        if not accounts:
            accounts = await self._active(fresh=True)
        if not accounts:
            raise NoConnection(
                message="This Maton account has no active Mailgun connection.",
                next="Offer the user create_connection; they authorise it in a browser, then call again.",
            )
        if len(accounts) > 1:
            raise SeveralConnections(
                [{"connection_id": account.connection_id, "label": account.label} for account in accounts]
            )
        return accounts[0]

    def lately(self) -> Account | None:
        """The account that a read goes to while the list, which is too old, is looked up again; whoever goes by it
        asks `choose` before its answer counts. None where nothing is known, or the list is young."""
        if self._looked_up is None or not self._is_old():
            return None
        found = [account for account in self._known if self._preset in (None, account.connection_id)]
        if len(found) != 1:
            return None
        self._begin()
        return found[0]

    async def look_ahead(self) -> None:
        """Look the list up ahead of the first call.

        Raises:
            CallError: It cannot be read, which waits for that call.
        """
        await self._active(fresh=False)

    def forget(self) -> None:
        """Look up again at the next call; something changed the connections."""
        self._looked_up = None
        self._looking = None

    async def _active(self, *, fresh: bool) -> tuple[Account, ...]:
        if not fresh and not self._is_old():
            return self._known
        # Many calls at once share one look-up; a call that is given up takes none of the others with it.
        return await asyncio.shield(self._begin())

    def _is_old(self) -> bool:
        return self._looked_up is None or self._clock() - self._looked_up >= CACHE_SECONDS

    def _begin(self) -> asyncio.Task[tuple[Account, ...]]:
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_up(), name="connections")
            self._looking.add_done_callback(self._looked)
        return self._looking

    def _looked(self, task: asyncio.Task[tuple[Account, ...]]) -> None:
        found = None if task.cancelled() or task.exception() is not None else task.result()
        # What was asked before `forget` is not kept.
        if self._looking is task:
            self._looking = None
            if found is not None:
                self._known, self._looked_up = found, self._clock()

    async def _look_up(self) -> tuple[Account, ...]:
        try:
            reply = await self._gateway.read(_LIST, None)
        except (NotSent, MaybeSent) as failure:
            raise Unreachable(message=f"Maton: {failure}.", next="Check the network and call again.") from None
        if reply.status >= 400:
            raise refusal(reply, service="maton", access="read")
        return tuple(_account(item, sandbox=self._sandbox) for item in _items(reply))


def _items(reply: Reply) -> list[Mapping[str, Any]]:
    """The active connections of an answer.

    Raises:
        AnswerUnreadable: It is no list of connections, which says nothing about how many there are.
    """
    body = reply.json
    listed = body.get("connections", ()) if isinstance(body, dict) else ()
    if listed is None:
        return []
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise AnswerUnreadable(
            message=f"Maton's list of connections is answered {reply.status} with something else: {words(reply)[:200]}",
            next="Call again; if it stays so, check MATON_API_URL, and whether a sign-in page stands in between.",
            status=reply.status,
        )
    items = [item for item in listed if isinstance(item.get("connection_id"), str)]
    # The query asks for these already; a gateway that ignores it must not widen the choice.
    return [item for item in items if item.get("app", "mailgun") == "mailgun" and item.get("status") == "ACTIVE"]


def _account(item: Mapping[str, Any], *, sandbox: bool) -> Account:
    metadata = item.get("metadata")
    named = metadata if isinstance(metadata, dict) else {}
    label = next((str(named[key]) for key in ("label", "name", "account", "email") if named.get(key)), "")
    created = str(item.get("creation_time", ""))[:10]
    shown = label or (f"Mailgun connection of {created}" if created else "Mailgun connection")
    return Account(str(item["connection_id"]), shown[:80], sandbox)

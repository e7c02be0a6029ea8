"""Which Mailgun account a call works on.

Maton's own documents disagree whether the oldest or the newest of several connections is its default, so this server
never relies on the default: one active connection is used and named, several are refused with their list.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from maton_mailgun.config import Settings
from maton_mailgun.errors import ConnectionUnknown, MaybeSent, NoConnection, NotSent, SeveralConnections, Unreachable
from maton_mailgun.exchange import Account
from maton_mailgun.wire.answers import refusal
from maton_mailgun.wire.gateway import Gateway
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
        self._known: tuple[Account, ...] = ()
        self._looked_up: float | None = None

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

    def forget(self) -> None:
        """Look up again at the next call; something changed the connections."""
        self._looked_up = None

    async def _active(self, *, fresh: bool) -> tuple[Account, ...]:
        now = self._clock()
        if not fresh and self._looked_up is not None and now - self._looked_up < CACHE_SECONDS:
            return self._known
        try:
            reply = await self._gateway.read(_LIST, None)
        except (NotSent, MaybeSent) as failure:
            raise Unreachable(message=f"Maton: {failure}.", next="Check the network and call again.") from None
        if reply.status >= 400:
            raise refusal(reply, service="maton", access="read")
        self._known = tuple(_account(item, sandbox=self._sandbox) for item in _items(reply.body))
        self._looked_up = now
        return self._known


def _items(body: bytes) -> list[Mapping[str, Any]]:
    try:
        parsed = json.loads(body)
    except ValueError:
        return []
    found = parsed.get("connections") if isinstance(parsed, dict) else None
    listed = found if isinstance(found, list) else []
    items = [item for item in listed if isinstance(item, dict) and isinstance(item.get("connection_id"), str)]
    # The query asks for these already; a gateway that ignores it must not widen the choice.
    return [item for item in items if item.get("app", "mailgun") == "mailgun" and item.get("status") == "ACTIVE"]


def _account(item: Mapping[str, Any], *, sandbox: bool) -> Account:
    metadata = item.get("metadata")
    named = metadata if isinstance(metadata, dict) else {}
    label = next((str(named[key]) for key in ("label", "name", "account", "email") if named.get(key)), "")
    created = str(item.get("creation_time", ""))[:10]
    shown = label or (f"Mailgun connection of {created}" if created else "Mailgun connection")
    return Account(str(item["connection_id"]), shown[:80], sandbox)

"""The sandbox as one object: Maton's connections, the Mailgun account behind them, the record of what arrived."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from maton_mailgun.sandbox import outbox, snapshot
from maton_mailgun.sandbox.account import Account, Settings
from maton_mailgun.sandbox.connections import Connection
from maton_mailgun.sandbox.faults import Fault
from maton_mailgun.sandbox.recording import record_call
from maton_mailgun.sandbox.seed import seed_sandbox
from maton_mailgun.sandbox.wire import Call, Record

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from maton_mailgun.sandbox.forwarding import Forwarder

_REQUESTS_KEPT = 10_000


class Sandbox:
    """A Mailgun account behind Maton, in memory.

    `clock` returns epoch seconds. `api_keys` are Maton keys, `mailgun_keys` Mailgun's own. `seed` puts a small account
    in place; without it there is nothing, not even a connection. `forwarder`, when set, passes accepted messages on to
    a mail catcher on this machine.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        seed: bool = True,
        api_keys: Iterable[str] = ("sandbox-maton-key",),
        mailgun_keys: Iterable[str] = ("key-sandbox",),
        default_connection: Literal["oldest", "newest"] = "oldest",
    ) -> None:
        self._clock = clock
        self._seed = seed
        self._default_connection = default_connection
        self.forwarder: Forwarder | None = None
        self.api_keys = tuple(api_keys)
        self.mailgun_keys = tuple(mailgun_keys)
        self.reset()

    def reset(self, *, seed: bool | None = None) -> None:
        """Back to the beginning: state, requests, faults, switches and clock."""
        self.advance = 0.0
        self.settings = Settings(default_connection=self._default_connection)
        self.account = Account(settings=self.settings)
        self.connections: dict[str, Connection] = {}
        self.requests: list[Record] = []
        self._arrived = 0
        self.faults: list[Fault] = []
        self.recent_calls: deque[float] = deque()
        self.account.now = self.now()
        if self._seed if seed is None else seed:
            seed_sandbox(self)

    def now(self) -> float:
        """Epoch seconds by the sandbox's clock, which tests may advance."""
        return self._clock() + self.advance

    def record(self, call: Call) -> Record:
        """Puts a call into `requests`; only the latest 10,000 are kept."""
        self._arrived += 1
        record = record_call(call, self._arrived, self.now())
        self.requests.append(record)
        if len(self.requests) > _REQUESTS_KEPT:
            del self.requests[0]
        return record

    @property
    def messages(self) -> list[Record]:
        """The outbox, oldest first: every accepted message as `GET /_sandbox/messages` shows it."""
        return outbox.messages(self.account)

    @cached_property
    def app(self) -> Starlette:
        """The ASGI application."""
        from maton_mailgun.sandbox.app import build_app

        return build_app(self)

    def dump(self) -> Record:
        """The whole state as JSON values; `load` takes it back. Requests and faults are not part of it."""
        return snapshot.dump(self)

    def load(self, state: Record) -> None:
        """Replaces the state by one that `dump` made. Raises ValueError when it is not one."""
        snapshot.load(self, state)

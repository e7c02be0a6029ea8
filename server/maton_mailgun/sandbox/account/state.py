"""Everything one sandbox knows: Maton's connections, the Mailgun account behind them, the record of what arrived."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal

from maton_mailgun.sandbox.account.mailgun_account import MailgunAccount, Switches
from maton_mailgun.sandbox.control import outbox
from maton_mailgun.sandbox.control.callbacks import Callbacks
from maton_mailgun.sandbox.control.faults import Fault
from maton_mailgun.sandbox.maton.connection import Connection
from maton_mailgun.sandbox.web.calls import Call, Record
from maton_mailgun.sandbox.web.recording import record_call

if TYPE_CHECKING:
    from maton_mailgun.sandbox.control.mail_catcher import Forwarder

_REQUESTS_KEPT = 10_000


class State:
    """What a sandbox holds, without the application that changes it.

    `calls` says whether webhooks and routes are really posted to, on this machine. `clock` returns epoch seconds.
    `api_keys` are Maton keys, `mailgun_keys` Mailgun's own. `forwarder`, when set, passes accepted messages on
    to a mail catcher on this machine.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        seeded: bool = True,
        calls: bool = False,
        api_keys: Iterable[str] = ("sandbox-maton-key",),
        mailgun_keys: Iterable[str] = ("key-sandbox",),
        default_connection: Literal["oldest", "newest"] = "oldest",
    ) -> None:
        self._clock = clock
        self._default_connection = default_connection
        self.seeded = seeded
        """Whether a reset brings the small account of the beginning back."""
        self.beginning: Record | None = None
        """A dumped state that a reset brings back instead of the small account."""
        self.callbacks = Callbacks(calls=calls)
        self.forwarder: Forwarder | None = None
        self.api_keys = tuple(api_keys)
        self.mailgun_keys = tuple(mailgun_keys)
        self.clear()

    def clear(self) -> None:
        """Nothing is left, not even a connection: state, requests, faults, switches and clock."""
        self.advance = 0.0
        self.settings = Switches(default_connection=self._default_connection)
        self.account = MailgunAccount(settings=self.settings)
        self.connections: dict[str, Connection] = {}
        self.requests: list[Record] = []
        self._arrived = 0
        self.faults: list[Fault] = []
        self.callbacks.forget()
        self.recent_calls: deque[float] = deque()
        self.account.now = self.now()

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

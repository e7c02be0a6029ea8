"""The sandbox as one object: its state, the application that answers for it, the seed it begins with."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from maton_mailgun.sandbox.account import seed as beginning
from maton_mailgun.sandbox.account import snapshot
from maton_mailgun.sandbox.account.state import State
from maton_mailgun.sandbox.web.calls import Record

if TYPE_CHECKING:
    from starlette.applications import Starlette


class Sandbox(State):
    """A Mailgun account behind Maton, in memory.

    `clock` returns epoch seconds. `api_keys` are Maton keys, `mailgun_keys` Mailgun's own. `seed` puts a small account
    in place; without it there is nothing, not even a connection. With `calls`, webhooks and what routes forward are
    really posted, to addresses of this machine alone; without, they are recorded only. `forwarder`, when set,
    passes accepted messages on to a mail catcher on this machine.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        seed: bool = True,
        calls: bool = False,
        api_keys: Iterable[str] = ("sandbox-maton-key",),
        mailgun_keys: Iterable[str] = ("key-sandbox",),
        default_connection: Literal["oldest", "newest"] = "oldest",
    ) -> None:
        super().__init__(
            clock=clock,
            seeded=seed,
            calls=calls,
            api_keys=api_keys,
            mailgun_keys=mailgun_keys,
            default_connection=default_connection,
        )
        self.reset()

    def reset(self, *, seed: bool | None = None) -> None:
        """Back to the beginning: state, requests, faults, switches and clock."""
        beginning.reset(self, seed=seed)

    def begin_with(self, state: Record) -> None:
        """Goes on from a state that `dump` made, now and after every reset. Raises ValueError when it is not one."""
        snapshot.load(self, state)
        self.beginning = state

    @cached_property
    def app(self) -> Starlette:
        """The ASGI application."""
        from maton_mailgun.sandbox.web.asgi import build_app

        return build_app(self)

    def dump(self) -> Record:
        """The whole state as JSON values; `load` takes it back. Requests and faults are not part of it."""
        return snapshot.dump(self)

    def load(self, state: Record) -> None:
        """Replaces the state by one that `dump` made. Raises ValueError when it is not one."""
        snapshot.load(self, state)

"""What the page needs of the gate, and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from maton_mailgun.approval.lifecycle.decide import Decision, NotDecidable
from maton_mailgun.approval.lifecycle.edit import NotChangeable
from maton_mailgun.approval.lifecycle.plain_fields import PlainField
from maton_mailgun.approval.store.contract import Stop
from maton_mailgun.approval.store.record import Channel, Record, State

__all__ = ["Decision", "NotChangeable", "NotDecidable", "PageEdits", "PageGate", "PageHolding", "PeopleAtPage"]


class PageEdits(Protocol):
    """Changes of what waits, as the page sees them."""

    async def fields(self, approval_id: str, /) -> Sequence[PlainField]:
        """What can be changed of a proposal, with its values.

        Raises:
            NotChangeable: it does not wait any more, or cannot be changed here.
        """

    async def edit(self, approval_id: str, changes: Mapping[str, Any], editor: str, /) -> Record:
        """Put what a person makes of it in its place; it waits for its own yes.

        Raises:
            NotChangeable: it was decided or changed meanwhile, or nothing is changed.
            CallError: the changed call is none.
        """


class PeopleAtPage(Protocol):
    """The people who may decide, as the page sees them."""

    async def names(self) -> Sequence[str]:
        """All of them; none where one passphrase is shared."""

    async def vouched(self) -> Mapping[str, str]:
        """The same, each with the digest of what they sign in with: it changes with that."""

    async def at_page(self, name: str, given: str, who: str, /) -> str | None:
        """The person who has this name and passphrase, tried by `who`. Raises LockedOut."""

    async def passkeys(self, name: str, /) -> Sequence[Mapping[str, str]]:
        """The passkeys of a person."""

    async def can_sign_in(self) -> bool | None:
        """Whether somebody of them can; None where one passphrase is shared."""

    async def any_passkeys(self) -> bool:
        """Whether somebody has one."""

    async def signed(
        self, name: str, origin: str, statement: Mapping[str, Any], credential: Any, /
    ) -> Mapping[str, Any]:
        """The evidence that a passkey of this person signed a statement. Raises PasskeyError."""


class PageHolding(Protocol):
    """The yeses that can be undone still, as the page sees them."""

    async def undo(self, record: Record, by: str, channel: Channel, /) -> Record:
        """Take back a yes that is held still.

        Raises:
            NotDecidable: it is not held, or not any more.
        """


class PageGate(Protocol):
    """The gate as the page sees it."""

    @property
    def edits(self) -> PageEdits:
        """How what waits is changed."""

    @property
    def holding(self) -> PageHolding:
        """What is held."""

    @property
    def people(self) -> PeopleAtPage:
        """Who may decide by name."""

    async def get(self, approval_id: str, /) -> Record | None:
        """The record, or None where there is none of that id."""

    async def list(
        self, principal: str | None = None, states: Collection[State] | None = None, limit: int = 50
    ) -> Sequence[Record]:
        """Records, newest first; all principals where none is named."""

    async def decide(self, approval_id: str, decision: Decision, /) -> Record:
        """Record the answer and, after a yes, start the write in the background.

        Raises:
            NotDecidable: it is not pending any more, or the answer's level is too low.
        """

    async def wait(self, approval_id: str, seconds: float, /, until: Callable[[Record], bool]) -> Record:
        """The record as soon as `until` holds, or as it is after `seconds`."""

    async def shown(self, approval_id: str, /) -> object:
        """Note that a person has the record in front of them."""

    async def more_time(self, approval_id: str, by: str, /) -> Record:
        """Put off the end of a pending one by 15 minutes.

        Raises:
            NotDecidable: it is not pending any more, or has waited for as long as anything may.
        """

    async def stop(self, by: str, /) -> int:
        """Close all that waits and refuse what is new, until a person lifts it in a terminal. How many were closed."""

    async def stopped(self) -> Stop | None:
        """The stop in force, if there is one."""

    async def secret(self, approval_id: str, /) -> Mapping[str, str] | None:
        """A freshly generated secret by its name, the first time only."""

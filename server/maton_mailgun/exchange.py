"""What passes between a client, the engine and the gate: caller, checked call, question, answer, outcome."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from maton_mailgun.catalogue.operation import Operation
from maton_mailgun.errors import CallError
from maton_mailgun.wire.request import Request
from maton_mailgun.wire.result import text_of


@dataclass(frozen=True, slots=True)
class Account:
    """The Mailgun account behind a connection, as a person may know it."""

    connection_id: str
    label: str
    sandbox: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and whether their client can put a question to a person."""

    principal: str
    client: str
    can_ask: bool = False
    visits: bool = False
    """Whether their client can lead a person to an address."""
    until: float = math.inf
    """The moment of the loop's clock by which this call must be answered; what it began goes on after it."""
    may_propose: bool = True
    """Whether this caller may propose writes, and not only read."""


@dataclass(frozen=True, slots=True)
class FormAnswer:
    """What came back from a form: input from the client, counted only if it names this approval and this digest."""

    approval_id: str
    digest: str
    asked_at: float
    action: str
    content: Mapping[str, Any] = field(default_factory=dict)
    shown: str = ""
    """Names the text of the form that was answered; see `Question.shown`."""


@dataclass(frozen=True, slots=True)
class Question:
    """A form to be shown: the adaptor asks it in the way of the client's protocol version."""

    approval_id: str
    digest: str
    asked_at: float
    message: str
    expires_at: float
    shown: str
    """Names the text that holds everything that leaves: a yes counts only to that."""


VISITED = "visited"
"""The action of an answer that says only whether a person went to the page: never a decision."""


@dataclass(frozen=True, slots=True)
class Visit:
    """An address that the client may lead a person to, where they decide. It holds no token."""

    approval_id: str
    digest: str
    asked_at: float
    message: str
    url: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the caller is told.

    Some clients hand only the content to their model and others only the text: one is the other, and what a model must
    not miss is the first thing in both.
    """

    content: dict[str, Any]
    is_error: bool = False
    visit: Visit | None = None
    """Where a person may be led meanwhile."""

    @property
    def text(self) -> str:
        """The content as one text: its compact JSON."""
        return text_of(self.content)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A checked call: the exact request and the account it will hit."""

    operation: Operation
    arguments: Mapping[str, Any]
    request: Request
    account: Account
    principal: str = ""
    """By whose key it is asked, where people have keys of their own."""
    early: bool = False
    """Whether the account is the one of a while ago, and is being looked up again meanwhile. Never of a write."""


def failed(error: CallError) -> Outcome:
    """The outcome that tells a caller about an error."""
    return Outcome(error.as_content(), is_error=not error.may_have_happened)

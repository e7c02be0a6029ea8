"""Many reads for one answer: bounded in number, at one deadline, and what could not be read is told as that.

A 404 is no proof that something is not on a list: the gateway says 404 to a connection that it does not know, and
Mailgun to a domain. Only Mailgun's own sentence that the entry is not there counts.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from maton_mailgun.catalogue.codecs import fill
from maton_mailgun.errors import AnswerUnreadable, CallError, MailgunRefused, Unreachable
from maton_mailgun.mail.dates import moment
from maton_mailgun.wire.request import Request

AT_ONCE = 5
"""Requests on their way at a time: Maton lets 10 a second through (its documentation)."""
_NOT_THERE = re.compile(
    r"mailgun refused: (?:address(?:/domain)? not found in [a-z]{1,20} table"
    r"|no spam complaints found for this address|route not found)\.?"
)
"""What Mailgun says of an entry that is not there, in small letters: its reference, Suppressions and Routes."""


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What became of one read: a body, the service's word that there is nothing, or why it is not known."""

    body: dict[str, Any] = field(default_factory=dict)
    absent: bool = False
    unread: str = ""
    failure: CallError | None = None
    """What raised, where it is not known."""


@dataclass(slots=True)
class BoundedReads:
    """The reads of one call.

    Args:
        get: Sends one read; the JSON object of its answer, or a CallError.
        until: The moment of the loop's clock after which nothing is waited for.
        most: Requests in all.
    """

    get: Callable[[Request], Awaitable[dict[str, Any]]]
    until: float
    most: int
    asked: int = 0
    answered: int = 0
    failures: list[CallError] = field(default_factory=list)
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def body(self, request: Request, holds: str) -> dict[str, Any]:
        """The JSON object of one answer, which holds the key: what is something else says nothing about the account.

        Raises:
            CallError: There is none; also where the bounds of this call are reached.
        """
        try:
            async with asyncio.timeout_at(self.until), self._places:
                if self.asked >= self.most:
                    raise Unreachable(
                        f"The {self.most} requests that one call may make are used up.", "Ask for less at once."
                    )
                self.asked += 1
                body = await self.get(request)
        except TimeoutError:
            raise Unreachable("No answer came in the time that one call has.", "Call again.") from None
        if holds not in body or (holds == "items" and not isinstance(body[holds], list | None)):  # guard: 211-holds
            raise AnswerUnreadable(f"The answer holds no {holds}.", "Call again.")
        self.answered += 1
        return body

    async def ask(self, path: str, query: Iterable[tuple[str, str]] = (), *, holds: str, **values: str) -> ReadResult:
        """One read of a path template, with the values for it; whatever happens is told as a result."""
        try:
            request = Request("mailgun", "GET", fill(path, values), tuple(query))
            return ReadResult(await self.body(request, holds))
        except ValueError as problem:
            return ReadResult(unread=f"A value {problem}.")
        except CallError as failure:
            return self.failed(failure)

    def failed(self, failure: CallError) -> ReadResult:
        """What a failure says: that something is not there, or that it could not be read."""
        refused = isinstance(failure, MailgunRefused) and failure.status == 404
        if refused and _NOT_THERE.fullmatch(failure.message.casefold()):  # guard: 210-not-there
            self.answered += 1
            return ReadResult(absent=True)
        self.failures.append(failure)
        return ReadResult(unread=failure.message, failure=failure)

    def hold(self) -> None:
        """Raise what went wrong first where nothing at all could be read: no verdict can stand on that.

        Raises:
            CallError: The first failure.
        """
        if not self.answered and self.failures:
            raise self.failures[0]


def iso(found: Any) -> str | None:
    """A moment of the service as ISO 8601 in UTC, to the second; None where it is none."""
    try:
        return moment(found).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, TypeError):
        return None

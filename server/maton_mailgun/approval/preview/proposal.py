"""What a preview is made from, and what a preview function hands back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from maton_mailgun.approval.preview.document import Section, ShownMessage, ShownRecipient
from maton_mailgun.approval.store.record import Risk
from maton_mailgun.exchange import Account
from maton_mailgun.mail.text import short

if TYPE_CHECKING:
    from maton_mailgun.catalogue.operation import Operation
    from maton_mailgun.heard import Heard
    from maton_mailgun.wire.request import Request


@dataclass(frozen=True, slots=True)
class ReadAnswer:
    """What the service said to a read: the HTTP status and the parsed body."""

    status: int
    data: Any


class CouldNotRead(Exception):
    """A read got no usable answer. `reason` is for the person: "no answer within 5 seconds"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Reader(Protocol):
    """One read from the account: never a write, never a question to anyone."""

    async def __call__(self, source: str, arguments: Mapping[str, Any], /) -> ReadAnswer:
        """`source` is a tool name, whose path arguments are taken from `arguments`, or a request template such as
        `GET /v3/{domain}/events?limit=300&recipient={recipients}`, whose values are percent-encoded in path and query.

        Raises:
            CouldNotRead: there was no answer, for whatever reason.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One write that somebody wants carried out."""

    operation: Operation
    arguments: Mapping[str, Any]
    request: Request
    account: Account
    client: str
    """The name the client gave itself."""
    read: Reader
    now: float
    """Unix seconds."""
    history: tuple[str, ...] = ()
    """Lines about identical requests before this one."""
    principal: str = ""
    """Who asked."""
    heard: Heard | None = None
    """What they were told of strangers before; None where nothing is remembered."""
    before: tuple[str, ...] = ()
    """The warnings of the request in whose place this one comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a preview function adds to what the row says."""

    sections: Sequence[Section] = ()
    warnings: Sequence[str] = ()
    unchecked: Sequence[str] = ()
    """Lines that begin with "could not check"; failed reads are added without being named here."""
    recipients: Sequence[ShownRecipient] = ()
    message: ShownMessage | None = None
    refused: str = ""
    """Why nobody can be asked: what would leave cannot be shown. A sentence for the caller."""
    tells_before: bool = False
    """Whether the sections hold what was read of the target, so that it is not listed value by value as well."""
    target: str | None = None
    """Replaces the row's."""
    effect: str | None = None
    """Replaces the row's."""
    ending: str = ""
    """What of the effect the message and its recipients do not say."""
    headline: str = ""
    """What is done to what, where target and title do not say it in a few words."""
    raises: int = 0
    """How many reasons there are to call this riskier than its kind."""
    covers: frozenset[str] = frozenset()
    """Wire names of fields that the sections above show; the rest is listed as it will be sent."""
    reach: Mapping[str, Any] | None = None
    """How far the yes reaches beyond the request: held to again before the write (see `registry.HOLDS`)."""


class PreviewFunction(Protocol):
    """A function of this package."""

    async def __call__(self, proposal: Proposal, reads: Reads, /) -> Findings: ...


class Reads:
    """Every look at the account for one preview: all of them end at one deadline, equal ones are made once, and what
    fails is kept as a line for the person."""

    def __init__(self, read: Reader, seconds: float) -> None:
        self._read = read
        self._seconds = seconds
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._asked: dict[str, asyncio.Task[ReadAnswer]] = {}
        self.unchecked: list[str] = []

    async def __call__(self, what: str, source: str, arguments: Mapping[str, Any]) -> ReadAnswer | None:
        """The answer (2xx or 404), or None after noting that `what` could not be checked."""
        try:
            answer = await self.ask(source, arguments)
        except CouldNotRead as error:
            line = f"could not check {what}: {short(error.reason, 200)}"
            if line not in self.unchecked:
                self.unchecked.append(line)
            return None
        return answer

    async def ask(self, source: str, arguments: Mapping[str, Any]) -> ReadAnswer:
        """The answer (2xx or 404).

        Raises:
            CouldNotRead: there was none, or it was another status.
        """
        key = f"{source} {json.dumps(arguments, sort_keys=True, default=str)}"
        if key not in self._asked:
            self._asked[key] = asyncio.ensure_future(self._once(source, arguments))
        return await self._asked[key]

    async def _once(self, source: str, arguments: Mapping[str, Any]) -> ReadAnswer:
        try:
            async with asyncio.timeout_at(self._deadline):
                answer = await self._read(source, arguments)
        except TimeoutError:
            raise CouldNotRead(f"no answer within {self._seconds:g} seconds") from None
        if answer.status != 404 and not 200 <= answer.status < 300:
            raise CouldNotRead(f"the service answered {answer.status}")
        return answer


def dig(data: Any, path: str) -> Any:
    """What stands at the dotted `path`, or None. A last step `#` counts the items, `.keys` lists the names of the
    keys, a number picks an item."""
    found = data
    for step in path.split("."):
        if step == "#":
            return len(found) if isinstance(found, list | dict) else None
        if step == "keys" and isinstance(found, dict) and "keys" not in found:
            return list(found)
        if isinstance(found, dict):
            found = found.get(step)
        elif isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            return None
    return found


def items(answer: ReadAnswer | None, path: str = "items") -> list[Any]:
    """The list at `path` of an answer; empty for a missing, null or odd one (Mailgun sends null for empty lists)."""
    found = dig(answer.data, path) if answer is not None and answer.status != 404 else None
    return found if isinstance(found, list) else []


def risk_of(steps: int) -> Risk:
    """low, medium or high."""
    return "low" if steps <= 0 else "medium" if steps == 1 else "high"

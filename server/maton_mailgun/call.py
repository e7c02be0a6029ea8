"""The single path of every call: arguments -> connection -> gate (if it writes) -> gateway -> result."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from maton_mailgun.catalogue import arguments as holding
from maton_mailgun.catalogue.as_meant import as_meant
from maton_mailgun.catalogue.codecs import PLACES, fill
from maton_mailgun.catalogue.operation import Catalogue, Operation
from maton_mailgun.config import DATABASE, Settings, state_home
from maton_mailgun.connections import Connections
from maton_mailgun.errors import (
    BadArguments,
    CallError,
    KeyMissing,
    Problem,
    ScopeMissing,
    UnknownTool,
    Unreachable,
)
from maton_mailgun.exchange import Account, Caller, FormAnswer, Outcome, Prepared, Question, failed
from maton_mailgun.heard import Heard
from maton_mailgun.loading_ahead import gate_class, load_ahead, load_preview
from maton_mailgun.mail.dates import now_told, zone_of
from maton_mailgun.reading import ReadPath
from maton_mailgun.under_way import UnderWay
from maton_mailgun.wire import (
    answering,
    attachments,
    columns,
    list_files,
    paging,
    redaction,
    request,
)
from maton_mailgun.wire.answers import refusal
from maton_mailgun.wire.gateway import Gateway
from maton_mailgun.wire.steps import steps_on_offer

if TYPE_CHECKING:
    from maton_mailgun.approval.gate import Gate
    from maton_mailgun.wire.request import FilePart


log = logging.getLogger(__name__)
_CALLED_AT_ONCE = 0.05
"""Seconds within which a call comes that was waiting already when the tools were listed."""


class Engine:
    """Carries out calls.

    Args:
        settings: The operator's decisions.
        catalogue: The operations on offer.
        gateway: The Maton transport.
    """

    def __init__(self, settings: Settings, catalogue: Catalogue, gateway: Gateway) -> None:
        self.settings = settings
        self.catalogue = catalogue
        self._offered = frozenset(catalogue)
        self.gateway = gateway
        self.connections = Connections(gateway, settings)
        self.heard = Heard()
        self.under_way = UnderWay()
        """Calls that must have an answer before the server ends."""
        self.page_url: str | None = None
        """Where the approval page is served beside MCP, over HTTP."""
        self._wall: Callable[[], float] = time.time
        self._called = False
        self._gate: Gate | None = None
        self._loading: asyncio.Future[type[Gate]] | None = None
        self._opening = asyncio.Lock()
        self._resuming: asyncio.Task[None] | None = None
        self._ahead: asyncio.Task[None] | None = None

    async def gate(self) -> Gate:
        """The approval gate, opened on first use: nothing of it is loaded before the first write."""
        if self._gate is None:
            async with self._opening:
                if self._gate is None:
                    loaded = await self._load_gate()
                    self._gate = await loaded.open(self)
        return self._gate

    def _load_gate(self) -> asyncio.Future[type[Gate]]:
        """Its class, which is loaded in a thread: other calls are served meanwhile."""
        if self._loading is None:
            self._loading = asyncio.ensure_future(asyncio.to_thread(gate_class))
        return self._loading

    @property
    def opened(self) -> Gate | None:
        """The gate, if anything has needed it."""
        return self._gate

    async def call(
        self, name: str, arguments: Mapping[str, Any] | None, caller: Caller, answer: FormAnswer | None = None
    ) -> Outcome | Question:
        """Carry out one call, or return the question that must be answered first."""
        self._called = True
        try:
            self._hold_to_scope(name, caller)
            prepared = await self._in_time(name, arguments or {}, caller)
            if isinstance(prepared, Outcome):
                # An answer may tell what a service said of a read that failed, and it may quote what it was sent.
                return replace(prepared, content=self._shown(prepared.content))  # guard: 27-read
            gate = await self.gate()
            return await gate.call(prepared, caller, answer)
        except CallError as error:
            return self._failed(error)

    async def replace_waiting(
        self, approval_id: str, arguments: Mapping[str, Any], caller: Caller, answer: FormAnswer | None = None
    ) -> Outcome | Question:
        """Put a call of the same tool in the place of a proposal of the caller's that waits still."""
        try:
            gate = await self.gate()
            record = await gate.edits.own(approval_id, caller)
            self._hold_to_scope(record.operation, caller)
            prepared = await self._in_time(record.operation, arguments, caller)
            if isinstance(prepared, Outcome):
                raise TypeError("a read was proposed")
            return await gate.call(prepared, caller, answer, instead_of=record.id)
        except CallError as error:
            return self._failed(error)

    def _failed(self, error: CallError) -> Outcome:
        told = failed(error)
        content = steps_on_offer(self._shown(told.content), self._offered)
        return replace(told, content=content)  # guard: 27-key

    def _hold_to_scope(self, name: str, caller: Caller) -> None:
        """Raises ScopeMissing where a caller who may only read calls what writes."""
        operation = self.catalogue.get(name)
        if operation is not None and operation.writes and not caller.may_propose:  # guard: 336-scope
            raise ScopeMissing(
                message=f"{name} writes, and the access token of this client allows reading only.",
                next="Tell the user: the client must ask for a token with the scope propose. Nothing was sent.",
            )

    def _shown(self, content: dict[str, Any]) -> dict[str, Any]:
        """The same without the keys that requests are sent with."""
        shown: dict[str, Any] = redaction.redacted(content, self.gateway.secrets)
        return shown

    async def _in_time(self, name: str, arguments: Mapping[str, Any], caller: Caller) -> Prepared | Outcome:
        """The outcome of a read, or a write as it will be proposed: one deadline for all that is asked on the way.

        Raises:
            CallError: See `prepare` and `read`; Unreachable where it took too long.
        """
        seconds = self.gateway.left(caller.until)
        try:
            async with asyncio.timeout(seconds):
                prepared = await self.prepare(name, arguments, caller.principal)
                asks = prepared.operation.writes  # guard: 204-access
                if asks:
                    return prepared
                found = await self._heard(prepared, caller, await self._settled(prepared, arguments, caller.until))
                return Outcome(self._dated(prepared, found))
        except TimeoutError:
            raise Unreachable(
                message=f"No answer from the gateway within {seconds:.0f} seconds. Nothing was changed.",
                next="Check the network and call again.",
            ) from None

    async def _settled(self, prepared: Prepared, arguments: Mapping[str, Any], until: float) -> dict[str, Any]:
        """The answer to a read. One that went out early counts if its account is the one still; else it is read again,
        as it would have been read had nothing been known.

        Raises:
            CallError: See `prepare` and `read`.
        """
        if not prepared.early:
            return await self.read(prepared, until)
        answer, account = await asyncio.gather(
            self.read(prepared, until), self._of(prepared.principal).choose(None), return_exceptions=True
        )
        if isinstance(account, BaseException):
            raise account
        if account != prepared.account:  # guard: 361-still
            return await self.read(await self.prepare(prepared.operation.name, arguments, prepared.principal), until)
        if isinstance(answer, BaseException):
            raise answer
        content: dict[str, Any] = answer
        return content

    async def _heard(self, prepared: Prepared, caller: Caller, content: dict[str, Any]) -> dict[str, Any]:
        """The same, once it is remembered what of strangers it holds."""
        if prepared.operation.brings is not None:
            await self.heard.noted(caller.principal, prepared.operation.brings, prepared.arguments, content)
        return content

    def _dated(self, prepared: Prepared, content: dict[str, Any]) -> dict[str, Any]:
        """The same with the present, where a call can be about a time: models do not know it."""
        moments = [name for name, codec in prepared.operation.encode.items() if codec == "date"]
        if not moments:
            return content
        zones = filter(None, (zone_of(prepared.arguments.get(name)) for name in moments))
        return {"status": content["status"], "now": now_told(self._wall(), next(zones, None)), **content}

    async def prepare(self, name: str, arguments: Mapping[str, Any], principal: str = "") -> Prepared:
        """Check a call and build its exact request, without sending anything but the look-up of the account.

        Args:
            name: The operation.
            arguments: As they were given.
            principal: Who asks, where people have keys of their own.

        Raises:
            CallError: What is wrong and what would be right.
        """
        operation = self.catalogue.get(name)
        if operation is None:
            raise UnknownTool(message=f"There is no tool {name} here.", next="Call a tool from tools/list.")
        arguments, unread = await self._with_lists(operation, as_meant(operation.schema, arguments))
        problems = [*unread, *holding.problems(operation, arguments), *columns.problems(arguments)]
        if not self.settings.has_key and not problems:
            raise KeyMissing(self.settings.key_unfilled)
        if operation.answers and not problems:
            arguments = await self._answering(operation, arguments, principal)
        if not problems and any(name in arguments for name in operation.renews):
            arguments = await self._renewing(operation, arguments, principal)
        files, refused = await self._files(operation, holding.sound(arguments, problems))
        if problems or refused:
            raise BadArguments(name, [*problems, *refused])
        try:
            built = request.build(operation, arguments, files)
        except ValueError as problem:
            raise BadArguments(
                name, [Problem("", f"a value {problem}", "Give the exact name of one resource")]
            ) from None
        early = None
        if not operation.writes and self._is_open(operation, arguments):
            early = self._of(principal).lately()
        account = early or await self._account(operation, arguments, principal)
        paged = paging.at_cursor(operation, arguments, built, account.connection_id)
        return Prepared(operation, arguments, paged, account, principal, early=early is not None)

    @property
    def reads(self) -> ReadPath:
        """Reads with what the engine has now."""
        return ReadPath(self.settings, self.catalogue, self.gateway)

    async def read(self, prepared: Prepared, until: float = math.inf) -> dict[str, Any]:
        """Carry out a read and shape its answer, as `ReadPath.read` does."""
        return await self.reads.read(prepared, until)

    async def warm_up(self) -> None:
        """Do what the first call would otherwise wait for: validators, the TLS context, an open connection, and the
        account behind it. Nothing where that call is there already, as it is where the server was loaded for it: it
        would only be slower."""
        await asyncio.sleep(_CALLED_AT_ONCE)
        if self._called:
            return
        await asyncio.to_thread(holding.compile_all, self.catalogue)
        if self.gateway.is_remote:
            try:
                await self.connections.look_ahead()
            except CallError as problem:
                log.debug("warm-up failed", extra={"why": type(problem).__name__})
        if self.settings.preload:
            self.get_ready()

    def get_ready(self) -> None:
        """Load in the background what a write needs; called when nobody waits."""
        if self._ahead is None and self._loading is None and not self.settings.read_only:
            self._ahead = asyncio.create_task(load_ahead(self.under_way), name="load-ahead")

    def resume_soon(self) -> None:
        """Take up, in the background, what was approved or left in doubt while no server ran. Where nothing was ever
        proposed, nothing is loaded."""
        if self._resuming is None and self.settings.has_key and not self.settings.read_only:
            self._resuming = asyncio.create_task(self._resume(), name="resume")

    def _open_soon(self, operation: Operation) -> None:
        """Open the gate, which the call will need, while its account is looked up."""
        if self._gate is None and (self._resuming is None or self._resuming.done()):
            self._resuming = asyncio.create_task(self._open(operation), name="open")

    async def _open(self, operation: Operation) -> None:
        # Whoever needs it tries again, and is told why it cannot be opened.
        with suppress(CallError):
            await self._load_gate()
            await asyncio.gather(self.gate(), asyncio.to_thread(load_preview, operation))

    async def _resume(self) -> None:
        if self.settings.database_url is None:
            kept = state_home(self.settings) / DATABASE
            if not await asyncio.to_thread(kept.exists):
                return
        try:
            await self.gate()
        except CallError as problem:
            # The next call that writes says so to its caller.
            log.warning("earlier approvals cannot be taken up", extra={"why": str(problem)})

    def hurry(self, seconds: float) -> None:
        """The server stops: calls end soon, with what is known; no call waits for a person any more."""
        if self._gate is not None:
            self._gate.hurry(seconds)
        # A moment later: what knows more of a call has had its time to say it.
        self.under_way.hurry(seconds + 1.0)

    async def aclose(self) -> None:
        """Let writes in flight settle, then close everything."""
        if self._ahead is not None:
            self._ahead.cancel()
        if self._resuming is not None:
            await asyncio.wait({self._resuming})
        if self._gate is not None:
            await self._gate.aclose()
        await self.gateway.aclose()

    async def _files(
        self, operation: Operation, arguments: Mapping[str, Any]
    ) -> tuple[tuple[FilePart, ...], list[Problem]]:
        if not attachments.named(operation, arguments):
            return (), []
        allowed = self.settings.attachments
        return await asyncio.to_thread(attachments.collect, operation, arguments, allowed)

    async def _with_lists(
        self, operation: Operation, arguments: dict[str, Any]
    ) -> tuple[dict[str, Any], list[Problem]]:
        """The arguments with the entries of files that they name in their place."""
        if not list_files.named(operation, arguments):
            return arguments, []
        found, unread = await asyncio.to_thread(list_files.filled, operation, arguments, self.settings.attachments)
        return as_meant(operation.schema, found), unread

    async def _answering(self, operation: Operation, arguments: dict[str, Any], principal: str) -> dict[str, Any]:
        """The arguments with what comes from the message that is answered, where one is named.

        Raises:
            CallError: It cannot be read, or does not say what is needed.
        """
        for name, source in operation.answers.items():
            if name not in arguments:
                continue
            given = {**arguments, name: answering.key_of(operation, name, arguments)}
            account = await self._account(operation, given, principal)
            path = fill(source.removeprefix("GET "), {part: str(given[part]) for part in PLACES.findall(source)})
            asked = Prepared(operation, given, request.Request(operation.service, "GET", path), account, principal)
            reply = await self.reads.fetch(asked)
            if reply.status >= 400 and reply.status != 404:
                raise refusal(reply, service=operation.service, access="read")
            arguments = answering.filled(operation, name, given, reply.json if reply.status == 200 else None)
            if found := holding.problems(operation, arguments):  # guard: 202-held
                raise BadArguments(operation.name, found)
        return arguments

    async def _renewing(self, operation: Operation, arguments: dict[str, Any], principal: str) -> dict[str, Any]:
        """The arguments with what comes from the message that is changed or cancelled.

        Raises:
            CallError: It cannot be read, or is none that this call may change.
        """
        from maton_mailgun.approval.preview.account_reader import AccountReader
        from maton_mailgun.approval.preview.renewal import filled

        account = await self._account(operation, arguments, principal)
        reader = AccountReader(self.gateway.of(principal), self.catalogue, account.connection_id)
        return await filled(operation, arguments, reader)

    def _of(self, principal: str) -> Connections:
        """The connections under a person's own key, where people have one."""
        return self.connections.under(self.gateway.of(principal))

    @staticmethod
    def _is_open(operation: Operation, arguments: Mapping[str, Any]) -> bool:
        """Whether the connection is for this server to choose."""
        return operation.service == "mailgun" and not arguments.get("connection_id")

    async def _account(self, operation: Operation, arguments: Mapping[str, Any], principal: str) -> Account:
        # Also where nothing is looked up: who has no key of their own works on no account.
        connections = self._of(principal)
        # An empty one would leave the choice to the gateway's default.
        wanted = arguments.get("connection_id") or None
        if operation.service == "maton":
            return Account(str(wanted or ""), "this Maton account", self.settings.sandbox)
        # A read with a named connection needs no look-up: the gateway answers 404 to a wrong one. A write always
        # shows the account it will hit.
        if wanted is not None and not operation.writes:
            return Account(str(wanted), "", self.settings.sandbox)
        if operation.writes:
            self._open_soon(operation)
        return await connections.choose(wanted)

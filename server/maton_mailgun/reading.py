"""Reads: a checked call to the answer that it is told as."""

from __future__ import annotations

import asyncio
import logging
import math
from dataclasses import replace
from typing import Any

from maton_mailgun.catalogue.operation import Catalogue
from maton_mailgun.config import Settings
from maton_mailgun.errors import AnswerTooLarge, AnswerUnreadable, MaybeSent, NotSent, Unreachable
from maton_mailgun.exchange import Prepared
from maton_mailgun.wire import body_pages, paging, result
from maton_mailgun.wire.answers import refusal
from maton_mailgun.wire.gateway import Gateway, Reply
from maton_mailgun.wire.listing import USUAL, ListReader

log = logging.getLogger(__name__)
_FOR_SEVERAL = 0.8
"""Of the time that a call has, how much may pass until what is not read counts as unread."""
_FOR_PAGES = 0.6
"""Of the time that a call has, how much may pass before no further page of a list is asked for."""


class ReadPath:
    """Carries out reads.

    Args:
        settings: The operator's decisions.
        catalogue: The operations on offer.
        gateway: The Maton transport.
    """

    def __init__(self, settings: Settings, catalogue: Catalogue, gateway: Gateway) -> None:
        self._settings = settings
        self._catalogue = catalogue
        self._gateway = gateway

    async def read(self, prepared: Prepared, until: float = math.inf) -> dict[str, Any]:
        """Carry out a read and shape its answer.

        Args:
            prepared: A checked read.
            until: The moment of the loop's clock by which it must be done; pages of a list stop well before.

        Raises:
            CallError: The read failed; says who failed and what to do.
        """
        operation, sandbox = prepared.operation, self._settings.sandbox
        if operation.answered_by is not None:
            return result.read_result(operation, await self._combined(prepared, until), sandbox=sandbox)
        now = asyncio.get_running_loop().time
        enough = now() + _FOR_PAGES * self._gateway.left(until)
        if operation.pages_in_body is not None:
            body, note = await body_pages.read(
                operation,
                prepared.request,
                lambda page: self._body(replace(prepared, request=page)),
                lambda: now() > enough,
                lambda longer: result.fits(operation, longer),
            )
            return {**result.read_result(operation, body, sandbox=sandbox), **({"note": note} if note else {})}
        if operation.paging is None:
            return result.read_result(operation, await self._body(prepared), sandbox=sandbox)
        reader = ListReader(operation, lambda page: self._body(replace(prepared, request=page)), lambda: now() > enough)
        arguments = prepared.arguments
        whole = "count_by" in arguments or "distinct" in arguments
        wanted = arguments.get("limit") if whole else arguments.get("limit", USUAL)
        listing = await reader.read(
            prepared.request, paging.beginning(arguments, prepared.request), wanted, counted=whole
        )
        content, rest = result.list_result(operation, arguments, listing, sandbox=sandbox)
        if rest is not None:
            content["next_cursor"] = paging.cursor_at(operation, arguments, prepared.account.connection_id, rest)
        return content

    async def _combined(self, prepared: Prepared, until: float) -> dict[str, Any]:
        """The answer that a function makes of several reads.

        Raises:
            CallError: Nothing of it could be read.
        """
        from maton_mailgun.combined.by_name import answer

        enough = asyncio.get_running_loop().time() + _FOR_SEVERAL * self._gateway.left(until)
        try:
            return await answer(
                prepared.operation.answered_by or "",
                prepared.arguments,
                lambda asked: self._body(replace(prepared, request=asked)),
                enough,
                set(self._catalogue),
            )
        except (TypeError, ValueError, OverflowError, AttributeError, KeyError) as odd:
            log.warning("an answer could not be read", extra={"why": type(odd).__name__})
            raise AnswerUnreadable(
                message=f"{prepared.operation.name} was answered with values of types that the service does not give",
                next="Call again; if it stays so, use the single read tools.",
            ) from None

    async def _body(self, prepared: Prepared) -> dict[str, Any]:
        """The JSON object that a read was answered with.

        Raises:
            CallError: It failed; says who failed and what to do.
        """
        operation = prepared.operation
        reply = await self.fetch(prepared)
        if reply.status >= 400:
            proven = operation.gateway == "passes"
            told = refusal(reply, service=operation.service, access=operation.access, proven=proven)
            if reply.status == 404 and told.who == "mailgun" and operation.absent:
                told.next = operation.absent
            raise told
        if reply.status >= 300:
            raise AnswerUnreadable(
                message=f"The gateway answered with a redirect ({reply.status}), which is never followed.",
                next="Check MATON_API_URL.",
                status=reply.status,
            )
        return result.body_of(operation, reply)

    async def fetch(self, prepared: Prepared) -> Reply:
        """The raw answer to a read, with transport failures in the caller's words.

        Raises:
            Unreachable: No answer after several attempts.
            AnswerUnreadable: The answer is too large.
        """
        try:
            gateway = self._gateway.of(prepared.principal)
            return await gateway.read(prepared.request, prepared.account.connection_id or None)
        except AnswerTooLarge as failure:
            raise AnswerUnreadable(
                message=f"It is too much: {failure}.", next="Call again with a smaller limit or a narrower filter."
            ) from None
        except (NotSent, MaybeSent) as failure:
            raise Unreachable(
                message=f"No answer from the gateway: {failure}.", next="Check the network and call again."
            ) from None

"""Reads the account for previews, stale checks and reconciliation: GET only, through the same gateway."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from maton_mailgun.approval.preview.proposal import CouldNotRead, ReadAnswer
from maton_mailgun.catalogue.codecs import fill, segment
from maton_mailgun.catalogue.operation import Service
from maton_mailgun.errors import KeyMissing, MaybeSent, NotSent
from maton_mailgun.wire.answers import words
from maton_mailgun.wire.request import Request, build

if TYPE_CHECKING:
    from maton_mailgun.catalogue.operation import Operation
    from maton_mailgun.wire.gateway import Gateway

_TEMPLATE = re.compile(r"GET (maton:|mime:)?(/[^\s?]+)(?:\?(\S+))?")
MESSAGE = "message/rfc2822"
"""What Mailgun is asked for where a message is wanted as it is sent: then `body-mime` holds it (its reference)."""
_BRACED = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class AccountReader:
    """Implements `proposal.Reader` over the gateway, bound to one connection.

    Args:
        gateway: What is read through.
        operations: The tools that a source may name.
        connection_id: The connection.
        until: The moment of the loop's clock at which every read ends at the latest.
    """

    def __init__(
        self, gateway: Gateway, operations: Mapping[str, Operation], connection_id: str, until: float = math.inf
    ) -> None:
        self._gateway = gateway
        self._operations = operations
        self._connection_id = connection_id
        self._until = until

    async def __call__(self, source: str, arguments: Mapping[str, Any], /) -> ReadAnswer:
        """The answer to one read; `source` is a tool name or a `GET /…` template.

        Raises:
            CouldNotRead: No answer, or the source cannot be filled from the arguments.
        """
        try:
            request = self._request(source, arguments)
            reply = await self._gateway.read(request, self._connection_id or None, self._until)
        except (KeyError, ValueError):
            raise CouldNotRead("the arguments do not name what to read") from None
        except (NotSent, MaybeSent, KeyMissing) as failure:
            raise CouldNotRead(str(failure)) from None
        data = reply.json
        return ReadAnswer(reply.status, data if data is not None else words(reply))

    def _request(self, source: str, arguments: Mapping[str, Any]) -> Request:
        operation = self._operations.get(source)
        if operation is not None:
            if operation.access != "read":
                raise ValueError("is no read")
            return build(operation, {name: arguments[name] for name in operation.path_arguments})
        matched = _TEMPLATE.fullmatch(source)
        if matched is None:
            raise ValueError("is no source")
        path = fill(matched[2], {name: str(arguments[name]) for name in _BRACED.findall(matched[2])})
        query = _BRACED.sub(lambda match: segment(str(arguments[match[1]])), matched[3] or "")
        service: Service = "maton" if matched[1] == "maton:" else "mailgun"
        headers = (("Accept", MESSAGE),) if matched[1] == "mime:" else ()
        return Request(service, "GET", path, raw_query=query or None, headers=headers)

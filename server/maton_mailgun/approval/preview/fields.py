"""The fields of a request as they will be sent, for the person: nothing on the wire stays unseen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from maton_mailgun.approval.preview.effect import NOT_SHOWN
from maton_mailgun.approval.preview.proposal import Row
from maton_mailgun.mail.text import safe_line

if TYPE_CHECKING:
    from maton_mailgun.catalogue.operation import Operation
    from maton_mailgun.wire.request import Request

_LIMIT = 4000


def rows(operation: Operation, request: Request, *, covered: Collection[str] = ()) -> list[Row]:
    """One row per field and file, in their order, except the `covered` wire names; secrets are not shown."""
    secret = {operation.wire.get(name, name) for name in operation.secret}
    found = [
        Row(name, NOT_SHOWN if name in secret else whole(text)) for name, text in fields(request) if name not in covered
    ]
    found += [
        Row(part.field, f"file {safe_line(part.filename)} ({part.content_type}, {part.size:,} bytes, {part.sha256})")
        for part in request.files
        if part.field not in covered
    ]
    return found


def fields(request: Request) -> Iterator[tuple[str, str]]:
    """Wire name and text of everything that is neither path nor file."""
    yield from request.query
    yield from request.form
    for name, given in (request.json or {}).items():
        yield name, given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)


def values(request: Request, name: str) -> list[str]:
    """All texts sent under the wire name `name`, in any letter case."""
    return [text for field, text in fields(request) if field.casefold() == name.casefold()]


def whole(text: str, limit: int = _LIMIT) -> str:
    """A value on one line; a long one is cut and named by its SHA-256, so that two cannot be taken for each other."""
    if len(text) <= limit:
        return safe_line(text)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{safe_line(text[:limit])}… ({len(text) - limit:,} more characters; SHA-256 of all: {digest})"

"""The fields of a request as they will be sent, for the person: nothing on the wire stays unseen."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from maton_mailgun.approval.preview.document import Row
from maton_mailgun.approval.preview.effect import NOT_SHOWN
from maton_mailgun.mail.text import safe_line

if TYPE_CHECKING:
    from maton_mailgun.catalogue.operation import Operation
    from maton_mailgun.wire.request import Request


def rows(operation: Operation, request: Request, *, covered: Collection[str] = ()) -> list[Row]:
    """One row per field and file, in their order, except the `covered` wire names; secrets are not shown."""
    secret = {operation.wire.get(name, name) for name in operation.secret}
    found = [
        Row(name, NOT_SHOWN) if name in secret else row(name, text)
        for name, text in fields(request)
        if name not in covered
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


def whole(text: str) -> str:
    """A value that leaves, on one line and whatever its length."""
    return safe_line(text)  # guard: 48-whole


def row(label: str, text: str, flags: Sequence[str] = ()) -> Row:
    """A row with a value that leaves; one with line breaks is drawn as a block."""
    return Row(label, whole(text), flags, block="\n" in text)

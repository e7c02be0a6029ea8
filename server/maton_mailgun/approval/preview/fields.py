"""The fields of a request as they will be sent, for the person: nothing on the wire stays unseen."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from maton_mailgun.approval.preview.document import Row
from maton_mailgun.approval.preview.effect import NOT_SHOWN
from maton_mailgun.approval.preview.labels import named
from maton_mailgun.mail.text import safe_line

if TYPE_CHECKING:
    from maton_mailgun.catalogue.operation import Operation
    from maton_mailgun.wire.request import Request


def rows(operation: Operation, request: Request, *, covered: Collection[str] = (), decoded: bool = False) -> list[Row]:
    """One row per field and file, in their order, except the `covered` wire names; secrets are not shown.

    They have the names that people call them by; with `decoded`, those on the wire.
    """
    secret = {operation.in_headers.get(name) or operation.wire.get(name, name) for name in operation.secret}
    arguments = {wire: argument for argument, wire in operation.wire.items()}

    def label(name: str) -> str:
        return name if decoded else named(arguments.get(name, name))

    found = [
        Row(label(name), NOT_SHOWN) if name in secret else row(label(name), text)
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
    """Name and text of everything that is neither path nor file."""
    yield from request.headers  # guard: 76-headers
    yield from request.query
    yield from request.form
    if isinstance(request.json, Mapping):
        yield from ((name, _typed(given)) for name, given in request.json.items())
    elif isinstance(request.json, list) and request.json:
        yield from ((f"[{number}]", _typed(given)) for number, given in enumerate(request.json, 1))
    elif request.json is not None:
        yield "the body", _typed(request.json)


def _typed(given: Any) -> str:
    """A value of a JSON body: a text as it is, unless it reads like another value, and all else as JSON."""
    if isinstance(given, str):
        try:
            json.loads(given)
        except (ValueError, RecursionError):
            return given
    return json.dumps(given, ensure_ascii=False)  # guard: 77-typed


def values(request: Request, name: str) -> list[str]:
    """All texts sent under the wire name `name`, in any letter case."""
    return [text for field, text in fields(request) if field.casefold() == name.casefold()]


def whole(text: str) -> str:
    """A value that leaves, on one line and whatever its length."""
    return safe_line(text)  # guard: 48-whole


def row(label: str, text: str, flags: Sequence[str] = ()) -> Row:
    """A row with a value that leaves; one with line breaks is drawn as a block."""
    return Row(label, whole(text), flags, block="\n" in text)

"""The body of a request, as the HTTP client takes it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from maton_mailgun.errors import NotSent
from maton_mailgun.wire.request import FilePart, Request


def body_of(request: Request) -> dict[str, Any]:
    """What the HTTP client is given of the body; nothing where there is none. Raises NotSent."""
    if request.json is not None:
        return {"json": request.json}
    if request.multipart:
        fields: list[tuple[str, Any]] = [(name, (None, value.encode())) for name, value in request.form]
        fields += [(part.field, (part.filename, _content(part), part.content_type)) for part in request.files]
        return {"files": fields}
    if request.form or request.method in ("POST", "PUT", "PATCH"):
        return {"content": urlencode(request.form).encode("ascii")}
    return {}


def _content(part: FilePart) -> bytes:
    if part.content is None:
        raise NotSent(f"the content of {part.filename} was not read")
    return part.content

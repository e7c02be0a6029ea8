"""The bytes a yes is bound to: one request, one canonical text, one digest.

Everything that reaches the wire is in the text, in wire order, together with the connection it goes through and the
schema it was checked against. The local path of an attachment is not: its SHA-256 is, so the same bytes from another
place are the same request, and other bytes under the same path are not.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any, Protocol

_DOMAIN = b"maton-mailgun/approval/v1\x00"
"""Keeps this digest from meaning anything in another protocol, and the other way round."""
_KEYED = "hmac-sha256:"


class File(Protocol):
    """One attachment, as far as the digest is concerned."""

    @property
    def field(self) -> str: ...
    @property
    def filename(self) -> str: ...
    @property
    def content_type(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def sha256(self) -> str: ...


class HttpRequest(Protocol):
    """The parts of a built request that reach the wire."""

    @property
    def service(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def query(self) -> Sequence[tuple[str, str]]: ...
    @property
    def form(self) -> Sequence[tuple[str, str]]: ...
    @property
    def files(self) -> Sequence[File]: ...
    @property
    def json(self) -> Any: ...
    @property
    def multipart(self) -> bool: ...
    @property
    def headers(self) -> Sequence[tuple[str, str]]: ...


def canonical(request: HttpRequest, *, tool: str, schema_digest: str, connection_id: str) -> bytes:
    """The request as canonical JSON: sorted keys, no spaces, UTF-8; ordered fields stay ordered.

    Raises ValueError for what has no exact JSON form (NaN, infinity) or no UTF-8 form (a lone surrogate).
    """
    content: dict[str, Any] = {
        "tool": tool,
        "schema": schema_digest,
        "connection_id": connection_id,  # guard: 09-connection
        "service": request.service,
        "method": request.method,
        "path": request.path,
        "query": [list(pair) for pair in request.query],
        "form": [list(pair) for pair in request.form],  # guard: 04-form
        "files": [
            {
                "field": file.field,
                "filename": file.filename,
                "content_type": file.content_type,
                "size": file.size,
                "sha256": file.sha256,
            }
            for file in request.files
        ],
        "json": request.json,
        "multipart": request.multipart,
    }
    if request.headers:
        # Only where there are some: what was asked before there could be any keeps its digest.
        content["headers"] = [list(pair) for pair in request.headers]  # guard: 75-headers
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def digest(data: bytes, key: bytes) -> str:
    """`hmac-sha256:` and the hexadecimal HMAC-SHA-256 of `data` under this project's domain prefix.

    Digests stand in clear in the audit, which is kept when the request is long gone. Without the key nobody can try
    which password or whose address a request held.
    """
    return f"{_KEYED}{hmac.digest(key, _DOMAIN + data, 'sha256').hex()}"  # guard: 186-keyed


def digest_like(known: str, data: bytes, key: bytes) -> str:
    """The digest of `data` in the form of one that is known: earlier versions had no key in theirs."""
    return digest(data, key) if known.startswith(_KEYED) else plain_digest(data)


def plain_digest(data: bytes) -> str:
    """`sha256:` and the hexadecimal SHA-256 of `data` under the same prefix: what earlier versions had."""
    return f"sha256:{hashlib.sha256(_DOMAIN + data).hexdigest()}"

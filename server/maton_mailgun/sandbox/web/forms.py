"""From an ASGI request to a `Call`: the raw path, the query, and the body in whichever encoding it came."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from maton_mailgun.sandbox.web.calls import JSON, Call, Files, SentFields, Upload, parse_json

MULTIPART = "multipart/form-data"
URLENCODED = "application/x-www-form-urlencoded"
_LARGEST_PART = 64 * 1024 * 1024
_MOST_PARTS = 5000
_HOST = re.compile(r"(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?", re.IGNORECASE)
_MAILGUN_HOSTS = ("mailgun.net", "mailgun.org")


def segments_of(raw_path: str) -> tuple[str, ...]:
    """Decoded pieces of a path. A raw `+` is a space here, `%2B` is a plus."""
    return tuple(unquote_plus(piece) for piece in raw_path.removeprefix("/").split("/"))


def is_mailguns(host: str) -> bool:
    """Whether a Host header names Mailgun's own host, or one below it."""
    name = host.rpartition(":")[0] or host
    return any(name.lower() == own or name.lower().endswith(f".{own}") for own in _MAILGUN_HOSTS)


def own_origin(request: Request) -> str | None:
    """Scheme and host a request was made at, to build addresses with; None where that is Mailgun's own or no host."""
    host = request.headers.get("host", "")
    if is_mailguns(host) or not _HOST.fullmatch(host):
        return None
    return f"{request.scope['scheme']}://{host}"


def media_type(header: str) -> str:
    return header.partition(";")[0].strip().lower()


async def _whole(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _multipart(headers: Headers, body: bytes) -> tuple[list[tuple[str, str]], tuple[Upload, ...]]:
    stream: Any = _whole(body)
    parser = MultiPartParser(
        headers, stream, max_files=_MOST_PARTS, max_fields=_MOST_PARTS, max_part_size=_LARGEST_PART
    )
    pairs: list[tuple[str, str]] = []
    uploads: list[Upload] = []
    form = await parser.parse()
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            kind = value.content_type or "application/octet-stream"
            uploads.append(Upload(name, value.filename or "", kind, await value.read()))
        else:
            pairs.append((name, value))
    await form.close()
    return pairs, tuple(uploads)


def raw_target(request: Request) -> tuple[str, str]:
    """Undecoded path and query as they arrived. Some servers keep the query in `raw_path`, some do not."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    path = raw.decode("latin-1").partition("?")[0]
    return path, request.scope["query_string"].decode("latin-1")


async def read_call(request: Request) -> Call:
    """The whole request, its body read to the end."""
    raw_path, raw_query = raw_target(request)
    header = request.headers.get("content-type", "")
    kind = media_type(header)
    body = await request.body()
    pairs: Iterable[tuple[str, str]] = ()
    uploads: tuple[Upload, ...] = ()
    parsed: Any = None
    malformed: str | None = None
    if kind == MULTIPART:
        try:
            pairs, uploads = await _multipart(request.headers, body)
        except MultiPartException as error:
            malformed = error.message
    elif kind == URLENCODED:
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    elif kind == JSON and body:
        try:
            parsed = parse_json(body)
        except ValueError as error:
            malformed = str(error)
    return Call(
        method=request.method,
        raw_path=raw_path,
        raw_query=raw_query,
        segments=segments_of(raw_path),
        headers=dict(request.headers),
        query=SentFields(parse_qsl(raw_query, keep_blank_values=True)),
        content_type=kind,
        form=SentFields(pairs),
        files=Files(uploads),
        json=parsed,
        malformed=malformed,
        origin=own_origin(request),
    )

"""An operation and its arguments to the exact HTTP request. Pure: nothing is read, nothing is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Any
from urllib.parse import quote, urlencode

from maton_mailgun.operation import Operation, Service

from .dates import rfc2822

NOT_SENT = frozenset({"connection_id", "cursor"})
"""Arguments that steer this server and never go on the wire (unless the path names them)."""
LONGEST_TARGET = 8_000
"""Characters of path and query; servers and proxies refuse more."""
_BRACED = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class FilePart:
    """One file of a multipart body. `content` is read before the request is sent, never stored."""

    field: str
    filename: str
    content_type: str
    size: int
    sha256: str
    path: str | None = None
    content: bytes | None = attribute(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, short of host and credentials."""

    service: Service
    method: str
    path: str
    """Encoded path from the service's root: `/v3/…` or `/connections…`."""
    query: tuple[tuple[str, str], ...] = ()
    form: tuple[tuple[str, str], ...] = ()
    files: tuple[FilePart, ...] = ()
    json: Mapping[str, Any] | None = None
    multipart: bool = False
    raw_query: str | None = None
    """A query already encoded by the service (a page it named); sent as it stands, in place of `query`."""


def build(operation: Operation, arguments: Mapping[str, Any], files: tuple[FilePart, ...] = ()) -> Request:
    """The request for one call.

    Args:
        operation: The row.
        arguments: Checked arguments.
        files: The parts for arguments with the codec `file`, already opened and hashed.

    Raises:
        ValueError: A path value that would change which resource is meant, or a value its codec cannot write.
    """
    values = {**operation.defaults, **arguments}
    pairs = tuple(operation.fixed.items()) + tuple(_pairs(operation, values))
    path = fill(operation.path, {name: _path_text(operation, name, values) for name in operation.path_arguments})
    if len(path) + (len(urlencode(pairs, errors="replace")) if operation.body is None else 0) > LONGEST_TARGET:
        raise ValueError("is too long for an address")
    if operation.body is None:
        return Request(operation.service, operation.method, path, query=pairs)
    if operation.body == "json":
        return Request(operation.service, operation.method, path, json=dict(pairs))
    multipart = operation.body == "multipart" or bool(files)
    return Request(operation.service, operation.method, path, form=pairs, files=files, multipart=multipart)


def fill(template: str, values: Mapping[str, str]) -> str:
    """Put encoded values into a path template."""
    return _BRACED.sub(lambda match: segment(values[match[1]]), template)


def segment(value: str) -> str:
    """One path value, percent-encoded completely.

    An empty value or a dot segment would turn "delete this one" into "delete the collection" (Mailgun's collection
    DELETEs wipe everything), so these are refused here, whatever was checked before.

    Raises:
        ValueError: Empty, `.`, `..`, or with control characters.
    """
    if not value.strip():
        raise ValueError("is empty")
    if value in (".", ".."):  # guard: 30-dots
        raise ValueError("is a dot segment, which would name another resource")
    if _CONTROL.search(value):
        raise ValueError("has control characters")
    return quote(value, safe="")  # guard: 30-segment


def _path_text(operation: Operation, name: str, values: Mapping[str, Any]) -> str:
    value = str(values[name])
    return value.split("@", 1)[0] if operation.encode.get(name) == "local_part" else value


def _pairs(operation: Operation, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in operation.properties:
        if name not in values or name in NOT_SENT or name in operation.path_arguments:
            continue
        value = values[name]
        wire = operation.wire.get(name, name)
        if wire.endswith("*"):
            yield from ((wire[:-1] + key, _header(wire, key, text_of(item))) for key, item in value.items())
            continue
        if operation.addresses.get(name) in ("list", "mailbox"):
            yield from ((wire, text) for text in _addresses(value))
            continue
        yield from ((wire, text) for text in _encoded(operation.encode.get(name) or codec_for(value), value))


def _addresses(value: Any) -> Iterator[str]:
    """Each address in a field of its own, in our spelling: what was given could hold more for another reader."""
    from .address_fields import read

    for text in value if isinstance(value, list) else [value]:
        yield from (address.written for address in read(text))


def _header(wire: str, name: str, value: str) -> str:
    if wire != "h:*":
        return value
    from .address_fields import header_value, holds_addresses

    return header_value(name, value) if holds_addresses(name) else value


def codec_for(value: Any) -> str:
    """The codec of a value that names none."""
    if isinstance(value, bool):
        return "yes_no"
    if isinstance(value, list):
        return "repeat"
    return "json" if isinstance(value, dict) else "text"


def _encoded(codec: str, value: Any) -> Iterator[str]:
    match codec:
        case "file" | "mime":
            return
        case "repeat":
            yield from (text_of(item) for item in (value if isinstance(value, list) else [value]))
        case "comma":
            yield ",".join(text_of(item) for item in value) if isinstance(value, list) else text_of(value)
        case "json":
            yield json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        case "date":
            yield rfc2822(value)
        case "yes_only":
            if value is True:
                yield "yes"
            elif value is not False:
                yield text_of(value)
        case "true_false":
            yield ("true" if value else "false") if isinstance(value, bool) else text_of(value)
        case _:
            yield text_of(value)


def text_of(value: Any) -> str:
    """A scalar as Mailgun reads it; booleans are words, `str(True)` is in none of its lists."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if isinstance(value, float) and value.is_integer():
        # JSON has one kind of number: 30.0 is a whole one there and none to Mailgun.
        return str(int(value))
    return str(value)

"""An operation and its arguments to the exact HTTP request. Pure: nothing is read, nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Any
from urllib.parse import urlencode

from maton_mailgun.catalogue.codecs import codec_for, encoded, fill, map_value, written_addresses
from maton_mailgun.catalogue.operation import Operation, Service

NOT_SENT = frozenset({"connection_id", "cursor"})
"""Arguments that steer this server and never go on the wire (unless the path names them)."""
LONGEST_TARGET = 8_000
"""Characters of path and query; servers and proxies refuse more."""


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
            yield from ((wire[:-1] + key, map_value(wire, key, item)) for key, item in value.items())
            continue
        if operation.addresses.get(name) in ("list", "mailbox"):
            yield from ((wire, text) for text in written_addresses(value))
            continue
        yield from ((wire, text) for text in encoded(operation.encode.get(name) or codec_for(value), value))

"""An operation and its arguments to the exact HTTP request. Pure: nothing is read, nothing is sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as attribute
from typing import Any
from urllib.parse import urlencode

from maton_mailgun.catalogue import entry_fields
from maton_mailgun.catalogue.codecs import codec_for, encoded, fill, json_value, map_value, text_of, written_addresses
from maton_mailgun.catalogue.operation import NOT_SENT, Operation, Service

LONGEST_TARGET = 8_000
"""Characters of path and query; servers and proxies refuse more."""


_HEADER_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")


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
    json: Any = None
    """A JSON body, typed as it is sent; None where there is none."""
    multipart: bool = False
    raw_query: str | None = None
    """A query already encoded by the service (a page it named); sent as it stands, in place of `query`."""
    headers: tuple[tuple[str, str], ...] = ()
    """Headers that arguments are, beside those that every request has."""


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
    values |= entry_fields.written(operation, values)
    path = fill(operation.path, {name: _path_text(operation, name, values) for name in operation.path_arguments})
    elsewhere = {
        *operation.path_arguments,
        *operation.in_headers,
        *operation.from_file.values(),
        *operation.into_message,
        *operation.answers,
        *operation.renews,
    }
    asked = [name for name in operation.properties if name in values and name not in NOT_SENT | elsewhere]
    in_query = [name for name in asked if operation.body is None or name in operation.in_query]
    in_body = [name for name in asked if name not in in_query]
    fixed = tuple((name, text_of(value)) for name, value in operation.fixed.items())
    query = (fixed if operation.body is None else ()) + tuple(_pairs(operation, values, in_query))
    if len(path) + len(urlencode(query, errors="replace")) > LONGEST_TARGET:
        raise ValueError("is too long for an address")
    request = Request(operation.service, operation.method, path, query, headers=_headers(operation, values))
    if operation.body is None:
        return request
    if operation.body == "json":
        if files:
            raise ValueError("is a file, which JSON cannot hold")
        return replace(request, json=_json(operation, values, in_body))
    multipart = operation.body == "multipart" or bool(files)
    return replace(request, form=fixed + tuple(_pairs(operation, values, in_body)), files=files, multipart=multipart)


def _path_text(operation: Operation, name: str, values: Mapping[str, Any]) -> str:
    value = str(values[name])
    return value.split("@", 1)[0] if operation.encode.get(name) == "local_part" else value


def _headers(operation: Operation, values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Headers of the request: one text each, of what a header can hold without being read in two ways."""
    found = []
    for name, header in operation.in_headers.items():
        if name in values:
            text = ",".join(encoded(operation.encode.get(name) or codec_for(values[name]), values[name]))
            if not _HEADER_VALUE.fullmatch(text):  # guard: 74-header-value
                raise ValueError(f"of {name} is a header: printable ASCII, without blanks at its ends")
            found.append((header, text))
    return tuple(found)


def _json(operation: Operation, values: Mapping[str, Any], names: Iterable[str]) -> Any:
    """A JSON body. Lists, numbers and booleans stay what they are, unless a row says how a value is written."""
    if operation.body_is is not None:
        return json_value(values[operation.body_is])
    body: dict[str, Any] = {name: json_value(value) for name, value in operation.fixed.items()}
    for name in names:
        value, wire = values[name], operation.wire.get(name, name)
        if wire.endswith("*"):
            body |= {wire[:-1] + key: json_value(item) for key, item in value.items()}
        elif operation.addresses.get(name) in ("list", "mailbox"):
            written = list(written_addresses(value))
            body[wire] = written if isinstance(value, list) or len(written) != 1 else written[0]
        elif codec := operation.encode.get(name):
            texts = list(encoded(codec, value))
            if texts:
                body[wire] = texts if codec == "repeat" else texts[0]
        else:
            body[wire] = json_value(value)
    return body


def _pairs(operation: Operation, values: Mapping[str, Any], names: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        value = values[name]
        wire = operation.wire.get(name, name)
        if wire.endswith("*"):
            yield from ((wire[:-1] + key, map_value(wire, key, item)) for key, item in value.items())
            continue
        if operation.addresses.get(name) in ("list", "mailbox"):
            yield from ((wire, text) for text in written_addresses(value))
            continue
        yield from ((wire, text) for text in encoded(operation.encode.get(name) or codec_for(value), value))

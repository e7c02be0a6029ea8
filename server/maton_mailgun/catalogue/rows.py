"""The catalogue: one row and one schema per operation, read once and checked for sense.

Everything the engine knows about a tool stands in `tools/<toolset>.toml` and `schemas/<tool>.json`. A row that names an
unknown key, argument, codec or schema stops the start with the file, the tool and the key.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from typing import Any

from maton_mailgun.catalogue import files
from maton_mailgun.catalogue.operation import ACCESSES, Catalogue, Fact, Operation
from maton_mailgun.errors import SetupError

CODECS = frozenset(
    {"text", "yes_no", "true_false", "yes_only", "repeat", "comma", "json", "date", "file", "mime", "local_part"}
    | {"span", "message_id"}
)
ADDRESSES = frozenset({"list", "mailbox", "plain", "entry", "mime"})
"""What an argument with addresses may hold (see `address_fields`)."""
TOGETHER = frozenset({"addresses", "option_bytes"})
"""What may be limited over all arguments of a call (see `limits`)."""
_PLACE = re.compile(r"[a-z_]+(\.[a-z_]+)*(\|[a-z_]+(\.[a-z_]+)*)*")
_BRACED = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_REQUEST = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (maton:)?(/[^\s]+)")
_SENTENCES = ("target", "effect", "undo")


@cache
def load() -> Catalogue:
    """Read and check every row and schema, once per process.

    Raises:
        SetupError: Something does not fit; names the file, the tool and the key.
    """
    schemas = files.texts("schemas", ".json")
    operations: dict[str, Operation] = {}
    toolsets: dict[str, str] = {}
    for toolset, text in files.texts("tools", ".toml").items():
        where = f"tools/{toolset}.toml"
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as problem:
            raise SetupError(f"{where} is not TOML: {problem}") from None
        if set(table) != {"title", "about", "tools"}:
            raise SetupError(f"{where}: the keys are title, about and tools, not {', '.join(sorted(table))}")
        toolsets[toolset] = table["about"]
        for name, row in table["tools"].items():
            if name in operations:
                raise SetupError(f"{where}: [tools.{name}] stands twice")
            operations[name] = _operation(name, toolset, row, schemas, f"{where}: [tools.{name}]")
    if orphans := sorted(set(schemas) - set(operations)):
        raise SetupError(f"schemas/{orphans[0]}.json has no row in tools/")
    return Catalogue(operations, toolsets)


_LISTS = ("hosts", "in_headers", "lines", "secret", "reveals", "warn")
_PLAIN = (
    *("title", "about", "access", "body", "wire", "encode", "addresses", "fixed", "defaults", "paging", "needs"),
    *("spans", "ahead", "words", "together", "meant", "idempotent"),
    *("target", "effect", "undo", "before", "compare", "adds", "preview", "success", "settle"),
    *("settle_read", "asynchronous"),
)
_KEYS = frozenset({*_LISTS, *_PLAIN, "request", "one_of", "not_both", "facts"})


def _operation(name: str, toolset: str, row: dict[str, Any], schemas: Mapping[str, str], where: str) -> Operation:
    if unknown := sorted(set(row) - _KEYS):
        raise SetupError(f"{where}: {unknown[0]} is no key of a row")
    if missing := [key for key in ("title", "about", "access", "request") if key not in row]:
        raise SetupError(f"{where}: {missing[0]} is missing")
    if name not in schemas:
        raise SetupError(f"{where}: schemas/{name}.json is missing")
    matched = _REQUEST.fullmatch(row["request"])
    if matched is None:
        raise SetupError(f"{where}: request = {row['request']!r} is not 'METHOD /path'")
    if row["access"] not in ACCESSES:
        raise SetupError(f"{where}: access is one of {', '.join(ACCESSES)}")
    values: dict[str, Any] = {key: row[key] for key in _PLAIN if key in row}
    values |= {key: tuple(row[key]) for key in _LISTS if key in row}
    values["one_of"] = tuple(tuple(group) for group in row.get("one_of", ()))
    values["not_both"] = tuple((pair[0], pair[1]) for pair in row.get("not_both", ()))
    values["facts"] = tuple(Fact(**fact) for fact in row.get("facts", ()))
    values.setdefault("idempotent", row["access"] in ("read", "change", "delete"))
    path = matched[3]
    if row["access"] != "read" and "success" not in row:
        raise SetupError(f"{where}: a tool that writes needs success, what its answer holds when it was carried out")
    operation = Operation(
        name=name,
        toolset=toolset,
        service="maton" if matched[2] else "mailgun",
        method=matched[1],
        path=path,
        path_arguments=tuple(_BRACED.findall(path)),
        schema=json.loads(schemas[name]),
        **values,
    )
    _check(operation, where)
    return operation


def _check(operation: Operation, where: str) -> None:
    arguments = set(operation.properties)
    named: list[tuple[str, str]] = [("request", name) for name in operation.path_arguments]
    for key in _SENTENCES:
        named += [(key, name) for name in _BRACED.findall(getattr(operation, key))]
    for text in operation.warn:
        named += [("warn", name) for name in _BRACED.findall(text)]
    for key in ("wire", "encode", "addresses", "spans", "ahead", "words", "defaults", "needs", "compare"):
        named += [(key, name) for name in getattr(operation, key)]
    named += [("needs", name) for name in operation.needs.values()]
    for key in ("hosts", "in_headers", "lines", "secret"):
        named += [(key, name) for name in getattr(operation, key)]
    for group in (*operation.one_of, *operation.not_both):
        named += [("one_of", name) for name in group]
    for key, name in named:
        if name not in arguments:
            raise SetupError(f"{where}: {key} names {name}, which schemas/{operation.name}.json does not have")
    for name, codec in operation.encode.items():
        if codec not in CODECS:
            raise SetupError(f"{where}: encode.{name} = {codec!r}; codecs are {', '.join(sorted(CODECS))}")
    for name, kind in operation.addresses.items():
        if kind not in ADDRESSES:
            raise SetupError(f"{where}: addresses.{name} = {kind!r}; kinds are {', '.join(sorted(ADDRESSES))}")
        if kind in ("list", "mailbox") and name in operation.encode:
            raise SetupError(f"{where}: {name} stands in addresses, which says how it is written, and in encode")
    if loose := sorted(set(operation.adds) - set(operation.compare)):
        raise SetupError(f"{where}: adds.{loose[0]} has no place in compare")
    if taken := sorted(arguments & set(operation.meant)):
        raise SetupError(f"{where}: meant.{taken[0]} is an argument")
    if unknown := sorted(set(operation.together) - TOGETHER):
        raise SetupError(f"{where}: together.{unknown[0]}; there are {', '.join(sorted(TOGETHER))}")
    if operation.writes and not (operation.target and operation.effect and operation.undo):
        raise SetupError(f"{where}: a tool that writes needs target, effect and undo")
    for place, words in operation.success.items():
        if not _PLACE.fullmatch(place):
            raise SetupError(f"{where}: success names {place!r}, which is no place such as message or domain.name")
        if not isinstance(words, list) or not all(isinstance(word, str) and word == word.casefold() for word in words):
            raise SetupError(f"{where}: success.{place} is a list of words in small letters, or an empty one")
    if operation.success and not operation.writes:
        raise SetupError(f"{where}: success is for tools that write")
    if operation.paging and not {"limit", "cursor"} <= arguments:
        raise SetupError(f"{where}: paging needs the arguments limit and cursor")

"""The catalogue: one row and one schema per operation, read once and checked for sense.

Everything the engine knows about a tool stands in `tools/<toolset>.toml` and `schemas/<tool>.json`. Whatever a row
misspells (a key, a codec, an argument, a tool that it reads first) stops the start with the file, the tool and the key:
half a row would be a write without its look, its difference or its proof.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from maton_mailgun.catalogue import files
from maton_mailgun.catalogue.operation import EVERY_TOOLSET, Catalogue, Fact, Operation
from maton_mailgun.catalogue.row_checks import check, meant
from maton_mailgun.errors import SetupError

_BRACED = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_REQUEST = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (maton:)?(/[^\s?#]+)")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_FILE_KEYS = ("title", "about", "tools")


@cache
def load() -> Catalogue:
    """Read and check every row and schema, once per process.

    Raises:
        SetupError: Something does not fit; names the file, the tool and the key.
    """
    return read(files.texts("tools", ".toml"), files.texts("schemas", ".json"))


def read(tools: Mapping[str, str], schemas: Mapping[str, str]) -> Catalogue:
    """The catalogue of these files: text by toolset, and text by tool.

    Raises:
        SetupError: As `load`.
    """
    operations: dict[str, Operation] = {}
    toolsets: dict[str, str] = {}
    for toolset, text in tools.items():
        where = f"tools/{toolset}.toml"
        table = _table(text, where)
        if toolset == EVERY_TOOLSET:
            raise SetupError(f"{where}: {EVERY_TOOLSET} names all toolsets, so none can have this name")
        toolsets[toolset] = table["about"]
        for name, row in table["tools"].items():
            if name in operations:
                raise SetupError(f"{where}: [tools.{name}] stands in tools/{operations[name].toolset}.toml already")
            operations[name] = _operation(name, toolset, row, schemas, f"{where}: [tools.{name}]")
    if orphans := sorted(set(schemas) - set(operations)):
        raise SetupError(f"schemas/{orphans[0]}.json has no row in tools/: write one, or remove it")
    for operation in operations.values():
        check(operation, operations, f"tools/{operation.toolset}.toml: [tools.{operation.name}]")
    return Catalogue(operations, toolsets)


def _table(text: str, where: str) -> dict[str, Any]:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise SetupError(f"{where} is not TOML: {problem}") from None
    if odd := [*sorted(set(table) - set(_FILE_KEYS)), *(key for key in _FILE_KEYS if key not in table)]:
        told = "is no key of this file" if odd[0] in table else "is missing"
        raise SetupError(f"{where}: {odd[0]} {told}. Its keys are {', '.join(_FILE_KEYS)}")
    if not isinstance(table["title"], str) or not isinstance(table["about"], str):
        raise SetupError(f"{where}: title and about are texts")
    if not isinstance(table["tools"], dict):
        raise SetupError(f"{where}: tools holds tables, one for each tool: [tools.NAME]")
    return table


def _operation(name: str, toolset: str, row: Any, schemas: Mapping[str, str], where: str) -> Operation:
    if not _NAME.fullmatch(name):
        raise SetupError(f"{where}: a tool is named in small letters, digits and _")
    if not isinstance(row, dict):
        raise SetupError(f"{where} is no table")
    if own := [key for key in Operation.OWN if key in row]:
        raise SetupError(f"{where}: {_no_key(own[0], _keys())}")
    if name not in schemas:
        raise SetupError(f"{where}: schemas/{name}.json is missing")
    matched = _REQUEST.fullmatch(str(row.get("request", "GET /")))
    if matched is None:
        raise SetupError(f"{where}: request = {row['request']!r} is not METHOD /path, such as GET /v3/domains")
    path = matched[3]
    found = {
        "name": name,
        "toolset": toolset,
        "service": "maton" if matched[2] else "mailgun",
        "method": matched[1],
        "path": path,
        "path_arguments": tuple(_BRACED.findall(path)),
        "schema": _schema(name, schemas[name]),
    }
    try:
        return _adapter().validate_python({**row, **found})
    except ValidationError as wrong:
        told = "; ".join(_told(error) for error in _first_of_each(wrong.errors(include_url=False)))
        raise SetupError(f"{where}: {told}") from None


@cache
def _adapter() -> TypeAdapter[Operation]:
    return TypeAdapter(Operation)


def _schema(name: str, text: str) -> Mapping[str, Any]:
    try:
        schema = json.loads(text)
    except ValueError as problem:
        raise SetupError(f"schemas/{name}.json is not JSON: {problem}") from None
    if not isinstance(schema, dict) or not isinstance(schema.get("properties"), dict):
        raise SetupError(f"schemas/{name}.json is no schema of an object with properties")
    return schema


def _keys() -> list[str]:
    return [one.name for one in fields(Operation) if one.name not in Operation.OWN]


def _first_of_each(errors: Iterable[Any]) -> Iterator[Any]:
    """One error for each place: a misspelt key is told of before the one that is missing for it."""
    told: set[str] = set()
    for error in sorted(errors, key=lambda error: error["type"] != "unexpected_keyword_argument"):
        if (place := str(error["loc"][:2])) not in told:
            told.add(place)
            yield error


def _told(error: Mapping[str, Any]) -> str:
    """What is wrong with a key, and what would be right."""
    place = list(error["loc"])
    key = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place if step != "[key]").lstrip(".")
    context = error.get("ctx", {})
    match error["type"]:
        case "unexpected_keyword_argument":
            keys = _keys() if len(place) == 1 else [one.name for one in fields(Fact)]
            return _no_key(str(place[-1]), keys, "" if len(place) == 1 else key.rpartition(".")[0])
        case "missing" | "missing_argument" | "missing_keyword_only_argument":
            return f"{key} is missing"
        case "literal_error":
            known = context["expected"].replace("'", "").replace(" or ", ", ").split(", ")
            # A misspelt key of a table, and a misspelt value.
            given = place[-2] if place[-1] == "[key]" else error["input"]
            return f"{key} = {given!r} is not known{meant(str(given), known)}; there are {', '.join(known)}"
        case "string_pattern_mismatch":
            return f"{key} = {error['input']!r} does not have its form, {context['pattern']}"
        case _:
            return f"{key} = {error['input']!r}: {error['msg'][:1].lower()}{error['msg'][1:]}"


def _no_key(name: str, keys: Iterable[str], of: str = "") -> str:
    keys = list(keys)
    place = f"{of}: " if of else ""
    return f"{place}{name} is no key{'' if of else ' of a row'}{meant(name, keys)}; there are {', '.join(sorted(keys))}"

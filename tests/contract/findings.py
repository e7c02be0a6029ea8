"""Where an exchange and the contract disagree.

Seven kinds, so that an exception can say exactly what it excuses:

* `status`: the contract does not list this status for the operation
* `media`: the answer's media type is not the documented one
* `schema`: the body does not fit the response schema
* `extra`: the body holds a field the schema does not name
* `text`: the message of a success is not the documented one; for a refusal, no case brings out a documented message
* `field`: an accepted request carries a field or parameter the contract does not name
* `required`: the contract calls a field required that is not, or lets one be left out that must be there
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .cases import Case
from .document import Contract, Schema
from .operations import OPERATIONS

_VARIABLE = re.compile(r"<[^<>]*>|'[^']*'|\S+@\S+|[0-9a-f]{24}|\b\d+\b|(?:[\w-]+\.)+[a-z]{2,}")
_INDEX = re.compile(r"\d+")


@dataclass(frozen=True, order=True)
class Finding:
    """One disagreement: `where` is a JSON path with `*` for indices, or the name of a field."""

    operation: str
    status: int
    kind: str
    where: str
    detail: str = ""

    @property
    def key(self) -> tuple[str, int, str, str]:
        return (self.operation, self.status, self.kind, self.where)


@dataclass(frozen=True)
class Exchange:
    """A case and the answer it got."""

    case: Case
    status: int
    content_type: str
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def disagreements(contract: Contract, exchanges: Sequence[Exchange]) -> list[Finding]:
    """Everything the contract has to say against these exchanges, each point once."""
    found: dict[tuple[str, int, str, str], Finding] = {}
    groups: dict[tuple[str, int], list[Exchange]] = {}
    for exchange in exchanges:
        groups.setdefault((exchange.case.operation, exchange.status), []).append(exchange)
    for (operation, status), group in groups.items():
        points = [point for exchange in group for point in _of_answer(contract, exchange)]
        points += [point for exchange in group for point in _of_request(contract, exchange)]
        points += _refusal_texts(contract, group) if status >= 400 else ()
        for kind, where, detail in points:
            finding = Finding(operation, status, kind, where, detail)
            found.setdefault(finding.key, finding)
    return sorted(found.values())


def _of_answer(contract: Contract, exchange: Exchange) -> Iterator[tuple[str, str, str]]:
    operation = OPERATIONS[exchange.case.operation]
    said = contract.response(operation, exchange.status)
    if said is None:
        listed = ", ".join(contract.operation(operation)["responses"])
        yield "status", "", f"{exchange.status} is not listed ({listed})"
        if not 200 <= exchange.status < 300:
            return
        # A success under another number: its body is still held to the documented success.
        said = next(response for status, response in contract.operation(operation)["responses"].items() if status < "3")
    contents: Mapping[str, Any] = said["content"]
    if exchange.content_type not in contents:
        yield "media", "", f"{exchange.content_type} is not listed ({', '.join(contents)})"
    try:
        content, body = contents["application/json"], exchange.json
    except ValueError:
        return
    for error in contract.problems(content["schema"], body):
        yield "schema", _path(error.json_path), error.message[:160]
    yield from (
        ("extra", where, "not in the schema") for where in sorted(set(_extra(contract, content["schema"], body)))
    )
    texts = _texts(content)
    if exchange.status < 300 and texts and isinstance(body, dict) and _masked(str(body.get("message"))) not in texts:
        yield "text", "message", f"{body.get('message')!r} is none of {sorted(texts)}"


def _path(path: str) -> str:
    return _INDEX.sub("*", path.removeprefix("$").removeprefix("."))


def _extra(contract: Contract, schema: Schema, body: Any, at: str = "") -> Iterator[str]:
    if isinstance(body, list):
        inner = contract.item_schema(schema)
        for item in body if inner is not None else ():
            yield from _extra(contract, inner or {}, item, f"{at}[*]")
    if not isinstance(body, dict):
        return
    known = contract.known_properties(schema)
    if known is None:
        return
    for name, value in body.items():
        where = f"{at}.{name}" if at else name
        if name in known:
            yield from _extra(contract, known[name], value, where)
        else:
            yield where


def _texts(content: Mapping[str, Any]) -> set[str]:
    """The messages of the documented examples."""
    examples = [item["value"] for item in content.get("examples", {}).values()]
    said = [item.get("message") or item.get("Reason") for item in examples if isinstance(item, dict)]
    return {_masked(str(text)) for text in said if text}


def _refusal_texts(contract: Contract, group: Sequence[Exchange]) -> Iterator[tuple[str, str, str]]:
    """A documented example is one reason of several, so it is enough that one case brings it out."""
    operation = OPERATIONS[group[0].case.operation]
    said = contract.response(operation, group[0].status)
    content = (said or {}).get("content", {}).get("application/json", {})
    bodies = [exchange.json for exchange in group if exchange.content_type == "application/json"]
    heard = {_masked(str(body.get("message") or body.get("Reason"))) for body in bodies if isinstance(body, dict)}
    texts = _texts(content)
    if heard and texts and not heard & texts:
        yield "text", "message", f"none of {sorted(texts)} is among {sorted(heard)}"


def _masked(text: str) -> str:
    """A text without what differs from call to call."""
    return _VARIABLE.sub("_", text).rstrip(".")


def _of_request(contract: Contract, exchange: Exchange) -> Iterator[tuple[str, str, str]]:
    case = exchange.case
    query, form = contract.request_fields(OPERATIONS[case.operation])
    if case.missing is not None:
        field = query.get(case.missing) or form.get(case.missing)
        if field is None or not field.required:
            yield "required", case.missing, "may be left out, says the contract; refused without it"
    if exchange.status >= 400:
        return
    for documented, sent in ((query, case.query), (form, () if case.json is not None else case.form)):
        names = {name for name, _ in sent} | ({name for name, _ in case.files} if documented is form else set())
        yield from (("field", name, "not documented") for name in sorted(names - set(documented) - _free(names)))
        if documented is query or case.json is None:
            lacking = [name for name, field in documented.items() if field.required and name not in names]
            yield from (("required", name, "required, says the contract; works without it") for name in lacking)


def _free(names: set[str]) -> set[str]:
    """Fields whose names the sender makes up."""
    return {name for name in names if name.startswith(("v:", "h:"))}

"""Holds a request that arrived to the one that was documented."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from .wire import MAIN, MULTIPART, URLENCODED, Json, Matching, Pairs, Sent, Value


def shape(request: Mapping[str, Any], expected: Sent) -> dict[str, Any]:
    """What arrived, with values that may be written in several ways in the way `expected` writes them."""
    path = request["path"].partition("?")[0]
    form = None if expected.form is None else _grouped(request["form"] or (), expected.form)
    return {
        "line": f"{request['method']} {path}",
        "query": _grouped(request["query"], expected.query),
        "form": form,
        "files": [(part["name"], part["filename"], part["content_type"], part["sha256"]) for part in request["files"]],
        "json": request["json"],
        "content_type": request["content_type"].partition(";")[0],
        "connection": request["headers"].get("maton-connection"),
        "authorization": request["headers"].get("authorization"),
        "status": request["status"],
        "ignored": request["ignored"],
    }


def documented(expected: Sent) -> dict[str, Any]:
    """What must arrive, in the same shape."""
    kind = ""
    if expected.json is not None:
        kind = "application/json"
    elif expected.form is not None:
        kind = MULTIPART if expected.multipart else URLENCODED
    return {
        "line": f"{expected.method} {expected.path}",
        "query": {name: _listed(value) for name, value in expected.query.items()},
        "form": None if expected.form is None else {name: _listed(value) for name, value in expected.form.items()},
        "files": [(file.part, file.filename, file.content_type, file.sha256) for file in expected.files],
        "json": expected.json,
        "content_type": kind,
        # Maton's own endpoints serve every connection; Mailgun's are reached through exactly one, always named.
        "connection": MAIN if expected.path.startswith("/mailgun/") else None,
        "authorization": "Bearer [redacted]",
        "status": expected.status,
        "ignored": [],
    }


def _listed(value: Value) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _grouped(pairs: Iterable[tuple[str, str]], expected: Pairs) -> dict[str, list[Any]]:
    """Values by key, in order of arrival; one that says the same as the expected value is replaced by it."""
    grouped: dict[str, list[Any]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    for name, values in grouped.items():
        wanted = expected.get(name)
        if len(values) == 1 and _says(values[0], wanted):
            grouped[name] = [wanted]
    return grouped


def _says(value: str, wanted: Value | None) -> bool:
    if isinstance(wanted, Matching):
        return re.fullmatch(wanted.pattern, value) is not None
    if not isinstance(wanted, Json):
        return False
    try:
        return bool(json.loads(value) == wanted.value)
    except ValueError:
        return False

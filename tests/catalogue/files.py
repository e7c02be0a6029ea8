"""Rows, schemas and example calls, read straight from their files."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

TOOLSETS: dict[str, dict[str, Any]] = {
    path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "tools").glob("*.toml"))
}
ROWS: dict[str, dict[str, Any]] = {name: row for table in TOOLSETS.values() for name, row in table["tools"].items()}
SCHEMAS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "schemas").glob("*.json"))
}
EXAMPLES: dict[str, dict[str, dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "examples.json").read_text(encoding="utf-8")
)
"""Tool -> example name -> arguments; every tool has `minimal` and `full`."""

DEFAULT = [name for name, row in ROWS.items() if row.get("exposure", "always") == "always"]
"""What a client is offered where the operator names no toolset."""
NAMED = [name for name in ROWS if name not in DEFAULT]
WRITES = [name for name, row in ROWS.items() if row["access"] != "read"]

_BRACED = re.compile(r"\{([^{}]+)\}")
_OPTIONAL = re.compile(r"\[[^\[\]]*\]")


def properties(name: str) -> dict[str, Any]:
    """The arguments of a tool with their schemas."""
    found: dict[str, Any] = SCHEMAS[name]["properties"]
    return found


def braced(text: str) -> set[str]:
    """The arguments a template names."""
    return {one.partition("?")[0] for one in _BRACED.findall(text)}


def braced_always(text: str) -> set[str]:
    """The arguments a template names outside its optional parts."""
    return braced(_OPTIONAL.sub("", text))


def path_of(name: str) -> str:
    """The path template of a tool, without method and service."""
    request: str = ROWS[name]["request"]
    return request.split(" ", 1)[1].removeprefix("maton:")


def examples() -> list[tuple[str, str]]:
    """Every example call, as tool and example name."""
    return [(tool, example) for tool, calls in EXAMPLES.items() for example in calls]

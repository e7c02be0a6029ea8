"""Converts the schema of every tool as a provider's library does before it sends tools to a model.

    python convert_schemas.py google-genai|openai|anthropic < tools.json

Reads a list of tools as `tools/list` has them; prints for each, as one line of JSON, its name and why it was refused,
null where it was taken. Run in an environment that has the library.
"""

from __future__ import annotations

import copy
import json
import sys
import warnings
from typing import Any


def google(tool: dict[str, Any]) -> None:
    """Both ways of google-genai: as JSON schema, and as its own type, which knows no enum of anything but strings."""
    from google.genai import types  # type: ignore[import-not-found]

    schema = tool["inputSchema"]
    types.FunctionDeclaration(
        name=tool["name"], description=tool["description"], parameters_json_schema=schema
    ).model_dump_json()
    types.FunctionDeclaration(
        name=tool["name"],
        description=tool["description"],
        parameters=types.Schema.from_json_schema(
            json_schema=types.JSONSchema.model_validate(schema), raise_error_on_unsupported_field=False
        ),
    ).model_dump_json()


def openai(tool: dict[str, Any]) -> None:
    """What the library makes of a schema where `strict` is asked for."""
    from openai.lib._pydantic import _ensure_strict_json_schema  # type: ignore[import-not-found]

    schema = copy.deepcopy(tool["inputSchema"])
    _ensure_strict_json_schema(schema, path=(), root=schema)


def anthropic(tool: dict[str, Any]) -> None:
    """What the library makes of a schema for strict tools."""
    from anthropic import transform_schema  # type: ignore[import-not-found]

    transform_schema(copy.deepcopy(tool["inputSchema"]))


CONVERTERS = {"google-genai": google, "openai": openai, "anthropic": anthropic}


def main() -> None:
    """Convert each tool by itself."""
    convert = CONVERTERS[sys.argv[1]]
    # google-genai only warns of values of the wrong type, and then sends them: its service refuses the whole list.
    warnings.simplefilter("error", UserWarning)
    for tool in json.load(sys.stdin):
        refused = None
        try:
            convert(tool)
        except Exception as problem:
            refused = f"{type(problem).__name__}: {problem}"[:300]
        print(json.dumps([tool["name"], refused]))  # noqa: T201 - what the test reads


main()

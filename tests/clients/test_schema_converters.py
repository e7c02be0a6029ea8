"""The libraries of three providers take the schema of every tool: one that is refused costs a model the whole list."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from maton_mailgun.config import load
from maton_mailgun.protocol.server import tools
from maton_mailgun.runtime import engine

from .environments import CONVERTERS, schema_converter

# Each is a large thing to install.
pytestmark = [pytest.mark.clients, pytest.mark.long]
_SCRIPT = Path(__file__).with_name("convert_schemas.py")
_MIXED = {
    "name": "mixed",
    "description": "An enum of several types, without a type.",
    "inputSchema": {"type": "object", "properties": {"tracking": {"enum": [True, False, "htmlonly"]}}},
}


def _converted(request: pytest.FixtureRequest, library: str, listed: list[dict[str, Any]]) -> dict[str, str | None]:
    """Why the library refuses each tool, None where it takes it."""
    assert request.config.cache is not None
    command = schema_converter(request.config.cache.mkdir("clients"), library)
    done = subprocess.run(
        [*command, str(_SCRIPT), library],
        input=json.dumps(listed),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=90,
        check=True,
    )
    return dict(json.loads(line) for line in done.stdout.splitlines())


@pytest.mark.parametrize("library", CONVERTERS)
def test_a_provider_takes_every_tool(library: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    every = {"MATON_MAILGUN_APPROVAL": "relay", "MATON_MAILGUN_TOOLSETS": "all"}
    settings = load({"MATON_MAILGUN_HOME": str(tmp_path), **every})
    listed = tools(engine(settings))
    assert _converted(request, library, listed) == {tool["name"]: None for tool in listed}


def test_gemini_refuses_an_enum_of_several_types(request: pytest.FixtureRequest) -> None:
    """The case that the test above is for."""
    refused = _converted(request, "google-genai", [_MIXED])
    assert refused["mixed"] is not None
    assert "Expected `str`" in refused["mixed"]

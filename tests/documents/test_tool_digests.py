"""docs/tool-digests.json: what it says of the tools is what the command prints, and what a client works out itself."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp.client.stdio import StdioServerParameters

from e2e.host import Era, host
from maton_mailgun import __version__
from maton_mailgun.config import Settings
from maton_mailgun.protocol.server import tools
from maton_mailgun.protocol.tool_digest import tool_digest
from maton_mailgun.runtime import engine

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED: dict[str, str] = json.loads((ROOT / "docs" / "tool-digests.json").read_text(encoding="utf-8"))
USUAL = "maton-mailgun tools --digest"


def test_it_is_of_this_version() -> None:
    assert PUBLISHED["version"] == __version__
    assert PUBLISHED[USUAL] == tool_digest(tools(engine(Settings())))


@pytest.mark.slow
@pytest.mark.parametrize("command", [command for command in PUBLISHED if command != "version"])
def test_each_command_prints_what_was_published(command: str, tmp_path: Path) -> None:
    words = [sys.executable, "-P", "-m", "maton_mailgun", *command.split()[1:]]
    environment = {"PATH": os.environ["PATH"], "MATON_MAILGUN_HOME": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run(
        words, capture_output=True, encoding="utf-8", timeout=60, check=True, env=environment, cwd=tmp_path
    )
    assert done.stdout == f"{PUBLISHED[command]}\n"


@pytest.mark.slow
@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_a_client_comes_to_the_same_by_what_the_page_says(era: Era, tmp_path: Path) -> None:
    """Written from docs/tools.md, and not from the code."""
    environment = {"PATH": os.environ["PATH"], "MATON_MAILGUN_HOME": str(tmp_path), "HOME": str(tmp_path)}
    started = StdioServerParameters(command=sys.executable, args=["-P", "-m", "maton_mailgun"], env=environment)
    with host(started, era=era) as connected:
        listed = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in connected.tools()]
    kept = ("name", "title", "description", "inputSchema", "annotations")
    told = sorted(({key: tool[key] for key in kept} for tool in listed), key=lambda tool: tool["name"])
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert f"sha256:{hashlib.sha256(text.encode()).hexdigest()}" == PUBLISHED[USUAL]


@pytest.mark.parametrize("field", ["name", "title", "description", "inputSchema", "annotations"])
def test_whatever_changes_of_one_tool_changes_it(field: str) -> None:
    offered = tools(engine(Settings()))
    changed: list[dict[str, Any]] = copy.deepcopy(offered)
    if isinstance(changed[7][field], str):
        changed[7][field] += " "
    else:
        changed[7][field]["x"] = True
    assert tool_digest(changed) != tool_digest(offered)
    assert tool_digest(reversed(offered)) == tool_digest(offered)

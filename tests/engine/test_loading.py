"""What is loaded when: the packages of the SDK that stay closed, and the gate, which is loaded while nobody waits."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from maton_mailgun import loading_ahead
from maton_mailgun.loading_ahead import STEPS, load_ahead
from maton_mailgun.protocol import sdk
from maton_mailgun.protocol.server import build
from maton_mailgun.under_way import UnderWay

from .doubles import Says, Scripted, engine_over

pytestmark = pytest.mark.anyio

_CLOSED = """
import json, sys
from maton_mailgun.protocol import sdk
sdk.load()
closed = sorted(name for name in sys.modules if name.startswith(("mcp.client", "mcp.server.mcpserver")))
import mcp, mcp.server
print(json.dumps([closed, mcp.Client.__module__, mcp.server.MCPServer.__module__]))
"""


def test_the_sdk_is_loaded_without_clients_until_one_is_asked_for() -> None:
    done = subprocess.run([sys.executable, "-P", "-c", _CLOSED], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [[], "mcp.client.client", "mcp.server.mcpserver.server"]


def _package(root: Path, name: str, inside: str) -> None:
    folder = root / name
    (folder / "deep").mkdir(parents=True)
    (folder / "__init__.py").write_text(f"from {name}.deep.made import MADE\nGIVEN = 'given'\n", encoding="utf-8")
    (folder / "deep" / "__init__.py").write_text("", encoding="utf-8")
    (folder / "deep" / "made.py").write_text(inside, encoding="utf-8")


def test_a_closed_package_has_its_names_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _package(tmp_path, "closed_here", "MADE = 'made'\n")
    monkeypatch.syspath_prepend(tmp_path)
    sdk.load(("closed_here",), "closed_here.deep.made")
    package = import_module("closed_here")
    assert "GIVEN" not in vars(package)
    assert (package.GIVEN, package.MADE) == ("given", "made")
    with pytest.raises(AttributeError, match="'closed_here' has no attribute 'other'"):
        _ = package.other


def test_where_a_module_needs_a_name_of_its_package_early_all_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "needs_early").mkdir()
    (tmp_path / "needs_early" / "__init__.py").write_text("A = 1\nfrom .one import B\nC = 3\n", encoding="utf-8")
    (tmp_path / "needs_early" / "one.py").write_text("from needs_early import A\nB = 2\n", encoding="utf-8")
    (tmp_path / "needs_early" / "two.py").write_text("from needs_early.one import B\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    sdk.load(("needs_early",), "needs_early.one")
    package = import_module("needs_early")
    assert (package.A, package.B, package.C) == (1, 2, 3)
    assert not isinstance(package, sdk.ClosedPackage)


async def test_a_step_waits_until_no_call_is_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "loaded_ahead.py").write_text("", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(loading_ahead, "STEPS", ("loaded_ahead",))
    monkeypatch.setattr(loading_ahead, "_QUIET", 0)
    under_way = UnderWay()
    async with under_way.limited():
        loading = asyncio.create_task(load_ahead(under_way))
        for _ in range(20):
            await asyncio.sleep(0)
        assert "loaded_ahead" not in sys.modules
    await loading
    assert "loaded_ahead" in sys.modules


def test_the_last_step_is_the_gate_and_each_is_a_module_of_ours() -> None:
    assert STEPS[-1] == "maton_mailgun.approval.gate"
    assert [import_module(name).__name__ for name in STEPS] == [*STEPS]


@pytest.mark.parametrize(("settings", "begins"), [({}, True), ({"read_only": True}, False)])
async def test_the_gate_is_loaded_after_a_call_where_anything_can_be_written(
    settings: dict[str, Any], begins: bool
) -> None:
    began: list[UnderWay] = []

    async def noted(under_way: UnderWay) -> None:
        began.append(under_way)

    engine = engine_over(Scripted([Says(200, {"items": []})] * 2), **settings)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("maton_mailgun.call.load_ahead", noted)
        async with Client(build(engine)) as client:
            await client.list_tools()
            assert began == []
            for _ in range(2):
                await client.call_tool("list_ips", {"connection_id": "c"})
    await engine.aclose()
    assert began == [engine.under_way] * begins

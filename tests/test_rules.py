"""The rules of the house, read from the code itself."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from catalogue.files import ROOT, ROWS, SCHEMAS

PACKAGE = ROOT / "server" / "maton_mailgun"
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
ENGINE = [name for name in MODULES if not name.startswith(("sandbox/", "cli/"))]
LONGEST = 400

IMPORTERS = {
    "httpx2": {"wire/gateway.py", "runtime.py", "sandbox/control/mail_catcher.py"},
    "httpcore2": {"wire/network.py"},
    "mcp": {
        "protocol/server.py",
        "protocol/stdio.py",
        "protocol/tracing.py",
        "protocol/incoming.py",
        "protocol/asking.py",
        "protocol/question_state.py",
        "protocol/visiting.py",
        "protocol/beside_tools.py",
        "protocol/approval_app.py",
        "protocol/skills.py",
        "protocol/while_it_counts.py",
        "protocol/entrance.py",
        "protocol/served_names.py",
        "protocol/callers.py",
        "protocol/access_tokens.py",
        "cli/demo.py",
    },
    "mcp_types": {
        "protocol/server.py",
        "protocol/stdio.py",
        "protocol/round_trips.py",
        "protocol/incoming.py",
        "protocol/http.py",
        "protocol/beside_tools.py",
        "protocol/approval_app.py",
        "protocol/skills.py",
        "protocol/while_it_counts.py",
        "protocol/entrance.py",
        "cli/demo.py",
    },
    "jsonschema": {"catalogue/arguments.py"},
    "sqlite3": {"approval/store/sqlite.py", "front/left_over.py"},
    "psycopg": {"approval/store/postgres.py"},
    "platformdirs": {"config.py"},
    "icalendar": {"mail/invitation.py", "mail/earlier_invitation.py"},
    "webauthn": {"approval/binding/passkeys.py"},
    "prometheus_client": {"protocol/metrics.py"},
    "opentelemetry": {"protocol/tracing.py"},
    "jwt": {"protocol/access_tokens.py"},
}
"""Who may import what: each outside library has one door, so that it can be changed behind it."""
LATE = (
    "sqlite3",
    "rich",
    "uvicorn",
    "jsonschema",
    "cryptography",
    "starlette",
    "platformdirs",
    "psycopg",
    "selectolax",
    "icalendar",
    "webauthn",
    "prometheus_client",
    "jwt",
    "confusable_homoglyphs",
)
NAMING_NO_PATH = [
    module
    for module in ENGINE
    # A row may name its own preview, and what answers it by several reads; and an uncertain send is found again in the
    # events, whichever row sent it.
    if not module.startswith(("approval/preview/", "combined/")) and module != "approval/lifecycle/reconcile.py"
]


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse((PACKAGE / module).read_text(encoding="utf-8"), module)


def _imported(module: str) -> Iterator[str]:
    """Names of everything a module imports; what it imports from itself in full."""
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if not node.level:
                yield node.module or ""
                continue
            above = Path(module).parent.parts[: len(Path(module).parent.parts) - node.level + 1]
            base = [*above, *(node.module.split(".") if node.module else ())]
            names = [alias.name for alias in node.names]
            yield from (".".join(("maton_mailgun", *base, *(() if node.module else (name,)))) for name in names)


def _strings(module: str) -> Iterator[str]:
    """Every text constant but documentation."""
    documentation = {
        id(node.value)
        for node in ast.walk(_tree(module))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


@pytest.mark.parametrize("library", IMPORTERS)
def test_a_library_has_its_door_and_no_other(library: str) -> None:
    users = {module for module in MODULES if library in {name.partition(".")[0] for name in _imported(module)}}
    assert users <= IMPORTERS[library]


def test_the_environment_is_read_in_one_place() -> None:
    readers = {
        module
        for module in MODULES
        for node in ast.walk(_tree(module))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        and node.attr in ("environ", "environb", "getenv", "getenvb")
    }
    # PYTHONPATH is no setting of ours; it and whether a start is plain are looked at before the settings are loaded.
    assert readers == {"config.py", "search_path.py", "front/doorway.py"}


@pytest.mark.parametrize("module", ENGINE)
def test_the_engine_names_no_tool(module: str) -> None:
    """Everything about one operation stands in its row; `if name ==` would be a second place."""
    assert {text for text in _strings(module) if text in ROWS} == set()


@pytest.mark.parametrize("module", NAMING_NO_PATH)
def test_the_engine_names_no_path_of_mailgun(module: str) -> None:
    assert [text for text in _strings(module) if text.startswith(("/v3/", "/v4/", "/v1/", "GET /v"))] == []


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("sandbox/")])
def test_the_sandbox_knows_nothing_of_the_engine(module: str) -> None:
    """It is a second opinion on every request, so it must not share the first one's."""
    own = {name for name in _imported(module) if name.startswith("maton_mailgun")}
    assert {name for name in own if not name.startswith("maton_mailgun.sandbox")} == set()
    assert not {text for text in _strings(module) if text.endswith(".toml") or text in ("tools", "schemas")}


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_short_enough_to_be_read(module: str) -> None:
    assert len((PACKAGE / module).read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_named_for_what_it_does(module: str) -> None:
    assert Path(module).stem not in {"utils", "util", "helpers", "helper", "manager", "base", "common", "misc"}


@pytest.mark.parametrize("module", [name for name in MODULES if not name.startswith("cli/")])
def test_only_the_command_line_prints(module: str) -> None:
    calls = [node.func for node in ast.walk(_tree(module)) if isinstance(node, ast.Call)]
    assert not [func for func in calls if isinstance(func, ast.Name) and func.id == "print"]
    assert not [
        node
        for node in ast.walk(_tree(module))
        if isinstance(node, ast.Attribute) and node.attr == "write" and ast.unparse(node.value) == "sys.stdout"
    ]


def test_every_row_has_its_schema_and_every_schema_its_row() -> None:
    assert set(ROWS) == set(SCHEMAS)


# What is loaded when: measured in processes of their own --------------------------------------------------------------


def _loaded(code: str) -> set[str]:
    """The modules that some code leaves loaded."""
    told = f"{code}\nimport json, sys\nsys.stderr.write(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    found: list[str] = json.loads(done.stderr)
    return set(found)


@pytest.fixture(scope="module")
def floor() -> set[str]:
    """What the SDK loads by itself."""
    return _loaded("import mcp.server.lowlevel")


def _late(loaded: set[str], floor: set[str]) -> set[str]:
    return {name for name in LATE if name in loaded and name not in floor}


def test_importing_the_server_loads_nothing_heavy_beyond_the_sdk(floor: set[str]) -> None:
    loaded = _loaded(
        "import maton_mailgun.protocol.server, maton_mailgun.protocol.stdio, "
        "maton_mailgun.runtime, maton_mailgun.cli.serve"
    )
    assert "maton_mailgun.protocol.server" in loaded
    assert _late(loaded, floor) == set()
    assert not {name for name in loaded if name.startswith(("maton_mailgun.approval.", "maton_mailgun.sandbox"))}


_SESSION = """
import json, os, sys, threading
from maton_mailgun.__main__ import main
import maton_mailgun.call

class Told(Exception): pass

def tell():
    sys.stderr.write(json.dumps(sorted(sys.modules))); sys.stderr.flush(); os._exit(0)

async def cold(self):
    pass

# The warm-up after the list loads what the first call needs; here it is left out to see what the list itself loads.
maton_mailgun.call.Engine.warm_up = cold
asked = [
    {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {},
     "clientInfo": {"name": "raw", "version": "1"}}},
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
]
reading, writing = os.pipe()
os.dup2(reading, 0)
answers, theirs = os.pipe()
os.dup2(theirs, 1)

def client():
    for message in asked:
        os.write(writing, json.dumps(message).encode() + b"\\n")
    received = b""
    while received.count(b"\\n") < 2:
        received += os.read(answers, 65536)
    assert len(json.loads(received.splitlines()[1])["result"]["tools"]) == 65
    tell()

threading.Thread(target=client, daemon=True).start()
sys.argv = ["maton-mailgun", "serve"]
main()
"""


def test_a_session_up_to_the_list_loads_nothing_heavy_beyond_the_sdk(floor: set[str], tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "MATON_API_KEY": "k", "MATON_MAILGUN_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", _SESSION], capture_output=True, text=True, check=True, env=environment, timeout=60
    )
    loaded = set(json.loads(done.stderr))
    assert _late(loaded, floor) == set()
    assert not {name for name in loaded if name.startswith(("maton_mailgun.approval.", "maton_mailgun.sandbox"))}
    assert list(tmp_path.iterdir()) == []

"""The proof of an entry: it is started as its host would start it, and asked for its tools over MCP."""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from maton_mailgun.hosts.known import KEY, Host, Surroundings
from maton_mailgun.setting_values import unfilled

SECONDS = 120.0
"""How long a start may take; `uvx` may have to fetch the package first."""
_LEAVING = 10.0
_HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "maton-mailgun install", "version": "1"},
}
_ASKED = (
    {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": _HELLO},
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
)


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of it."""

    tools: int | None
    """How many tools it listed; None where it did not."""
    key: bool
    """Whether the host gives it a key."""
    why: str = ""
    """What it said instead, in its own words."""


def environment(host: Host, entry: Mapping[str, Any], surroundings: Surroundings) -> dict[str, str]:
    """What the host gives the server: of its own, what it passes on and what the entry says, references replaced.

    Of an entry that stands in somebody's project, only settings of ours are taken: LD_PRELOAD and its kin would run
    their code here, before the host has asked anybody whether it may.
    """
    made = {name: value for name, value in host.passed(surroundings).items() if not name.startswith("MATON_")}
    if not host.few:
        made |= {name: value for name, value in surroundings.environ.items() if name.startswith("MATON_")}
    for name in entry.get("env_vars") or ():
        if host.passes_on and name in surroundings.environ:
            made[name] = surroundings.environ[name]
    for name, value in dict(entry.get("env") or {}).items():
        if not name.startswith("MATON_"):  # guard: 240-settings
            continue
        filled = host.filled(str(value), surroundings.environ)
        made.pop(name, None)
        # What the host asks for itself cannot be known here.
        if not (host.asks and filled.startswith("${input:")):
            made[name] = filled
    return made


def proved(host: Host, entry: Mapping[str, Any], surroundings: Surroundings, seconds: float = SECONDS) -> Proof:
    """Start an entry and list its tools. Nothing is carried out: it works on an empty state directory of its own."""
    given = environment(host, entry, surroundings)
    key = bool(given.get(KEY)) and unfilled(given[KEY]) is None
    with tempfile.TemporaryDirectory(prefix="maton-mailgun-", ignore_cleanup_errors=True) as folder:
        given |= {"MATON_MAILGUN_HOME": str(Path(folder) / "state"), "MATON_MAILGUN_PAGE": "false"}  # guard: 247-apart
        command = [str(entry["command"]), *map(str, entry.get("args") or ())]
        try:
            with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints:
                tools = _listed(command, given, folder, complaints, seconds)
                complaints.seek(0)
                said = complaints.read()[-2000:].strip()
        except OSError as problem:
            return Proof(None, key, f"{command[0]}: {problem.strerror}")
    return Proof(tools, key, "" if tools is not None else said or f"no list of tools within {seconds:.0f} s")


def _listed(
    command: Sequence[str], given: Mapping[str, str], folder: str, complaints: TextIO, seconds: float
) -> int | None:
    process = subprocess.Popen(  # noqa: S603 - what the person said yes to
        [*command], env=dict(given), cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints,
        text=True, encoding="utf-8", errors="replace",
    )  # fmt: skip
    if process.stdin is None or process.stdout is None:
        return None
    # Ends a read that nothing comes to.
    late = threading.Timer(seconds, process.kill)
    late.start()
    try:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write("".join(json.dumps(one) + "\n" for one in _ASKED))
            process.stdin.flush()
        return next((len(tools) for line in process.stdout if (tools := _tools(line)) is not None), None)
    finally:
        late.cancel()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(_LEAVING)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def _tools(line: str) -> list[Any] | None:
    try:
        found = json.loads(line)
        tools = found["result"]["tools"] if found.get("id") == 1 else None
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    return tools if isinstance(tools, list) else None

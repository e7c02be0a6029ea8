"""Where assistants keep their MCP servers and how our entry looks there, as each host's documentation says."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

KEY = "MATON_API_KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One assistant."""

    title: str
    path: Callable[[], Path]
    """Where its configuration is, unless the person says otherwise."""
    servers: str
    """The key under which servers stand."""
    form: Literal["json", "toml"] = "json"
    reference: str | None = None
    """How the entry's environment refers to a variable of the host's own; None where it cannot."""
    passes_on: bool = False
    """Whether variables are passed on by a list of their names (`env_vars`)."""
    asks: bool = False
    """Whether the host can ask for the key itself and keep it (`inputs`)."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class HostEntry:
    """What the host is to start."""

    name: str
    command: str
    args: tuple[str, ...]
    key: str | None = None
    """The Maton key itself, only if the person asked for it to stand in the file."""
    needs_key: bool = True


def _claude_desktop() -> Path:
    home = Path.home()
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "Claude" / "claude_desktop_config.json"
    if sys.platform == "win32":
        return home / "AppData" / "Roaming" / "Claude" / "claude_desktop_config.json"
    return home / ".config" / "Claude" / "claude_desktop_config.json"


BY_NAME: Mapping[str, Host] = {
    "claude-code": Host(
        title="Claude Code, this project",
        path=lambda: Path.cwd() / ".mcp.json",
        servers="mcpServers",
        reference=f"${{{KEY}}}",
    ),
    "claude-desktop": Host(
        title="Claude Desktop",
        path=_claude_desktop,
        servers="mcpServers",
        note="Claude Desktop starts servers without your shell's variables and cannot refer to them: put the key into "
        "the file with --with-key, or install the extension bundle, which keeps it in the system's key store.",
    ),
    "codex": Host(
        title="Codex",
        path=lambda: Path.home() / ".codex" / "config.toml",
        servers="mcp_servers",
        form="toml",
        passes_on=True,
    ),
    "cursor": Host(
        title="Cursor",
        path=lambda: Path.home() / ".cursor" / "mcp.json",
        servers="mcpServers",
        reference=f"${{env:{KEY}}}",
    ),
    "gemini": Host(
        title="Gemini CLI",
        path=lambda: Path.home() / ".gemini" / "settings.json",
        servers="mcpServers",
        reference=f"${KEY}",
    ),
    "vscode": Host(
        title="VS Code, this workspace",
        path=lambda: Path.cwd() / ".vscode" / "mcp.json",
        servers="servers",
        asks=True,
        note="VS Code asks for the key once and keeps it.",
    ),
}
_INPUT = {"type": "promptString", "id": "maton-api-key", "description": "Maton API key", "password": True}


def server(host: Host, entry: HostEntry) -> dict[str, Any]:
    """The entry as the host's configuration has it."""
    made: dict[str, Any] = {"type": "stdio"} if host.asks else {}
    made |= {"command": entry.command, "args": list(entry.args)}
    if not entry.needs_key:
        return made
    if entry.key is not None:
        made["env"] = {KEY: entry.key}
    elif host.asks:
        made["env"] = {KEY: f"${{input:{_INPUT['id']}}}"}
    elif host.reference is not None:
        made["env"] = {KEY: host.reference}
    elif host.passes_on:
        made["env_vars"] = [KEY]
    return made


def document(host: Host, entry: HostEntry, existing: Mapping[str, Any]) -> dict[str, Any]:
    """`existing` with our entry added; nothing else in it changes."""
    changed = dict(existing)
    changed[host.servers] = {**existing.get(host.servers, {}), entry.name: server(host, entry)}
    if host.asks and entry.key is None and entry.needs_key:
        inputs = list(existing.get("inputs", []))
        known = any(isinstance(one, Mapping) and one.get("id") == _INPUT["id"] for one in inputs)
        changed["inputs"] = inputs if known else [*inputs, dict(_INPUT)]
    return changed


def as_text(host: Host, entry: HostEntry) -> str:
    """What a person would paste: the whole document for JSON hosts, our table for TOML ones."""
    if host.form == "toml":
        return toml_table(host, entry)
    return json.dumps(document(host, entry, {}), indent=2) + "\n"


def toml_table(host: Host, entry: HostEntry) -> str:
    """Our entry as a TOML table. Every value is a string or a list of strings, which JSON writes the same way."""
    made = server(host, entry)
    env = made.pop("env", None)
    lines = [f"[{host.servers}.{entry.name}]", *(f"{key} = {_toml(value)}" for key, value in made.items())]
    if env:
        lines += ["", f"[{host.servers}.{entry.name}.env]", *(f"{key} = {_toml(value)}" for key, value in env.items())]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    # ensure_ascii off: JSON's surrogate pairs are no TOML. The only escapes left are those TOML shares.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")

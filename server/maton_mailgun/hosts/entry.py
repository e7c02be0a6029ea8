"""Our entry: how a host's file has it, whether one is ours, and what becomes of that when it is brought up to date."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from maton_mailgun.hosts import toml_text
from maton_mailgun.hosts.known import KEY, Host
from maton_mailgun.setting_values import unfilled

INPUT = {"type": "promptString", "id": "maton-api-key", "description": "Maton API key", "password": True}
"""What VS Code asks for."""
ASKED = f"${{input:{INPUT['id']}}}"
_SHOWN = {
    "MATON_MAILGUN_DATABASE_URL",
    "MATON_MAILGUN_HTTP_TOKEN",
    "MATON_MAILGUN_NOTIFY",  # guard: 323-hidden
}


@dataclass(frozen=True, slots=True)
class HostEntry:
    """What the host is to start."""

    name: str
    command: str
    args: tuple[str, ...]
    key: str | None = None
    """The Maton key itself, only if the person asked for it to stand in the file."""
    needs_key: bool = True


def server(host: Host, entry: HostEntry) -> dict[str, Any]:
    """The entry as the host's configuration has it."""
    made: dict[str, Any] = {"type": "stdio"} if host.asks else {}
    made |= {"command": entry.command, "args": list(entry.args)}
    if (value := key_value(host, entry)) is not None:
        made["env"] = {KEY: value}
    elif entry.needs_key and host.passes_on:
        made["env_vars"] = [KEY]
    return made


def key_value(host: Host, entry: HostEntry) -> str | None:
    """What stands for the key in the entry's environment; None where nothing does."""
    if not entry.needs_key:
        return None
    return entry.key or (ASKED if host.asks else host.reference)


def ours(found: Any) -> bool:
    """Whether an entry of a host's file starts this server, in one of the ways that `install` has written or shown."""
    if not isinstance(found, Mapping) or not isinstance(found.get("command"), str):
        return False
    return _launcher(found) is not None


def updated(host: Host, entry: HostEntry, found: Mapping[str, Any]) -> dict[str, Any]:
    """`found`, which is ours, started as `entry` says and with its key; what a person has added to it stays."""
    wanted = server(host, entry)
    made = {**found, "command": entry.command, "args": _merged_args(entry, found)}
    if "type" in wanted:
        made["type"] = wanted["type"]
    env = {name: value for name, value in _table(found.get("env")).items() if name != KEY} | wanted.get("env", {})
    passed = [name for name in _listed(found.get("env_vars")) if name != KEY] + wanted.get("env_vars", [])
    for name, value in (("env", env), ("env_vars", passed)):
        if value or (name in found and not _had_key_alone(name, found)):
            made[name] = value
        else:
            made.pop(name, None)
    return made


def secrets(found: Any) -> set[str]:
    """What of an entry is not shown: each value of its environment but what stands for one, and harmless settings."""
    env = _table(found.get("env")) if isinstance(found, Mapping) else {}
    return {
        value
        for name, value in env.items()
        if isinstance(value, str) and value and unfilled(value) != value.strip()
        if name in _SHOWN or not name.startswith("MATON_MAILGUN_")
    }


def masked(text: str, values: set[str]) -> str:
    """`text` without them, however JSON or TOML spell them."""
    for value in sorted(values, key=len, reverse=True):
        for spelt in {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}:
            text = text.replace(spelt, "•••")
    return text


def as_text(host: Host, entry: HostEntry) -> str:
    """What a person would paste: the whole document for JSON hosts, our table for TOML ones."""
    if host.form == "toml":
        return toml_text.table((host.servers, entry.name), server(host, entry))
    made: dict[str, Any] = {host.servers: {entry.name: server(host, entry)}}
    if key_value(host, entry) == ASKED:
        made["inputs"] = [dict(INPUT)]
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def _launcher(found: Mapping[str, Any]) -> int | None:
    """How many arguments belong to the way of starting; None where the entry is not ours."""
    program = PurePath(found["command"].replace("\\", "/")).name.lower().removesuffix(".exe")
    args = _listed(found.get("args"))
    if program == "maton-mailgun":
        return 0
    if program == "uvx":
        # The last, as in `uvx --from maton-mailgun[postgres] maton-mailgun`.
        places = [at for at, word in enumerate(args) if re.match(r"maton-mailgun(?:[@\[=<>~!]|\Z)", word)]
        return places[-1] + 1 if places else None
    if not re.fullmatch(r"python[0-9.]*w?", program):
        return None
    at = next((at for at, word in enumerate(args) if word == "-m"), None)
    return at + 2 if at is not None and args[at + 1 : at + 2] == ["maton_mailgun"] else None


def _merged_args(entry: HostEntry, found: Mapping[str, Any]) -> list[str]:
    """The new way of starting with the old flags: a person's --read-only must not get lost."""
    had = _listed(found.get("args"))[_launcher(found) or 0 :]
    kept = [word for word in had if word not in ("serve", "--sandbox")]  # guard: 242-flags
    new = [*entry.args]
    if kept and "serve" not in new:
        new.append("serve")
    return [*new, *kept]


def _had_key_alone(name: str, found: Mapping[str, Any]) -> bool:
    return set(found.get(name) or ()) == {KEY}


def _table(found: Any) -> dict[str, Any]:
    return dict(found) if isinstance(found, Mapping) else {}


def _listed(found: Any) -> list[str]:
    return [word for word in found if isinstance(word, str)] if isinstance(found, list) else []

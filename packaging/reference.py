"""The longer parts of docs/ that are made of the code: every host with its files and its entry, every tool with its
arguments, and the digests of what clients are told of the tools. `packaging/docs.py` puts them in their places."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from maton_mailgun import __version__
from maton_mailgun.catalogue.operation import EVERY_TOOLSET, EVERYDAY, Operation
from maton_mailgun.catalogue.rows import load
from maton_mailgun.config import Settings
from maton_mailgun.hosts.entry import HostEntry, as_text
from maton_mailgun.hosts.known import BY_NAME, Host, Scope, Surroundings
from maton_mailgun.protocol.approval_schemas import TOOLS
from maton_mailgun.protocol.server import tools
from maton_mailgun.protocol.tool_digest import tool_digest
from maton_mailgun.runtime import engine

_SYSTEMS = {"macOS": "darwin", "Windows": "win32", "Linux": "linux"}
_EITHER = re.compile(r"\{\w+\?([^{}|]*)\|([^{}|]*)\}")
"""One of two, by a switch."""
_KEY = "your Maton key"


def hosts() -> list[str]:
    """One row for each assistant: the command, and where its key comes from."""
    lines = ["| Assistant | Command | Where the key comes from |", "| --- | --- | --- |"]
    lines += [
        f"| [{host.title}](#{host.title.lower().replace(' ', '-')}) | `{_install(name, host)}` | {_key(host)} |"
        for name, host in BY_NAME.items()
    ]
    return lines


def each_host() -> list[str]:
    """For each assistant: its files, what stands there, and what to do next."""
    lines: list[str] = []
    for name, host in BY_NAME.items():
        key = None if host.supplies_key else _KEY
        entry = HostEntry("mailgun", "uvx", ("maton-mailgun",), key)
        files = [f"* {_scope(scope)}: {_places(host, scope)}" for scope in host.places]
        steps = list(dict.fromkeys(host.then(scope, key=True) for scope in host.places))
        lines += [f"## {host.title}", "", "```sh", _install(name, host), "```", ""]
        lines += [f"{_sentence(_key(host))} The file it writes:", "", *files, ""]
        lines += [f"```{host.form}", *as_text(host, entry).rstrip("\n").splitlines(), "```", ""]
        lines += ["Then:", "", *(f"* {step}" for step in steps), ""]
        if host.full_path:
            lines += [
                f"{host.title} does not look for programs where your shell does: write the full path of `uvx`, as "
            ]
            lines += ["`--uvx` does.", ""]
        if not host.supplies_key:
            lines += [f"To have a key there, {host.without_key}.", ""]
    return lines[:-1]


def digests() -> dict[str, str]:
    """The command that says a digest of the tool list -> what it says, of this version."""
    choices = {"": Settings(), "--read-only": Settings(read_only=True)}
    choices |= {f"--toolsets {name}": Settings(toolsets=(name,)) for name in (EVERYDAY, EVERY_TOOLSET)}
    return {
        f"maton-mailgun tools --digest {flags}".rstrip(): tool_digest(tools(engine(settings)))
        for flags, settings in choices.items()
    }


def digest_file() -> str:
    """The same with the version, for programs."""
    return json.dumps({"version": __version__, **digests()}, indent=2) + "\n"


def digest_rows() -> list[str]:
    """The same, for people."""
    rows = [f"| `{command}` | `{digest}` |" for command, digest in digests().items()]
    return ["| Command | What it prints |", "| --- | --- |", *rows]


def arguments() -> list[str]:
    """For each tool, by toolset: what it does in full, what the person is asked, and every argument."""
    catalogue = load()
    lines: list[str] = []
    for toolset in catalogue.toolsets:
        lines += [f"## {toolset}", ""]
        for operation in (one for one in catalogue.values() if one.toolset == toolset):
            lines += [f"### {operation.name}", "", _cell(operation.about), "", *_asked(operation)]
            lines += [*_arguments(operation.schema), ""]
    lines += ["## approvals", ""]
    for tool in TOOLS:
        lines += [f"### {tool['name']}", "", _cell(tool["description"]), "", *_arguments(tool["inputSchema"]), ""]
    return lines[:-1]


def _install(name: str, host: Host) -> str:
    return f"maton-mailgun install {name} --write{'' if host.supplies_key else ' --with-key'}"


def _key(host: Host) -> str:
    if host.asks:
        return "it asks for the key once and keeps it"
    if host.supplies_key:
        return "`MATON_API_KEY` where it is started"
    return "the file itself: it has no other way"


def _sentence(text: str) -> str:
    return f"The key: {text}."


def _scope(scope: Scope) -> str:
    return {"user": "for you (`--scope user`)", "project": "for one folder (`--scope project`)"}[scope]


def _places(host: Host, scope: Scope) -> str:
    """Where a file is, by system where that matters."""
    found: dict[str, list[str]] = {}
    for system, platform in _SYSTEMS.items():
        at = Surroundings(Path("~"), Path("."), {}, platform)
        found.setdefault(host.places[scope](at).as_posix(), []).append(system)
    if len(found) == 1:
        return f"`{next(iter(found))}`"
    return ", ".join(f"`{path}` on {' and '.join(systems)}" for path, systems in found.items())


def _asked(operation: Operation) -> Iterator[str]:
    if not operation.writes:
        return
    effect = _EITHER.sub(r"\1, or: \2", operation.effect)
    told = [f"Asks the person: {_cell(effect)}" if effect else "Asks the person."]
    told += [_cell(operation.undo)] if operation.undo else []
    yield " ".join(told)
    yield ""


def _arguments(schema: Mapping[str, Any]) -> Iterator[str]:
    properties: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
    if not properties:
        yield "It takes no arguments."
        return
    yield "| Argument | Takes | Meaning |"
    yield "| --- | --- | --- |"
    required = schema.get("required", ())
    for name, about in sorted(properties.items(), key=lambda item: item[0] not in required):
        must = " (must be given)" if name in required else ""
        yield f"| `{name}`{must} | {_takes(about)} | {_cell(str(about.get('description', '')))} |"


def _takes(about: Mapping[str, Any]) -> str:
    if "enum" in about:
        return " ".join(f"`{json.dumps(one)}`" for one in about["enum"])
    kind = about.get("type", "")
    if kind == "array":
        return f"list of {_takes(about.get('items', {})) or 'values'}"
    return str(" or ".join(kind) if isinstance(kind, list) else kind)


def _cell(text: str) -> str:
    """Text that stands in a table and in prose, and is shown as it is."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("\n", " ")

"""Writes what the front answers before the server is loaded: `server/maton_mailgun/front/first_answers.txt`.

Every byte of it was written by the real server, which is asked here once for each era and choice of tools. Called by
`docs.py`, which also checks it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib.metadata import version
from typing import Any

import anyio
from mcp.shared.message import SessionMessage
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, LATEST_MODERN_VERSION

from maton_mailgun import __version__
from maton_mailgun.approval.store import table
from maton_mailgun.approval.store.record import MOVES, TERMINAL
from maton_mailgun.catalogue.operation import EVERY_TOOLSET, EVERYDAY
from maton_mailgun.catalogue.rows import load
from maton_mailgun.config import NAMES, Settings
from maton_mailgun.front.first_answers import ERAS, FILE, checksum
from maton_mailgun.protocol import discovery, resources, skills
from maton_mailgun.protocol.approval_app import bound
from maton_mailgun.protocol.approval_schemas import RELAY, TOOLS
from maton_mailgun.protocol.incoming import message_in
from maton_mailgun.protocol.prompts import book
from maton_mailgun.protocol.round_trips import APP_TYPE, APPS
from maton_mailgun.protocol.server import build
from maton_mailgun.protocol.stdio import line_of
from maton_mailgun.runtime import engine

__all__ = ["FILE", "written"]

LISTS = {
    "tools/list": "tools",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
    "prompts/list": "prompts",
    skills.LIST: "skills",
}
"""Where a list has its items."""
_ME = {"name": "first-answers", "version": "1"}
_ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": LATEST_MODERN_VERSION,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": _ME,
}
_APPS = {"extensions": {APPS: {"mimeTypes": [APP_TYPE]}}}
"""What a client declares that shows apps."""
_BEFORE, _AFTER = b'{"jsonrpc":"2.0","id":0,"result":', b"}\n"
_DECODER = json.JSONDecoder()


def written() -> bytes:
    """The file as it must be."""
    parts: dict[str, bytes] = {}
    for part, text in _parts():
        if parts.setdefault(part, text) != text:
            raise ValueError(f"{part} is not the same with every choice of tools: {text!r} and {parts[part]!r}")
    lines = (f"{part}\t".encode() + text for part, text in sorted(parts.items()))
    return b"\n".join((json.dumps(_head(), indent=None).encode("ascii"), *lines, b""))


def _head() -> dict[str, Any]:
    """What the front has to know beside the bytes."""
    every = load()
    choices = {name: list(every.only((name,), read_only=False)) for name in every.toolsets}
    choices |= {name: list(every.only((name,), read_only=False)) for name in (EVERYDAY, EVERY_TOOLSET)}
    choices[""] = list(every.only(None, read_only=False))
    unfinished = ", ".join(f"'{state}'" for state in sorted(MOVES.keys() - TERMINAL))
    finished = table.FINISHED.partition(" WHERE ")[2].partition(" AND changed_at")[0]
    ever = [one["name"] for one in resources.resources(Settings(read_only=True))]
    recipes = [one["name"] for one in resources.templates(Settings(read_only=True))]
    rows = "SELECT 1 FROM maton_mailgun_approvals WHERE"
    return {
        "version": __version__,
        "made_with": {name: version(name) for name in ("mcp", "mcp_types")},
        "made_of": checksum(),
        "versions": HANDSHAKE_PROTOCOL_VERSIONS,
        "settings": list(NAMES),
        "choices": choices,
        "writes": [operation.name for operation in every.values() if operation.writes],
        "own": {
            "finding": [tool["name"] for tool in discovery.TOOLS],
            "approvals": [tool["name"] for tool in TOOLS],
            "relay": [RELAY["name"]],
            "read": _only(resources.resources(Settings()), ever),
            "sandbox": _only(resources.resources(Settings(read_only=True, sandbox=True)), ever),
            "ever": ever,
            "templates": _only(resources.templates(Settings()), recipes),
            "recipes": recipes,
        },
        "bound": sorted(bound(every)),
        "prompts": {prompt.name: prompt.needs for prompt in book().prompts.values()},
        "unfinished": f"{rows} state IN ({unfinished}) LIMIT 1",
        "older": f"{rows} {finished} AND changed_at < ? LIMIT 1",
    }


def _only(offered: Iterable[Mapping[str, Any]], ever: Collection[str]) -> list[str]:
    """The names of those that are not always there."""
    return [one["name"] for one in offered if one["name"] not in ever]


def _parts() -> Iterator[tuple[str, bytes]]:
    """Each part with its bytes; what several choices of tools have in common comes with each of them."""
    for found in (False, True):
        settings = Settings(discovery=found, approval="relay")
        for apps in (False, True):
            kind = f"{'.found' if found else ''}{'.apps' if apps else ''}"
            for one in HANDSHAKE_PROTOCOL_VERSIONS:
                yield f"initialize.{one}{kind}", _results(settings, _initialize(one, apps))[0]
            yield f"discover{kind}", _results(settings, _request("server/discover", {"_meta": _envelope(apps)}))[0]
        yield from _lists(settings)
    for toolset in (*load().toolsets, EVERYDAY, EVERY_TOOLSET):
        for read_only in (False, True):
            yield from _lists(Settings(toolsets=(toolset,), read_only=read_only))
    yield from _lists(Settings(sandbox=True))
    for found in (False, True):
        yield from _lists_with_apps(Settings(toolsets=(EVERY_TOOLSET,), discovery=found, approval="relay"))


def _lists(settings: Settings) -> Iterator[tuple[str, bytes]]:
    """The items of both eras' lists, and what stands around them."""
    for era in ERAS:
        for (method, _), (before, items, after) in zip(LISTS.items(), _listed(settings, era), strict=True):
            kind = f"{era}.{method}"
            yield f"{kind}.before", before
            yield f"{kind}.after", after
            yield from ((f"{kind}.{_named(json.loads(item))}", item) for item in items)


def _lists_with_apps(settings: Settings) -> Iterator[tuple[str, bytes]]:
    """The same of the tools for who shows apps: what stands around them, and what each has at its end besides."""
    method = "tools/list"
    at = list(LISTS).index(method)
    for era in ERAS:
        kind = f"{era}.{method}"
        _, plain, _ = _listed(settings, era)[at]
        before, items, after = _listed(settings, era, apps=True)[at]
        yield f"{kind}.apps.before", before
        yield f"{kind}.apps.after", after
        for item, without in zip(items, plain, strict=True):
            if not item.startswith(without[:-1]):
                raise ValueError(f"not the same tool: {item!r} and {without!r}")
            kind_of = "bound" if "resourceUri" in json.loads(item)["_meta"]["ui"] else "unbound"
            yield f"{kind_of}.apps", item.removeprefix(without[:-1])


def _listed(settings: Settings, era: str, *, apps: bool = False) -> list[tuple[bytes, list[bytes], bytes]]:
    """Of each list: what stands before its items, each of them, and what follows. All asked in one conversation."""
    if era == "legacy":
        lines = [_initialize(HANDSHAKE_PROTOCOL_VERSIONS[-1], apps), *(_request(method) for method in LISTS)]
    else:
        lines = [_request(method, {"_meta": _envelope(apps)}) for method in LISTS]
    found = []
    for name, result in zip(LISTS.values(), _results(settings, *lines)[-len(LISTS) :], strict=True):
        before, opening, rest = result.partition(f'"{name}":['.encode())
        items, after = _items(rest.decode())
        found.append((before + opening, [item.encode() for item in items], after.encode()))
    return found


def _named(item: Mapping[str, Any]) -> str:
    """What an item of a list is called."""
    name: str = item["frontmatter"]["name"] if "frontmatter" in item else item["name"]
    return name


def _items(text: str) -> tuple[list[str], str]:
    """The texts of a list's items, and what follows the last, from the end of the list on."""
    found, at = [], 0
    while text[at] != "]":
        at += text[at] == ","
        _, end = _DECODER.raw_decode(text, at)
        found.append(text[at:end])
        at = end
    return found, text[at:]


def _initialize(one: str, apps: bool) -> bytes:
    capabilities = _APPS if apps else {}
    return _request("initialize", {"protocolVersion": one, "capabilities": capabilities, "clientInfo": _ME})


def _envelope(apps: bool) -> dict[str, Any]:
    return {**_ENVELOPE, "io.modelcontextprotocol/clientCapabilities": _APPS} if apps else _ENVELOPE


def _request(method: str, params: Mapping[str, Any] | None = None) -> bytes:
    message = {"jsonrpc": "2.0", "id": 0, "method": method, **({} if params is None else {"params": params})}
    return json.dumps(message).encode()


def _results(settings: Settings, *lines: bytes) -> list[bytes]:
    """The results that these lines of one conversation get, as the server writes them."""
    found = []
    for answered in anyio.run(_asked, settings, lines):
        if not answered.startswith(_BEFORE) or not answered.endswith(_AFTER):
            raise ValueError(f"no result: {answered!r}")
        found.append(answered.removeprefix(_BEFORE).removesuffix(_AFTER))
    return found


async def _asked(settings: Settings, lines: tuple[bytes, ...]) -> list[bytes]:
    server = build(engine(settings))
    send, receive = anyio.create_memory_object_stream[SessionMessage | Exception](1)
    answers, answered = anyio.create_memory_object_stream[SessionMessage](1)
    found = []
    async with answered, anyio.create_task_group() as group:
        group.start_soon(server.run, receive, answers, server.create_initialization_options())
        async with send:
            for line in lines:
                message = message_in(line)
                if not isinstance(message, SessionMessage):
                    raise TypeError(message)
                await send.send(message)
                found.append(line_of((await answered.receive()).message))
        group.cancel_scope.cancel()
    return found

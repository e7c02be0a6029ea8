"""What a client says first, and what it is answered.

A message is answered here only if it is one of those that every session begins with, whole and in its plainest form.
Anything else, be it wrong or only unusual, is for the server.
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_PREFIX = "io.modelcontextprotocol/"
_MODERN = "2026-07-28"
_VERSION, _CAPABILITIES, _INFO = (
    f"{_PREFIX}{name}" for name in ("protocolVersion", "clientCapabilities", "clientInfo")
)
_MOST = 1 << 16
"""Bytes of a line that is read here."""
_LONGEST_ID = 200
_HIGHEST_ID = 2**53

_Shape = dict[str, "type | _Shape"]
_TASKS: _Shape = {
    "list": {},
    "cancel": {},
    "requests": {"sampling": {"createMessage": {}}, "elicitation": {"create": {}}},
}
_KNOWN: dict[str, _Shape] = {
    "roots": {"listChanged": bool},
    "sampling": {"context": {}, "tools": {}},
    "elicitation": {"form": {"applyDefaults": bool}, "url": {}},
    "tasks": _TASKS,
}
"""Capabilities that a client may declare, and what each may hold (the schemas of 2025-11-25 and 2026-07-28)."""
_OPEN = ("experimental", "extensions")
"""Capabilities that hold whatever a client likes, in objects by name."""
_APPS, _APP_TYPE = f"{_PREFIX}ui", "text/html;profile=mcp-app"
"""By these a client says that it shows apps (MCP Apps, 2026-01-26)."""
_SAID_OF_A_CLIENT = ("name", "version", "title", "description", "websiteUrl")


class Told:
    """What one kind of client is told.

    Args:
        initialize: The result of `initialize` by protocol version, as JSON.
        discover: The result of `server/discover`.
        listed: The results of lists by their methods, for clients that said `initialize` and for those that say their
            version each time.
    """

    __slots__ = ("discover", "initialize", "listed")

    def __init__(
        self, initialize: Mapping[str, bytes], discover: bytes, listed: tuple[Mapping[str, bytes], Mapping[str, bytes]]
    ) -> None:
        self.initialize = initialize
        self.discover = discover
        self.listed = listed


class FirstLines:
    """One conversation, from its first line on.

    Args:
        told: What clients are told, of which some show apps and others do not.
    """

    def __init__(self, told: Callable[[bool], Told]) -> None:
        self._told = told
        self._era = ""
        self._apps = False
        """Whether a client that said `initialize` shows apps."""

    def answer(self, line: bytes) -> bytes | None:
        """The answer to a line: nothing to a notification; None where the line is for the server."""
        message = _read(line)
        if message is None or message.get("jsonrpc") != "2.0" or not message.keys() <= _MEMBERS:
            return None
        method, params = message.get("method"), message.get("params", {})
        if not isinstance(method, str) or not isinstance(params, dict):
            return None
        if "id" not in message:
            return b"" if (self._era, method, params) == ("legacy", "notifications/initialized", {}) else None
        known, result = _id(message["id"]), self._result(method, params)
        if known is None or result is None:
            return None
        self._era = self._era or ("legacy" if method == "initialize" else "modern")
        return b'{"jsonrpc":"2.0","id":' + known + b',"result":' + result + b"}\n"

    def _result(self, method: str, params: dict[str, object]) -> bytes | None:
        # The first request decides, for good, which of the two ways of speaking is meant.
        if method == "initialize":
            return self._greeting(params) if not self._era else None
        if self._era == "legacy":
            if not _is_plain(params):
                return None
            return b"{}" if method == "ping" else self._told(self._apps).listed[0].get(method)
        if not _is_enveloped(params):
            return None
        meta = params["_meta"]
        told = self._told(isinstance(meta, dict) and _shows_apps(meta[_CAPABILITIES]))
        return told.discover if method == "server/discover" else told.listed[1].get(method)

    def _greeting(self, params: dict[str, object]) -> bytes | None:
        if params.keys() != {"protocolVersion", "capabilities", "clientInfo"}:
            return None
        version = params["protocolVersion"]
        if not _is_info(params["clientInfo"]) or not _are_capabilities(params["capabilities"]):
            return None
        self._apps = _shows_apps(params["capabilities"])
        return self._told(self._apps).initialize.get(version) if isinstance(version, str) else None


_MEMBERS = {"jsonrpc", "id", "method", "params"}


def _read(line: bytes) -> dict[str, object] | None:
    # An escape may stand for half a character, which other readers of JSON refuse.
    if len(line) > _MOST or b"\\u" in line:
        return None
    try:
        found = json.loads(
            line.decode("utf-8"), object_pairs_hook=_members, parse_float=_refused, parse_constant=_refused
        )
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object; refused where a name stands twice, of which readers of JSON take one or the other."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _refused(text: str) -> object:
    raise ValueError(text)


def _id(value: object) -> bytes | None:
    """An id as JSON, if it is written the same by everybody."""
    if type(value) is int:
        return b"%d" % value if 0 <= value <= _HIGHEST_ID else None
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or len(value) > _LONGEST_ID:
        return None
    return None if '"' in value or "\\" in value else b'"' + value.encode("ascii") + b'"'


def _is_plain(params: dict[str, object]) -> bool:
    """Whether there are no parameters but a token for progress, of which there is none to tell."""
    if params.keys() - {"_meta"}:
        return False
    meta = params.get("_meta", {})
    return isinstance(meta, dict) and not meta.keys() - {"progressToken"} and _is_token(meta)


def _is_token(meta: dict[str, object]) -> bool:
    return "progressToken" not in meta or _id(meta["progressToken"]) is not None


def _is_enveloped(params: dict[str, object]) -> bool:
    """Whether there is nothing but what a client says of itself with every request."""
    meta = params.get("_meta")
    if params.keys() != {"_meta"} or not isinstance(meta, dict):
        return False
    if meta.keys() - {_VERSION, _CAPABILITIES, _INFO, "progressToken"} or meta.get(_VERSION) != _MODERN:
        return False
    said = _INFO not in meta or _is_info(meta[_INFO])
    return said and _CAPABILITIES in meta and _are_capabilities(meta[_CAPABILITIES]) and _is_token(meta)


def _is_info(value: object) -> bool:
    return (
        isinstance(value, dict)
        and {"name", "version"} <= value.keys()
        and not value.keys() - set(_SAID_OF_A_CLIENT)
        and all(isinstance(text, str) for text in value.values())
    )


def _are_capabilities(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    return all(
        isinstance(inner, dict) and all(isinstance(one, dict) for one in inner.values())
        if name in _OPEN
        else name in _KNOWN and _fits(inner, _KNOWN[name])
        for name, inner in value.items()
    )


def _shows_apps(capabilities: object) -> bool:
    """The same as `shows_apps` of `protocol/round_trips.py`, of capabilities that were looked at."""
    extensions = capabilities.get("extensions", {}) if isinstance(capabilities, dict) else {}
    kinds = extensions.get(_APPS, {}).get("mimeTypes")
    return isinstance(kinds, list) and _APP_TYPE in kinds


def _fits(value: object, shape: _Shape) -> bool:
    """Whether an object holds nothing but what its shape names, each as it says."""
    if not isinstance(value, dict) or value.keys() - shape.keys():
        return False
    return all(
        _fits(inner, kind) if isinstance(kind := shape[name], dict) else type(inner) is kind
        for name, inner in value.items()
    )

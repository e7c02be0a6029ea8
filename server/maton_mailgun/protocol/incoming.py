"""What a line from a client is: a message, or the answer to what is none.

Whoever waits for an answer gets one, under its id where that can be read (JSON-RPC 2.0, section 5.1); nothing that a
client writes may leave it waiting.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import mcp_types as types
from mcp.shared.message import SessionMessage

_BOM = b"\xef\xbb\xbf"
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}:,]|[^\s\[\]{}:,"]++')
_MOST_SCANNED = 1 << 20
_LONGEST_NUMBER = 300
"""Characters of a number that is an id."""
_NO_JSON = "This line is not JSON. Send each message as one line of JSON in UTF-8."
_NO_REQUEST = 'This is no request: it needs "jsonrpc": "2.0", an id, a method, and params that are an object if any.'
_UNREAD: Final = object()
"""Stands for a value that was not read."""


def message_in(line: bytes) -> SessionMessage | types.JSONRPCError | str:
    """What a line holds.

    Returns:
        The message; or the answer that its sender gets; or, for what nobody waits for, why it is dropped.
    """
    line = line.removeprefix(_BOM)
    try:
        message = types.jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValueError:
        return _read_again(line)
    # A request whose id is none (1.5, null, true) passes for a notification, which nobody answers.
    return _read_again(line) if isinstance(message, types.JSONRPCNotification) else SessionMessage(message)


def _read_again(line: bytes) -> SessionMessage | types.JSONRPCError | str:
    """A second, slower reading, which takes what the first does not: halves of characters, and deeper nesting. What is
    asked for with those is then refused in words that say which argument is meant."""
    try:
        text, right = line.decode(), ""
    except UnicodeDecodeError:
        text, right = line.decode("utf-8", "replace"), "This line is not UTF-8."
    try:
        value = json.loads(text)
    except RecursionError:
        return _told(_members(text), "This is nested too deep.")
    except json.JSONDecodeError:
        return _error(None, types.PARSE_ERROR, _NO_JSON)
    except ValueError:
        return _told(_members(text), "This holds an integer with too many digits.")
    if right:
        return _told(value, right)
    try:
        message = types.jsonrpc_message_adapter.validate_python(value, by_name=False)
    except ValueError:
        return _told(value, _NO_REQUEST)
    if isinstance(message, types.JSONRPCNotification) and "id" in value:
        return _told(value, _NO_REQUEST)
    return SessionMessage(message)


def _told(value: Any, wrong: str) -> SessionMessage | types.JSONRPCError | str:
    if isinstance(value, list):
        wrong = "Several messages in one array are not taken. Send each as a line of its own."
    if not isinstance(value, dict):
        return _error(None, types.INVALID_REQUEST, wrong)
    known = _id(value.get("id"))
    if "method" not in value and ("result" in value or "error" in value):
        # An answer to a question of ours: who waits for it is told that it came to nothing.
        return "an answer to no question" if known is None else SessionMessage(_error(known, types.PARSE_ERROR, wrong))
    if "method" in value and "id" not in value:
        return "a notification that cannot be read"
    if "id" in value and known is None:
        wrong = "The id must be a string or an integer."
    return _error(known, types.INVALID_REQUEST, wrong)


def _id(value: Any) -> str | int | None:
    return value if isinstance(value, str | int) and not isinstance(value, bool) else None


def _members(text: str) -> Any:
    """The outermost members of an object that is not read whole, for the sake of its id."""
    found: dict[str, Any] = {}
    if len(text) > _MOST_SCANNED:
        return found
    depth, key, before = 0, "", ""
    for piece in (match[0] for match in _TOKEN.finditer(text)):
        if depth == 1 and piece == ":":
            key = before
            found[_plain(key)] = _UNREAD
        elif depth == 1 and key and piece not in "{}[],":
            found[_plain(key)] = _scalar(piece)
        if depth == 1 and piece == ",":
            key = ""
        depth += (piece in "{[") - (piece in "}]")
        before = piece
    return found


def _plain(piece: str) -> str:
    return str(_scalar(piece))


def _scalar(piece: str) -> Any:
    try:
        return json.loads(piece) if piece[0] == '"' or len(piece) <= _LONGEST_NUMBER else _UNREAD
    except ValueError:
        return _UNREAD


def _error(known: str | int | None, code: int, message: str) -> types.JSONRPCError:
    return types.JSONRPCError(jsonrpc="2.0", id=known, error=types.ErrorData(code=code, message=message))

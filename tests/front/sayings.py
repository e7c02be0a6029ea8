"""What clients say: what every session begins with, in all its forms, and what is only almost that."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "Köln", "version": "1"},
}

APPS = {"extensions": {"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html;profile=mcp-app"]}}}
"""What a client declares that shows apps."""
_UI = "io.modelcontextprotocol/ui"

_scalars = st.sampled_from([None, True, 0, 7, -1, 1.5, "", "x", "Köln"])
_odd = st.one_of(_scalars, st.sampled_from([[], {}, [{}], {"a": {}}, {"listChanged": "yes"}]))
ids: st.SearchStrategy[Any] = st.one_of(
    st.integers(0, 3),
    st.sampled_from(["a", "", "1", " b ", "Köln", 'quo"te', "back\\slash", "x" * 300, "\x7f", "<&>"]),
    st.sampled_from([-1, -0, 2**53, 2**53 + 1, 2**64, 1.5, 1.0, None, True, [], {}]),
)
_info = st.one_of(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["claude", "", "Köln", "\U0001f600"]), "version": st.sampled_from(["1", ""])},
        optional={
            "title": st.just("Client"),
            "description": st.just("A client"),
            "websiteUrl": st.sampled_from(["https://example.com", "no address", ""]),
            "icons": st.sampled_from([[], [{"src": "https://example.com/a.png"}], None]),
            "more": _odd,
        },
    ),
    _odd,
)
_capabilities = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={
            "roots": st.sampled_from([{}, {"listChanged": True}, {"listChanged": None}, {"listChanged": 1}, None]),
            "sampling": st.sampled_from([{}, {"context": {}, "tools": {}}, {"tools": {"a": 1}}, True]),
            "elicitation": st.sampled_from(
                [{}, {"form": {}}, {"url": {}}, {"form": {"applyDefaults": True}, "url": {}}, {"form": True}, []]
            ),
            "experimental": st.sampled_from([{}, {"a": {"b": [1, "x", None]}}, {"a": 1}]),
            "extensions": st.sampled_from(
                [
                    {},
                    {"io.example/ui": {"mimeTypes": ["text/html"]}},
                    {"a": None},
                    APPS["extensions"],
                    {_UI: {"mimeTypes": ["text/html"]}},
                    {_UI: {"mimeTypes": "text/html;profile=mcp-app"}},
                    {_UI: {}},
                    {_UI: None},
                ]
            ),
            "tasks": st.sampled_from(
                [
                    {},
                    {"list": {}, "cancel": {}},
                    {"requests": {"sampling": {"createMessage": {}}, "elicitation": {"create": {}}}},
                    {"requests": {"tools": {"call": {}}}},
                    {"list": True},
                ]
            ),
            "more": _odd,
        },
    ),
    _odd,
)
_greeting: st.SearchStrategy[Any] = st.one_of(
    st.fixed_dictionaries(
        {
            "protocolVersion": st.sampled_from([*VERSIONS, "2026-07-28", "1999-01-01", "", 7]),
            "capabilities": _capabilities,
            "clientInfo": _info,
        },
        optional={"_meta": st.one_of(_odd, st.just(ENVELOPE)), "more": _odd},
    ),
    st.sampled_from([{}, None, []]),
)
_plain_greeting = st.fixed_dictionaries(
    {
        "protocolVersion": st.sampled_from(VERSIONS),
        "capabilities": st.sampled_from([{}, {"roots": {"listChanged": True}}, {"elicitation": {}}, APPS]),
        "clientInfo": st.just({"name": "x", "version": "1"}),
    }
)
_envelope = st.one_of(
    st.just(ENVELOPE),
    st.just({**ENVELOPE, "io.modelcontextprotocol/clientCapabilities": APPS}),
    st.fixed_dictionaries(
        {},
        optional={
            "io.modelcontextprotocol/protocolVersion": st.sampled_from(["2026-07-28", "2025-11-25", "", 7, None]),
            "io.modelcontextprotocol/clientCapabilities": _capabilities,
            "io.modelcontextprotocol/clientInfo": _info,
            "io.modelcontextprotocol/logLevel": st.sampled_from(["debug", "x"]),
            "progressToken": ids,
            "traceparent": _scalars,
        },
    ),
)
OTHER_LISTS = ("resources/list", "resources/templates/list", "prompts/list", "skills/list")
NOTHING = object()
_params = st.one_of(
    st.just(NOTHING),
    st.just({}),
    st.fixed_dictionaries({"_meta": _envelope}),
    st.fixed_dictionaries({}, optional={"cursor": _scalars, "_meta": _envelope, "more": _odd}),
    _odd,
)


def message(method: Any, params: Any = NOTHING, **others: Any) -> dict[str, Any]:
    """A message; without an id it is a notification."""
    said = {"jsonrpc": "2.0", **others, "method": method}
    return said if params is NOTHING else {**said, "params": params}


def _written(said: Any, way: str) -> bytes:
    if way == "escaped":
        return json.dumps(said).encode()
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return {"compact": text, "spaced": f" {text}\t", "carriage return": f"{text}\r", "marked": f"\ufeff{text}"}[
        way
    ].encode()


def said(what: Any) -> bytes:
    """As most clients write it."""
    return _written(what, "compact")


_ways = st.sampled_from(["compact", "compact", "compact", "escaped", "spaced", "carriage return", "marked"])
ORDINARY = st.one_of(
    st.builds(lambda number, params: message("initialize", params, id=number), st.integers(0, 3), _plain_greeting),
    st.builds(lambda number: message("tools/list", id=number), ids),
    st.builds(lambda number: message("tools/list", {"_meta": ENVELOPE}, id=number), ids),
    st.builds(lambda method, number: message(method, id=number), st.sampled_from(OTHER_LISTS), ids),
    st.builds(
        lambda method, number: message(method, {"_meta": ENVELOPE}, id=number), st.sampled_from(OTHER_LISTS), ids
    ),
    st.builds(lambda number: message("server/discover", {"_meta": ENVELOPE}, id=number), ids),
    st.builds(lambda number: message("ping", id=number), ids),
    st.just(message("notifications/initialized")),
)
_ANY_METHOD = st.sampled_from(
    ["tools/list", "ping", "server/discover", *OTHER_LISTS, "completion/complete", "logging/setLevel", "nothing", "", 7]
)
UNUSUAL = st.one_of(
    st.builds(lambda number, params: message("initialize", params, id=number), ids, _greeting),
    st.builds(lambda method, number, params: message(method, params, id=number), _ANY_METHOD, ids, _params),
    st.builds(
        message,
        st.sampled_from(["notifications/initialized", "notifications/roots/list_changed", "initialize", "ping"]),
        _params,
    ),
    st.builds(lambda number: message("ping", id=number, more=1), ids),
    st.builds(lambda version: {**message("ping", id=1), "jsonrpc": version}, st.sampled_from(["1.0", 2.0, None])),
    st.builds(lambda number: {"jsonrpc": "2.0", "id": number, "result": {}}, ids),
    st.builds(
        lambda number, meta: message("tools/call", {"name": "get_domain", "arguments": {}, **meta}, id=number),
        ids,
        st.sampled_from([{}, {"_meta": ENVELOPE}]),
    ),
    st.just([message("ping", id=1)]),
    _odd,
)
RAW = st.sampled_from(
    [
        b"",
        b"  \t",
        b"garbage",
        b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"progressToken":NaN}}}',
        b'{"jsonrpc":"2.0","id":01,"method":"ping"}',
        b'{"jsonrpc":"2.0","id":-0,"method":"ping"}',
        b'{"jsonrpc":"2.0","id":1e0,"method":"ping"}',
        b'{"jsonrpc":"2.0","id":"\xff","method":"ping"}',
        b'{"jsonrpc":"2.0","id":"\\ud83c","method":"ping"}',
        b'{"jsonrpc":"2.0","id":"a\\u0062","method":"ping"}',
        b'{"jsonrpc":"2.0","id":"a\tb","method":"ping"}',
        b'{"jsonrpc":"2.0","id":"a\\/b","method":"ping"}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":' + b'{"a":' * 300 + b"1" + b"}" * 302,
        b'{"jsonrpc":"2.0","id":1,"method":"ping"',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"progressToken":"' + b"x" * 70_000 + b'"}}}',
    ]
)
LINES = st.one_of(
    st.builds(_written, ORDINARY, _ways), st.builds(_written, ORDINARY, _ways), st.builds(_written, UNUSUAL, _ways), RAW
)
_greeted = st.builds(
    lambda params: [_written(message("initialize", params, id=0), "compact")], st.one_of(_plain_greeting, _greeting)
)
_began = st.builds(
    lambda method, meta: [_written(message(method, {"_meta": meta}, id=0), "compact")],
    st.sampled_from(["server/discover", "tools/list"]),
    _envelope,
)
CONVERSATIONS = st.builds(
    lambda first, rest: first + rest, st.one_of(_greeted, _began, st.just([])), st.lists(LINES, max_size=6)
)
"""Whole conversations, most of which begin as one does."""

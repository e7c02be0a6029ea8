"""All tools behind two: for hosts whose models should not read the whole list before they say a word.

`find_tools` answers with the few tools that fit some words, as the list would show them; `call_tool` calls one of them.
A call is the same either way: what is checked, asked about, judged and sent knows nothing of how it came.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from maton_mailgun.catalogue.as_meant import unmarked
from maton_mailgun.catalogue.operation import Catalogue, Operation
from maton_mailgun.errors import BadArguments, Problem
from maton_mailgun.protocol.listed_schema import listed

FIND, CALL = "find_tools", "call_tool"
FOUND = 5
"""Tools that an answer tells in full."""
_MORE = 15
_NAME, _TITLE, _REST = 4, 3, 1
"""How much a word counts by where it stands."""
_BEGINNING = 5
_SMALL = frozenset(
    "a an and are as at by do for from how i in is it me my of on or that the this to we what with".split()  # noqa: SIM905
)
INSTRUCTIONS = f"Tools are found with {FIND} and called with {CALL}.\n"
_HINTS = {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False}
TOOLS: tuple[Mapping[str, Any], ...] = (
    {
        "name": FIND,
        "title": "Find tools",
        "description": (
            "Mailgun tools that fit some words, with their arguments: mail, events, statistics, suppressions, mailing "
            f"lists, templates, routes, webhooks, domains, credentials. Then use {CALL}."
        ),
        "inputSchema": {
            "type": "object",
            "properties": {"query": {"type": "string", "description": "What is to be done, in a few words"}},
            "required": ["query"],
            "additionalProperties": False,
        },
        "annotations": _HINTS,
    },
    {
        "name": CALL,
        "title": "Call a tool",
        "description": f"Calls a tool that {FIND} named. What creates, changes, deletes or sends first asks a person.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "Of the tool"},
                "arguments": {"type": "object", "description": "As its inputSchema says"},
            },
            "required": ["name"],
            "additionalProperties": False,
        },
        "annotations": {"readOnlyHint": False, "destructiveHint": True, "idempotentHint": False, "openWorldHint": True},
    },
)


def inner(name: str, arguments: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The call that a call is: itself, or the one that `call_tool` was given."""
    if name != CALL:
        return name, arguments
    given = arguments.get("arguments")
    return unmarked(str(arguments.get("name", ""))), given if isinstance(given, Mapping) else {}


def found(catalogue: Catalogue, query: str) -> dict[str, Any]:
    """The tools of a catalogue that fit a query best, as they are listed, and the names of some more.

    Raises:
        BadArguments: There is no word in the query.
    """
    wanted = set(_words(query))
    if not wanted:
        raise BadArguments(FIND, [Problem("query", "holds no word", "Say what is to be done, such as “list bounces”")])
    counted = {
        name: _counted(operation, catalogue.toolsets[operation.toolset]) for name, operation in catalogue.items()
    }
    spread = Counter(word for words in counted.values() for word in words)
    rare = {word: math.log(1 + len(counted) / spread[word]) for word in wanted if word in spread}
    scores = {
        name: sum(words[word] * weight for word, weight in rare.items()) * (1 + _named(catalogue[name], wanted))
        for name, words in counted.items()
    }
    best = sorted((name for name, score in scores.items() if score), key=lambda name: -scores[name])
    return {
        "status": "ok",
        "tools": [_told(catalogue[name], catalogue) for name in best[:FOUND]],
        **({"others": best[FOUND : FOUND + _MORE]} if best[FOUND:] else {}),
        **({} if best else {"all_tools": list(catalogue)}),
    }


def _told(operation: Operation, catalogue: Mapping[str, Operation]) -> dict[str, Any]:
    return {
        "name": operation.name,
        "description": operation.description,
        "asks_a_person": operation.writes,
        "inputSchema": listed(operation, catalogue),
    }


def _named(operation: Operation, wanted: set[str]) -> float:
    """How much of a tool's title stands in the query: whoever names a tool wants that one."""
    title = set(_words(operation.title))
    return len(title & wanted) / max(len(title), 1)


def _counted(operation: Operation, toolset: str) -> Counter[str]:
    rest = f"{operation.about} {operation.toolset} {toolset} {' '.join(operation.properties)}"
    counted: Counter[str] = Counter()
    for text, weight in ((operation.name, _NAME), (operation.title, _TITLE), (rest, _REST)):
        counted.update(dict.fromkeys(_words(text), weight))
    return counted


def _words(text: str) -> Iterator[str]:
    """The beginnings of the words that say something: those of one kind (unsubscribe, unsubscribed) begin alike."""
    yield from (word[:_BEGINNING] for word in re.findall(r"[a-z0-9]+", text.casefold()) if word not in _SMALL)

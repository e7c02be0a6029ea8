"""What a body holds for programs that show it in ways of their own: microdata, JSON-LD, adaptive cards, states of AMP.

Gmail and Outlook draw cards and buttons of it beside or above the message.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from maton_mailgun.mail.pieces import Piece

_MOST = 500
"""Values that are looked at."""
_NAMES_KINDS = frozenset({"@context", "@type", "@id", "$schema", "type", "version"})
_ADDRESS = ("http://", "https://", "//")


@dataclass(frozen=True, slots=True)
class Data:
    """Words and addresses in the order in which they stand, each once."""

    words: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


def read(pieces: Iterable[Piece]) -> Data:
    """All such data in `pieces`."""
    words: dict[str, None] = {}
    addresses: dict[str, None] = {}
    kinds: list[str] = []
    for piece in pieces:
        if piece.kind == "start":
            if piece.name == "script":
                kinds.append(piece.attributes.get("type", "").lower())
            said = _of_element(piece)
        elif piece.kind == "end" and piece.name == "script":
            kinds = kinds[:-1]
            continue
        elif piece.kind == "text" and piece.name == "script" and kinds and "json" in kinds[-1]:
            said = _of_json(piece.text)
        else:
            continue
        for one in said:
            if len(words) + len(addresses) >= _MOST:
                return Data((*words, "and more"), tuple(addresses))
            (addresses if one.lower().startswith(_ADDRESS) else words)[" ".join(one.split())] = None
    return Data(tuple(words), tuple(addresses))


def _of_element(piece: Piece) -> Iterator[str]:
    given = piece.attributes
    if not given:
        return
    if "itemprop" in given or "property" in given or piece.name.startswith("amp-"):
        hidden = ("content", "datetime", *(("href", "src") if piece.name in {"link", "meta"} else ()))
        yield from (given[name] for name in hidden if given.get(name, "").strip())
    for name, value in given.items():
        if name.startswith(("[", "data-amp-bind-")) and value.strip():
            yield value


def _of_json(text: str) -> Iterator[str]:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        yield text[:2_000]
        return
    yield from _strings(parsed)


def _strings(value: Any) -> Iterator[str]:
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            todo += [inner for name, inner in reversed(one.items()) if name not in _NAMES_KINDS]
        elif isinstance(one, list):
            todo += reversed(one)
        elif isinstance(one, str) and one.strip():
            yield one
        elif isinstance(one, int | float) and not isinstance(one, bool):
            yield str(one)

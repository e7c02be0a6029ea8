"""The sentences of a catalogue row with the values of one call in them.

A template is plain text with `{argument}` for a value and `[...]` for a part that is dropped when an argument inside
it was not given: "Adds {address}[, named {name},] to {list_address}." `{before.route.actions}` is what the target
holds there, as it was read, and `{wildcard?It does|It does not}` says one of two for a switch. Values are never
interpreted: a brace, bracket or percent sign in one stays what it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from maton_mailgun.approval.preview.labels import Words, told
from maton_mailgun.mail.text import count, mark, quoted, safe_line, unclosing

NOT_SHOWN = "(set, not shown)"
"""What stands for the value of a secret argument, everywhere."""

_TOKEN = re.compile(r"\{([a-zA-Z0-9_]+(?:\.[a-zA-Z0-9_]+)*)(?:\?([^{}\[\]|]*)\|([^{}\[\]|]*))?\}|([\[\]])")
_BEFORE = re.compile(r"\{(before\.([a-zA-Z0-9_]+(?:\.[a-zA-Z0-9_]+)*))\}")
_VALUE_LIMIT = 160
_LIST_LIMIT = 4
_BARE = re.compile(r"[^\s\"“”„‟❝❞〝〞＂,;()]+")
"""A value that reads as one word; anything else goes in quotation marks, so that it cannot pose as our sentence."""
_OPENING, _CLOSING = '"“', '"”'


def render(template: str, arguments: Mapping[str, Any], *, secret: Collection[str] = ()) -> str | None:
    """The sentence for one call, on one display-safe line.

    An argument is absent when it is missing or None. Outside `[...]` an absent one reads "(not given)".
    Returns None when nothing is left, as for a warning that stands entirely in `[...]`.
    """
    sentence, _, _ = _render(template, 0, arguments, secret)
    return safe_line(sentence.strip()) or None


def of_target(template: str) -> dict[str, str]:
    """The values of a template that come from the target: as it names them, with their places in what is read."""
    return {found[1]: found[2] for found in _BEFORE.finditer(template)}


def value(given: Any, *, inside_quotes: bool = False) -> str:
    """One value as it reads inside a sentence: shortened, lists joined, booleans on or off, objects counted."""
    if isinstance(given, bool):
        return "on" if given else "off"
    if isinstance(given, int | float):
        return str(given)
    if isinstance(given, Words):
        return str(given)
    if isinstance(given, str):
        return _word(given, inside_quotes)
    if isinstance(given, Mapping):
        return _entries(given)
    if isinstance(given, Sequence):
        return _joined(given, inside_quotes)
    return "(nothing)" if given is None else _word(json.dumps(given, default=str), inside_quotes)


def _entries(given: Mapping[str, Any]) -> str:
    """A few plain values with their names; else how many there are."""
    plain = all(isinstance(one, str | int | float) for one in given.values())
    if not plain or not 0 < len(given) <= _LIST_LIMIT:
        return count(len(given), "entry", "entries")
    return ", ".join(f"{value(name)}: {value(one)}" for name, one in given.items())


def _joined(given: Sequence[Any], inside_quotes: bool) -> str:
    if not given:
        return "(none)"
    first = ", ".join(value(item, inside_quotes=inside_quotes) for item in given[:_LIST_LIMIT])
    return first if len(given) <= _LIST_LIMIT else f"{first} and {len(given) - _LIST_LIMIT:,} more"


def _word(text: str, inside_quotes: bool) -> str:
    if inside_quotes:
        return unclosing(safe_line(mark(text, _VALUE_LIMIT)))
    if len(text) <= _VALUE_LIMIT and _BARE.fullmatch(text):
        return safe_line(text)
    return quoted(text, _VALUE_LIMIT)


def _render(
    template: str, start: int, arguments: Mapping[str, Any], secret: Collection[str], depth: int = 0
) -> tuple[str, int, bool]:
    """Text from `start` to the closing bracket of this depth, where it ended, and whether all its values are there."""
    parts: list[str] = []
    complete = True
    position = start
    while found := _TOKEN.search(template, position):
        parts.append(template[position : found.start()])
        position = found.end()
        if found[4] == "[":
            inner, position, kept = _render(template, position, arguments, secret, depth + 1)
            parts.append(inner if kept else "")
        elif found[4] == "]" and depth:
            return "".join(parts), position, complete
        elif found[4]:
            parts.append(found[4])
        elif arguments.get(found[1]) is None:
            complete = False
            parts.append("(not given)")
        elif found[1] in secret:
            parts.append(NOT_SHOWN)
        elif found[2] is not None:
            parts.append(found[3] if arguments[found[1]] in (False, "no", "false") else found[2])
        else:
            within = template[: found.start()].endswith(tuple(_OPENING)) and template[position:].startswith(
                tuple(_CLOSING)
            )
            parts.append(value(told(found[1], arguments[found[1]]), inside_quotes=within))
    parts.append(template[position:])
    return "".join(parts), len(template), complete

"""Arguments as hosts pass them on, in the types of the schema that the model was shown.

Some hosts write null for every option that was left out, turn lists and objects into text, or booleans and numbers into
words (seen in several of them). What has one meaning is taken so; anything else stays as it is, and the check refuses
it. The result is what is checked, shown, judged and sent: nothing further on sees what it was made from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

MARK = "\u27ea"
"""Stands before text from outside in answers (see `wire/fencing.py`); no part of the text."""
ORDER_MARK = MARK * 2
_CLOSING = "\u27eb"
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,14})")
_NUMBER = re.compile(_WHOLE.pattern + r"(?:\.[0-9]{1,6})?")
_TRUTHS = {"true": True, "false": False}
_LEVELS = 50
"""How deep marks are looked for; what is nested deeper is refused (see `arguments`)."""
_LEFT: Any = object()
"""Stands for an argument that counts as left out."""


def as_meant(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The same arguments in the schema's types.

    Args:
        schema: An object's schema.
        arguments: As they arrived; unchecked.
    """
    shapes, required = schema.get("properties", {}), schema.get("required", ())
    other = schema.get("additionalProperties")
    if not shapes:
        arguments = _plainly_named(arguments)
    meant = {
        name: _left_out(name, given, required)
        if name in shapes and given is None
        else _value(shapes.get(name, other), given)
        for name, given in arguments.items()
    }
    return {name: value for name, value in meant.items() if value is not _LEFT}


def _left_out(name: str, given: None, required: Any) -> Any:
    return given if name in required else _LEFT


def _value(shape: Any, given: Any) -> Any:
    if not isinstance(shape, Mapping):
        return _without_marks(given)
    kind = shape.get("type")
    if kind in ("array", "object"):
        if isinstance(given, str):
            given = _unfolded(kind, given)
        if kind == "array" and isinstance(given, list):
            return [_value(shape.get("items"), item) for item in given]
        return as_meant(shape, given) if kind == "object" and isinstance(given, dict) else given
    if isinstance(given, str):
        given = unmarked(given)
    if kind == "string":
        return _chosen(shape["enum"], given) if "enum" in shape else given
    return _scalar(kind, given) if isinstance(given, str) else given


def _without_marks(given: Any, levels: int = _LEVELS) -> Any:
    """A value of no certain type, such as what variables hold, without the marks that its texts had in an answer."""
    if isinstance(given, str):
        return unmarked(given)
    if isinstance(given, list) and levels:
        return [_without_marks(one, levels - 1) for one in given]
    if isinstance(given, dict) and levels:
        return {name: _without_marks(one, levels - 1) for name, one in _plainly_named(given).items()}
    return given


def _plainly_named(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """A map without the marks that its names had in an answer; as it is where two would become one."""
    plain = {unmarked(name): one for name, one in given.items()}
    return plain if len(plain) == len(given) else given


def unmarked(text: str) -> str:
    """A text that was copied out of an answer, without the marks that it had there; with the sign's other half in it
    the sign is the text's own."""
    if MARK not in text:
        return text
    text = text.replace(ORDER_MARK, "")
    return text if _CLOSING in text else text.removeprefix(MARK)


def _scalar(kind: Any, given: str) -> Any:
    if kind == "boolean":
        return _TRUTHS.get(given.casefold(), given)
    if kind == "integer" and _WHOLE.fullmatch(given):
        return int(given)
    if kind == "number" and _NUMBER.fullmatch(given):
        return float(given)
    return given


def _chosen(words: list[str], given: Any) -> Any:
    """One of the words: true is yes where that is one of them, and 2048 is "2048"."""
    if isinstance(given, str) and given not in words:
        given = _TRUTHS.get(given.casefold(), given)
    if isinstance(given, bool):
        word = "yes" if given else "no"
        return word if word in words else given
    return str(given) if isinstance(given, int) and str(given) in words else given


def _unfolded(kind: str, text: str) -> Any:
    """The list or object that a text is the JSON of; the text itself where it is not exactly that."""
    try:
        value = json.loads(text, object_pairs_hook=each_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, list if kind == "array" else dict) else text


def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object that JSON has these pairs for.

    Raises:
        ValueError: A key stands twice.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        # Which of the two is meant is for nobody to guess.
        raise ValueError("a key stands twice")
    return found


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")

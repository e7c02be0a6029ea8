"""Fields of a proposal as TOML that a person edits, and back."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from maton_mailgun.approval.lifecycle.plain_fields import PlainField


class NotToml(Exception):
    """The text is no TOML; says where."""


def toml(fields: Sequence[PlainField], head: Sequence[str]) -> str:
    """The fields as a text to edit: those without a value stand as comments."""
    return "\n".join([*(f"# {line}" for line in head), "", *_lines(fields), ""])


def changes(text: str, fields: Sequence[PlainField]) -> dict[str, Any]:
    """What differs in an edited text from the fields as they were; None where a value was taken out.

    Raises:
        NotToml: It cannot be read.
    """
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise NotToml(str(problem)) from None
    was = {field.name: field.value for field in fields if field.value is not None}
    gone: Mapping[str, Any] = {name: None for name in was if name not in given}
    return {**{name: value for name, value in given.items() if name not in was or was[name] != value}, **gone}


def _lines(fields: Sequence[PlainField]) -> Iterator[str]:
    for field in fields:
        if field.value is not None:
            yield f"{field.name} = {_value(field.value)}"
    without = [field for field in fields if field.value is None]
    if without:
        yield "\n# Not set:"
    for field in without:
        yield f"# {field.name} = {_value(_EMPTY.get(field.kind, ''))}  # {field.about}"


_EMPTY: Mapping[str, Any] = {"list": [], "number": 0, "switch": False}


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if not isinstance(value, str):
        return str(value)
    return _block(value) if "\n" in value else _plain(json.dumps(value, ensure_ascii=False))


def _block(text: str) -> str:
    """A text of several lines, in three quotation marks: its own would end it where three stand together, or last."""
    inner = text.replace("\\", "\\\\").replace('"""', '""\\"').replace("\r", "\\r")
    if inner.endswith('"'):
        inner = inner[:-1] + '\\"'
    return f'"""\n{_plain(inner)}"""'


def _plain(text: str) -> str:
    """With what cannot be seen in an editor as TOML's escapes."""
    return "".join(one if one.isprintable() or one in "\n\t" else _escape(one) for one in text)


def _escape(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04X}" if number <= 0xFFFF else f"\\U{number:08X}"

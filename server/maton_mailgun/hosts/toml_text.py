"""TOML changed in one table: every other character stays.

A text is cut into its statements, each as long as `tomllib` needs it to be, so that there is one reading of TOML here
and no second one. A table of ours that is written in another way than as `[mcp_servers.NAME]` is refused.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from maton_mailgun.hosts.edits import Edit, NotEditable

_KEY = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_NAMED = re.compile(rf"[ \t]*({_KEY}(?:[ \t]*\.[ \t]*{_KEY})*)[ \t]*=[ \t]*")


@dataclass(frozen=True, slots=True)
class _Statement:
    """A header, a key with its value, or a blank line or comment, with the end of its line."""

    start: int
    end: int
    table: tuple[str, ...]
    """The table that it is in, or that it opens."""
    opens: bool = False
    key: tuple[str, ...] | None = None
    value_at: int = 0


def read(text: str) -> dict[str, Any]:
    """What the text says.

    Raises:
        NotEditable: It is no TOML.
    """
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as problem:
        raise NotEditable(f"not TOML: {problem}") from None


def table(path: Sequence[str], values: Mapping[str, Any], newline: str = "\n") -> str:
    """A table with its keys. Values are strings, lists of strings, or tables of strings."""
    return newline.join([f"[{'.'.join(path)}]", *(f"{key} = {rendered(value)}" for key, value in values.items()), ""])


def rendered(value: Any) -> str:
    """A string, a list of strings or a table of strings on one line."""
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(key)} = {rendered(item)}" for key, item in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    # ensure_ascii off: JSON's surrogate pairs are no TOML. The only escapes left are those TOML shares.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def put_table(text: str, path: Sequence[str], values: Mapping[str, Any]) -> list[Edit]:
    """The edit that adds a table at the end."""
    newline = "\r\n" if "\r\n" in text else "\n"
    gap = "" if not text.strip() else newline if text.endswith("\n") else newline * 2
    return [Edit(len(text), len(text), gap + table(path, values, newline))]


def put(text: str, path: Sequence[str], key: str, value: Any) -> list[Edit]:
    """The edits by which a table that is there has this value for `key`; None takes the key out.

    Raises:
        NotEditable: There is no such table, or it is written in another way.
    """
    statements = _statements(text)
    inside = [one for one in statements if one.table == tuple(path)]
    if not any(one.opens for one in inside):
        raise NotEditable(f"[{'.'.join(path)}] is not in it as a table of its own")
    said = [one for one in inside if one.key is not None]
    there = next((one for one in said if one.key == (key,)), None)
    if value is None:
        return [Edit(there.start, there.end, "")] if there is not None else []
    if there is not None:
        old = text[there.value_at : there.end]
        ending = re.search(r"[ \t]*(?:#[^\r\n]*)?\r?\n?\Z", old) if "\n" not in old.strip() else None
        if tomllib.loads(f"x = {old}")["x"] == value:
            return []
        # A comment behind the value stays where it can be told from it without reading the value again.
        tail = "\r\n" if old.endswith("\r\n") else "\n" if old.endswith("\n") else ""
        if ending is not None and _is_value(old[: ending.start()]):
            tail = ending[0]
        return [Edit(there.value_at, there.end, rendered(value) + tail)]
    newline = "\r\n" if "\r\n" in text else "\n"
    at = max(one.end for one in inside if one.opens or one.key is not None)
    gap = "" if text[:at].endswith("\n") else newline
    return [Edit(at, at, f"{gap}{_key(key)} = {rendered(value)}{newline}")]


def take_table(text: str, path: Sequence[str]) -> list[Edit]:
    """The edits by which a table and those below it are gone; comments and blank lines behind them stay.

    Raises:
        NotEditable: As `put`.
    """
    wanted = tuple(path)
    edits: list[Edit] = []
    statements = _statements(text)
    at = 0
    while at < len(statements):
        one = statements[at]
        if not (one.opens and one.table[: len(wanted)] == wanted):
            at += 1
            continue
        block = [one, *_until_next_header(statements[at + 1 :])]
        last = max(index for index, part in enumerate(block) if part.opens or part.key is not None)
        end, after = block[last].end, statements[at + last + 1 : at + last + 2]
        start = one.start
        before = statements[at - 1] if at else None
        # The blank line that sets the table off goes with it, where nothing else needs it.
        gap = before is not None and not text[before.start : before.end].strip()
        if gap and before is not None and (not after or not text[after[0].start : after[0].end].strip()):
            start = before.start
        edits.append(Edit(start, end, ""))
        at += len(block)
    if not edits:
        raise NotEditable(f"[{'.'.join(path)}] is not in it as a table of its own")
    return edits


def _until_next_header(statements: Sequence[_Statement]) -> list[_Statement]:
    ends = next((index for index, one in enumerate(statements) if one.opens), len(statements))
    return list(statements[:ends])


def _statements(text: str) -> list[_Statement]:
    read(text)
    found: list[_Statement] = []
    inside: tuple[str, ...] = ()
    start = 0
    chunk = ""
    # Not `splitlines`, which also breaks at signs that are part of a string or a comment.
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        chunk += line
        said = _parsed(chunk)
        if said is None:
            continue
        end = start + len(chunk)
        if chunk.lstrip().startswith("["):
            inside = _only_path(said)
            found.append(_Statement(start, end, inside, opens=True))
        elif (named := _NAMED.match(chunk)) is not None and said:
            key = _only_path(tomllib.loads(f"{named[1]} = 0"))
            found.append(_Statement(start, end, inside, key=key, value_at=start + named.end()))
        else:
            found.append(_Statement(start, end, inside))
        chunk, start = "", end
    if chunk:
        raise NotEditable("not TOML that can be cut into its lines")
    return found


def _parsed(chunk: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(chunk)
    except tomllib.TOMLDecodeError:
        return None


def _only_path(said: Any) -> tuple[str, ...]:
    """The names on the way down something that has one at each step; a list of tables adds an empty one."""
    path: list[str] = []
    while isinstance(said, dict) and said:
        ((name, said),) = said.items()
        path.append(name)
    return (*path, "") if isinstance(said, list) else tuple(path)


def _is_value(text: str) -> bool:
    return _parsed(f"x = {text}\n") is not None


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else rendered(name)

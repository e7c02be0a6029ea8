"""JSON as editors keep it, with comments and trailing commas, changed in one place: every other character stays.

What is read is RFC 8259 with the two additions that VS Code names (code.visualstudio.com/docs/languages/json, "JSON
with comments"): `//` and `/* */` between tokens, and a comma after the last item. A text that needs more than these is
refused, and so is one in which a key on the way to our entry stands twice, as readers differ on which one counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from maton_mailgun.hosts.edits import Edit, NotEditable

_BETWEEN = re.compile(r"(?:[ \t\r\n]|//[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
_REST_OF_LINE = re.compile(r"(?:[ \t]|/\*[^\r\n]*?\*/)*(?://[^\r\n]*)?")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_SCALAR = re.compile(r"(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null)(?![\w.+-])")
_BLANKS = re.compile(r"[ \t]*")
_DEEPEST = 100
Step = str | int
"""A key of an object, or a place in a list."""


@dataclass(frozen=True, slots=True)
class Item:
    """A member of an object or an element of a list."""

    start: int
    key: str | None
    node: Node
    comma: int | None
    """Where the comma behind it stands."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands."""

    start: int
    end: int
    value: Any
    """As `json.loads` gives it; of keys that stand twice the last."""
    items: tuple[Item, ...] = ()
    twice: frozenset[str] = field(default_factory=frozenset)
    """Keys of this object that stand in it more than once."""


def read(text: str) -> Node | None:
    """The value that the text is; None where there is none, but for blanks and comments.

    Raises:
        NotEditable: It is no JSON with comments; names the line.
    """
    return _Reader(text).whole()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text

    def whole(self) -> Node | None:
        start = self._between(0)
        if start == len(self._text):
            return None
        node = self._value(start, 0)
        end = self._between(node.end)
        if end != len(self._text):
            raise self._wrong(end, "something stands after its end")
        return node

    def _between(self, at: int) -> int:
        return _end(_BETWEEN, self._text, at)

    def _value(self, at: int, depth: int) -> Node:
        if depth > _DEEPEST:
            raise self._wrong(at, "it is nested too deeply")
        sign = self._text[at : at + 1]
        if sign in ("{", "["):
            return self._container(at, depth, "}" if sign == "{" else "]")
        found = _STRING.match(self._text, at) or _SCALAR.match(self._text, at)
        if found is None:
            raise self._wrong(at, "a value is missing or not JSON")
        return Node(at, found.end(), self._decoded(found[0], at))

    def _container(self, start: int, depth: int, closing: str) -> Node:
        items: list[Item] = []
        at = self._between(start + 1)
        while self._text[at : at + 1] != closing:
            if items and items[-1].comma is None:
                raise self._wrong(at, f"a comma or {closing} is missing")
            items.append(self._item(at, depth, named=closing == "}"))
            comma = items[-1].comma
            at = self._between(items[-1].node.end if comma is None else comma + 1)
        keys = [item.key for item in items if item.key is not None]
        value: Any = {item.key: item.node.value for item in items} if closing == "}" else [i.node.value for i in items]
        twice = frozenset(key for key in keys if keys.count(key) > 1) if len(set(keys)) != len(keys) else frozenset()
        return Node(start, at + 1, value, tuple(items), twice)

    def _item(self, start: int, depth: int, *, named: bool) -> Item:
        key, at = None, start
        if named:
            found = _STRING.match(self._text, at)
            if found is None:
                raise self._wrong(at, "a key in double quotes is missing")
            key, at = self._decoded(found[0], at), self._between(found.end())
            if self._text[at : at + 1] != ":":
                raise self._wrong(at, "a colon is missing")
            at = self._between(at + 1)
        node = self._value(at, depth + 1)
        after = self._between(node.end)
        return Item(start, key, node, after if self._text[after : after + 1] == "," else None)

    def _decoded(self, token: str, at: int) -> Any:
        try:
            return json.loads(token)
        except (ValueError, RecursionError):
            raise self._wrong(at, "a value is not JSON") from None

    def _wrong(self, at: int, why: str) -> NotEditable:
        return NotEditable(f"not JSON, with or without comments: line {self._text.count(chr(10), 0, at) + 1}, {why}")


def put(text: str, path: Sequence[Step], value: Any) -> list[Edit]:
    """The edits by which `value` stands at `path`: in the place of what is there, or as a new last item.

    An integer that is the length of a list appends to it.

    Raises:
        NotEditable: The text is not JSON, or something on the path is no object, or stands twice.
    """
    root = read(text)
    if root is None:
        gap = "" if not text or text.endswith(("\n", "\r")) else _newline(text)
        new = _rendered(_nested(path, value), "", _unit(text, None), _newline(text))
        return [Edit(len(text), len(text), f"{gap}{new}{_newline(text)}")]
    node = root
    for depth, step in enumerate(path):
        item = _item_at(node, step)
        if item is None:
            return _added(text, root, node, step, _nested(path[depth + 1 :], value))
        node = item.node
    if same(node.value, value):
        return []
    indent = _indent_of_line(text, node.start)
    inline = "\n" not in text[root.start : root.end]
    new = (
        json.dumps(value, ensure_ascii=False) if inline else _rendered(value, indent, _unit(text, root), _newline(text))
    )
    return [Edit(node.start, node.end, new)]


def take(text: str, path: Sequence[Step]) -> list[Edit]:
    """The edits by which nothing stands at `path` any more; what stands around it, comments too, stays.

    Raises:
        NotEditable: As `put`; or there is nothing at `path`.
    """
    node = read(text)
    for step in path[:-1]:
        item = None if node is None else _item_at(node, step)
        if item is None:
            raise NotEditable(f"{step} is not in it")
        node = item.node
    if node is None or (item := _item_at(node, path[-1])) is None:
        raise NotEditable(f"{path[-1]} is not in it")
    place = node.items.index(item)
    end = item.node.end if item.comma is None else item.comma + 1
    start = _after_what_stands_before(text, node, item)
    if len(node.items) == 1:
        blank = re.compile(r"[ \t\r\n]*").match(text, end)
        # A comment that stays keeps the line it is on.
        if start == node.start + 1 and blank is not None and blank.end() == node.end - 1:
            end = blank.end()
    if _ends_in_line_comment(text, node, start) and not text.startswith(("\n", "\r"), end):
        start = item.start
    edits = [Edit(start, end, "")]
    if place and item is node.items[-1] and item.comma is None:
        before = node.items[place - 1].comma
        edits = [Edit(before, before + 1, ""), *edits] if before is not None else edits
    return edits


def _item_at(node: Node, step: Step) -> Item | None:
    if isinstance(step, int):
        if not isinstance(node.value, list):
            raise NotEditable("what the host documents as a list is none")
        return node.items[step] if step < len(node.items) else None
    if not isinstance(node.value, dict):
        raise NotEditable(f"what {json.dumps(step)} belongs into is no object")
    if step in node.twice:
        raise NotEditable(f"{json.dumps(step)} stands in it twice")
    return next((item for item in node.items if item.key == step), None)


def _added(text: str, root: Node, into: Node, step: Step, value: Any) -> list[Edit]:
    """The edits that make a new last item of an object or a list."""
    newline, unit = _newline(text), _unit(text, root)
    name = f"{json.dumps(step, ensure_ascii=False)}: " if isinstance(step, str) else ""
    if not into.items:
        outer = _indent_of_line(text, into.start)
        inner = outer + unit
        rest = text[into.start + 1 : into.end - 1]
        # What stands in the empty brackets is kept before the new item; its blanks at the end lead to the closing one.
        kept = rest.rstrip(" \t\r\n")
        closing = rest[len(kept) :]
        at = into.start + 1 + len(kept)
        tail = "" if "\n" in closing else newline + outer
        return [Edit(at, at, f"{newline}{inner}{name}{_rendered(value, inner, unit, newline)}{tail}")]
    last = into.items[-1]
    end = last.node.end if last.comma is None else last.comma + 1
    comma = [] if last.comma is not None else [Edit(end, end, ",")]
    trailing = "," if last.comma is not None else ""
    lead = re.search(r"(?:\A|[\r\n])([ \t]*)\Z", text[: last.start])
    if lead is None:
        return [*comma, Edit(end, end, f" {name}{json.dumps(value, ensure_ascii=False)}{trailing}")]
    line_end = _end(_REST_OF_LINE, text, end)
    line_end = line_end if text[line_end : line_end + 1] in ("\r", "\n") else end
    new = f"{newline}{lead[1]}{name}{_rendered(value, lead[1], unit, newline)}{trailing}"
    return [*comma, Edit(line_end, line_end, new)]


def _after_what_stands_before(text: str, node: Node, item: Item) -> int:
    """Where the blanks before an item begin: after a bracket, a comma or a comment."""
    before = text[node.start + 1 : item.start]
    return node.start + 1 + len(before.rstrip(" \t\r\n"))


def _ends_in_line_comment(text: str, node: Node, at: int) -> bool:
    """Whether what stands before `at`, between two items, is a comment that goes on to the end of its line."""
    stops = [node.start + 1, *(i.node.end if i.comma is None else i.comma + 1 for i in node.items)]
    start = max(stop for stop in stops if stop <= at)
    return any(comment.startswith("//") for comment in _comments(text[start:at])[-1:])


def _comments(between: str) -> list[str]:
    return re.findall(r"//[^\r\n]*|/\*.*?\*/", between, re.DOTALL)


def _nested(path: Sequence[Step], value: Any) -> Any:
    for step in reversed(path):
        value = {step: value} if isinstance(step, str) else [value]
    return value


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same; to Python, 1 is True. TOML has moments besides."""
    return json.dumps(one, sort_keys=True, default=repr) == json.dumps(other, sort_keys=True, default=repr)


def _rendered(value: Any, indent: str, unit: str, newline: str) -> str:
    made = json.dumps(value, indent=unit, ensure_ascii=False)
    return made.replace("\n", newline + indent)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _unit(text: str, root: Node | None) -> str:
    """What one step of indentation is in this text; two blanks where it shows none."""
    for item in _walk(root) if root is not None else ():
        lead = re.search(r"[\r\n]([ \t]+)\Z", text[max(0, item.start - 80) : item.start])
        if lead is not None:
            return lead[1]
    return "  "


def _walk(node: Node) -> Iterator[Item]:
    """The items of a value; outermost first, as those show the step best."""
    yield from node.items
    for item in node.items:
        yield from _walk(item.node)


def _indent_of_line(text: str, at: int) -> str:
    begin = max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1
    return text[begin : min(at, _end(_BLANKS, text, begin))]


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Where something that may be empty ends."""
    found = pattern.match(text, at)
    return at if found is None else found.end()

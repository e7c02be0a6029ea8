"""One change to a call: any one thing in it made different, as a mistake or an attacker would."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from .calls import Call

SIGNS = "\u200b\u200d\u202e\u2066\u00ad\ufeff\u00a0\u2003\u3000\u2028\u0085\x0b\r\n\t \u23ce\u21e5\u27e8\u27e9“”«»'\"\\"
SIGNS += ";:|,.<>&#{}[]()=+-_/?!…éеа\u0301\U0001f600\ufe0f\u0660０A1z"
WORDS = ("", "  ", " " * 20, "BCC", "to: eve@evil.example.net", "<b>now</b>", "100", "…", "; ", ": ", "⏎", "(nothing)")

Path = tuple[Any, ...]


@dataclass(frozen=True)
class Change:
    """Numbers that pick what is changed, how and where; they are taken modulo what there is."""

    pick: int
    how: int
    where: int
    text: str


changes = st.builds(
    Change,
    st.integers(0, 10_000),
    st.integers(0, 10_000),
    st.integers(0, 10_000),
    st.one_of(st.sampled_from(SIGNS), st.sampled_from(WORDS), st.text(SIGNS, min_size=1, max_size=4)),
)


def changed(call: Call, change: Change) -> tuple[Call, Path]:
    """A copy of `call` with one thing changed, and where it was."""
    other = call.copy()
    tree = other.changeable()
    places = list(_places(tree))
    path = places[change.pick % len(places)]
    holder = tree
    for step in path[:-1]:
        holder = holder[step]
    _change(holder, path[-1], change, fixed=path[0] in {"mime", "files"} or (len(path) == 2 and path[0] == "template"))
    return other, path


def _places(part: Any, path: Path = ()) -> Iterator[Path]:
    items = part.items() if isinstance(part, dict) else enumerate(part)
    for step, inner in items:
        here = (*path, step)
        if len(here) > 1 and step not in {"field", "encoding"}:
            yield here
        if isinstance(inner, dict | list):
            yield from _places(inner, here)


def _change(holder: Any, step: Any, change: Change, *, fixed: bool) -> None:
    """With `fixed` the names in `holder` are not the caller's own and stay."""
    value = holder[step]
    if isinstance(value, list) and _is_pair(value):
        holder, step, value = value, 1, value[1]
    if isinstance(holder, list) and change.how % 7 < 3 and not _is_pair(holder):
        _reorder(holder, step, change)
    elif isinstance(holder, dict) and not fixed and change.how % 9 == 0:
        _rename(holder, step, change)
    elif isinstance(holder, dict) and not fixed and change.how % 9 == 1:
        del holder[step]
    elif isinstance(value, str):
        holder[step] = _respelled(value, change)
    elif isinstance(value, bool):
        holder[step] = not value
    elif isinstance(value, int | float):
        holder[step] = value + (1, -1, 0.5, 10_000)[change.where % 4]
    elif value is None:
        holder[step] = (0, "", False, "null")[change.where % 4]
    elif isinstance(value, dict):
        value[change.text or "new"] = (change.text, 5, None, True, [1])[change.where % 5]
    elif value:
        value.append(copy.deepcopy(value[change.where % len(value)]))
    else:
        value.append(["X-New", change.text] if step == "headers" else change.text)


def _is_pair(holder: list[Any]) -> bool:
    """A header of a ready message: a name and a value."""
    return len(holder) == 2 and all(isinstance(one, str) for one in holder) and str(holder[0])[:1].isupper()


def _reorder(holder: list[Any], step: int, change: Change) -> None:
    match change.how % 3:
        case 0:
            del holder[step]
        case 1:
            holder.insert(change.where % (len(holder) + 1), copy.deepcopy(holder[step]))
        case _:
            other = change.where % len(holder)
            holder[step], holder[other] = holder[other], holder[step]


def _rename(holder: dict[str, Any], step: str, change: Change) -> None:
    """Under another name in the same place, or the entries in another order."""
    entries = list(holder.items())
    index = list(holder).index(step)
    if change.where % 2:
        entries[index] = (_respelled(step, change), entries[index][1])
    else:
        other = change.where % len(entries)
        entries[index], entries[other] = entries[other], entries[index]
    holder.clear()
    holder.update(entries)


def _respelled(text: str, change: Change) -> str:
    at = change.where % (len(text) + 1)
    match change.how % 6:
        case 0:
            return text[:at] + change.text + text[at:]
        case 1:
            return text[:at] + text[at + 1 :]
        case 2:
            return text[:at] + change.text + text[at + 1 :]
        case 3:
            return text[:at] + text[at : at + 2][::-1] + text[at + 2 :]
        case 4:
            return text[:at] + text[at : at + 1].swapcase() + text[at + 1 :]
        case _:
            return text + change.text

"""Small changes to a text of somebody else's: what goes in and comes out where; every other character stays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class NotEditable(Exception):
    """The text is not what the host reads, or cannot be changed in one place alone; says why, for a person."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Characters from `start` up to `end` of the text become `new`."""

    start: int
    end: int
    new: str


def applied(text: str, edits: Iterable[Edit]) -> str:
    """`text` with all edits made; none may begin within another."""
    parts, at = [], 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        parts += [text[at : edit.start], edit.new]
        at = edit.end
    return "".join([*parts, text[at:]])

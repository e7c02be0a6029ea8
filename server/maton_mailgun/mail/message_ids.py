"""Headers that hold message ids: RFC 5322, 3.6.4 has each in angle brackets, with a blank between two."""

from __future__ import annotations

import re

_HEADERS = frozenset({"in-reply-to", "references"})
_BREAKS = re.compile(r"[\s,;]+|(?<=>)(?=<)")
_ID = re.compile(r"<?([^\s<>,;@\"()]+@[^\s<>,;@\"()]+)>?")


def holds_ids(header: str) -> bool:
    """Whether the value of a header is message ids."""
    return header.casefold() in _HEADERS


def written(value: str) -> str:
    """The ids of such a header, each in angle brackets.

    Raises:
        ValueError: Something in it is no message id.
    """
    parts = [part for part in _BREAKS.split(value.strip()) if part]
    found = [_ID.fullmatch(part) for part in parts]
    if not parts or not all(found):
        raise ValueError("holds something that is no message id")
    return " ".join(f"<{match[1]}>" for match in found if match)


def bare(value: str) -> str:
    """`value` with the ids in it without angle brackets, as filters take them."""
    return re.sub(r"<([^\s<>]+)>", r"\1", value)

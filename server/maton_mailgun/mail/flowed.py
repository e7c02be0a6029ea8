"""Plain text whose lines mail programs join again: `format=flowed` (RFC 3676), which Thunderbird and Apple Mail write.

A line that ends with a blank goes on in the next one. With `delsp=yes` the blank is deleted, so that an amount or the
host of a link may be one thing in the lines and another when they are joined.
"""

from __future__ import annotations

from collections.abc import Mapping

_SIGNATURE = "-- "


def is_flowed(type_: str, parameters: Mapping[str, str]) -> bool:
    """Whether programs that know the format join the lines of such a part."""
    return type_ == "text/plain" and parameters.get("format", "").strip().casefold() == "flowed"


def deletes_blanks(parameters: Mapping[str, str]) -> bool:
    """Whether the blanks at which lines were broken are no part of the text."""
    return parameters.get("delsp", "").strip().casefold() == "yes"


def joined(text: str, *, delete_blanks: bool) -> str:
    """The text as programs show it that know the format (RFC 3676, 4.1 to 4.5)."""
    paragraphs: list[list[str]] = []
    quotes, goes_on = "", False
    for line in text.split("\n"):
        content = line.lstrip(">")
        depth = line[: len(line) - len(content)]
        content = content.removeprefix(" ")
        if not (goes_on and depth == quotes and content != _SIGNATURE):
            paragraphs.append([f"{depth} " if depth else ""])
        quotes, goes_on = depth, content.endswith(" ") and content != _SIGNATURE
        paragraphs[-1].append(content[:-1] if goes_on and delete_blanks else content)
    return "\n".join(map("".join, paragraphs))

"""A form's message as a person reads it, whether their client shows it as it is or draws it as Markdown."""

from __future__ import annotations

_INDENT = "    "


def as_read(message: str) -> str:
    """The lines of a form's message below its head, as they were before they were indented and folded."""
    _, _, *block = message.split("\n")
    lines: list[str] = []
    for line in block:
        inner = line.removeprefix(_INDENT)
        if inner.startswith(_INDENT):
            lines[-1] += inner.removeprefix(_INDENT)
        else:
            lines.append(inner)
    return "\n".join(lines)

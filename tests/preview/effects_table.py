"""Every sentence of the catalogue with real values in it, as text to be read. Run this file to write it anew."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

from fake_account import part, propose, tools

from maton_mailgun.approval.preview.effect import render
from maton_mailgun.approval.preview.look import make
from maton_mailgun.wire.attachments import collect
from maton_mailgun.wire.request import FilePart

PATH = Path(__file__).with_name("effects.txt")
EXAMPLES = Path(__file__).parents[1] / "catalogue" / "examples.json"
_MIME = b"From: ada@mg.example.com\r\nTo: bob@example.net\r\nSubject: Ready\r\n\r\nHello\r\n"


def examples() -> dict[str, dict[str, dict[str, object]]]:
    """Tool -> "minimal" and "full" arguments."""
    found: dict[str, dict[str, dict[str, object]]] = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    return found


def files(tool: str, arguments: dict[str, object]) -> tuple[FilePart, ...]:
    """Parts in place of the files that an example names."""
    if tool == "send_mime_message":
        return (part("message.mime", _MIME, field="message", kind="message/rfc822"),)
    if tools()[tool].message_of is not None:
        parts, _ = collect(tools()[tool], arguments, None)
        return parts
    found = []
    for name, field in (("attachments", "attachment"), ("inline", "inline")):
        paths = arguments.get(name)
        found += [
            part(Path(str(path)).name, b"1234", field=field) for path in (paths if isinstance(paths, list) else [])
        ]
    return tuple(found)


def table() -> str:
    """The whole file."""
    return "\n".join(line for tool in tools() if tools()[tool].writes for line in _tool(tool))


def _tool(tool: str) -> Iterator[str]:
    operation = tools()[tool]
    for kind, arguments in examples()[tool].items():
        given = {**operation.defaults, **arguments}
        preview = asyncio.run(make(propose(tool, arguments, files=files(tool, arguments)))).preview
        yield f"{tool}, {kind}"
        yield f"  {operation.access.upper()}: {preview['target']}"
        yield f"  {preview['effect']}"
        yield f"  {preview['undo']}"
        for template in operation.warn:
            if line := render(template, given, secret=operation.secret):
                yield f"  WARNING: {line}"
        yield ""


if __name__ == "__main__":
    PATH.write_text(table(), encoding="utf-8")

"""What a person is told of a message that a client proposes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from maton_mailgun.approval.preview.terminal_text import unwrapped

from .bench import LETTER, Desk, structured

READY: dict[str, Any] = {"domain": LETTER["domain"], "to": ["ann@example.net"]}


@dataclass(frozen=True)
class Told:
    """What a person is told of a message."""

    text: str
    """All of it, as the terminal has it."""
    warnings: list[str]
    links: list[str]


async def told(desk: Desk, source: str) -> Told:
    return await asked(desk, "send_mime_message", {**READY, "message": source})


async def asked(desk: Desk, tool: str, arguments: dict[str, Any]) -> Told:
    async with desk.open(attachments=desk.home.parent) as house, house.client() as client:
        content = structured(await client.call_tool(tool, arguments))
        assert content["status"] == "approval_required", content
        record = await house.gate.get(content["approval_id"])
        assert record is not None
    preview = record.preview
    return Told("\n".join(unwrapped(preview)), preview["warnings"], preview["message"]["link_hosts"])


async def previewed(desk: Desk, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The frozen preview of a call."""
    async with desk.open() as house, house.client() as client:
        content = structured(await client.call_tool(tool, arguments))
        record = await house.gate.get(content.get("approval_id", ""))
        assert record is not None, content
        return dict(record.preview)


async def uploaded(desk: Desk, name: str, content: bytes, field: str = "attachments") -> Told:
    (desk.home.parent / name).write_bytes(content)
    return await asked(desk, "send_message", {**LETTER, field: [name]})

"""`maton-mailgun tools`: what is on offer."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from typing import Any

from maton_mailgun.catalogue.operation import Catalogue
from maton_mailgun.catalogue.rows import load
from maton_mailgun.cli.exit_status import OK
from maton_mailgun.cli.flags import settings_of
from maton_mailgun.cli.screen import Screen
from maton_mailgun.mail.text import count
from maton_mailgun.protocol.approval_schemas import TOOLS

APPROVAL_TOOLSET = "approvals"
Row = tuple[str, str, str, str]
"""Tool, toolset, access, title."""


def run(arguments: argparse.Namespace) -> int:
    """List the operations and the approval tools."""
    settings, screen = settings_of(arguments), Screen()
    if arguments.digest:
        # What is told is made by the server itself; the other forms need nothing of it.
        from maton_mailgun.protocol.server import tools
        from maton_mailgun.protocol.tool_digest import tool_digest
        from maton_mailgun.runtime import engine

        screen.line(tool_digest(tools(engine(settings))))
        return OK
    offered = load().only(settings.toolsets, read_only=settings.read_only)
    approval_tools = () if settings.read_only else TOOLS
    if arguments.json:
        screen.line(json.dumps(list(_described(offered, approval_tools)), indent=None))
    elif arguments.markdown:
        screen.lines(markdown(offered, approval_tools))
    else:
        screen.table(("tool", "toolset", "access", "what it does"), rows(offered, approval_tools))
        screen.line()
        screen.line(f"{count(len(offered), 'operation')} and {count(len(approval_tools), 'approval tool')}", "quiet")
    return OK


def rows(offered: Catalogue, approval_tools: tuple[Mapping[str, Any], ...] = TOOLS) -> Iterator[Row]:
    """Every tool, in the order in which clients see them."""
    for operation in offered.values():
        yield operation.name, operation.toolset, operation.access, operation.title
    for tool in approval_tools:
        access = "read" if tool["annotations"]["readOnlyHint"] else "change"
        yield tool["name"], APPROVAL_TOOLSET, access, tool["title"]


def markdown(offered: Catalogue, approval_tools: tuple[Mapping[str, Any], ...] = TOOLS) -> list[str]:
    """The tools as a Markdown table: tool, the first sentence of its description, access and whether it is offered only
    where its toolset is named."""
    about = {name: operation.about for name, operation in offered.items()}
    about |= {tool["name"]: tool["description"] for tool in approval_tools}
    named = {name for name, operation in offered.items() if operation.exposure == "named"}
    lines = ["| Tool | What it does | Access |", "| --- | --- | --- |"]
    for name, _, access, _ in rows(offered, approval_tools):
        first, _, _ = about[name].replace("|", "\\|").partition(". ")
        lines.append(f"| `{name}` | {first.rstrip('.')} | {access}{', *named*' if name in named else ''} |")
    return lines


def _described(offered: Catalogue, approval_tools: tuple[Mapping[str, Any], ...]) -> Iterator[dict[str, Any]]:
    for operation in offered.values():
        yield {
            "name": operation.name,
            "toolset": operation.toolset,
            "access": operation.access,
            "title": operation.title,
            "description": operation.description,
            "annotations": operation.hints,
            "inputSchema": dict(operation.schema),
        }
    for tool in approval_tools:
        yield {"toolset": APPROVAL_TOOLSET, **tool}

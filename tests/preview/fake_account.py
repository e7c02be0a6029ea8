"""An account that answers reads from a table, proposals against it, and what is seen of them."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import quote

from maton_mailgun.approval.preview.look import Look
from maton_mailgun.approval.preview.proposal import CouldNotRead, Proposal, ReadAnswer
from maton_mailgun.catalogue import rows as catalogue
from maton_mailgun.catalogue.operation import Catalogue
from maton_mailgun.exchange import Account
from maton_mailgun.wire.request import FilePart, build

NOW = 1_795_000_000.0
"""18 November 2026, 11:06:40 UTC."""

MISSING = ReadAnswer(404, {"message": "Not found"})


@cache
def tools() -> Catalogue:
    return catalogue.load()


@dataclass
class FakeAccount:
    """Answers `METHOD /path?query` from `answers`; everything else is 404. An exception in the table is raised."""

    answers: Mapping[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    hang: frozenset[str] = frozenset()
    """Requests that never get an answer."""

    async def __call__(self, source: str, arguments: Mapping[str, Any], /) -> ReadAnswer:
        request = self.request(source, arguments)
        self.asked.append(request)
        if request in self.hang:
            await asyncio.Event().wait()
        answer = self.answers.get(request, MISSING)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, ReadAnswer) else ReadAnswer(200, answer)

    @staticmethod
    def request(source: str, arguments: Mapping[str, Any]) -> str:
        if source in tools():
            source = f"GET {tools()[source].path}"
        return re.sub(r"\{(\w+)\}", lambda found: quote(str(arguments[found[1]]), safe=""), source)


def part(name: str, content: bytes, *, field: str = "attachment", kind: str = "text/plain") -> FilePart:
    return FilePart(field, name, kind, len(content), hashlib.sha256(content).hexdigest(), None, content)


def propose(
    tool: str,
    arguments: Mapping[str, Any],
    account: FakeAccount | None = None,
    *,
    files: tuple[FilePart, ...] = (),
    **more: Any,
) -> Proposal:
    operation = tools()[tool]
    return Proposal(
        operation=operation,
        arguments=arguments,
        request=build(operation, arguments, files),
        account=Account("conn-1", "Main account", sandbox=False),
        client="test-client",
        principal="ada",
        read=account or FakeAccount(),
        now=NOW,
        **more,
    )


def refused(reason: str) -> CouldNotRead:
    return CouldNotRead(reason)


def section(found: Look, heading: str) -> dict[str, str]:
    """The rows of the preview's sections of that heading, by their labels."""
    return {
        row["label"]: row["value"]
        for part in found.preview["sections"]
        if part["heading"] == heading
        for row in part["rows"]
    }

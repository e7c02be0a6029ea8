"""A catalogue of a service that does not exist: what rows can say and no tool of today says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from maton_mailgun.approval.preview.look import make
from maton_mailgun.approval.preview.proposal import Proposal, ReadAnswer
from maton_mailgun.approval.preview.terminal_text import unwrapped
from maton_mailgun.catalogue.operation import Catalogue
from maton_mailgun.catalogue.rows import read
from maton_mailgun.exchange import Account
from maton_mailgun.wire.request import build

from .doubles import DOMAIN

_WRITES = """
target = "the notes of {domain}"
effect = "Writes notes of {domain}."
undo = "Can be removed again."
success = { message = ["stored"] }
"""
ROWS = {
    "store_notes": f"""
title = "Store notes"
about = "Stores notes."
access = "create"
request = "POST /v4/{{domain}}/notes"
body = "json"
fixed = {{ kind = "note", version = 2, strict = true }}
in_query = ["dry_run", "tags"]
in_headers = {{ on_behalf_of = "X-Mailgun-On-Behalf-Of" }}
wire = {{ dry_run = "dry-run", send_to = "sendTo" }}
encode = {{ due = "date" }}
addresses = {{ send_to = "list" }}
lines = ["text", "notes"]
secret = ["pin"]
billed = "Mailgun bills each note."
gateway = "unproven"
{_WRITES}""",
    "replace_notes": f"""
title = "Replace notes"
about = "Replaces all notes."
access = "change"
request = "PUT /v4/{{domain}}/notes"
body = "json"
body_is = "notes"
lines = ["notes"]
in_query = ["dry_run"]
before = "list_notes"
exposure = "named"
{_WRITES}""",
    "drop_notes": f"""
title = "Drop notes"
about = "Drops some notes."
access = "delete"
request = "DELETE /v4/{{domain}}/notes"
body = "json"
before = "list_notes"
{_WRITES}""",
    "list_notes": """
title = "List notes"
about = "All notes."
access = "read"
request = "GET /v4/{domain}/notes"
paging = "skip"
items = "data.list"
total = "data.total"
gateway = "unproven"
billed = "Mailgun bills each list."
exposure = "named"
""",
    "count_notes": """
title = "Count notes"
about = "Counts notes."
access = "read"
request = "POST /v4/{domain}/notes/count"
body = "json"
items = "data.list"
""",
}
_TEXT: dict[str, Any] = {"type": "string"}
_OBJECTS: dict[str, Any] = {"type": "array", "items": {"type": "object"}}
_ARGUMENTS: dict[str, dict[str, Any]] = {
    "store_notes": {
        "domain": _TEXT, "notes": _OBJECTS, "size": {"type": "number"}, "open": {"type": "boolean"}, "text": _TEXT,
        "due": _TEXT, "send_to": {"type": "array", "items": _TEXT}, "pin": _TEXT, "dry_run": {"type": "boolean"},
        "tags": {"type": "array", "items": _TEXT}, "on_behalf_of": _TEXT, "connection_id": _TEXT,
    },
    "replace_notes": {"domain": _TEXT, "notes": _OBJECTS, "dry_run": {"type": "boolean"}, "connection_id": _TEXT},
    "drop_notes": {"domain": _TEXT, "ids": {"type": "array", "items": {"type": "integer"}}, "connection_id": _TEXT},
    "list_notes": {"domain": _TEXT, "limit": {"type": "integer"}, "cursor": _TEXT, "connection_id": _TEXT},
    "count_notes": {"domain": _TEXT, "filters": _OBJECTS, "connection_id": _TEXT},
}  # fmt: skip
_REQUIRED = {"replace_notes": ["domain", "notes"]}


def notes(tool: str = "", old: str = "", new: str = "") -> Catalogue:
    """The catalogue; with `old` replaced by `new` in one row."""
    rows = dict(ROWS)
    if tool:
        assert old in rows[tool]
        rows[tool] = rows[tool].replace(old, new, 1)
    text = 'title = "Notes"\nabout = "Notes."\n' + "".join(f"[tools.{name}]{row}" for name, row in rows.items())
    schemas = {
        name: {
            "type": "object",
            "properties": arguments,
            "required": _REQUIRED.get(name, ["domain"]),
            "additionalProperties": False,
        }
        for name, arguments in _ARGUMENTS.items()
    }
    return read({"notes": text}, {name: json.dumps(schema) for name, schema in schemas.items()})


NOTES: list[dict[str, Any]] = [{"id": 1, "done": False, "of": {"x": [1.5, None]}}, {"id": 2, "name": "Grüße\n2"}]
FULL_CALL: dict[str, Any] = {
    "domain": DOMAIN, "notes": NOTES, "size": 5, "open": True, "text": "5", "due": "2026-01-31T09:00:00Z",
    "send_to": ["Ann <ann@example.net>", "bob@example.net"], "pin": "1234", "dry_run": False, "tags": ["a", "b"],
    "on_behalf_of": "sub-1",
}  # fmt: skip


async def _nothing(_source: str, _arguments: Any, /) -> ReadAnswer:
    return ReadAnswer(404, {})


def shown(tool: str, arguments: dict[str, Any]) -> tuple[dict[str, str], str, list[str]]:
    """The rows of what will be sent, the terminal's text, and the warnings."""
    operation = notes()[tool]
    proposal = Proposal(
        operation=operation, arguments=arguments, request=build(operation, arguments), client="a client", now=0.0,
        account=Account("conn-1", "Main", sandbox=False), principal="ada", read=_nothing,
    )  # fmt: skip
    look = asyncio.run(make(proposal))
    sections: Sequence[Any] = look.preview["sections"]
    rows = [row for section in sections if section["heading"] == "The exact values" for row in section["rows"]]
    return {row["label"]: row["value"] for row in rows}, "\n".join(unwrapped(look.preview)), look.warnings

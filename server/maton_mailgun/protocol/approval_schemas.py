"""How the approval tools are published: names, schemas, hints. Plain data, so that listing tools loads nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ID = {"type": "string", "pattern": "^apr_[0-9a-f]{32}$", "description": "The approval_id of the result"}
_READ = {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False}
_OUTPUT = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}

REPLACE = "replace_approval"

TOOLS: tuple[Mapping[str, Any], ...] = (
    {
        "name": "get_approval",
        "title": "Get an approval",
        "description": (
            "How a proposed write stands: waiting for a person, rejected, or carried out with its result. "
            "Waits for wait_seconds, or less (4) where this client may not allow so long."
        ),
        "inputSchema": {
            "type": "object",
            "properties": {
                "approval_id": _ID,
                "wait_seconds": {"type": "integer", "minimum": 0, "maximum": 55, "description": "Wait this long"},
            },
            "required": ["approval_id"],
            "additionalProperties": False,
        },
        "outputSchema": _OUTPUT,
        "annotations": _READ,
    },
    {
        "name": "list_approvals",
        "title": "List approvals",
        "description": "Proposed writes, newest first: what waits for a person and what became of the others.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "open_only": {"type": "boolean", "description": "Only undecided or unfinished ones"},
                "limit": {"type": "integer", "minimum": 1, "maximum": 100, "description": "Default 20"},
            },
            "additionalProperties": False,
        },
        "outputSchema": _OUTPUT,
        "annotations": _READ,
    },
    {
        "name": REPLACE,
        "title": "Replace a waiting approval",
        "description": (
            "Puts another call of the same tool in the place of your own proposal that still waits; it needs its own "
            "yes. Not where the user changed it."
        ),
        "inputSchema": {
            "type": "object",
            "properties": {
                "approval_id": _ID,
                "arguments": {"type": "object", "description": "All of the new call's"},
            },
            "required": ["approval_id", "arguments"],
            "additionalProperties": False,
        },
        "outputSchema": _OUTPUT,
        "annotations": {
            "readOnlyHint": False,
            "destructiveHint": False,
            "idempotentHint": True,
            "openWorldHint": True,
        },
    },
    {
        "name": "cancel_approval",
        "title": "Withdraw an approval",
        "description": "Withdraws a proposed write that still waits for a person. Nothing is sent.",
        "inputSchema": {
            "type": "object",
            "properties": {"approval_id": _ID},
            "required": ["approval_id"],
            "additionalProperties": False,
        },
        "outputSchema": _OUTPUT,
        "annotations": {
            "readOnlyHint": False,
            "destructiveHint": False,
            "idempotentHint": True,
            "openWorldHint": False,
        },
    },
)

RELAY: Mapping[str, Any] = {
    "name": "relay_approval",
    "title": "Relay the user's decision",
    "description": (
        "Only after the user has seen target and effect in the chat and answered in their own words: passes their "
        "decision on. Not for deletes or several recipients. Recorded as relayed by you."
    ),
    "inputSchema": {
        "type": "object",
        "properties": {
            "approval_id": _ID,
            "decision": {"type": "string", "enum": ["approve", "reject"], "description": "What the user decided"},
            "user_words": {
                "type": "string",
                "minLength": 1,
                "maxLength": 500,
                "description": "The user's answer, word for word",
            },
        },
        "required": ["approval_id", "decision", "user_words"],
        "additionalProperties": False,
    },
    "outputSchema": _OUTPUT,
    "annotations": {
        "readOnlyHint": False,
        "destructiveHint": True,
        "idempotentHint": True,
        "openWorldHint": False,
    },
}

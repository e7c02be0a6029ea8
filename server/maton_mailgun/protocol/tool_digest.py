"""One digest of all that a client is told of the tools: whoever noted it sees whether a server says the same today.

A description or a schema that was changed under the same name leads a model elsewhere, and no client shows it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

_TOLD = ("name", "title", "description", "inputSchema", "annotations")


def tool_digest(tools: Iterable[Mapping[str, Any]]) -> str:
    """SHA-256 of the tools of a `tools/list`, whatever their order: of each what is told of it, as JSON with sorted
    keys, no blanks, and every character as it is (UTF-8)."""
    told = sorted(({key: tool[key] for key in _TOLD if key in tool} for tool in tools), key=lambda one: one["name"])
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"

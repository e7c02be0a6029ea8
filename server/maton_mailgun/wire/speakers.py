"""Who wrote the body of an error: Maton's own carry `error.code`, or `type` with `code`, or `trace_id`."""

from __future__ import annotations

from typing import Any, Literal


def who_wrote(body: Any) -> Literal["maton", "mailgun"]:
    """Who wrote this body (parsed JSON, or None)."""
    if isinstance(body, dict):
        error = body.get("error")
        if isinstance(error, dict) and "code" in error:
            return "maton"
        if "trace_id" in body or ("code" in body and "type" in body):
            return "maton"
    return "mailgun"

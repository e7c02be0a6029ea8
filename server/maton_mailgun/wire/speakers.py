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


def says_absent(status: int, body: Any, service: Literal["mailgun", "maton"] = "mailgun") -> bool:
    """Whether an answer says in the words of the service that was called that a thing is not there. A page, or words
    about an address that nobody serves, come from elsewhere; and of Mailgun's things Maton says nothing."""
    if status != 404 or not isinstance(body, dict) or (who_wrote(body) == "maton") != (service == "maton"):
        return False
    message = body.get("message")
    said = message.casefold().strip() if isinstance(message, str) else ""
    return bool(said) and said != "not found" and "no route" not in said and "page not found" not in said

"""What an HTTP answer means: success, or who failed and what to do next.

Maton's own answers carry `error.code`, or `type` with `code`, or `trace_id`; Mailgun's carry `message`, `Reason` or
plain text, and Maton passes them on unchanged. That is how a bad Maton key is told from a bad Mailgun key.
"""

from __future__ import annotations

import re
import time
from typing import Any, Literal

from maton_mailgun.catalogue.operation import Access, Service
from maton_mailgun.errors import (
    CallError,
    ConnectionUnknown,
    MailgunKeyRejected,
    MailgunRefused,
    MatonKeyRejected,
    MatonRefused,
    NoConnection,
    NotPassedOn,
    OutcomeUnknown,
    RateLimited,
    ServiceFailed,
)
from maton_mailgun.wire.gateway import Reply
from maton_mailgun.wire.retry import asked_wait
from maton_mailgun.wire.speakers import who_wrote

MAX_TEXT = 600
_MAX_READ = 65_536
"""Of an error body: what is worth telling stands at its beginning."""
# Each alternative ends at the next "<" or at the end, so that no page, however odd, is read more than once.
_TAG = re.compile(r"<(script|style)\b.*?(?:</\1>|\Z)|<[^<>]*>", re.IGNORECASE | re.DOTALL)
_BLANK = re.compile(r"\s+")
_SECRETS = (
    (re.compile(r"(session_token=)[^\s&\"'<>]+", re.IGNORECASE), r"\1…"),
    (re.compile(r"\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}", re.IGNORECASE), r"\1 …"),
    (re.compile(r"\b(key-[0-9a-f]{4})[0-9a-z]{8,}", re.IGNORECASE), r"\1…"),
    (re.compile(r"(\"?(?:smtp_)?password\"?\s*[:=]\s*)\"?[^\s\",&}]+", re.IGNORECASE), r"\1…"),
)
_SENDING_DENIED = re.compile(r"not allowed to send|authorized recipients|sandbox subdomains", re.IGNORECASE)

LOOK_FIRST = (
    "Do NOT repeat this call: it may have happened already. Look first (list_events for a send, the matching get or "
    "list tool otherwise), then tell the user what you found."
)


def scrub(text: str) -> str:
    """Text with anything that looks like a credential removed."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def words(reply: Reply) -> str:
    """The service's own explanation: trimmed, without markup, without secrets; empty if it gave none."""
    body = reply.json
    text = _from_json(body)
    if text is None:
        text = reply.body[:_MAX_READ].decode("utf-8", "replace") if not isinstance(body, dict | list) else ""
        text = _TAG.sub(" ", text)
    text = scrub(_BLANK.sub(" ", text[:_MAX_READ]).strip())
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"


def _from_json(body: Any) -> str | None:
    if isinstance(body, str):
        return body
    if not isinstance(body, dict):
        return None
    for key in ("message", "Message", "error", "Error", "Reason", "Description"):
        value = body.get(key)
        if isinstance(value, dict):
            value = value.get("message")
        if isinstance(value, str) and value:
            return value
    if body.get("Field"):
        return f"{body['Field']}: {body.get('Value', '')}"
    return None


def speaker(reply: Reply) -> Literal["maton", "mailgun"]:
    """Who wrote an error body."""
    return who_wrote(reply.json)


def refusal(reply: Reply, *, service: Service, access: Access, proven: bool = True) -> CallError:
    """The error that an answer of 400 or above stands for.

    Args:
        reply: The answer.
        service: Whose endpoint was called.
        access: What the call does; a server error on a write leaves its outcome open.
        proven: Whether the gateway is known to pass such calls on.
    """
    if not proven and _is_nobodys(reply):
        return NotPassedOn(
            message=f"The gateway answered {reply.status} in nobody's name: it does not seem to pass this call on.",
            next="Nothing was carried out. Tell the user that this cannot be done through Maton; do not try again.",
            status=reply.status,
        )
    said = words(reply) or f"HTTP {reply.status}"
    who = "maton" if service == "maton" else speaker(reply)
    if reply.status in (420, 429):
        return _limited(reply, said, who)
    # 408: a server or proxy gave up on the request, which says nothing about the service behind it.
    if reply.status >= 500 or reply.status == 408:
        return _failed(reply, said, who, access)
    return _maton(reply, said, access) if who == "maton" else _mailgun(reply, said)


def _is_nobodys(reply: Reply) -> bool:
    """Whether an answer says that there is no such address, and neither Mailgun nor Maton says it of a resource."""
    if reply.status not in (404, 405):
        return False
    if not isinstance(body := reply.json, dict):
        return True
    said = (_from_json(body) or "").casefold()
    return reply.status != 404 or "no route" in said or "page not found" in said or said == "not found"


def _limited(reply: Reply, said: str, who: str) -> CallError:
    wait = asked_wait(reply.headers, reply.body, time.time())
    when = f"in {wait:.0f} seconds" if wait is not None else "in a few seconds"
    name = "Maton" if who == "maton" else "Mailgun"
    return RateLimited(
        message=f"{name} takes no more requests now: {said}",
        next=f"Nothing was carried out. Call again {when}.",
        status=reply.status,
        retry_after=wait,
    )


def _failed(reply: Reply, said: str, who: str, access: Access) -> CallError:
    name = "Maton" if who == "maton" else "The service"
    if access == "read":
        return ServiceFailed(message=f"{name} failed: {said}", next="Call again in a minute.", status=reply.status)
    return OutcomeUnknown(
        message=f"{name} answered {reply.status} ({said}) after the request had left. It may have been carried out.",
        next=LOOK_FIRST,
        status=reply.status,
    )


def _maton(reply: Reply, said: str, access: Access) -> CallError:
    status = reply.status
    if status == 401:
        return MatonKeyRejected(
            message=f"Maton does not accept the key: {said}",
            next="Ask the user to check MATON_API_KEY against maton.ai/settings and restart the server, or, where the "
            "key comes from MATON_TOKEN_COMMAND, to sign in to Maton again.",
            status=status,
        )
    if status == 404:
        return ConnectionUnknown(
            message=f"Maton does not know this connection: {said}",
            next="Call list_connections and use the connection_id of an active one.",
            status=status,
        )
    if status == 400 and "connection" in said.lower():
        return NoConnection(
            message=f"Maton has no active Mailgun connection for this: {said}",
            next="Call list_connections; if none is active, offer the user create_connection.",
            status=status,
        )
    return MatonRefused(message=f"Maton refused: {said}", next="Correct what it names and call again.", status=status)


def _mailgun(reply: Reply, said: str) -> CallError:
    status = reply.status
    if status == 401:
        return MailgunKeyRejected(
            message=f"Mailgun does not accept the key inside this connection, or it may not do this: {said}",
            next=(
                "The Maton key is fine. Check the domain name first (an unknown domain can answer this too); otherwise "
                "the user reconnects Mailgun: create_connection, authorise, then delete the old connection."
            ),
            status=status,
        )
    return MailgunRefused(message=f"Mailgun refused: {said}", next=_next_step(reply, said), status=status)


def _next_step(reply: Reply, said: str) -> str:
    status = reply.status
    if status == 403 and _SENDING_DENIED.search(said):
        return (
            "This domain may not send to this recipient. A sandbox domain reaches only its authorised recipients; "
            "list_domains shows verified domains."
        )
    if status == 404 and not isinstance(reply.json, dict):
        return "The call's address is wrong, or the data is in Mailgun's EU region, which this gateway does not reach."
    if status == 404 and "domain" in said.lower():
        return (
            "Check the name with list_domains. Domains of Mailgun's EU region cannot be reached through this gateway."
        )
    if status == 404:
        return "Check the name with the matching list tool; it may already be deleted."
    if status == 402:
        return "The user's Mailgun plan does not include this. Tell the user."
    if status == 413:
        return "The message or request is too large (25 MB for a message). Send less."
    return "Correct what Mailgun names and call again."

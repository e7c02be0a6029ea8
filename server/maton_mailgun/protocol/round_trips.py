"""What clients declare and answer, and what they are asked, in the words of the protocol."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import mcp_types as types

from maton_mailgun.exchange import VISITED, FormAnswer, Question, Visit

MODERN = "2026-07-28"
KEY = "decision"


def word_of(answer: Mapping[str, Any] | types.InputRequiredResult) -> str:
    """What became of a call, in the one word that its caller is told."""
    if isinstance(answer, types.InputRequiredResult):
        return "asked"
    content = answer["structuredContent"]
    error = content.get("error")
    return str(error.get("kind") if isinstance(error, dict) else content.get("status"))


def can_ask(params: Any) -> bool:
    """Whether the client declared form elicitation; `{}` is the older way of saying so."""
    capability = params.capabilities.elicitation if params is not None else None
    if capability is None:
        return False
    form, url = getattr(capability, "form", None), getattr(capability, "url", None)
    return form is not None or url is None


def can_visit(params: Any) -> bool:
    """Whether the client declared that it can lead a person to an address."""
    capability = params.capabilities.elicitation if params is not None else None
    return getattr(capability, "url", None) is not None


APPS = "io.modelcontextprotocol/ui"
"""The extension by which a client says that it shows apps (MCP Apps, 2026-01-26)."""
APP_TYPE = "text/html;profile=mcp-app"


def shows_apps(params: Any) -> bool:
    """Whether the client declared that it shows apps such as ours."""
    return params is not None and _has_apps(params.capabilities.extensions)


def declares_apps(capabilities: Any) -> bool:
    """The same of capabilities as they arrive."""
    return isinstance(capabilities, Mapping) and _has_apps(capabilities.get("extensions"))


def _has_apps(extensions: Any) -> bool:
    settings = extensions.get(APPS) if isinstance(extensions, Mapping) else None
    kinds = settings.get("mimeTypes") if isinstance(settings, Mapping) else None
    return isinstance(kinds, list) and APP_TYPE in kinds


def answer_in(params: types.CallToolRequestParams) -> FormAnswer | None:
    """The answer in a retry. Without our own unsealed state there is none, whatever the client sends along."""
    responses, state = params.input_responses, params.request_state
    if not state:  # guard: 02-unsolicited.state
        return None
    with suppress(ValueError, KeyError, TypeError):
        known = json.loads(state)
        reply = (responses or {}).get(KEY)
        action = getattr(reply, "action", "unanswered")
        content = getattr(reply, "content", None) or {}
        if known.get("v"):
            # Whoever went to the page decides there; what the client says of it decides nothing.
            return FormAnswer(str(known["a"]), str(known["d"]), float(known["t"]), VISITED)  # guard: 329-opened
        # What an earlier version asked has no "s": its form may have left something out.
        shown = str(known.get("s", ""))
        return FormAnswer(str(known["a"]), str(known["d"]), float(known["t"]), str(action), dict(content), shown)
    return None


def opened_in(params: types.CallToolRequestParams) -> bool:
    """Whether a person consented to open the page."""
    return getattr((params.input_responses or {}).get(KEY), "action", None) == "accept"


def led(visit: Visit) -> types.InputRequiredResult:
    """The request to lead a person to the page."""
    state = {"a": visit.approval_id, "d": visit.digest, "t": visit.asked_at, "v": 1}
    address = types.ElicitRequestURLParams(message=visit.message, url=visit.url)
    return types.InputRequiredResult(
        input_requests={KEY: types.ElicitRequest(params=address)},
        request_state=json.dumps(state, separators=(",", ":")),
    )


def input_required(question: Question) -> types.InputRequiredResult:
    """The request to ask a person by a form."""
    from maton_mailgun.approval.channels.form import FORM

    state = {"a": question.approval_id, "d": question.digest, "t": question.asked_at, "s": question.shown}
    form = types.ElicitRequestFormParams(message=question.message, requested_schema=dict(FORM))
    return types.InputRequiredResult(
        input_requests={KEY: types.ElicitRequest(params=form)},
        request_state=json.dumps(state, separators=(",", ":")),
    )

"""What a client may read beside calling tools: what waits for a person, what became of the rest, in the sandbox what
was "sent", and the agent skill.

Reading one changes nothing and opens nothing. The operator's rules are no resource: they would map what is not asked
about.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from maton_mailgun.config import DATABASE, Settings, state_home
from maton_mailgun.errors import AnswerUnreadable, MaybeSent, NotSent, Refused, Unreachable
from maton_mailgun.exchange import Caller
from maton_mailgun.protocol import skills

if TYPE_CHECKING:
    from maton_mailgun.approval.gate import Gate
    from maton_mailgun.approval.store.record import Record
    from maton_mailgun.call import Engine

_ROOT = "maton-mailgun://"
WAITING, RECENT, OUTBOX = (f"{_ROOT}{place}" for place in ("approvals/waiting", "approvals/recent", "sandbox/outbox"))
ONE = f"{_ROOT}approvals/{{approval_id}}"
SHOWN = f"{ONE}/shown"
"""One approval as an app draws it: for clients that show apps, and in no list."""
_BEFORE_ID, _AFTER_ID = f"{_ROOT}approvals/", "/shown"
_JSON = "application/json"
_APPROVALS: tuple[Mapping[str, Any], ...] = (
    {
        "uri": WAITING,
        "name": "approvals-waiting",
        "title": "What waits for a person",
        "description": "Proposed writes that nobody has decided yet, and where to decide them.",
        "mimeType": _JSON,
    },
    {
        "uri": RECENT,
        "name": "approvals-recent",
        "title": "What became of writes",
        "description": "The last 20 that are decided: carried out, refused, failed or in doubt.",
        "mimeType": _JSON,
    },
)
_SANDBOX: tuple[Mapping[str, Any], ...] = (
    {
        "uri": OUTBOX,
        "name": "sandbox-outbox",
        "title": "Outbox of the sandbox",
        "description": "The last 20 messages that were sent in the built-in sandbox. None of them left.",
        "mimeType": _JSON,
    },
)
_TEMPLATES: tuple[Mapping[str, Any], ...] = (
    {
        "uriTemplate": ONE,
        "name": "approval",
        "title": "One approval",
        "description": "A proposed write: what it would do, or what became of it.",
        "mimeType": _JSON,
    },
)
_MOST_WAITING, _MOST_RECENT, _MOST_MESSAGES = 100, 20, 20
_SHOWN = ("id", "domain", "from", "to", "cc", "bcc", "subject", "text", "template", "at", "deliver_at", "test_mode")


class NoResource(LookupError):
    """There is no such one, or it is somebody else's."""


def resources(settings: Settings) -> list[Mapping[str, Any]]:
    """Those on offer."""
    own = [*(() if settings.read_only else _APPROVALS), *(_SANDBOX if settings.sandbox else ())]
    return [*own, skills.listed()]


def templates(settings: Settings) -> list[Mapping[str, Any]]:
    """Those that take a value."""
    return [*(() if settings.read_only else _TEMPLATES), *skills.TEMPLATES]


async def read(engine: Engine, uri: str, caller: Caller, *, apps: bool = False) -> dict[str, Any]:
    """What a resource holds now.

    Args:
        apps: Whether the client shows apps.

    Raises:
        NoResource: There is none.
        CallError: It cannot be read.
    """
    if uri == OUTBOX and engine.settings.sandbox:
        return await _outbox(engine)
    if engine.settings.read_only or not uri.startswith(_BEFORE_ID):
        raise NoResource(uri)
    from maton_mailgun.approval.binding.seal import Unsealable
    from maton_mailgun.approval.store.failures import StoreError

    gate = await _gate(engine)
    try:
        if uri == WAITING:
            return await _waiting(gate, caller)
        if uri == RECENT:
            return await _recent(gate, caller)
        if apps and uri.endswith(_AFTER_ID):  # guard: 392-declared
            return await _shown(gate, uri.removeprefix(_BEFORE_ID).removesuffix(_AFTER_ID), caller)
        return await _one(gate, uri.removeprefix(_BEFORE_ID), caller)
    except (StoreError, Unsealable) as problem:
        raise Refused(message=f"Approvals cannot be read: {problem}", next="Tell the user.") from None


async def ids(engine: Engine, caller: Caller) -> list[str]:
    """The approvals of this caller, newest first."""
    from maton_mailgun.approval.store.failures import StoreError

    gate = None if engine.settings.read_only else await _gate(engine)
    try:
        return [record.id for record in await _own(gate, caller, None, 100)]
    except StoreError:
        return []


async def _gate(engine: Engine) -> Gate | None:
    """The gate; None where nothing was ever proposed: looking makes nothing."""
    if engine.opened is None and engine.settings.database_url is None:
        kept = state_home(engine.settings) / DATABASE
        if not await asyncio.to_thread(kept.exists):
            return None
    return await engine.gate()


async def _waiting(gate: Gate | None, caller: Caller) -> dict[str, Any]:
    found = await _own(gate, caller, {"pending"}, _MOST_WAITING)
    ways = [await gate.ways.ways(record, open_page=False) for record in found] if gate is not None else []
    from maton_mailgun.approval.told import waiting

    return _told([waiting(record, way) for record, way in zip(found, ways, strict=True)])


async def _recent(gate: Gate | None, caller: Caller) -> dict[str, Any]:
    from maton_mailgun.approval.store.record import MOVES
    from maton_mailgun.approval.told import decided

    found = await _own(gate, caller, MOVES.keys() - {"pending"}, _MOST_RECENT)
    now = gate.services.clock() if gate is not None else 0.0
    return _told([decided(record, now) for record in found])


async def _one(gate: Gate | None, approval_id: str, caller: Caller) -> dict[str, Any]:
    gate, record, decide = await _found(gate, approval_id, caller)
    return gate.told(record, decide).content


async def _shown(gate: Gate | None, approval_id: str, caller: Caller) -> dict[str, Any]:
    from maton_mailgun.approval.channels.shown_in_app import shown_in_app

    gate, record, decide = await _found(gate, approval_id, caller)
    return await asyncio.to_thread(shown_in_app, record, decide or [], gate.services.clock())


async def _found(
    gate: Gate | None, approval_id: str, caller: Caller
) -> tuple[Gate, Record, list[dict[str, Any]] | None]:
    """A caller's own approval, and the ways to decide it where it waits. Nothing is opened, noted or carried out."""
    record = await gate.get(approval_id) if gate is not None else None
    if gate is None or record is None or record.principal != caller.principal:  # guard: 327-own
        raise NoResource(approval_id)
    return gate, record, await gate.ways.ways(record, open_page=False) if record.state == "pending" else None


async def _own(gate: Gate | None, caller: Caller, states: Collection[Any] | None, most: int) -> list[Record]:
    if gate is None:
        return []
    return [*await gate.list(principal=caller.principal, states=states, limit=most)]  # guard: 327-listed


def _told(approvals: list[dict[str, Any]]) -> dict[str, Any]:
    from maton_mailgun.wire.result import NOTICE, bounded

    told = bounded({"status": "ok", "notice": NOTICE, "result": {"approvals": approvals}})
    return {**{key: value for key, value in told.items() if key != "result"}, **told["result"]}


async def _outbox(engine: Engine) -> dict[str, Any]:
    """The messages in this process's own sandbox, which nobody else uses."""
    from maton_mailgun.wire import fencing
    from maton_mailgun.wire.redaction import public
    from maton_mailgun.wire.request import Request
    from maton_mailgun.wire.result import bounded, text_of

    try:
        reply = await engine.gateway.read(Request("maton", "GET", "/_sandbox/messages"), None)
    except (NotSent, MaybeSent) as failure:
        raise Unreachable(message=f"No answer from the sandbox: {failure}.", next="Read it again.") from None
    found = reply.json.get("messages") if reply.status == 200 and isinstance(reply.json, dict) else None
    if not isinstance(found, list):
        raise AnswerUnreadable(message="The sandbox did not answer with its messages.", next="Read it again.")
    last = [{key: one[key] for key in _SHOWN if one.get(key)} for one in reversed(found[-_MOST_MESSAGES:])]
    marked = fencing.fenced(public({"total": len(found), "messages": last}))  # guard: 328-fenced
    said = fencing.notice([text_of(marked)])
    return bounded({"status": "ok", "sandbox": True, "notice": said, "result": marked})

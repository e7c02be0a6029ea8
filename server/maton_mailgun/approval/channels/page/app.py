"""The approval page as an ASGI application: one document, its files, and a small JSON API."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from maton_mailgun.approval.channels import view
from maton_mailgun.approval.channels.page import frame
from maton_mailgun.approval.channels.page.edit_pages import EditPages
from maton_mailgun.approval.channels.page.fence import FRAME_POLICY, Fence, Hosts
from maton_mailgun.approval.channels.page.page_gate import Decision, NotDecidable, PageGate
from maton_mailgun.approval.channels.page.passkey_door import OfferedPasskeys, Registrar, Signing
from maton_mailgun.approval.channels.page.passkey_routes import offered_routes, registrar_routes
from maton_mailgun.approval.channels.page.sessions import HERE, Session, Sessions
from maton_mailgun.approval.channels.page.sign_in import PageRefusal, SignIn
from maton_mailgun.approval.channels.page.static_file import Manifest, StaticFile, own_files
from maton_mailgun.approval.channels.page.waiting import Waiting
from maton_mailgun.approval.preview.document import Preview, ShownMessage
from maton_mailgun.approval.preview.filled_message import TooLong, filled
from maton_mailgun.approval.store.record import TERMINAL, Record, State
from maton_mailgun.own_command import NAME

WAIT_SECONDS = 15.0
_MOST_REASON = 500
_MOST_WAITING = 24
"""Long polls open at once; beyond that the answer comes immediately and the page asks again a little later."""

_PAST: frozenset[State] = TERMINAL | {"held", "approved", "executing", "unknown"}
_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half a character, which no browser sends and no store can hold."""
_ALL_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

Handler = Callable[[Request, Session], Awaitable[Response]]


def create_app(
    gate: PageGate,
    *,
    sessions: Sessions,
    allowed_hosts: Hosts,
    reveals: Callable[[str], bool],
    prefix: str = "",
    origin: str | None = None,
    verify_passphrase: Callable[[str, str], Awaitable[bool]] | None = None,
    approver: str = "approver, by passphrase",
    folder: str | None = None,
    notice: str | None = None,
    clock: Callable[[], float] = time.time,
    registrar: Registrar | None = None,
    offered: OfferedPasskeys | None = None,
    command: str = NAME,
) -> Starlette:
    """The page, to be served alone or mounted under `prefix`.

    Args:
        allowed_hosts: Exact values of the Host header that are answered, port included.
        reveals: Whether an operation's answer holds a fresh secret, by the operation's name.
        prefix: Where it is mounted, without a slash at the end; the cookie is limited to it.
        origin: `https://host` where a proxy ends TLS; by default the request's scheme and Host.
        verify_passphrase: Checks the approver passphrase for whoever tries it; without it only one-time links sign in.
        approver: Who signs in with it, in words for the audit.
        folder: Where its files are served, as another process called it that served this page before.
        notice: Something that everybody must know who decides here.
        clock: Unix seconds, for what the page says about "now".
        registrar: Takes one new passkey.
        offered: Takes those that were agreed upon elsewhere, of people who are signed in.
        command: How this installation is called in a terminal here; whoever comes from elsewhere learns no path of it.

    Returns:
        The application; `app.state.stop_waiting()` ends its long polls, so that a server can stop at once.
    """
    # Else the address is this machine's, at a port that is another program's tomorrow: nobody keeps it on their phone.
    outside = bool(origin and origin.startswith("https://"))  # guard: 397-outside
    door = SignIn(
        sessions,
        prefix=prefix,
        secure=outside,
        verify_passphrase=verify_passphrase,
        approver=approver,
        people=gate.people,
    )
    signing = Signing(gate.people, sessions.clock, origin)
    waiting = Waiting(_MOST_WAITING)
    pages = _Pages(gate, door, waiting, reveals=reveals, clock=clock, notice=notice, signing=signing)
    one = "/api/approvals/{approval_id}"

    def signed_in(path: str, handler: Handler, *methods: str) -> Route:
        async def endpoint(request: Request) -> Response:
            try:
                session = await door.session(request)
            except PageRefusal as refusal:
                raise await door.explained(refusal) from None
            return await handler(request, session)

        return Route(path, endpoint, methods=list(methods or ("GET",)))

    # A name that nobody can know before: whoever had this port earlier has put nothing there into a browser's cache.
    folder = folder or f"static/{secrets.token_urlsafe(12)}/"  # guard: 140-folder
    routes = [
        Route("/", StaticFile("index.html", folder, command, installed=outside)),
        *([Route(f"/{folder}app.webmanifest", Manifest(prefix))] if outside else []),
        *(Route(f"/{folder}{name}", StaticFile(name)) for name in own_files() if name != "index.html"),
        Route("/api/session", door.sign_in, methods=["POST"]),
        signed_in("/api/session", door.describe),
        signed_in("/api/session", door.sign_out, "DELETE"),
        signed_in("/api/approvals", pages.list),
        signed_in("/api/stop", pages.stop, "POST"),
        signed_in(one, pages.one),
        signed_in(f"{one}/changes", pages.changes),
        signed_in(f"{one}/shown", pages.shown, "POST"),
        signed_in(f"{one}/challenge", pages.challenge, "POST"),
        signed_in(f"{one}/decision", pages.decide, "POST"),
        signed_in(f"{one}/undo", pages.undo, "POST"),
        signed_in(f"{one}/time", pages.more_time, "POST"),
        signed_in(f"{one}/fields", pages.fields),
        signed_in(f"{one}/edit", pages.edit, "POST"),
        signed_in(f"{one}/secret", pages.secret, "POST"),
        signed_in(f"{one}/message", pages.message),
        Route(f"{one}/message/{{ticket}}", pages.frame),
        *([] if registrar is None else registrar_routes(door, signing, registrar)),
        *([] if offered is None else offered_routes(signed_in, door, signing, offered)),
        signed_in("/api/{rest:path}", pages.nothing, *_ALL_METHODS),
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Fence, hosts=allowed_hosts, origin=origin)],
        exception_handlers={PageRefusal: _refused},
    )
    app.state.stop_waiting = waiting.close
    app.state.folder = folder
    return app


async def _refused(request: Request, refusal: Exception) -> Response:
    if not isinstance(refusal, PageRefusal):
        raise refusal
    headers = {"Retry-After": str(refusal.retry_after)} if refusal.retry_after else None
    content = {"error": refusal.error, "message": str(refusal), **refusal.more}
    return JSONResponse(content, status_code=refusal.status, headers=headers)


class _Pages(EditPages):
    """The handlers behind a session."""

    def __init__(
        self,
        gate: PageGate,
        door: SignIn,
        waiting: Waiting,
        *,
        reveals: Callable[[str], bool],
        clock: Callable[[], float],
        notice: str | None,
        signing: Signing,
    ) -> None:
        self._signing = signing
        self._notice = notice
        self._gate = gate
        self._door = door
        self._reveals = reveals
        self._clock = clock
        self._waiting = waiting

    async def list(self, request: Request, session: Session) -> Response:
        if request.query_params.get("here") in HERE:
            session.here_until = self._door.clock() + HERE[request.query_params["here"]]
        pending = await self._gate.list(principal=session.principal, states={"pending"}, limit=50)
        past = await self._gate.list(principal=session.principal, states=_PAST, limit=50)
        return self._answer(
            {
                "pending": [view.summary(record) for record in pending],
                "past": [view.summary(record) for record in past],
                "notice": self._notice,
                "stopped": view.stop(await self._gate.stopped()),
            }
        )

    async def stop(self, request: Request, session: Session) -> Response:
        """Stop all writes, of everybody: whoever may decide one may end them all, and that sends nothing."""
        if await self._door.body(request) != {"stop": True}:
            raise PageRefusal(400, "bad_request", 'Send {"stop": true} to stop all writes.')
        closed = await self._gate.stop(session.decider)
        return self._answer({"closed": closed, "stopped": view.stop(await self._gate.stopped())})

    async def one(self, request: Request, session: Session) -> Response:
        record = await self._record(request, session)
        more = {"ticket": session.ticket(record.id), "editable": await self._editable(record)}
        return self._answer({**view.detail(record, reveals=self._reveals(record.operation)), **more})

    async def changes(self, request: Request, session: Session) -> Response:
        """The status as soon as it is another than `version`, at the latest after 15 s."""
        record = await self._record(request, session)
        known = request.query_params.get("version", "")
        if str(record.version) == known:
            changed = self._gate.wait(record.id, WAIT_SECONDS, until=lambda now: str(now.version) != known)
            record = await self._waiting.for_(changed, request) or record
        return self._answer({"status": view.status(record)})

    async def shown(self, request: Request, session: Session) -> Response:
        record = await self._record(request, session)
        if record.state == "pending" and record.shown_at is None:
            await self._gate.shown(record.id)
            record = await self._record(request, session)
        return self._answer({"status": view.status(record)})

    async def challenge(self, request: Request, session: Session) -> Response:
        """What the person's passkey is to sign, about exactly the record that was shown."""
        given = _checked(await self._door.body(request))
        record = await self._record(request, session)
        if (record.digest, record.version) != (given["digest"], given["version"]):
            raise self._conflict(record, "It has changed since it was shown to you. Nothing was decided.")
        approve = given["decision"] == "approve"
        return self._answer(await self._signing.challenge(request, session, record, approve=approve))

    async def decide(self, request: Request, session: Session) -> Response:
        """Take the answer, if it is about exactly the record that was shown."""
        given = _checked(await self._door.body(request))
        record = await self._record(request, session)
        if (record.digest, record.version) != (given["digest"], given["version"]):
            raise self._conflict(record, "It has changed since it was shown to you. Nothing was decided.")
        if record.state != "pending":
            raise self._conflict(record, "It was decided already. Nothing was changed by this.")
        if record.shown_at is None:
            raise self._conflict(record, "It has not been shown to a person yet. Nothing was decided.")
        if given["decision"] == "approve" and _parts(record) - session.seen:  # guard: 141-seen
            raise self._conflict(record, "The message was not shown here yet. Nothing was decided; load the page anew.")
        approve = given["decision"] == "approve"
        signed: Mapping[str, Any] = {}
        if approve and record.level == "passkey":
            signed = await self._signing.evidence(request, session, record, approve=approve, given=given.get("signed"))
        decision = Decision(
            approve=approve,
            level="passkey" if signed else "operator",
            signed=signed,
            channel="page",
            decider=session.decider,
            person=session.person,
            reason=given["reason"] or None,
        )
        try:
            decided = await self._gate.decide(record.id, decision)
        except NotDecidable as refusal:
            raise self._conflict(refusal.record, refusal.why) from None
        return self._answer({"status": view.status(decided)})

    async def undo(self, request: Request, session: Session) -> Response:
        """Take back a yes that is held still. Nothing is sent by it."""
        if await self._door.body(request) != {"undo": True}:
            raise PageRefusal(400, "bad_request", 'Send {"undo": true} to take a yes back.')
        record = await self._record(request, session)
        try:
            undone = await self._gate.holding.undo(record, session.decider, "page")
            return self._answer({"status": view.status(undone)})
        except NotDecidable as refusal:
            raise self._conflict(refusal.record, refusal.why) from None

    async def more_time(self, request: Request, session: Session) -> Response:
        """Put off its end. This decides nothing."""
        if await self._door.body(request) != {"more": True}:
            raise PageRefusal(400, "bad_request", 'Send {"more": true} to put it off.')
        record = await self._record(request, session)
        try:
            return self._answer({"status": view.status(await self._gate.more_time(record.id, session.decider))})
        except NotDecidable as refusal:
            raise self._conflict(refusal.record, refusal.why) from None

    async def secret(self, request: Request, session: Session) -> Response:
        record = await self._record(request, session)
        secret = await self._gate.secret(record.id) if record.state == "succeeded" else None
        return self._answer({"secret": dict(secret) if secret else None})

    async def message(self, request: Request, session: Session) -> Response:
        record = await self._record(request, session)
        shown = await _message_of(record, request)
        rendered = await _render(shown)
        bodies = await asyncio.to_thread(view.bodies, shown)
        chosen = "recipient" in request.query_params
        if not chosen:
            session.seen.add(f"message {record.id}")
        return self._answer({**bodies, "removed": rendered.removed, "copy": view.one_copy(shown) if chosen else None})

    async def frame(self, request: Request) -> Response:
        approval_id = request.path_params["approval_id"]
        session = await self._door.session_by_ticket(request, approval_id, request.path_params["ticket"])
        record = await self._record(request, session)
        rendered = await _render(await _message_of(record, request))
        if "recipient" not in request.query_params:
            session.seen.add(f"frame {record.id}")
        headers = {"Content-Security-Policy": FRAME_POLICY, "X-Frame-Options": "SAMEORIGIN"}
        return Response(rendered.document, media_type="text/html", headers=headers)

    async def nothing(self, request: Request, session: Session) -> Response:
        raise _not_found()

    async def _record(self, request: Request, session: Session) -> Record:
        """The record of the path, as far as this session may know of it."""
        self._door.check_lookups(session)
        record = await self._gate.get(request.path_params["approval_id"])
        if record is None or session.principal not in {None, record.principal}:  # guard: 26-principal
            self._door.lookup_failed(session)
            raise _not_found()
        return record

    def _conflict(self, record: Record, why: str) -> PageRefusal:
        return PageRefusal(409, "changed", why, status_now=view.status(record), now=self._clock())

    def _answer(self, content: Mapping[str, Any]) -> Response:
        return JSONResponse({**content, "now": self._clock()})


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """The decision in a request body, exactly as the page sends it."""
    reason = given.get("reason", "")
    well_formed = (
        given.keys() <= {"decision", "digest", "version", "reason", "signed"}
        and given.get("decision") in ("approve", "reject")
        and isinstance(given.get("digest"), str)
        and type(given.get("version")) is int
        and isinstance(reason, str)
        and not _SURROGATE.search(reason)
    )
    if not well_formed:
        raise PageRefusal(400, "bad_request", "A decision needs decision (approve or reject), digest and version.")
    if len(reason) > _MOST_REASON:
        raise PageRefusal(
            400, "bad_request", f"A reason may have {_MOST_REASON:,} characters; this one has {len(reason):,}."
        )
    return {**given, "reason": reason.strip()}


async def _message_of(record: Record, request: Request) -> ShownMessage:
    """The message, or the copy of the recipient that is asked for."""
    preview = Preview.of(record.preview)
    address = request.query_params.get("recipient")
    try:
        shown = preview.message if address is None else await asyncio.to_thread(filled, preview, address)
    except TooLong as problem:
        raise PageRefusal(413, "too_long", str(problem)) from None
    if shown is None:
        raise _not_found()
    return shown


def _parts(record: Record) -> set[str]:
    """What a browser must have been given of a record before its yes counts."""
    message = Preview.of(record.preview).message
    if message is None:
        return set()
    return {f"message {record.id}", *([f"frame {record.id}"] if message.html else [])}


async def _render(shown: ShownMessage) -> frame.Rendered:
    markup = shown.html or ""
    if len(markup) > frame.MOST_CHARACTERS:
        return frame.too_long()
    return await asyncio.to_thread(frame.render, markup, shown.inline)


def _not_found() -> PageRefusal:
    return PageRefusal(404, "not_found", "There is nothing here.")

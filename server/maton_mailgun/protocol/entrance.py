"""The door of the HTTP server: which path, who calls, which era. All that is not ours is turned away here."""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections import Counter
from typing import TYPE_CHECKING

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, authorization_context
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from maton_mailgun.config import PAGE_PREFIX, state_home
from maton_mailgun.errors import CallError
from maton_mailgun.host_header import why_malformed
from maton_mailgun.protocol.call_rate import CallRate
from maton_mailgun.protocol.callers import Callers
from maton_mailgun.protocol.health import ALIVE_PATH, READY_PATH, Health
from maton_mailgun.protocol.served_names import ServedNames
from maton_mailgun.protocol.server import build
from maton_mailgun.protocol.siblings import WorkerPlace
from maton_mailgun.protocol.while_it_counts import while_it_counts

if TYPE_CHECKING:
    from maton_mailgun.call import Engine

log = logging.getLogger(__name__)

MCP_PATH = "/mcp"
_SESSION_ID = b"mcp-session-id"
_ORIGIN = re.compile(rb"null|[a-z][a-z0-9+.\-]*://(?:\[[0-9a-f:.]+\]|[a-z0-9.\-_]+)(?::[0-9]{1,5})?", re.IGNORECASE)
"""RFC 6454, section 6.2: scheme, host, port, and nothing else."""
MAX_SESSIONS = 500
"""Sessions of earlier clients open at once: an idle one costs 37 KiB (measured), so about 18 MB at most."""
MOST_OF_ONE = 100
"""Of these, sessions of one person who signed in: nobody keeps all others out."""
IDLE_SECONDS = 30 * 60.0
MAX_BODY = 32 << 20
"""A message with its texts fits; attachments are named by path and never travel in a call."""
LAST_WORDS_SECONDS = 2.0
"""For telling calls that had to end how things stand."""


class Entrance:
    """The ASGI application: the token, then MCP by era, or the page.

    Args:
        engine: What carries calls out.
        names: Under which it answers.
        place: Which of several workers it is in.
    """

    def __init__(self, engine: Engine, names: ServedNames, place: WorkerPlace | None = None) -> None:
        self._engine = engine
        self._place = place
        self._names = names
        settings = engine.settings
        self._callers = Callers(settings.http_token, settings.oauth, f"{names.shown}{MCP_PATH}")
        self._health = Health(engine)
        self._rate = CallRate(settings.calls_per_minute) if settings.calls_per_minute is not None else None
        server = build(engine, who=self._callers.who)

        def manager(*, json_response: bool) -> StreamableHTTPSessionManager:
            return StreamableHTTPSessionManager(
                server,
                json_response=json_response,
                security_settings=names.security,
                session_idle_timeout=IDLE_SECONDS,
                max_request_body_size=MAX_BODY,
                max_sessions=MAX_SESSIONS,
            )

        self._modern, self._earlier = manager(json_response=True), manager(json_response=False)
        self.managers = (self._modern, self._earlier)
        self._opening: Counter[tuple[str | None, str]] = Counter()
        """Requests without a session, each of which may open one, by person."""
        self._page: Starlette | None = None
        self._page_making = asyncio.Lock()
        self._calls = 0
        self._stopping = False
        self._idle = asyncio.Event()
        self._idle.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"]
        why = why_malformed(scope["headers"])
        answer: ASGIApp
        if why is not None:
            answer = PlainTextResponse(f"{why}\n", 400)
        elif path in (ALIVE_PATH, READY_PATH):
            # Under any name: who looks after servers asks them by their addresses.
            answer = self._health
        elif path == MCP_PATH:
            answer = self._mcp
        elif self._callers.metadata is not None and path == self._callers.metadata.path:
            answer = self._callers.metadata.handle
        elif path.startswith(f"{PAGE_PREFIX}/"):
            answer = self._approvals
        elif path == PAGE_PREFIX:
            answer = RedirectResponse(f"{PAGE_PREFIX}/")
        else:
            answer = PlainTextResponse(f"There is nothing here. MCP is at {MCP_PATH}.\n", 404)
        await answer(scope, receive, send)

    async def stop(self, seconds: float) -> None:
        """Take no more calls, and have those under way answered: nobody waits for people any more, and what works has
        some time to end."""
        self._stopping = self._health.stopping = True
        if self._page is not None:
            self._page.state.stop_waiting()
        self._engine.hurry(seconds)
        try:
            await asyncio.wait_for(self._idle.wait(), seconds + LAST_WORDS_SECONDS)
        except TimeoutError:
            log.warning("stopping before every call had its answer", extra={"calls": self._calls})

    async def _mcp(self, scope: Scope, receive: Receive, send: Send) -> None:
        measures = self._engine.gateway.measures
        if self._stopping:
            measures.turned_away("stopping")
            told = {"error": "stopping", "message": "The server is stopping."}
            answer = JSONResponse(told, 503, {"Retry-After": "1", "Connection": "close"})
            await answer(scope, receive, send)
            return
        await self._callers.let_in(scope, receive, send, self._as_known, measures)

    async def _as_known(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A request of somebody who may make one."""
        refusal = _strange(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        manager = self._modern if _is_modern(scope) else self._earlier
        if self._place is not None and manager is self._earlier:
            scope, send = _placed(scope, send, self._place.prefix)
        if scope["method"] != "POST":
            # An earlier client's open stream is no call: stopping does not wait for it.
            user = scope.get("user")
            ends = user.access_token.expires_at if isinstance(user, AuthenticatedUser) else None
            await while_it_counts(manager.handle_request, scope, receive, send, ends)
            return
        wait = self._rate.wait(self._callers.visitor(scope).principal) if self._rate is not None else 0.0
        if wait:
            self._engine.gateway.measures.turned_away("rate")
            told = {"error": "too_many_calls", "message": f"Call again in {math.ceil(wait)} seconds."}
            await JSONResponse(told, 429, {"Retry-After": str(math.ceil(wait))})(scope, receive, send)
            return
        self._calls += 1
        self._idle.clear()
        try:
            if manager is self._earlier and not _headers(scope, b"mcp-session-id"):
                await self._open_session(scope, receive, send)
            else:
                await manager.handle_request(scope, receive, send)
        finally:
            self._calls -= 1
            if not self._calls:
                self._idle.set()

    async def _open_session(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let an earlier client open a session, unless whoever signed in has their share of them."""
        user = scope.get("user")
        owner = authorization_context(user) if isinstance(user, AuthenticatedUser) else None
        if owner is None or owner["subject"] is None:
            # One token for all, or none: nobody can be told from another.
            await self._earlier.handle_request(scope, receive, send)
            return
        person = (owner["issuer"], owner["subject"])
        # The package keeps whose a session is, and has no other place to ask.
        open_now = sum((one["issuer"], one["subject"]) == person for one in self._earlier._session_owners.values())
        if open_now + self._opening[person] >= MOST_OF_ONE:  # guard: 378-share
            self._engine.gateway.measures.turned_away("sessions")
            told = {"error": "too_many_sessions", "message": f"{MOST_OF_ONE} sessions of yours are open. End some."}
            await JSONResponse(told, 429, {"Retry-After": "60"})(scope, receive, send)
            return
        self._opening[person] += 1
        try:
            await self._earlier.handle_request(scope, receive, send)
        finally:
            self._opening[person] -= 1
            if not self._opening[person]:
                del self._opening[person]

    async def _approvals(self, scope: Scope, receive: Receive, send: Send) -> None:
        here = self._place is None or self._place.has_page  # guard: 405-one-page
        if not here:
            # Its address was written in another way than it is: whoever guesses here is counted nowhere else.
            await PlainTextResponse("There is nothing here.\n", 404)(scope, receive, send)
            return
        try:
            page = await self._made_page()
        except CallError as problem:
            log.warning("the approval page cannot be served", extra={"why": str(problem)})
            await PlainTextResponse(f"{problem}\n", 503)(scope, receive, send)
            return
        await page({**scope, "root_path": scope.get("root_path", "") + PAGE_PREFIX}, receive, send)

    async def _made_page(self) -> ASGIApp:
        """The page's application, made at the first visit: before it, nothing of the gate is loaded."""
        async with self._page_making:
            if self._page is None:
                from maton_mailgun.approval.channels.page import Sessions
                from maton_mailgun.approval.channels.page.app import create_app
                from maton_mailgun.approval.channels.page.passkey_door import OfferedPasskeys
                from maton_mailgun.approval.channels.passkey_offers import PasskeyOffers
                from maton_mailgun.approval.channels.passphrase import fits

                home = state_home(self._engine.settings)
                gate = await self._engine.gate()
                operations = gate.operations
                offers = PasskeyOffers(home, gate.services.keys.seal)
                self._page = create_app(
                    gate,
                    sessions=Sessions(),
                    allowed_hosts=self._names.page_hosts,
                    reveals=lambda name: bool(operations[name].reveals),
                    prefix=PAGE_PREFIX,
                    origin=self._names.public,
                    verify_passphrase=lambda given, who: fits(home, given, who),
                    offered=OfferedPasskeys(offers, lambda name, made, by: gate.people.add_passkey(name, made, by=by)),
                )
            return self._page


def _strange(scope: Scope) -> Response | None:
    """The refusal of an Origin or a Content-Type that only begins like one of ours: the MCP package, which looks at
    both later, compares beginnings (`http://localhost:3000.evil.example`, `application/jsonx`)."""
    origins, kinds = _headers(scope, b"origin"), _headers(scope, b"content-type")
    if len(origins) > 1 or any(not _ORIGIN.fullmatch(origin) for origin in origins):  # guard: 113-origin
        return PlainTextResponse("The Origin header is not one scheme, host and port.\n", 403)
    if scope["method"] == "POST":
        kind = kinds[0].partition(b";")[0].strip().lower() if len(kinds) == 1 else b""
        if kind != b"application/json":  # guard: 114-type
            return PlainTextResponse("Send JSON, as Content-Type: application/json.\n", 415)
    return None


def _is_modern(scope: Scope) -> bool:
    """Whether a request belongs to the era without sessions; a version nobody knows is answered there too."""
    version = next(iter(_headers(scope, b"mcp-protocol-version")), None)
    return version is not None and version.decode("latin-1") not in HANDSHAKE_PROTOCOL_VERSIONS


def _placed(scope: Scope, send: Send, prefix: bytes) -> tuple[Scope, Send]:
    """A request of an earlier client, whose session's id says outside in which worker it is, and nothing of it here."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [
                (name, prefix + value if name.lower() == _SESSION_ID else value)
                for name, value in message.get("headers", ())
            ]
            message = {**message, "headers": headers}
        await send(message)

    headers = [(name, value.removeprefix(prefix) if name == _SESSION_ID else value) for name, value in scope["headers"]]
    return {**scope, "headers": headers}, sent


def _headers(scope: Scope, name: bytes) -> list[bytes]:
    found: list[bytes] = [value for key, value in scope["headers"] if key == name]
    return found

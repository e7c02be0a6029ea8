"""Streamable HTTP for clients of both protocol eras, and the approval page, on one port.

Clients of 2026-07-28 get plain JSON answers, which is fastest and needs no session. Earlier clients get event
streams, because the approval question is put to them in the middle of a call.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import logging
import re
import signal
import socket
import sys
from contextlib import AsyncExitStack, ExitStack
from types import FrameType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import uvicorn
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from maton_mailgun import loopback
from maton_mailgun.config import state_home
from maton_mailgun.connection_limits import ConnectionLimits, Patience
from maton_mailgun.errors import CallError, SetupError
from maton_mailgun.host_header import why_malformed
from maton_mailgun.protocol.server import build

if TYPE_CHECKING:
    from maton_mailgun.call import Engine

log = logging.getLogger(__name__)

MCP_PATH = "/mcp"
PAGE_PREFIX = "/approvals"
_ORIGIN = re.compile(rb"null|[a-z][a-z0-9+.\-]*://(?:\[[0-9a-f:.]+\]|[a-z0-9.\-_]+)(?::[0-9]{1,5})?", re.IGNORECASE)
"""RFC 6454, section 6.2: scheme, host, port, and nothing else."""
MAX_SESSIONS = 500
"""Sessions of earlier clients open at once: an idle one costs 37 KiB (measured), so about 18 MB at most."""
IDLE_SECONDS = 30 * 60.0
MAX_BODY = 32 << 20
"""A message with its texts fits; attachments are named by path and never travel in a call."""
KEEP_ALIVE_SECONDS = 120
FINISH_SECONDS = 5.0
"""How long calls may go on after the signal to stop; a write that takes longer settles without its caller."""


async def serve_http(engine: Engine, address: str) -> int:
    """Serve until a signal stops the process.

    Args:
        engine: What carries calls out.
        address: `HOST:PORT`; port 0 takes a free one. Says on standard error where it listens.

    Returns:
        The exit status.

    Raises:
        SetupError: The address cannot be used, or lets other machines in without a token.
    """
    host, port = parse_address(address)
    token = engine.settings.http_token
    if token is None and not _is_loopback(host):
        raise SetupError(
            f"Serving on {host} lets other machines in: set MATON_MAILGUN_HTTP_TOKEN to a secret of at least 32 "
            "characters, which clients then send as a bearer token, or serve on 127.0.0.1."
        )
    with ExitStack() as open_sockets:
        sockets = [open_sockets.enter_context(listening(host, port))]
        port = sockets[0].getsockname()[1]
        sockets += [open_sockets.enter_context(one) for one in _beside(host, port)]
        names = _Names(host, port, engine.settings.http_url)
        front = _Front(engine, names, token)
        engine.page_url = f"{names.page}{PAGE_PREFIX}/"
        limits = ConnectionLimits(front, deadlines=Patience(idle=KEEP_ALIVE_SECONDS))
        config = uvicorn.Config(
            limits,
            http=limits.protocol,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            ws="none",
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=1,
        )
        try:
            async with AsyncExitStack() as running:
                for manager in front.managers:
                    await running.enter_async_context(manager.run())
                _tell(names, token)
                await _Server(config, front, running).serve(sockets=sockets)
        finally:
            await engine.aclose()
    return 0


def parse_address(address: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`; an IPv6 address stands in brackets.

    Raises:
        SetupError: It is not that.
    """
    host, _, digits = address.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if bracketed:
        host = host[1:-1]
    port = int(digits) if digits.isascii() and digits.isdigit() else -1
    if not host or not 0 <= port <= 65535 or (":" in host) != bracketed:
        raise SetupError(f"{address!r} is no address. Give HOST:PORT, such as 127.0.0.1:8000 or [::1]:8000.")
    return host, port


def principal_of(token: str) -> str:
    """Who calls with this token, in words that do not tell the token."""
    return f"http:{hashlib.sha256(token.encode()).hexdigest()[:12]}"


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listening(host: str, port: int) -> socket.socket:
    """A socket that waits for connections.

    Raises:
        SetupError: It cannot; says why.
    """
    try:
        return loopback.bound(host, port)
    except OSError as problem:
        raise SetupError(f"Cannot listen on {host} port {port}: {problem.strerror or problem}.") from None


def _beside(host: str, port: int) -> list[socket.socket]:
    """The other loopback at the same port: `localhost` leads to both, and what is sent there must not be told to
    somebody else (RFC 8305: the first that answers).

    Raises:
        SetupError: Somebody else listens there.
    """
    host = loopback.V4 if host.lower() == "localhost" else host
    if host not in (loopback.V4, loopback.V6):
        return []
    try:
        return loopback.other(host, port)
    except OSError:
        there = f"[{loopback.V6}]" if host == loopback.V4 else loopback.V4
        raise SetupError(
            f"Another program listens on {there}:{port}, where http://localhost:{port} leads too. Take another port."
        ) from None


def _tell(names: _Names, token: str | None) -> None:
    needs = " (bearer token needed)" if token else ""
    page = f"{names.page}{PAGE_PREFIX}/"
    sys.stderr.write(
        f"maton-mailgun: MCP at {names.shown}{MCP_PATH}{needs}, approvals at {page}, listening on {names.bound}\n"
    )
    sys.stderr.flush()


class _Names:
    """Under which names the server answers; all others are turned away (DNS rebinding)."""

    def __init__(self, host: str, port: int, public: str | None) -> None:
        self.public = public
        self.bound = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        hosts = [f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}", self.bound]
        self.shown = public or f"http://{self.bound}"
        # What a browser kept of another program on this port must not reach the page; a name outside is nobody else's.
        own = f"{loopback.own_host()}:{port}" if not public and _is_loopback(host) else None
        self.page = f"http://{own}" if own else self.shown
        outside = [urlsplit(public).netloc] if public else []
        self.hosts = tuple(dict.fromkeys([*outside, *hosts]))
        self.page_hosts = (*self.hosts, *([own] if own else []))
        self.security = TransportSecuritySettings(
            # Any port of this machine's own names: a container's port is seldom the one outside.
            allowed_hosts=[*self.hosts, "127.0.0.1:*", "localhost:*", "[::1]:*"],
            allowed_origins=[
                *([public] if public else []),
                *("http://127.0.0.1:*", "http://localhost:*", "http://[::1]:*", f"http://{self.bound}"),
            ],
        )


class _Front:
    """The ASGI application: the token, then MCP by era, or the page."""

    def __init__(self, engine: Engine, names: _Names, token: str | None) -> None:
        self._engine = engine
        self._names = names
        self._token = token.encode() if token else None
        server = build(engine, principal=principal_of(token) if token else None)

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
        elif path == MCP_PATH:
            answer = self._mcp
        elif path.startswith(f"{PAGE_PREFIX}/"):
            answer = self._approvals
        elif path == PAGE_PREFIX:
            answer = RedirectResponse(f"{PAGE_PREFIX}/")
        else:
            answer = PlainTextResponse(f"There is nothing here. MCP is at {MCP_PATH}.\n", 404)
        await answer(scope, receive, send)

    async def stop(self, seconds: float) -> None:
        """Take no more calls, and give those under way some time to end."""
        self._stopping = True
        if self._page is not None:
            self._page.state.stop_waiting()
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
        except TimeoutError:
            log.warning("stopping before every call had its answer", extra={"calls": self._calls})

    async def _mcp(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        manager = self._modern if _is_modern(scope) else self._earlier
        if scope["method"] != "POST":
            # An earlier client's open stream is no call: stopping does not wait for it.
            await manager.handle_request(scope, receive, send)
            return
        self._calls += 1
        self._idle.clear()
        try:
            await manager.handle_request(scope, receive, send)
        finally:
            self._calls -= 1
            if not self._calls:
                self._idle.set()

    def _refusal(self, scope: Scope) -> Response | None:
        if self._stopping:
            return JSONResponse({"error": "stopping", "message": "The server is stopping."}, 503)
        if self._token is None:
            return _strange(scope)
        given = _headers(scope, b"authorization")
        scheme, _, credentials = (given[0] if len(given) == 1 else b"").partition(b" ")
        # Compared first: the time taken does not depend on the scheme either.
        fits = hmac.compare_digest(credentials.strip(), self._token)
        if fits and scheme.lower() == b"bearer":
            return _strange(scope)
        return JSONResponse(
            {"error": "unauthorized", "message": "Send the server's token: Authorization: Bearer <token>."},
            401,
            {"WWW-Authenticate": 'Bearer realm="maton-mailgun"'},
        )

    async def _approvals(self, scope: Scope, receive: Receive, send: Send) -> None:
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
                from maton_mailgun.approval.channels.passphrase import fits

                home = state_home(self._engine.settings)
                gate = await self._engine.gate()
                operations = gate.operations
                self._page = create_app(
                    gate,
                    sessions=Sessions(),
                    allowed_hosts=self._names.page_hosts,
                    reveals=lambda name: bool(operations[name].reveals),
                    prefix=PAGE_PREFIX,
                    origin=self._names.public,
                    verify_passphrase=lambda given, who: fits(home, given, who),
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


def _headers(scope: Scope, name: bytes) -> list[bytes]:
    found: list[bytes] = [value for key, value in scope["headers"] if key == name]
    return found


class _Server(uvicorn.Server):
    """Ends calls before connections, and the process with status 0 after a signal."""

    def __init__(self, config: uvicorn.Config, front: _Front, running: AsyncExitStack) -> None:
        super().__init__(config)
        self._front = front
        self._running = running

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop on the first signal, drop everything on a second interrupt. The signal is not raised again: writes in
        flight still have to settle."""
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True

    async def shutdown(self, sockets: Any = None) -> None:
        """Let calls end, then streams, then connections."""
        for server in self.servers:
            server.close()
        await self._front.stop(FINISH_SECONDS)
        await self._running.aclose()
        await super().shutdown(sockets)

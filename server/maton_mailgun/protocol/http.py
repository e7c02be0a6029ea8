"""Streamable HTTP for clients of both protocol eras, and the approval page, on one port.

Clients of 2026-07-28 get plain JSON answers, which is fastest and needs no session. Earlier clients get event
streams, because the approval question is put to them in the middle of a call.
"""

from __future__ import annotations

import signal
import socket
import sys
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from maton_mailgun import loopback
from maton_mailgun.config import PAGE_PREFIX
from maton_mailgun.connection_limits import ConnectionLimits, Patience
from maton_mailgun.errors import SetupError
from maton_mailgun.protocol.entrance import MCP_PATH, Entrance
from maton_mailgun.protocol.served_names import ServedNames, is_loopback
from maton_mailgun.protocol.server import tools

if TYPE_CHECKING:
    from maton_mailgun.call import Engine
    from maton_mailgun.config import Settings

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
    settings = engine.settings
    if settings.http_token is None and settings.oauth is None and not is_loopback(host):
        raise SetupError(
            f"Serving on {host} lets other machines in: set MATON_MAILGUN_HTTP_TOKEN to a secret of at least 32 "
            "characters, which clients then send as a bearer token, or MATON_MAILGUN_OAUTH_ISSUER to let people "
            "sign in, or serve on 127.0.0.1."
        )
    with ExitStack() as open_sockets:
        sockets = [open_sockets.enter_context(listening(host, port))]
        port = sockets[0].getsockname()[1]
        sockets += [open_sockets.enter_context(one) for one in _beside(host, port)]
        names = ServedNames(host, port, settings.http_url)
        front = Entrance(engine, names)
        engine.page_url = f"{names.page}{PAGE_PREFIX}/"
        metrics = _metrics(engine, port, open_sockets)
        if metrics is not None:
            sockets.append(metrics.socket)
        limits = ConnectionLimits(_ByPort(front, metrics), deadlines=Patience(idle=KEEP_ALIVE_SECONDS))
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
                _tell(names, settings, metrics)
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


@dataclass(frozen=True, slots=True)
class _Metrics:
    """Where numbers are given, and who gives them."""

    socket: socket.socket
    address: str
    page: ASGIApp

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])


def _metrics(engine: Engine, taken: int, open_sockets: ExitStack) -> _Metrics | None:
    """The second address of the server, where one is set.

    Raises:
        SetupError: It cannot be used.
    """
    address = engine.settings.metrics
    if address is None:
        return None
    from maton_mailgun.protocol.metrics import MetricsPage, PrometheusMeasures

    host, port = parse_address(address)
    measures = PrometheusMeasures({tool["name"] for tool in tools(engine)} | set(engine.catalogue))
    opened = open_sockets.enter_context(listening(host, port))
    port = opened.getsockname()[1]
    if port == taken:
        raise SetupError(f"MATON_MAILGUN_METRICS names port {port}, which MCP has. Take another port.")
    engine.gateway.measures = measures
    shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return _Metrics(opened, shown, MetricsPage(engine, measures, only_here=is_loopback(host)))


class _ByPort:
    """Numbers on their own port and nothing else there; everything else, and no numbers, on the other."""

    def __init__(self, front: Entrance, metrics: _Metrics | None) -> None:
        self._front = front
        self._page = metrics.page if metrics else None
        self._port = metrics.port if metrics else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        server = scope.get("server")
        if self._page is not None and scope["type"] == "http" and server and server[1] == self._port:
            await self._page(scope, receive, send)
        else:
            await self._front(scope, receive, send)


def _tell(names: ServedNames, settings: Settings, metrics: _Metrics | None) -> None:
    needs = " (access token needed)" if settings.oauth else " (bearer token needed)" if settings.http_token else ""
    page = f"{names.page}{PAGE_PREFIX}/"
    numbers = f", metrics at http://{metrics.address}/metrics" if metrics else ""
    sys.stderr.write(
        f"maton-mailgun: MCP at {names.shown}{MCP_PATH}{needs}, approvals at {page}{numbers}, "
        f"listening on {names.bound}\n"
    )
    sys.stderr.flush()


class _Server(uvicorn.Server):
    """Ends calls before connections, and the process with status 0 after a signal."""

    def __init__(self, config: uvicorn.Config, front: Entrance, running: AsyncExitStack) -> None:
        super().__init__(config)
        self._front = front
        self._running = running

        # A function and no method: what writes event streams finds the server behind a method that handles signals, and
        # ends every stream at once when it stops, before the call behind it has its answer.
        def handle(sig: int, frame: FrameType | None) -> None:
            self._signalled(sig)

        self.handle_exit = handle  # type: ignore[method-assign]

    def _signalled(self, sig: int) -> None:
        """Stop on the first signal, drop everything on a second interrupt. The signal is not raised again: writes in
        flight still have to settle."""
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True

    async def shutdown(self, sockets: Any = None) -> None:
        """Let calls end, then streams, then connections."""
        # Who comes meanwhile is told so, and a load balancer that the server is not ready.
        await self._front.stop(FINISH_SECONDS)
        for server in self.servers:
            server.close()
        await self._running.aclose()
        await super().shutdown(sockets)

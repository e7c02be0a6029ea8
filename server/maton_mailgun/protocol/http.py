"""Streamable HTTP for clients of both protocol eras, and the approval page, on one port.

Clients of 2026-07-28 get plain JSON answers, which is fastest and needs no session. Earlier clients get event
streams, because the approval question is put to them in the middle of a call.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
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
from maton_mailgun.protocol.siblings import Siblings, WorkerPlace

if TYPE_CHECKING:
    from maton_mailgun.call import Engine
    from maton_mailgun.config import Settings
    from maton_mailgun.heard import Heard

KEEP_ALIVE_SECONDS = 120
FINISH_SECONDS = 5.0
"""How long calls may go on after the signal to stop; a write that takes longer settles without its caller."""


@dataclass(frozen=True, slots=True)
class Opened:
    """Where one server listens, before anything is served there.

    Args:
        sockets: Of MCP and the page, a list for each worker.
        names: Under which it answers.
        metrics: Where numbers are given, if anywhere.
        together: Where the workers count, if they do.
    """

    sockets: Sequence[list[socket.socket]]
    names: ServedNames
    metrics: socket.socket | None
    together: Path | None = None

    @property
    def metrics_address(self) -> str | None:
        """`HOST:PORT` of the numbers, as an address shows it."""
        if self.metrics is None:
            return None
        host, port = self.metrics.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def opened(settings: Settings, address: str, open_sockets: ExitStack, together: Path | None = None) -> Opened:
    """Listen, as often as there are workers.

    Args:
        address: `HOST:PORT`; port 0 takes a free one.
        open_sockets: What closes them.
        together: See `Opened`.

    Raises:
        SetupError: An address cannot be used, or lets other machines in without a token.
    """
    host, port = parse_address(address)
    if settings.http_token is None and settings.oauth is None and not is_loopback(host):
        raise SetupError(
            f"Serving on {host} lets other machines in: set MATON_MAILGUN_HTTP_TOKEN to a secret of at least 32 "
            "characters, which clients then send as a bearer token, or MATON_MAILGUN_OAUTH_ISSUER to let people "
            "sign in, or serve on 127.0.0.1."
        )
    shared = settings.workers > 1
    first = [open_sockets.enter_context(listening(host, port, shared=shared))]
    port = first[0].getsockname()[1]
    first += [open_sockets.enter_context(one) for one in _beside(host, port, shared=shared)]
    rest = [[open_sockets.enter_context(loopback.another(one)) for one in first] for _ in range(settings.workers - 1)]
    metrics = None
    if settings.metrics is not None:
        metrics = open_sockets.enter_context(listening(*parse_address(settings.metrics)))
        if metrics.getsockname()[1] == port:
            raise SetupError(f"MATON_MAILGUN_METRICS names port {port}, which MCP has. Take another port.")
    return Opened([first, *rest], ServedNames(host, port, settings.http_url), metrics, together)


async def serve_http(engine: Engine, address: str) -> int:
    """Serve until a signal stops the process.

    Args:
        engine: What carries calls out.
        address: `HOST:PORT`; port 0 takes a free one. Says on standard error where it listens.

    Returns:
        The exit status.

    Raises:
        SetupError: See `opened`.
    """
    with ExitStack() as open_sockets:
        at = opened(engine.settings, address, open_sockets)
        await serve_at(engine, at, lambda: tell(at, engine.settings))
    return 0


async def serve_at(engine: Engine, at: Opened, ready: Callable[[], None], place: WorkerPlace | None = None) -> None:
    """Serve where something listens already, until a signal stops the process.

    Args:
        engine: What carries calls out; it is closed at the end.
        at: Where.
        ready: Called once before the first request is taken.
        place: Which of several workers this is.
    """
    front = Entrance(engine, at.names, place)
    engine.page_url = f"{at.names.page}{PAGE_PREFIX}/"
    sockets = [*at.sockets[place.number if place else 0]]
    page = _numbers(engine, at) if at.metrics is not None else None
    if at.metrics is not None:
        sockets.append(at.metrics)
    siblings = engine.heard.others = Siblings(place) if place else None
    limits = ConnectionLimits(
        _ByPort(front, page, at.metrics.getsockname()[1] if at.metrics else None),
        deadlines=Patience(idle=KEEP_ALIVE_SECONDS),
        hand_on=siblings.hand_on if siblings else None,
    )
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
            ready()
            await _Server(config, front, running, siblings, engine.heard).serve(sockets=sockets)
    finally:
        await engine.aclose()


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


def listening(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket that waits for connections; further ones may share the port of a `shared` one.

    Raises:
        SetupError: It cannot; says why.
    """
    try:
        return loopback.bound(host, port, shared=shared)
    except OSError as problem:
        raise SetupError(f"Cannot listen on {host} port {port}: {problem.strerror or problem}.") from None


def _beside(host: str, port: int, *, shared: bool) -> list[socket.socket]:
    """The other loopback at the same port: `localhost` leads to both, and what is sent there must not be told to
    somebody else (RFC 8305: the first that answers).

    Raises:
        SetupError: Somebody else listens there.
    """
    host = loopback.V4 if host.lower() == "localhost" else host
    if host not in (loopback.V4, loopback.V6):
        return []
    try:
        return loopback.other(host, port, shared=shared)
    except OSError:
        there = f"[{loopback.V6}]" if host == loopback.V4 else loopback.V4
        raise SetupError(
            f"Another program listens on {there}:{port}, where http://localhost:{port} leads too. Take another port."
        ) from None


def _numbers(engine: Engine, at: Opened) -> ASGIApp:
    """What answers at the second address of the server.

    Raises:
        SetupError: The library is not installed.
    """
    from maton_mailgun.protocol.metrics import MetricsPage, PrometheusMeasures

    assert at.metrics is not None  # noqa: S101 - for types
    measures = PrometheusMeasures({tool["name"] for tool in tools(engine)} | set(engine.catalogue), at.together)
    engine.gateway.measures = measures
    return MetricsPage(engine, measures, only_here=is_loopback(at.metrics.getsockname()[0]))


class _ByPort:
    """Numbers on their own port and nothing else there; everything else, and no numbers, on the other."""

    def __init__(self, front: Entrance, numbers: ASGIApp | None, port: int | None) -> None:
        self._front = front
        self._page = numbers
        self._port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        server = scope.get("server")
        if self._page is not None and scope["type"] == "http" and server and server[1] == self._port:
            await self._page(scope, receive, send)
        else:
            await self._front(scope, receive, send)


def tell(at: Opened, settings: Settings) -> None:
    """Say on standard error where the server is."""
    names = at.names
    needs = " (access token needed)" if settings.oauth else " (bearer token needed)" if settings.http_token else ""
    page = f"{names.page}{PAGE_PREFIX}/"
    numbers = f", metrics at http://{at.metrics_address}/metrics" if at.metrics else ""
    sys.stderr.write(
        f"maton-mailgun: MCP at {names.shown}{MCP_PATH}{needs}, approvals at {page}{numbers}, "
        f"listening on {names.bound}\n"
    )
    sys.stderr.flush()


class _Server(uvicorn.Server):
    """Ends calls before connections, and the process with status 0 after a signal."""

    def __init__(
        self,
        config: uvicorn.Config,
        front: Entrance,
        running: AsyncExitStack,
        siblings: Siblings | None,
        heard: Heard,
    ) -> None:
        super().__init__(config)
        self._front = front
        self._running = running
        self._siblings = siblings
        self._heard = heard
        self._taking: set[asyncio.Task[Any]] = set()

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

    async def startup(self, sockets: Any = None) -> None:
        """Take what comes to the port, and what other workers hand over."""
        await super().startup(sockets)
        if self._siblings is not None:
            self._siblings.listen(self._take_over, self._heard.learn, self._heard.everything)

    def _take_over(self, connection: socket.socket, head: bytes) -> None:
        def made() -> asyncio.Protocol:
            state, kind = self.server_state, self.config.http_protocol_class
            protocol = kind(config=self.config, server_state=state, app_state={}, _loop=None)  # type: ignore[call-arg]
            protocol.handed = head  # type: ignore[attr-defined]
            return protocol

        taking = asyncio.get_running_loop().connect_accepted_socket(made, connection)
        task = asyncio.create_task(taking, name="take-over")
        self._taking.add(task)
        task.add_done_callback(self._taking.discard)

    async def shutdown(self, sockets: Any = None) -> None:
        """Let calls end, then streams, then connections."""
        if self._siblings is not None:
            self._siblings.close()
        # Who comes meanwhile is told so, and a load balancer that the server is not ready.
        await self._front.stop(FINISH_SECONDS)
        for server in self.servers:
            server.close()
        await self._running.aclose()
        await super().shutdown(sockets)

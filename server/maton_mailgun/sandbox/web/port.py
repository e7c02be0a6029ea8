"""The sandbox on a real port, in a thread of this process."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from maton_mailgun.sandbox.service import Sandbox
from maton_mailgun.sandbox.web.asgi import HANG_UP

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0


class HangingUp(H11Protocol):
    """HTTP/1.1 whose application may close the connection without a word, through an ASGI extension."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        inner: Callable[..., Any] = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:
            extensions = {**scope.get("extensions", {}), HANG_UP: self.transport.close}
            await inner({**scope, "extensions": extensions}, receive, send)

        self.app = app


@dataclass(frozen=True)
class RunningSandbox:
    """A sandbox and where it listens."""

    sandbox: Sandbox
    host: str
    port: int

    @property
    def url(self) -> str:
        """`http://host:port`, without a slash at the end."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


class _Server(uvicorn.Server):
    """Tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@contextmanager
def serve(sandbox: Sandbox, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[RunningSandbox]:
    """Serves `sandbox` until the context ends. Port 0 takes a free one. Raises OSError when the address is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        config = uvicorn.Config(
            sandbox.app,
            http=HangingUp,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        server = _Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), name="mailgun-sandbox", daemon=True)
        thread.start()
        if not server.listening.wait(_START_SECONDS):
            raise OSError("the sandbox did not start listening")
        try:
            yield RunningSandbox(sandbox, host, listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(_STOP_SECONDS)

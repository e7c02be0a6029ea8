"""The fence around every answer of the page: which host it is asked as, who may write, what the browser may do."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from maton_mailgun.host_header import why_malformed

logger = logging.getLogger(__name__)

Hosts = Collection[str] | Callable[[], Collection[str]]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "frame-src 'self'; manifest-src 'self'; "
    "frame-ancestors 'none'; "  # guard: 24-frame
    "base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Trusted types make the browser itself refuse innerHTML: text from records can only ever be text."""

FRAME_POLICY = (
    "sandbox; "  # guard: 17-sandbox
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'"
)
"""For the message in its frame: nothing runs and nothing is fetched."""

_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), midi=(), "
        "payment=(), usb=(), clipboard-read=(), clipboard-write=(self)"
    ),
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}
_SAFE_METHODS = frozenset({"GET", "HEAD"})


class Fence:
    """ASGI middleware in front of every route.

    Args:
        hosts: Exact values of the Host header that are ours; another answers 421 (DNS rebinding), none or a
            malformed one 400.
        origin: Our origin where a proxy ends TLS; by default the request's scheme and Host.
    """

    def __init__(self, app: ASGIApp, *, hosts: Hosts, origin: str | None = None) -> None:
        self._app = app
        self._hosts = hosts
        self._origin = origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await _close(scope, receive, send)
            return
        fenced = _Fenced(send)
        refusal = self._refusal(scope)
        if refusal is not None:
            await fenced.refuse(*refusal)
            return
        try:
            await self._app(scope, receive, fenced.send)
        except Exception:
            # Only the kind of failure and where it happened are logged: no token, no body is ever part of either.
            logger.exception("The approval page failed to answer.")
            if not fenced.started:
                await fenced.refuse(500, "failed", "The page failed to answer. Reload to see how things are now.")

    def _refusal(self, scope: Scope) -> tuple[int, str, str] | None:
        why = why_malformed(scope["headers"])
        if why is not None:
            return 400, "bad_host", why
        headers = Headers(scope=scope)
        if "service-worker" in headers:  # guard: 140-worker
            return 403, "no_worker", "The approval page has no service worker."
        host = headers["host"].lower()
        hosts = self._hosts() if callable(self._hosts) else self._hosts
        if host not in {name.lower() for name in hosts}:  # guard: 24-host
            return 421, "wrong_host", "This server does not answer under that host name."
        if scope["method"] in _SAFE_METHODS:
            return None
        origin = self._origin or f"{scope['scheme']}://{host}"
        if headers.getlist("origin") != [origin]:  # guard: 23-origin
            return 403, "wrong_origin", "Only the approval page itself may send this."
        if headers.get("sec-fetch-site", "same-origin") != "same-origin":  # guard: 23-other-site.write
            return 403, "wrong_origin", "Only the approval page itself may send this."
        return None


class _Fenced:
    """A `send` that adds our headers to whatever is answered."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)

    async def refuse(self, status: int, error: str, why: str) -> None:
        body = json.dumps({"error": error, "message": why}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})


async def _close(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})

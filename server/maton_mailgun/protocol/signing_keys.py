"""The public keys of the authorization server, from the one address that the operator named.

They are kept for some minutes, so that a key that was withdrawn stops counting, and asked for again when a token names
one that is not there, which is how servers change keys. How often that happens is bounded: anybody can send a token.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit
from urllib.request import BaseHandler, HTTPRedirectHandler, ProxyHandler, Request, build_opener

log = logging.getLogger(__name__)

FRESH_SECONDS = 600.0
"""After which keys are asked for again."""
KEPT_SECONDS = 3600.0
"""For how long keys count whose server does not answer any more."""
PAUSE_SECONDS = 10.0
"""Between two requests, whatever tokens come."""
FETCH_SECONDS = 5.0
MOST_BYTES = 256 * 1024
MOST_KEYS = 100
KINDS: Mapping[str, tuple[str, str | None]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""Algorithms that count, all with a public key, and the kind of key each one has: `none` and HS256 are not among them,
so nobody signs with what everybody can read."""


class KeysUnavailable(Exception):
    """No keys could be had: whether a token is good cannot be said now."""


class SigningKeys:
    """Keys of one address.

    Args:
        url: Where they are (RFC 7517, section 5).
        fetch: Gets what is there, in a thread.
        clock: Seconds that never run backwards.
    """

    def __init__(
        self, url: str, *, fetch: Callable[[str], bytes] | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._fetch = fetch or fetched
        self._clock = clock
        self._keys: Sequence[Mapping[str, Any]] = ()
        self._got: float | None = None
        self._asked: float | None = None
        self._asking: asyncio.Task[None] | None = None

    async def find(self, kid: str | None, algorithm: str) -> Mapping[str, Any] | None:
        """The key that a token of this algorithm is signed with; None where there is none, or more than one.

        Raises:
            KeysUnavailable: The address does not answer, or did not for an hour.
        """
        if self._got is not None and self._clock() - self._got > FRESH_SECONDS:
            # Nobody waits for it: an address that hangs must not hold up those whose key is there.
            self._begin()
        found = self._pick(kid, algorithm)
        if found is None:
            await self._ask()
            found = self._pick(kid, algorithm)
        if self._got is None or self._clock() - self._got > KEPT_SECONDS:
            raise KeysUnavailable
        return found

    def _pick(self, kid: str | None, algorithm: str) -> Mapping[str, Any] | None:
        kind = KINDS.get(algorithm)
        fitting = [
            key
            for key in self._keys
            if (key.get("kty"), key.get("crv") if key.get("kty") != "RSA" else None) == kind
            and key.get("alg", algorithm) == algorithm
            and (kid is None or key.get("kid") == kid)
        ]
        return fitting[0] if len(fitting) == 1 else None

    async def _ask(self) -> None:
        """Get the keys anew, once for all who wait; not at all shortly after the last time."""
        self._begin()
        if self._asking is not None:
            await asyncio.shield(self._asking)

    def _begin(self) -> None:
        if self._asking is not None:
            return
        now = self._clock()
        if self._asked is not None and now - self._asked < PAUSE_SECONDS:  # guard: 334-pause
            return
        self._asked = now
        self._asking = asyncio.create_task(self._get(), name="signing-keys")
        self._asking.add_done_callback(lambda _: setattr(self, "_asking", None))

    async def _get(self) -> None:
        try:
            async with asyncio.timeout(2 * FETCH_SECONDS):
                content = await asyncio.to_thread(self._fetch, self._url)
            self._keys = usable(json.loads(content))
        except (OSError, ValueError, TimeoutError, RecursionError) as problem:
            log.warning("the signing keys cannot be had", extra={"why": type(problem).__name__})
            return
        self._got = self._clock()


def usable(answer: Any) -> list[Mapping[str, Any]]:
    """The public keys for signatures in a set. Raises ValueError where it is none."""
    listed = answer.get("keys") if isinstance(answer, dict) else None
    if not isinstance(listed, list):
        raise ValueError("no set of keys")  # noqa: TRY004 - as what is no JSON at all
    return [
        key
        for key in listed[:MOST_KEYS]
        if isinstance(key, dict)
        and key.get("use", "sig") == "sig"
        and "verify" in (key.get("key_ops") or ["verify"])
        and "d" not in key
    ]


class _NoRedirects(HTTPRedirectHandler):
    """Keys come from the named address; where that sends one elsewhere, nothing comes."""

    def redirect_request(self, *_: Any) -> None:
        return None


def fetched(url: str) -> bytes:
    """What is at an address of https, or of http on this machine. Raises OSError, ValueError."""
    ends = time.monotonic() + FETCH_SECONDS
    handlers: list[BaseHandler] = [_NoRedirects()]  # guard: 335-redirect
    if urlsplit(url).scheme == "http":
        handlers.append(ProxyHandler({}))
    opener = build_opener(*handlers)
    request = Request(url, headers={"Accept": "application/jwk-set+json, application/json"})  # noqa: S310 - held to https
    with opener.open(request, timeout=FETCH_SECONDS) as answer:
        if answer.status != 200:
            raise ValueError("not answered with keys")
        content = b""
        while chunk := answer.read1(MOST_BYTES):
            content += chunk
            if len(content) > MOST_BYTES or time.monotonic() > ends:
                raise ValueError("too large, or too slow")
    return content

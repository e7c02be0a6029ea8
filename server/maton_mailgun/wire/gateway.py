"""The Maton transport: the only place that speaks HTTP to the outside.

The key goes to the configured host only: redirects are never followed and every address is built here from that host.
A write uses a connection of its own, so that "could not connect" is certain to mean "nothing was sent" and a pooled
connection that the other side has closed can never make an outcome doubtful.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections import deque
from collections.abc import AsyncIterable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx2

from maton_mailgun import __version__
from maton_mailgun.catalogue.operation import Access
from maton_mailgun.config import Settings
from maton_mailgun.errors import AnswerTooLarge, KeyMissing, MaybeSent, NotSent, TokenCommandFailed, TooLate
from maton_mailgun.measures import Measures
from maton_mailgun.wire import outside_json, retry
from maton_mailgun.wire.request import Request
from maton_mailgun.wire.sent_body import body_of
from maton_mailgun.wire.speakers import who_wrote

if TYPE_CHECKING:
    from maton_mailgun.wire.people_keys import PeopleKeys, PersonKey
    from maton_mailgun.wire.token_command import TokenCommand

log = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
WRITE_SECONDS = 60.0
TOTAL_SECONDS = 150.0
"""For one whole exchange: an answer that trickles must end before the lease of its write does."""
READING_SECONDS = 50.0
"""For one read with all its attempts and waits: clients give a call 60 seconds, and must hear the reason before."""
KEEPALIVE_SECONDS = 120.0
"""httpx2's own 5 s would make most calls of a conversation pay a new handshake."""
MAX_ANSWER_BYTES = 32_000_000
REQUESTS_PER_SECOND = 10
"""Maton's documented limit for one account."""
_ADDRESSES_KEPT = 256
"""Addresses of this gateway that are kept ready: building one costs as much as checking the arguments of its call."""

# Raised before the request's first byte is written: connecting, the proxy's handshake, waiting for a free connection.
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
_tls = lru_cache(1)(httpx2.create_ssl_context)


@dataclass(frozen=True)
class Reply:
    """One HTTP answer, whole. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def content_type(self) -> str:
        """The media type without parameters, in lower case."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    @cached_property
    def json(self) -> Any:
        """The body as JSON, read once for all who ask: to be read, never changed. None if it is none."""
        return outside_json.parsed(self.body)


class Gateway:
    """Sends requests through Maton.

    Args:
        settings: Host and key.
        transport: What carries the bytes; a real network unless given (tests and the built-in sandbox give one).
        sleep: Waits between attempts, in seconds.
        jitter: A number from 0 to 1 for each wait.
        reading: Seconds that one read may take in all.
    """

    def __init__(
        self,
        settings: Settings,
        transport: httpx2.AsyncBaseTransport | None = None,
        *,
        sleep: Callable[[float], Any] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        reading: float = READING_SECONDS,
    ) -> None:
        self.settings = settings
        self._base = httpx2.URL(settings.api_url)
        self._prefix = self._base.raw_path.decode("ascii").rstrip("/")
        self._timeouts = {
            "connect": CONNECT_SECONDS, "read": READ_SECONDS, "write": WRITE_SECONDS, "pool": CONNECT_SECONDS
        }  # fmt: skip
        self._at = lru_cache(_ADDRESSES_KEPT)(self._address)
        self._key = settings.api_key
        self._tokens = None if self._key is not None else _tokens(settings)
        self._people = _people(settings)
        self._others: dict[PersonKey, Gateway] = {}
        self._proxy = settings.proxy
        self._given = transport
        self._sleep = sleep
        self._jitter = jitter
        self.reading = reading
        self.measures = Measures()
        """Where requests are counted."""
        self._pooled: httpx2.AsyncBaseTransport | None = None
        self._recent: deque[float] = deque(maxlen=REQUESTS_PER_SECOND)
        self._paced = self._base.scheme == "https"

    def of(self, principal: str) -> Gateway:
        """The gateway under this principal's own key, where people have such; as the file says now.

        Raises:
            PersonKeyMissing: There is none for them.
        """
        if self._people is None:
            return self
        entry = self._people.entry(principal)
        if entry not in self._others:
            own = entry.given(self.settings)
            other = Gateway(own, self._given, sleep=self._sleep, jitter=self._jitter, reading=self.reading)
            other.measures = self.measures
            self._others[entry] = other
        return self._others[entry]

    async def read(self, request: Request, connection_id: str | None, until: float = math.inf) -> Reply:
        """Send a read, again after a passing failure.

        Args:
            request: What to read.
            connection_id: The connection it goes through.
            until: The moment of the loop's clock at which it ends at the latest.

        Raises:
            KeyMissing: No key is set.
            NotSent: The gateway cannot be reached.
            MaybeSent: The answer did not arrive, or is too large (AnswerTooLarge).
        """
        seconds = self.left(until)
        try:
            async with asyncio.timeout(seconds) as limit:
                return await self._read(request, connection_id, limit.when() or math.inf)
        except TimeoutError:
            within = "the time this call may take" if seconds < self.reading else f"{seconds:.0f} seconds"
            raise MaybeSent(f"no whole answer came within {within}") from None

    def left(self, until: float) -> float:
        """Seconds that a read may take in all if it must end by then, a moment of the loop's clock."""
        return max(0.0, min(self.reading, until - asyncio.get_running_loop().time()))

    async def _read(self, request: Request, connection_id: str | None, until: float) -> Reply:
        """Attempt after attempt; none that would begin after `until`, a moment of the loop's clock."""
        loop = asyncio.get_running_loop()
        attempt = 1
        while True:
            try:
                reply = await self._accepted(request, connection_id, self._pool())
            except AnswerTooLarge:
                raise
            except (NotSent, MaybeSent) as failure:
                sent = isinstance(failure, MaybeSent)
                wait = retry.after_failure("read", attempt, sent=sent, jitter=self._jitter())
                if wait is None or loop.time() + wait >= until:
                    raise
            else:
                asked = retry.asked_wait(reply.headers, reply.body, time.time()) if reply.status >= 400 else None
                wait = retry.after_reply("read", attempt, reply.status, asked, jitter=self._jitter())
                if wait is None or loop.time() + wait >= until:
                    return reply
            log.info("reading again", extra={"attempt": attempt, "wait": round(wait, 2)})
            await self._sleep(wait)
            attempt += 1

    async def write(
        self, request: Request, connection_id: str | None, access: Access, *, in_time: Callable[[], bool] | None = None
    ) -> Reply:
        """Send one write: at most one request reaches the service, whatever happens.

        Args:
            request: What to send.
            connection_id: The connection it goes through.
            access: What it does.
            in_time: Whether it may still be sent; asked before every attempt, behind every wait.

        Raises:
            TooLate: It may not be sent any more; certainly nothing happened.
            KeyMissing: No key is set.
            NotSent: The gateway could not be reached; certainly nothing happened.
            MaybeSent: It may have happened.
        """
        attempt = 1
        while True:
            carrier = self._given or self._transport(keepalive=0)
            try:
                return await self._accepted(request, connection_id, carrier, in_time)
            except TokenCommandFailed as failure:
                raise NotSent(failure.message) from None
            except TooLate:
                raise
            except NotSent:
                wait = retry.after_failure(access, attempt, sent=False, jitter=self._jitter())
                if wait is None:
                    raise
            finally:
                if carrier is not self._given:
                    await carrier.aclose()
            await self._sleep(wait)
            attempt += 1

    @property
    def is_remote(self) -> bool:
        """Whether there is a network and a key, so that a connection can be opened ahead of the first call."""
        return self._given is None and (self._key is not None or self._tokens is not None)

    async def aclose(self) -> None:
        """Close the pooled connections, and end a command that still runs."""
        for other in self._others.values():
            await other.aclose()
        if self._tokens is not None:
            await self._tokens.aclose()
        if self._pooled is not None:
            await self._pooled.aclose()

    def _pool(self) -> httpx2.AsyncBaseTransport:
        if self._given is not None:
            return self._given
        if self._pooled is None:
            self._pooled = self._transport(keepalive=20)
        return self._pooled

    def _transport(self, *, keepalive: int) -> httpx2.AsyncHTTPTransport:
        limits = httpx2.Limits(
            max_connections=100, max_keepalive_connections=keepalive, keepalive_expiry=KEEPALIVE_SECONDS
        )
        from maton_mailgun.wire.network import AsyncioNetwork

        secure = _tls() if self._base.scheme == "https" else False
        # Retries inside the transport would hide attempts from the rules above.
        carrier = httpx2.AsyncHTTPTransport(verify=secure, limits=limits, retries=0, proxy=self._proxy)
        # It takes no argument for what is below its pool, which does.
        carrier._pool._network_backend = AsyncioNetwork()
        return carrier

    @property
    def secrets(self) -> list[str]:
        """What must stand in nothing that anybody is told: the key, or the tokens of late; those of all people."""
        own = [self._key] if self._key else self._tokens.secrets if self._tokens else []
        return [*own, *(secret for other in self._others.values() for secret in other.secrets)]

    async def _accepted(
        self,
        request: Request,
        connection_id: str | None,
        carrier: httpx2.AsyncBaseTransport,
        in_time: Callable[[], bool] | None = None,
    ) -> Reply:
        """The reply to a request, sent again once with a new token where Maton itself refused the old one: then nothing
        of it has reached Mailgun, so that this goes for writes as well."""
        if self._tokens is None:
            return await self._send(request, connection_id, carrier, in_time, self._key)
        token = await self._tokens.token()
        reply = await self._send(request, connection_id, carrier, in_time, token)
        refused = reply.status == 401 and who_wrote(reply.json) == "maton"  # guard: 215-maton
        if not refused:
            return reply
        try:
            again = await self._tokens.token(refused=token)
        except TokenCommandFailed:
            return reply
        return reply if again == token else await self._send(request, connection_id, carrier, in_time, again)

    async def _send(
        self,
        request: Request,
        connection_id: str | None,
        carrier: httpx2.AsyncBaseTransport,
        in_time: Callable[[], bool] | None,
        key: str | None,
    ) -> Reply:
        message = self._message(request, connection_id, key)
        await self._pace()
        if in_time is not None and not in_time():  # guard: 63-in-time
            raise TooLate("the time of the yes was over before the gateway could be reached")
        begun, status = time.monotonic(), "no_answer"
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                reply = await self._exchange(message, carrier)
        except TimeoutError:
            raise MaybeSent(f"no whole answer came within {TOTAL_SECONDS:.0f} seconds") from None
        except NotSent:
            status = "not_sent"
            raise
        else:
            status = str(reply.status)
            return reply
        finally:
            self.measures.exchanged(status, time.monotonic() - begun)

    async def _exchange(self, message: httpx2.Request, carrier: httpx2.AsyncBaseTransport) -> Reply:
        try:
            response = await carrier.handle_async_request(message)
        except _NEVER_SENT as failure:
            raise NotSent(f"could not connect to the gateway ({type(failure).__name__})") from None
        except (httpx2.TransportError, OSError) as failure:
            raise MaybeSent(f"the connection failed before an answer came ({type(failure).__name__})") from None
        try:
            body = await _whole(response)
        except (httpx2.TransportError, httpx2.DecodingError, OSError) as failure:
            raise MaybeSent(f"the answer did not arrive whole ({type(failure).__name__})") from None
        finally:
            await response.aclose()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status_code, headers, body)

    def _message(self, request: Request, connection_id: str | None, key: str | None) -> httpx2.Request:
        if key is None:
            raise KeyMissing
        headers = {
            "Accept": "application/json",
            **dict(request.headers),
            "Authorization": f"Bearer {key}",
            "User-Agent": f"maton-mailgun/{__version__}",
        }
        if request.service == "mailgun" and connection_id:  # guard: 10-named
            headers["Maton-Connection"] = connection_id
        body = body_of(request)
        if "content" in body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        return httpx2.Request(
            request.method, self._url(request), headers=headers, extensions={"timeout": self._timeouts}, **body
        )

    def _url(self, request: Request) -> httpx2.URL:
        service = "/mailgun" if request.service == "mailgun" else ""
        target = f"{self._prefix}{service}{request.path}"
        query = urlencode(request.query) if request.raw_query is None else request.raw_query
        return self._at(f"{target}?{query}" if query else target)

    def _address(self, target: str) -> httpx2.URL:
        # raw_path is taken as it is: the encoding that was shown and approved is the one that is sent.
        return self._base.copy_with(raw_path=target.encode("ascii"))

    async def _pace(self) -> None:
        """Stay under Maton's limit for this account as far as this process can."""
        if not self._paced:
            return
        now = time.monotonic()
        if len(self._recent) == REQUESTS_PER_SECOND and (wait := self._recent[0] + 1.0 - now) > 0:
            self._recent.append(now + wait)
            await self._sleep(wait)
        else:
            self._recent.append(now)


def _people(settings: Settings) -> PeopleKeys | None:
    if settings.people_keys is None:
        return None
    from maton_mailgun.wire.people_keys import people_of

    return people_of(settings)


def _tokens(settings: Settings) -> TokenCommand | None:
    if not settings.token_command:
        return None
    from maton_mailgun.wire.token_command import TokenCommand

    return TokenCommand(settings.token_command, settings.command_path)


async def _whole(response: httpx2.Response) -> bytes:
    chunks: list[bytes] = []
    total = 0
    async for chunk in _parts(response):
        total += len(chunk)
        if total > MAX_ANSWER_BYTES:
            raise AnswerTooLarge(f"the answer is larger than {MAX_ANSWER_BYTES // 1_000_000} MB")
        chunks.append(chunk)
    return b"".join(chunks)


def _parts(response: httpx2.Response) -> AsyncIterable[bytes]:
    """What arrives, without the client's own layers for encodings where there is none: a tenth of a whole call."""
    if "content-encoding" in response.headers or not isinstance(response.stream, httpx2.AsyncByteStream):
        return response.aiter_bytes()
    return response.stream

"""Posts webhooks and what routes forward, to addresses of this machine alone, and keeps what became of each.

A sandbox must never reach a person: an address that is not this machine's loopback, written as such, is refused and
recorded. No name is looked up, no redirect followed, no proxy asked. Posts are made in order, in one thread.
"""

from __future__ import annotations

import http.client
import ssl
from base64 import b64encode
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from maton_mailgun.sandbox.web.calls import Record

AGENT = "maton-mailgun-sandbox"
"""How the sandbox names itself. A sandbox refuses what comes from one: no post leads in a circle."""
_SECONDS = 10.0
_KEPT = 1000
_OFF = "this sandbox calls nobody"


@dataclass(frozen=True)
class Loopback:
    """An address of this machine, and what is asked for there."""

    secure: bool
    host: str
    port: int
    path: str
    headers: tuple[tuple[str, str], ...]


def parse_loopback(url: str) -> Loopback:
    """The address of a URL. Raises ValueError unless its host is this machine's loopback, written as such."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError("only http and https are called")
    # `localhost` is taken for what it means, without asking a name server that may say something else.
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname or ""
    try:
        loopback = "%" not in host and ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:  # guard: 220-loopback
        raise ValueError(
            f"{parts.hostname or url!r} is not this machine: only 127.0.0.1, [::1] and localhost are called"
        )
    headers: tuple[tuple[str, str], ...] = ()
    if parts.username is not None:
        given = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers = (("Authorization", "Basic " + b64encode(given.encode()).decode()),)
    secure = parts.scheme == "https"
    path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    return Loopback(secure, host, parts.port or (443 if secure else 80), path, headers)


class Callbacks:
    """Posts of one sandbox.

    `outcomes` has the latest thousand, oldest first: `{"kind", "url", "state": "waiting" | "called" | "refused" |
    "failed", "status", "error", "at"}`; `status` is what the other side answered.
    """

    def __init__(self, *, calls: bool) -> None:
        self.calls = calls
        self.outcomes: deque[Record] = deque(maxlen=_KEPT)
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox-callbacks")
        self._last: Future[None] | None = None

    def post(
        self, kind: str, url: str, body: bytes, content_type: str, at: float
    ) -> tuple[Record, Future[None] | None]:
        """Posts `body` behind what waits already; returns at once. The outcome fills itself; no future when refused."""
        outcome: Record = {
            "kind": kind,
            "url": shown_url(url),
            "state": "waiting",
            "status": None,
            "error": None,
            "at": at,
        }
        self.outcomes.append(outcome)
        if not self.calls:  # guard: 221-off
            outcome |= {"state": "refused", "error": _OFF}
            return outcome, None
        try:
            target = parse_loopback(url)
        except ValueError as problem:
            outcome |= {"state": "refused", "error": str(problem)}
            return outcome, None
        self._last = self._worker.submit(_call, target, body, content_type, outcome)
        return outcome, self._last

    def wait(self, seconds: float = _SECONDS) -> None:
        """Waits until everything taken up so far is done. Raises TimeoutError."""
        if self._last is not None:
            self._last.result(seconds)

    def forget(self) -> None:
        """Forgets what became of earlier posts."""
        self.outcomes.clear()


def shown_url(url: str) -> str:
    """A URL without a name and password in it."""
    try:
        parts = urlsplit(url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if _is_whole(parts) else url
    except ValueError:
        return url


def _is_whole(parts: SplitResult) -> bool:
    return "@" in parts.netloc


def _call(target: Loopback, body: bytes, content_type: str, outcome: Record) -> None:
    made = (
        http.client.HTTPSConnection(target.host, target.port, timeout=_SECONDS, context=ssl.create_default_context())
        if target.secure
        else http.client.HTTPConnection(target.host, target.port, timeout=_SECONDS)
    )
    try:
        headers = {"Content-Type": content_type, "User-Agent": AGENT, **dict(target.headers)}
        made.request("POST", target.path, body, headers)
        outcome |= {"status": made.getresponse().status, "state": "called"}
    except (OSError, http.client.HTTPException, ValueError) as problem:
        outcome |= {"state": "failed", "error": f"{type(problem).__name__}: {problem}"[:300]}
    finally:
        made.close()

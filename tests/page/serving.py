"""The page on a real port, in an event loop of its own, with a gate the test can reach into."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import re
import threading
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from maton_mailgun.approval.channels.page import PageServer, Sessions, start
from maton_mailgun.approval.store.record import Record

from .gate_in_memory import GateInMemory

PASSPHRASE = "correct horse"
T = TypeVar("T")


class Clock:
    """Seconds that only the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Reply:
    """An answer over the wire."""

    status: int
    headers: http.client.HTTPMessage
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


class RunningPage(AbstractContextManager["RunningPage"]):
    """Start with `with`; `passphrase` decides whether that way in is offered."""

    def __init__(self, records: Sequence[Record] = (), *, passphrase: bool = False, port: int = 0) -> None:
        self.clock = Clock()
        self._port = port
        self.sessions = Sessions(clock=self.clock)
        self._records = records
        self._passphrase = passphrase
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> RunningPage:
        self._thread.start()
        self.gate, self.page = self.run(self._start())
        self.host = f"127.0.0.1:{self.page.port}"
        self.origin = f"http://{self.host}"
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self.page.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _start(self) -> tuple[GateInMemory, PageServer]:
        gate = GateInMemory(self._records)
        page = await start(
            gate,
            reveals=lambda operation: operation == "create_credential",
            environ={},
            sessions=self.sessions,
            verify_passphrase=self._verify if self._passphrase else None,
            port=self._port,
        )
        return gate, page

    async def _verify(self, given: str, who: str) -> bool:
        # Slow, as checking a passphrase is: other guesses arrive meanwhile.
        await asyncio.to_thread(hashlib.scrypt, given.encode(), salt=b"salt", n=2**12, r=8, p=1)
        return given == PASSPHRASE

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` in the page's loop."""
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(20)

    def record(self, approval_id: str) -> Record:
        """The record as it is now."""
        return self.gate.records[approval_id]

    def token(self, **settings: Any) -> str:
        """A one-time token, as a link carries it."""
        return self.sessions.token(**settings)

    def send(self, method: str, path: str, body: Any = None, headers: Mapping[str, str | None] | None = None) -> Reply:
        """One request, with the headers the page itself would send; None takes one out."""
        usual: dict[str, str | None] = {"Host": self.host}
        if method != "GET":
            usual |= {"Origin": self.origin, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}
        sent = {name: value for name, value in {**usual, **(headers or {})}.items() if value is not None}
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        if content or method != "GET":
            sent.setdefault("Content-Length", str(len(content)))
        connection = http.client.HTTPConnection("127.0.0.1", self.page.port, timeout=20)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in sent.items():
                connection.putheader(name, value)
            connection.endheaders(content or None)
            answer = connection.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def static(self) -> str:
        """Where the page's own files are, as its document says; a folder of its own for each start."""
        document = self.send("GET", "/").content.decode()
        (found,) = set(re.findall(r'"(static/[^/"]*)/', document))
        return f"/{found}"

    def browser(self, **settings: Any) -> Browser:
        """Somebody signed in with a one-time link."""
        return self._signed_in({"token": self.token(**settings)})

    def named(self, name: str, passphrase: str) -> Browser:
        """Somebody signed in by name."""
        return self._signed_in({"name": name, "passphrase": passphrase})

    def _signed_in(self, given: Mapping[str, str]) -> Browser:
        reply = self.send("POST", "/api/session", given)
        assert reply.status == 200, reply.content
        return Browser(self, reply.headers["Set-Cookie"].partition(";")[0], reply.json["key"])


@dataclass(frozen=True)
class Browser:
    """Both halves of a session."""

    page: RunningPage
    cookie: str
    key: str

    def send(self, method: str, path: str, body: Any = None, headers: Mapping[str, str | None] | None = None) -> Reply:
        """A request of the signed-in page."""
        return self.page.send(
            method, path, body, {"Cookie": self.cookie, "X-Approval-Key": self.key, **(headers or {})}
        )

    def get(self, path: str) -> Reply:
        return self.send("GET", path)

    def see(self, approval_id: str) -> dict[str, Any]:
        """Open a record as the page does, so that it counts as shown; what the decision must name."""
        detail = self.get(f"/api/approvals/{approval_id}").json
        status = self.send("POST", f"/api/approvals/{approval_id}/shown", {}).json["status"]
        return {"digest": detail["digest"], "version": status["version"]}

    def decide(self, approval_id: str, decision: dict[str, Any], **settings: Any) -> Reply:
        return self.send("POST", f"/api/approvals/{approval_id}/decision", decision, **settings)


def token_of(link: str) -> str:
    """The one-time token a link carries in its fragment."""
    return urlsplit(link).fragment.partition("?t=")[2]


def file_of(address: str) -> Path:
    """The file a browser was asked to open."""
    assert address.startswith("file:///"), address
    return Path(unquote(urlsplit(address).path))


def link_in(file: Path) -> str:
    """The one-time link a handed-over file leads to."""
    return unescape(file.read_text().partition('<a href="')[2].partition('"')[0])

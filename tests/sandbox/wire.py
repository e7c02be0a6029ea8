"""A plain HTTP client for these tests: what it is told to send goes on the wire unchanged."""

from __future__ import annotations

import http.client
import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

MATON_KEY = "sandbox-maton-key"
DOMAIN = "mg.example.com"

Pairs = Iterable[tuple[str, str]]


@dataclass(frozen=True)
class Reply:
    """One answer as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0]


@dataclass(frozen=True)
class Part:
    """A part of a multipart body; a file when it has a filename."""

    name: str
    data: bytes
    filename: str | None = None
    content_type: str | None = None


def multipart(parts: Iterable[Part], boundary: str = "sandboxboundary") -> tuple[bytes, str]:
    """The body and its content type."""
    body = b""
    for part in parts:
        disposition = f'form-data; name="{part.name}"'
        if part.filename is not None:
            disposition += f'; filename="{part.filename}"'
        body += f"--{boundary}\r\nContent-Disposition: {disposition}\r\n".encode()
        if part.content_type:
            body += f"Content-Type: {part.content_type}\r\n".encode()
        body += b"\r\n" + part.data + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


@dataclass
class Wire:
    """One address, and the paths on it."""

    host: str
    port: int
    clock: Clock

    def raw(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Reply:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=20)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def call(
        self,
        method: str,
        path: str,
        form: Pairs | None = None,
        *,
        parts: Iterable[Part] | None = None,
        json_body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """A call through Maton's proxy, `path` being Mailgun's own."""
        return self.maton(method, "/mailgun" + path, form, parts=parts, json_body=json_body, headers=headers)

    def maton(
        self,
        method: str,
        path: str,
        form: Pairs | None = None,
        *,
        parts: Iterable[Part] | None = None,
        json_body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        return self.send(
            method, path, form, parts, json_body, {"Authorization": f"Bearer {MATON_KEY}", **(headers or {})}
        )

    def mailgun(self, method: str, path: str, form: Pairs | None = None, *, key: str = "key-sandbox") -> Reply:
        """A call in Mailgun's own shape."""
        basic = b64encode(f"api:{key}".encode()).decode()
        return self.send(method, path, form, None, None, {"Authorization": f"Basic {basic}"})

    def send(
        self,
        method: str,
        path: str,
        form: Pairs | None,
        parts: Iterable[Part] | None,
        json_body: Any,
        headers: Mapping[str, str],
    ) -> Reply:
        body, kind = None, {}
        if form is not None:
            body, kind = urlencode(list(form)).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
        elif parts is not None:
            body, content_type = multipart(parts)
            kind = {"Content-Type": content_type}
        elif json_body is not None:
            body, kind = json.dumps(json_body).encode(), {"Content-Type": "application/json"}
        return self.raw(method, path, body, {**kind, **headers})

    def control(self, method: str, path: str, json_body: Any = None) -> Any:
        """A call of the sandbox's own paths, which must succeed."""
        reply = self.send(method, f"/_sandbox/{path}", None, None, json_body, {})
        assert reply.status == 200, reply.text
        return reply.json

    def requests(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.control("GET", "requests")["requests"]
        return found

    def outbox(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.control("GET", "messages")["messages"]
        return found

    def fault(self, kind: str, **more: Any) -> None:
        """Arms a named fault once."""
        self.control("POST", "faults", {"fault": {"kind": kind, **more}})

    def send_mail(self, *more: tuple[str, str], domain: str = DOMAIN, **changes: str | None) -> Reply:
        """A small valid message; `changes` replace its fields, None drops one, `more` adds."""
        fields = {"from": f"Me <me@{domain}>", "to": "you@example.net", "subject": "Hi", "text": "Hello", **changes}
        pairs = [(name.rstrip("_"), value) for name, value in fields.items() if value is not None]
        return self.call("POST", f"/v3/{domain}/messages", [*pairs, *more])

    def events(self, query: str = "", domain: str = DOMAIN) -> list[dict[str, Any]]:
        reply = self.call("GET", f"/v3/{domain}/events{query}")
        assert reply.status == 200, reply.text
        items: list[dict[str, Any]] = reply.json["items"]
        return items


class Clock:
    """A clock that stands still until it is told to move."""

    # Thu, 15 Jan 2026 12:00:00 UTC
    START = 1768478400.0

    def __init__(self) -> None:
        self.now = self.START

    def __call__(self) -> float:
        return self.now


def native(url: str) -> str:
    """Mailgun's own path and query out of one of its absolute URLs."""
    origin = "https://api.mailgun.net"
    assert url.startswith(origin + "/v3/"), url
    return url.removeprefix(origin)

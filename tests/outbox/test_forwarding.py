"""Forwarding to a mail catcher on this machine, against a small SMTP server of these tests' own."""

from __future__ import annotations

import asyncio
import http.client
import threading
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from urllib.parse import urlencode

import pytest

from maton_mailgun.sandbox import RunningSandbox, Sandbox, serve
from maton_mailgun.sandbox.control.mail_catcher import Catcher, Forwarder, parse_catcher

_BASIC = "Basic " + b64encode(b"api:key-sandbox").decode()


@dataclass
class CatchAll:
    """Says yes to everything and keeps what it gets: (envelope sender, recipient, message)."""

    port: int = 0
    mails: list[tuple[str, str, EmailMessage]] = field(default_factory=list)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender, recipient = "", ""
        writer.write(b"220 catcher\r\n")
        while line := (await reader.readline()).decode().rstrip():
            word = line.partition(" ")[0].upper()
            if word == "MAIL":
                sender = line.partition("<")[2].partition(">")[0]
            elif word == "RCPT":
                recipient = line.partition("<")[2].partition(">")[0]
            elif word == "DATA":
                writer.write(b"354 go on\r\n")
                raw = await reader.readuntil(b"\r\n.\r\n")
                text = raw.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")
                self.mails.append((sender, recipient, message_from_bytes(text, policy=default)))
            writer.write(b"221 bye\r\n" if word == "QUIT" else b"250 OK\r\n")
            if word == "QUIT":
                break
        writer.close()


@pytest.fixture
def catcher() -> Iterator[CatchAll]:
    caught, ready = CatchAll(), threading.Event()
    loop = asyncio.new_event_loop()

    async def start() -> None:
        server = await asyncio.start_server(caught.talk, "127.0.0.1", 0)
        caught.port = server.sockets[0].getsockname()[1]
        ready.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.create_task(start())  # noqa: RUF006 - the loop holds it until it is done
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(10)
    yield caught
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


@pytest.fixture
def running() -> Iterator[RunningSandbox]:
    with serve(Sandbox()) as served:
        yield served
        if served.sandbox.forwarder is not None:
            served.sandbox.forwarder.close()


def _send(running: RunningSandbox, *fields: tuple[str, str], parts: bytes | None = None, kind: str = "") -> int:
    form = [("from", "Me <me@mg.example.com>"), ("subject", "Hi"), *fields]
    body = parts if parts is not None else urlencode(form).encode()
    connection = http.client.HTTPConnection(running.host, running.port, timeout=20)
    headers = {"Authorization": _BASIC, "Content-Type": kind or "application/x-www-form-urlencoded"}
    connection.request("POST", "/v3/mg.example.com/messages", body, headers)
    status = connection.getresponse().status
    connection.close()
    return status


def _forwarder(running: RunningSandbox, port: int) -> Forwarder:
    running.sandbox.forwarder = forwarder = Forwarder(Catcher("127.0.0.1", port))
    return forwarder


def test_each_recipient_gets_their_own_copy(running: RunningSandbox, catcher: CatchAll) -> None:
    forwarder = _forwarder(running, catcher.port)
    values = '{"a@example.net": {"name": "Ann"}, "b@example.net": {"name": "Ben"}}'
    to = [("to", "a@example.net"), ("to", "b@example.net"), ("bcc", "c@example.net")]
    assert _send(running, *to, ("text", "Hello %recipient.name%"), ("recipient-variables", values)) == 200
    forwarder.wait()
    got = {to: (sender, mail["To"], mail.get_content().strip(), mail["Bcc"]) for sender, to, mail in catcher.mails}
    assert got["a@example.net"] == ("me@mg.example.com", "a@example.net", "Hello Ann", None)
    assert got["b@example.net"] == ("me@mg.example.com", "b@example.net", "Hello Ben", None)
    assert got["c@example.net"][3] is None
    (outcome,) = forwarder.outcomes.values()
    assert outcome == {"state": "forwarded", "recipients": ["a@example.net", "b@example.net", "c@example.net"]}


def test_parts_stand_where_a_mail_reader_looks_for_them(running: RunningSandbox, catcher: CatchAll) -> None:
    """multipart/mixed of (alternative of text and (related of HTML and its image)) and the file."""
    forwarder = _forwarder(running, catcher.port)
    fields = [("from", "me@mg.example.com"), ("to", "a@example.net"), ("subject", "Größe"), ("text", "Plain")]
    fields += [("html", '<p>Rich <img src="cid:dot.png"></p>'), ("h:X-Order", "17")]
    files = [("inline", "dot.png", "image/png", b"\x89PNG"), ("attachment", "a.txt", "text/plain", b"one\n")]
    part = '--B\r\nContent-Disposition: form-data; name="{}"'
    body = "".join(f"{part.format(name)}\r\n\r\n{value}\r\n" for name, value in fields).encode()
    for name, file, kind, data in files:
        body += f'{part.format(name)}; filename="{file}"\r\nContent-Type: {kind}\r\n\r\n'.encode() + data + b"\r\n"
    assert _send(running, parts=body + b"--B--\r\n", kind="multipart/form-data; boundary=B") == 200
    forwarder.wait()
    ((_, _, mail),) = catcher.mails
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "text/plain",
    ]
    assert (mail["Subject"], mail["X-Order"]) == ("Größe", "17")
    image = next(part for part in mail.walk() if part.get_content_type() == "image/png")
    assert image["Content-ID"] == "<dot.png>"
    assert [part.get_filename() for part in mail.iter_attachments()] == ["a.txt"]


@pytest.mark.parametrize(
    "fields",
    [
        [("to", "gone@example.net"), ("text", "x")],
        [("to", "a@example.net"), ("text", "x"), ("o:testmode", "yes")],
        [("to", "a@example.net"), ("template", "no-such-template")],
    ],
    ids=["bounced before", "test mode", "template missing"],
)
def test_what_mailgun_would_not_deliver_is_not_forwarded(
    fields: list[tuple[str, str]], running: RunningSandbox, catcher: CatchAll
) -> None:
    forwarder = _forwarder(running, catcher.port)
    assert _send(running, *fields) == 200
    forwarder.wait()
    assert catcher.mails == []
    assert [outcome["state"] for outcome in forwarder.outcomes.values()] == ["skipped"]


def test_a_dead_catcher_is_recorded_and_breaks_nothing(running: RunningSandbox, catcher: CatchAll) -> None:
    with asyncio.Runner() as runner:
        port = runner.run(_free_port())
    forwarder = _forwarder(running, port)
    assert _send(running, ("to", "a@example.net"), ("text", "x")) == 200
    forwarder.wait()
    (outcome,) = forwarder.outcomes.values()
    assert outcome["state"] == "failed"
    assert "ConnectionRefusedError" in outcome["error"]
    assert [message["subject"] for message in running.sandbox.messages] == ["Hi"]


async def _free_port() -> int:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


_OURS = {
    "127.0.0.1:1025": "127.0.0.1",
    "localhost:1025": "127.0.0.1",
    "[::1]:1025": "::1",
    "127.9.9.9:25": "127.9.9.9",
}
_NOT_OURS = (
    "mail.example.com:25",
    "192.0.2.1:25",
    "0.0.0.0:25",
    "10.0.0.1:25",
    "localhost.example.com:25",
    "127.0.0.1",
    ":25",
    "127.0.0.1:0",
)


@pytest.mark.parametrize("text", _OURS)
def test_loopback_addresses_are_taken(text: str) -> None:
    assert parse_catcher(text).host == _OURS[text]


@pytest.mark.parametrize("text", _NOT_OURS)
def test_any_other_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"127\.0\.0\.1"):
        parse_catcher(text)

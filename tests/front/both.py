"""One client, told the same by the server alone and by the front with the server behind it, over real pipes."""

from __future__ import annotations

import asyncio
import os
import select
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCRequest

from maton_mailgun.config import Settings
from maton_mailgun.front.begun import Begun
from maton_mailgun.front.first_answers import FirstAnswers
from maton_mailgun.front.first_lines import FirstLines
from maton_mailgun.front.listening import ClientLeft, Listening
from maton_mailgun.protocol.incoming import message_in
from maton_mailgun.protocol.server import build
from maton_mailgun.protocol.stdio import serve_on
from maton_mailgun.runtime import engine

T = TypeVar("T")

PATIENCE_SECONDS = 20
PLAIN = Settings(home=Path("/nowhere"))


def first_lines(settings: Settings) -> FirstLines:
    """The front of a server with these settings."""
    answers = FirstAnswers()
    return FirstLines(
        lambda apps: answers.told(
            settings.toolsets,
            read_only=settings.read_only,
            discovery=settings.discovery,
            relay=settings.approval == "relay",
            sandbox=settings.sandbox,
            apps=apps,
        )
    )


def server_alone(settings: Settings, source: int, sink: int) -> None:
    """Serve without a front."""
    asyncio.run(serve_on(build(engine(settings)), source, sink))


def front_and_server(settings: Settings, source: int, sink: int) -> Begun | None:
    """Serve with a front. Returns what went to the server; None where it was never needed."""
    try:
        begun = Listening(first_lines(settings), None, source, sink).until_more_is_needed()
    except ClientLeft:
        return None
    asyncio.run(serve_on(build(engine(settings)), source, sink, begun))
    return begun


def is_answered(line: bytes) -> bool:
    """Whether the client waits for an answer to a line."""
    if not line.strip():
        return False
    found = message_in(line)
    if isinstance(found, SessionMessage):
        return isinstance(found.message, JSONRPCRequest)
    return not isinstance(found, str)


def step_by_step(lines: Sequence[bytes]) -> Callable[[int, Client], None]:
    """A client that waits for each answer before it goes on."""

    def say(descriptor: int, client: Client) -> None:
        answered = 0
        for line in lines:
            os.write(descriptor, line + b"\n")
            answered += is_answered(line)
            client.wait_for(answered)

    return say


def at_once(lines: Sequence[bytes], pieces: Sequence[int]) -> Callable[[int, Client], None]:
    """A client that says all it has to say, in pieces of these sizes, and then reads."""

    def say(descriptor: int, client: Client) -> None:
        rest = b"".join(line + b"\n" for line in lines)
        for size in pieces:
            os.write(descriptor, rest[:size])
            rest = rest[size:]
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        client.wait_for(sum(map(is_answered, lines)))

    return say


class Client:
    """Reads what a server writes."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.heard = b""
        self.problem: BaseException | None = None

    def wait_for(self, count: int) -> None:
        """Read until there are so many lines."""
        while self.heard.count(b"\n") < count:
            if not select.select([self._descriptor], [], [], PATIENCE_SECONDS)[0]:
                raise TimeoutError(f"{count} answers are due after {self.heard!r}")
            if not self._read():
                raise EOFError(f"{count} answers are due after {self.heard!r}")

    def read_to_the_end(self) -> None:
        """Read until the server has closed its end."""
        while self._read():
            pass

    def _read(self) -> bool:
        chunk = os.read(self._descriptor, 1 << 16)
        self.heard += chunk
        return bool(chunk)


def heard(
    serve: Callable[[Settings, int, int], T], say: Callable[[int, Client], None], settings: Settings = PLAIN
) -> tuple[list[bytes], T]:
    """All that a client hears, line by line, and what serving it came to."""
    source, saying = os.pipe()
    hearing, sink = os.pipe()
    client = Client(hearing)

    def talk() -> None:
        try:
            say(saying, client)
        except BaseException as problem:
            client.problem = problem
        finally:
            os.close(saying)
            client.read_to_the_end()

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        came_to = serve(settings, source, sink)
    finally:
        os.close(sink)
        thread.join()
        os.close(source)
        os.close(hearing)
    if client.problem is not None:
        raise client.problem
    return client.heard.split(b"\n"), came_to

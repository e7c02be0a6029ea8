"""The other end of a real connection, badly behaved on request."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{"items": []}'


@dataclass
class Peer:
    """Counts connections and keeps the raw requests that arrived."""

    behaviour: str
    status: int
    location: str
    url: str = ""
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)

    def answer(self, connection: socket.socket) -> bool:
        """Answer one request. Returns whether the connection stays open."""
        match self.behaviour:
            case "answer":
                connection.sendall(_ANSWER)
                return True
            case "redirect":
                head = f"HTTP/1.1 {self.status} Moved\r\nLocation: {self.location}\r\nContent-Length: 0\r\n\r\n"
                connection.sendall(head.encode())
                return True
            case "half an answer":
                connection.sendall(_ANSWER[:-5])
            case "no HTTP":
                connection.sendall(b"SSH-2.0-OpenSSH\r\n")
            case "endless":
                connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                while True:
                    connection.sendall(b"100000\r\n" + b"x" * 0x100000 + b"\r\n")
        return False


@contextmanager
def peer(behaviour: str, *, status: int = 302, location: str = "") -> Iterator[Peer]:
    """A server on a port of this machine.

    Args:
        behaviour: `answer`, `redirect`, `hang up`, `half an answer`, `no HTTP` or `endless`.
        status: Of the redirect.
        location: Of the redirect.
    """
    made = Peer(behaviour, status, location)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        made.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        threading.Thread(target=_accept, args=(made, listening), daemon=True).start()
        yield made


def _accept(made: Peer, listening: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listening.accept()
            made.connections += 1
            threading.Thread(target=_serve, args=(made, connection), daemon=True).start()


def _serve(made: Peer, connection: socket.socket) -> None:
    with connection, contextlib.suppress(OSError):
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
            head, blank, body = received.partition(b"\r\n\r\n")
            if not blank or len(body) < _length(head):
                continue
            made.requests.append(received)
            received = b""
            if not made.answer(connection):
                return


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0

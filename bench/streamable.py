"""Streamable HTTP: how many calls a second one process answers over 64 connections, and the slowest of a hundred.

    python bench/streamable.py [--connections 64] [--seconds 4]

The call is one that needs no service: a read by a server that has no key, in the form 2026-07-28 clients send, so that
the protocol, the validation and the web server are what is measured. The client shares the machine with the server and
takes its part of it: on two cores both figures are worse than with the client elsewhere. A plain web answer of the same
server (404) is measured beside it as the reference. Exits 1 where a gate is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from peer import holds, verdict

RATE_LIMIT, SLOWEST_LIMIT = 2500.0, 50.0
_PORT = re.compile(r"listening on \S+:(\d+)$")
_META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
}
_CALL = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "list_ips", "arguments": {"dedicated": True}, "_meta": _META},
    }
)


@contextmanager
def serving() -> Iterator[int]:
    """The port of a server over HTTP."""
    with tempfile.TemporaryDirectory() as home:
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        environment = {**kept, "MATON_MAILGUN_HOME": home}
        command = [sys.executable, "-m", "maton_mailgun", "serve", "--http", "127.0.0.1:0"]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        try:
            found = _PORT.search(process.stderr.readline() if process.stderr is not None else "")
            if found is None:
                raise SystemExit("the server did not start")
            yield int(found[1])
        finally:
            process.terminate()
            process.communicate()


def request(port: int, path: str) -> bytes:
    """The same request again and again."""
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Content-Type: application/json",
        "Accept: application/json, text/event-stream",
        "MCP-Protocol-Version: 2026-07-28",
        "Mcp-Method: tools/call",
        "Mcp-Name: list_ips",
        f"Content-Length: {len(_CALL)}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + _CALL).encode()


class _Asking(asyncio.Protocol):
    """One connection that asks again as soon as it is answered."""

    def __init__(self, sent: bytes, taken: list[float], expected: bytes) -> None:
        self._sent, self._taken, self._expected = sent, taken, expected
        self._received, self._began = b"", 0.0
        self.stopping = False
        self.stopped = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
            self._ask()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, blank, body = self._received.partition(b"\r\n\r\n")
        if not blank:
            return
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        if len(body) < length:
            return
        if self._expected not in self._received:
            raise SystemExit(f"unexpected answer: {self._received!r}")
        self._taken.append(time.perf_counter() - self._began)
        self._received = b""
        if self.stopping:
            self._transport.close()
            self.stopped.set_result(None)
        else:
            self._ask()

    def _ask(self) -> None:
        self._began = time.perf_counter()
        self._transport.write(self._sent)


async def load(port: int, path: str, expected: bytes, connections: int, seconds: float) -> tuple[float, float]:
    """Answers a second, and the 99th percentile of the time one takes, in milliseconds."""
    taken: list[float] = []
    loop = asyncio.get_running_loop()
    sent = request(port, path)
    asking = [
        (await loop.create_connection(lambda: _Asking(sent, taken, expected), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.sleep(seconds / 4)
    taken.clear()
    began = time.perf_counter()
    await asyncio.sleep(seconds)
    rate = len(taken) / (time.perf_counter() - began)
    slowest = sorted(taken)[int(len(taken) * 0.99)] * 1000
    for one in asking:
        one.stopping = True
    await asyncio.gather(*(one.stopped for one in asking))
    return rate, slowest


def main() -> int:
    """Print the figures; 1 where a gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=4.0)
    arguments = parser.parse_args()
    parser_in_use = "httptools" if find_spec("httptools") else "h11"
    with serving() as port:
        half = arguments.seconds / 2
        plain, plain_slowest = asyncio.run(load(port, "/", b"404", arguments.connections, half))
        rate, slowest = asyncio.run(load(port, "/mcp", b'"isError":true', arguments.connections, arguments.seconds))
    print(f"HTTP parser: {parser_in_use}")
    print(f"plain answer   {plain:7.0f} a second   p99 {plain_slowest:6.1f} ms")
    print(f"tool call      {rate:7.0f} a second   p99 {slowest:6.1f} ms   {rate / plain:.2f} of the plain answer")
    print(f"rate: {rate:.0f}  {verdict(rate, RATE_LIMIT, at_least=True)}")
    print(f"p99: {slowest:.1f} ms  {verdict(slowest, SLOWEST_LIMIT)}")
    return int(not (holds(rate, RATE_LIMIT, at_least=True) and holds(slowest, SLOWEST_LIMIT)))


if __name__ == "__main__":
    sys.exit(main())

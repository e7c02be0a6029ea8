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
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from peer import holds, verdict

RATE_LIMITS, SLOWEST_LIMIT = {"httptools": 2500.0, "h11": 1800.0}, 50.0
"""Answers a second by HTTP parser: uvicorn takes httptools where it is installed."""
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
def serving(**settings: str) -> Iterator[tuple[int, int]]:
    """The process and the port of a server over HTTP, with these settings besides."""
    with tempfile.TemporaryDirectory() as home:
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        environment = {**kept, "MATON_MAILGUN_HOME": home, **settings}
        command = [sys.executable, "-P", "-m", "maton_mailgun", "serve", "--http", "127.0.0.1:0"]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        try:
            found = _PORT.search(process.stderr.readline() if process.stderr is not None else "")
            if found is None:
                raise SystemExit("the server did not start")
            yield process.pid, int(found[1])
        finally:
            process.terminate()
            process.communicate()


def cpu_seconds(process: int) -> float | None:
    """What a process has used of a core so far; None where the system does not say."""
    stat = Path(f"/proc/{process}/stat")
    if not stat.exists():
        return None
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def request(port: int, path: str, token: str | None = None) -> bytes:
    """The same request again and again."""
    lines = [
        f"POST {path} HTTP/1.1",
        *([f"Authorization: Bearer {token}"] if token else []),
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


@dataclass(frozen=True)
class Load:
    """What came of a load: answers a second, the 99th percentile of their time in milliseconds, and how many answers
    a second the server would give on a core of its own (None where that cannot be told)."""

    rate: float
    slowest: float
    of_a_core: float | None


async def load(
    server: tuple[int, int], path: str, expected: bytes, connections: int, seconds: float, token: str | None = None
) -> Load:
    """Keep that many connections busy for a while."""
    process, port = server
    taken: list[float] = []
    loop = asyncio.get_running_loop()
    sent = request(port, path, token)
    asking = [
        (await loop.create_connection(lambda: _Asking(sent, taken, expected), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.sleep(seconds / 4)
    taken.clear()
    began, used = time.perf_counter(), cpu_seconds(process)
    await asyncio.sleep(seconds)
    rate, count, using = len(taken) / (time.perf_counter() - began), len(taken), cpu_seconds(process)
    slowest = sorted(taken)[int(count * 0.99)] * 1000
    for one in asking:
        one.stopping = True
    await asyncio.gather(*(one.stopped for one in asking))
    of_a_core = None if used is None or using is None or using == used else count / (using - used)
    return Load(rate, slowest, of_a_core)


def main() -> int:
    """Print the figures; 1 where a gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=4.0)
    arguments = parser.parse_args()
    parser_in_use = "httptools" if find_spec("httptools") else "h11"
    with serving() as server:
        plain = asyncio.run(load(server, "/", b"404", arguments.connections, arguments.seconds / 2))
        calls = asyncio.run(load(server, "/mcp", b'"isError":true', arguments.connections, arguments.seconds))
    print(f"HTTP parser: {parser_in_use}")
    for what, one in (("plain answer", plain), ("tool call", calls)):
        alone = f"   {one.of_a_core:6.0f} a second of one core" if one.of_a_core is not None else ""
        print(f"{what:<12} {one.rate:6.0f} a second   p99 {one.slowest:6.1f} ms{alone}")
    # What the server does with a core is the measure; how much of one it gets here depends on who else works.
    rate, limit = calls.of_a_core or calls.rate, RATE_LIMITS[parser_in_use]
    print(f"calls a second: {rate:.0f}  {verdict(rate, limit, at_least=True)}")
    print(f"p99: {calls.slowest:.1f} ms  {verdict(calls.slowest, SLOWEST_LIMIT)}")
    return int(not (holds(rate, limit, at_least=True) and holds(calls.slowest, SLOWEST_LIMIT)))


if __name__ == "__main__":
    sys.exit(main())

"""Streamable HTTP: how many calls one process answers with a second of a core, over 1, 64 and 512 connections.

    python bench/streamable.py [--seconds 2] [--rounds 3]

The call is one that needs no service: a read by a server that has no key, in the form 2026-07-28 clients send, so that
the protocol, the validation and the web server are what is measured. A plain web answer of the same server (404) is
measured in turn with it: gates are ratios to that, of the calls over more connections to those over one, and of the
slowest of a hundred to the mean. Over 64 connections there are figures besides, by the time that the server had a core:
whoever else works on the machine takes the core away, and is in no such figure. Exits 1 where a gate is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from peer import holds, median_ratio, verdict

CONNECTIONS = (1, 64, 512)
PLAIN_LIMITS, MORE_LIMIT, SLOWEST_LIMIT = {"httptools": 0.08, "h11": 0.15}, 0.7, 3.0
"""The first by HTTP parser: uvicorn takes httptools where it is installed, and plain answers gain most by it."""
RATE_LIMITS, SLOWEST_MILLISECONDS = {"httptools": 2_500, "h11": 2_000}, {"httptools": 35.0, "h11": 45.0}
"""Calls with a second of a core, and the 99th percentile in milliseconds of it, over 64 connections; by HTTP parser."""
FIGURES_AT = 64
_OF_ONE_ADDRESS = 250
"""Connections: the server takes only so many from one."""
_PORT = re.compile(r"listening on \S+:(\d+)$")
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
}
_CALL = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "list_ips", "arguments": {"dedicated": True}, "_meta": META},
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
    """What a process and its workers have used of a core so far; None where the system does not say."""
    if not Path(f"/proc/{process}/stat").exists():
        return None
    used = 0.0
    for one in [process, *workers_of(process)]:
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        used += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return used


def workers_of(process: int) -> list[int]:
    """The processes that a server began."""
    return [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


class _CoreClock:
    """Seconds that a process had a core, to the microsecond; those of the clock where the system does not say."""

    def __init__(self, process: int) -> None:
        at = Path(f"/proc/{process}/schedstat")
        self._file = os.open(at, os.O_RDONLY) if at.exists() else None

    def __call__(self) -> float:
        return time.perf_counter() if self._file is None else int(os.pread(self._file, 64, 0).split()[0]) / 1e9

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)


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

    def __init__(self, sent: bytes, taken: list[tuple[float, float]], expected: bytes, core: _CoreClock) -> None:
        self._sent, self._taken, self._expected, self._core = sent, taken, expected, core
        self._received, self._began, self._had = b"", 0.0, 0.0
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
        length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
        if len(body) < int(length) if length else not body.endswith(b"\r\n0\r\n\r\n"):
            return
        if self._expected not in self._received:
            raise SystemExit(f"unexpected answer: {self._received!r}")
        self._taken.append((time.perf_counter() - self._began, self._core() - self._had))
        self._received = b""
        if self.stopping:
            self._transport.close()
            self.stopped.set_result(None)
        else:
            self._ask()

    def _ask(self) -> None:
        self._began, self._had = time.perf_counter(), self._core()
        self._transport.write(self._sent)


@dataclass(frozen=True)
class Load:
    """What came of a load: answers a second, the 99th percentile of their time in milliseconds, and how many answers
    a second the server would give on a core of its own (None where that cannot be told)."""

    rate: float
    slowest: float
    of_a_core: float | None
    slowest_of_a_core: float
    """The 99th percentile in milliseconds that the server had a core meanwhile."""


async def load(
    server: tuple[int, int],
    path: str,
    expected: bytes,
    connections: int,
    seconds: float,
    token: str | None = None,
    sent: Callable[[int], bytes] | None = None,
) -> Load:
    """Keep that many connections busy for a while, each with what is `sent` over it, or the call of this script."""
    process, port = server
    taken: list[tuple[float, float]] = []
    loop, core = asyncio.get_running_loop(), _CoreClock(process)
    usual = request(port, path, token)
    asking = []
    for number in range(connections):
        said = sent(number) if sent is not None else usual
        made = partial(_Asking, said, taken, expected, core)
        asking.append((await loop.create_connection(made, "127.0.0.1", port, local_addr=(_address(number), 0)))[1])
    await asyncio.sleep(seconds / 4)
    taken.clear()
    began, used = time.perf_counter(), cpu_seconds(process)
    await asyncio.sleep(seconds)
    rate, count, using = len(taken) / (time.perf_counter() - began), len(taken), cpu_seconds(process)
    slowest, slowest_of_a_core = (sorted(one[which] for one in taken)[int(count * 0.99)] * 1000 for which in (0, 1))
    for one in asking:
        one.stopping = True
    await asyncio.gather(*(one.stopped for one in asking))
    core.close()
    of_a_core = None if used is None or using is None or using == used else count / (using - used)
    return Load(rate, slowest, of_a_core, slowest_of_a_core)


def _address(number: int) -> str:
    return f"127.0.0.{1 + number // _OF_ONE_ADDRESS}"


def main() -> int:
    """Print the figures; 1 where a gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    measured: dict[tuple[str, int], list[Load]] = {}
    with serving() as server:
        for _ in range(arguments.rounds):
            for connections in CONNECTIONS:
                for what, path, expected in (("plain", "/", b"404"), ("call", "/mcp", b'"isError":true')):
                    one = asyncio.run(load(server, path, expected, connections, arguments.seconds))
                    measured.setdefault((what, connections), []).append(one)
    parser_in_use = "httptools" if find_spec("httptools") else "h11"
    print(f"HTTP parser: {parser_in_use}")
    good, plain_limit = True, PLAIN_LIMITS[parser_in_use]
    for connections in CONNECTIONS:
        plain, calls = measured["plain", connections], measured["call", connections]
        for what, loads in (("plain", plain), ("call", calls)):
            alone = statistics.median(_of_a_core(loads))
            rate, slowest = (statistics.median(getattr(one, name) for one in loads) for name in ("rate", "slowest"))
            print(f"{connections:>4} connections   {what:<6}{alone:6.0f} a second of a core   {rate:6.0f} a second   "
                  f"p99 {slowest:7.1f} ms")  # fmt: skip
        to_plain = median_ratio(_of_a_core(calls), _of_a_core(plain))
        more = median_ratio(_of_a_core(calls), _of_a_core(measured["call", CONNECTIONS[0]]))
        # Each connection asks again as soon as it is answered: the mean follows from the rate.
        slowest = min(one.slowest * one.rate / connections / 1000 for one in calls)
        print(f"     calls to plain answers: {to_plain:.2f}  {verdict(to_plain, plain_limit, at_least=True)}")
        print(f"     to calls over one connection: {more:.2f}  {verdict(more, MORE_LIMIT, at_least=True)}")
        good = good and holds(to_plain, plain_limit, at_least=True) and holds(more, MORE_LIMIT, at_least=True)
        if connections > 1:
            print(f"     slowest of a hundred to the mean: {slowest:.2f}  {verdict(slowest, SLOWEST_LIMIT)}")
            good = good and holds(slowest, SLOWEST_LIMIT)
        if connections == FIGURES_AT:
            good = _figures(calls, parser_in_use) and good
    return int(not good)


def _figures(calls: list[Load], parser: str) -> bool:
    rate, most = max(_of_a_core(calls)), RATE_LIMITS[parser]
    slowest, longest = min(one.slowest_of_a_core for one in calls), SLOWEST_MILLISECONDS[parser]
    print(f"     with a second of a core, at best: {rate:.0f}  {verdict(rate, most, at_least=True)}")
    print(f"     99th percentile in milliseconds of it, at best: {slowest:.1f}  {verdict(slowest, longest)}")
    return holds(rate, most, at_least=True) and holds(slowest, longest)


def _of_a_core(loads: list[Load]) -> list[float]:
    """Answers with a second of a core; a second of the clock where the system does not say what was used."""
    return [one.of_a_core or one.rate for one in loads]


if __name__ == "__main__":
    sys.exit(main())

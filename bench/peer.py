"""The other end of a stdio server, as thin as it can be: what is measured is the server, not the client."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

OURS = (sys.executable, "-P", "-m", "maton_mailgun", "serve")
AS_INSTALLED = (
    sys.executable, "-P", "-c",
    "import sys; sys.modules['trio'] = None; from maton_mailgun.__main__ import main; sys.exit(main())", "serve",
)  # fmt: skip
"""The same without a library that the HTTP client loads where it is there, and that only the tests bring."""
TOLERANCE = float(os.environ.get("BENCH_TOLERANCE", "1"))
"""How many times its gate a ratio may be: where only a regression of a class is looked for, on whatever machine."""
_CLIENT = {"name": "bench", "version": "1"}
_INITIALIZE = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": _CLIENT}


class Peer:
    """A server process and a pipe to it."""

    def __init__(self, command: Sequence[str], **environment: str) -> None:
        self.began = time.perf_counter()
        # Servers that need a key at start get one; nothing is ever sent with it.
        known = {"PATH": os.environ["PATH"], "MATON_API_KEY": "bench-key", "MAILGUN_API_KEY": "bench-key"}
        self.process = subprocess.Popen(
            command, env={**known, **environment}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        if self.process.stdin is None or self.process.stdout is None:
            raise SystemExit("no pipes to the server")
        self._input, self._output = self.process.stdin, self.process.stdout
        self._number = 0

    def send(self, method: str, params: dict[str, Any]) -> int:
        """Send one request and return its number."""
        self._number += 1
        self._write({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        return self._number

    def receive(self) -> dict[str, Any]:
        """The next answer.

        Raises:
            SystemExit: The server ended.
        """
        while True:
            message: dict[str, Any] = json.loads(self.line())
            if "id" in message:
                return message

    def line(self) -> bytes:
        """The next line, unread.

        Raises:
            SystemExit: The server ended.
        """
        line = self._output.readline()
        if not line:
            raise SystemExit("the server ended before it answered")
        return line

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """One request and its answer."""
        self.send(method, params)
        return self.receive()

    def initialize(self) -> float:
        """Shake hands. Returns seconds since the process was started."""
        self.ask("initialize", **_INITIALIZE)
        answered = time.perf_counter() - self.began
        self._write({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return answered

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """One tool call and its result."""
        result: dict[str, Any] = self.ask("tools/call", name=tool, arguments=arguments)["result"]
        return result

    def memory(self) -> float:
        """Resident memory in MB, as the operating system counts it."""
        told = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(self.process.pid)], capture_output=True, text=True, check=True
        )
        return int(told.stdout) / 1024

    def end(self) -> float:
        """Close its input. Returns the seconds until the process was gone."""
        began = time.perf_counter()
        self._input.close()
        self.process.wait(30)
        return time.perf_counter() - began

    def _write(self, message: dict[str, Any]) -> None:
        self._input.write(json.dumps(message).encode() + b"\n")
        self._input.flush()

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self.process.kill()
        self.process.wait()
        for stream in (self._input, self._output):
            with contextlib.suppress(BrokenPipeError):
                stream.close()


@contextmanager
def peer(command: Sequence[str] = OURS, **environment: str) -> Iterator[Peer]:
    """A started server with a state directory of its own; killed at the end if it still runs."""
    with tempfile.TemporaryDirectory() as home:
        ours = {"MATON_MAILGUN_HOME": home, "MATON_MAILGUN_PAGE": "false"} if command in (OURS, AS_INSTALLED) else {}
        started = Peer(command, **ours, **environment)
        try:
            yield started
        finally:
            started.close()


def median_ratio(measured: Sequence[float], reference: Sequence[float]) -> float:
    """The median of pairwise ratios: what disturbs both halves of a pair cancels out."""
    return statistics.median(one / other for one, other in zip(measured, reference, strict=True))


def holds(value: float, limit: float, *, at_least: bool = False) -> bool:
    """Whether a gate holds; both sides have two decimals, more is noise."""
    limit = round(limit / TOLERANCE if at_least else limit * TOLERANCE, 2)
    return round(value, 2) >= limit if at_least else round(value, 2) <= limit


def verdict(value: float, limit: float, *, at_least: bool = False) -> str:
    """`ok` or `MISSED`, with the limit."""
    word = "ok" if holds(value, limit, at_least=at_least) else "MISSED"
    times = f", times {TOLERANCE:g}" if TOLERANCE != 1 else ""
    return f"{word} (gate {'>=' if at_least else '<='} {limit:g}{times})"

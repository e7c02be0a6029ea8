"""A server as a child process, spoken to line by line over its standard streams."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

STOP_SECONDS = 20
INITIALIZE: dict[str, Any] = {
    "jsonrpc": "2.0", "id": 0, "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"},
    },
}  # fmt: skip
READY = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def _as_from_a_terminal() -> None:
    """Let signals do what they do by default: whoever runs the tests may ignore them, as nohup and `&` do."""
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_DFL)


class Process:
    """A server process, spoken to line by line."""

    def __init__(
        self, home: Path, *command: str, stdout: int = subprocess.PIPE, environ: Mapping[str, str] | None = None
    ) -> None:
        environment = {"PATH": os.environ["PATH"], "MATON_MAILGUN_HOME": str(home), "MATON_MAILGUN_PAGE": "false"}
        self.popen = subprocess.Popen(
            [sys.executable, *(command or ("-P", "-m", "maton_mailgun", "serve", "--sandbox"))],
            env={**environment, **(environ or {})}, stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.PIPE,
            preexec_fn=_as_from_a_terminal if os.name == "posix" else None,
        )  # fmt: skip

    def send(self, *messages: Any) -> None:
        """Write messages, or raw bytes, each as one line."""
        assert self.popen.stdin is not None
        for message in messages:
            raw = message if isinstance(message, bytes) else json.dumps(message).encode() + b"\n"
            self.popen.stdin.write(raw)
        self.popen.stdin.flush()

    def receive(self) -> dict[str, Any]:
        """The next line; anything but a JSON-RPC message fails the test."""
        assert self.popen.stdout is not None
        line = self.popen.stdout.readline()
        message: dict[str, Any] = json.loads(line)
        assert message["jsonrpc"] == "2.0", line
        return message

    def start(self) -> dict[str, Any]:
        """Greet as an earlier client does."""
        self.send(INITIALIZE)
        greeting = self.receive()
        self.send(READY)
        return greeting

    def ask(self, number: int, method: str, **params: Any) -> dict[str, Any]:
        """A request and its answer."""
        self.send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        answer = self.receive()
        assert answer["id"] == number
        return answer

    def end(self) -> tuple[int, bytes, bytes]:
        """Close its input and wait: exit status, what was left on standard output, standard error."""
        out, err = self.popen.communicate(timeout=STOP_SECONDS)
        return self.popen.returncode, out, err


@contextmanager
def process(
    home: Path, *command: str, stdout: int = subprocess.PIPE, environ: Mapping[str, str] | None = None
) -> Iterator[Process]:
    """A started server, killed at the end if it is still there. `environ` is put to what it needs to run."""
    started = Process(home, *command, stdout=stdout, environ=environ)
    try:
        yield started
    finally:
        started.popen.kill()
        started.popen.wait()
        for stream in (started.popen.stdin, started.popen.stdout, started.popen.stderr):
            if stream is not None:
                stream.close()

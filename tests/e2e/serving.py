"""A server process over HTTP, as an operator starts one."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

STOP_SECONDS = 20.0
_PORT = re.compile(r"listening on \S+:(\d+)$")


@dataclass
class Serving:
    """A running process and where it is reached from here."""

    process: subprocess.Popen[str]
    url: str
    said: str = field(repr=False)
    """What it printed when it was ready."""

    @property
    def netloc(self) -> str:
        return self.url.removeprefix("http://")


@contextmanager
def serving(environment: Mapping[str, str], address: str = "127.0.0.1:0", *flags: str) -> Iterator[Serving]:
    """Start `serve --http` and wait until it says where it listens; stop it at the end."""
    command = [sys.executable, "-P", "-m", "maton_mailgun", "serve", "--http", address, *flags]
    process = subprocess.Popen(
        command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        said = process.stderr.readline()
        found = _PORT.search(said)
        assert found is not None, said
        yield Serving(process, f"http://127.0.0.1:{found[1]}", said)
    finally:
        process.terminate()
        process.communicate(timeout=STOP_SECONDS)

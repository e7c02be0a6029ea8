"""Runs the command in a process of its own, with a state directory of its own and no terminal in reach."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from maton_mailgun.sandbox import RunningSandbox, Sandbox, serve

from .ready import started
from .terminals import Terminal

PASSPHRASE = "three plain words"


@dataclass
class Done:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str


@dataclass
class Cli:
    """Runs `maton-mailgun` as a script would."""

    home: Path
    cwd: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def environ(self) -> Mapping[str, str]:
        """What the command finds around it: nothing of whoever runs the tests."""
        kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "PYTHONPATH") if name in os.environ}
        state = {"HOME": str(self.cwd), "MATON_MAILGUN_HOME": str(self.home), "MATON_MAILGUN_PAGE": "false"}
        return {**kept, **state, **self.env}

    def __call__(self, *arguments: str, typed: str | None = None) -> Done:
        """Run it without a controlling terminal; `typed` arrives on a pipe, as a script would send it."""
        with TemporaryFile() as out, TemporaryFile() as err:
            reading, writing = os.pipe()
            streams = (reading, out.fileno(), err.fileno())
            command = started(arguments, streams, self.environ, self.cwd)
            os.close(reading)
            with suppress(BrokenPipeError), open(writing, "wb") as pipe:
                pipe.write((typed or "").encode())
            status = command.wait(120)
            printed = [(file.seek(0), file.read().decode())[1] for file in (out, err)]
        return Done(status, *printed)

    def terminal(self, *arguments: str, columns: int = 100) -> Terminal:
        """Run it on a terminal of this many columns."""
        return Terminal(*arguments, env=self.environ, cwd=self.cwd, columns=columns)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """The command with an empty state directory."""
    work = tmp_path / "work"
    work.mkdir()
    return Cli(tmp_path / "state", work)


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    """Maton and Mailgun on a port."""
    with serve(Sandbox()) as running:
        yield running


@pytest.fixture
def online(cli: Cli, sandbox: RunningSandbox) -> Cli:
    """The command with a key and a gateway."""
    cli.env |= {"MATON_API_KEY": sandbox.sandbox.api_keys[0], "MATON_API_URL": sandbox.url}
    return cli


_MADE: list[bytes] = []
"""What came of the first passphrase that was set here."""


def set_passphrase(cli: Cli) -> None:
    """Set the approver's passphrase: once by the only way there is, then by the file that came of it. Hashing takes a
    quarter of a second, and some fifty tests begin with it."""
    kept = cli.home / "approver.json"
    if _MADE and not kept.exists():
        cli.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(_MADE[0])
        return
    with cli.terminal("approvals", "passphrase") as terminal:
        terminal.expect("New passphrase:")
        terminal.enter(PASSPHRASE)
        terminal.expect("The same again:")
        terminal.enter(PASSPHRASE)
        assert terminal.finish() == 0, terminal.seen
    _MADE.append(kept.read_bytes())

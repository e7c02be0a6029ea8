"""The programs in examples/, each with the framework it is for, in an environment of its own, over the sandbox.

Each does the same job, and says in its docstring how its framework behaves: both are held to what really happens.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import PASSPHRASE, Cli, set_passphrase
from documents.examples import EXAMPLES, Example
from maton_mailgun.sandbox import RunningSandbox, Sandbox, serve

from .environments import example_command

pytestmark = [
    pytest.mark.clients,
    pytest.mark.long,
    pytest.mark.skipif(sys.platform == "win32", reason="approvals are decided on a pseudo-terminal here"),
]
_SECONDS = 240.0
_APPROVAL = re.compile(r"apr_[0-9a-f]{32}")
_FORM, _SAYS = "Your decision [approve/reject]: ", "You: "
_JOB = [
    ("list_bounces", "gone@example.net"),
    ("list_events", "'bounced'"),
    ("list_events", "gone@example.net"),
    ("send_message", "executed true"),
    ("delete_bounce", "The user said no"),
]
"""What the model calls, and words of what it is handed in the end."""


class Program:
    """An example that runs, with the test as the person at its terminal."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.said = ""
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            encoding="utf-8", bufsize=1,
        )  # fmt: skip
        self._errors: list[str] = []
        self._hearing = threading.Thread(target=self._hear)
        self._hearing.start()
        self._limit = threading.Timer(_SECONDS, self._process.kill)
        self._limit.start()

    def _hear(self) -> None:
        assert self._process.stderr is not None
        self._errors.append(self._process.stderr.read())

    def until_asked(self) -> str | None:
        """What it printed up to the next question to the person, that question included; None when it ended."""
        assert self._process.stdout is not None
        began = len(self.said)
        while one := self._process.stdout.read(1):
            self.said += one
            if self.said.endswith((_FORM, _SAYS)):
                return self.said[began:]
        return None

    def type(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        self.said += f"{line}\n"

    def ended(self) -> None:
        """It ended well."""
        status = self._process.wait()
        self._hearing.join()
        assert status == 0, f"{self.said}\n{self._errors[0][-4000:]}"

    def close(self) -> None:
        self._limit.cancel()
        self._process.kill()
        self._process.communicate()
        self._hearing.join()


@dataclass
class Watched:
    """What an example did: what it printed, what went over the wire, and what the sandbox has of it."""

    said: str
    notes: list[dict[str, Any]]
    sandbox: RunningSandbox

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Every `tools/call` but those that carry a person's answer to the call before."""
        calls = [note["params"] for note in self.notes if note.get("method") == "tools/call"]
        return [call for call in calls if "inputResponses" not in call]

    @property
    def starts(self) -> int:
        return sum("started" in note for note in self.notes)

    @property
    def opening(self) -> dict[str, Any]:
        """`protocol`, and the client's `capabilities`: as it said them in the request that opened the session."""
        for note in self.notes:
            params = note.get("params") or {}
            if note.get("method") == "initialize":
                return {"protocol": params["protocolVersion"], "capabilities": params["capabilities"]}
        meta = next(note["params"]["_meta"] for note in self.notes if note.get("method") == "tools/call")
        names = {"protocol": "protocolVersion", "capabilities": "clientCapabilities"}
        return {name: meta[f"io.modelcontextprotocol/{key}"] for name, key in names.items()}


@contextmanager
def _program(command: list[str], tmp: Path, url: str) -> Iterator[Program]:
    notes, folder = tmp / "notes.jsonl", tmp / "bin"
    folder.mkdir()
    server = folder / "maton-mailgun"
    watched = [sys.executable, str(Path(__file__).with_name("between.py")), str(notes)]
    ours = [sys.executable, "-P", "-m", "maton_mailgun"]
    server.write_text(f'#!/bin/sh\nexec {shlex.join([*watched, *ours])} "$@"\n', encoding="utf-8")
    server.chmod(0o755)
    environment = {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp),
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        "MATON_API_URL": url,
        "MATON_API_KEY": "sandbox-maton-key",
        "MATON_MAILGUN_HOME": str(tmp / "state"),
        "MATON_MAILGUN_PAGE": "false",
    }
    program = Program(command, environment)
    try:
        yield program
    finally:
        program.close()


def _decided_in_a_terminal(cli: Cli, approval_id: str, *, approve: bool) -> None:
    with cli.terminal("approvals", "approve" if approve else "reject", approval_id) as terminal:
        terminal.expect("Passphrase, to ")
        terminal.enter(PASSPHRASE)
        terminal.finish()


def _watched(command: list[str], tmp: Path) -> Watched:
    """Run an example to its end, with a person who says yes to the first question and no to the second."""
    with serve(Sandbox()) as running:
        env = {"MATON_API_URL": running.url, "MATON_API_KEY": "sandbox-maton-key"}
        cli = Cli(tmp / "state", tmp, env)
        set_passphrase(cli)
        decisions = iter((True, False))
        with _program(command, tmp, running.url) as program:
            while (asked := program.until_asked()) is not None:
                if asked.endswith(_FORM):
                    program.type("approve" if next(decisions) else "reject")
                elif (waits := _APPROVAL.findall(asked.splitlines()[-2])) != []:
                    _decided_in_a_terminal(cli, waits[-1], approve=next(decisions))
                    program.type("I decided.")
                else:
                    program.type("")
            program.ended()
            said = program.said
        notes = [json.loads(line) for line in (tmp / "notes.jsonl").read_text(encoding="utf-8").splitlines()]
        return Watched(said, notes, running)


def _plain(text: str) -> str:
    """Words of a result without its punctuation, whichever way it is written down."""
    return " ".join(re.sub(r"[^\w@.']+", " ", text).split())


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_example_does_its_job_and_its_framework_behaves_as_it_says(
    example: Example, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    assert request.config.cache is not None
    watched = _watched(example_command(request.config.cache.mkdir("clients"), example.path), tmp_path)
    sandbox = watched.sandbox.sandbox

    read = re.findall(r"^model calls (\w+).*$|^model reads (.*)$", watched.said, re.MULTILINE)
    tools = [tool for tool, _ in read if tool and tool != "get_approval"]
    assert tools == [tool for tool, _ in _JOB], watched.said
    assert "The message: executed. The deletion: you said no, nothing happened." in watched.said
    assert [(message["recipients"], message["subject"]) for message in sandbox.messages] == [
        (["ada@example.org"], "Your invoice for November")
    ]
    writes = [request["path"] for request in sandbox.requests if request["method"] != "GET"]
    assert writes == ["/mailgun/v3/mg.example.com/messages"]
    assert example.behaves == _behaviour(watched), watched.said


def _behaviour(watched: Watched) -> dict[str, str]:
    """What an example's docstring has to say."""
    opening = watched.opening
    halves = set(re.findall(r"^model reads .*?\bhalf\W+(\w+)", watched.said, re.MULTILINE))
    arguments = [call["arguments"] for call in watched.calls]
    return {
        "server": "one for the whole run" if watched.starts == 1 else "one for each call",
        "protocol": opening["protocol"],
        "asks by": "a form" if opening["capabilities"].get("elicitation") is not None else "page or terminal",
        "left out": "null" if any(value is None for one in arguments for value in one.values()) else "left out",
        "model reads": " and ".join(sorted(halves)),
    }

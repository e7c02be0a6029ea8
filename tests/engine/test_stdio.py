"""Standard output carries the protocol and nothing else, whatever is printed; the process ends with its client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

STOP_SECONDS = 20
_INITIALIZE = {
    "jsonrpc": "2.0", "id": 0, "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"},
    },
}  # fmt: skip
_READY = {"jsonrpc": "2.0", "method": "notifications/initialized"}
_NOISY = """
import os, subprocess, sys
from maton_mailgun import call
from maton_mailgun.__main__ import main

async def noisy(self, prepared, read=call.Engine.read):
    print("a stray print")
    sys.stdout.write("and a write\\n"); sys.stdout.flush()
    os.write(1, b"and one past Python\\n")
    subprocess.run([sys.executable, "-c", "import sys; print('and a child that reads', sys.stdin.read())"])
    return await read(self, prepared)

call.Engine.read = noisy
sys.argv = ["maton-mailgun", "serve", "--sandbox"]
sys.exit(main())
"""


class Process:
    """A server process, spoken to line by line."""

    def __init__(self, home: Path, *command: str, **settings: str) -> None:
        environment = {"PATH": os.environ["PATH"], "MATON_MAILGUN_HOME": str(home), "MATON_MAILGUN_PAGE": "false"}
        self.popen = subprocess.Popen(
            [sys.executable, *(command or ("-P", "-m", "maton_mailgun", "serve", "--sandbox"))],
            env={**environment, **settings}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
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
        self.send(_INITIALIZE)
        greeting = self.receive()
        self.send(_READY)
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
def process(home: Path, *command: str, **settings: str) -> Iterator[Process]:
    started = Process(home, *command, **settings)
    try:
        yield started
    finally:
        started.popen.kill()
        started.popen.wait()
        for stream in (started.popen.stdin, started.popen.stdout, started.popen.stderr):
            if stream is not None:
                stream.close()


def test_stray_prints_and_children_never_reach_standard_output(tmp_path: Path) -> None:
    with process(tmp_path, "-P", "-c", _NOISY) as server:
        server.start()
        answer = server.ask(1, "tools/call", name="list_ips", arguments={})
        assert answer["result"]["structuredContent"]["status"] == "ok"
        assert server.ask(2, "ping") == {"jsonrpc": "2.0", "id": 2, "result": {}}
        status, out, err = server.end()
    assert (status, out) == (0, b"")
    for noise in (b"a stray print", b"and a write", b"and one past Python", b"and a child that reads \n"):
        assert noise in err


def test_the_process_ends_well_when_its_client_leaves(tmp_path: Path) -> None:
    with process(tmp_path) as server:
        server.start()
        assert server.end() == (0, b"", b"")


def test_it_ends_well_when_nothing_was_ever_said(tmp_path: Path) -> None:
    with process(tmp_path) as server:
        assert server.end() == (0, b"", b"")


def test_a_line_that_is_no_message_does_not_stop_it(tmp_path: Path) -> None:
    with process(tmp_path) as server:
        server.start()
        for garbage in (
            b"\n",
            b"garbage\n",
            b"{}\n",
            b"[]\n",
            b'{"jsonrpc":"2.0"}\n',
            b"\xff\xfe\n",
            b'{"id":"\\ud800"}\n',
        ):
            server.send(garbage)
        server.send({"jsonrpc": "2.0", "id": 9, "method": "ping"})
        while (message := server.receive()).get("id") != 9:
            assert "error" in message
        assert message["result"] == {}


def test_several_messages_in_one_write_and_one_in_several(tmp_path: Path) -> None:
    with process(tmp_path) as server:
        server.start()
        ping = [json.dumps({"jsonrpc": "2.0", "id": number, "method": "ping"}).encode() + b"\n" for number in range(5)]
        server.send(b"".join(ping[:4]))
        for byte in ping[4]:
            server.send(bytes([byte]))
        assert sorted(server.receive()["id"] for _ in range(5)) == [0, 1, 2, 3, 4]


def test_a_last_line_without_its_end_is_still_read(tmp_path: Path) -> None:
    with process(tmp_path) as server:
        server.start()
        server.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}).encode())
        status, out, _ = server.end()
    assert (status, json.loads(out)) == (0, {"jsonrpc": "2.0", "id": 1, "result": {}})


def test_input_may_be_a_file(tmp_path: Path) -> None:
    """A file cannot be waited for as a pipe can."""
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    (tmp_path / "said").write_text("\n".join(json.dumps(message) for message in (_INITIALIZE, _READY, ping)))
    environment = {"PATH": os.environ["PATH"], "MATON_MAILGUN_HOME": str(tmp_path)}
    with (tmp_path / "said").open("rb") as said:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "maton_mailgun", "serve"], env=environment, stdin=said, capture_output=True,
            timeout=STOP_SECONDS, check=True,
        )  # fmt: skip
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == [0, 1]


def test_a_client_that_reads_late_gets_every_answer_whole(tmp_path: Path) -> None:
    """Small answers go at once while the pipe takes them, large ones through a thread: neither overtakes the other."""
    with process(tmp_path) as server:
        server.start()
        for number in range(0, 60, 3):
            server.send({"jsonrpc": "2.0", "id": number, "method": "tools/list"})
            server.send({"jsonrpc": "2.0", "id": number + 1, "method": "ping"})
            server.send({"jsonrpc": "2.0", "id": number + 2, "method": "ping"})
        received = [server.receive() for _ in range(60)]
    assert sorted(message["id"] for message in received) == list(range(60))
    assert sum(len(message["result"].get("tools", ())) for message in received) == 20 * 64


def test_large_messages_pass_both_ways(tmp_path: Path) -> None:
    with process(tmp_path) as server:
        server.start()
        text = "Grüße 日本語 🎉\n" * 100_000
        arguments = {"domain": "mg.example.com", "from": "a@mg.example.com", "to": ["b@example.net"], "subject": "x",
                     "text": text}  # fmt: skip
        answer = server.ask(1, "tools/call", name="send_message", arguments=arguments)
        assert answer["result"]["structuredContent"]["status"] == "approval_required"
        assert len(server.ask(2, "tools/list")["result"]["tools"]) == 64


def test_logs_are_json_lines_on_standard_error(tmp_path: Path) -> None:
    settings = {"MATON_MAILGUN_LOG_LEVEL": "debug", "MATON_API_KEY": "canary-key-0123456789"}
    with process(tmp_path, **settings) as server:
        server.start()
        server.ask(1, "tools/call", name="list_ips", arguments={})
        _, _, err = server.end()
    lines = [json.loads(line) for line in err.splitlines()]
    assert lines
    assert {"at", "level", "logger", "message"} <= set(lines[0])
    assert b"canary-key" not in err


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"MATON_MAILGUN_READ_ONLY": "maybe"}, b"MATON_MAILGUN_READ_ONLY"),
        ({"MATON_MAILGUN_REDONLY": "true"}, b"MATON_MAILGUN_REDONLY is not a setting"),
        ({"MATON_MAILGUN_TOOLSETS": "mails"}, b"There is no toolset mails"),
        ({"MATON_API_URL": "http://example.com"}, b"MATON_API_URL must start with https://"),
        ({"MATON_API_KEY": "canary with blanks"}, b"MATON_API_KEY"),
    ],
)
def test_a_broken_setting_stops_the_start_with_its_name(settings: dict[str, str], said: bytes, tmp_path: Path) -> None:
    with process(tmp_path, "-P", "-m", "maton_mailgun", "serve", **settings) as server:
        status, out, err = server.end()
    assert (status, out) == (2, b"")
    assert err.startswith(b"maton-mailgun: ")
    assert said in err
    assert b"canary" not in err

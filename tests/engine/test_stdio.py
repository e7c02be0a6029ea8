"""Standard output carries the protocol and nothing else, whatever is printed; the process ends with its client."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .child import INITIALIZE, READY, STOP_SECONDS, Process, process

pytestmark = pytest.mark.slow

_NOISY = """
import os, subprocess, sys
from maton_mailgun import call
from maton_mailgun.__main__ import main

async def noisy(self, prepared, until, read=call.Engine.read):
    print("a stray print")
    sys.stdout.write("and a write\\n"); sys.stdout.flush()
    os.write(1, b"and one past Python\\n")
    subprocess.run([sys.executable, "-c", "import sys; print('and a child that reads', sys.stdin.read())"])
    return await read(self, prepared, until)

call.Engine.read = noisy
sys.argv = ["maton-mailgun", "serve", "--sandbox"]
sys.exit(main())
"""


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


def _call(arguments: bytes, number: bytes = b"7") -> bytes:
    """A call of `get_domain`, byte for byte."""
    start = b'{"jsonrpc":"2.0","method":"tools/call","params":{"name":"get_domain","arguments":'
    return start + arguments + b'},"id":' + number + b"}\n"


_PING = b'"method":"ping"'
_DEEP = b"[" * 100_000 + b"]" * 100_000
_LONG = b"9" * 5_000
_ANSWERED = [
    ("half an emoji", _call(b'{"domain": "Hi \\ud83c"}'), 7, "bad_arguments"),
    ("half an emoji in a list", _call(b'{"domain": ["\\udc00"]}'), 7, "bad_arguments"),
    ("half an emoji in a key", _call(b'{"dom\\ud83cain": "x"}'), 7, "bad_arguments"),
    ("half an emoji as the tool", _call(b"{}").replace(b"get_domain", b"\\ud83c"), 7, -32602),
    ("half an emoji as the id", b'{"jsonrpc":"2.0","id":"\\ud83c",' + _PING + b"}", "\ud83c", {}),
    ("half an emoji as the method", b'{"jsonrpc":"2.0","id":7,"method":"\\ud83c"}', 7, -32601),
    ("no UTF-8", _call(b'{"domain": "\xff"}'), 7, -32600),
    ("half a character of UTF-8", _call(b'{"domain": "\xc3"}'), 7, -32600),
    ("250 levels", _call(b'{"domain": ' + b"[" * 250 + b"]" * 250 + b"}"), 7, "bad_arguments"),
    ("100,000 levels", _call(b'{"domain": ' + _DEEP + b"}"), 7, (-32600, "bad_arguments")),
    ("100,000 levels of what looks like an id", _call(_DEEP.replace(b"[]", b'{"id":9}')), 7, (-32600, "bad_arguments")),
    ("an integer of 5,000 digits", _call(b'{"domain": ' + _LONG + b"}"), 7, -32600),
    ("an id of 5,000 digits", _call(b"{}", _LONG), None, -32600),
    ("a byte order mark", b"\xef\xbb\xbf" + _call(b"{}"), 7, "bad_arguments"),
    ("a batch", b"[" + _call(b"{}").strip() + b"]", None, -32600),
    ("an empty batch", b"[]", None, -32600),
    ("a fraction as id", _call(b"{}", b"1.5"), None, -32600),
    ("null as id", _call(b"{}", b"null"), None, -32600),
    ("true as id", _call(b"{}", b"true"), None, -32600),
    ("a list as id", _call(b"{}", b"[7]"), None, -32600),
    ("broken JSON", _call(b"{}")[:-4], None, -32700),
    ("broken JSON that is deep", _DEEP[:150_000], None, (-32600, -32700)),
    ("text", b"garbage", None, -32700),
    ("UTF-16", "{}".encode("utf-16"), None, -32700),
    ("a number", b"7", None, -32600),
    ("an empty object", b"{}", None, -32600),
    ("no method", b'{"jsonrpc":"2.0","id":"a"}', "a", -32600),
    ("another version", b'{"jsonrpc":"1.0","id":7,' + _PING + b"}", 7, -32600),
    ("parameters in a list", b'{"jsonrpc":"2.0","id":7,' + _PING + b',"params":[1]}', 7, -32600),
]


@pytest.mark.parametrize(("said", "number", "outcome"), [case[1:] for case in _ANSWERED], ids=[c[0] for c in _ANSWERED])
def test_whoever_waits_for_an_answer_gets_one(said: bytes, number: Any, outcome: Any, talking: Process) -> None:
    """JSON-RPC 2.0, section 5.1: under the id where it can be read, with null otherwise."""
    talking.send(said.strip() + b"\n")
    answer = talking.receive()
    assert answer["id"] == number
    expected = outcome if isinstance(outcome, tuple) else (outcome,)
    assert _outcome(answer) in expected
    assert talking.ask(99, "ping")["result"] == {}


def _outcome(answer: dict[str, Any]) -> Any:
    """The code of an error, the kind of a refusal, or the result."""
    if "error" in answer:
        return answer["error"]["code"]
    refused = answer["result"].get("structuredContent", {}).get("error")
    return refused["kind"] if refused else answer["result"]


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A server that goes on, whatever is said."""
    with process(tmp_path_factory.mktemp("home")) as server:
        server.start()
        yield server


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"  \t",
        b'{"jsonrpc":"2.0","method":"notifications/initialized","params":[]}',
        b'{"jsonrpc":"2.0","method":"notifications/\xff"}',
        b'{"jsonrpc":"2.0","method":"notifications/progress","params":' + _DEEP + b"}",
        b'{"jsonrpc":"2.0","id":null,"result":5}',
    ],
)
def test_what_nobody_waits_for_is_dropped(said: bytes, talking: Process) -> None:
    talking.send(said + b"\n")
    assert talking.ask(98, "ping")["result"] == {}


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (b'"result":{"action":"accept","content":{"decision":"reject","reason":"no \\ud83c"}}', "rejected"),
        (b'"result":{"action":"accept","content":{"decision":"approve\xff"}}', "approval_required"),
        (b'"result":{"action":"accept","content":{"decision":"approve","reason":' + _DEEP + b"}}", "approval_required"),
        (b'"result":[]', "approval_required"),
    ],
    ids=["half an emoji", "no UTF-8", "100,000 levels", "no object"],
)
def test_a_reply_to_the_question_that_cannot_be_read_does_not_leave_the_call_waiting(
    reply: bytes, status: str, tmp_path: Path
) -> None:
    with process(tmp_path) as server:
        server.send({**INITIALIZE, "params": {**INITIALIZE["params"], "capabilities": {"elicitation": {}}}})
        server.receive()
        server.send(READY)
        arguments = {"domain": "mg.example.com", "address": "ann@example.net"}
        params = {"name": "add_bounce", "arguments": arguments}
        server.send({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
        question = server.receive()
        assert question["method"] == "elicitation/create"
        server.send(b'{"jsonrpc":"2.0","id":%d,' % question["id"] + reply + b"}\n")
        assert server.receive()["result"]["structuredContent"]["status"] == status


def test_a_line_that_is_no_message_is_said_in_the_log_without_what_it_held(tmp_path: Path) -> None:
    with process(tmp_path) as server:
        server.start()
        server.send(b'{"jsonrpc":"2.0","id":7,"method":"canary", \n')
        _, _, err = server.end()
    (line,) = (json.loads(line) for line in err.splitlines())
    assert line["message"] == "a line is no message"
    assert b"canary" not in err


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
    (tmp_path / "said").write_text("\n".join(json.dumps(message) for message in (INITIALIZE, READY, ping)))
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
    assert sum(len(message["result"].get("tools", ())) for message in received) == 20 * 65


@pytest.mark.skipif(sys.platform == "win32", reason="pipes there always wait")
def test_a_client_that_wants_no_waiting_in_its_pipe_and_reads_late_gets_every_answer_whole(tmp_path: Path) -> None:
    """Its end is shared with ours, so our writes are told "not now" as soon as the pipe is full."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with process(tmp_path, stdout=writing) as server, os.fdopen(reading, "rb") as late:
        server.send(INITIALIZE, READY)
        for number in range(1, 21):
            server.send({"jsonrpc": "2.0", "id": number, "method": "tools/list"})
            server.send({"jsonrpc": "2.0", "id": number + 20, "method": "ping"})
        full = _takes_no_more(writing)
        os.close(writing)
        assert full
        # A server that lost something would keep us waiting for it.
        (giving_up := threading.Timer(STOP_SECONDS, server.popen.kill)).start()
        received = [json.loads(late.readline()) for _ in range(41)]
        giving_up.cancel()
    assert sorted(message["id"] for message in received) == list(range(41))


def _takes_no_more(writing: int) -> bool:
    """Wait until a pipe holds all that it can: how many bytes these are depends on how they were written."""
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        if not select.select([], [writing], [], 0)[1]:
            return True
    return False


def test_large_messages_pass_both_ways(tmp_path: Path) -> None:
    with process(tmp_path) as server:
        server.start()
        text = "Grüße 日本語 🎉\n" * 100_000
        arguments = {"domain": "mg.example.com", "from": "a@mg.example.com", "to": ["b@example.net"], "subject": "x",
                     "text": text}  # fmt: skip
        answer = server.ask(1, "tools/call", name="send_message", arguments=arguments)
        assert answer["result"]["structuredContent"]["status"] == "approval_required"
        assert len(server.ask(2, "tools/list")["result"]["tools"]) == 65


def test_logs_are_json_lines_on_standard_error(tmp_path: Path) -> None:
    settings = {"MATON_MAILGUN_LOG_LEVEL": "debug", "MATON_API_KEY": "canary-key-0123456789"}
    with process(tmp_path, environ=settings) as server:
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
    with process(tmp_path, "-P", "-m", "maton_mailgun", "serve", environ=settings) as server:
        status, out, err = server.end()
    assert (status, out) == (2, b"")
    assert err.startswith(b"maton-mailgun: ")
    assert said in err
    assert b"canary" not in err

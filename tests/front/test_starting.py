"""Whole processes: what they load, what stops them, how they end, and what official clients hear of them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from mcp.client.stdio import StdioServerParameters

import maton_mailgun
from clients.environments import node_packages
from e2e.host import Era, content, host
from engine.child import process
from maton_mailgun.catalogue import files
from maton_mailgun.front import doorway, first_answers
from maton_mailgun.front.first_answers import FirstAnswers
from maton_mailgun.front.listening import Listening
from maton_mailgun.sandbox import Sandbox, serve

from .both import PLAIN, first_lines
from .test_left_over import kept
from .test_nobody_can_tell import LEGACY, MODERN

pytestmark = pytest.mark.slow

FRONT = ("-P", "-m", "maton_mailgun", "serve")
SERVER_ALONE = ("-P", "-c", "import sys; from maton_mailgun.cli import run; sys.exit(run(sys.argv[1:]))", "serve")
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
_LOADED = """
import json, sys
from maton_mailgun.__main__ import main
sys.argv = ["maton-mailgun", "serve"]
status = main()
sys.stderr.write(json.dumps(sorted(sys.modules)))
sys.exit(status)
"""


def run(home: Path, *command: str, said: bytes = b"", **environ: str) -> subprocess.CompletedProcess[bytes]:
    known = {"PATH": os.environ["PATH"], "HOME": str(home), "MATON_MAILGUN_HOME": str(home)}
    return subprocess.run(
        [sys.executable, *command], input=said, env={**known, **environ}, capture_output=True, timeout=60, check=False
    )


@pytest.mark.parametrize("lines", [LEGACY, MODERN], ids=["legacy", "modern"])
def test_a_session_up_to_the_list_loads_the_standard_library_alone_and_little_of_it(
    lines: list[bytes], tmp_path: Path
) -> None:
    bare = set(json.loads(run(tmp_path, "-P", "-c", "import json, sys; print(json.dumps(list(sys.modules)))").stdout))
    done = run(tmp_path, "-P", "-c", _LOADED, said=b"\n".join([*lines, b""]))
    assert done.stdout.count(b"\n") == sum(b'"id"' in line for line in lines)
    loaded = set(json.loads(done.stderr)) - bare
    ours = {name for name in loaded if name.partition(".")[0] == "maton_mailgun"}
    assert ours == {
        "maton_mailgun", "maton_mailgun.__main__", "maton_mailgun.search_path", "maton_mailgun.front",
        *(f"maton_mailgun.front.{path.stem}" for path in Path(first_answers.__file__).parent.glob("[!_]*.py")),
    }  # fmt: skip
    assert loaded - ours <= {"__future__", "binascii", "select", "signal"}


def test_a_client_that_leaves_after_the_list_ends_the_process_well(tmp_path: Path) -> None:
    with process(tmp_path, *FRONT) as server:
        server.start()
        assert len(server.ask(1, "tools/list")["result"]["tools"]) == 65
        assert server.end() == (0, b"", b"")


@pytest.mark.parametrize(("number", "status"), [("SIGTERM", 0), ("SIGHUP", 0), ("SIGINT", 130)])
def test_a_signal_ends_it_as_it_ends_the_server(number: str, status: int, tmp_path: Path) -> None:
    with process(tmp_path, *FRONT) as server:
        server.start()
        server.ask(1, "tools/list")
        server.popen.send_signal(signal.Signals[number])
        assert server.popen.wait(20) == status
        assert server.end()[1:] == (b"", b"")


def test_a_client_that_stops_reading_and_leaves_ends_it(tmp_path: Path) -> None:
    with process(tmp_path, *FRONT) as server:
        server.start()
        assert server.popen.stdout is not None
        server.popen.stdout.close()
        server.send(LIST)
        assert server.popen.stdin is not None
        server.popen.stdin.close()
        assert server.popen.wait(20) == 0


def test_with_the_setting_the_server_is_loaded_after_a_quiet_second() -> None:
    source, saying = os.pipe()
    hearing, sink = os.pipe()
    os.write(saying, LEGACY[0] + b"\n" + LEGACY[1] + b"\n" + b'{"half')
    begun = Listening(first_lines(PLAIN), 1, source, sink).until_more_is_needed()
    assert ([line for line, _ in begun.said], begun.rest) == (LEGACY[:2], b'{"half')
    for descriptor in (source, saying, hearing, sink):
        os.close(descriptor)


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [
        ((), {"MATON_MAILGUN_READ_ONLY": "perhaps"}),
        ((), {"MATON_MAILGUN_READ_ONY": "true"}),
        ((), {"MATON_API_URL": "${MATON_API_URL}"}),
        (("--toolsets", "letters"), {}),
        (("--toolset",), {}),
        ((), {"MATON_MAILGUN_POLICY": "no-such.toml"}),
    ],
)
def test_what_stops_a_start_does_so_with_the_same_words_and_before_anything_is_answered(
    arguments: tuple[str, ...], environ: Mapping[str, str], tmp_path: Path
) -> None:
    said = b"\n".join([*LEGACY, b""])
    both = run(tmp_path, *FRONT, *arguments, said=said, **environ)
    alone = run(tmp_path, *SERVER_ALONE, *arguments, said=said, **environ)
    assert (both.returncode, both.stdout) == (2, b"")
    assert (both.returncode, both.stdout, both.stderr) == (alone.returncode, alone.stdout, alone.stderr)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package, whose files may be changed."""
    package = tmp_path / "lib" / "maton_mailgun"
    shutil.copytree(Path(maton_mailgun.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__", "_data"))
    for folder in ("tools", "schemas"):
        shutil.copytree(str(files.root() / folder), package / "_data" / folder)
    return package


def test_a_row_that_was_changed_is_listed_as_it_is_now(copy: Path, tmp_path: Path) -> None:
    said = b"\n".join([*LEGACY, b""])
    before = run(tmp_path, *FRONT, said=said, PYTHONPATH=str(copy.parent))
    row = copy / "_data" / "tools" / "ips.toml"
    row.write_text(row.read_text("utf-8").replace('title = "List IPs"', 'title = "Look at IPs"'), "utf-8")
    after = run(tmp_path, *FRONT, said=said, PYTHONPATH=str(copy.parent))
    assert after.stdout == before.stdout.replace(b'"List IPs"', b'"Look at IPs"') != before.stdout


def test_a_row_that_is_wrong_stops_the_start(copy: Path, tmp_path: Path) -> None:
    row = copy / "_data" / "tools" / "ips.toml"
    row.write_text(row.read_text("utf-8").replace('access = "read"', 'access = "look"', 1), "utf-8")
    done = run(tmp_path, *FRONT, said=b"\n".join([*LEGACY, b""]), PYTHONPATH=str(copy.parent))
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"access = 'look' is not known" in done.stderr


@pytest.mark.parametrize("change", ["version", "made_of", "made_with"])
def test_answers_of_other_rows_or_libraries_are_not_given(change: str) -> None:
    answers = FirstAnswers()
    assert answers.true()
    answers.head[change] = {"mcp": "0.0.1"} if change == "made_with" else "another"
    assert not answers.true()


def test_open_approvals_start_the_server_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATON_MAILGUN_HOME", str(tmp_path))
    kept(tmp_path, "approved")
    assert doorway.opened(["serve"]) is None


def all_but_the_call_are_known(said: bytes) -> bool:
    """Whether the front answers all that a client said but its call, which is not the first it said."""
    lines = said.splitlines()
    front = first_lines(PLAIN)
    calls = [number for number, line in enumerate(lines) if b'"tools/call"' in line]
    return calls[0] > 1 and all(front.answer(line) is not None for line in lines[: calls[0]])


@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_the_official_python_client_hears_every_byte_as_from_the_server_alone(era: Era, tmp_path: Path) -> None:
    heard = []
    for name, command in (("both", FRONT), ("alone", SERVER_ALONE)):
        copies = [str(tmp_path / f"{name}.{end}") for end in ("said", "heard")]
        relay = [str(Path(__file__).with_name("relay.py")), *copies, sys.executable, *command]
        environ = {"PATH": os.environ["PATH"], "MATON_MAILGUN_HOME": str(tmp_path / name)}
        with host(StdioServerParameters(command=sys.executable, args=relay, env=environ), era=era) as client:
            assert len(client.tools()) == 65
            assert content(client.call("get_domain", {}))["status"] == "error"
        heard.append([Path(copy).read_bytes() for copy in copies])
    assert heard[0] == heard[1]
    assert all_but_the_call_are_known(heard[0][0])


@pytest.mark.node
@pytest.mark.clients
@pytest.mark.long
def test_the_official_typescript_client_hears_every_byte_as_from_the_server_alone(
    pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    node, more = node_packages(pytestconfig.cache.mkdir("clients"), ("@modelcontextprotocol/sdk@1.24.3",))
    heard = []
    for name, command in (("both", FRONT), ("alone", SERVER_ALONE)):
        copies = [str(tmp_path / f"{name}.{end}") for end in ("said", "heard")]
        relay = [sys.executable, str(Path(__file__).with_name("relay.py")), *copies, sys.executable, *command]
        environ = {"PATH": os.environ["PATH"], "MATON_MAILGUN_HOME": str(tmp_path / name), **more}
        script = str(Path(__file__).with_name("session_node.cjs"))
        done = subprocess.run(
            [*node, script, *relay], env=environ, capture_output=True, text=True, timeout=60, check=True
        )
        assert json.loads(done.stdout) == {"tools": 65, "status": "error"}
        heard.append([Path(copy).read_bytes() for copy in copies])
    assert heard[0] == heard[1]
    assert all_but_the_call_are_known(heard[0][0])


@pytest.mark.node
@pytest.mark.clients
@pytest.mark.long
@pytest.mark.parametrize(
    "asked", [["tools/list"], ["resources/list"], ["prompts/list"], ["tools/call", "--tool-name", "get_domain"]]
)
def test_the_inspector_hears_every_byte_as_from_the_server_alone(
    pytestconfig: pytest.Config, tmp_path: Path, asked: list[str]
) -> None:
    node, more = node_packages(pytestconfig.cache.mkdir("clients"), ("@modelcontextprotocol/inspector@2.12.0",))
    launcher = ("@modelcontextprotocol", "inspector", "clients", "launcher", "build", "index.js")
    inspector = str(Path(more["NODE_PATH"], *launcher))
    heard = []
    for name, command in (("both", FRONT), ("alone", SERVER_ALONE)):
        copies = [str(tmp_path / f"{name}.{end}") for end in ("said", "heard")]
        relay = [sys.executable, str(Path(__file__).with_name("relay.py")), *copies, sys.executable, *command]
        environ = {"PATH": os.environ["PATH"], "MATON_MAILGUN_HOME": str(tmp_path / name), **more}
        done = subprocess.run(
            [*node, inspector, "--cli", *relay, "--method", *asked],
            env=environ, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert "Failed" not in done.stderr
        heard.append([Path(copy).read_bytes() for copy in copies])
    assert heard[0] == heard[1]
    assert b'"result"' in heard[0][1].splitlines()[-1]


def test_a_call_that_the_server_was_loaded_for_is_all_that_reaches_the_gateway(tmp_path: Path) -> None:
    with serve(Sandbox()) as sandbox:
        environ = {"MATON_API_URL": sandbox.url, "MATON_API_KEY": "sandbox-maton-key"}
        with process(tmp_path, *FRONT, environ=environ) as server:
            server.start()
            server.ask(1, "tools/list")
            connection = {"connection_id": "78b5a036-c621-40c2-b74b-276195735af2"}
            answer = server.ask(2, "tools/call", name="list_ips", arguments=connection)
            assert answer["result"]["structuredContent"]["status"] == "ok"
            assert server.end()[0] == 0
        assert [request["path"].partition("?")[0] for request in sandbox.sandbox.requests] == ["/mailgun/v3/ips"]

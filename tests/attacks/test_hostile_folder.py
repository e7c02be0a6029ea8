"""Attack 43: a host starts the server in the folder of a project, and that folder is full of Python files."""

from __future__ import annotations

import importlib.util
import os
import py_compile
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

import maton_mailgun
from maton_mailgun.approval.channels.page import page_server as page
from maton_mailgun.catalogue.rows import load
from maton_mailgun.cli.parser import HOSTS
from maton_mailgun.sandbox import RunningSandbox, Sandbox, serve
from maton_mailgun.sandbox.account.seed import DOMAIN

from .bench import KEY, LETTER, Desk, structured
from .traps import PROBED, Traps, before_our_first_line, entry, listening, python_path, recorded, top_level

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
SCRIPT = (str(Path(sys.executable).with_name("maton-mailgun")),)
SAFE_PATH = (sys.executable, "-P", "-m", "maton_mailgun")
PLAIN = (sys.executable, "-m", "maton_mailgun")
HERE = "/the working directory/"
PATHS = {
    "unset": None,
    "empty": "",
    "a dot": ".",
    "an empty entry first": ":/x",
    "an empty entry last": "/x:",
    "a relative place": "lib",
    "a relative place among others": "/x:./lib",
    "the folder by its full name": HERE,
    "the folder by a link": f"{HERE}../link",
}
"""What PYTHONPATH may be where a server is started."""
HARMLESS = ("unset", "empty")
APPROVAL = "apr_" + "0" * 32
COMMANDS: Mapping[str, tuple[Sequence[str], str, int]] = {
    "demo": (("demo", "--yes"), "", 0),
    "approvals list": (("approvals", "list"), "", 0),
    "approvals show ID": (("approvals", "show", APPROVAL), "", 4),
    "approvals open": (("approvals", "open"), "", 3),
    "approvals receipt ID": (("approvals", "receipt", APPROVAL), "", 4),
    "approvals verify FILE": (("approvals", "verify", "receipt.json"), "", 2),
    "approvals approve ID": (("approvals", "approve", APPROVAL), "", 4),
    "approvals reject ID": (("approvals", "reject", APPROVAL), "", 4),
    "approvals edit ID": (("approvals", "edit", APPROVAL), "", 4),
    "approvals undo ID": (("approvals", "undo", APPROVAL), "", 4),
    "approvals people list": (("approvals", "people", "list"), "", 0),
    "approvals people add NAME": (("approvals", "people", "add", "Ann"), "", 3),
    "approvals people remove NAME": (("approvals", "people", "remove", "Ann"), "", 1),
    "approvals people passphrase": (("approvals", "people", "passphrase"), "", 3),
    "approvals stop": (("approvals", "stop"), "", 0),
    "approvals resume": (("approvals", "resume"), "", 0),
    "approvals forget ADDRESS": (("approvals", "forget", "ann@example.net"), "", 0),
    "approvals passphrase": (("approvals", "passphrase"), "", 3),
    "policy check CALL.json": (("policy", "check", "-"), '{"tool": "list_domains", "arguments": {}}', 0),
    "policy replay FILE": (("policy", "replay", "policy.toml"), "", 2),
    "policy suggest": (("policy", "suggest"), "", 0),
    "audit key": (("audit", "key"), "", 0),
    "audit verify": (("audit", "verify"), "", 0),
    "audit export": (("audit", "export"), "", 0),
    "doctor": (("doctor",), "", 0),
    "tools": (("tools",), "", 0),
    "call TOOL [JSON]": (("call", "list_domains"), "", 0),
    "install HOST": (("install", "cursor"), "", 0),
    "uninstall HOST": (("uninstall", "cursor"), "", 0),
    "status [HOST]": (("status",), "", 0),
    "skill install HOST": (("skill", "install", "agents"), "", 0),
    "skill uninstall HOST": (("skill", "uninstall", "agents"), "", 0),
    "skill status": (("skill", "status"), "", 0),
    "completion SHELL": (("completion", "bash"), "", 0),
    "manual": (("manual",), "", 0),
}
"""The commands of docs/reference.md that end by themselves (`serve`, `sandbox`, `approvals watch` do not): words,
input, exit status."""


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    """A sandbox on a real port."""
    with serve(Sandbox()) as served:
        yield served


@pytest.fixture
def desk(tmp_path: Path, running: RunningSandbox) -> Desk:
    """An installation whose processes reach that sandbox; nothing has arrived there yet."""
    running.sandbox.requests.clear()
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return Desk(home, running.sandbox, api_url=running.url)


@pytest.fixture
def traps(tmp_path: Path) -> Traps:
    """An empty project folder, and a link to it."""
    made = Traps(tmp_path / "project", tmp_path / "marks")
    made.folder.mkdir()
    made.marks.mkdir()
    (tmp_path / "link").symlink_to(made.folder, target_is_directory=True)
    return made


def environment(desk: Desk, **more: str) -> dict[str, str]:
    """What a host gives a server, the key among it."""
    return {
        **{name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "PYTHONPATH") if name in os.environ},
        "HOME": str(desk.home),
        "MATON_API_KEY": KEY,
        "MATON_API_URL": desk.api_url,
        "MATON_MAILGUN_HOME": str(desk.home),
        "MATON_MAILGUN_PAGE": "false",
        **more,
    }


def with_path(desk: Desk, traps: Traps, case: str) -> dict[str, str]:
    """The environment with PYTHONPATH as a case has it."""
    value = PATHS[case]
    if value is None:
        return environment(desk)
    value = value.replace(HERE, f"{traps.folder}{os.sep}").replace(":", os.pathsep)
    return environment(desk, **(python_path(value) if value else {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}))


def run(command: Sequence[str], env: Mapping[str, str], cwd: Path, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command to its end, without a terminal."""
    return subprocess.run(
        [*command], env=dict(env), cwd=cwd, input=typed, capture_output=True, encoding="utf-8", timeout=120,
        check=False, start_new_session=True,
    )  # fmt: skip


async def session(command: Sequence[str], env: Mapping[str, str], cwd: Path) -> tuple[int, list[str], str]:
    """What a client gets from a server: the number of tools, the names of the domains, the status of a write."""
    parameters = StdioServerParameters(command=command[0], args=[*command[1:]], env=dict(env), cwd=cwd)
    async with Client(stdio_client(parameters)) as client:
        tools = (await client.list_tools()).tools
        domains = structured(await client.call_tool("list_domains", {"fields": "all"}))["result"]["items"]
        sent = structured(await client.call_tool("send_message", LETTER))
    return len(tools), [domain["name"] for domain in domains], sent["status"]


def held(seen: tuple[int, list[str], str]) -> bool:
    """Whether a session was an ordinary one."""
    count, domains, status = seen
    return (count, DOMAIN in domains, status) == (65, True, "approval_required")


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory, running: RunningSandbox) -> frozenset[str]:
    """Every top-level name that serving and the commands import or look for, and those they are known to."""
    work = tmp_path_factory.mktemp("recording")
    desk = Desk(work / "home", running.sandbox, api_url=running.url)
    env = environment(desk)
    told = [work / name for name in ("stdio", "http", "demo", "doctor", "approvals")]
    for path, words in zip(told[2:], (("demo", "--yes"), ("doctor",), ("approvals", "list")), strict=True):
        run(recorded(path, *words), env, work)
    with listening(recorded(told[1], "serve", "--http", "127.0.0.1:0"), env, work):
        pass
    lines = "\n".join(
        (
            '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},'
            '"clientInfo":{"name":"raw","version":"1"}}}',
            '{"jsonrpc":"2.0","method":"notifications/initialized"}',
            '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_domains","arguments":{}}}',
            "",
        )
    )
    run(recorded(told[0], "serve"), env, work, lines)
    found = top_level(told)
    # The run was a real one: it came to the protocol, the network, the database and the tables of the command line.
    assert {"mcp", "httpx2", "h2", "sqlite3", "cryptography", "rich", "uvicorn", "httptools", "logging"} <= found
    return found | PROBED


def written(host: str, desk: Desk, *flags: str) -> tuple[str, ...]:
    """The command that `install` writes for a host."""
    done = run([*SAFE_PATH, "install", host, *flags], environment(desk), desk.home)
    assert done.returncode == 0, done.stderr
    if host != "codex":
        return entry(done.stdout)
    server = tomllib.loads(done.stdout)["mcp_servers"]["mailgun"]
    return (server["command"], *server["args"])


async def test_attack_43_what_install_writes_runs_nothing_of_the_folder_it_is_started_in(
    desk: Desk, traps: Traps, names: frozenset[str]
) -> None:
    traps.set(names)
    for command in {written(host, desk) for host in HOSTS}:
        assert held(await session(command, environment(desk), traps.folder))
    assert (traps.sprung(), desk.writes()) == ([], [])


@pytest.mark.parametrize("host", HOSTS)
def test_attack_43_with_uvx_the_entry_script_is_started(desk: Desk, host: str) -> None:
    program, *arguments = written(host, desk, "--uvx")
    assert (Path(program).stem, arguments) == ("uvx", ["maton-mailgun"])


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands for the program")
@pytest.mark.parametrize("named", [".", "", "bin", "./bin"])
def test_attack_350_the_uvx_that_is_written_is_none_of_the_folder(desk: Desk, traps: Traps, named: str) -> None:
    """A PATH may lead into the folder that the command is typed in; what stands there would be started with the key."""
    for folder in (traps.folder, traps.folder / "bin"):
        folder.mkdir(exist_ok=True)
        (folder / "uvx").write_text("#!/bin/sh\n", encoding="utf-8")
        (folder / "uvx").chmod(0o755)
    env = {**environment(desk), "PATH": f"{named}{os.pathsep}{desk.home}"}
    done = run([*SAFE_PATH, "install", "claude-desktop", "--uvx", "--with-key"], env, traps.folder)
    assert (done.returncode, entry(done.stdout)) == (0, ("uvx", "maton-mailgun")), done.stderr


@pytest.mark.parametrize("case", ["empty", "a dot", "an empty entry first", "a relative place", "the folder by a link"])
async def test_attack_43_what_install_writes_does_not_follow_pythonpath_either(
    desk: Desk, traps: Traps, names: frozenset[str], case: str
) -> None:
    """Not even `sitecustomize`, which Python runs before anything could look at the search path."""
    traps.set(names)
    traps.set(names, "lib")
    command = written("cursor", desk)
    assert held(await session(command, with_path(desk, traps, case), traps.folder))
    assert (traps.sprung(), desk.writes()) == ([], [])


@pytest.mark.parametrize("command", [SCRIPT, SAFE_PATH], ids=["the entry script", "python -P -m"])
@pytest.mark.parametrize("case", HARMLESS)
async def test_attack_43_other_ways_to_start_it_run_nothing_of_the_folder(
    desk: Desk, traps: Traps, names: frozenset[str], command: Sequence[str], case: str
) -> None:
    traps.set(names)
    assert held(await session(command, with_path(desk, traps, case), traps.folder))
    assert (traps.sprung(), desk.writes()) == ([], [])


@pytest.mark.parametrize("command", [SCRIPT, SAFE_PATH], ids=["the entry script", "python -P -m"])
@pytest.mark.parametrize("case", [case for case in PATHS if case not in HARMLESS])
def test_attack_43_a_pythonpath_that_leads_into_the_folder_is_refused(
    desk: Desk, traps: Traps, names: frozenset[str], command: Sequence[str], case: str
) -> None:
    for below in (".", "lib"):
        traps.set(names - before_our_first_line() - {"maton_mailgun"}, below)
    done = run(command, with_path(desk, traps, case), traps.folder)
    assert (done.returncode, done.stdout, traps.sprung()) == (2, "", [])
    assert "would load modules from the working directory" in done.stderr
    assert f"Unset PYTHONPATH, or start it as: {sys.executable} -I -m maton_mailgun\n" in done.stderr
    assert KEY not in done.stderr


async def test_attack_43_python_m_is_refused_with_the_command_that_works(
    desk: Desk, traps: Traps, names: frozenset[str]
) -> None:
    """`maton_mailgun` itself is left out: Python would run the folder's before ours, and nothing of ours could tell."""
    traps.set(names - before_our_first_line() - {"maton_mailgun"})
    done = run(PLAIN, environment(desk), traps.folder)
    assert (done.returncode, done.stdout, traps.sprung()) == (2, "", [])
    told = re.search(r"Start it as: (.+)$", done.stderr)
    assert told is not None
    traps.set(["maton_mailgun"], "more")
    assert held(await session(told[1].split(), environment(desk), traps.folder))
    assert (traps.sprung(), desk.writes()) == ([], [])


@pytest.mark.parametrize(
    "words", [("tools",), ("approvals", "list"), ("sandbox", "--port", "0"), ("serve", "--sandbox")]
)
def test_attack_43_every_command_is_refused_not_only_serving(
    desk: Desk, traps: Traps, names: frozenset[str], words: Sequence[str]
) -> None:
    traps.set(names - before_our_first_line() - {"maton_mailgun"})
    done = run([*PLAIN, *words], environment(desk), traps.folder)
    assert (done.returncode, done.stdout, traps.sprung()) == (2, "", [])


def test_attack_43_a_search_path_that_something_else_led_there_is_refused(
    desk: Desk, traps: Traps, names: frozenset[str]
) -> None:
    traps.set(names - {"maton_mailgun"})
    code = "import sys; sys.path.insert(1, sys.argv[1]); from maton_mailgun.__main__ import main; sys.exit(main())"
    for entry_there in (str(traps.folder), "", "."):
        done = run([sys.executable, "-P", "-c", code, entry_there], environment(desk), traps.folder)
        assert (done.returncode, done.stdout, traps.sprung()) == (2, "", [])
        assert "Start it in another folder" in done.stderr


def test_attack_43_compiled_modules_of_the_folder_are_refused(desk: Desk, traps: Traps) -> None:
    """PYTHONPYCACHEPREFIX: Python takes a compiled file there for ours, and does not compare it with the source."""
    source = Path(maton_mailgun.__file__).with_name("cli") / "__init__.py"
    trap = traps.folder / "trap.py"
    trap.write_text(
        traps.code("cli") + "OK = FAILED = USAGE = 0\nEXIT_STATUSES = {}\nrun = lambda words: 0\n", encoding="utf-8"
    )
    compiled = Path(importlib.util.cache_from_source(str(source))).name
    place = traps.folder / "pyc" / source.parent.relative_to(source.anchor) / compiled
    py_compile.compile(str(trap), cfile=str(place), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    led = environment(desk, PYTHONPYCACHEPREFIX="pyc")
    done = run([*SAFE_PATH, "tools"], led, traps.folder)
    assert (done.returncode, done.stdout, traps.sprung()) == (2, "", [])
    assert "PYTHONPYCACHEPREFIX" in done.stderr
    assert run([*written("cursor", desk), "tools"], led, traps.folder).returncode == 0
    assert traps.sprung() == []


def test_attack_43_a_folder_name_is_shown_harmless(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "evil\x1b[2J\u202ename"
    folder.mkdir()
    done = run(PLAIN, environment(desk), folder)
    assert done.returncode == 2
    assert not {"\x1b", "\u202e"} & set(done.stderr)


@pytest.mark.parametrize("where", ["the root", "the entry scripts", "the package"])
def test_a_working_directory_that_is_the_installation_or_holds_no_modules_is_none_to_refuse(
    desk: Desk, where: str
) -> None:
    places = {
        "the root": Path(desk.home.anchor),
        "the entry scripts": Path(SCRIPT[0]).parent,
        "the package": Path(maton_mailgun.__file__).parents[1],
    }
    done = run([*SCRIPT, "tools"], environment(desk), places[where])
    assert (done.returncode, done.stderr) == (0, "")


def test_attack_43_importing_the_package_is_no_start_of_it(desk: Desk, traps: Traps) -> None:
    """A notebook or a test run has its working directory on the search path, and may."""
    code = "import maton_mailgun.catalogue.rows as rows; print(len(rows.load()))"
    done = run([sys.executable, "-c", code], environment(desk), traps.folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{len(load())}\n", "")


# The commands of the documents ----------------------------------------------------------------------------------------


def test_every_command_of_the_documents_is_started_here() -> None:
    page = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    named = {
        row.split("`")[1].removeprefix("maton-mailgun ") for row in page.splitlines() if row.startswith("| `maton-")
    }
    assert named == {"serve", "sandbox", "approvals watch", *COMMANDS}


@pytest.mark.parametrize("name", COMMANDS)
def test_attack_43_a_command_runs_nothing_of_the_folder_it_is_typed_in(
    desk: Desk, traps: Traps, names: frozenset[str], name: str
) -> None:
    traps.set(names)
    words, typed, status = COMMANDS[name]
    done = run([*SCRIPT, *words], environment(desk), traps.folder, typed)
    assert (done.returncode, traps.sprung(), desk.writes()) == (status, [], []), done.stderr


@pytest.mark.parametrize("words", [("serve", "--http", "127.0.0.1:0"), ("sandbox", "--port", "0")])
def test_attack_43_a_server_on_a_port_runs_nothing_of_the_folder_it_is_started_in(
    desk: Desk, traps: Traps, names: frozenset[str], words: Sequence[str]
) -> None:
    traps.set(names)
    with listening([*SCRIPT, *words], environment(desk), traps.folder) as answered:
        assert answered < 500
    assert (traps.sprung(), desk.writes()) == ([], [])


def test_attack_43_no_command_that_is_written_or_printed_takes_modules_from_where_it_is_started() -> None:
    """Every `-m maton_mailgun` stands behind -P or -I, in prose as in lists of arguments."""
    names = ["README.md", "SKILL.md", "AGENTS.md", "CONTRIBUTING.md", "CHANGELOG.md", ".ci/run"]
    folders = [
        ("docs", ".md"),
        ("references", ".md"),
        ("server", ".py"),
        ("packaging", ""),
        ("bench", ".py"),
        ("tools", ".toml"),
        ("schemas", ".json"),
    ]
    files = [ROOT / name for name in names]
    for folder, kind in folders:
        found_there = [path for path in (ROOT / folder).rglob("*") if path.name.endswith(kind) and path.is_file()]
        files += [path for path in found_there if "__pycache__" not in path.parts]
    started = re.compile(r"([^\s\"'\[`]*)[\"', ]+-m[\"', ]+maton_mailgun\b")
    found = [
        (str(path.relative_to(ROOT)), match[1])
        for path in files
        for match in started.finditer(path.read_text(encoding="utf-8"))
    ]
    assert len(found) >= 5
    # What `as_here` gives is held to the server's own flags by attack 185.
    assert [one for one in found if one[1] not in {"-P", "-I", "*as_here(),"}] == []


# Other processes ------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="shell scripts stand for browsers")
def test_attack_43_the_browser_is_none_of_the_folder(
    traps: Traps, names: frozenset[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Programs are looked for in the working directory where PATH has an empty entry, and on Windows always."""
    traps.set({*names, "webbrowser", "shlex"})
    for program in ("a-browser", "xdg-open", "firefox"):
        path = traps.folder / program
        path.write_text(f"#!/bin/sh\n: >'{traps.marks / program}'\n", encoding="utf-8")
        path.chmod(0o755)
    real = tmp_path / "bin" / "a-browser"
    real.parent.mkdir()
    real.write_text(f"#!/bin/sh\necho \"$1\" >'{tmp_path / 'opened'}'\n", encoding="utf-8")
    real.chmod(0o755)
    monkeypatch.chdir(traps.folder)
    monkeypatch.setenv("PATH", os.pathsep.join(["", str(real.parent), os.environ["PATH"]]))
    assert page._open("http://127.0.0.1:1/#/", "a-browser %s")
    assert (traps.sprung(), (tmp_path / "opened").read_text(encoding="utf-8")) == ([], "http://127.0.0.1:1/#/\n")


def test_the_traps_are_real(desk: Desk, traps: Traps, names: frozenset[str]) -> None:
    """What `install` wrote once, in the same folder: without this the tests above could not fail."""
    traps.set(names)
    run(PLAIN, environment(desk), traps.folder)
    assert traps.sprung() != []
    shutil.rmtree(traps.folder / "maton_mailgun")
    code = "import mcp, httpx2, maton_mailgun.protocol.server"
    run([sys.executable, "-c", code], environment(desk), traps.folder)
    assert len(traps.sprung()) > 1

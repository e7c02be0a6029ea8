"""`maton-mailgun install`, `uninstall` and `status`: our entry in a host's file, and nothing else of it."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from maton_mailgun.cli.parser import HOSTS
from maton_mailgun.hosts.known import BY_NAME
from maton_mailgun.hosts.versioned import working_tree

from .conftest import Cli, Done

pytestmark = pytest.mark.slow

KEY = "canary-key-that-belongs-in-no-file"
FILES = {
    "claude-code": ".mcp.json",
    "claude-desktop": ".config/Claude/claude_desktop_config.json",
    "codex": ".codex/config.toml",
    "cursor": ".cursor/mcp.json",
    "gemini": ".gemini/settings.json",
    "vscode": ".vscode/mcp.json",
    "windsurf": ".codeium/windsurf/mcp_config.json",
    "zed": ".config/zed/settings.json",
}
KEYLESS = ["claude-desktop", "zed"]
"""Hosts that cannot supply a key: it stands in their file."""
PYTHON = {"command": sys.executable, "args": ["-I", "-m", "maton_mailgun"]}
ENTRIES: dict[str, dict[str, Any]] = {
    "claude-code": {**PYTHON, "env": {"MATON_API_KEY": "${MATON_API_KEY}"}},
    "claude-desktop": {**PYTHON, "env": {"MATON_API_KEY": KEY}},
    "codex": {**PYTHON, "env_vars": ["MATON_API_KEY"]},
    "cursor": {**PYTHON, "env": {"MATON_API_KEY": "${env:MATON_API_KEY}"}},
    "gemini": {**PYTHON, "env": {"MATON_API_KEY": "$MATON_API_KEY"}},
    "vscode": {"type": "stdio", **PYTHON, "env": {"MATON_API_KEY": "${input:maton-api-key}"}},
    "windsurf": {**PYTHON, "env": {"MATON_API_KEY": "${env:MATON_API_KEY}"}},
    "zed": {**PYTHON, "env": {"MATON_API_KEY": KEY}},
}


@pytest.fixture
def cli(cli: Cli) -> Cli:
    """With a key that must not end up anywhere, and a home of its own that is also the working directory."""
    cli.env["MATON_API_KEY"] = KEY
    return cli


def write(cli: Cli, host: str, *arguments: str) -> Done:
    """Install it with a yes and without the proof, which takes a second; with the key where nothing else would work."""
    key = ["--with-key"] if host in KEYLESS and "--sandbox" not in arguments and "--with-key" not in arguments else []
    return cli("install", host, "--write", "--yes", "--no-start", *key, *arguments)


def read(host: str, path: Path) -> dict[str, Any]:
    """A host's file as the host reads it."""
    text = path.read_text(encoding="utf-8")
    found: dict[str, Any] = tomllib.loads(text) if host == "codex" else json.loads(text)
    return found


def test_every_host_has_a_command_line_name() -> None:
    assert set(HOSTS) == set(BY_NAME) == set(FILES)


@pytest.mark.skipif(sys.platform != "linux", reason="the paths of other systems differ")
@pytest.mark.parametrize("host", HOSTS)
def test_entry_lands_where_the_host_looks_and_the_key_is_never_shown(cli: Cli, host: str) -> None:
    done = write(cli, host)
    assert done.status == 0, done.err
    path = cli.cwd / FILES[host]
    assert read(host, path)[BY_NAME[host].servers]["mailgun"] == ENTRIES[host]
    assert KEY not in done.out + done.err + ("" if host in KEYLESS else path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("host", HOSTS)
def test_printed_configuration_is_what_would_be_written(cli: Cli, host: str, tmp_path: Path) -> None:
    written = tmp_path / "host"
    assert write(cli, host, "--path", str(written)).status == 0
    printed = cli("install", host, *(["--with-key"] if host in KEYLESS else []))
    assert printed.out == written.read_text(encoding="utf-8")


@pytest.mark.parametrize("host", HOSTS)
def test_other_settings_stay_and_the_old_file_is_kept(cli: Cli, host: str, tmp_path: Path) -> None:
    path = tmp_path / "host"
    servers = BY_NAME[host].servers
    before = (
        f'model = "x"\n\n[{servers}.other]\ncommand = "other" # mine'
        if host == "codex"
        else json.dumps({"theme": "dürr", servers: {"other": {"command": "other"}}})
    )
    path.write_text(before, encoding="utf-8")
    path.chmod(0o640)
    assert write(cli, host, "--path", str(path)).status == 0
    after = read(host, path)
    assert after[servers].pop("mailgun") == ENTRIES[host]
    after.pop("inputs", None)
    assert after == (tomllib.loads(before) if host == "codex" else json.loads(before))
    assert stat.S_IMODE(path.stat().st_mode) == (0o600 if host in KEYLESS else 0o640)
    (kept,) = (cli.home / "kept").glob("host.*.bak")
    assert (kept.read_text(encoding="utf-8"), [*tmp_path.glob("host*")]) == (before, [path])
    assert cli("uninstall", host, "--path", str(path), "--yes").status == 0
    assert (path.read_text(encoding="utf-8"), stat.S_IMODE(path.stat().st_mode)) == (before, 0o640)
    assert [*tmp_path.glob("host*"), *cli.home.rglob("*")] == [path]


@pytest.mark.parametrize("host", HOSTS)
def test_installing_twice_changes_nothing_the_second_time(cli: Cli, host: str, tmp_path: Path) -> None:
    path = tmp_path / "host"
    write(cli, host, "--path", str(path))
    before = path.read_bytes()
    done = write(cli, host, "--path", str(path))
    assert (done.status, "has it already" in done.err) == (0, True)
    assert (path.read_bytes(), list(tmp_path.rglob("*.bak"))) == (before, [])


@pytest.mark.parametrize(
    ("host", "content"),
    [
        ("cursor", '{"mcpServers": {}, "mcpServers": {"a": {}}}'),
        ("cursor", '{"mcpServers": []}'),
        ("cursor", "[]"),
        ("cursor", '{"mcpServers": {"mailgun": {"command": "another"}}}'),
        ("vscode", '{"inputs": {}}'),
        ("codex", "model = "),
        ("codex", 'mcp_servers = { other = { command = "x" } }\n'),
        ("codex", 'mcp_servers.mailgun.command = "another"\n'),
        ("codex", '[mcp_servers.mailgun]\ncommand = "another"\n'),
    ],
)
def test_file_that_cannot_be_added_to_for_certain_is_left_alone(
    cli: Cli, host: str, content: str, tmp_path: Path
) -> None:
    path = tmp_path / "host"
    path.write_text(content, encoding="utf-8")
    done = write(cli, host, "--path", str(path))
    assert (done.status, done.out) == (1, "")
    assert (path.read_text(encoding="utf-8"), sorted(tmp_path.glob("*host*"))) == (content, [path])


def test_key_is_written_in_clear_only_when_asked_for(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "host"
    assert write(cli, "claude-desktop", "--with-key", "--path", str(path)).status == 0
    assert read("claude-desktop", path)["mcpServers"]["mailgun"]["env"] == {"MATON_API_KEY": KEY}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_file_that_gets_the_key_is_private_whatever_it_was(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "host"
    path.write_text("{}", encoding="utf-8")
    path.chmod(0o644)
    assert write(cli, "claude-desktop", "--with-key", "--path", str(path)).status == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def git(folder: Path, *words: str) -> str:
    """Run git there with nobody's configuration."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    me = ("-c", "user.name=me", "-c", "user.email=me@example.com")
    return subprocess.run(
        ["git", *me, *words], cwd=folder, env=environment, capture_output=True, text=True, check=True
    ).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with one commit."""
    if shutil.which("git") is None:
        pytest.skip("needs git")
    made = tmp_path / "repository"
    (made / "deep" / "er").mkdir(parents=True)
    git(made, "init", "-q")
    git(made, "commit", "-q", "--allow-empty", "-m", "first")
    return made


def left(folder: Path) -> dict[str, bytes]:
    """What a folder holds, but for the version control's own."""
    files = [path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def refused(cli: Cli, host: str, *arguments: str) -> str:
    """What is said when the key is refused; it is said without the key."""
    done = write(cli, host, "--with-key", *arguments)
    assert (done.status, done.out) == (1, "")
    assert "under version control" in done.err
    assert KEY not in done.err
    return " ".join(done.err.split())


WAYS = {
    "claude-code": "Leave out --with-key: the entry then takes it from MATON_API_KEY",
    "claude-desktop": "Keep the host's file elsewhere",
    "windsurf": "Leave out --with-key: the entry then takes it from MATON_API_KEY",
    "zed": "Keep the host's file elsewhere",
    "codex": "Leave out --with-key: the entry then takes it from MATON_API_KEY",
    "cursor": "Leave out --with-key: the entry then takes it from MATON_API_KEY",
    "gemini": "Leave out --with-key: the entry then takes it from MATON_API_KEY",
    "vscode": "Leave out --with-key: VS Code asks for the key once and keeps it",
}


@pytest.mark.parametrize("host", HOSTS)
def test_key_is_refused_where_git_would_take_it_with_the_way_that_works(cli: Cli, host: str, repository: Path) -> None:
    path = repository / "deep" / FILES[host]
    assert WAYS[host] in refused(cli, host, "--path", str(path))
    assert left(repository) == {}
    done = write(cli, host, "--path", str(path), *(["--sandbox"] if host in KEYLESS else []))
    assert (done.status, list(left(repository))) == (0, [f"deep/{FILES[host]}"])
    git(repository, "add", "-A", "--force")
    assert KEY not in git(repository, "diff", "--cached")


@pytest.mark.parametrize("host", ["claude-code", "vscode"])
def test_key_is_refused_in_the_usual_place_of_a_project(cli: Cli, host: str, repository: Path) -> None:
    cli.cwd = repository / "deep" / "er"
    refused(cli, host)
    assert left(repository) == {}


@pytest.mark.parametrize("case", ["ignored", "tracked", "a worktree", "through a link", "below a linked folder"])
def test_key_is_refused_however_the_file_lies_in_the_working_tree(
    cli: Cli, case: str, repository: Path, tmp_path: Path
) -> None:
    path = repository / ".mcp.json"
    if case == "ignored":
        (repository / ".gitignore").write_text(".mcp.json\n", encoding="utf-8")
    elif case == "tracked":
        path.write_text("{}", encoding="utf-8")
        git(repository, "add", ".mcp.json")
        git(repository, "commit", "-q", "-m", "second")
    elif case == "a worktree":
        git(repository, "worktree", "add", "-q", str(tmp_path / "other"))
        path = tmp_path / "other" / ".mcp.json"
    elif case == "through a link":
        path = tmp_path / "link.json"
        path.symlink_to(repository / "dotfile.json")
    else:
        (tmp_path / "linked").symlink_to(repository / "deep", target_is_directory=True)
        path = tmp_path / "linked" / ".mcp.json"
    before = left(repository)
    refused(cli, "claude-code", "--path", str(path))
    assert left(repository) == before
    assert KEY not in str(left(tmp_path))


@pytest.mark.parametrize("mark", [".hg", ".jj", ".svn", ".bzr", "_darcs", ".pijul", ".fslckout", "_FOSSIL_"])
def test_other_version_controls_are_known_too(mark: str, tmp_path: Path) -> None:
    path = tmp_path / "tree" / "below" / "mcp.json"
    path.parent.mkdir(parents=True)
    assert working_tree(path) is None
    (tmp_path / "tree" / mark).touch()
    assert working_tree(path) == tmp_path / "tree"


def test_hostile_repository_is_asked_nothing(cli: Cli, repository: Path, tmp_path: Path) -> None:
    """git would run what its configuration names: it is not run at all."""
    ran = tmp_path / "ran"
    for name in ("core.fsmonitor", "core.sshCommand", "core.pager", "diff.external"):
        git(repository, "config", name, f"touch '{ran}'; false")
    cli.cwd = repository
    refused(cli, "claude-code")
    assert write(cli, "claude-code").status == 0
    assert not ran.exists()


def test_file_as_it_was_is_kept_outside_of_a_working_tree(cli: Cli, repository: Path) -> None:
    """It may hold keys of other servers and be ignored by its name, which its copy beside it would not be."""
    (repository / ".gitignore").write_text(".mcp.json\n", encoding="utf-8")
    path, before = repository / ".mcp.json", '{"mcpServers": {"other": {"env": {"TOKEN": "of another"}}}}'
    path.write_text(before, encoding="utf-8")
    done = write(cli, "claude-code", "--path", str(path))
    assert done.status == 0
    assert set(left(repository)) == {".gitignore", ".mcp.json"}
    (kept,) = (cli.home / "kept").glob("*.bak")
    assert (kept.read_text(encoding="utf-8"), str(kept) in done.err.replace("\n", "")) == (before, True)
    assert [stat.S_IMODE(one.stat().st_mode) for one in (kept, kept.parent, cli.home)] == [0o600, 0o700, 0o700]


def test_linked_configuration_stays_a_link(cli: Cli, tmp_path: Path) -> None:
    target, link = tmp_path / "dotfile", tmp_path / "host"
    target.write_text("{}", encoding="utf-8")
    link.symlink_to(target)
    assert write(cli, "cursor", "--path", str(link)).status == 0
    assert link.is_symlink()
    assert "mailgun" in read("cursor", target)["mcpServers"]


def test_uvx_and_sandbox_change_what_is_started(cli: Cli) -> None:
    made = json.loads(cli("install", "cursor", "--uvx", "--sandbox", "--name", "mailgun-trial").out)
    assert made == {
        "mcpServers": {"mailgun-trial": {"command": "uvx", "args": ["maton-mailgun", "serve", "--sandbox"]}}
    }


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands for the program")
def test_uvx_is_written_with_its_full_path_where_the_host_does_not_look_where_a_shell_does(cli: Cli) -> None:
    folder = cli.cwd / "programs"
    folder.mkdir()
    (folder / "uvx").write_text("#!/bin/sh\n", encoding="utf-8")
    (folder / "uvx").chmod(0o755)
    cli.env["PATH"] = str(folder)
    started = {
        host: json.loads(cli("install", host, "--uvx", "--with-key").out)["mcpServers"]["mailgun"]["command"]
        for host in ("claude-desktop", "cursor")
    }
    assert started == {"claude-desktop": str(folder / "uvx"), "cursor": "uvx"}


@pytest.mark.parametrize("arguments", [("emacs",), ("cursor", "--name", "a.b"), ("cursor", "--name", "a b")])
def test_unknown_host_or_unusable_name_is_a_wrong_command(cli: Cli, arguments: tuple[str, ...]) -> None:
    assert cli("install", *arguments).status == 2


def test_nothing_is_written_without_a_yes(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "host"
    path.write_text('{"mcpServers": {"other": {"env": {"TOKEN": "of another"}}}}', encoding="utf-8")
    before = path.read_bytes()
    done = cli("install", "cursor", "--write", "--path", str(path))
    assert (done.status, done.out, path.read_bytes(), cli.home.exists()) == (5, "", before, False)
    assert '+   "command": ' in done.err
    assert "of another" not in done.err
    assert "--yes says yes to what is shown" in done.err


@pytest.mark.parametrize(("typed", "status"), [("no", 1), ("yes", 0)])
def test_person_is_shown_the_entry_and_asked(cli: Cli, typed: str, status: int, tmp_path: Path) -> None:
    path = tmp_path / "host"
    path.write_text("{}", encoding="utf-8")
    with cli.terminal("install", "zed", "--write", "--with-key", "--no-start", "--path", str(path)) as terminal:
        terminal.expect("nothing else in it changes")
        terminal.expect('"MATON_API_KEY": "•••"')
        terminal.expect("Write it? [yes/no]")
        terminal.enter(typed)
        assert terminal.finish() == status
    assert (KEY in terminal.seen, KEY in path.read_text(encoding="utf-8")) == (False, status == 0)
    if status == 0:
        with cli.terminal("uninstall", "zed", "--path", str(path)) as terminal:
            terminal.expect("Take it out? [yes/no]")
            terminal.enter("yes")
            assert terminal.finish() == 0
        assert (KEY in terminal.seen, path.read_text(encoding="utf-8")) == (False, "{}")


@pytest.mark.parametrize("host", KEYLESS)
def test_entry_without_a_key_is_refused_where_the_host_cannot_supply_one(cli: Cli, host: str, tmp_path: Path) -> None:
    path = tmp_path / "host"
    done = cli("install", host, "--write", "--yes", "--path", str(path))
    assert (done.status, path.exists(), "put the key into the file with --with-key" in done.err) == (1, False, True)


def test_entry_of_ours_is_brought_up_to_date_as_a_new_user_would(cli: Cli, tmp_path: Path) -> None:
    """From the sandbox to the real account, then once more without a word of the key, which stands there already."""
    path = tmp_path / "host"
    place = ("--path", str(path))
    path.write_text('{"mcpServers": {"other": 1e2}} // mine', encoding="utf-8")
    before = path.read_bytes()
    assert write(cli, "claude-desktop", "--sandbox", *place).status == 0
    assert write(cli, "claude-desktop", *place).status == 0
    real = path.read_bytes()
    assert (b"1e2" in real, KEY.encode() in real, b"--sandbox" in real) == (True, True, False)
    assert cli("install", "claude-desktop", "--write", "--yes", "--no-start", *place).status == 0
    assert path.read_bytes() == real
    assert write(cli, "claude-desktop", "--sandbox", *place).status == 0
    assert KEY.encode() not in path.read_bytes()
    assert cli("uninstall", "claude-desktop", "--yes", *place).status == 0
    assert (path.read_bytes(), [*cli.home.rglob("*.bak")]) == (before, [])


def test_what_a_person_has_added_to_our_entry_stays(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "host"
    mine = {
        "command": "uvx",
        "args": ["maton-mailgun", "serve", "--read-only", "--sandbox"],
        "env": {"MATON_MAILGUN_TOOLSETS": "all"},
        "timeout": 60,
    }
    path.write_text(json.dumps({"mcpServers": {"mailgun": mine}}), encoding="utf-8")
    assert write(cli, "gemini", "--path", str(path)).status == 0
    assert read("gemini", path)["mcpServers"]["mailgun"] == {
        "command": sys.executable,
        "args": ["-I", "-m", "maton_mailgun", "serve", "--read-only"],
        "env": {"MATON_MAILGUN_TOOLSETS": "all", "MATON_API_KEY": "$MATON_API_KEY"},
        "timeout": 60,
    }


@pytest.mark.parametrize("host", ["claude-desktop", "codex", "gemini"])
def test_what_was_written_is_started_and_its_tools_are_counted(cli: Cli, host: str, tmp_path: Path) -> None:
    path = tmp_path / "host"
    key = ["--with-key"] if host in KEYLESS else []
    done = cli("install", host, "--write", "--yes", "--path", str(path), *key)
    assert (done.status, "It starts and lists 65 tools." in done.err) == (0, True), done.err
    assert "is not set here" not in done.err


def test_entry_that_does_not_start_is_told_with_what_it_says(cli: Cli, tmp_path: Path) -> None:
    """Its setting is one that the server refuses; the entry stays, for the person to see and correct."""
    path = tmp_path / "host"
    entry = {**PYTHON, "env": {"MATON_MAILGUN_APPROVAL": "${env:MODE}"}}
    path.write_text(json.dumps({"mcpServers": {"mailgun": entry}}), encoding="utf-8")
    done = cli("install", "cursor", "--write", "--yes", "--path", str(path))
    assert (done.status, "MATON_MAILGUN_APPROVAL is ${env:MODE}: your host did not replace it" in done.err) == (1, True)


def test_status_tells_where_it_is_and_what_is_wrong(cli: Cli) -> None:
    assert write(cli, "cursor").status == 0
    assert write(cli, "claude-desktop", "--name", "post").status == 0
    desktop = cli.cwd / FILES["claude-desktop"]
    text = desktop.read_text(encoding="utf-8").replace(json.dumps(KEY), '"${MATON_API_KEY}"')
    desktop.write_text(text.replace(sys.executable, "/gone/python"), encoding="utf-8")
    done = cli("status", "--json", "--start")
    starts = "-I -m maton_mailgun"
    assert (done.status, done.err) == (1, "")
    by_host = {row["host"]: row for row in json.loads(done.out)}
    assert by_host["cursor"] == {
        "host": "cursor", "scope": "user", "path": str(cli.cwd / FILES["cursor"]), "name": "mailgun",
        "starts": f"{sys.executable} {starts}", "key": "the host's environment", "problems": [], "tools": 65,
        "why": None,
    }  # fmt: skip
    assert by_host["claude-desktop"] == {
        "host": "claude-desktop", "scope": "user", "path": str(desktop), "name": "post",
        "starts": f"/gone/python {starts}", "key": "nowhere", "tools": None,
        "problems": [
            "/gone/python is not there any more. Run: maton-mailgun install claude-desktop --write",
            "Claude Desktop does not replace ${MATON_API_KEY} in MATON_API_KEY. Write the value itself, or leave it "
            "out.",
            "There is no key. Put the key into the file with --with-key, or install the extension bundle "
            "(maton-mailgun-VERSION.mcpb), which keeps it in the system's key store.",
        ],
        "why": "/gone/python: No such file or directory",
    }  # fmt: skip
    told = cli("status")
    assert "Not there: claude-code, codex, gemini, vscode, windsurf, zed." in told.out
    assert "65 tools" not in told.out
    assert cli("status", "cursor").status == 0


def test_a_host_without_projects_says_so(cli: Cli) -> None:
    done = cli("install", "windsurf", "--scope", "project")
    assert (done.status, "Windsurf keeps servers for the user alone" in done.err) == (2, True)
    assert cli("install", "codex", "--scope", "project", "--write", "--yes", "--no-start").status == 0
    assert (cli.cwd / ".codex" / "config.toml").exists()


@pytest.mark.parametrize(("flags", "asked"), [(("--sandbox",), False), ((), True)], ids=["sandbox", "real"])
def test_what_comes_next_speaks_of_a_key_only_where_one_is_needed(
    cli: Cli, flags: tuple[str, ...], asked: bool
) -> None:
    told = cli("install", "vscode", "--write", "--yes", "--no-start", *flags)
    assert told.status == 0, told.err
    assert ("It asks for the key once" in told.err) is asked

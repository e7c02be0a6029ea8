"""`maton-mailgun install`: adds to a host's file and never takes anything away from it."""

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

from maton_mailgun.cli.hosts import BY_NAME
from maton_mailgun.cli.parser import HOSTS

from .conftest import Cli

pytestmark = pytest.mark.slow

KEY = "canary-key-that-belongs-in-no-file"
FILES = {
    "claude-code": ".mcp.json",
    "claude-desktop": ".config/Claude/claude_desktop_config.json",
    "codex": ".codex/config.toml",
    "cursor": ".cursor/mcp.json",
    "gemini": ".gemini/settings.json",
    "vscode": ".vscode/mcp.json",
}
PYTHON = {"command": sys.executable, "args": ["-I", "-m", "maton_mailgun"]}
ENTRIES: dict[str, dict[str, Any]] = {
    "claude-code": {**PYTHON, "env": {"MATON_API_KEY": "${MATON_API_KEY}"}},
    "claude-desktop": PYTHON,
    "codex": {**PYTHON, "env_vars": ["MATON_API_KEY"]},
    "cursor": {**PYTHON, "env": {"MATON_API_KEY": "${env:MATON_API_KEY}"}},
    "gemini": {**PYTHON, "env": {"MATON_API_KEY": "$MATON_API_KEY"}},
    "vscode": {"type": "stdio", **PYTHON, "env": {"MATON_API_KEY": "${input:maton-api-key}"}},
}


@pytest.fixture
def cli(cli: Cli) -> Cli:
    """With a key that must not end up anywhere, and a home of its own that is also the working directory."""
    cli.env["MATON_API_KEY"] = KEY
    return cli


def read(host: str, path: Path) -> dict[str, Any]:
    """A host's file as the host reads it."""
    text = path.read_text(encoding="utf-8")
    found: dict[str, Any] = tomllib.loads(text) if host == "codex" else json.loads(text)
    return found


def test_every_host_has_a_command_line_name() -> None:
    assert set(HOSTS) == set(BY_NAME) == set(FILES)


@pytest.mark.skipif(sys.platform != "linux", reason="the paths of other systems differ")
@pytest.mark.parametrize("host", HOSTS)
def test_entry_lands_where_the_host_looks_and_holds_no_key(cli: Cli, host: str) -> None:
    done = cli("install", host, "--write")
    assert done.status == 0, done.err
    path = cli.cwd / FILES[host]
    assert read(host, path)[BY_NAME[host].servers]["mailgun"] == ENTRIES[host]
    assert KEY not in path.read_text(encoding="utf-8") + done.out + done.err


@pytest.mark.parametrize("host", HOSTS)
def test_printed_configuration_is_what_would_be_written(cli: Cli, host: str, tmp_path: Path) -> None:
    printed, written = cli("install", host), tmp_path / "host"
    assert cli("install", host, "--write", "--path", str(written)).status == 0
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
    assert cli("install", host, "--write", "--path", str(path)).status == 0
    after = read(host, path)
    assert after[servers].pop("mailgun") == ENTRIES[host]
    after.pop("inputs", None)
    assert after == (tomllib.loads(before) if host == "codex" else json.loads(before))
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    (kept,) = tmp_path.glob("host.*.bak")
    assert kept.read_text(encoding="utf-8") == before


@pytest.mark.parametrize("host", HOSTS)
def test_installing_twice_changes_nothing_the_second_time(cli: Cli, host: str, tmp_path: Path) -> None:
    path = tmp_path / "host"
    cli("install", host, "--write", "--path", str(path))
    before = path.read_bytes()
    done = cli("install", host, "--write", "--path", str(path))
    assert (done.status, "has it already" in done.err) == (0, True)
    assert (path.read_bytes(), list(tmp_path.glob("*.bak"))) == (before, [])


@pytest.mark.parametrize(
    ("host", "content"),
    [
        ("cursor", '{"mcpServers": {} // mine\n}'),
        ("cursor", '{"mcpServers": {}, "mcpServers": {"a": {}}}'),
        ("cursor", '{"mcpServers": []}'),
        ("cursor", "[]"),
        ("cursor", '{"mcpServers": {"mailgun": {"command": "another"}}}'),
        ("vscode", '{"inputs": {}}'),
        ("codex", "model = "),
        ("codex", 'mcp_servers = { other = { command = "x" } }\n'),
        ("codex", '[mcp_servers.mailgun]\ncommand = "another"\n'),
    ],
)
def test_file_that_cannot_be_added_to_for_certain_is_left_alone(
    cli: Cli, host: str, content: str, tmp_path: Path
) -> None:
    path = tmp_path / "host"
    path.write_text(content, encoding="utf-8")
    done = cli("install", host, "--write", "--path", str(path))
    assert (done.status, done.out) == (1, "")
    assert (path.read_text(encoding="utf-8"), sorted(tmp_path.glob("*host*"))) == (content, [path])


def test_key_is_written_in_clear_only_when_asked_for(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "host"
    assert cli("install", "claude-desktop", "--write", "--with-key", "--path", str(path)).status == 0
    assert read("claude-desktop", path)["mcpServers"]["mailgun"]["env"] == {"MATON_API_KEY": KEY}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_file_that_gets_the_key_is_private_whatever_it_was(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "host"
    path.write_text("{}", encoding="utf-8")
    path.chmod(0o644)
    assert cli("install", "claude-desktop", "--write", "--with-key", "--path", str(path)).status == 0
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
    done = cli("install", host, "--write", "--with-key", *arguments)
    assert (done.status, done.out) == (1, "")
    assert "under version control" in done.err
    assert KEY not in done.err
    return " ".join(done.err.split())


WAYS = {
    "claude-code": "Leave out --with-key: the entry then takes it from MATON_API_KEY",
    "claude-desktop": "Keep the host's file elsewhere",
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
    done = cli("install", host, "--write", "--path", str(path))
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
def test_key_is_refused_under_other_version_controls(cli: Cli, mark: str, tmp_path: Path) -> None:
    (tmp_path / "tree" / "below").mkdir(parents=True)
    (tmp_path / "tree" / mark).touch()
    refused(cli, "cursor", "--path", str(tmp_path / "tree" / "below" / "mcp.json"))


def test_hostile_repository_is_asked_nothing(cli: Cli, repository: Path, tmp_path: Path) -> None:
    """git would run what its configuration names: it is not run at all."""
    ran = tmp_path / "ran"
    for name in ("core.fsmonitor", "core.sshCommand", "core.pager", "diff.external"):
        git(repository, "config", name, f"touch '{ran}'; false")
    cli.cwd = repository
    refused(cli, "claude-code")
    assert cli("install", "claude-code", "--write").status == 0
    assert not ran.exists()


def test_file_as_it_was_is_kept_outside_of_a_working_tree(cli: Cli, repository: Path) -> None:
    """It may hold keys of other servers and be ignored by its name, which its copy beside it would not be."""
    (repository / ".gitignore").write_text(".mcp.json\n", encoding="utf-8")
    path, before = repository / ".mcp.json", '{"mcpServers": {"other": {"env": {"TOKEN": "of another"}}}}'
    path.write_text(before, encoding="utf-8")
    done = cli("install", "claude-code", "--write", "--path", str(path))
    assert done.status == 0
    assert set(left(repository)) == {".gitignore", ".mcp.json"}
    (kept,) = (cli.home / "kept").iterdir()
    assert (kept.read_text(encoding="utf-8"), str(kept) in done.err.replace("\n", "")) == (before, True)
    assert [stat.S_IMODE(one.stat().st_mode) for one in (kept, kept.parent, cli.home)] == [0o600, 0o700, 0o700]


def test_linked_configuration_stays_a_link(cli: Cli, tmp_path: Path) -> None:
    target, link = tmp_path / "dotfile", tmp_path / "host"
    target.write_text("{}", encoding="utf-8")
    link.symlink_to(target)
    assert cli("install", "cursor", "--write", "--path", str(link)).status == 0
    assert link.is_symlink()
    assert "mailgun" in read("cursor", target)["mcpServers"]


def test_uvx_and_sandbox_change_what_is_started(cli: Cli) -> None:
    made = json.loads(cli("install", "cursor", "--uvx", "--sandbox", "--name", "mailgun-trial").out)
    assert made == {
        "mcpServers": {"mailgun-trial": {"command": "uvx", "args": ["maton-mailgun", "serve", "--sandbox"]}}
    }


@pytest.mark.parametrize("arguments", [("emacs",), ("cursor", "--name", "a.b"), ("cursor", "--name", "a b")])
def test_unknown_host_or_unusable_name_is_a_wrong_command(cli: Cli, arguments: tuple[str, ...]) -> None:
    assert cli("install", *arguments).status == 2

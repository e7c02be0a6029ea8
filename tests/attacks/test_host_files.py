"""Configuration files of assistants: a key never goes where git takes it; a project's file runs and says nothing."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from maton_mailgun.cli import install, status
from maton_mailgun.cli.exit_status import CommandFailed
from maton_mailgun.cli.parser import build
from maton_mailgun.hosts.entry import HostEntry
from maton_mailgun.hosts.host_file import HostFileRefused, installing, make
from maton_mailgun.hosts.known import BY_NAME, Surroundings
from maton_mailgun.hosts.proving import environment, proved

KEY = "canary-key-that-belongs-in-no-file"
OURS = {"command": sys.executable, "args": ["-I", "-m", "maton_mailgun"]}


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a key and a state directory of its own."""
    monkeypatch.setenv("MATON_API_KEY", KEY)
    monkeypatch.setenv("MATON_MAILGUN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def given(*words: str) -> argparse.Namespace:
    """A command line."""
    return build().parse_args(words)


def entry_in(path: Path, entry: dict[str, Any], servers: str = "mcpServers", **others: Any) -> bytes:
    """Write a host's file with an entry named mailgun and others."""
    path.write_text(json.dumps({servers: {"mailgun": entry, **others}}), encoding="utf-8")
    return path.read_bytes()


@pytest.mark.parametrize("variable", ["LD_PRELOAD", "PYTHONPATH", "PATH", "NODE_OPTIONS", "BASH_ENV"])
def test_attack_240_what_a_project_adds_to_our_entry_is_not_run_by_the_proof(at: Path, variable: str) -> None:
    surroundings = Surroundings(at, at, {"PATH": "/usr/bin", "MATON_API_KEY": KEY}, "linux")
    entry = {**OURS, "env": {variable: "/evil", "MATON_API_KEY": "${MATON_API_KEY}"}}
    for name, host in BY_NAME.items():
        assert environment(host, entry, surroundings).get(variable) != "/evil", name
    assert environment(BY_NAME["claude-code"], entry, surroundings) == {"PATH": "/usr/bin", "MATON_API_KEY": KEY}


def test_attack_240_status_starts_nothing_unless_it_is_asked_to(at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran = at / "ran"
    fake = at / "maton-mailgun"
    fake.write_text(f"#!/bin/sh\ntouch {ran}\n", encoding="utf-8")
    fake.chmod(0o755)
    entry_in(at / ".mcp.json", {"command": str(fake), "args": []})
    status.run(given("status"))
    assert (str(fake) in capsys.readouterr().out, ran.exists()) == (True, False)


@pytest.mark.parametrize("host", ["claude-code", "claude-desktop", "zed"])
def test_attack_241_no_key_comes_into_a_file_that_git_would_take(at: Path, host: str) -> None:
    (at / ".git").mkdir()
    for before in (None, {**OURS, "env": {"MATON_API_KEY": "an older key"}}):
        path = at / "file"
        content = entry_in(path, before, BY_NAME[host].servers) if before is not None else None
        flags = ["--with-key"] if before is None else [] if host != "claude-code" else ["--with-key"]
        with pytest.raises(CommandFailed, match="under version control"):
            install.run(given("install", host, "--write", "--yes", "--no-start", "--path", str(path), *flags))
        assert (path.read_bytes() if path.exists() else None) == content


def test_attack_242_a_flag_that_limits_the_server_does_not_get_lost(at: Path) -> None:
    path = at / "file"
    entry_in(
        path, {"command": "maton-mailgun", "args": ["serve", "--sandbox", "--read-only", "--toolsets", "messages"]}
    )
    change = installing(BY_NAME["cursor"], HostEntry("mailgun", "uvx", ("maton-mailgun",)), path)
    assert change.gets is not None
    assert change.gets["args"] == ["maton-mailgun", "serve", "--read-only", "--toolsets", "messages"]


@pytest.mark.parametrize(
    "entry",
    [
        {"command": "sh", "args": ["-c", "maton-mailgun"]},
        {"command": "/evil/python-wrapper", "args": ["-m", "maton_mailgun"]},
        {"command": "python", "args": ["-m", "maton_mailgun_evil"]},
        {"command": "uvx", "args": ["maton-mailgun-evil"]},
        {"url": "https://mailgun.example/mcp"},
        "maton-mailgun",
    ],
)
def test_attack_243_a_server_that_is_not_ours_gets_no_key_of_ours(at: Path, entry: Any) -> None:
    path = at / "file"
    content = entry_in(path, entry)
    with pytest.raises(CommandFailed, match="that starts something else"):
        install.run(given("install", "claude-desktop", "--write", "--yes", "--with-key", "--path", str(path)))
    assert path.read_bytes() == content


def test_attack_244_a_file_that_changed_after_it_was_shown_is_left_alone(at: Path) -> None:
    path, host = at / "file", BY_NAME["cursor"]
    path.write_text("{}", encoding="utf-8")
    change = installing(host, HostEntry("mailgun", "uvx", ("maton-mailgun",)), path)
    path.write_text('{"mcpServers": {"later": {}}}', encoding="utf-8")
    with pytest.raises(HostFileRefused, match="was changed meanwhile"):
        make(change, "mailgun", at / "home", host)
    assert (path.read_text(encoding="utf-8"), (at / "home").exists()) == ('{"mcpServers": {"later": {}}}', False)


@pytest.mark.parametrize("host", ["claude-desktop", "zed"])
@pytest.mark.parametrize("value", [None, "${MATON_API_KEY}", "$MATON_API_KEY"])
def test_attack_245_no_entry_is_written_that_cannot_have_a_key(at: Path, host: str, value: str | None) -> None:
    path = at / "file"
    content = entry_in(path, {**OURS, "env": {"MATON_API_KEY": value}}, BY_NAME[host].servers) if value else None
    with pytest.raises(CommandFailed, match="cannot refer to them"):
        install.run(given("install", host, "--write", "--yes", "--no-start", "--path", str(path)))
    assert (path.read_bytes() if path.exists() else None) == content


def test_attack_246_what_is_shown_holds_no_secret_of_ours_or_of_others(
    at: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file on one line, as programs write it: a difference by lines would show all of it."""
    path = at / "file"
    words = ["of another server", "postgresql://me:secret@db/x", 'quo"te\\d', KEY]
    env = {
        "MATON_API_KEY": words[2],
        "MATON_MAILGUN_DATABASE_URL": words[1],
        "MATON_MAILGUN_TOOLSETS": "all",
        "OTHER": "x",
    }
    entry_in(path, {**OURS, "env": env}, other={"env": {"TOKEN": words[0]}})
    install.run(given("install", "claude-desktop", "--write", "--yes", "--no-start", "--with-key", "--path", str(path)))
    said = "".join(capsys.readouterr())
    assert [word for word in [*words, json.dumps(words[2])[1:-1]] if word in said] == []
    assert ('"MATON_API_KEY": "•••"' in said, '"MATON_MAILGUN_TOOLSETS": "all"' in said) == (True, True)
    assert KEY in path.read_text(encoding="utf-8")


def test_attack_247_a_proof_carries_nothing_out(at: Path) -> None:
    """The server would go on with what was approved meanwhile; it gets a state directory of its own, which is gone."""
    told, real = at / "told", str(at / "real")
    surroundings = Surroundings(at, at, {"MATON_MAILGUN_HOME": real}, sys.platform)
    words = f"import os; open({str(told)!r}, 'w').write(os.environ['MATON_MAILGUN_HOME'])"
    entry = {"command": sys.executable, "args": ["-I", "-c", words], "env": {"MATON_MAILGUN_HOME": real}}
    assert proved(BY_NAME["cursor"], entry, surroundings).tools is None
    home = Path(told.read_text(encoding="utf-8"))
    assert (home.name, home.parent.exists(), str(home) == real) == ("state", False, False)

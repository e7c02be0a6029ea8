"""What `doctor` says of the assistants on this machine: one line for each entry, or for each thing that is wrong."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from maton_mailgun.cli.findings import Finding
from maton_mailgun.cli.host_findings import hosts_found

from .conftest import Cli

OURS = {"command": sys.executable, "args": ["-I", "-m", "maton_mailgun"]}
KEY = "maton-key-of-a-test"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person with no assistant, in a folder of theirs, with a key in their shell."""
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("XDG_CONFIG_HOME", "APPDATA", "CODEX_HOME", "CLAUDE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("MATON_API_KEY", KEY)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "platform", "linux")
    return tmp_path


def put(path: Path, entry: dict[str, Any], servers: str = "mcpServers") -> Path:
    """A host's file with one entry."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({servers: {"mailgun": entry}}), encoding="utf-8")
    return path


def test_where_no_assistant_has_it_the_command_that_puts_it_there_is_said(home: Path) -> None:
    assert list(hosts_found()) == [
        Finding(
            "good", "assistants", "none has this server yet",
            "To put it into one, run: maton-mailgun install HOST --write",
        )
    ]  # fmt: skip


def test_an_entry_that_is_as_it_must_be_is_one_line_with_where_its_key_comes_from(home: Path) -> None:
    path = put(home / ".cursor" / "mcp.json", {**OURS, "env": {"MATON_API_KEY": "${env:MATON_API_KEY}"}})
    assert list(hosts_found()) == [Finding("good", "Cursor, user", f"mailgun in {path}, key: the host's environment")]


def test_each_problem_of_an_entry_is_a_finding_of_its_own_with_what_to_do(home: Path) -> None:
    gone = {"command": "/gone/python", "args": ["-m", "maton_mailgun"], "env": {"MATON_API_KEY": "${MATON_API_KEY}"}}
    path = put(home / ".config" / "Claude" / "claude_desktop_config.json", gone)
    where = f"mailgun in {path}: "
    assert list(hosts_found()) == [
        Finding(
            "bad", "Claude Desktop, user", f"{where}/gone/python is not there any more",
            "Run: maton-mailgun install claude-desktop --write",
        ),
        Finding(
            "bad", "Claude Desktop, user",
            f"{where}Claude Desktop does not replace ${{MATON_API_KEY}} in MATON_API_KEY",
            "Write the value itself, or leave it out.",
        ),
        Finding(
            "bad", "Claude Desktop, user", f"{where}There is no key",
            "Put the key into the file with --with-key, or install the extension bundle (maton-mailgun-VERSION.mcpb), "
            "which keeps it in the system's key store.",
        ),
    ]  # fmt: skip


def test_a_key_that_would_be_committed_is_said_without_the_key(home: Path) -> None:
    project = home / "folder"
    (project / ".git").mkdir()
    put(project / ".mcp.json", {**OURS, "env": {"MATON_API_KEY": KEY}})
    (found,) = hosts_found()
    assert (found.verdict, found.right) == (
        "bad",
        "Make a new key at maton.ai/settings, and run: maton-mailgun install claude-code --write",
    )
    assert KEY not in found.found + found.right


def test_a_key_that_is_missing_here_alone_is_a_warning(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MATON_API_KEY")
    put(home / ".gemini" / "settings.json", {**OURS, "env": {"MATON_API_KEY": "$MATON_API_KEY"}})
    (found,) = hosts_found()
    assert (found.verdict, found.right) == ("warn", "It must be where Gemini CLI runs.")


def test_a_file_that_cannot_be_understood_is_a_warning_as_nothing_of_ours_may_stand_in_it(home: Path) -> None:
    path = home / ".cursor" / "mcp.json"
    path.parent.mkdir()
    path.write_text("{", encoding="utf-8")
    (found,) = hosts_found()
    assert (found.verdict, found.about, found.found.startswith(f"{path} is ")) == ("warn", "Cursor, user", True)


@pytest.mark.skipif(os.name == "nt", reason="a folder that somebody is in cannot be removed there")
def test_in_a_folder_that_is_gone_it_says_so_and_goes_on(home: Path) -> None:
    (home / "folder").rmdir()
    (found,) = hosts_found()
    assert (found.verdict, found.about) == ("warn", "assistants")


@pytest.mark.slow
def test_doctor_is_not_ready_where_an_entry_cannot_start_and_says_it_to_programs_too(online: Cli) -> None:
    online("approvals", "list")
    assert "assistants: none has this server yet" in online("doctor").out
    path = put(online.cwd / ".cursor" / "mcp.json", {**OURS, "command": "/gone/python"})
    done = online("doctor", "--json")
    told = json.loads(done.out)
    assert (done.status, told["ready"]) == (1, False)
    found = f"mailgun in {path}: /gone/python is not there any more"
    right = "Run: maton-mailgun install cursor --write"
    assert {"verdict": "bad", "about": "Cursor, user", "found": found, "right": right} in told["findings"]

"""Commands are printed as they run where they are read."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from maton_mailgun.own_command import _program, own_command

SCRIPT = Path(sys.executable).parent / "maton-mailgun"


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    """It is looked up once in a process."""
    _program.cache_clear()
    yield
    _program.cache_clear()


@pytest.mark.skipif(os.name != "posix" or not SCRIPT.exists(), reason="needs the script of a virtual environment")
class TestWithItsScript:
    def test_on_the_path_it_is_its_bare_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(SCRIPT.parent))
        assert own_command("approvals list") == "maton-mailgun approvals list"

    def test_a_link_on_the_path_counts_as_pipx_and_uv_make_one(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "maton-mailgun").symlink_to(SCRIPT)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert own_command() == "maton-mailgun"

    def test_another_installation_on_the_path_is_not_taken_for_it(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        other = tmp_path / "maton-mailgun"
        other.write_text("#!/bin/sh\n")
        other.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert own_command() == shlex.quote(str(SCRIPT))

    def test_off_the_path_what_is_printed_runs_as_it_is_printed(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("PATH", "/usr/bin:/bin")
        done = subprocess.run(
            ["sh", "-c", own_command("--version")], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert (done.returncode, done.stdout.split()[0]) == (0, "maton-mailgun")


def test_without_a_script_it_is_this_python_with_the_module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "a b" / "python3"))
    assert own_command("doctor") == f"'{tmp_path}/a b/python3' -P -m maton_mailgun doctor"

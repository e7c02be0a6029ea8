"""Mailgun's client for Go with its own tests, copied below pytest's cache and pointed at a sandbox."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

MODULE = "github.com/mailgun/mailgun-go/v4@v4.23.0"
_OWN_ADDRESSES = 3
"""Places of its mock that say where it listens: for v1, v3 and v4."""
_WHERE = """package mailgun

import "os"

func addressOf(own string) string {
\tif url := os.Getenv("SANDBOX_URL"); url != "" {
\t\treturn url
\t}
\treturn own
}
"""
_PROGRAM = "mailgun.test.exe" if os.name == "nt" else "mailgun.test"
_SECONDS = 240


def go_tests(cache: Path) -> Path:
    """A copy of the client whose tests call what SANDBOX_URL names. Skips, with the reason, where there is none."""
    if shutil.which("go") is None:
        pytest.skip("Go is not installed here")
    home = cache / MODULE.rpartition("@")[2]
    if not home.exists():
        fetched = _go(["mod", "download", "-json", MODULE], cache, {})
        if fetched.returncode != 0:
            pytest.skip(f"{MODULE} cannot be had here: {(fetched.stderr or fetched.stdout).strip()[-300:]}")
        draft = home.with_name(f".{home.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        # Files of Go's own cache are read-only; a copy is there to be changed.
        shutil.copytree(json.loads(fetched.stdout)["Dir"], draft, copy_function=shutil.copyfile)
        for directory in (draft, *(path for path in draft.rglob("*") if path.is_dir())):
            directory.chmod(0o755)
        mock = draft / "mock.go"
        text = mock.read_text(encoding="utf-8")
        assert text.count('ms.srv.URL + "/v') == _OWN_ADDRESSES, "its mock says otherwise where it listens"
        mock.write_text(text.replace('ms.srv.URL + "/v', 'addressOf(ms.srv.URL) + "/v'), encoding="utf-8")
        (draft / "address_of.go").write_text(_WHERE, encoding="utf-8")
        draft.rename(home)
    built = _go(["test", "-c", "-o", _PROGRAM, "."], home, {})
    if built.returncode != 0:
        pytest.skip(f"its tests cannot be built here: {built.stderr.strip()[-300:]}")
    return home


def names_of(home: Path) -> list[str]:
    """The tests it brings."""
    return [line for line in _run(home, ["-test.list", "."], {}).stdout.splitlines() if line.startswith("Test")]


def run_go_test(home: Path, url: str, name: str) -> tuple[str, str]:
    """What became of one test (`PASS`, `FAIL` or `SKIP`), and what it said. Those that send for money do send."""
    more = {
        "SANDBOX_URL": url,
        "MG_URL": f"{url}/v3",
        "MG_DOMAIN": "mailgun.test",
        "MG_API_KEY": "api-fake-key",
        "MG_PUBLIC_API_KEY": "api-fake-key",
        "MG_EMAIL_TO": "you@example.net",
        "MG_SPEND_MONEY": "yes",
    }
    done = _run(home, ["-test.v", "-test.run", f"^{name}$"], more)
    outcomes: list[str] = re.findall(rf"^--- (PASS|FAIL|SKIP): {name} ", done.stdout, re.MULTILINE)
    return (outcomes[0] if outcomes else "FAIL"), done.stdout + done.stderr


def _run(home: Path, arguments: list[str], more: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(home / _PROGRAM), *arguments],
        cwd=home, env=_environment(more), capture_output=True, text=True, timeout=_SECONDS, check=False,
    )  # fmt: skip


def _go(arguments: list[str], where: Path, more: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Go's command, with none of this process's settings and no proxy for what is on this machine."""
    return subprocess.run(
        ["go", *arguments],
        cwd=where, env=_environment(more), capture_output=True, text=True, timeout=_SECONDS, check=False,
    )  # fmt: skip


def _environment(more: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MG_", "MATON_"))}
    return {**kept, "GOFLAGS": "-mod=mod", "GOWORK": "off", "NO_PROXY": "127.0.0.1,localhost", **more}

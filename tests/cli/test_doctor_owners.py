"""`maton-mailgun doctor` and the other commands where somebody else has a hand in what decides."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Cli, set_passphrase

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="POSIX owners and modes")]
as_root = pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="needs root to give files away")
ALLOW = '[[rule]]\nname = "all"\ntools = ["*"]\ndecision = "allow"\n'
EVE = 54_321


@pytest.fixture
def working(online: Cli) -> Cli:
    """An installation with keys, approvals, passphrase and policy, of which doctor says that it is ready."""
    online("approvals", "list")
    set_passphrase(online)
    policy = online.cwd / "policy.toml"
    policy.write_text(ALLOW)
    online.env["MATON_MAILGUN_POLICY"] = str(policy)
    done = online("doctor")
    assert (done.status, done.out.splitlines()[-1]) == (0, "✔ Ready."), done.out
    return online


def wrong(cli: Cli) -> list[str]:
    """What doctor finds wrong; it must then not be content."""
    done = cli("doctor")
    found = [line for line in done.out.splitlines() if line.startswith("✘")]
    assert (done.status, "Ready" in done.out) == (1, False), done.out
    return found[:-1]


def mode(path: Path, bits: int) -> str:
    path.touch()
    path.chmod(bits)
    return f"{path} can be written by other users (mode {bits:04o})"


def given_away(path: Path) -> str:
    os.chown(path, EVE, -1)
    return f"{path} belongs to {EVE}"


@pytest.mark.parametrize(
    ("about", "spoil"),
    [
        ("policy", lambda cli: mode(cli.cwd / "policy.toml", 0o666)),
        ("policy", lambda cli: mode(cli.cwd, 0o777)),
        ("state directory", lambda cli: mode(cli.home, 0o777)),
        ("state directory", lambda cli: mode(cli.home, 0o770)),
        ("passphrase", lambda cli: mode(cli.home / "approver.json", 0o622).replace("written", "used")),
        ("passphrase", lambda cli: mode(cli.home / "approver.json", 0o644).replace("written", "used")),
        ("passphrase", lambda cli: mode(cli.home / "approver.lock", 0o666)),
        ("approvals", lambda cli: mode(cli.home / "approvals.sqlite", 0o666)),
        pytest.param("policy", lambda cli: given_away(cli.cwd / "policy.toml"), marks=as_root),
        pytest.param("policy", lambda cli: given_away(cli.cwd), marks=as_root),
        pytest.param("state directory", lambda cli: given_away(cli.home), marks=as_root),
        pytest.param("keys", lambda cli: given_away(cli.home / "keys.json"), marks=as_root),
        pytest.param("passphrase", lambda cli: given_away(cli.home / "approver.json"), marks=as_root),
        pytest.param("approvals", lambda cli: given_away(cli.home / "approvals.sqlite"), marks=as_root),
    ],
)
def test_doctor_names_what_somebody_else_could_change(working: Cli, about: str, spoil: Callable[[Cli], str]) -> None:
    words = spoil(working)
    found = wrong(working)
    assert any(line.startswith(f"✘ {about}: ") and words in line for line in found), found


def test_what_doctor_says_mends_it(working: Cli) -> None:
    (working.cwd / "policy.toml").chmod(0o666)
    (line,) = {line for line in wrong(working) if line.startswith("✘ policy")}
    command = line.rpartition("run: ")[2].split()
    assert command == ["chmod", "go-w", str(working.cwd / "policy.toml")]
    (working.cwd / "policy.toml").chmod(0o644)
    assert working("doctor").status == 0


@pytest.mark.parametrize("command", [("serve",), ("call", "list_domains", "{}"), ("policy", "check", "-")])
def test_no_command_works_with_a_policy_that_others_can_write(working: Cli, command: tuple[str, ...]) -> None:
    (working.cwd / "policy.toml").chmod(0o666)
    done = working(*command, typed='{"tool": "delete_domain", "arguments": {"domain": "mg.example.com"}}')
    assert done.status == 2
    assert f"chmod go-w {working.cwd / 'policy.toml'}" in done.err


def test_a_policy_that_is_a_pipe_holds_no_command_up(working: Cli) -> None:
    (working.cwd / "policy.toml").unlink()
    os.mkfifo(working.cwd / "policy.toml")
    assert any("is no file but a pipe" in line for line in wrong(working))


def test_nobody_signs_in_with_a_passphrase_that_others_could_have_put_there(working: Cli) -> None:
    (working.home / "approver.json").chmod(0o666)
    with working.terminal("approvals", "passphrase") as terminal:
        terminal.expect("Current passphrase:")
        terminal.enter("three plain words")
        terminal.expect("New passphrase:")
        terminal.enter("four other plain words")
        terminal.expect("The same again:")
        terminal.enter("four other plain words")
        terminal.expect("can be used by other users")
        assert terminal.finish() == 3


@pytest.mark.parametrize("where", ["below a file", "on a file system that takes no files"])
def test_doctor_tries_whether_the_state_directory_can_be_made(online: Cli, where: str) -> None:
    if where == "below a file":
        (online.cwd / "file").write_text("")
        online.env["MATON_MAILGUN_HOME"] = str(online.cwd / "file" / "state")
    else:
        if not Path("/proc/self").exists():
            pytest.skip("no /proc here")
        online.env["MATON_MAILGUN_HOME"] = "/proc/maton-mailgun"
    done = online("doctor")
    lines = done.out.splitlines()
    (at,) = [number for number, line in enumerate(lines) if line.startswith("✘ state directory: ")]
    assert done.status == 1
    assert "cannot be made" in lines[at]
    assert "MATON_MAILGUN_HOME" in lines[at + 1]


def test_doctor_warns_of_attachments_that_others_can_swap(working: Cli) -> None:
    files = working.cwd / "files"
    files.mkdir()
    files.chmod(0o777)
    working.env["MATON_MAILGUN_ATTACHMENTS"] = str(files)
    done = working("doctor")
    assert (done.status, f"{files} can be written by other users (mode 0777)" in done.out) == (0, True), done.out

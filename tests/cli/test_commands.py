"""The other commands, and what all of them have in common."""

from __future__ import annotations

import base64
import json
import signal
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from maton_mailgun.cli.exit_status import EXIT_STATUSES

from .conftest import Cli

pytestmark = pytest.mark.slow


def test_bare_name_on_a_terminal_prints_help_instead_of_waiting(cli: Cli) -> None:
    with cli.terminal() as terminal:
        assert terminal.finish() == 2
    assert "Without a command it serves MCP" in terminal.seen


def test_bare_name_on_a_pipe_serves_and_ends_with_its_input(cli: Cli) -> None:
    done = cli()
    assert (done.status, done.out) == (0, "")


def test_help_says_every_exit_status(cli: Cli) -> None:
    text = cli("--help").out
    assert all(f"  {status}  {meaning}" in text for status, meaning in EXIT_STATUSES.items())


@pytest.mark.parametrize(
    "arguments", [("sned",), ("approvals",), ("approvals", "approve"), ("tools", "--toolsets", "x")]
)
def test_wrong_command_is_status_2_and_says_why(cli: Cli, arguments: tuple[str, ...]) -> None:
    done = cli(*arguments)
    assert (done.status, done.out) == (2, "")
    assert done.err


def test_wrong_setting_is_status_2_and_names_it(cli: Cli) -> None:
    cli.env["MATON_MAILGUN_APROVAL"] = "operator"
    done = cli("tools")
    assert (done.status, "MATON_MAILGUN_APROVAL is not a setting" in done.err) == (2, True)


def test_tools_lists_61_operations_and_the_four_approval_tools(cli: Cli) -> None:
    listed = json.loads(cli("tools", "--json").out)
    assert len(listed) == 65
    assert [tool["name"] for tool in listed if tool["toolset"] == "approvals"] == [
        "get_approval",
        "list_approvals",
        "replace_approval",
        "cancel_approval",
    ]
    plain = cli("tools").out.splitlines()
    assert [line.split()[0] for line in plain[1:66]] == [tool["name"] for tool in listed]
    assert plain[-1] == "61 operations and 4 approval tools"


def test_read_only_offers_no_tool_that_writes(cli: Cli) -> None:
    listed = json.loads(cli("tools", "--json", "--read-only", "--toolsets", "events,suppressions").out)
    assert {tool["access"] for tool in listed} == {"read"}
    assert {tool["toolset"] for tool in listed} == {"events", "suppressions"}


def test_doctor_without_a_key_says_where_to_get_one_and_makes_nothing(cli: Cli) -> None:
    done = cli("doctor")
    assert (done.status, "MATON_API_KEY is not set" in done.out, "maton.ai/settings" in done.out) == (1, True, True)
    assert "\x1b" not in done.out
    assert not cli.home.exists()


def test_doctor_is_content_with_the_sandbox(cli: Cli) -> None:
    done = cli("doctor", "--sandbox")
    assert (done.status, done.out.splitlines()[-1]) == (0, "✔ Ready.")


def test_doctor_is_content_with_a_working_installation(online: Cli) -> None:
    online("approvals", "list")
    done = online("doctor")
    assert (done.status, "answers and takes the key" in done.out, "audit of" in done.out) == (0, True, True), done.out


def test_doctor_says_why_the_page_asks_to_sign_in_and_makes_no_directory(online: Cli) -> None:
    online.env |= {"MATON_MAILGUN_PAGE": "true", "DISPLAY": ":0"}
    place = online.cwd / "maton-mailgun-page"
    assert "✔ approval page" in online("doctor").out
    assert not place.exists()
    place.mkdir()
    place.chmod(0o755)
    said = " ".join(online("doctor").out.split())
    assert "opens in your browser, but asks for the passphrase there" in said
    assert f'chmod 700 "{place}"' in said


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("MATON_API_KEY", "wrong-key", "gateway"),
        ("MATON_API_URL", "http://127.0.0.1:9", "gateway"),
        ("MATON_CONNECTION_ID", "00000000-0000-0000-0000-000000000000", "MATON_CONNECTION_ID is not an active one"),
        ("MATON_MAILGUN_POLICY", "missing.toml", "policy"),
        ("MATON_MAILGUN_ATTACHMENTS", "missing", "is no directory"),
        ("MATON_MAILGUN_LOG_LEVEL", "loud", "MATON_MAILGUN_LOG_LEVEL"),
    ],
)
def test_doctor_finds_what_is_wrong(online: Cli, name: str, value: str, words: str) -> None:
    online.env[name] = value
    done = online("doctor")
    wrong = [line for line in done.out.splitlines() if line.startswith("✘")]
    assert done.status == 1
    assert any(words in line for line in wrong), done.out


def test_doctor_finds_keys_that_others_can_read(online: Cli) -> None:
    online("approvals", "list")
    (online.home / "keys.json").chmod(0o644)
    done = online("doctor")
    assert (done.status, "chmod 600" in done.out) == (1, True)


def test_audit_of_an_untouched_installation_holds_and_exports_json_lines(cli: Cli) -> None:
    cli("call", "--sandbox", "delete_bounce", '{"domain": "mg.example.com", "address": "gone@example.net"}')
    verified, exported = cli("audit", "verify", "--sandbox"), cli("audit", "export", "--sandbox")
    entries = [json.loads(line) for line in exported.out.splitlines()]
    assert (verified.status, exported.status, entries[-1]["to_state"]) == (0, 0, "pending")
    assert f"{len(entries)} entr" in verified.out


def test_output_may_be_cut_off_without_a_traceback(cli: Cli) -> None:
    reader = subprocess.Popen(
        [sys.executable, "-P", "-m", "maton_mailgun", "tools", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(cli.environ),
        cwd=cli.cwd,
    )
    assert reader.stdout is not None
    assert reader.stderr is not None
    reader.stdout.close()
    said = reader.stderr.read().decode()
    reader.stderr.close()
    assert reader.wait(60) != 0
    assert "Traceback" not in said


def start_sandbox(cli: Cli, *arguments: str) -> tuple[subprocess.Popen[str], str]:
    """Start `maton-mailgun sandbox` on a free port. Returns the process and its address."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-P", "-m", "maton_mailgun", "sandbox", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        env=dict(cli.environ),
        cwd=cli.cwd,
        text=True,
        encoding="utf-8",
    )
    assert process.stdout is not None
    address = next(line.split()[-1] for line in process.stdout if line.startswith("Maton gateway"))
    assert any("Stop with Ctrl-C" in line for line in process.stdout)
    return process, address


def look(url: str) -> str:
    """What a sandbox answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=10) as reply:
        text: str = reply.read().decode()
    return text


def reset(url: str) -> None:
    """Puts a sandbox back to its beginning."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, b"", method="POST"), timeout=10) as reply:
        assert json.load(reply) == {"reset": True}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_sandbox_serves_until_it_is_stopped_and_goes_on_from_its_state(cli: Cli, number: signal.Signals) -> None:
    state = cli.cwd / "sandbox.json"
    process, address = start_sandbox(cli, "--state", str(state))
    cli.env |= {"MATON_API_KEY": "sandbox-maton-key", "MATON_API_URL": address}
    assert cli("call", "list_domains").status == 0
    before = look(f"{address}/_sandbox/state")
    process.send_signal(number)
    with process:
        assert process.wait(60) == 0
    assert json.loads(state.read_text(encoding="utf-8")) == json.loads(before)
    process, address = start_sandbox(cli, "--state", str(state))
    with process:
        assert json.loads(look(f"{address}/_sandbox/state")) == json.loads(before)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def test_sandbox_says_every_key_and_lets_mail_arrive(cli: Cli) -> None:
    process, address = start_sandbox(cli, "--host", "127.0.0.2")
    with process:
        assert address.startswith("http://127.0.0.2:")
        found = json.loads(look(f"{address}/_sandbox/settings"))
        assert found["signing_key"] == "sandbox-signing-key"
        process.send_signal(signal.SIGINT)
    refused = cli("sandbox", "--host", "192.0.2.1", "--port", "0")
    assert (refused.status, "Port 0 of 192.0.2.1 cannot be used" in refused.err) == (2, True)


def test_sandbox_begins_with_a_seed_and_leaves_it_alone(cli: Cli) -> None:
    seed = cli.cwd / "seed.json"
    process, address = start_sandbox(cli)
    with process:
        given = json.loads(look(f"{address}/_sandbox/state"))
        process.send_signal(signal.SIGINT)
    given["account"]["routes"] = {}
    seed.write_text(json.dumps(given), encoding="utf-8")
    process, address = start_sandbox(cli, "--seed", str(seed), "--state", str(cli.cwd / "state.json"))
    with process:
        assert json.loads(look(f"{address}/_sandbox/state"))["account"]["routes"] == {}
        reset(f"{address}/_sandbox/reset")
        assert json.loads(look(f"{address}/_sandbox/state"))["account"]["routes"] == {}
        process.send_signal(signal.SIGINT)
    process, address = start_sandbox(cli, "--seed", str(seed), "--state", str(cli.cwd / "state.json"))
    with process:
        reset(f"{address}/_sandbox/reset")
        assert json.loads(look(f"{address}/_sandbox/state"))["account"]["routes"] == {}
        process.send_signal(signal.SIGINT)
    assert json.loads(seed.read_text(encoding="utf-8")) == given


@pytest.mark.parametrize("place", ["nowhere/state.json", "nowhere/deeper/state.json", "file/state.json", "."])
def test_sandbox_says_at_the_start_that_its_state_cannot_be_kept(cli: Cli, place: str) -> None:
    (cli.cwd / "file").write_text("", encoding="utf-8")
    before = sorted(path.name for path in cli.cwd.iterdir())
    done = cli("sandbox", "--port", "0", "--state", str(cli.cwd / place))
    assert (done.status, "Gateway" in done.out) == (2, False)
    assert f"The state could not be saved to {cli.cwd / place}" in " ".join(done.err.split())
    assert sorted(path.name for path in cli.cwd.iterdir()) == before


def test_sandbox_refuses_a_file_that_is_no_state_and_a_port_that_is_taken(cli: Cli, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text("{}", encoding="utf-8")
    done = cli("sandbox", "--port", "0", "--seed", str(wrong))
    assert (done.status, "is no saved sandbox" in done.err) == (2, True)
    process, address = start_sandbox(cli)
    with process:
        done = cli("sandbox", "--port", address.rpartition(":")[2])
        process.send_signal(signal.SIGINT)
    assert (done.status, "cannot be used" in done.err) == (2, True)


def test_sandbox_hands_messages_to_a_mail_catcher_on_this_machine(cli: Cli) -> None:
    """A catcher that hangs up at once: what counts here is that the message reaches its door."""
    with socket.create_server(("127.0.0.1", 0)) as catcher:
        catcher.settimeout(30)
        process, address = start_sandbox(cli, "--smtp", f"127.0.0.1:{catcher.getsockname()[1]}")
        with process:
            message = {"from": "a@mg.example.com", "to": "b@example.net", "subject": "s", "text": "t"}
            sent = urllib.request.Request(
                f"{address}/v3/mg.example.com/messages", urllib.parse.urlencode(message).encode(), method="POST"
            )
            sent.add_header("Authorization", "Basic " + base64.b64encode(b"api:key-sandbox").decode())
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sent, timeout=10).close()
            connection, _ = catcher.accept()
            connection.close()
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0


def test_sandbox_forwards_mail_to_this_machine_only(cli: Cli) -> None:
    done = cli("sandbox", "--port", "0", "--smtp", "mail.example.com:25")
    assert (done.status, "'mail.example.com' is not this machine" in done.err) == (2, True)

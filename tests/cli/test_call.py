"""`maton-mailgun call`: one call from the shell, through the same gate."""

from __future__ import annotations

import json

import pytest

from maton_mailgun.sandbox import RunningSandbox

from .conftest import PASSPHRASE, Cli, set_passphrase

pytestmark = pytest.mark.slow

BOUNCE = json.dumps({"domain": "mg.example.com", "address": "gone@example.net"})


def writes(sandbox: RunningSandbox) -> int:
    """How many requests that are no reads arrived."""
    return sum(request["method"] != "GET" for request in sandbox.sandbox.requests)


def test_read_prints_json_and_nothing_else(online: Cli) -> None:
    done = online("call", "get_bounce", BOUNCE)
    assert (done.status, done.err) == (0, "")
    assert json.loads(done.out)["result"]["address"] == "gone@example.net"


def test_arguments_may_come_from_a_pipe(online: Cli) -> None:
    assert online("call", "get_bounce", "-", typed=BOUNCE).status == 0


@pytest.mark.parametrize("given", ["@f.json", "@{cwd}/f.json", "@~/f.json"])
def test_arguments_may_come_from_a_file(online: Cli, given: str) -> None:
    (online.cwd / "f.json").write_text(f"\ufeff{BOUNCE}", encoding="utf-8")
    done = online("call", "get_bounce", given.format(cwd=online.cwd))
    assert (done.status, done.err) == (0, "")
    assert json.loads(done.out)["result"]["address"] == "gone@example.net"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "none.json cannot be read: No such file or directory."),
        (b"{", "f.json is not JSON: "),
        (b"\xff{}", "f.json is not UTF-8."),
        (b"[]", "The arguments must be a JSON object"),
    ],
)
def test_a_file_that_holds_no_arguments_is_a_wrong_command(online: Cli, content: bytes | None, words: str) -> None:
    if content is not None:
        (online.cwd / "f.json").write_bytes(content)
    done = online("call", "get_bounce", "@none.json" if content is None else "@f.json")
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert words in done.err


def test_a_password_may_come_from_a_file(online: Cli) -> None:
    login = {"domain": "mg.example.com", "login": "alice", "password": "hunter-2-hunter"}
    (online.cwd / "login.json").write_text(json.dumps(login))
    assert json.loads(online("call", "create_credential", "@login.json").out)["status"] == "approval_required"


def test_the_approval_tools_answer_as_they_do_to_a_model(online: Cli, sandbox: RunningSandbox) -> None:
    approval_id = json.loads(online("call", "delete_bounce", BOUNCE).out)["approval_id"]
    one = json.dumps({"approval_id": approval_id})
    asked = online("call", "get_approval", one)
    assert (asked.status, json.loads(asked.out)["status"]) == (5, "approval_required")
    listed = online("call", "list_approvals", '{"open_only": true}')
    assert (listed.status, [row["approval_id"] for row in json.loads(listed.out)["approvals"]]) == (0, [approval_id])
    withdrawn = online("call", "cancel_approval", one)
    assert (withdrawn.status, json.loads(withdrawn.out)["status"]) == (1, "cancelled")
    assert json.loads(online("call", "list_approvals", '{"open_only": true}').out)["approvals"] == []
    wrong = online("call", "get_approval", '{"approval_id": "apr_1"}')
    assert (wrong.status, json.loads(wrong.out)["error"]["kind"]) == (1, "bad_arguments")
    assert writes(sandbox) == 0


def test_each_problem_is_told_once(online: Cli) -> None:
    told = json.loads(online("call", "get_bounce", "{}").out)["error"]["problems"]
    assert [one["wrong"] for one in told] == ["domain, address is missing"]


def test_on_one_screen_a_refusal_is_told_once(online: Cli, sandbox: RunningSandbox) -> None:
    set_passphrase(online)
    # What only the service knows: its own login stays.
    own = json.dumps({"domain": "mg.example.com", "login": "postmaster"})
    with online.terminal("call", "delete_credential", own) as terminal:
        terminal.expect("[yes/no]:")
        terminal.enter("yes")
        terminal.expect("Passphrase, to approve it:")
        terminal.enter(PASSPHRASE)
        assert terminal.finish() == 1, terminal.seen
    assert terminal.seen.count("refused by the service") == 1
    message = json.loads("{" + terminal.seen.rpartition("\n{")[2])["error"]["message"]
    assert terminal.seen.count(message) == 1


@pytest.mark.parametrize(
    ("tool", "arguments", "name"),
    [
        (
            "create_credential",
            {"domain": "mg.example.com", "login": "alice", "password": "hunter-2-hunter"},
            "password",
        ),
        ("create_domain", {"name": "two.example.com", "smtp_password": "hunter-2-hunter"}, "smtp_password"),
    ],
)
def test_a_password_is_taken_from_a_pipe_and_not_from_the_command_line(
    online: Cli, sandbox: RunningSandbox, tool: str, arguments: dict[str, str], name: str
) -> None:
    done = online("call", tool, json.dumps(arguments))
    assert (done.status, done.out) == (2, "")
    assert f"Nothing was done: {name} stood in the command line" in done.err
    assert "hunter" not in done.err
    assert json.loads(online("approvals", "list", "--json").out) == []
    done = online("call", tool, "-", typed=json.dumps(arguments))
    assert json.loads(done.out)["status"] == "approval_required"
    assert writes(sandbox) == 0


def test_sandbox_needs_no_key(cli: Cli) -> None:
    done = cli("call", "--sandbox", "list_domains")
    assert (done.status, json.loads(done.out)["sandbox"]) == (0, True)


def test_missing_key_says_what_to_set(cli: Cli) -> None:
    done = cli("call", "list_domains")
    assert (done.status, json.loads(done.out)["error"]["kind"]) == (1, "maton_key_missing")


def test_wrong_arguments_are_all_named(online: Cli) -> None:
    done = online("call", "get_bounce", '{"domian": "mg.example.com"}')
    problems = json.dumps(json.loads(done.out)["error"]["problems"])
    assert done.status == 1
    assert all(name in problems for name in ("domian", "domain", "address")), problems


@pytest.mark.parametrize(("arguments", "words"), [("{", "not JSON"), ("[]", "must be a JSON object")])
def test_arguments_that_are_no_object_are_a_wrong_command(cli: Cli, arguments: str, words: str) -> None:
    done = cli("call", "list_domains", arguments)
    assert (done.status, words in done.err) == (2, True)


def test_unknown_tool_is_status_4(cli: Cli) -> None:
    assert cli("call", "send_mesage").status == 4


def test_write_without_a_terminal_waits_and_writes_nothing(online: Cli, sandbox: RunningSandbox) -> None:
    done = online("call", "delete_bounce", BOUNCE, typed="yes\napprove\n")
    content = json.loads(done.out)
    assert (done.status, content["status"], content["executed"]) == (5, "approval_required", False)
    assert f"maton-mailgun approvals approve {content['approval_id']}" in done.err
    assert writes(sandbox) == 0


def test_write_on_a_terminal_is_shown_and_runs_once_after_the_passphrase(online: Cli, sandbox: RunningSandbox) -> None:
    set_passphrase(online)
    with online.terminal("call", "delete_bounce", BOUNCE) as terminal:
        terminal.expect("Takes gone@example.net off the bounce list of mg.example.com.")
        terminal.expect("Carry out exactly this, once? [yes/no]:")
        terminal.enter("yes")
        terminal.expect("Passphrase, to approve it:")
        terminal.enter(PASSPHRASE)
        assert terminal.finish() == 0, terminal.seen
    assert '"status": "executed"' in terminal.seen
    assert writes(sandbox) == 1


def test_no_on_a_terminal_withdraws_the_write(online: Cli, sandbox: RunningSandbox) -> None:
    with online.terminal("call", "delete_bounce", BOUNCE) as terminal:
        terminal.expect("Carry out exactly this, once? [yes/no]:")
        terminal.enter("no")
        assert terminal.finish() == 1
    states = [one["state"] for one in json.loads(online("approvals", "list", "--all", "--json").out)]
    assert (states, writes(sandbox)) == (["cancelled"], 0)


def test_attack_25_yes_on_a_scripted_terminal_is_not_enough(online: Cli, sandbox: RunningSandbox) -> None:
    """A program can hold a terminal and type `yes`; it does not know the passphrase."""
    set_passphrase(online)
    with online.terminal("call", "delete_bounce", BOUNCE) as terminal:
        terminal.expect("[yes/no]:")
        terminal.enter("yes")
        terminal.expect("Passphrase, to approve it:")
        terminal.enter("approve")
        assert terminal.finish() == 3
    states = [one["state"] for one in json.loads(online("approvals", "list", "--json").out)]
    assert (states, writes(sandbox)) == (["pending"], 0)


def test_key_is_in_no_output(online: Cli, sandbox: RunningSandbox) -> None:
    online.env["MATON_API_KEY"] = "canary-key-that-nobody-may-see"
    for arguments in (("call", "list_domains"), ("doctor",), ("call", "delete_bounce", BOUNCE)):
        done = online(*arguments)
        assert done.status == 1
        assert "canary" not in done.out + done.err

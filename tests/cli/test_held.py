"""A yes on a terminal that a rule holds: it goes on by itself, Ctrl-C takes it back, and so does another terminal."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from maton_mailgun.sandbox import RunningSandbox

from .conftest import PASSPHRASE, Cli, set_passphrase
from .test_approvals import SEND, propose, state_of, with_server, writes

pytestmark = pytest.mark.slow


def holding(cli: Cli, hold: str) -> Cli:
    """With a rule that holds every yes for so long."""
    policy = cli.cwd / "policy.toml"
    policy.write_text(f'[[rule]]\nname = "slowly"\ndecision = "ask"\nhold = "{hold}"\n')
    policy.chmod(0o600)
    return replace(cli, env={**cli.env, "MATON_MAILGUN_POLICY": str(policy)})


def test_a_held_yes_of_a_terminal_goes_on_by_itself_and_the_server_writes_once(
    online: Cli, sandbox: RunningSandbox
) -> None:
    cli = holding(online, "1s")
    set_passphrase(cli)

    def approve(approval_id: str) -> tuple[int, str]:
        with cli.terminal("approvals", "approve", approval_id) as terminal:
            terminal.expect("Passphrase, to ")
            terminal.enter(PASSPHRASE)
            terminal.expect("Approved, and held for 1 s. Ctrl-C undoes it; nothing was sent yet.")
            return terminal.finish(), terminal.seen

    (status, seen), told = with_server(cli, "send_message", SEND, approve)
    assert status == 0, seen
    assert (told["status"], told["executed"], writes(sandbox)) == ("executed", True, 1)


@pytest.mark.parametrize("way", ["Ctrl-C", "undo"])
def test_a_held_yes_of_a_terminal_is_taken_back_there_or_in_another_one(
    online: Cli, sandbox: RunningSandbox, way: str
) -> None:
    cli = holding(online, "5m")
    set_passphrase(cli)

    def approve_and_undo(approval_id: str) -> tuple[int, str]:
        with cli.terminal("approvals", "approve", approval_id) as terminal:
            terminal.expect("Passphrase, to ")
            terminal.enter(PASSPHRASE)
            terminal.expect("held for 300 s")
            if way == "undo":
                undone = cli("approvals", "undo", approval_id)
                assert (undone.status, "Undone. Nothing was sent." in undone.out) == (0, True), undone
                terminal.interrupt()
            else:
                terminal.interrupt()
                terminal.expect("Undone. Nothing was sent.")
            return terminal.finish(), terminal.seen

    (status, seen), told = with_server(cli, "send_message", SEND, approve_and_undo)
    assert status != 0, seen
    assert (told["status"], told["executed"], writes(sandbox)) == ("rejected", False, 0)
    assert told["reason"] == "Taken back while it could be undone."


def test_a_held_yes_of_a_call_on_a_terminal_is_taken_back_there(online: Cli, sandbox: RunningSandbox) -> None:
    cli = holding(online, "5m")
    set_passphrase(cli)
    with cli.terminal("call", "send_message", json.dumps(SEND)) as terminal:
        terminal.expect("Carry out exactly this, once?")
        terminal.enter("yes")
        terminal.expect("Passphrase, to approve it: ")
        terminal.enter(PASSPHRASE)
        terminal.expect("held for 300 s")
        terminal.interrupt()
        terminal.expect("Undone. Nothing was sent.")
        assert terminal.finish() != 0
    (ended,) = json.loads(cli("approvals", "list", "--all", "--json").out)
    assert (ended["state"], ended["reason"], writes(sandbox)) == (
        "rejected",
        "Taken back while it could be undone.",
        0,
    )


def test_what_is_not_held_cannot_be_undone(online: Cli) -> None:
    approval_id = propose(online, "send_message", SEND)
    refused: Any = online("approvals", "undo", approval_id)
    assert (refused.status, "Not undone: It cannot be undone: it is pending." in refused.err) == (1, True)
    assert state_of(online, approval_id) == "pending"

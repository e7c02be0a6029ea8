"""`maton-mailgun approvals`: what the terminal shows, who may decide there, and what comes of it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from approval.records import a_record
from maton_mailgun.approval.channels.terminal import Terminal
from maton_mailgun.config import load
from maton_mailgun.sandbox import RunningSandbox

from .conftest import PASSPHRASE, Cli, set_passphrase

pytestmark = pytest.mark.slow

T = TypeVar("T")
SEND = {
    "domain": "mg.example.com",
    "from": "support@mg.example.com",
    "to": ["ada@example.org"],
    "subject": "Your invoice",
    "text": "It is ready.",
}


def propose(cli: Cli, tool: str, arguments: dict[str, Any]) -> str:
    """Put a write in front of the gate from a shell without a terminal. Returns the approval's id."""
    done = cli("call", tool, json.dumps(arguments))
    assert done.status == 5, done.err
    approval_id: str = json.loads(done.out)["approval_id"]
    return approval_id


def writes(sandbox: RunningSandbox) -> int:
    """How many requests that are no reads arrived."""
    return sum(request["method"] != "GET" for request in sandbox.sandbox.requests)


def decide(cli: Cli, verb: str, approval_id: str, passphrase: str, *more: str) -> tuple[int, str]:
    """Type a decision on a terminal. Returns the exit status and what was seen."""
    with cli.terminal("approvals", verb, approval_id, *more) as terminal:
        terminal.expect("Passphrase, to ")
        terminal.enter(passphrase)
        return terminal.finish(), terminal.seen


def at_desk(cli: Cli, work: Callable[[Terminal], Awaitable[T]]) -> T:
    """Do something with the approvals of this installation, in this process."""

    async def run() -> T:
        desk = await Terminal.open(load({"MATON_MAILGUN_HOME": str(cli.home)}))
        try:
            return await work(desk)
        finally:
            await desk.close()

    return asyncio.run(run())


def state_of(cli: Cli, approval_id: str) -> str:
    """The state as `approvals show --json` has it."""
    state: str = json.loads(cli("approvals", "show", approval_id, "--json").out)["state"]
    return state


def with_server(cli: Cli, tool: str, arguments: dict[str, Any], then: Callable[[str], T]) -> tuple[T, dict[str, Any]]:
    """A serving process and a client that cannot ask; `then` runs beside it with the id of what was proposed.

    Returns what `then` returned, and what `get_approval` told the client afterwards.
    """

    async def run() -> tuple[T, dict[str, Any]]:
        parameters = StdioServerParameters(
            command=sys.executable, args=["-P", "-m", "maton_mailgun"], env=dict(cli.environ), cwd=cli.cwd
        )
        async with Client(stdio_client(parameters)) as client:
            proposed = (await client.call_tool(tool, arguments)).structured_content or {}
            result = await asyncio.to_thread(then, proposed["approval_id"])
            asked = {"approval_id": proposed["approval_id"], "wait_seconds": 10}
            told = (await client.call_tool("get_approval", asked)).structured_content or {}
            return result, told

    return asyncio.run(run())


def test_approving_on_a_terminal_has_the_server_write_once_and_tells_the_outcome(
    online: Cli, sandbox: RunningSandbox
) -> None:
    set_passphrase(online)
    (status, seen), told = with_server(
        online, "send_message", SEND, lambda id_: decide(online, "approve", id_, PASSPHRASE)
    )
    assert status == 0, seen
    for text in ("SEND: message to 1 recipient via mg.example.com", "It is ready.", "carried out once"):
        assert text in seen
    assert PASSPHRASE not in seen
    assert (told["status"], told["executed"]) == ("executed", True)
    assert told["approved_by"].endswith("at a terminal")
    assert (writes(sandbox), len(sandbox.sandbox.messages)) == (1, 1)


def test_rejecting_on_a_terminal_tells_the_reason_and_writes_nothing(online: Cli, sandbox: RunningSandbox) -> None:
    set_passphrase(online)
    approval_id = propose(online, "send_message", SEND)
    status, seen = decide(online, "reject", approval_id, PASSPHRASE, "--reason", "wrong month")
    assert (status, "Rejected. Nothing was sent." in seen) == (0, True)
    shown = json.loads(online("approvals", "show", approval_id, "--json").out)
    assert (shown["state"], shown["channel"], shown["reason"]) == ("rejected", "cli", "wrong month")
    assert writes(sandbox) == 0


def test_stopping_closes_what_waits_and_is_lifted_only_with_the_passphrase_on_a_terminal(
    online: Cli, sandbox: RunningSandbox
) -> None:
    set_passphrase(online)
    approval_id = propose(online, "send_message", SEND)
    stopped = online("approvals", "stop", "--reason", "a leak")
    assert (stopped.status, "1 approval was closed" in stopped.out) == (0, True)
    shown = json.loads(online("approvals", "show", approval_id, "--json").out)
    assert (shown["state"], shown["reason"]) == ("rejected", "a leak")
    refused = online("call", "send_message", json.dumps(SEND))
    assert (refused.status, "stopped by a person" in refused.out + refused.err) == (1, True)
    assert "All writes are stopped, by " in online("approvals", "list").out

    assert online("approvals", "resume").status == 3
    with online.terminal("approvals", "resume") as terminal:
        terminal.expect("Passphrase, to take new writes again: ")
        terminal.enter("wrong passphrase")
        assert terminal.finish() == 3
    assert "All writes are stopped" in online("approvals", "list").out
    with online.terminal("approvals", "resume") as terminal:
        terminal.expect("Passphrase, to take new writes again: ")
        terminal.enter(PASSPHRASE)
        assert terminal.finish() == 0
    assert "stopped" not in online("approvals", "list").out
    assert "Nothing is stopped." in online("approvals", "resume").out
    assert propose(online, "send_message", SEND) != approval_id
    assert writes(sandbox) == 0


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_attack_25_passphrase_on_a_pipe_decides_nothing(online: Cli, sandbox: RunningSandbox, verb: str) -> None:
    set_passphrase(online)
    approval_id = propose(online, "send_message", SEND)
    done = online("approvals", verb, approval_id, typed=f"{PASSPHRASE}\n")
    assert (done.status, "typed on a terminal; there is none here" in done.err) == (3, True)
    assert (state_of(online, approval_id), writes(sandbox)) == ("pending", 0)


def test_attack_25_wrong_passphrases_decide_nothing_and_lock(online: Cli, sandbox: RunningSandbox) -> None:
    set_passphrase(online)
    approval_id = propose(online, "send_message", SEND)
    answers = [decide(online, "approve", approval_id, "guess") for _ in range(4)]
    assert [status for status, _ in answers] == [3, 3, 3, 3]
    assert "That is not the passphrase" in answers[0][1]
    # Locked now: even the right one has to wait.
    status, seen = decide(online, "approve", approval_id, PASSPHRASE)
    assert (status, "Too many wrong passphrases" in seen) == (3, True)
    assert (state_of(online, approval_id), writes(sandbox)) == ("pending", 0)


def test_approving_without_a_passphrase_set_says_how_to_set_one(online: Cli) -> None:
    approval_id = propose(online, "send_message", SEND)
    with online.terminal("approvals", "approve", approval_id) as terminal:
        assert terminal.finish() == 3
    assert "maton-mailgun approvals passphrase" in terminal.seen


def test_attack_25_passphrase_cannot_be_set_from_a_pipe(cli: Cli) -> None:
    done = cli("approvals", "passphrase", typed=f"{PASSPHRASE}\n{PASSPHRASE}\n")
    assert (done.status, list(cli.home.glob("approver*"))) == (3, [])


def test_passphrase_is_changed_only_by_whoever_knows_it(cli: Cli) -> None:
    set_passphrase(cli)
    before = (cli.home / "approver.json").read_bytes()
    with cli.terminal("approvals", "passphrase") as terminal:
        terminal.expect("Current passphrase:")
        terminal.enter("guess")
        terminal.expect("New passphrase:")
        terminal.enter("mine from now on")
        terminal.expect("The same again:")
        terminal.enter("mine from now on")
        assert terminal.finish() == 3
    assert (cli.home / "approver.json").read_bytes() == before


def test_yes_that_no_server_takes_up_is_reported_as_not_done(online: Cli, sandbox: RunningSandbox) -> None:
    set_passphrase(online)
    approval_id = propose(online, "send_message", SEND)
    status, seen = decide(online, "approve", approval_id, PASSPHRASE, "--wait", "0")
    assert (status, "No running server took it up" in seen) == (1, True)
    assert "the same call again carries it out, once" in " ".join(seen.split())
    assert (state_of(online, approval_id), writes(sandbox)) == ("approved", 0)
    # The same call again is what carries it out, once.
    done = online("call", "send_message", json.dumps(SEND))
    assert (done.status, json.loads(done.out)["executed"], writes(sandbox)) == (0, True, 1)


def test_decided_approval_cannot_be_decided_again(online: Cli) -> None:
    set_passphrase(online)
    approval_id = propose(online, "send_message", SEND)
    assert decide(online, "reject", approval_id, PASSPHRASE)[0] == 0
    done = online("approvals", "approve", approval_id)
    assert (done.status, "it is rejected" in done.err) == (1, True)


@pytest.mark.parametrize("verb", ["show", "approve", "reject"])
@pytest.mark.parametrize("name", ["apr_" + "0" * 32, "apr_1", "../keys.json", "\x1b[2J"])
def test_unknown_approval_is_status_4_and_nothing_from_its_name_reaches_the_terminal(
    cli: Cli, verb: str, name: str
) -> None:
    done = cli("approvals", verb, name)
    assert (done.status, done.out) == (4, "")
    assert "There is no approval" in done.err
    assert "\x1b" not in done.err


def test_list_shows_what_waits_and_with_all_what_is_done(online: Cli) -> None:
    set_passphrase(online)
    rejected = propose(online, "send_message", SEND)
    decide(online, "reject", rejected, PASSPHRASE)
    waiting = propose(online, "delete_bounce", {"domain": "mg.example.com", "address": "gone@example.net"})
    listed = online("approvals", "list")
    assert (listed.status, waiting in listed.out, rejected in listed.out) == (0, True, False)
    everything = json.loads(online("approvals", "list", "--all", "--json").out)
    assert [(one["approval_id"], one["state"]) for one in everything] == [(waiting, "pending"), (rejected, "rejected")]


def test_nothing_waiting_names_the_state_directory(cli: Cli) -> None:
    done = cli("approvals", "list")
    assert (done.status, done.out) == (0, f"Nothing waits in {cli.home}.\n")


def test_terminal_decides_without_any_key(online: Cli) -> None:
    """The terminal may belong to somebody who has no Maton key."""
    set_passphrase(online)
    approval_id = propose(online, "send_message", SEND)
    del online.env["MATON_API_KEY"]
    assert decide(online, "reject", approval_id, PASSPHRASE)[0] == 0


def test_fresh_secret_is_shown_once_to_whoever_knows_the_passphrase(online: Cli) -> None:
    set_passphrase(online)
    login = {"domain": "mg.example.com", "login": "robot"}
    (status, seen), told = with_server(
        online, "create_credential", login, lambda id_: decide(online, "approve", id_, PASSPHRASE)
    )
    assert status == 0, seen
    assert "This is shown once and not kept." in seen
    secret = next(line.split(": ")[1].strip() for line in seen.splitlines() if "robot@mg.example.com: " in line)
    assert len(secret) > 8
    assert secret not in json.dumps(told)
    again = online("approvals", "show", told["approval_id"])
    assert (again.status, secret in again.out, "shown once" in again.out) == (0, False, False)


LONG = {**SEND, "subject": "Hello / Grüße", "text": "\n".join(f"this is line {number}" for number in range(300))}


def pager(cli: Cli, script: str) -> Path:
    """Have a pager of the person's own, which keeps what it is given. Returns where."""
    program, kept = cli.cwd / "my pager", cli.cwd / "paged"
    program.write_text(f'#!/bin/sh\n{script} > "{kept}"\n')
    program.chmod(0o755)
    cli.env["PAGER"] = f"'{program}'"
    return kept


def test_what_is_longer_than_the_screen_goes_through_the_pager_and_nothing_else_does(online: Cli) -> None:
    kept = pager(online, "cat")
    long_one, short_one = propose(online, "send_message", LONG), propose(online, "send_message", SEND)
    with online.terminal("approvals", "show", short_one) as terminal:
        assert terminal.finish() == 0
    assert not kept.exists()
    assert f"  | this is line {299}" in online("approvals", "show", long_one).out
    assert not kept.exists()
    with online.terminal("approvals", "show", long_one) as terminal:
        assert terminal.finish() == 0
    lines = kept.read_text().splitlines()
    assert lines[0] == "SEND: message to 1 recipient via mg.example.com"
    assert [f"  | this is line {number}" for number in range(300)] == [line for line in lines if "this is" in line]
    assert "was in the pager." in terminal.seen
    assert "this is line 299" not in terminal.seen


@pytest.mark.parametrize("broken", ["/no/such/pager", "'unclosed", "false"])
def test_a_pager_that_does_not_work_hides_nothing(online: Cli, broken: str) -> None:
    online.env["PAGER"] = broken
    with online.terminal("approvals", "show", propose(online, "send_message", LONG)) as terminal:
        assert terminal.finish() == 0
    assert "this is line 299" in terminal.seen


def test_the_pager_is_given_no_key(online: Cli) -> None:
    kept = pager(online, "cat >/dev/null; env")
    with online.terminal("approvals", "show", propose(online, "send_message", LONG)) as terminal:
        assert terminal.finish() == 0
    given = dict(line.split("=", 1) for line in kept.read_text().splitlines() if "=" in line)
    assert [name for name in given if name.startswith("MATON")] == []
    assert (given["LESS"], given["LESSSECURE"]) == ("FX", "1")


def test_all_shows_every_field_of_the_request_decoded_and_no_secret(online: Cli) -> None:
    shown = online("approvals", "show", propose(online, "send_message", LONG), "--all").out
    fields = shown.partition("Every field of the request")[2].splitlines()
    assert "  |   POST, decoded: /v3/mg.example.com/messages" in fields
    assert "  |   subject: Hello / Grüße" in fields
    assert "  |   text:" in fields
    assert "  |   | this is line 299" in fields
    login = {"domain": "mg.example.com", "login": "robot", "password": "hunter2hunter2"}
    done = online("call", "create_credential", "-", typed=json.dumps(login))
    shown = online("approvals", "show", json.loads(done.out)["approval_id"], "--all").out
    assert "  |   password: (set, not shown)" in shown.partition("Every field of the request")[2]
    assert "hunter2" not in shown


def test_all_of_what_is_over_says_that_the_request_is_gone(online: Cli) -> None:
    set_passphrase(online)
    approval_id = propose(online, "send_message", SEND)
    assert decide(online, "reject", approval_id, PASSPHRASE)[0] == 0
    assert "The request itself is no longer kept: it is over." in online("approvals", "show", approval_id, "--all").out


HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202eevil\u200b\nSTATE: approved\r"


def test_attack_31_hostile_text_in_a_record_is_spelled_out_on_a_terminal_and_on_a_pipe(cli: Cli) -> None:
    approval_id = at_desk(cli, insert_hostile)
    for done in (
        cli("approvals", "list", "--all"),
        cli("approvals", "show", approval_id),
        cli("approvals", "show", approval_id, "--json"),
        cli("audit", "export"),
    ):
        assert done.status == 0
        assert not {"\x1b", "\x07", "\u202e", "\u200b", "\r"} & set(done.out)
        assert not any(line.startswith("STATE: approved") for line in done.out.splitlines())
    with cli.terminal("approvals", "show", approval_id) as terminal:
        assert terminal.finish() == 0
    assert not {"\x07", "\u202e", "\u200b"} & set(terminal.seen)
    assert "\x1b[2J" not in terminal.seen
    assert "\x1b]0" not in terminal.seen
    assert "⟨U+202E⟩" in terminal.seen


async def insert_hostile(desk: Terminal, result: dict[str, Any] | None = None) -> str:
    """A decided approval whose every text is an attack, stored without the care of the preview's makers."""
    now = desk.clock()
    record = a_record(
        operation="send_message",
        access="send",
        principal=HOSTILE,
        client=HOSTILE,
        preview=hostile_preview(),
        created_at=now,
        expires_at=now + 900,
    )
    record, _ = await desk.store.insert(record, b"sealed", max_pending=10)
    record = await desk.store.move(
        record,
        "rejected",
        actor="person",
        decided_by=HOSTILE,
        reason=HOSTILE,
        result=result or {"error": {"message": HOSTILE}},
    )
    return record.id


def test_sealed_secret_is_not_part_of_what_json_shows(cli: Cli) -> None:
    approval_id = at_desk(cli, lambda desk: insert_hostile(desk, {"_sealed": "c0ffee", "result": {"message": "ok"}}))
    shown = cli("approvals", "show", approval_id, "--json")
    assert json.loads(shown.out)["result"] == {"result": {"message": "ok"}}
    assert "c0ffee" not in shown.out + cli("approvals", "list", "--all", "--json").out


def hostile_preview() -> dict[str, Any]:
    """A preview of the documented shape, hostile in every text."""
    row = {"label": HOSTILE, "value": HOSTILE, "flags": [HOSTILE]}
    return {
        "title": HOSTILE,
        "action": "send",
        "operation": "send_message",
        "account": {"connection_id": HOSTILE, "label": HOSTILE, "sandbox": False},
        "target": HOSTILE,
        "effect": HOSTILE,
        "undo": HOSTILE,
        "request": {"method": "POST", "path": HOSTILE},
        "sections": [{"heading": HOSTILE, "rows": [row]}],
        "diff": [{"field": HOSTILE, "before": HOSTILE, "after": HOSTILE}],
        "warnings": [HOSTILE],
        "unchecked": [HOSTILE],
        "history": [HOSTILE],
        "asked_by": {"client": HOSTILE, "principal": HOSTILE},
        "risk": "low",
        "recipients": [{"address": HOSTILE, "kind": "to", "flags": [HOSTILE]}],
        "message": {"subject": HOSTILE, "text": HOSTILE, "html": HOSTILE},
    }


def test_edited_database_is_told_and_never_shown_as_sound(online: Cli, tmp_path: Path) -> None:
    approval_id = propose(online, "send_message", SEND)
    with sqlite3.connect(online.home / "approvals.sqlite") as database:
        table = database.execute(
            "SELECT name FROM sqlite_master WHERE name LIKE '%approval%' AND type = 'table'"
        ).fetchone()[0]
        database.execute(f"UPDATE {table} SET state = 'approved'")  # noqa: S608 - a name from the database itself
    shown, verified = online("approvals", "show", approval_id), online("audit", "verify")
    assert (shown.status, shown.out, "changed outside maton-mailgun" in shown.err) == (1, "", True)
    assert (verified.status, "does not hold" in verified.err) == (1, True)


BATCH: dict[str, Any] = {
    "domain": "mg.example.com",
    "from": "support@mg.example.com",
    "to": ["ada@example.org", "Bob <bob@example.net>"],
    "subject": "Hello %recipient.name%",
    "text": "Dear %recipient_name%, pay at %recipient.link%",
    "html": "<p>%recipient.name%</p>",
    "headers": {"X-Number": "%recipient.n%"},
    "recipient_variables": {
        "ada@example.org": {"name": "Ada", "n": 1, "link": "https://pay.example.com/1"},
        "bob@example.net": {"name": "Bob", "n": 2, "link": "https://pay.example.com/2"},
    },
}


def test_the_message_as_one_recipient_gets_it_is_shown_whole(online: Cli) -> None:
    approval_id = propose(online, "send_message", BATCH)
    whole = online("approvals", "show", approval_id)
    assert f"maton-mailgun approvals show {approval_id}" in whole.out
    assert "--recipient ADDRESS" in whole.out
    copy = online("approvals", "show", approval_id, "--recipient", "BOB@example.net")
    words = ("Subject: Hello Bob", "X-Number: 2", "Dear Bob, pay at https://pay.example.com/2", "<p>Bob</p>")
    assert ([one for one in words if one not in copy.out], copy.status) == ([], 0)
    assert "Ada" not in copy.out
    told = json.loads(online("approvals", "show", approval_id, "--recipient", "ada@example.org", "--json").out)
    assert (told["recipient"], told["message"]["subject"]) == ("ada@example.org", "Hello Ada")
    other = online("approvals", "show", approval_id, "--recipient", "eve@example.net")
    assert (other.status, "No copy of this goes to eve@example.net." in other.err) == (4, True)

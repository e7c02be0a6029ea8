"""A receipt from the yes to its check on another machine."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from maton_mailgun.approval.receipt import Fate, FinalEvent, final
from maton_mailgun.catalogue.as_meant import MARK
from maton_mailgun.sandbox import RunningSandbox
from maton_mailgun.wire.columns import rows_of, told_once

from .conftest import PASSPHRASE, Cli, set_passphrase

SEND = {
    "domain": "mg.example.com",
    "from": "support@mg.example.com",
    "to": ["ada@example.org", "bob@example.org"],
    "subject": "Your invoice",
    "text": "It is ready.",
}


def row(who: str, event: str, at: str, **more: str) -> dict[str, str]:
    """One event as a list has it."""
    return {"recipient": who, "event": event, "time": at, "severity": "", **more}


def test_the_last_final_event_of_each_recipient_counts_and_who_has_none_is_named() -> None:
    rows = [
        row("Ada@example.org", "delivered", "2027-01-15T08:00:02Z", code="250", said="OK"),
        row("ada@example.org", "failed", "2027-01-15T08:00:01Z", severity="permanent", code="550", said="no"),
        row("bob@example.org", "failed", "2027-01-15T08:00:01Z", severity="temporary"),
        row("carol@example.org", "accepted", "2027-01-15T08:00:00Z"),
        row("dave@example.org", "failed", "2027-01-15T08:00:03Z", severity="permanent", code="550", said="gone"),
        row("member@example.org", "rejected", "2027-01-15T08:00:03Z", said="policy"),
    ]
    expected = ["ada@example.org", "bob@example.org", "carol@example.org", "dave@example.org"]
    assert final(rows, expected) == Fate(
        [
            FinalEvent("Ada@example.org", "delivered", "2027-01-15T08:00:02Z", "250", "OK"),
            FinalEvent("dave@example.org", "failed", "2027-01-15T08:00:03Z", "550", "gone"),
            FinalEvent("member@example.org", "rejected", "2027-01-15T08:00:03Z", "", "policy"),
        ],
        ["bob@example.org", "carol@example.org"],
    )


def test_texts_that_are_told_once_stand_in_the_receipt_as_what_they_are() -> None:
    """A list tells what stands in three rows once, and points at it: three refusals of one server, or one long address
    that was tried three times."""
    address, said = "somebody.with.a.long.name@example.org", "550 We take no mail from there any more"
    marked = f"{MARK}{said}"
    told = told_once(
        {
            "in_all_rows": {"severity": "permanent"},
            "columns": ["time", "event", "recipient", "said"],
            "rows": [
                *(["2027-01-15T08:00:00Z", "failed", address, marked] for _ in range(2)),
                ["2027-01-15T08:00:01Z", "delivered", address, "250 OK"],
                ["2027-01-15T08:00:02Z", "failed", "bob@example.org", marked],
            ],
        }
    )
    assert "texts" in told
    assert final(rows_of(told), [address, "bob@example.org"]) == Fate(
        [
            FinalEvent("bob@example.org", "failed", "2027-01-15T08:00:02Z", "", said),
            FinalEvent(address, "delivered", "2027-01-15T08:00:01Z", "", "250 OK"),
        ],
        [],
    )


@pytest.fixture
def elsewhere(tmp_path: Path) -> Cli:
    """Another machine: no key, no state, no gateway."""
    work = tmp_path / "elsewhere"
    work.mkdir()
    return Cli(tmp_path / "no state", work)


def sent(cli: Cli) -> str:
    """Send a message as a person does in a terminal. Returns the approval's id."""
    set_passphrase(cli)
    with cli.terminal("call", "send_message", json.dumps(SEND)) as terminal:
        terminal.expect("[yes/no]:")
        terminal.enter("yes")
        terminal.expect("Passphrase, to approve it:")
        terminal.enter(PASSPHRASE)
        assert terminal.finish() == 0, terminal.seen
    (approval,) = json.loads(cli("approvals", "list", "--all", "--json").out)
    approval_id: str = approval["approval_id"]
    return approval_id


@pytest.mark.slow
def test_a_receipt_tells_another_machine_what_was_shown_who_decided_and_what_became_of_it(
    online: Cli, sandbox: RunningSandbox, elsewhere: Cli
) -> None:
    approval_id = sent(online)
    made = online("approvals", "receipt", approval_id[:12])
    name = f"receipt-{approval_id[:12]}.json"
    assert (made.status, made.out) == (0, ""), made.err
    path = online.cwd / name
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    key = online("audit", "key").out.splitlines()[0]
    assert f"Signed with {key}" in made.err
    assert "final event" not in made.err

    os.replace(path, elsewhere.cwd / name)
    checked = elsewhere("approvals", "verify", name, "--key", key)
    assert checked.status == 0, checked.err
    for text in (
        "SEND: message to 2 recipients via mg.example.com",
        "It is ready.",
        "The signature holds",
        f"Approval {approval_id}, digest hmac-sha256:",
        "at a terminal at ",
        "channel cli",
        "Outcome: succeeded",
        "ada@example.org: delivered ",
        "bob@example.org: delivered ",
        "@mg.example.com",
    ):
        assert text in checked.out, checked.out
    assert not elsewhere.home.exists()
    said = json.loads(elsewhere("approvals", "verify", name, "--key", key, "--json").out)
    states = [entry["to_state"] for entry in said["audit"] if entry["to_state"] != entry["from_state"]]
    assert states == ["pending", "approved", "executing", "succeeded"]
    assert said["outcome"]["message_id"] == said["outcome"]["result"]["result"]["id"].strip("<>")

    other = elsewhere("approvals", "verify", name, "--key", "SHA256:" + "A" * 43)
    assert (other.status, "signed with another key" in other.err, other.out) == (1, True, "")
    again = online("approvals", "receipt", approval_id, "--output", "-", "--offline")
    assert (again.status, json.loads(again.out)["format"]) == (0, "maton-mailgun receipt 1")
    assert "does not say what became of the recipients: it was not asked for" in again.err


@pytest.mark.slow
def test_no_file_is_written_over_and_what_waits_has_no_receipt(online: Cli) -> None:
    approval_id = json.loads(online("call", "send_message", json.dumps(SEND)).out)["approval_id"]
    waits = online("approvals", "receipt", approval_id)
    assert (waits.status, "It has not ended: it is pending." in waits.err) == (1, True)
    assert online("call", "cancel_approval", json.dumps({"approval_id": approval_id})).status == 1
    (online.cwd / "mine.json").write_text("mine")
    refused = online("approvals", "receipt", approval_id, "--output", "mine.json")
    assert (refused.status, (online.cwd / "mine.json").read_text()) == (2, "mine")
    assert "is there already" in refused.err


@pytest.mark.slow
def test_hostile_text_in_a_receipt_does_not_steer_the_terminal(elsewhere: Cli) -> None:
    (elsewhere.cwd / "x.json").write_text(
        '{"format": "\\u001b[2J", "key": "\\u001b", "signature": "", "statement": ""}'
    )
    done = elsewhere("approvals", "verify", "x.json", "--key", "\x1b[2J")
    assert (done.status, "\x1b" in done.out + done.err) == (1, False)

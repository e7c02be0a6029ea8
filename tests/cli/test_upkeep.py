"""`maton-mailgun approvals forget`, and what is kept no longer, as processes beside a server that runs."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from approval.records import a_record
from maton_mailgun.approval.binding.keys import load_keys
from maton_mailgun.approval.store.opening import open_store
from maton_mailgun.principal import local_user

from .conftest import PASSPHRASE, Cli, set_passphrase
from .test_approvals import SEND, decide, propose, state_of

pytestmark = pytest.mark.slow


def on_terminal(cli: Cli, passphrase: str, *arguments: str) -> tuple[int, str]:
    """Run it on a terminal and type the passphrase. Returns the exit status and what was seen."""
    with cli.terminal(*arguments) as terminal:
        terminal.expect("Passphrase, to ")
        terminal.enter(passphrase)
        return terminal.finish(), terminal.seen


def test_a_running_server_removes_what_is_older_than_it_is_kept_and_the_model_is_told(online: Cli) -> None:
    """By itself, without a command; one whose outcome is unknown stays."""

    async def kept_long_ago() -> list[str]:
        then = time.time() - 3 * 86_400
        store = await open_store(None, online.home, load_keys(online.home), clock=lambda: then)
        ids = []
        for number, end in enumerate(("succeeded", "unknown")):
            asked = a_record(created_at=then, expires_at=then + 900, digest=f"sha256:{number:064d}")
            record, _ = await store.insert(replace(asked, principal=local_user()), b"sealed", max_pending=9)
            record = await store.move(record, "approved", actor="ann", decided_at=then)
            record = await store.claim(record, actor="gate", lease_seconds=60)
            ids.append((await store.move(record, end, actor="gate", finished_at=then)).id)  # type: ignore[arg-type]
        await store.close()
        return ids

    async def run() -> dict[str, Any]:
        old, unknown = await kept_long_ago()
        online.env |= {"MATON_MAILGUN_KEEP_DAYS": "2"}
        parameters = StdioServerParameters(
            command=sys.executable, args=["-P", "-m", "maton_mailgun"], env=dict(online.environ), cwd=online.cwd
        )
        async with Client(stdio_client(parameters)) as client:
            deadline = time.monotonic() + 30
            while True:
                told = (await client.call_tool("get_approval", {"approval_id": old})).structured_content or {}
                if "removed_at" in told:
                    break
                assert time.monotonic() < deadline, told
            shown = await asyncio.to_thread(online, "approvals", "show", old)
            assert (shown.status, "no longer kept" in shown.err) == (4, True)
            assert state_of(online, unknown) == "unknown"
            return told

    online("approvals", "list")  # makes the state directory and the key
    told = asyncio.run(run())
    assert (told["status"], told["executed"]) == ("executed", True)
    assert told["headline"] == "NO LONGER KEPT. It was carried out, long ago. Nothing of it can run again."
    assert online("audit", "verify").status == 0


def test_a_person_is_forgotten_but_for_what_still_waits(online: Cli, tmp_path: Path) -> None:
    set_passphrase(online)
    done = propose(online, "send_message", SEND)
    assert decide(online, "reject", done, PASSPHRASE)[0] == 0
    waits = propose(online, "send_message", {**SEND, "to": ["Ada <ADA@Example.org>"], "subject": "Another"})
    other = propose(online, "send_message", {**SEND, "to": ["bob@example.net"]})

    scripted = online("approvals", "forget", "ada@example.org", typed=f"{PASSPHRASE}\n")
    assert scripted.status == 3
    status, seen = on_terminal(online, PASSPHRASE, "approvals", "forget", "ada@example.org")
    assert status == 1, seen
    assert f"{waits} waits for a decision: reject it" in " ".join(seen.split())
    assert other not in seen
    assert "Removed from 1 approval" in seen

    shown = json.loads(online("approvals", "show", done, "--json").out)
    assert (shown["state"], "ada@" in json.dumps(shown).lower()) == ("rejected", False)
    assert online("approvals", "show", done).status == 0
    assert online("approvals", "list", "--all").status == 0
    assert (state_of(online, waits), state_of(online, other)) == ("pending", "pending")

    assert decide(online, "reject", waits, PASSPHRASE)[0] == 0
    status, seen = on_terminal(online, PASSPHRASE, "approvals", "forget", "<Ada@EXAMPLE.org>")
    assert status == 0, seen
    nothing = online("approvals", "forget", "ada@example.org")
    assert (nothing.status, "0 approvals" in nothing.out) == (0, True)
    assert online("audit", "verify").status == 0
    assert "ada@" not in online("audit", "export").out.lower()
    files = [path for path in online.home.rglob("*") if path.is_file()]
    assert not any(b"ada@example.org" in path.read_bytes().lower() for path in files)


def test_what_is_no_address_is_a_wrong_command(cli: Cli) -> None:
    done = cli("approvals", "forget", "Ada")
    assert (done.status, "is no address" in done.err) == (2, True)

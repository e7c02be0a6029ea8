"""`policy replay` and `policy suggest` over what people really decided, on a terminal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable

import pytest

from maton_mailgun.approval.channels.terminal import Terminal
from maton_mailgun.approval.lifecycle.decide import Decision
from maton_mailgun.approval.policy.suggestions import LEAST
from maton_mailgun.call import Engine
from maton_mailgun.config import Settings, load
from maton_mailgun.exchange import Caller, Outcome
from maton_mailgun.runtime import engine
from maton_mailgun.sandbox import RunningSandbox

from .conftest import PASSPHRASE, Cli, set_passphrase

pytestmark = pytest.mark.slow

ALLOW = """[[rule]]
name = "{name}"
decision = "allow"
tools = ["send_message"]
recipients = ["*@{domain}"]
max_recipients = 1
"""


def send(number: int, to: str) -> dict[str, object]:
    """One of several messages."""
    return {
        "domain": "mg.example.com", "from": "support@mg.example.com", "to": [to],
        "subject": f"Report {number}", "text": "As every day.",
    }  # fmt: skip


def settings_of(cli: Cli) -> Settings:
    """The settings that the command has."""
    return load({**cli.environ, "PATH": ""})


def decided(cli: Cli, calls: Iterable[tuple[dict[str, object], bool]]) -> None:
    """Have messages proposed through the gate and decided by one person, as the terminal records it."""

    async def run() -> None:
        built: Engine = engine(settings_of(cli))
        try:
            for arguments, yes in calls:
                outcome = await built.call("send_message", arguments, Caller("local:tester", "test"))
                assert isinstance(outcome, Outcome)
                gate = await built.gate()
                approval_id = outcome.content["approval_id"]
                await gate.shown(approval_id)
                await gate.decide(approval_id, Decision(approve=yes, level="operator", channel="cli", decider="ann"))
                if yes:
                    await gate.run(approval_id)
        finally:
            await built.aclose()

    asyncio.run(run())


def test_a_replay_says_what_would_have_run_unasked_although_a_person_rejected_it(
    online: Cli, sandbox: RunningSandbox
) -> None:
    decided(online, [(send(1, "ada@example.org"), True), (send(2, "ada@example.org"), False)])
    decided(online, [(send(3, "eve@example.net"), True)])
    (online.cwd / "open.toml").write_text(ALLOW.format(name="everybody there", domain="example.org"))
    done = online("policy", "replay", "open.toml")
    assert done.status == 1
    lines = done.out.splitlines()
    assert lines[:2] == ["3 writes of the last 30 days are kept here.", "Calls that a rule refused are not kept."]
    assert "2 would have run without anybody asked: 1 approved, 1 rejected." in lines
    assert "1 would have been asked: 1 approved." in lines
    assert "✘ Allowed, although a person rejected it:" in lines
    assert "send “Report 2” to ada@example.org  by the rule everybody there" in done.out
    (online.cwd / "narrow.toml").write_text(ALLOW.format(name="there", domain="example.net"))
    done = online("policy", "replay", "narrow.toml", "--days", "1")
    assert (done.status, done.out.splitlines()[-1]) == (0, "✔ Nothing that a person rejected would have run.")
    (online.cwd / "wrong.toml").write_text("[[rule]]\n")
    assert online("policy", "replay", "wrong.toml").status == 2
    assert len(sandbox.sandbox.messages) == 2


def test_what_retention_removed_is_counted(online: Cli) -> None:
    decided(online, [(send(1, "ada@example.org"), False), (send(2, "ada@example.org"), False)])

    async def remove() -> None:
        desk = await Terminal.open(settings_of(online))
        try:
            from maton_mailgun.approval.store.upkeep import Reached

            (newest, *_) = await desk.list()
            await desk.store.remove_finished(newest.created_at, Reached())
        finally:
            await desk.close()

    asyncio.run(remove())
    (online.cwd / "open.toml").write_text(ALLOW.format(name="there", domain="example.net"))
    told = json.loads(online("policy", "replay", "open.toml", "--json").out)
    assert (told["kept"], told["removed"], [one["answer"] for one in told["calls"]]) == (1, 1, ["rejected"])
    assert "1 more is kept no longer: their time was over." in online("policy", "replay", "open.toml").out


def test_a_habit_is_proposed_adopted_on_a_terminal_with_the_passphrase_and_then_runs_unasked(
    online: Cli, sandbox: RunningSandbox
) -> None:
    decided(online, [(send(number, "ada@example.org"), True) for number in range(LEAST)])
    set_passphrase(online)
    shown = online("policy", "suggest")
    assert (shown.status, 'recipients = ["ada@example.org"]' in shown.out, "until = " in shown.out) == (0, True, True)
    refused = online("policy", "suggest", "--adopt", "policy.toml", typed=f"yes\n{PASSPHRASE}\n")
    assert (refused.status, (online.cwd / "policy.toml").exists()) == (3, False)
    with online.terminal("policy", "suggest", "--adopt", "policy.toml") as terminal:
        terminal.expect("Let this run without asking from now on, until then? [yes/no]:")
        terminal.enter("yes")
        terminal.expect("Passphrase, to add 1 rule to policy.toml: ")
        terminal.enter(PASSPHRASE)
        assert terminal.finish() == 0, terminal.seen
    online.env["MATON_MAILGUN_POLICY"] = str(online.cwd / "policy.toml")
    before = len(sandbox.sandbox.messages)
    assert online("call", "send_message", json.dumps(send(77, "ada@example.org"))).status == 0
    assert online("call", "send_message", json.dumps(send(78, "eve@example.org"))).status == 5
    assert len(sandbox.sandbox.messages) == before + 1

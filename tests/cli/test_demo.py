"""The demonstration holds what it shows, with and without a person."""

from __future__ import annotations

import argparse

import pytest

from maton_mailgun.cli import demo

from .conftest import Cli

pytestmark = pytest.mark.slow


def test_demo_without_a_terminal_says_who_answers_and_shows_one_yes_and_one_no(cli: Cli) -> None:
    done = cli("demo")
    assert (done.status, done.err) == (0, "")
    assert "\x1b" not in done.out
    for text in (
        "no terminal: answering for you, as with --yes",
        "SEND: message to 2 recipients via mg.example.com",
        "WARNING: quiet@example.net has unsubscribed: Mailgun will drop this copy.",
        "The sandbox counted 1 write and 1 message in its outbox: sent exactly once.",
        "delivered  ada@example.org",
        "DELETE: bounce entry of gone@example.net",
        "The sandbox counted 0 writes, and the entry is still there: nothing happened.",
        "Everything held",
    ):
        assert text in done.out


def test_demo_with_yes_needs_no_terminal_and_no_excuse(cli: Cli) -> None:
    done = cli("demo", "--yes")
    assert done.status == 0
    assert "no terminal" not in done.out


def test_person_at_the_demo_decides(cli: Cli) -> None:
    """The other way round: the message rejected, the deletion approved; Enter alone decides nothing."""
    with cli.terminal("demo") as terminal:
        terminal.expect("Your decision [approve/reject]:")
        terminal.enter("")
        terminal.expect("Please type approve or reject.")
        terminal.enter("reject")
        terminal.expect("counted 0 writes and 0 messages: nothing happened")
        terminal.expect("Your decision [approve/reject]:")
        terminal.enter("approve")
        terminal.expect("counted 1 write, and the entry is gone")
        assert terminal.finish() == 0
    assert "\x1b[" in terminal.seen


def test_ctrl_c_at_the_question_ends_the_demo_at_once(cli: Cli) -> None:
    with cli.terminal("demo") as terminal:
        terminal.expect("Your decision [approve/reject]:")
        terminal.enter("\x03")
        assert terminal.finish() == 130


def test_demo_fails_when_a_step_does_not_hold(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "MESSAGE", {**demo.MESSAGE, "domain": "missing.example.com"})
    assert demo.run(argparse.Namespace(yes=True)) == 1
    assert "Not everything held" in capsys.readouterr().out


@pytest.mark.parametrize("step", [demo.Count(2, 1), demo.Count(1, 2), demo.Count(0, 0)])
def test_demo_fails_when_the_sandbox_counts_anything_but_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], step: demo.Count
) -> None:
    """The server's word that it sent once is not taken for it."""
    looks = iter(range(100))

    async def count(_: demo.Demonstration) -> demo.Count:
        look = next(looks)
        return demo.Count(look * step.writes, look * step.messages)

    monkeypatch.setattr(demo.Demonstration, "count", count)
    assert demo.run(argparse.Namespace(yes=True)) == 1
    assert f"✘ The sandbox counted {step.writes} write and {step.messages} message" in capsys.readouterr().out

"""Attacks 270 to 272: an approval that is named by the beginning of its id is the one that the person saw, or none; and
no command passes a decision on."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from argparse import Namespace
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from approval.records import a_record
from maton_mailgun.approval.channels.terminal import Terminal
from maton_mailgun.cli import approvals, call
from maton_mailgun.cli.exit_status import NOT_FOUND, USAGE, CommandFailed
from maton_mailgun.config import load

T = TypeVar("T")
TWINS = ("apr_aaaabbbb" + "1" * 24, "apr_aaaabbbb" + "2" * 24)


def at_desk(home: Path, work: Callable[[Terminal], Awaitable[T]]) -> T:
    """Do something with the approvals of an installation."""

    async def run() -> T:
        desk = await Terminal.open(load({"MATON_MAILGUN_HOME": str(home)}))
        try:
            return await work(desk)
        finally:
            await desk.close()

    return asyncio.run(run())


def waits(home: Path, *ids: str) -> None:
    """Have records of these ids wait."""

    async def insert(desk: Terminal) -> None:
        for number, one in enumerate(ids):
            now = desk.clock()
            record = a_record(id=one, created_at=now, expires_at=now + 900, digest=f"sha256:{one[-8:]}{number:056}")
            await desk.store.insert(record, b"sealed", max_pending=100)

    at_desk(home, insert)


def states(home: Path) -> dict[str, str]:
    """What stands in the store."""
    return {one.id: one.state for one in at_desk(home, lambda desk: desk.list())}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation in which whoever is asked for the passphrase knows it."""
    for name in ("MATON_API_KEY", "MATON_TOKEN_COMMAND"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MATON_MAILGUN_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(approvals, "require_passphrase", lambda *_: None)
    return tmp_path / "state"


def named(given: str) -> Namespace:
    """The arguments of a decision."""
    return Namespace(id=given, wait=0.0, reason=None, sandbox=None)


@pytest.mark.parametrize("decide", [approvals.approve, approvals.reject], ids=["approve", "reject"])
def test_attack_270_a_beginning_that_several_ids_have_decides_none(
    home: Path, decide: Callable[[Namespace], int]
) -> None:
    waits(home, *TWINS)
    with pytest.raises(CommandFailed, match="Several approvals begin with apr_aaaabbbb: apr_aaaabbbb1111") as refused:
        decide(named("aaaabbbb"))
    assert (refused.value.status, states(home)) == (USAGE, dict.fromkeys(TWINS, "pending"))


def test_attack_270_nor_one_that_an_unreadable_record_has_too(home: Path) -> None:
    waits(home, *TWINS)
    with sqlite3.connect(home / "approvals.sqlite") as database:
        database.execute("UPDATE maton_mailgun_approvals SET mac = '00' WHERE id = ?", (TWINS[1],))
    with pytest.raises(CommandFailed, match="Several approvals begin with"):
        approvals.approve(named("aaaabbbb"))


@pytest.mark.parametrize("decide", [approvals.approve, approvals.reject], ids=["approve", "reject"])
def test_attack_271_a_decision_is_about_the_one_that_was_shown_whatever_its_beginning_names_later(
    home: Path, monkeypatch: pytest.MonkeyPatch, decide: Callable[[Namespace], int]
) -> None:
    waits(home, TWINS[0])

    def meanwhile(*_: object) -> None:
        with sqlite3.connect(home / "approvals.sqlite") as database:
            database.execute("DELETE FROM maton_mailgun_approvals WHERE id = ?", (TWINS[0],))
        waits(home, TWINS[1])

    monkeypatch.setattr(approvals, "require_passphrase", meanwhile)
    with pytest.raises(CommandFailed, match="There is no approval"):
        decide(named("aaaabbbb"))
    assert states(home) == {TWINS[1]: "pending"}


def test_attack_272_a_command_passes_no_decision_on_whatever_its_settings_say(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Over MCP the operator's settings allow it; whoever starts a command chooses its settings."""
    waits(home, TWINS[0])
    monkeypatch.setenv("MATON_MAILGUN_APPROVAL", "relay")
    words = {"approval_id": TWINS[0], "decision": "approve", "user_words": "yes, do it"}
    with pytest.raises(CommandFailed) as refused:
        call.run(Namespace(tool="relay_approval", arguments=json.dumps(words), sandbox=None))
    assert (refused.value.status, capsys.readouterr().out) == (NOT_FOUND, "")
    assert states(home) == {TWINS[0]: "pending"}

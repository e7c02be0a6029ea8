"""Attack 112: a policy file that cannot be read to its end, and a call whose recipients take long to read, hold up that
call alone, and for a bounded time; without a policy that was read, nothing is sent."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maton_mailgun.approval.policy import case, file, in_force
from maton_mailgun.approval.preview.audience import recipients

from .bench import APPROVE, LETTER, Desk, House, Person, structured

pytestmark = pytest.mark.anyio
LONG = 8.0
"""Seconds after which a test fails rather than hang."""


def fifo(path: Path) -> None:
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.mkdir()


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def huge(path: Path) -> None:
    path.write_text("# nothing\n" * 200_000)


@pytest.mark.parametrize(
    ("put", "said"),
    [(fifo, "is no file but a"), (folder, "is no file but"), (endless, "is no file but a"), (huge, "larger")],
)
async def test_attack_112_what_is_no_policy_file_refuses_calls_with_words(
    desk: Desk, put: Callable[[Path], None], said: str
) -> None:
    policy = desk.home.parent / "policy.toml"
    policy.write_text("")
    person = Person(desk.clock, APPROVE)
    async with desk.open(policy=policy) as house, house.client(person) as client:
        policy.unlink()
        put(policy)
        error = structured(await asyncio.wait_for(client.call_tool("send_message", LETTER), LONG))["error"]
    assert said in error["message"]
    assert error["message"].startswith("The policy cannot be used: ")
    assert error["next"] == "Tell the user; nothing was sent"
    assert (desk.writes(), person.questions) == ([], [])


async def test_attack_112_a_policy_file_that_never_answers_refuses_the_call(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a mount whose server is gone. However many calls come, few readings hang."""
    policy = desk.home.parent / "policy.toml"
    policy.write_text("")
    answers = threading.Event()
    begun: list[Any] = []

    def hangs(path: Path) -> str:
        begun.append(path)
        answers.wait(LONG)
        return ""

    person = Person(desk.clock, APPROVE)
    async with desk.open(policy=policy) as house, house.client(person) as client:
        monkeypatch.setattr(file, "trusted_text", hangs)
        monkeypatch.setattr(in_force, "READ_SECONDS", 0.05)
        try:
            for _ in range(in_force.MOST_HUNG + 3):
                error = structured(await client.call_tool("send_message", LETTER))["error"]
                assert "its file system does not answer. Keep it on a disk of this machine" in error["message"]
            assert len(begun) == in_force.MOST_HUNG
        finally:
            answers.set()
    assert (desk.writes(), person.questions) == ([], [])


async def while_reading(
    house: House, begun: threading.Event, others: threading.Event, arguments: dict[str, Any]
) -> Any:
    """The answer to a send that goes on only when another call has had its answer."""
    async with house.client() as client, house.client() as other:
        sending = asyncio.ensure_future(client.call_tool("send_message", arguments))
        assert await asyncio.to_thread(begun.wait, LONG)
        await other.call_tool("list_domains", {})
        others.set()
        return structured(await sending)


async def test_attack_112_other_calls_go_on_while_the_policy_is_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = desk.home.parent / "policy.toml"
    policy.write_text("")
    begun, others, seen = threading.Event(), threading.Event(), []

    def slow(path: Path) -> str:
        begun.set()
        seen.append(others.wait(2.0))
        return ""

    async with desk.open(policy=policy) as house:
        monkeypatch.setattr(file, "trusted_text", slow)
        assert (await while_reading(house, begun, others, LETTER))["status"] == "approval_required"
    assert seen == [True]


async def test_attack_112_other_calls_go_on_while_recipients_are_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, others, seen, read = threading.Event(), threading.Event(), [], recipients

    def slow(*given: Any) -> Any:
        begun.set()
        seen.append(others.wait(2.0))
        return read(*given)

    async with desk.open() as house:
        monkeypatch.setattr(case, recipients.__name__, slow)
        large = {**LETTER, "text": "A line.\n" * case.AT_ONCE}
        assert (await while_reading(house, begun, others, large))["status"] == "approval_required"
    assert seen == [True]

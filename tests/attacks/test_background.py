"""What runs in the background goes on, whatever it meets, and says so in the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from maton_mailgun.approval.channels.page import page_server
from maton_mailgun.approval.lifecycle.decide import Decision, decide
from maton_mailgun.approval.lifecycle.supervise import keep_running
from maton_mailgun.approval.store.record import Record

from .bench import LETTER, Desk, House, structured

pytestmark = pytest.mark.anyio
WAIT_SECONDS = 10.0
YES = Decision(approve=True, level="operator", channel="cli", decider="person at a terminal")


def _told(log: pytest.LogCaptureFixture) -> list[tuple[str, Any]]:
    errors = [record for record in log.records if record.levelno >= logging.ERROR]
    return [(record.getMessage(), record.__dict__.get("why") or _kind(record)) for record in errors]


def _kind(record: logging.LogRecord) -> str:
    kind = record.exc_info[0] if record.exc_info else None
    return kind.__name__ if kind else ""


async def _waiting(house: House) -> Record:
    async with house.client() as client:
        told = structured(await client.call_tool("send_message", LETTER))
    record = await house.gate.get(told["approval_id"])
    assert record is not None
    return record


@pytest.mark.parametrize("step", ["changed", "sweep", "list"])
async def test_a_watcher_that_dies_is_started_again_and_takes_up_what_was_approved_elsewhere(
    step: str, desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with desk.open() as house:
        record = await _waiting(house)
        failed = asyncio.Event()
        real: Callable[..., Awaitable[Any]] = getattr(house.gate.store, step)

        async def once(*given: Any, **named: Any) -> Any:
            if not failed.is_set():
                failed.set()
                raise IndexError("list index out of range")
            return await real(*given, **named)

        monkeypatch.setattr(house.gate.store, step, once)
        house.gate._watching.cancel()  # type: ignore[union-attr]
        house.gate.watch()
        await asyncio.wait_for(failed.wait(), WAIT_SECONDS)
        await decide(house.gate.store, record, YES, desk.clock())
        done = await house.gate.wait(record.id, WAIT_SECONDS, lambda now: now.state == "succeeded")
    assert done.state == "succeeded"
    assert len(desk.writes()) == 1
    assert ("a task of the background failed", "IndexError") in _told(caplog)


async def test_what_fails_every_time_is_tried_less_and_less_often_until_it_works_long_enough() -> None:
    pauses: list[float] = []

    class Enough(BaseException):
        pass

    async def work() -> None:
        raise LookupError

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 10:
            raise Enough

    with pytest.raises(Enough):
        await keep_running("work", work, pause=pause)
    assert pauses == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]


async def test_one_stored_call_that_nobody_foresaw_keeps_no_other_from_being_carried_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with desk.open() as house:
        house.gate._watching.cancel()  # type: ignore[union-attr]
        first, second = await _waiting(house), await _other(house)
        real = house.gate.services.opened

        async def opened(record: Record) -> Any:
            if record.id == second.id:
                raise IndexError("list index out of range")
            return await real(record)

        monkeypatch.setattr(type(house.gate.services), "opened", lambda _, record: opened(record))
        for record in (first, second):
            await decide(house.gate.store, record, YES, desk.clock())
        house.gate.watch()
        done = await house.gate.wait(first.id, WAIT_SECONDS, lambda now: now.state == "succeeded")
        assert (done.state, await house.state(second.id)) == ("succeeded", "approved")
    assert ("a stored call cannot be opened", "IndexError") in _told(caplog)


async def _other(house: House) -> Record:
    async with house.client() as client:
        told = structured(await client.call_tool("send_message", {**LETTER, "subject": "Another"}))
    record = await house.gate.get(told["approval_id"])
    assert record is not None
    return record


async def test_a_page_that_stopped_by_itself_is_served_again(desk: Desk) -> None:
    async with desk.open() as house:
        first = await house.gate.page()
        first._server.should_exit = True
        await asyncio.wait([first._running])
        second = await house.gate.page()
        assert isinstance(second, page_server.PageServer)
        assert (second is first, second.stopped) == (False, False)

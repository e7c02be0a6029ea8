"""More approvals than one look takes in: none of them starves behind newer ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from approval.records import a_record
from attacks.bench import LETTER, Clock, Desk, House, decide
from maton_mailgun.approval.store.record import Record, finished
from maton_mailgun.exchange import Caller, Outcome
from maton_mailgun.sandbox import Sandbox

pytestmark = pytest.mark.anyio

MANY = 120
"""More than the 100 that were once looked at."""


@pytest.fixture
def anyio_backend() -> str:
    """The server runs on asyncio."""
    return "asyncio"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    clock = Clock()
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return Desk(home, Sandbox(clock=clock), clock)


async def proposed(house: House) -> str:
    told = await house.engine.call("send_message", LETTER, Caller("local:tester", "a client"))
    assert isinstance(told, Outcome)
    approval_id: str = told.content["approval_id"]
    return approval_id


async def many_newer(house: House, *, executed: bool) -> None:
    """Approvals that come to nothing here: their stored request cannot be opened."""
    now = house.clock()
    for number in range(MANY):
        record = a_record(digest=f"sha256:{number}", created_at=now, expires_at=now + 900)
        record, _ = await house.gate.store.insert(record, b"sealed", max_pending=MANY)
        record = await house.gate.store.move(record, "approved", actor="ann", decided_at=now)
        if executed:
            record = await house.gate.store.claim(record, actor="gate", lease_seconds=60)
            await house.gate.store.move(record, "unknown", actor="gate")


async def test_an_unknown_outcome_is_looked_up_however_many_came_after_it(desk: Desk) -> None:
    desk.arm("drop_after")
    desk.arm("items_null", match={"path_regex": "events.message-id"}, times=9)
    async with desk.open() as house:
        approval_id = await proposed(house)
        assert (await decide(house, approval_id)).state == "unknown"
        desk.clock.let_pass(1.0)
        await many_newer(house, executed=True)
    desk.sandbox.faults.clear()
    async with desk.open() as house:
        found = await house.gate.wait(approval_id, 10.0, until=lambda record: record.state == "succeeded")
    assert found.state == "succeeded"
    assert len(desk.writes()) == 1


async def test_a_yes_from_elsewhere_is_carried_out_however_many_came_after_it(desk: Desk) -> None:
    async with desk.open() as house:
        approval_id = await proposed(house)
        record = await house.gate.get(approval_id)
        assert isinstance(record, Record)
        desk.clock.let_pass(1.0)
        await many_newer(house, executed=False)
        await house.gate.store.move(record, "approved", actor="ann", decided_at=desk.clock())
        done = await house.gate.wait(approval_id, 10.0, until=finished)
    assert done.state == "succeeded"
    assert len(desk.writes()) == 1

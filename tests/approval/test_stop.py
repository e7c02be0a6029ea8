"""An operator's stop, on SQLite and on PostgreSQL: what waits is closed, nothing new is taken, no yes survives it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from maton_mailgun.approval.binding.keys import KEY_FILE
from maton_mailgun.approval.store import audit
from maton_mailgun.approval.store.contract import Stop, Store
from maton_mailgun.approval.store.failures import AllStopped, Conflict, Tampered
from maton_mailgun.approval.store.record import Record

from .backends import Backend
from .records import NOON, a_record

pytestmark = pytest.mark.anyio


async def pending(store: Store, **about: str) -> Record:
    return (await store.insert(a_record(**about), b"sealed", max_pending=10))[0]


async def approved(store: Store, **about: str) -> Record:
    return await store.move(
        await pending(store, **about), "approved", actor="ann", decided_at=NOON, channel="page", expires_at=NOON + 300
    )


async def test_attack_102_a_stop_closes_what_waits_and_what_was_not_begun(store: Store, backend: Backend) -> None:
    begun = await store.claim(await approved(store, digest="1" * 64), actor="gate", lease_seconds=60)
    waiting, said_yes = await pending(store, digest="2" * 64), await approved(store, digest="3" * 64)

    closed = await store.stop(actor="ann at a terminal", reason="a leak")

    assert {record.id: (record.state, record.reason) for record in closed} == {
        waiting.id: ("rejected", "a leak"),
        said_yes.id: ("stale", "a leak"),
    }
    assert await store.get(begun.id) == begun
    assert await store.stopped() == Stop("ann at a terminal", backend.clock.now())
    assert (await audit.verify(store)).ok


async def test_attack_102_while_stopped_nothing_is_taken_by_any_process(store: Store, backend: Backend) -> None:
    await store.stop(actor="ann")
    other = await backend.open()
    try:
        for one in (store, other):
            with pytest.raises(AllStopped):
                await one.insert(a_record(), b"sealed", max_pending=10)
        assert await other.list() == []
    finally:
        await other.close()


async def test_attack_102_a_yes_of_before_the_stop_is_worth_nothing_after_it_either(store: Store) -> None:
    """A write that was under way at the stop comes back as approved where the service says "not now"."""
    begun = await store.claim(await approved(store), actor="gate", lease_seconds=60)
    await store.stop(actor="ann")
    again = await store.move(begun, "approved", actor="gate", lease_until=None)
    await store.go_on(actor="ann")

    with pytest.raises(Conflict) as lost:
        await store.claim(again, actor="gate", lease_seconds=60)

    assert (lost.value.current.state, lost.value.current.reason) == ("stale", "All writes were stopped after this yes.")
    fresh = await approved(store)
    assert (await store.claim(fresh, actor="gate", lease_seconds=60)).state == "executing"
    assert (await audit.verify(store)).ok


async def test_a_stop_is_lifted_once_and_can_be_made_again(store: Store) -> None:
    assert (await store.go_on(actor="ann"), await store.stopped()) == (False, None)
    await store.stop(actor="ann")
    assert (await store.go_on(actor="bob"), await store.stopped()) == (True, None)
    assert await store.go_on(actor="bob") is False
    assert (await pending(store)).state == "pending"

    await store.stop(actor="eve")
    stop = await store.stopped()
    assert stop is not None
    assert stop.by == "eve"
    entries = [entry async for entry in audit.export(store)]
    assert [state for entry in entries for state in ("stopped", "resumed") if f'"to_state": "{state}"' in entry] == [
        "stopped",
        "resumed",
        "stopped",
    ]


async def test_a_stop_outlives_the_day_of_budgets_and_the_process(store: Store, backend: Backend) -> None:
    await store.stop(actor="ann")
    backend.clock.pass_by(2 * 86_400.0)
    other = await backend.open()
    try:
        assert await other.spent(["daily"]) == {"daily": 0}
        with pytest.raises(AllStopped):
            await other.insert(a_record(), b"sealed", max_pending=10)
    finally:
        await other.close()


async def test_attack_102_a_lost_key_lifts_no_stop(tmp_path: Path) -> None:
    """On SQLite: replicas on PostgreSQL take no other key, and are told to copy it."""
    backend = Backend(None, tmp_path)
    store = await backend.open()
    await store.stop(actor="ann")
    await store.close()
    (backend.home / KEY_FILE).unlink()
    other = await backend.open()
    try:
        with pytest.raises(AllStopped):
            await other.insert(a_record(), b"sealed", max_pending=10)
        assert await other.go_on(actor="ann") is True
    finally:
        await other.close()


@pytest.mark.parametrize("edit", ["'{}'", "'{\"\": -1}'"])
async def test_attack_102_a_stop_cannot_be_edited_away(store: Store, backend: Backend, edit: str) -> None:
    await store.stop(actor="ann")
    backend.intrude(f"UPDATE maton_mailgun_head SET budgets = {edit}")  # noqa: S608

    with pytest.raises(Tampered):
        await store.insert(a_record(), b"sealed", max_pending=10)


async def test_attack_102_a_stop_and_a_claim_at_once_never_both_win_in_the_wrong_order(store: Store) -> None:
    records = [await approved(store, digest=f"{number:064x}") for number in range(8)]

    async def claimed(record: Record) -> Record | None:
        try:
            return await store.claim(record, actor="gate", lease_seconds=60)
        except Conflict:
            return None

    stopping = asyncio.create_task(store.stop(actor="ann"))
    begun = {record.id for record in await asyncio.gather(*map(claimed, records)) if record is not None}
    closed = await stopping

    assert begun | {record.id for record in closed} == {record.id for record in records}
    assert begun & {record.id for record in closed} == set()
    states = {record.id: record.state for record in await store.list()}
    assert {states[approval_id] for approval_id in begun} <= {"executing"}

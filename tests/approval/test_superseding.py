"""A changed proposal in the place of one that waits: one transaction, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from maton_mailgun.approval.binding.seal import Unsealable
from maton_mailgun.approval.store import audit
from maton_mailgun.approval.store.contract import Store
from maton_mailgun.approval.store.failures import (
    AlreadyWaits,
    Conflict,
    IllegalMove,
    StoreUnavailable,
)
from maton_mailgun.approval.store.record import TERMINAL, Record
from maton_mailgun.approval.store.upkeep import Gone, Reached

from .backends import Backend
from .records import NOON, a_record
from .test_store import in_state

pytestmark = pytest.mark.anyio


def changed(old: Record, number: int = 1, **more: Any) -> Record:
    """What a person made of it."""
    digest = f"sha256:changed {number}"
    return a_record(digest=digest, replaces=old.id, revision=old.revision + 1, edited_by=("ann",), **more)


async def waiting(store: Store) -> list[str]:
    return [record.id for record in await store.list(states={"pending"})]


async def test_the_old_one_ends_and_the_new_one_waits_with_its_own_request(store: Store) -> None:
    old = await in_state(store, "pending")
    new = changed(old)

    assert await store.supersede(old, new, b"new request", actor="ann") == new

    ended = replace(old, state="superseded", version=2, superseded_by=new.id, finished_at=NOON)
    assert (await store.get(old.id), await store.get(new.id)) == (ended, new)
    assert await store.envelope(new.id) == b"new request"
    with pytest.raises(Unsealable):
        await store.envelope(old.id)


async def test_the_audit_has_both_with_who_changed_it(backend: Backend, store: Store) -> None:
    old = await in_state(store, "pending")
    by_person = changed(old)
    await store.supersede(old, by_person, b"sealed", actor="ann")
    by_agent = a_record(digest="sha256:agent's", replaces=by_person.id)
    await store.supersede(by_person, by_agent, b"sealed", actor="local")

    rows = backend.intrude(
        "SELECT approval_id, from_state, to_state, actor, detail FROM maton_mailgun_audit WHERE seq > 1 ORDER BY seq"
    )

    begun = {"operation": "create_route", "connection_id": "conn-1", "risk": "low"}
    assert [(*row[:4], json.loads(row[4])) for row in rows] == [
        (old.id, "pending", "superseded", "ann", {"superseded_by": by_person.id}),
        (by_person.id, "", "pending", "ann", {**begun, "replaces": old.id, "changed_by": "person"}),
        (by_person.id, "pending", "superseded", "local", {"superseded_by": by_agent.id}),
        (by_agent.id, "", "pending", "local", {**begun, "replaces": by_person.id, "changed_by": "agent"}),
    ]
    assert (await audit.verify(store)).ok


@pytest.mark.parametrize("state", sorted((TERMINAL | {"approved", "executing", "unknown"}) - {"superseded"}))
async def test_attack_290_what_does_not_wait_any_more_is_not_changed(store: Store, state: Any) -> None:
    old = await in_state(store, state)

    with pytest.raises(IllegalMove):
        await store.supersede(old, changed(old), b"sealed", actor="ann")

    assert (await store.get(old.id), await waiting(store)) == (old, [])


async def test_attack_290_a_second_change_of_the_same_one_finds_it_changed(store: Store) -> None:
    old = await in_state(store, "pending")
    first = await store.supersede(old, changed(old), b"sealed", actor="ann")

    with pytest.raises(IllegalMove):
        await store.supersede(old, changed(old, 2), b"sealed", actor="ben")

    assert await waiting(store) == [first.id]


async def test_a_look_at_it_meanwhile_is_no_change(store: Store) -> None:
    old = await in_state(store, "pending")
    await store.amend(old, actor="channel", shown_at=NOON)
    new = changed(old)

    await store.supersede(old, new, b"sealed", actor="ann")

    assert await waiting(store) == [new.id]


async def test_attack_290_what_nobody_decided_in_time_is_not_brought_back(backend: Backend, store: Store) -> None:
    old = await in_state(store, "pending")
    backend.clock.pass_by(901)

    with pytest.raises(Conflict) as lost:
        await store.supersede(old, changed(old), b"sealed", actor="ann")

    assert (lost.value.current.state, await waiting(store)) == ("expired", [])


async def test_after_its_time_it_is_removed_like_all_that_is_finished(backend: Backend, store: Store) -> None:
    old = await in_state(store, "pending")
    new = await store.supersede(old, changed(old, expires_at=NOON + 9e6), b"sealed", actor="ann")
    backend.clock.pass_by(86_400)

    assert (await store.remove_finished(store.clock() - 1, Reached())).count == 1

    assert await store.gone(old.id) == Gone("local", "superseded", store.clock())
    assert (await waiting(store), (await audit.verify(store)).ok) == ([new.id], True)


async def test_attack_290_a_change_that_changes_nothing_or_is_another_one_that_waits_is_refused(store: Store) -> None:
    old = await in_state(store, "pending")
    other, _ = await store.insert(a_record(digest="sha256:other"), b"sealed", max_pending=10)

    for digest, found in ((old.digest, old), (other.digest, other)):
        with pytest.raises(AlreadyWaits) as refused:
            await store.supersede(old, replace(changed(old), digest=digest), b"sealed", actor="ann")
        assert refused.value.record == found

    assert sorted(await waiting(store)) == sorted([old.id, other.id])


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "approved"},
        {"principal": "somebody else"},
        {"operation": "delete_route"},
        {"connection_id": "conn-2"},
        {"replaces": "apr_another"},
    ],
)
async def test_attack_290_a_change_stays_with_tool_account_and_principal_and_is_no_yes(
    store: Store, wrong: dict[str, Any]
) -> None:
    old = await in_state(store, "pending")

    with pytest.raises(ValueError, match="takes the place"):
        await store.supersede(old, replace(changed(old), **wrong), b"sealed", actor="ann")

    assert await waiting(store) == [old.id]


async def test_what_cannot_be_stored_leaves_the_old_one_waiting(store: Store) -> None:
    """The second half of the transaction fails: the first is undone with it."""
    taken, _ = await store.insert(a_record(digest="sha256:other"), b"sealed", max_pending=10)
    old = await in_state(store, "pending")

    with pytest.raises((StoreUnavailable, psycopg.Error)):
        await store.supersede(old, replace(changed(old), id=taken.id), b"sealed", actor="ann")

    assert await store.get(old.id) == old
    assert sorted(await waiting(store)) == sorted([old.id, taken.id])
    assert (await audit.verify(store)).ok


async def test_attack_291_a_yes_and_a_change_at_the_same_moment_never_both_count(
    backend: Backend, store: Store
) -> None:
    """Two processes: whoever is first, what was approved is what was shown, and the other one is told."""
    beside = await backend.open()
    ends = set()
    for number in range(12):
        old, _ = await store.insert(a_record(digest=f"sha256:{number}"), b"sealed", max_pending=100)
        new = changed(old, number)
        yes = store.move(old, "approved", actor="ben", decided_at=NOON, channel="page")
        change = beside.supersede(old, new, b"sealed", actor="ann")
        first, second = (yes, change) if number % 2 else (change, yes)
        done = await asyncio.gather(first, second, return_exceptions=True)
        was, became = await store.get(old.id), await store.get(new.id)
        assert was is not None
        ends.add(was.state)
        assert (was.state, became.state if became else None) in {("approved", None), ("superseded", "pending")}
        assert sum(isinstance(one, Record) for one in done) == 1
        assert isinstance(next(one for one in done if not isinstance(one, Record)), Conflict | IllegalMove)
    await beside.close()
    assert ends <= {"approved", "superseded"}


async def test_attack_291_of_two_changes_at_the_same_moment_one_counts(backend: Backend, store: Store) -> None:
    beside = await backend.open()
    for number in range(8):
        old, _ = await store.insert(a_record(digest=f"sha256:{number}"), b"sealed", max_pending=100)
        changes = [changed(old, 2 * number), changed(old, 2 * number + 1)]
        done = await asyncio.gather(
            store.supersede(old, changes[0], b"sealed", actor="ann"),
            beside.supersede(old, changes[1], b"sealed", actor="ben"),
            return_exceptions=True,
        )
        (won,) = [one for one in done if isinstance(one, Record)]
        assert [record.id for record in await store.list(states={"pending"}) if record.replaces == old.id] == [won.id]
    await beside.close()


async def test_an_earlier_versions_index_of_what_is_finished_gives_way(backend: Backend) -> None:
    await (await backend.open()).close()
    backend.intrude(
        "CREATE INDEX maton_mailgun_approvals_finished ON maton_mailgun_approvals (changed_at, id) "
        "WHERE (state IN ('cancelled', 'expired')) IS TRUE"
    )

    store = await backend.open()
    old = await in_state(store, "superseded")
    await store.close()

    in_sqlite = "SELECT name FROM sqlite_master WHERE type = 'index'"
    names = {name for (name,) in backend.intrude("SELECT indexname FROM pg_indexes" if backend.url else in_sqlite)}
    assert ("maton_mailgun_approvals_finished" in names, "maton_mailgun_approvals_ended" in names) == (False, True)
    assert old.state == "superseded"

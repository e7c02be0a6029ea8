"""The store, on SQLite and on PostgreSQL: one call is one open record, moves are exclusive, time closes records."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from maton_mailgun.approval.binding.seal import Unsealable
from maton_mailgun.approval.store import audit, table
from maton_mailgun.approval.store.contract import Store
from maton_mailgun.approval.store.failures import BudgetSpent, Conflict, IllegalMove, StoreUnavailable, TooManyPending
from maton_mailgun.approval.store.opening import open_store
from maton_mailgun.approval.store.record import GUESS, MOVES, TERMINAL, Channel, Record, State

from .backends import Backend
from .records import NOON, a_record

pytestmark = pytest.mark.anyio

DAY = 86_400.0


async def approved(store: Store, record: Record | None = None) -> Record:
    stored, _ = await store.insert(record or a_record(), b"sealed", max_pending=10)
    return await store.move(
        stored, "approved", actor="ann", decided_at=NOON, decided_by="ann", channel="page", expires_at=NOON + 300
    )


async def in_state(store: Store, state: State) -> Record:
    """A stored record that came to `state` by legal moves."""
    if state == "pending":
        return (await store.insert(a_record(), b"sealed", max_pending=10))[0]
    if state == "superseded":
        old = await in_state(store, "pending")
        await store.supersede(old, a_record(digest="sha256:changed", replaces=old.id), b"sealed", actor="ann")
        return await stored_as(store, old)
    if state in MOVES["pending"] - {"approved"}:
        return await store.move(await in_state(store, "pending"), state, actor="ann")
    record = await approved(store)
    if state in {"approved", "stale"}:
        return record if state == "approved" else await store.move(record, state, actor="gate")
    record = await store.claim(record, actor="gate", lease_seconds=60)
    return record if state == "executing" else await store.move(record, state, actor="gate")


async def stored_as(store: Store, record: Record) -> Record:
    found = await store.get(record.id)
    assert found is not None
    return found


async def test_a_stored_record_comes_back_whole(store: Store) -> None:
    record = a_record(
        client="line\nbreak \x00 and \ud800 half", preview={"text": "ümläut ⟨U+202E⟩", "n": [1, 2.5, None]}
    )

    stored, joined = await store.insert(record, b"\x00sealed\xff", max_pending=10)

    assert (stored, joined) == (record, False)
    assert await store.get(record.id) == record
    assert await store.envelope(record.id) == b"\x00sealed\xff"


async def test_an_unknown_id_is_none_and_has_no_request(store: Store) -> None:
    assert await store.get("apr_unknown") is None
    with pytest.raises(Unsealable):
        await store.envelope("apr_unknown")


async def test_a_new_record_must_be_pending(store: Store) -> None:
    with pytest.raises(ValueError, match="pending"):
        await store.insert(a_record(state="approved"), b"sealed", max_pending=10)


@pytest.mark.parametrize("state", ["pending", "approved", "executing"])
async def test_an_identical_call_joins_the_open_record(store: Store, state: State) -> None:
    first = await in_state(store, state)

    again = await store.insert(a_record(), b"other", max_pending=10)

    assert again == (first, True)


@pytest.mark.parametrize("state", sorted(TERMINAL | {"unknown"}))
async def test_an_identical_call_after_the_end_opens_another_record(store: Store, state: State) -> None:
    await in_state(store, state)
    record = a_record()

    assert await store.insert(record, b"sealed", max_pending=10) == (record, False)


async def test_an_expired_question_is_not_joined(backend: Backend, store: Store) -> None:
    first = await in_state(store, "pending")
    backend.clock.pass_by(901)
    record = a_record(created_at=backend.clock.wall, expires_at=backend.clock.wall + 900)

    assert await store.insert(record, b"sealed", max_pending=1) == (record, False)
    closed = await store.get(first.id)
    assert closed is not None
    assert closed.state == "expired"


async def test_attack_9_another_principal_or_call_never_joins(store: Store) -> None:
    await store.insert(a_record(), b"sealed", max_pending=10)

    _, by_other = await store.insert(a_record(principal="someone else"), b"sealed", max_pending=10)
    _, other_call = await store.insert(a_record(digest="sha256:other"), b"sealed", max_pending=10)

    assert (by_other, other_call) == (False, False)


async def test_attack_22_a_principal_has_so_many_questions_and_identical_ones_still_join(store: Store) -> None:
    for number in range(3):
        await store.insert(a_record(digest=f"sha256:{number}"), b"sealed", max_pending=3)

    with pytest.raises(TooManyPending, match="3 approvals"):
        await store.insert(a_record(digest="sha256:new"), b"sealed", max_pending=3)
    assert (await store.insert(a_record(digest="sha256:1"), b"sealed", max_pending=3))[1] is True
    assert (await store.insert(a_record(principal="someone else"), b"sealed", max_pending=3))[1] is False


async def test_identical_calls_at_once_from_two_processes_open_one_record(backend: Backend, store: Store) -> None:
    other = await backend.open()
    try:
        outcomes = await asyncio.gather(
            *((store, other)[number % 2].insert(a_record(), b"sealed", max_pending=10) for number in range(20))
        )
    finally:
        await other.close()

    assert len({record.id for record, _ in outcomes}) == 1
    assert sum(not joined for _, joined in outcomes) == 1


async def test_the_database_itself_refuses_a_second_open_record_of_one_call(backend: Backend, store: Store) -> None:
    """Should two writers ever pass each other, one of them fails."""
    await in_state(store, "approved")

    with pytest.raises((sqlite3.IntegrityError, psycopg.errors.UniqueViolation)):
        backend.intrude(
            "INSERT INTO maton_mailgun_approvals SELECT 'apr_2', principal, digest, 'pending', version, created_at, "
            "changed_at, body, envelope, key_id, mac FROM maton_mailgun_approvals"
        )


@pytest.mark.parametrize("to", sorted(MOVES))
@pytest.mark.parametrize("state", sorted(MOVES))
async def test_only_the_moves_of_the_state_machine_are_possible(store: Store, state: State, to: State) -> None:
    """`executing` is entered by `claim` alone, and `superseded` by `supersede`; terminal states never change."""
    record = await in_state(store, state)
    # The yes of a person is never taken back to a question; see the next test.
    if to in MOVES[state] and to not in ("executing", "superseded") and (state, to) != ("approved", "pending"):
        moved = await store.move(record, to, actor="someone")
        assert (moved.state, moved.version) == (to, record.version + 1)
        assert await store.get(record.id) == moved
    else:
        with pytest.raises(IllegalMove):
            await store.move(record, to, actor="someone")
        assert await store.get(record.id) == record


@pytest.mark.parametrize(("channel", "goes_back"), [("policy", True), ("page", False), ("form", False), ("cli", False)])
async def test_only_the_yes_of_a_rule_goes_back_to_the_question(
    store: Store, channel: Channel, goes_back: bool
) -> None:
    record = await in_state(store, "pending")
    record = await store.move(record, "approved", actor="ann", decided_at=NOON, channel=channel)
    if goes_back:
        assert (await store.move(record, "pending", actor="gate", channel=None)).state == "pending"
    else:
        with pytest.raises(IllegalMove):
            await store.move(record, "pending", actor="gate", channel=None)


async def test_what_was_concluded_by_looking_gives_way_to_what_the_service_said(store: Store) -> None:
    record = await in_state(store, "unknown")
    record = await store.move(record, "failed", actor="reconciliation", result={"error": {}, GUESS: True})
    told = await store.move(record, "succeeded", actor="gate", result={"result": {"id": "1"}})
    assert told.state == "succeeded"
    with pytest.raises(IllegalMove):
        await store.move(told, "failed", actor="gate", result={})


async def test_a_guess_never_replaces_a_guess(store: Store) -> None:
    record = await in_state(store, "unknown")
    record = await store.move(record, "succeeded", actor="reconciliation", result={GUESS: True})
    with pytest.raises(IllegalMove):
        await store.move(record, "failed", actor="reconciliation", result={GUESS: True})


async def test_a_move_writes_what_was_decided(store: Store) -> None:
    record = await in_state(store, "pending")

    moved = await store.move(
        record, "rejected", actor="ann", decided_at=NOON + 5, decided_by="ann", channel="cli", reason="wrong list"
    )

    assert moved == replace(
        record,
        state="rejected",
        version=2,
        decided_at=NOON + 5,
        decided_by="ann",
        channel="cli",
        reason="wrong list",
    )


async def test_what_was_shown_never_changes(store: Store) -> None:
    record = await in_state(store, "pending")

    with pytest.raises(ValueError, match="digest, preview"):
        await store.move(record, "approved", actor="ann", preview={}, digest="sha256:x")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="state"):
        await store.amend(record, actor="ann", state="approved")  # type: ignore[call-arg]


async def test_the_slower_of_two_deciders_learns_what_was_decided(store: Store) -> None:
    record = await in_state(store, "pending")
    rejected = await store.move(record, "rejected", actor="ann")

    with pytest.raises(Conflict) as conflict:
        await store.move(record, "approved", actor="bob")
    assert conflict.value.current == rejected


async def test_an_amendment_keeps_the_state_and_outdates_older_views(store: Store) -> None:
    record = await in_state(store, "pending")

    shown = await store.amend(record, actor="page", shown_at=NOON + 1)

    assert shown == replace(record, shown_at=NOON + 1, version=2)
    with pytest.raises(Conflict):
        await store.amend(record, actor="page", shown_at=NOON + 2)


async def test_after_the_end_only_the_result_can_be_amended(store: Store) -> None:
    """A secret that was shown once is taken out of it."""
    record = await store.move(
        await in_state(store, "executing"), "succeeded", actor="gate", result={"secret": "sealed", "id": 1}
    )

    amended = await store.amend(record, actor="secret shown", result={"id": 1})

    assert amended == replace(record, result={"id": 1}, version=record.version + 1)
    with pytest.raises(Conflict):
        await store.amend(record, actor="secret shown", result={})
    with pytest.raises(IllegalMove):
        await store.amend(amended, actor="page", result={}, decided_by="eve")


@pytest.mark.parametrize("state", sorted(TERMINAL))
async def test_a_terminal_state_drops_the_sealed_request_and_keeps_the_digest(store: Store, state: State) -> None:
    record = await in_state(store, state)

    with pytest.raises(Unsealable, match="keeps no request"):
        await store.envelope(record.id)
    kept = await store.get(record.id)
    assert kept is not None
    assert kept.digest == record.digest


async def test_an_unknown_outcome_keeps_the_request_to_look_it_up(store: Store) -> None:
    record = await in_state(store, "unknown")

    assert await store.envelope(record.id) == b"sealed"


async def test_a_claim_takes_the_lease_once(store: Store) -> None:
    record = await approved(store)

    claimed = await store.claim(record, actor="gate", lease_seconds=60, message_id="a@mg.example.com", now=NOON + 2)

    assert claimed == replace(
        record,
        state="executing",
        version=3,
        lease_until=NOON + 62,
        attempted_at=NOON + 2,
        message_id="a@mg.example.com",
    )
    with pytest.raises(Conflict) as conflict:
        await store.claim(record, actor="gate", lease_seconds=60)
    assert conflict.value.current == claimed
    with pytest.raises(IllegalMove):
        await store.claim(claimed, actor="gate", lease_seconds=60)


async def test_an_unanswered_question_cannot_be_claimed(store: Store) -> None:
    record = await in_state(store, "pending")

    with pytest.raises(IllegalMove):
        await store.claim(record, actor="gate", lease_seconds=60)


async def test_attack_38_a_spent_budget_refuses_the_claim_and_leaves_the_approval(store: Store) -> None:
    first = await approved(store, a_record(digest="sha256:1"))
    second = await approved(store, a_record(digest="sha256:2"))
    claimed = await store.claim(first, actor="gate", lease_seconds=60, budgets=[("notes", 1), ("all", 9)])

    with pytest.raises(BudgetSpent) as spent:
        await store.claim(second, actor="gate", lease_seconds=60, budgets=[("all", 9), ("notes", 1)])

    assert (spent.value.rule, spent.value.most) == ("notes", 1)
    assert claimed.budget_rules == ("notes", "all")
    assert await store.get(second.id) == second
    assert await store.spent(["notes", "all", "never"]) == {"notes": 1, "all": 1, "never": 0}


async def test_a_budget_is_new_on_the_next_utc_day(backend: Backend, store: Store) -> None:
    first = await approved(store, a_record(digest="sha256:1"))
    await store.claim(first, actor="gate", lease_seconds=60, budgets=[("notes", 1)])
    backend.clock.pass_by(DAY)
    late = a_record(digest="sha256:2", created_at=NOON + DAY, expires_at=NOON + DAY + 900)
    second, _ = await store.insert(late, b"sealed", max_pending=10)
    second = await store.move(second, "approved", actor="ann", decided_at=NOON + DAY)

    assert await store.spent(["notes"]) == {"notes": 0}
    await store.claim(second, actor="gate", lease_seconds=60, budgets=[("notes", 1)])


async def test_attack_34_a_clock_set_back_a_day_does_not_renew_a_budget(backend: Backend, store: Store) -> None:
    first = await approved(store, a_record(digest="sha256:1"))
    await store.claim(first, actor="gate", lease_seconds=60, budgets=[("notes", 1)])
    backend.clock.wall -= DAY
    early = a_record(digest="sha256:2", created_at=NOON - DAY, expires_at=NOON - DAY + 900)
    second, _ = await store.insert(early, b"sealed", max_pending=10)
    second = await store.move(second, "approved", actor="ann", decided_at=NOON - DAY)

    assert await store.spent(["notes"]) == {"notes": 1}
    with pytest.raises(BudgetSpent):
        await store.claim(second, actor="gate", lease_seconds=60, budgets=[("notes", 1)])


async def test_a_429_gives_the_approval_and_its_budget_back(store: Store) -> None:
    record = await approved(store)
    claimed = await store.claim(record, actor="gate", lease_seconds=60, budgets=[("notes", 1)])

    usable = await store.move(claimed, "approved", actor="gate", retry_at=NOON + 30)

    assert (usable.state, usable.lease_until, usable.retry_at) == ("approved", None, NOON + 30)
    assert await store.spent(["notes"]) == {"notes": 0}
    await store.claim(usable, actor="gate", lease_seconds=60, budgets=[("notes", 1)])


async def test_sweeping_closes_what_time_has_closed(backend: Backend, store: Store) -> None:
    pending, _ = await store.insert(a_record(digest="sha256:1"), b"sealed", max_pending=10)
    unused = await approved(store, a_record(digest="sha256:2"))
    died = await approved(store, a_record(digest="sha256:3"))
    died = await store.claim(died, actor="gate", lease_seconds=60)
    later = a_record(digest="sha256:4", expires_at=NOON + 2000)
    await store.insert(later, b"sealed", max_pending=10)
    assert await store.sweep() == []
    backend.clock.pass_by(901)

    closed = {record.id: record for record in await store.sweep()}

    assert {identity: record.state for identity, record in closed.items()} == {
        pending.id: "expired",
        unused.id: "expired",
        died.id: "unknown",
    }
    unknown = closed[died.id]
    assert unknown.result is not None
    assert "may have been sent" in unknown.result["message"]
    assert unknown.lease_until is None
    assert await store.get(later.id) == later
    assert await store.sweep() == []


async def test_several_sweepers_close_each_record_once(backend: Backend, store: Store) -> None:
    for number in range(5):
        await store.insert(a_record(digest=f"sha256:{number}"), b"sealed", max_pending=10)
    backend.clock.pass_by(901)
    other = await backend.open()
    try:
        swept = await asyncio.gather(store.sweep(), other.sweep(), store.sweep())
    finally:
        await other.close()

    assert sorted(len(records) for records in swept)[-1] <= 5
    assert sum(len(records) for records in swept) == 5


async def test_a_late_yes_finds_the_question_expired(backend: Backend, store: Store) -> None:
    """Nobody had swept: the store itself refuses, and keeps that it expired."""
    record = await in_state(store, "pending")
    backend.clock.pass_by(901)

    with pytest.raises(Conflict) as conflict:
        await store.move(record, "approved", actor="ann")
    assert conflict.value.current.state == "expired"
    assert await store.get(record.id) == conflict.value.current


async def test_a_late_claim_finds_the_approval_expired(backend: Backend, store: Store) -> None:
    record = await in_state(store, "approved")
    backend.clock.pass_by(301)

    with pytest.raises(Conflict) as conflict:
        await store.claim(record, actor="gate", lease_seconds=60)
    assert conflict.value.current.state == "expired"
    assert await store.get(record.id) == conflict.value.current


async def test_attack_34_a_clock_set_forward_expires_for_good(backend: Backend, store: Store) -> None:
    record = await in_state(store, "pending")
    backend.clock.wall += DAY
    expired = await store.sweep()
    backend.clock.wall -= DAY

    assert [found.id for found in expired] == [record.id]
    assert await store.get(record.id) == expired[0]
    with pytest.raises(IllegalMove):
        await store.move(expired[0], "approved", actor="ann")


async def test_attack_34_a_clock_set_back_a_day_expires_what_then_lies_in_the_future(
    backend: Backend, store: Store
) -> None:
    record = await in_state(store, "approved")
    backend.clock.wall -= DAY

    with pytest.raises(Conflict) as conflict:
        await store.claim(record, actor="gate", lease_seconds=60)
    assert conflict.value.current.state == "expired"


async def test_attack_34_a_clock_set_back_a_little_does_not_lengthen_a_question(backend: Backend, store: Store) -> None:
    """The wall clock says that 5 minutes are left; the process knows better."""
    record = await in_state(store, "pending")
    backend.clock.pass_by(600)
    backend.clock.wall -= 600
    record = await store.amend(record, actor="page", shown_at=NOON)
    backend.clock.pass_by(301)

    with pytest.raises(Conflict) as conflict:
        await store.move(record, "approved", actor="ann")
    assert conflict.value.current.state == "expired"


async def test_the_outcome_of_a_slow_write_can_be_told_after_its_lease_ran_out(backend: Backend, store: Store) -> None:
    record = await in_state(store, "executing")
    backend.clock.pass_by(61)

    settled = await store.move(record, "succeeded", actor="gate", result={"status": "executed"})

    assert settled.state == "succeeded"


async def test_the_list_is_newest_first_and_can_be_narrowed(store: Store) -> None:
    records = [
        (await store.insert(a_record(digest=f"sha256:{n}", created_at=NOON + n), b"", max_pending=10))[0]
        for n in range(4)
    ]
    other, _ = await store.insert(a_record(principal="other", created_at=NOON - 1), b"", max_pending=10)
    gone = await store.move(records[0], "cancelled", actor="ann")

    assert await store.list() == [records[3], records[2], records[1], gone, other]
    assert await store.list(principal="local", limit=2) == [records[3], records[2]]
    assert await store.list(states={"cancelled", "rejected"}) == [gone]
    assert await store.list(principal="other", states=["pending"]) == [other]
    assert await store.list(states=[]) == []


async def test_history_is_what_happened_to_the_same_call_of_the_same_principal(backend: Backend, store: Store) -> None:
    old = await in_state(store, "rejected")
    backend.clock.pass_by(100)
    recent = await store.move(
        (await store.insert(a_record(created_at=NOON + 100), b"", max_pending=10))[0], "rejected", actor="ann"
    )
    await store.insert(a_record(digest="sha256:other"), b"", max_pending=10)
    await store.insert(a_record(principal="other"), b"", max_pending=10)

    assert await store.history("local", [old.digest], NOON + 50) == [recent]
    assert await store.history("local", [old.digest], NOON - 1) == [recent, old]


async def test_a_change_by_another_process_is_noticed(backend: Backend, store: Store) -> None:
    record = await in_state(store, "pending")
    before = await store.changed()
    assert await store.changed() == before
    other = await backend.open()
    try:
        await other.move(record, "rejected", actor="ann")
    finally:
        await other.close()

    assert await store.changed() > before


async def test_attack_36_a_question_survives_a_restart(backend: Backend, store: Store) -> None:
    record = await in_state(store, "pending")
    await store.close()

    again = await backend.open()
    try:
        assert await again.get(record.id) == record
        assert await again.envelope(record.id) == b"sealed"
        assert await again.insert(a_record(), b"sealed", max_pending=10) == (record, True)
    finally:
        await again.close()


async def test_a_write_whose_caller_left_is_finished(store: Store) -> None:
    """Attack 40 begins here: a cancelled caller must not tear a transaction."""
    record = await in_state(store, "pending")
    task = asyncio.create_task(store.move(record, "rejected", actor="ann"))
    await asyncio.wait({task}, timeout=0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    # Operations of one process stand in line: this read comes after the move.
    found = await store.get(record.id)
    assert found is not None
    assert found.state == "rejected"


async def test_a_closed_store_says_so(store: Store) -> None:
    await store.close()

    with pytest.raises(StoreUnavailable, match="closed"):
        await store.get("apr_x")


async def test_an_unknown_kind_of_database_is_refused_without_repeating_the_url(backend: Backend) -> None:
    with pytest.raises(StoreUnavailable) as error:
        await open_store("mysql://user:canary@host/db", backend.home, backend.keys)
    assert "canary" not in str(error.value)


LISTINGS = {
    (True, 0): "approvals_theirs (principal=?)",
    (True, 1): "approvals_each (state=? AND principal=?)",
    (True, 3): "approvals_each (state=? AND principal=?)",
    (False, 1): "approvals_everybodys (state=?)",
    (False, 6): "approvals_everybodys (state=?)",
}
"""Of one principal or of everybody, in how many states: the index that finds the newest of them, in that order."""


@pytest.mark.parametrize(("principal", "states"), LISTINGS)
async def test_a_list_is_found_in_its_order_without_reading_all_that_is_kept(
    tmp_path: Path, principal: bool, states: int
) -> None:
    """Asking, and looking at what waits or at what came of it, costs the same with 100,000 approvals kept."""
    plan = await planned(tmp_path, table.newest(principal=principal, states=states))
    on_table = [step for step in plan if "maton_mailgun" in step]
    assert on_table == [
        f"SEARCH maton_mailgun_approvals USING INDEX maton_mailgun_{LISTINGS[principal, states]}"
    ] * max(1, states)


async def test_the_whole_list_is_read_from_its_newest_end(tmp_path: Path) -> None:
    plan = await planned(tmp_path, table.newest(principal=False, states=0))
    assert plan[0] == "SCAN maton_mailgun_approvals USING INDEX maton_mailgun_approvals_newest"
    # Only rows of one moment are sorted: the reading ends at the limit.
    assert plan[1:] in (
        [],
        ["USE TEMP B-TREE FOR RIGHT PART OF ORDER BY"],
        ["USE TEMP B-TREE FOR LAST TERM OF ORDER BY"],
    )


ON_THE_WAY = {
    name: getattr(module, name)
    for module, names in (
        (table, ("ONE", "UPDATE", "OPEN_ONE", "OPEN_ALL", "PENDING_OF", "HISTORY", "EVERY", "ABANDON")),
        (audit, ("AFTER", "FROM_SEQ", "LATEST", "AT", "HEAD", "HEAD_LOCKED", "HEAD_SEQ")),
    )
    for name in names
}


@pytest.mark.parametrize("name", ON_THE_WAY)
async def test_no_statement_reads_a_whole_table(tmp_path: Path, name: str) -> None:
    plan = await planned(tmp_path, ON_THE_WAY[name])
    assert plan
    assert [step for step in plan if step.startswith("SCAN")] == []


async def planned(home: Path, statement: str) -> list[str]:
    """How SQLite would carry a statement out, step by step."""
    backend = Backend(None, home)
    await (await backend.open()).close()
    steps = backend.intrude(f"EXPLAIN QUERY PLAN {statement}", *["x"] * statement.count("?"))
    return [str(step[3]) for step in steps]


async def test_a_list_of_several_states_is_the_newest_of_all_of_them(store: Store) -> None:
    made = [await in_state(store, state) for state in ("rejected", "cancelled", "pending", "rejected")]
    ended = {record.id: record for record in made if record.state in ("rejected", "cancelled")}

    whole = await store.list(states={"rejected", "cancelled"}, limit=10)
    mine = await store.list(principal=made[0].principal, states={"rejected", "cancelled"}, limit=10)

    assert {record.id: record for record in whole} == ended
    assert list(whole) == sorted(whole, key=lambda record: (record.created_at, record.id), reverse=True)
    assert mine == whole
    assert await store.list(states={"rejected", "cancelled"}, limit=2) == whole[:2]
    assert await store.list(principal="nobody", states={"rejected"}, limit=2) == []

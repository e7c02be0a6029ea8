"""The audit, on SQLite and on PostgreSQL: whatever an editor of the database does to it or to a record, it shows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from maton_mailgun.approval.binding.seal import Unsealable
from maton_mailgun.approval.store import audit
from maton_mailgun.approval.store.audit import AuditVerdict
from maton_mailgun.approval.store.contract import Store
from maton_mailgun.approval.store.failures import StoreUnavailable, Tampered
from maton_mailgun.approval.store.record import Record
from maton_mailgun.approval.store.table import _body

from .backends import Backend
from .records import NOON, a_record

pytestmark = pytest.mark.anyio


async def story(store: Store) -> list[Record]:
    """Two approvals: one carried out (entries 1, 2, 3, 4), one rejected (5, 6)."""
    done, _ = await store.insert(a_record(digest="sha256:1"), b"sealed", max_pending=10)
    done = await store.move(done, "approved", actor="ann", channel="page", decided_at=NOON, decided_by="ann")
    done = await store.claim(done, actor="gate", lease_seconds=60, budgets=[("notes", 9)], message_id="m@example.com")
    done = await store.move(done, "succeeded", actor="gate", result={"id": "canary-result"})
    refused, _ = await store.insert(a_record(digest="sha256:2"), b"sealed", max_pending=10)
    refused = await store.move(refused, "rejected", actor="bob", channel="cli", reason="canary-reason")
    return [done, refused]


async def test_an_untouched_audit_holds(store: Store) -> None:
    assert await audit.verify(store) == AuditVerdict(ok=True, entries=0)
    await story(store)
    assert await audit.verify(store) == AuditVerdict(ok=True, entries=6)


async def test_the_export_tells_who_moved_what_when_and_no_content(backend: Backend, store: Store) -> None:
    done, _ = await story(store)

    lines = [json.loads(line) async for line in audit.export(store)]

    assert [(line["seq"], line["from_state"], line["to_state"], line["actor"], line["channel"]) for line in lines] == [
        (1, "", "pending", "local", ""),
        (2, "pending", "approved", "ann", "page"),
        (3, "approved", "executing", "gate", "page"),
        (4, "executing", "succeeded", "gate", "page"),
        (5, "", "pending", "local", ""),
        (6, "pending", "rejected", "bob", "cli"),
    ]
    hashes = {key: lines[2].pop(key) for key in ("prev_hash", "hash", "row_mac", "key_id")}
    assert lines[2] == {
        "seq": 3,
        "at": NOON,
        "approval_id": done.id,
        "version": 3,
        "from_state": "approved",
        "to_state": "executing",
        "actor": "gate",
        "channel": "page",
        "level": "client",
        "digest": "sha256:1",
        "detail": {"budgets": ["notes"], "message_id": "m@example.com"},
    }
    assert hashes["prev_hash"] == lines[1]["hash"]
    assert "canary" not in json.dumps(lines)


@pytest.mark.slow
async def test_a_long_audit_is_exported_and_checked_whole(store: Store) -> None:
    """More than one page."""
    record, _ = await store.insert(a_record(), b"", max_pending=1)
    for second in range(520):
        record = await store.amend(record, actor="page", shown_at=NOON + second)

    assert [json.loads(line)["seq"] async for line in audit.export(store)] == list(range(1, 522))
    assert await audit.verify(store) == AuditVerdict(ok=True, entries=521)


@pytest.mark.parametrize(
    ("statement", "first_bad", "why"),
    [
        ("UPDATE maton_mailgun_audit SET actor = 'eve' WHERE seq = 3", 3, "this entry was changed"),
        ("UPDATE maton_mailgun_audit SET at = at + 1 WHERE seq = 1", 1, "this entry was changed"),
        ("UPDATE maton_mailgun_audit SET to_state = 'approved' WHERE seq = 6", 6, "this entry was changed"),
        ("UPDATE maton_mailgun_audit SET detail = '{}' WHERE seq = 3", 3, "this entry was changed"),
        ("UPDATE maton_mailgun_audit SET row_mac = '' WHERE seq = 2", 2, "this entry was changed"),
        ("UPDATE maton_mailgun_audit SET key_id = 'lost' WHERE seq = 2", 2, "nobody can vouch"),
        ("DELETE FROM maton_mailgun_audit WHERE seq = 1", 1, "missing"),
        ("DELETE FROM maton_mailgun_audit WHERE seq = 4", 4, "missing"),
        ("DELETE FROM maton_mailgun_audit WHERE seq = 6", 6, "entries 6 to 6 are missing"),
        ("DELETE FROM maton_mailgun_audit WHERE seq > 2", 3, "entries 3 to 6 are missing"),
        ("DELETE FROM maton_mailgun_audit", 1, "entries 1 to 6 are missing"),
        ("UPDATE maton_mailgun_audit SET seq = CASE seq WHEN 5 THEN 16 ELSE seq END", 5, "missing"),
        ("DELETE FROM maton_mailgun_head", 6, "the end of the audit was removed"),
        ("UPDATE maton_mailgun_head SET budgets = '{}'", 6, "the end of the audit was changed"),
        ("UPDATE maton_mailgun_head SET day = '2020-01-01'", 6, "the end of the audit was changed"),
        ("UPDATE maton_mailgun_approvals SET state = 'approved' WHERE digest = 'sha256:2'", 6, "checksum"),
        ("UPDATE maton_mailgun_approvals SET body = substr(body, 5) WHERE digest = 'sha256:2'", 6, "checksum"),
        ("DELETE FROM maton_mailgun_approvals WHERE digest = 'sha256:1'", 4, "was removed from the store"),
    ],
)
async def test_an_edit_or_removal_is_found(
    backend: Backend, store: Store, statement: str, first_bad: int, why: str
) -> None:
    await story(store)
    backend.intrude(statement)

    verdict = await audit.verify(store)
    assert (verdict.ok, verdict.first_bad, why in verdict.why) == (False, first_bad, True), verdict


async def test_a_cut_tail_is_found_though_the_head_was_put_back(backend: Backend, store: Store) -> None:
    """An intruder can read every hash in the table, but the head has a checksum of its own."""
    await story(store)
    (kept,) = backend.intrude("SELECT hash FROM maton_mailgun_audit WHERE seq = 4")
    backend.intrude("DELETE FROM maton_mailgun_audit WHERE seq > 4")
    backend.intrude("DELETE FROM maton_mailgun_approvals WHERE digest = 'sha256:2'")
    backend.intrude("UPDATE maton_mailgun_head SET seq = 4, hash = ?", kept[0])

    verdict = await audit.verify(store)
    assert (verdict.ok, verdict.why) == (False, "the end of the audit was changed outside maton-mailgun")


async def test_swapped_entries_are_found(backend: Backend, store: Store) -> None:
    await story(store)
    for old, new in ((2, 99), (3, 2), (99, 3)):
        backend.intrude("UPDATE maton_mailgun_audit SET seq = ? WHERE seq = ?", new, old)

    verdict = await audit.verify(store)
    assert (verdict.ok, verdict.first_bad) == (False, 2)


async def test_a_record_that_the_audit_does_not_know_is_found(backend: Backend, store: Store) -> None:
    await story(store)
    backend.intrude("UPDATE maton_mailgun_approvals SET id = 'apr_new' WHERE digest = 'sha256:1'")

    verdict = await audit.verify(store)
    assert (verdict.ok, "the audit does not know it" in verdict.why) == (False, True)


EDITS = {
    "state": "state = 'approved'",
    "version": "version = 7",
    "principal": "principal = 'eve'",
    "digest": "digest = 'sha256:other'",
    "envelope": "envelope = NULL",
    "created_at": "created_at = created_at + 1",
    "changed_at": "changed_at = changed_at + 1",
    "body": "body = substr(body, 1, 60) || 'AAAA' || substr(body, 65)",
    "no base64": "body = 'ü'",
    "too short": "body = 'AQ=='",
    "mac": "mac = 'ü'",
}


@pytest.mark.parametrize("column", EDITS)
async def test_attack_37_an_edited_row_is_refused_by_every_use(backend: Backend, store: Store, column: str) -> None:
    record, _ = await store.insert(a_record(level="operator"), b"sealed", max_pending=10)
    backend.intrude(f"UPDATE maton_mailgun_approvals SET {EDITS[column]}")  # noqa: S608

    for use in (
        lambda: store.get(record.id),
        lambda: store.envelope(record.id),
        lambda: store.move(record, "approved", actor="ann"),
        lambda: store.amend(record, actor="ann", shown_at=NOON),
        lambda: store.claim(record, actor="gate", lease_seconds=60),
    ):
        with pytest.raises(Tampered) as tampered:
            await use()
        assert tampered.value.approval_id == record.id


FORGED: tuple[dict[str, Any], ...] = (
    {"preview": {"whole": True, "title": "Look at a route"}},
    {"level": "client"},
    {"expires_at": NOON + 999_900},
    {"connection_id": "conn-2"},
)


@pytest.mark.parametrize("forged", FORGED, ids=lambda forged: str(*forged))
async def test_attack_37_a_record_put_back_in_clear_is_held_to_its_checksum(
    backend: Backend, store: Store, forged: dict[str, Any]
) -> None:
    """Clear records of earlier versions are read; that is no way past the seal."""
    record, _ = await store.insert(a_record(level="operator"), b"sealed", max_pending=10)
    backend.intrude("UPDATE maton_mailgun_approvals SET body = ?", _body(replace(record, **forged)))

    with pytest.raises(Tampered, match=record.id):
        await store.get(record.id)
    backend.intrude("UPDATE maton_mailgun_approvals SET body = ?", _body(record))
    assert await store.get(record.id) == record


async def test_attack_37_the_sealed_record_of_another_does_not_open(backend: Backend, store: Store) -> None:
    record, _ = await store.insert(a_record(digest="sha256:1"), b"sealed", max_pending=10)
    other, _ = await store.insert(a_record(digest="sha256:2"), b"sealed", max_pending=10)
    ((body,),) = backend.intrude("SELECT body FROM maton_mailgun_approvals WHERE id = ?", other.id)
    backend.intrude("UPDATE maton_mailgun_approvals SET body = ? WHERE id = ?", body, record.id)

    with pytest.raises(Tampered, match=record.id):
        await store.get(record.id)
    assert await store.get(other.id) == other


async def test_attack_37_a_forged_row_is_not_joined(backend: Backend, store: Store) -> None:
    record, _ = await store.insert(a_record(), b"sealed", max_pending=10)
    forged = _body(replace(record, state="approved"))
    backend.intrude("UPDATE maton_mailgun_approvals SET body = ?, state = 'approved'", forged)

    with pytest.raises(Tampered, match=record.id):
        await store.insert(a_record(), b"sealed", max_pending=10)


async def test_attack_37_one_bad_row_hides_no_good_one(
    backend: Backend, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    good, _ = await store.insert(a_record(digest="sha256:1"), b"sealed", max_pending=10)
    bad, _ = await store.insert(a_record(digest="sha256:2"), b"sealed", max_pending=10)
    backend.intrude("UPDATE maton_mailgun_approvals SET version = 9 WHERE id = ?", bad.id)

    assert await store.list() == [good]
    assert bad.id in caplog.text
    backend.clock.pass_by(901)
    assert [record.id for record in await store.sweep()] == [good.id]


COLUMNS = "state, version, changed_at, body, envelope, mac"


def put_back(backend: Backend, record: Record, old: tuple[object, ...]) -> None:
    """Give a row the columns that it had before, checksum included."""
    columns = ", ".join(f"{name} = ?" for name in COLUMNS.split(", "))
    backend.intrude(f"UPDATE maton_mailgun_approvals SET {columns} WHERE id = ?", *old, record.id)  # noqa: S608


async def test_attack_37_a_finished_row_put_back_to_approved_is_not_claimed_again(
    backend: Backend, store: Store
) -> None:
    """Every checksum in the old row is right; but the audit has seen it go on."""
    record, _ = await store.insert(a_record(), b"sealed", max_pending=10)
    record = await store.move(record, "approved", actor="ann")
    (old,) = backend.intrude(f"SELECT {COLUMNS} FROM maton_mailgun_approvals")  # noqa: S608
    claimed = await store.claim(record, actor="gate", lease_seconds=60)
    await store.move(claimed, "succeeded", actor="gate")
    backend.intrude(
        "UPDATE maton_mailgun_approvals SET state = ?, version = ?, changed_at = ?, body = ?, envelope = ?, mac = ?",
        *old,
    )

    with pytest.raises(Tampered, match="the audit knows it in another state"):
        await store.claim(record, actor="gate", lease_seconds=60)
    assert (await audit.verify(store)).ok is False


@pytest.mark.parametrize("later", [True, False])
async def test_attack_37_a_row_put_back_together_with_its_entries_is_not_claimed(
    backend: Backend, store: Store, later: bool
) -> None:
    """The intruder also removes what the audit says after the approval, with and without entries behind the hole."""
    record, _ = await store.insert(a_record(), b"sealed", max_pending=10)
    record = await store.move(record, "approved", actor="ann")
    (old,) = backend.intrude(f"SELECT {COLUMNS} FROM maton_mailgun_approvals")  # noqa: S608
    await store.claim(record, actor="gate", lease_seconds=60)
    if later:
        await store.insert(a_record(digest="sha256:other"), b"sealed", max_pending=10)
    put_back(backend, record, old)
    backend.intrude("DELETE FROM maton_mailgun_audit WHERE seq = 3")

    with pytest.raises(Tampered, match="audit entry"):
        await store.claim(record, actor="gate", lease_seconds=60)


async def test_attack_37_a_database_put_back_whole_is_not_claimed_from_again(backend: Backend, store: Store) -> None:
    """Rows, audit and head are all as they once were: only this process knows that more had happened."""
    record, _ = await store.insert(a_record(), b"sealed", max_pending=10)
    record = await store.move(record, "approved", actor="ann")
    tables = ("approvals", "audit", "head")
    for table in tables:
        backend.intrude(f"CREATE TABLE copy_{table} AS SELECT * FROM maton_mailgun_{table}")  # noqa: S608
    await store.claim(record, actor="gate", lease_seconds=60)
    for table in tables:
        backend.intrude(f"DELETE FROM maton_mailgun_{table}")  # noqa: S608
        backend.intrude(f"INSERT INTO maton_mailgun_{table} SELECT * FROM copy_{table}")  # noqa: S608

    assert await store.get(record.id) == record
    with pytest.raises(Tampered, match="ended at entry 3 before and now ends at 2"):
        await store.claim(record, actor="gate", lease_seconds=60)


async def test_an_edited_budget_is_refused(backend: Backend, store: Store) -> None:
    await story(store)
    backend.intrude("UPDATE maton_mailgun_head SET budgets = '{}'")

    with pytest.raises(Tampered, match="the end of the audit was changed"):
        await store.spent(["notes"])
    with pytest.raises(Tampered):
        await store.insert(a_record(), b"sealed", max_pending=10)


async def test_a_removed_record_cannot_be_moved(backend: Backend, store: Store) -> None:
    record, _ = await store.insert(a_record(), b"sealed", max_pending=10)
    backend.intrude("DELETE FROM maton_mailgun_approvals")

    with pytest.raises(Tampered, match="removed"):
        await store.move(record, "approved", actor="ann")


async def test_attack_39_after_a_lost_key_file_the_old_records_stay_closed(backend: Backend, store: Store) -> None:
    record, _ = await store.insert(a_record(), b"sealed", max_pending=1)
    await store.close()
    (backend.home / "keys.json").unlink()

    if backend.url is not None:
        # A replica with a key of its own is a mistake to be told, not a reason to close the others' approvals.
        with pytest.raises(StoreUnavailable, match="same key file"):
            await backend.open()
        return
    again = await backend.open()
    try:
        with pytest.raises(Unsealable, match="no longer has"):
            await again.get(record.id)
        fresh = a_record()
        assert await again.insert(fresh, b"sealed", max_pending=1) == (fresh, False)
        assert await again.list() == [fresh]
        assert await again.history("local", [fresh.digest], NOON) == [fresh]
        verdict = await audit.verify(again)
        assert (verdict.ok, verdict.first_bad, "nobody can vouch" in verdict.why) == (False, 1, True)
    finally:
        await again.close()


async def test_a_process_that_still_has_the_lost_key_is_told_to_restart(tmp_path: Path) -> None:
    first = Backend(None, tmp_path)
    store = await first.open()
    try:
        (first.home / "keys.json").unlink()
        other = await first.open()
        await other.close()
        with pytest.raises(StoreUnavailable, match="Restart this one"):
            await store.insert(a_record(), b"sealed", max_pending=1)
    finally:
        await store.close()

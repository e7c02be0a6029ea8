"""What is kept and for how long, and what is removed of a person, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from maton_mailgun.approval.binding import seal
from maton_mailgun.approval.lifecycle import forget
from maton_mailgun.approval.store import audit, table
from maton_mailgun.approval.store.contract import Store
from maton_mailgun.approval.store.failures import Conflict
from maton_mailgun.approval.store.record import TERMINAL, Record, State
from maton_mailgun.approval.store.upkeep import AT_ONCE, EMPTIED, Gone, Reached, Removed
from maton_mailgun.config import load
from maton_mailgun.errors import SetupError
from maton_mailgun.mail.mentions import Mentions, NoAddress

from .backends import Backend
from .records import NOON, a_record

pytestmark = pytest.mark.anyio

DAY = 86_400.0
ANN = "ann@example.com"


async def finished(store: Store, number: int = 0, state: State = "rejected", **changes: Any) -> Record:
    """A record that ended in this state just now."""
    asked = a_record(
        created_at=store.clock(), expires_at=store.clock() + 900, digest=f"sha256:{number:064d}", **changes
    )
    record, _ = await store.insert(asked, seal_of(store, asked), max_pending=1_000)
    if state in ("rejected", "expired", "cancelled"):
        return await store.move(record, state, actor="ann", finished_at=store.clock(), reason=changes.get("reason"))
    record = await store.move(record, "approved", actor="ann", decided_at=store.clock())
    if state != "stale":
        record = await store.claim(record, actor="gate", lease_seconds=60)
    return await store.move(record, state, actor="gate", finished_at=store.clock())


def seal_of(store: Store, record: Record) -> bytes:
    return b"sealed request of " + record.id.encode()


async def all_removed(store: Store, before: float) -> int:
    place: Reached | None = Reached()
    count = 0
    while place is not None:
        removed = await store.remove_finished(before, place)
        count, place = count + removed.count, removed.place
    return count


# How long it is kept ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", sorted(TERMINAL - {"superseded"}))
async def test_what_is_finished_and_old_leaves_its_audit_and_how_it_ended(
    backend: Backend, store: Store, state: State
) -> None:
    old = await finished(store, 1, state)
    backend.clock.pass_by(90 * DAY)
    young = await finished(store, 2)
    backend.clock.pass_by(1.0)

    assert await store.remove_finished(store.clock() - 90 * DAY, Reached()) == Removed(1, None)

    assert [record.id for record in await store.list()] == [young.id]
    assert await store.get(old.id) is None
    assert await store.gone(old.id) == Gone("local", state, store.clock())
    assert (await store.gone(young.id), await store.gone("apr_none")) == (None, None)
    assert backend.intrude("SELECT count(*) FROM maton_mailgun_approvals WHERE id = ?", old.id) == [(0,)]
    verdict = await audit.verify(store)
    assert (verdict.ok, verdict.why) == (True, "")


async def test_a_step_is_bounded_and_a_walk_goes_on_where_it_was(backend: Backend, store: Store) -> None:
    for number in range(AT_ONCE + 3):
        await finished(store, number)
    backend.clock.pass_by(2 * DAY)

    first = await store.remove_finished(store.clock() - DAY, Reached())
    assert (first.count, first.place is not None) == (AT_ONCE, True)
    assert await store.remove_finished(store.clock() - DAY, first.place or Reached()) == Removed(3, None)
    assert (await audit.verify(store)).ok


async def test_what_nobody_can_vouch_for_stays_and_keeps_nothing_else_from_being_removed(
    backend: Backend, store: Store
) -> None:
    changed = await finished(store, 1)
    await finished(store, 2)
    backend.intrude("UPDATE maton_mailgun_approvals SET body = ? WHERE id = ?", "AAAA", changed.id)
    backend.clock.pass_by(2 * DAY)

    assert await all_removed(store, store.clock() - DAY) == 1
    assert backend.intrude("SELECT id FROM maton_mailgun_approvals") == [(changed.id,)]


async def test_an_identical_call_after_its_record_was_removed_is_a_new_question(backend: Backend, store: Store) -> None:
    old = await finished(store, 1, "succeeded")
    backend.clock.pass_by(91 * DAY)
    await all_removed(store, store.clock() - 90 * DAY)

    again, joined = await store.insert(
        a_record(digest=old.digest, created_at=store.clock(), expires_at=store.clock() + 900), b"x", max_pending=1
    )
    assert (joined, again.state, again.id == old.id) == (False, "pending", False)


async def test_what_is_old_is_found_by_an_index(tmp_path: Path) -> None:
    backend = Backend(None, tmp_path)
    await (await backend.open()).close()
    plan = backend.intrude(f"EXPLAIN QUERY PLAN {table.FINISHED}", 1.0, 0.0, "", 50)
    assert "USING INDEX maton_mailgun_approvals_ended" in str(plan)
    assert "TEMP B-TREE" not in str(plan)


def test_ninety_days_are_kept_unless_the_operator_says_otherwise() -> None:
    kept = [
        load({"MATON_MAILGUN_HOME": "x", **given}).keep_days for given in ({}, {"MATON_MAILGUN_KEEP_DAYS": " 7.5 "})
    ]
    assert kept == [90.0, 7.5]


@pytest.mark.parametrize("wrong", ["0", "0.9", "-1", "nan", "inf", "36501", "a week"])
def test_a_time_to_keep_that_is_none_stops_the_start(wrong: str) -> None:
    with pytest.raises(SetupError, match="Use a number of days from 1 to 36500"):
        load({"MATON_MAILGUN_KEEP_DAYS": wrong})


# What is removed of a person ------------------------------------------------------------------------------------------


async def test_a_record_that_is_emptied_keeps_its_id_state_and_digest_and_nothing_that_was_said(store: Store) -> None:
    record = await finished(
        store, 1, "succeeded", client=ANN, preview={"whole": True, "target": ANN}, snapshot="sha256:1"
    )

    emptied = await store.empty(record, actor="ann at a terminal")

    kept = (emptied.id, emptied.state, emptied.digest, emptied.principal, emptied.finished_at, emptied.version)
    assert kept == (record.id, "succeeded", record.digest, "local", record.finished_at, record.version + 1)
    said = (emptied.client, emptied.reason, emptied.result, emptied.snapshot, emptied.preview["target"])
    assert said == ("", None, None, None, EMPTIED)
    assert await store.history("local", [record.digest], NOON) == [emptied]
    assert (await audit.verify(store)).ok
    with pytest.raises(Conflict):
        await store.empty(record, actor="ann at a terminal")


async def test_a_person_is_found_in_previews_answers_reasons_and_requests_and_who_waits_is_named(
    backend: Backend, store: Store
) -> None:
    def packed(record: Record, text: str) -> bytes:
        return seal.seal(backend.keys.seal, text.encode(), approval_id=record.id, digest=record.digest)

    shown = await finished(store, 1, preview={"target": "ANN@Example.com"})
    answered = await finished(store, 2, "succeeded")
    answered = await store.amend(answered, actor="gate", result={"to": {"Ann <ann@example.com>": 1}})
    said = await finished(store, 3, reason=f"not to {ANN}")
    other = await finished(store, 4, preview={"target": "joann@example.com"})
    asked = a_record(digest="sha256:5", preview={"target": "a list"})
    mime = f'{{"request": {{"files": [{{"content": "{ANN.encode().hex()}"}}]}}}}'
    waits, _ = await store.insert(asked, packed(asked, mime), max_pending=9)
    elsewhere = a_record(digest="sha256:6")
    await store.insert(elsewhere, packed(elsewhere, '{"request": {"files": []}}'), max_pending=9)

    found = await forget.about(store, backend.keys, Mentions.of(ANN))
    assert {record.id for record in found.finished} == {shown.id, answered.id, said.id}
    assert ([record.id for record in found.open], found.unreadable) == ([waits.id], [])

    assert len(await forget.empty(store, found, "somebody at a terminal")) == 3
    again = await forget.about(store, backend.keys, Mentions.of(ANN))
    assert (again.finished, [record.id for record in again.open]) == ([], [waits.id])
    assert (await store.get(other.id)) == other
    exported = "".join([line async for line in audit.export(store)])
    assert ANN not in exported.lower()
    assert (await audit.verify(store)).ok


async def test_what_cannot_be_looked_into_is_named(backend: Backend, store: Store) -> None:
    changed = await finished(store, 1)
    backend.intrude("UPDATE maton_mailgun_approvals SET body = ? WHERE id = ?", "AAAA", changed.id)
    sealed, _ = await store.insert(a_record(digest="sha256:2"), b"not an envelope of ours", max_pending=9)

    found = await forget.about(store, backend.keys, Mentions.of(ANN))
    assert (found.finished, found.open, set(found.unreadable)) == ([], [], {changed.id, sealed.id})


@pytest.mark.parametrize(
    "wrong", ["", "ann", "@example.com", "ann@", "a b@example.com", "ann@exa mple.com", "a@b@c.de"]
)
def test_what_is_no_address_is_refused(wrong: str) -> None:
    with pytest.raises(NoAddress):
        Mentions.of(wrong)


def pieces(*kept: str | bytes) -> Iterator[bytes]:
    """A row as it may stand in a file: a page holds a part of it, and so does each of PostgreSQL's chunks."""
    for one in kept:
        data = one if isinstance(one, bytes) else one.encode()
        for start in range(0, max(1, len(data) - 48), 48):
            yield data[start : start + 48]


def holding(folder: Path, wanted: list[bytes], *, but: str = "") -> list[str]:
    """Names of the files below a folder in which any of the pieces stands; one folder in it may be left out."""
    found = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and but not in path.parts):
        try:
            content = file.read_bytes()
        except FileNotFoundError:  # a running server removes files of its own
            continue
        if any(piece in content for piece in wanted):
            found.append(file.name)
    return found


async def test_no_file_of_the_state_directory_keeps_a_byte_of_what_was_removed(tmp_path: Path) -> None:
    """Another process has the file open, as a server would; rows are large enough for pages of their own."""
    backend = Backend(None, tmp_path)
    store, server = await backend.open(), await backend.open()
    try:
        for number in range(30):
            await finished(server, number, preview={"target": f"{ANN} {number}", "text": "x" * (400 * number)})
        kept = [text for (text,) in backend.intrude("SELECT body FROM maton_mailgun_approvals")]
        wanted = list(pieces(*kept))
        assert {"approvals.sqlite", "approvals.sqlite-wal"} & set(holding(tmp_path, wanted))

        found = await forget.about(store, backend.keys, Mentions.of(ANN))
        assert len(await forget.empty(store, found, "somebody at a terminal")) == 30
        assert await store.wipe() == ""

        assert holding(tmp_path, wanted) == []
        assert len(await server.list()) == 30
        assert (await audit.verify(server)).ok
    finally:
        await store.close()
        await server.close()


async def test_a_log_that_a_reader_holds_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maton_mailgun.approval.store.sqlite.BUSY_SECONDS", 0.1)
    import sqlite3

    backend = Backend(None, tmp_path)
    store = await backend.open()
    reader = sqlite3.connect(tmp_path / "approvals.sqlite", isolation_level=None)
    try:
        record = await finished(store, 1)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM maton_mailgun_approvals").fetchall()
        await store.empty(record, actor="somebody at a terminal")
        assert "another process is using it" in await store.wipe() or "locked" in await store.wipe()
    finally:
        reader.close()
        await store.close()


@pytest.mark.postgres
@pytest.mark.long
async def test_postgres_keeps_what_was_removed_in_its_write_ahead_log_alone_after_a_checkpoint(
    postgres_backend: Backend,
) -> None:
    """And says so: `base` is where tables are, `pg_wal` is recycled in its own time."""
    assert postgres_backend.url is not None
    store = await postgres_backend.open()
    try:
        for number in range(5):
            await finished(store, number, preview={"target": ANN, "text": "x" * 9_000})
        kept = [text for (text,) in postgres_backend.intrude("SELECT body FROM maton_mailgun_approvals")]
        wanted = list(pieces(*kept))
        with psycopg.connect(postgres_backend.url, autocommit=True) as connection:
            connection.execute("CHECKPOINT")
            ((place,),) = connection.execute("SHOW data_directory").fetchall()
            before = holding(Path(place) / "base", wanted)
            found = await forget.about(store, postgres_backend.keys, Mentions.of(ANN))
            assert len(await forget.empty(store, found, "somebody at a terminal")) == 5
            told = await store.wipe()
            connection.execute("CHECKPOINT")
        after = holding(Path(place), wanted, but="pg_wal")
        assert (before != [], after) == (True, [])
        assert "write-ahead log until that is recycled" in told
        assert (await audit.verify(store)).ok
    finally:
        await store.close()

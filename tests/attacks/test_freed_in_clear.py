"""Attack 108: whoever gets the file of approvals looks in it for what an earlier version had written in clear and let
go of. Records are sealed once it is opened; only a file that is written anew has lost the rest."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from durability.test_earlier_versions import IN_CLEAR, Left, left, on_disk
from maton_mailgun.approval.store import sqlite as sqlite_store

__all__ = ["left"]
pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("left", ["sqlite"], indirect=True)]

FREED = b"gone.before@example.net"


def freed_in_clear(left: Left) -> None:
    """As that version did whenever a record became shorter: it did not overwrite what it let go of, and it is in no
    row any more."""
    with closing(sqlite3.connect(left.backend.home / "approvals.sqlite", isolation_level=None)) as database:
        # Some builds of SQLite overwrite unless they are told not to; that version could not count on it.
        database.execute("PRAGMA secure_delete = OFF")
        rows = database.execute("SELECT id, body FROM maton_mailgun_approvals").fetchall()
        for approval_id, body in rows:
            longer = json.dumps({**json.loads(body), "note": FREED.decode() * 300})
            database.execute("UPDATE maton_mailgun_approvals SET body = ? WHERE id = ?", (longer, approval_id))
        for approval_id, body in rows:
            database.execute("UPDATE maton_mailgun_approvals SET body = ? WHERE id = ?", (body, approval_id))
    assert left.backend.intrude("SELECT id FROM maton_mailgun_approvals WHERE instr(body, ?)", FREED.decode()) == []


@contextmanager
def read_elsewhere(left: Left) -> Iterator[None]:
    """Another process is in the middle of reading the database."""
    with closing(sqlite3.connect(left.backend.home / "approvals.sqlite", isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM maton_mailgun_approvals").fetchall()
        yield


async def test_attack_108_what_it_had_freed_in_clear_is_gone_once_opened(left: Left) -> None:
    freed_in_clear(left)
    before = on_disk(left).count(FREED)
    await left.opened()
    assert (before > 0, on_disk(left).count(FREED)) == (True, 0)


async def test_attack_108_the_seal_of_every_record_does_not_reach_it(
    left: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    freed_in_clear(left)
    monkeypatch.setattr(sqlite_store.SqliteStore, "_wipe", lambda store: None)
    await left.opened()
    assert (left.backend.intrude(IN_CLEAR), FREED in on_disk(left)) == ([], True)


async def test_attack_108_what_could_not_be_wiped_while_others_read_is_wiped_at_the_next_start(
    left: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_store, "BUSY_SECONDS", 0.02)
    freed_in_clear(left)
    with read_elsewhere(left):
        await left.opened()
        assert (left.backend.intrude(IN_CLEAR), FREED in on_disk(left)) == ([], True)
    await left.opened()
    assert FREED not in on_disk(left)

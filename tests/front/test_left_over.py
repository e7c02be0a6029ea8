"""What an earlier server left to take up starts the next one at once; so does whatever cannot be looked at."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, get_args

import pytest

from approval.records import a_record
from maton_mailgun.approval.binding.keys import load_keys
from maton_mailgun.approval.store.contract import Store
from maton_mailgun.approval.store.opening import open_store
from maton_mailgun.approval.store.record import TERMINAL, State
from maton_mailgun.config import DATABASE
from maton_mailgun.front.first_answers import FirstAnswers
from maton_mailgun.front.left_over import anything_left

HEAD: Mapping[str, Any] = FirstAnswers().head


@asynccontextmanager
async def opened(home: Path) -> AsyncIterator[Store]:
    store = await open_store(None, home, load_keys(home))
    try:
        yield store
    finally:
        await store.close()


async def _keep(home: Path, states: tuple[State, ...]) -> None:
    async with opened(home) as store:
        for number, state in enumerate(states):
            record = a_record(digest=f"sha256:{number:064}")
            await store.insert(record, b"the request", max_pending=10)
            change(home, "UPDATE maton_mailgun_approvals SET state = ? WHERE id = ?", state, record.id)


def kept(home: Path, *states: State) -> None:
    """A closed store with one record in each of these states, as of just now."""
    home.chmod(0o700)
    asyncio.run(_keep(home, states))


def change(home: Path, statement: str, *values: str) -> None:
    with closing(sqlite3.connect(home / DATABASE, isolation_level=None)) as database:
        database.execute(statement, values)


def left(home: Path, keep_days: float = 90.0) -> bool:
    return anything_left(str(home / DATABASE), HEAD["unfinished"], HEAD["older"], keep_days)


def test_nothing_is_left_where_nothing_was_ever_proposed(tmp_path: Path) -> None:
    assert not left(tmp_path)
    assert not left(tmp_path / "not there")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("state", get_args(State))
def test_what_is_not_finished_is_left(state: State, tmp_path: Path) -> None:
    kept(tmp_path, "rejected", state)
    assert left(tmp_path) == (state not in TERMINAL)


def test_what_was_kept_long_enough_is_left_to_be_removed(tmp_path: Path) -> None:
    kept(tmp_path, "succeeded")
    change(tmp_path, "UPDATE maton_mailgun_approvals SET changed_at = changed_at - 2 * 86400")
    assert (left(tmp_path, 3.0), left(tmp_path, 1.0)) == (False, True)


def test_it_is_seen_while_another_server_has_the_database_open(tmp_path: Path) -> None:
    kept(tmp_path, "succeeded")

    async def meanwhile() -> list[bool]:
        async with opened(tmp_path) as store:
            before = left(tmp_path)
            await store.insert(a_record(), b"the request", max_pending=10)
            return [before, left(tmp_path)]

    assert asyncio.run(meanwhile()) == [False, True]


def test_what_an_earlier_version_wrote_in_clear_is_left(tmp_path: Path) -> None:
    kept(tmp_path, "succeeded")
    change(tmp_path, "PRAGMA user_version = 0")
    assert left(tmp_path)


def test_looking_changes_nothing(tmp_path: Path) -> None:
    kept(tmp_path, "succeeded")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert not left(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("ending", ["", "-wal", "-shm"])
def test_a_file_that_others_could_change_is_not_looked_into(ending: str, tmp_path: Path) -> None:
    kept(tmp_path, "succeeded")
    path = tmp_path / f"{DATABASE}{ending}"
    path.touch()
    path.chmod(0o666)
    assert left(tmp_path)


def test_a_link_or_what_is_no_database_is_left_to_the_server(tmp_path: Path) -> None:
    (tmp_path / DATABASE).write_bytes(b"no database")
    (tmp_path / DATABASE).chmod(0o600)
    assert left(tmp_path)
    (tmp_path / DATABASE).unlink()
    (tmp_path / DATABASE).symlink_to("/nowhere")
    assert left(tmp_path)
    (tmp_path / DATABASE).unlink()
    os.mkfifo(tmp_path / DATABASE)
    assert left(tmp_path)

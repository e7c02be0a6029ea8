"""Several processes on one store, and processes that die: real ones, killed for real."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maton_mailgun.approval.binding.seal import unseal
from maton_mailgun.approval.store import audit
from maton_mailgun.approval.store.contract import Store
from maton_mailgun.approval.store.failures import StoreUnavailable
from maton_mailgun.approval.store.opening import open_store
from maton_mailgun.approval.store.record import Record, new_approval_id

from . import racers
from .backends import Backend
from .records import NOON, a_record

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

PROCESSES = multiprocessing.get_context("spawn")
PATIENCE = 60.0


def race(backend: Backend, runner: Callable[..., None], ids: list[list[str]]) -> list[Any]:
    """Run one process for each list of ids, from one starting gun, and collect what they report."""
    starts, results = PROCESSES.Barrier(len(ids), timeout=PATIENCE), PROCESSES.Queue()
    runners = [PROCESSES.Process(target=runner, args=(backend.url, backend.home, own, starts, results)) for own in ids]
    for process in runners:
        process.start()
    try:
        return [results.get(timeout=PATIENCE) for _ in runners]
    finally:
        for process in runners:
            process.join(PATIENCE)
            process.kill()


async def approvals(store: Store, count: int) -> list[str]:
    ids = []
    for number in range(count):
        record, _ = await store.insert(a_record(digest=f"sha256:{number}"), b"sealed", max_pending=10)
        ids.append((await store.move(record, "approved", actor="ann", decided_at=NOON)).id)
    return ids


async def test_attack_32_two_processes_one_approval_one_winner_in_200_rounds(backend: Backend, store: Store) -> None:
    ids = await approvals(store, 200)

    first, second = race(backend, racers.claim_each, [ids, ids])

    assert sorted(first + second) == sorted(ids)
    assert await store.spent(["all"]) == {"all": 200}
    assert {record.state for record in await store.list(limit=500)} == {"executing"}
    assert await audit.verify(store) == audit.AuditVerdict(ok=True, entries=600)


async def test_attack_38_processes_together_never_exceed_a_budget(backend: Backend, store: Store) -> None:
    ids = await approvals(store, 16)

    claimed = race(backend, racers.spend_budget, [ids[:8], ids[8:]])

    assert sum(claimed) == 7
    assert await store.spent(["notes"]) == {"notes": 7}


async def test_processes_that_open_a_new_store_together_share_it(backend: Backend) -> None:
    outcomes = race(backend, racers.open_first, [[], [], [], []])

    assert len({approval_id for approval_id, _ in outcomes}) == 1
    assert sorted(joined for _, joined in outcomes) == [False, True, True, True]


@pytest.mark.parametrize("inside", [False, True], ids=["after", "inside"])
@pytest.mark.parametrize("step", racers.STEPS)
async def test_attack_33_a_killed_process_leaves_what_it_had_committed(
    backend: Backend, step: str, inside: bool
) -> None:
    """Killed after a step, the step is there; killed inside its transaction, nothing of it is, audit and budget
    included."""
    approval_id = new_approval_id()
    process = PROCESSES.Process(target=racers.die_after, args=(backend.url, backend.home, approval_id, step, inside))
    process.start()
    process.join(PATIENCE)
    assert process.exitcode == -signal.SIGKILL

    done = racers.STEPS.index(step) + (0 if inside else 1)
    store = await backend.open()
    try:
        record = await store.get(approval_id)
        states = [None, "pending", "approved", "executing", "succeeded"]
        assert (record.state if record else None) == states[done]
        assert await audit.verify(store) == audit.AuditVerdict(ok=True, entries=done)
        assert await store.spent(["notes"]) == {"notes": 1 if done >= 3 else 0}
        if record is not None and record.state != "succeeded":
            envelope = await store.envelope(approval_id)
            opened = unseal(backend.keys.seal, envelope, approval_id=approval_id, digest=record.digest)
            assert opened == b"the request"
            await after_the_restart(backend, store, record)
    finally:
        await store.close()


async def after_the_restart(backend: Backend, store: Store, record: Record) -> None:
    """Once its lease is over, what was in flight is unknown; what was not in flight is still usable."""
    backend.clock.pass_by(61)
    swept = await store.sweep()

    if record.state == "executing":
        assert [(found.id, found.state) for found in swept] == [(record.id, "unknown")]
    else:
        assert swept == []
        assert await store.get(record.id) == record


def test_naming_the_store_and_the_policy_loads_no_database_and_no_heavy_library() -> None:
    """They are loaded on the first write: a server that only reads never pays for them."""
    program = (
        "import sys; import maton_mailgun.approval.store.contract, maton_mailgun.approval.store.record, "
        "maton_mailgun.approval.policy.judge, maton_mailgun.approval.binding.keys, "
        "maton_mailgun.approval.binding.canonical; "
        "heavy = {'sqlite3', 'psycopg', 'cryptography', 'idna', 'pydantic', 'asyncio'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX limits and users")


def limited(home: Path, *, file_bytes: int | None = None, user: int | None = None) -> tuple[int, str]:
    results = PROCESSES.Queue()
    process = PROCESSES.Process(target=racers.write_with_limits, args=(home, file_bytes, user, results))
    process.start()
    process.join(PATIENCE)
    assert process.exitcode == 0
    outcome: tuple[int, str] = results.get(timeout=PATIENCE)
    return outcome


def give_away_read_only(home: Path, user: int) -> None:
    # The test's directories belong to root alone: the other user must be able to reach its own.
    for path in (home, *home.parents):
        if path.stat().st_uid == 0 and path.name.startswith(("pytest-", "popen-", "test_")):
            path.chmod(0o755)
    for path in (*home.iterdir(), home):
        os.chown(path, user, user)
        path.chmod(0o500 if path.is_dir() else 0o400)


def modes(home: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in home.glob("approvals.sqlite*")}


@posix
async def test_attack_35_a_full_disk_is_told_and_keeps_what_was_committed(tmp_path: Path) -> None:
    stored, words = limited(tmp_path, file_bytes=500_000)

    assert stored > 0
    assert "cannot be used" in words
    assert "full" in words
    store = await Backend(None, tmp_path).open()
    try:
        assert len(await store.list(limit=1000)) == stored
        assert await audit.verify(store) == audit.AuditVerdict(ok=True, entries=stored)
    finally:
        await store.close()


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="needs root to become another user")
async def test_attack_35_a_read_only_database_is_told_before_anything_is_written(tmp_path: Path) -> None:
    nobody = 65534
    await (await Backend(None, tmp_path).open()).close()
    give_away_read_only(tmp_path, nobody)

    stored, words = limited(tmp_path, user=nobody)

    assert stored == 0
    assert "read-only" in words
    assert "must be writable" in words


async def test_attack_35_a_database_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "approvals.sqlite").write_bytes(b"not a database, but long enough to be looked at" * 50)

    with pytest.raises(StoreUnavailable, match="not a database"):
        await Backend(None, tmp_path).open()


async def test_attack_35_a_missing_directory_is_told(tmp_path: Path) -> None:
    backend = Backend(None, tmp_path)
    keys = backend.keys
    with pytest.raises(StoreUnavailable, match="state directory"):
        await open_store(None, tmp_path / "absent", keys)


@posix
async def test_the_database_files_are_private(tmp_path: Path) -> None:
    store = await Backend(None, tmp_path).open()
    try:
        await store.insert(a_record(), b"sealed", max_pending=1)
        names = ("approvals.sqlite", "approvals.sqlite-wal", "approvals.sqlite-shm")
        assert modes(tmp_path) == dict.fromkeys(names, 0o600)
    finally:
        await store.close()

"""A database that an earlier version left behind is opened, migrated and gone on with; `earlier/make.py` made them."""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from approval.backends import Backend
from approval.conftest import postgres_backend
from approval.form_reading import as_read
from attacks.bench import DOMAIN, Clock, Desk, decide, structured
from cli.conftest import Cli
from maton_mailgun.approval.channels.view import bodies, detail
from maton_mailgun.approval.lifecycle.decide import NotDecidable
from maton_mailgun.approval.preview.document import Preview
from maton_mailgun.approval.preview.form_text import question
from maton_mailgun.approval.store import audit
from maton_mailgun.approval.store.contract import Store
from maton_mailgun.approval.store.opening import open_store
from maton_mailgun.cli.record_view import show_preview, show_state
from maton_mailgun.cli.screen import Screen
from maton_mailgun.sandbox import Sandbox

__all__ = ["postgres_backend"]
pytestmark = pytest.mark.anyio

VERSION = Path(__file__).parent / "earlier" / "eab1afb"
FINISHED = {"succeeded", "failed", "rejected", "expired", "cancelled", "stale"}
ROWS = (
    "SELECT id, principal, digest, state, version, created_at, changed_at, envelope, key_id, mac "
    "FROM maton_mailgun_approvals ORDER BY id",
    "SELECT * FROM maton_mailgun_audit ORDER BY seq",
    "SELECT * FROM maton_mailgun_head",
)
ADDED_SINCE = (
    "maton_mailgun_approvals_each",
    "maton_mailgun_approvals_theirs",
    "maton_mailgun_approvals_everybodys",
    "maton_mailgun_approvals_clear",
)
"""The indexes that this version did not have yet."""


@pytest.fixture
def anyio_backend() -> str:
    """The server runs on asyncio."""
    return "asyncio"


@dataclass
class Left:
    """What was left behind, where today's version finds it, and the clock as it stood then."""

    backend: Backend
    clock: Clock
    approvals: dict[str, dict[str, Any]]

    def id(self, name: str) -> str:
        found: str = self.approvals[name]["id"]
        return found

    async def open(self) -> Store:
        backend = self.backend
        return await open_store(
            backend.url, backend.home, backend.keys, clock=self.clock, monotonic=self.clock.monotonic
        )

    async def opened(self) -> None:
        """Open it once, as any command does, and let go of it."""
        await (await self.open()).close()

    def desk(self) -> Desk:
        return Desk(self.backend.home, Sandbox(clock=self.clock), self.clock)

    def rows(self) -> list[Any]:
        return [self.backend.intrude(statement) for statement in ROWS]

    def indexes(self) -> dict[str, str]:
        """Every index by name, as the database defines it."""
        if self.backend.url is None:
            statement = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        else:
            statement = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()"
        return dict(self.backend.intrude(statement))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def left(request: pytest.FixtureRequest, tmp_path: Path) -> Left:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    for source, name in (("test_key.json", "keys.json"), ("approvals.sqlite", "approvals.sqlite")):
        shutil.copyfile(VERSION / source, home / name)
        (home / name).chmod(0o600)
    backend = Backend(None, home)
    if request.param == "postgres":
        (home / "approvals.sqlite").unlink()
        empty: Backend = request.getfixturevalue("postgres_backend")
        backend = Backend(empty.url, home)
        assert empty.url is not None
        with psycopg.connect(empty.url, autocommit=True) as connection:
            connection.execute((VERSION / "approvals.sql").read_bytes())
    facts = json.loads((VERSION / "told.json").read_text(encoding="utf-8"))[request.param]
    clock = Clock()
    clock.now = facts["at"]
    return Left(backend, clock, facts["approvals"])


def as_left(left: Left) -> dict[str, str]:
    return {one["id"]: one["state"] for one in left.approvals.values()}


async def test_every_approval_is_listed_in_the_state_it_was_left_in(left: Left) -> None:
    store = await left.open()
    try:
        listed = await store.list(limit=100)
        single = [await store.get(approval_id) for approval_id in as_left(left)]
    finally:
        await store.close()
    assert {record.id: record.state for record in listed} == as_left(left)
    assert {record.id: record for record in single if record} == {record.id: record for record in listed}
    # One in every state there is: else the fixture shows less than it promises.
    assert set(as_left(left).values()) == FINISHED | {"pending", "approved", "executing", "unknown"}


async def test_its_audit_still_holds_after_the_migration(left: Left) -> None:
    store = await left.open()
    try:
        assert await audit.verify(store) == audit.AuditVerdict(ok=True, entries=34)
    finally:
        await store.close()


async def test_its_previews_are_shown_in_the_terminal_on_the_page_and_in_a_form(left: Left) -> None:
    store = await left.open()
    try:
        records = await store.list(limit=100)
    finally:
        await store.close()
    for record in records:
        printed = io.StringIO()
        show_preview(Screen(printed), record)
        show_state(Screen(printed), record, left.clock())
        on_page = detail(record, reveals=False)
        preview = Preview.of(record.preview)
        assert preview.target in printed.getvalue().replace("\n", " ")
        assert (on_page["id"], on_page["state"], on_page["target"]) == (record.id, record.state, preview.target)
        if preview.message is not None:
            assert bodies(preview.message)["text"] == record.preview["message"]["text"]
        asked = question(record.preview)
        assert asked is None or preview.target in as_read(asked.text)


async def test_what_was_finished_is_told_as_it_was_then(left: Left) -> None:
    finished = {name: one for name, one in left.approvals.items() if one["state"] in FINISHED}
    async with left.desk().open(database_url=left.backend.url) as house, house.client() as client:
        told = {
            name: structured(await client.call_tool("get_approval", {"approval_id": one["id"]}))
            for name, one in finished.items()
        }
    # Words were added since, ids of messages lost their brackets, and texts from outside begin with a mark; all else is
    # told as it was then.
    kept = {name: {key: _unmarked(told[name].get(key)) for key in one["told"]} for name, one in finished.items()}
    assert kept == {name: _without_brackets(one["told"]) for name, one in finished.items()}


def _unmarked(told: Any) -> Any:
    if isinstance(told, dict):
        return {key: _unmarked(value) for key, value in told.items()}
    return told.removeprefix("⟪") if isinstance(told, str) else told


def _without_brackets(told: dict[str, Any]) -> dict[str, Any]:
    result = told.get("result")
    if not isinstance(result, dict) or "id" not in result:
        return told
    return {**told, "result": {**result, "id": str(result["id"]).strip("<>")}}


async def test_what_was_approved_runs_once_if_its_tool_is_the_same_and_else_not_at_all(left: Left) -> None:
    desk = left.desk()
    same, changed = left.id("approved, schema unchanged"), left.id("approved")
    async with desk.open(database_url=left.backend.url) as house:
        ran = await house.gate.run(same)
        again = await house.gate.run(same)
        stopped = await house.gate.run(changed)
    assert (ran.state, again) == ("succeeded", ran)
    assert stopped.state == "stale"
    assert "its schema changed since it was proposed" in str(stopped.reason)
    assert [(write["method"], dict(write["form"])) for write in desk.writes()] == [
        ("POST", {"address": "said.yes@example.net"})
    ]


@pytest.mark.parametrize("name", ["pending", "pending, schema unchanged"])
async def test_what_waited_takes_a_no_but_no_yes_for_it_did_not_show_all(left: Left, name: str) -> None:
    desk = left.desk()
    async with desk.open(database_url=left.backend.url) as house:
        await house.gate.run(left.id("approved, schema unchanged"))
        before = desk.writes()
        with pytest.raises(NotDecidable, match="proposed by an earlier version, which did not show all of it"):
            await decide(house, left.id(name))
        still = await house.state(left.id(name))
        rejected = await decide(house, left.id(name), approve=False)
        checked = await audit.verify(house.gate.store)
    assert (still, rejected.state, checked.ok) == ("pending", "rejected", True)
    assert desk.writes() == before


async def test_what_waited_is_proposed_again_after_a_no_and_then_carried_out(left: Left) -> None:
    desk = left.desk()
    call = {"domain": DOMAIN, "address": "asked@example.net"}
    async with desk.open(database_url=left.backend.url) as house, house.client() as client:
        joined = structured(await client.call_tool("add_complaint", call))
        await decide(house, left.id("pending, schema unchanged"), approve=False)
        anew = structured(await client.call_tool("add_complaint", call))
        ran = await decide(house, anew["approval_id"])
    assert joined["approval_id"] == left.id("pending, schema unchanged")
    assert anew["approval_id"] != joined["approval_id"]
    assert ran.state == "succeeded"
    assert [write["path"] for write in desk.writes() if "complaints" in write["path"]] == [
        f"/mailgun/v3/{DOMAIN}/complaints"
    ]


async def test_what_was_on_its_way_or_in_doubt_is_never_sent_again(left: Left) -> None:
    desk = left.desk()
    async with desk.open(database_url=left.backend.url) as house:
        died = await house.gate.get(left.id("executing"))
        assert died is not None
        left.clock.let_pass(600.0)
        await house.gate.store.sweep()
        states = [await house.state(left.id(name)) for name in ("executing", "unknown")]
    assert died.state == "executing"
    assert states == ["unknown", "unknown"]
    assert [write for write in desk.writes() if "messages" in write["path"]] == []


async def test_after_its_time_nothing_of_it_runs(left: Left) -> None:
    left.clock.let_pass(3_600.0)
    desk = left.desk()
    names = ("pending", "pending, schema unchanged", "approved", "approved, schema unchanged")
    async with desk.open(database_url=left.backend.url) as house:
        states = {name: await house.state(left.id(name)) for name in names}
    assert states == dict.fromkeys(names, "expired")
    assert desk.writes() == []


IN_CLEAR = "SELECT id FROM maton_mailgun_approvals WHERE substr(body, 1, 1) = '{'"


def on_disk(left: Left) -> bytes:
    return b"".join(file.read_bytes() for file in left.backend.home.glob("approvals.sqlite*"))


async def test_attack_101_what_it_kept_in_clear_is_sealed_once_opened(left: Left) -> None:
    assert len(left.backend.intrude(IN_CLEAR)) == len(as_left(left))
    store = await left.open()
    try:
        assert left.backend.intrude(IN_CLEAR) == []
        assert await audit.verify(store) == audit.AuditVerdict(ok=True, entries=34)
    finally:
        await store.close()


@pytest.mark.parametrize("left", ["sqlite"], indirect=True)
async def test_attack_101_its_words_are_in_no_page_nor_log_of_the_file_any_more(left: Left) -> None:
    store = await left.open()
    try:
        # While it is still open: its log is there, too.
        found = [
            word for word in (b"said.yes@example.net", b"asked@example.net", b'"preview"') if word in on_disk(left)
        ]
    finally:
        await store.close()
    assert found == []


@pytest.mark.parametrize("left", ["sqlite"], indirect=True)
async def test_attack_101_an_edited_record_of_it_stays_as_it_is_and_is_told(
    left: Left, caplog: pytest.LogCaptureFixture
) -> None:
    left.backend.intrude("UPDATE maton_mailgun_approvals SET version = 9 WHERE id = ?", left.id("succeeded"))
    await left.opened()
    assert left.backend.intrude(IN_CLEAR) == [(left.id("succeeded"),)]
    told = [message for message in caplog.messages if message.startswith("Left in clear: ")]
    assert len(told) == 1
    assert left.id("succeeded") in told[0]


async def test_opening_it_changes_nothing_but_the_seal_and_opening_it_again_changes_nothing(left: Left) -> None:
    before = left.rows()
    assert not set(ADDED_SINCE) & left.indexes().keys()
    await left.opened()
    migrated = left.indexes()
    assert left.rows() == before
    await left.opened()
    assert (left.rows(), left.indexes()) == (before, migrated)


@pytest.mark.parametrize("missing", ADDED_SINCE)
async def test_a_migration_that_ended_half_way_is_finished(left: Left, missing: str) -> None:
    before = left.rows()
    await left.opened()
    whole = left.indexes()
    left.backend.intrude(f"DROP INDEX {missing}")
    assert left.indexes() != whole
    await left.opened()
    assert (left.rows(), left.indexes()) == (before, whole)


async def test_a_migrated_database_has_the_indexes_of_a_new_one(left: Left, tmp_path: Path) -> None:
    await left.opened()
    migrated = left.indexes()
    home = tmp_path / "new"
    home.mkdir(mode=0o700)
    for name in ("approvals", "audit", "head"):
        if left.backend.url is not None:
            left.backend.intrude(f"DROP TABLE maton_mailgun_{name}")
    new = Left(Backend(left.backend.url, home), left.clock, {})
    await new.opened()
    assert {name: spaced(text) for name, text in migrated.items()} == {
        name: spaced(text) for name, text in new.indexes().items()
    }


def spaced(definition: str) -> str:
    """A definition without its line breaks."""
    return " ".join(definition.split())


@pytest.mark.slow
@pytest.mark.parametrize("left", ["sqlite"], indirect=True)
def test_the_command_line_lists_verifies_and_shows_it(left: Left, tmp_path: Path) -> None:
    command = Cli(left.backend.home, tmp_path)

    def ran(*arguments: str) -> str:
        done = command(*arguments)
        assert done.status == 0, done.err
        return done.out

    listed = json.loads(ran("approvals", "list", "--all", "--json"))
    states = {one["approval_id"]: one["state"] for one in listed}
    # By this machine's clock what was open then may be over; what was finished is as it was.
    lasting = {approval_id: state for approval_id, state in as_left(left).items() if state in FINISHED}
    assert {approval_id: states[approval_id] for approval_id in lasting} == lasting
    assert states.keys() == as_left(left).keys()
    assert "none edited, removed or reordered" in ran("audit", "verify")
    assert "message to 1 recipient via mg.example.com" in ran("approvals", "show", left.id("succeeded"))

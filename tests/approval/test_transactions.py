"""What one approved send costs the store: each transaction is a sync of the disk, or a round trip to a database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from approval.backends import Backend
from attacks.bench import APPROVE, LETTER, ME, Clock, Desk, House
from maton_mailgun.approval.store import audit
from maton_mailgun.approval.store.record import Record
from maton_mailgun.exchange import Caller, FormAnswer, Outcome, Question
from maton_mailgun.sandbox import Sandbox

pytestmark = pytest.mark.anyio
ASKING = Caller(ME, "tester", can_ask=True)
DATABASES = pytest.mark.parametrize("database", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])


@pytest.fixture
def url(database: str, request: pytest.FixtureRequest) -> str | None:
    if database == "sqlite":
        return None
    backend: Backend = request.getfixturevalue("postgres_backend")
    return backend.url


class Counted:
    """The transactions of a house's store from now on, in their order; nothing looks for changes by itself."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        self.played: list[str] = []
        assert house.gate._watching is not None
        house.gate._watching.cancel()
        for way in ("read", "write"):
            monkeypatch.setattr(house.gate.store, way, self._counting(way, getattr(house.gate.store, way)))

    def _counting(self, way: str, play: Any) -> Any:
        async def counted(script: Any) -> Any:
            self.played.append(f"{way} {script.__name__}")
            return await play(script)

        return counted


def yes_to(question: Question, clock: Clock) -> FormAnswer:
    """A person's answer, after they read it."""
    clock.let_pass(5.0)
    return FormAnswer(question.approval_id, question.digest, question.asked_at, "accept", APPROVE, shown=question.shown)


@DATABASES
async def test_a_send_with_a_form_takes_eight_transactions_and_four_of_them_write(
    url: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    desk = Desk(tmp_path, Sandbox(clock=clock), clock)
    async with desk.open(database_url=url) as house:
        counted = Counted(house, monkeypatch)
        question = await house.engine.call("send_message", LETTER, ASKING)
        assert isinstance(question, Question)
        told = await house.engine.call("send_message", LETTER, ASKING, yes_to(question, clock))
        played = list(counted.played)
        record = await house.only()
    assert isinstance(told, Outcome)
    assert (told.content["status"], len(desk.writes())) == ("executed", 1)
    assert played == [
        *("read listing", "read history", "write insert"),
        *("read get", "write move", "read envelope", "write claim", "write move"),
    ]
    assert record.shown_at == record.decided_at


@DATABASES
async def test_every_one_of_its_changes_stands_in_the_audit(url: str | None, tmp_path: Path) -> None:
    clock = Clock()
    desk = Desk(tmp_path, Sandbox(clock=clock), clock)
    async with desk.open(database_url=url) as house:
        question = await house.engine.call("send_message", LETTER, ASKING)
        assert isinstance(question, Question)
        await house.engine.call("send_message", LETTER, ASKING, yes_to(question, clock))
        checked = await audit.verify(house.gate.store)
    assert checked == audit.AuditVerdict(ok=True, entries=4)


async def test_the_claim_is_durable_before_the_first_byte_leaves(tmp_path: Path) -> None:
    clock = Clock()
    desk = Desk(tmp_path, Sandbox(clock=clock), clock)
    seen: list[str] = []
    async with desk.open() as house:

        async def on_the_wire() -> None:
            # Read past the server, as another process would after a crash.
            seen.extend(state for (state,) in desk.intrude("SELECT state FROM maton_mailgun_approvals"))

        house.line.before = on_the_wire
        question = await house.engine.call("send_message", LETTER, ASKING)
        assert isinstance(question, Question)
        await house.engine.call("send_message", LETTER, ASKING, yes_to(question, clock))
    assert seen == ["executing"]


async def test_a_question_that_is_shown_elsewhere_at_the_moment_of_the_yes_takes_the_yes(tmp_path: Path) -> None:
    clock = Clock()
    desk = Desk(tmp_path, Sandbox(clock=clock), clock)
    async with desk.open() as house:
        question = await house.engine.call("send_message", LETTER, ASKING)
        assert isinstance(question, Question)
        store, get = house.gate.store, house.gate.store.get

        async def shown_meanwhile(approval_id: str) -> Record | None:
            record = await get(approval_id)
            store.get = get  # type: ignore[method-assign]
            await house.gate.shown(approval_id)
            return record

        store.get = shown_meanwhile  # type: ignore[method-assign]
        told = await house.engine.call("send_message", LETTER, ASKING, yes_to(question, clock))
    assert isinstance(told, Outcome)
    assert (told.content["status"], len(desk.writes())) == ("executed", 1)

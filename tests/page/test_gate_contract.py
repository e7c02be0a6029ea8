"""What the page may expect of a gate, held against the real one over the sandbox and against the one in memory.

The other tests of the page use the gate in memory: they are worth as much as it is like the real one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from attacks.bench import DOMAIN, Clock, Desk, House
from maton_mailgun.approval.channels.page.page_gate import Decision, NotDecidable, PageGate
from maton_mailgun.approval.lifecycle import watch
from maton_mailgun.approval.store.contract import Stop
from maton_mailgun.approval.store.record import Record
from maton_mailgun.exchange import Caller, Outcome
from maton_mailgun.sandbox import Sandbox

from .gate_in_memory import GateInMemory
from .records import a_record

pytestmark = pytest.mark.anyio

YES = Decision(approve=True, level="operator", channel="page", decider="ann at the page", reason="as agreed")
NO = replace(YES, approve=False, reason="not to this host")
LASTS = 900.0
"""Seconds for which a question can be answered."""
SOON = 10.0
"""Seconds that a wait may take which ends early; it never does where the gate is right."""


class Bench(Protocol):
    """A gate with its clock, and what the page has no word for."""

    clock: Clock

    @property
    def gate(self) -> PageGate: ...

    async def ask(self, principal: str = "local:ann", *, tool: str = "create_route", hold: float = 0.0) -> Record:
        """Propose one more write."""
        ...

    def writes(self) -> int:
        """How many writes have begun."""
        ...


class InMemory:
    """The gate of the page's tests."""

    def __init__(self, *, level: Any = "client") -> None:
        self.clock = Clock()
        self.gate = GateInMemory(clock=self.clock)
        self._level = level

    async def ask(self, principal: str = "local:ann", *, tool: str = "create_route", hold: float = 0.0) -> Record:
        now = self.clock()
        record = a_record(
            principal=principal, operation=tool, level=self._level, created_at=now, expires_at=now + LASTS, hold=hold
        )
        self.gate.add(record)
        if tool == "create_credential":
            self.gate.secrets[record.id] = {"alice@mg.example.com": "made-up-once"}
        return record

    def writes(self) -> int:
        return len(self.gate.writes)


class Real:
    """The gate of a running server over the sandbox."""

    def __init__(self, desk: Desk, house: House) -> None:
        self.clock = desk.clock
        self.gate = house.gate
        self._desk = desk
        self._house = house
        self._asked = 0

    async def ask(self, principal: str = "local:ann", *, tool: str = "create_route", hold: float = 0.0) -> Record:
        self._asked += 1
        policy = self._desk.home / "policy.toml"
        policy.write_text(f'[[rule]]\nname = "slowly"\ndecision = "ask"\nhold = "{hold:.0f}s"\n' if hold else "")
        policy.chmod(0o600)
        arguments: dict[str, Any] = {"domain": DOMAIN, "login": "alice"}
        if tool == "create_route":
            arguments = {"expression": f'match_recipient("{self._asked}@{DOMAIN}")', "actions": ["stop()"]}
        told = await self._house.engine.call(tool, arguments, Caller(principal, "a client"))
        assert isinstance(told, Outcome)
        record = await self.gate.get(told.content["approval_id"])
        assert record is not None
        return record

    def writes(self) -> int:
        return len(self._desk.writes())


def _empty(home: Path) -> Path:
    policy = home / "policy.toml"
    policy.touch(0o600)
    return policy


@pytest.fixture
def anyio_backend() -> str:
    """The server runs on asyncio."""
    return "asyncio"


@pytest.fixture(params=["real", "in memory"])
async def opened(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """Opens a bench at the asked level."""
    async with AsyncExitStack() as benches:

        async def open_bench(level: str = "client") -> Bench:
            if request.param == "in memory":
                return InMemory(level=level)
            # What time has closed is looked for every 20 s; no test waits that long.
            monkeypatch.setattr(watch, "SWEEP_SECONDS", 0.1)
            clock = Clock()
            home = tmp_path / "home"
            home.mkdir(mode=0o700)
            desk = Desk(home, Sandbox(clock=clock), clock)
            return Real(desk, await benches.enter_async_context(desk.open(approval=level, policy=_empty(home))))

        yield open_bench


@pytest.fixture
async def bench(opened: Any) -> Bench:
    found: Bench = await opened()
    return found


def is_over(record: Record) -> bool:
    return record.state not in ("pending", "approved", "executing")


async def settled(bench: Bench, record: Record) -> Record:
    return await bench.gate.wait(record.id, SOON, until=is_over)


# Looking ----------------------------------------------------------------------------------------------------------


async def test_what_nobody_proposed_is_not_there(bench: Bench) -> None:
    unknown = "apr_" + "0" * 32
    assert await bench.gate.get(unknown) is None
    for work in (
        bench.gate.decide(unknown, YES),
        bench.gate.wait(unknown, 0.0, until=is_over),
        bench.gate.shown(unknown),
        bench.gate.secret(unknown),
    ):
        with pytest.raises(KeyError):
            await work
    assert bench.writes() == 0


async def test_a_proposal_waits_and_nothing_is_written(bench: Bench) -> None:
    record = await bench.ask()
    assert await bench.gate.get(record.id) == record
    assert (record.state, record.version, record.shown_at, record.decided_at) == ("pending", 1, None, None)
    assert record.expires_at == bench.clock() + LASTS
    assert bench.writes() == 0


async def test_the_list_is_newest_first_and_narrowed_as_asked(bench: Bench) -> None:
    asked = []
    for principal in ("local:ann", "local:bob", "local:ann"):
        asked.append((await bench.ask(principal)).id)
        bench.clock.let_pass(1.0)
    first, second, third = asked
    await bench.gate.decide(first, NO)

    async def listed(**narrowed: Any) -> list[str]:
        return [record.id for record in await bench.gate.list(**narrowed)]

    assert await listed() == [third, second, first]
    assert await listed(limit=2) == [third, second]
    assert await listed(principal="local:ann") == [third, first]
    assert await listed(principal="local:ann", states={"rejected"}) == [first]
    assert await listed(states={"pending", "rejected"}, limit=1) == [third]
    assert await listed(states=set()) == []
    assert await listed(principal="local:nobody") == []


async def test_it_is_shown_once_and_only_while_it_waits(bench: Bench) -> None:
    record, other = await bench.ask(), await bench.ask()
    await bench.gate.shown(record.id)
    seen = await bench.gate.get(record.id)
    bench.clock.let_pass(5.0)
    await bench.gate.shown(record.id)
    assert seen == replace(record, shown_at=record.created_at, version=2)
    assert await bench.gate.get(record.id) == seen

    rejected = await bench.gate.decide(other.id, NO)
    await bench.gate.shown(other.id)
    assert await bench.gate.get(other.id) == rejected


async def test_a_held_yes_is_carried_out_when_its_window_is_over_and_can_be_undone_before(bench: Bench) -> None:
    record, other = await bench.ask(hold=30.0), await bench.ask(hold=30.0)
    held = await bench.gate.decide(record.id, YES)
    held_too = await bench.gate.decide(other.id, YES)
    assert (held.state, held.held_until) == ("held", bench.clock() + 30.0)
    with pytest.raises(NotDecidable):
        await bench.gate.decide(record.id, YES)
    bench.clock.let_pass(29.0)
    undone = await bench.gate.holding.undo(held_too, "bob at the page", "page")
    assert (undone.state, undone.decided_by, undone.finished_at) == ("rejected", "bob at the page", bench.clock())
    assert bench.writes() == 0

    bench.clock.let_pass(1.0)
    done = await bench.gate.wait(record.id, SOON, until=lambda now: now.state not in ("held", "approved", "executing"))
    assert (done.state, done.decided_by, done.held_until) == ("succeeded", "ann at the page", None)
    with pytest.raises(NotDecidable):
        await bench.gate.holding.undo(done, "bob at the page", "page")
    assert bench.writes() == 1


async def test_a_stop_rejects_what_waits_and_is_there_until_it_is_lifted(bench: Bench) -> None:
    waiting = [await bench.ask(), await bench.ask()]
    assert await bench.gate.stopped() is None

    assert await bench.gate.stop("ann at the page") == 2

    for record in waiting:
        found = await bench.gate.get(record.id)
        assert found is not None
        assert (found.state, found.decided_by) == ("rejected", "ann at the page")
        assert found.reason == "All writes were stopped by a person."
    assert await bench.gate.stopped() == Stop("ann at the page", bench.clock())
    assert await bench.gate.stop("ann at the page") == 0
    assert bench.writes() == 0


async def test_what_waits_is_put_off_and_no_further_than_a_day(bench: Bench) -> None:
    record = await bench.ask()
    bench.clock.now = record.expires_at - 60
    later = await bench.gate.more_time(record.id, "ann at the page")
    assert (later.state, later.expires_at, later.version) == ("pending", bench.clock.now + 900, record.version + 1)
    assert await bench.gate.more_time(record.id, "ann at the page") == later
    last = record.created_at + 86_400
    while later.expires_at < last:
        bench.clock.now = min(later.expires_at, last - 100) - 50
        later = await bench.gate.more_time(record.id, "ann at the page")
    with pytest.raises(NotDecidable, match="cannot be put off any more"):
        await bench.gate.more_time(record.id, "ann at the page")
    assert (later.state, later.expires_at) == ("pending", last)
    assert bench.writes() == 0


async def test_what_is_decided_is_not_put_off(bench: Bench) -> None:
    record = await bench.ask()
    await bench.gate.stop("ann at the page")
    with pytest.raises(NotDecidable):
        await bench.gate.more_time(record.id, "ann at the page")


# Deciding ---------------------------------------------------------------------------------------------------------


async def test_a_yes_starts_the_write_once(bench: Bench) -> None:
    record = await bench.ask()
    bench.clock.let_pass(30.0)
    now = bench.clock()
    approved = await bench.gate.decide(record.id, YES)
    assert approved == replace(
        record,
        state="approved",
        version=2,
        decided_at=now,
        decided_by="ann at the page",
        channel="page",
        reason="as agreed",
        expires_at=now + 300.0,
    )
    done = await settled(bench, record)
    assert (done.state, done.version, done.attempted_at, done.finished_at) == ("succeeded", 4, now, now)
    for decision in (YES, NO):
        with pytest.raises(NotDecidable) as refused:
            await bench.gate.decide(record.id, decision)
        assert (refused.value.record, refused.value.why) == (done, "It is succeeded already.")
    assert bench.writes() == 1


async def test_a_no_is_the_end(bench: Bench) -> None:
    record = await bench.ask()
    now = bench.clock()
    rejected = await bench.gate.decide(record.id, NO)
    assert rejected == replace(
        record,
        state="rejected",
        version=2,
        decided_at=now,
        decided_by="ann at the page",
        channel="page",
        reason="not to this host",
        finished_at=now,
    )
    with pytest.raises(NotDecidable, match=r"It is rejected already\.") as refused:
        await bench.gate.decide(record.id, YES)
    assert refused.value.record == await bench.gate.get(record.id) == rejected
    assert bench.writes() == 0


async def test_of_many_answers_at_once_one_counts(bench: Bench) -> None:
    record = await bench.ask()
    answers = [bench.gate.decide(record.id, YES) for _ in range(8)]
    taken = await asyncio.gather(*answers, return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in taken) == ["NotDecidable"] * 7 + ["Record"]
    assert (await settled(bench, record)).state == "succeeded"
    assert bench.writes() == 1


async def test_too_low_a_level_decides_nothing(opened: Any) -> None:
    bench: Bench = await opened("operator")
    record = await bench.ask()
    for decision in (YES, NO):
        with pytest.raises(NotDecidable, match="on the approval page or in a terminal") as refused:
            await bench.gate.decide(record.id, replace(decision, level="client", channel="form"))
        assert refused.value.record == record
    assert await bench.gate.get(record.id) == record
    assert bench.writes() == 0
    await bench.gate.decide(record.id, YES)
    assert (await settled(bench, record)).state == "succeeded"


async def test_a_yes_that_comes_too_late_finds_it_expired(bench: Bench) -> None:
    record = await bench.ask()
    bench.clock.let_pass(LASTS)
    with pytest.raises(NotDecidable, match=r"It is expired already\.") as refused:
        await bench.gate.decide(record.id, YES)
    expired = replace(record, state="expired", version=2, finished_at=bench.clock())
    assert refused.value.record == await bench.gate.get(record.id) == expired
    assert bench.writes() == 0


# Waiting ----------------------------------------------------------------------------------------------------------


async def test_waiting_ends_with_what_was_waited_for(bench: Bench) -> None:
    record = await bench.ask()
    waiting = asyncio.create_task(bench.gate.wait(record.id, SOON, until=lambda now: now.state == "rejected"))
    await bench.gate.shown(record.id)
    assert not waiting.done()
    rejected = await bench.gate.decide(record.id, NO)
    assert await asyncio.wait_for(waiting, SOON / 2) == rejected


async def test_what_is_so_already_is_not_waited_for(bench: Bench) -> None:
    record = await bench.ask()
    assert await asyncio.wait_for(bench.gate.wait(record.id, SOON, until=lambda _: True), SOON / 2) == record


async def test_waiting_in_vain_ends_after_the_time(bench: Bench) -> None:
    record = await bench.ask()
    began = asyncio.get_running_loop().time()
    assert await bench.gate.wait(record.id, 0.3, until=is_over) == record
    assert 0.3 <= asyncio.get_running_loop().time() - began < SOON


async def test_whoever_waits_sees_it_expire(bench: Bench) -> None:
    record = await bench.ask()
    bench.clock.let_pass(LASTS)
    assert await settled(bench, record) == replace(record, state="expired", version=2, finished_at=bench.clock())
    assert [one.id for one in await bench.gate.list(states={"expired"})] == [record.id]
    assert await bench.gate.list(states={"pending"}) == []


# Secrets ----------------------------------------------------------------------------------------------------------


async def test_a_fresh_secret_is_handed_out_once_when_the_write_is_done(bench: Bench) -> None:
    record = await bench.ask(tool="create_credential")
    assert await bench.gate.secret(record.id) is None
    await bench.gate.decide(record.id, YES)
    done = await settled(bench, record)
    asked = await asyncio.gather(*(bench.gate.secret(record.id) for _ in range(4)))
    ((name, secret),) = [pair for found in asked if found is not None for pair in found.items()]
    assert name == "alice@mg.example.com"
    assert len(secret) >= 5
    assert secret not in repr(done)
    assert await bench.gate.secret(record.id) is None
    told = await bench.gate.get(record.id)
    assert told is not None
    assert (told.state, told.version) == ("succeeded", done.version + 1)


async def test_a_write_without_a_secret_hands_out_none(bench: Bench) -> None:
    record = await bench.ask()
    await bench.gate.decide(record.id, YES)
    done = await settled(bench, record)
    assert await bench.gate.secret(record.id) is None
    assert await bench.gate.get(record.id) == done

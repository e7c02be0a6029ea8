"""Attacks 105 to 107: forms that nobody answers, are answered late or twice, or after another channel decided."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import mcp_types as types
import pytest

from maton_mailgun.approval.store.record import Record
from maton_mailgun.exchange import Caller, FormAnswer, Question
from maton_mailgun.protocol.patience import CLIENTS, CallPatience

from .bench import APPROVE, LETTER, ME, REJECT, Desk, House, decide, headline, structured

pytestmark = pytest.mark.anyio
SOON = CallPatience(form=0.05, unanswered=0.05, wait=4.0, beat=0.01)
LONG = CallPatience(form=60.0, beat=0.01)
WAIT = 10.0


class Slow:
    """A person who has the form before them and takes as long as the test wants. `taken_back` says that the server
    withdrew it."""

    def __init__(self) -> None:
        self.questions = 0
        self.shown = anyio.Event()
        self.answered = anyio.Event()
        self.taken_back = anyio.Event()
        self.content: dict[str, Any] | None = None

    async def __call__(self, _context: Any, _asked: Any) -> types.ElicitResult:
        self.questions += 1
        self.shown.set()
        try:
            await self.answered.wait()
        except anyio.get_cancelled_exc_class():
            self.taken_back.set()
            raise
        return types.ElicitResult(action="accept" if self.content else "cancel", content=self.content)

    def answer(self, content: dict[str, Any] | None) -> None:
        self.content = content
        self.answered.set()


async def settled(house: House, until: Callable[[Record], bool] = lambda now: now.state != "pending") -> Record:
    """The only approval, once `until` holds."""
    return await house.gate.wait((await house.only()).id, WAIT, until)


async def test_a_form_that_nobody_answers_ends_the_call_and_stays_answerable_once(desk: Desk) -> None:
    person = Slow()
    async with desk.open() as house, house.client(person, mode="legacy", patience=SOON) as client:
        first = await client.call_tool("send_message", LETTER)
        content = structured(first)
        assert (content["status"], content["executed"]) == ("approval_required", False)
        assert headline(first).startswith("NOT EXECUTED")
        assert "The form in the user's client is still open" in headline(first)
        assert content["decide"][0] == {"channel": "form", "opened": False}
        assert desk.writes() == []
        person.answer(APPROVE)
        record = await settled(house, lambda now: now.state == "succeeded")
        assert (record.state, record.channel, record.decided_by) == ("succeeded", "form", "person at tester")
        told = structured(await client.call_tool("get_approval", {"approval_id": content["approval_id"]}))
        assert (told["status"], told["executed"]) == ("executed", True)
    assert len(desk.writes()) == person.questions == 1


async def test_attack_106_the_same_call_again_answers_at_once_and_asks_nobody_twice(desk: Desk) -> None:
    person = Slow()
    async with desk.open() as house, house.client(person, mode="legacy", patience=SOON) as client:
        first = structured(await client.call_tool("send_message", LETTER))
        again = [structured(await client.call_tool("send_message", LETTER)) for _ in range(3)]
        assert [one["approval_id"] for one in again] == [first["approval_id"]] * 3
        assert {one["status"] for one in again} == {"approval_required"}
        assert person.questions == 1
        person.answer(REJECT)
        assert (await settled(house)).state == "rejected"
    assert desk.writes() == []


async def test_attack_106_the_same_call_while_the_first_still_waits_answers_at_once(desk: Desk) -> None:
    person = Slow()
    told: list[Any] = []
    async with desk.open() as house, house.client(person, mode="legacy", patience=LONG) as client:

        async def first() -> None:
            told.append(structured(await client.call_tool("send_message", LETTER)))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(first)
            await person.shown.wait()
            again = structured(await client.call_tool("send_message", LETTER))
            assert (again["status"], told) == ("approval_required", [])
            person.answer(APPROVE)
        assert [one["status"] for one in told] == ["executed"]
        assert told[0]["approval_id"] == again["approval_id"]
    assert len(desk.writes()) == person.questions == 1


@pytest.mark.parametrize("approve", [True, False])
async def test_attack_105_a_decision_elsewhere_ends_the_call_and_takes_the_form_back(desk: Desk, approve: bool) -> None:
    person = Slow()
    told: list[Any] = []
    async with desk.open() as house, house.client(person, mode="legacy", patience=LONG) as client:

        async def call() -> None:
            told.append(structured(await client.call_tool("send_message", LETTER)))

        with anyio.fail_after(WAIT):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(call)
                await person.shown.wait()
                await decide(house, (await house.only()).id, approve=approve, reason=None if approve else "no")
            await person.taken_back.wait()
    assert [(one["status"], one["executed"]) for one in told] == [
        ("executed", True) if approve else ("rejected", False)
    ]
    assert len(desk.writes()) == int(approve)


@pytest.mark.parametrize("late", [APPROVE, REJECT])
@pytest.mark.parametrize("approve", [True, False])
async def test_attack_105_a_form_that_is_answered_after_the_page_decided_changes_nothing(
    desk: Desk, approve: bool, late: dict[str, Any]
) -> None:
    """A client that ignores that the form was taken back, and hands the answer in all the same."""
    shown, answered, gone = anyio.Event(), anyio.Event(), anyio.Event()

    async def stubborn(_context: Any, _asked: Any) -> types.ElicitResult:
        shown.set()
        with anyio.CancelScope(shield=True):
            await answered.wait()
        gone.set()
        return types.ElicitResult(action="accept", content=dict(late))

    async with desk.open() as house, house.client(stubborn, mode="legacy", patience=SOON) as client:
        first = structured(await client.call_tool("send_message", LETTER))
        done = await decide(house, first["approval_id"], approve=approve)
        answered.set()
        await gone.wait()
        told = structured(await client.call_tool("get_approval", {"approval_id": first["approval_id"]}))
        assert await house.state(first["approval_id"]) == done.state == ("succeeded" if approve else "rejected")
        assert told["status"] == ("executed" if approve else "rejected")
    assert len(desk.writes()) == int(approve)


async def test_attack_107_a_late_answer_that_is_no_decision_decides_nothing(desk: Desk) -> None:
    person = Slow()
    async with desk.open() as house, house.client(person, mode="legacy", patience=SOON) as client:
        first = structured(await client.call_tool("send_message", LETTER))
        person.answer(None)
        told = structured(await client.call_tool("get_approval", {"approval_id": first["approval_id"]}))
        assert told["status"] == "approval_required"
        assert (await house.only()).state == "pending"
    assert desk.writes() == []


@pytest.mark.parametrize("change", [{"principal": "local:other"}, {"shown": "another text"}, {"digest": "0" * 64}])
async def test_attack_107_a_late_yes_to_anything_else_decides_nothing(desk: Desk, change: dict[str, str]) -> None:
    async with desk.open() as house:
        asked = await house.engine.call("send_message", LETTER, Caller(ME, "tester", can_ask=True))
        assert isinstance(asked, Question)
        fields = {"shown": asked.shown, "digest": asked.digest, "principal": ME, **change}
        answer = FormAnswer(
            asked.approval_id, fields["digest"], asked.asked_at, "accept", dict(APPROVE), fields["shown"]
        )
        await house.gate.answered_late(answer, Caller(fields["principal"], "tester", can_ask=True))
        assert (await house.only()).state == "pending"
    assert desk.writes() == []


async def test_attack_105_the_same_late_yes_twice_is_one_write(desk: Desk) -> None:
    me = Caller(ME, "tester", can_ask=True)
    async with desk.open() as house:
        asked = await house.engine.call("send_message", LETTER, me)
        assert isinstance(asked, Question)
        answer = FormAnswer(asked.approval_id, asked.digest, asked.asked_at, "accept", dict(APPROVE), asked.shown)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(house.gate.answered_late, answer, me)
            tasks.start_soon(house.gate.answered_late, answer, me)
        await house.gate.answered_late(answer, me)
        assert (await house.only()).state == "succeeded"
    assert len(desk.writes()) == 1


async def test_a_client_that_gives_up_its_call_leaves_the_form_answerable(desk: Desk) -> None:
    person = Slow()
    async with desk.open() as house, house.client(person, mode="legacy", patience=LONG) as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.call_tool, "send_message", LETTER)
            await person.shown.wait()
            tasks.cancel_scope.cancel()
        person.answer(APPROVE)
        assert (await settled(house, lambda now: now.state == "succeeded")).state == "succeeded"
    assert len(desk.writes()) == 1


async def test_a_question_that_a_modern_client_leaves_unanswered_opens_the_page(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = anyio.Event()
    async with desk.open() as house, house.client(Slow(), patience=SOON) as client:
        ways = house.gate.ways.ways

        async def watched(record: Record, *, open_page: bool) -> Any:
            if open_page:
                opened.set()
            return await ways(record, open_page=open_page)

        monkeypatch.setattr(house.gate.ways, "ways", watched)
        await client.session.call_tool("send_message", LETTER, allow_input_required=True)
        with anyio.fail_after(WAIT):
            await opened.wait()
        assert (await house.only()).state == "pending"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_waiting_is_short_and_says_that_it_is_alive(desk: Desk, mode: str) -> None:
    beats: list[str | None] = []
    enough = anyio.Event()

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        beats.append(message)
        if len(beats) == 3:
            enough.set()

    async with desk.open() as house, house.client(None, mode=mode, patience=LONG) as client:
        first = structured(await client.call_tool("send_message", LETTER))
        assert first["next"]["arguments"] == {"approval_id": first["approval_id"], "wait_seconds": 4}

        async def waits() -> None:
            asked = {"approval_id": first["approval_id"], "wait_seconds": 55}
            await client.call_tool("get_approval", asked, progress_callback=heard)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(waits)
            with anyio.fail_after(WAIT):
                await enough.wait()
            await decide(house, first["approval_id"], approve=False)
    assert set(beats) == {"Waiting for a person to decide."}


async def test_no_wait_is_longer_than_the_client_is_known_to_allow(desk: Desk) -> None:
    async with desk.open() as house, house.client(None, patience=CallPatience(wait=0.01)) as client:
        first = structured(await client.call_tool("send_message", LETTER))
        with anyio.fail_after(WAIT):
            told = structured(
                await client.call_tool("get_approval", {"approval_id": first["approval_id"], "wait_seconds": 55})
            )
        assert told["status"] == "approval_required"


async def test_a_client_that_is_known_to_be_patient_is_told_a_longer_wait(desk: Desk) -> None:
    async with desk.open() as house, house.client(None, name="gemini-cli-mcp-client-mailgun") as client:
        first = structured(await client.call_tool("send_message", LETTER))
        assert first["next"]["arguments"]["wait_seconds"] == 45


async def test_what_is_asked_for_again_is_never_the_call_just_made(desk: Desk) -> None:
    """crewai answers a call like the last one by itself, "I tried reusing the same input": nothing is looked at."""
    async with desk.open() as house, house.client(None, patience=CallPatience(wait=0.01)) as client:
        told = structured(await client.call_tool("send_message", LETTER))
        named = []
        for wait in (0, 1, 54, 55, 1):
            asked = {"approval_id": told["approval_id"], "wait_seconds": wait}
            told = structured(await client.call_tool("get_approval", asked))
            named.append(told["next"]["arguments"]["wait_seconds"])
        assert named == [1, 2, 55, 0, 2]


async def test_a_client_that_gives_up_soon_is_told_before_it_does_and_its_form_still_counts(desk: Desk) -> None:
    """google-adk ends every call over stdio after 5 seconds, and its model would hear of a time-out alone."""
    person = Slow()
    async with desk.open() as house, house.client(person, mode="legacy", name="google-adk") as client:
        with anyio.fail_after(CLIENTS["google-adk"].gives_up):
            told = structured(await client.call_tool("send_message", LETTER))
        assert told["status"] == "approval_required"
        assert "The form in the user's client is still open, and its answer counts." in told["headline"]
        person.answer(APPROVE)
        assert (await settled(house, lambda now: now.state == "succeeded")).decided_by == "person at google-adk"
    assert [message["subject"] for message in desk.sandbox.messages] == [LETTER["subject"]]


def test_no_call_outlasts_the_client_that_makes_it() -> None:
    for name, known in CLIENTS.items():
        patience = CallPatience().of(name)
        assert max(patience.form, patience.wait, patience.call) < known.gives_up, name
        assert known.source
    assert CallPatience().of("whoever") == CallPatience(form=45.0, unanswered=20.0, wait=4.0, beat=2.0)

"""What a decision needs, and that there is only ever one. Over a real socket."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from maton_mailgun.approval.lifecycle.decide import Decision

from .records import a_domain_deletion, a_record, a_send
from .serving import Browser, RunningPage

APPROVED = Decision(approve=True, level="operator", channel="page", decider="person at the approval page", reason=None)


def settled(browser: Browser, approval_id: str) -> dict[str, Any]:
    """The status once nothing more will happen, as the page finds out: by long polls."""
    status: dict[str, Any] = browser.get(f"/api/approvals/{approval_id}").json["status"]
    while status["state"] in {"pending", "approved", "executing"}:
        status = browser.get(f"/api/approvals/{approval_id}/changes?version={status['version']}").json["status"]
    return status


def test_a_yes_to_what_was_shown_is_taken_and_carried_out(page: RunningPage) -> None:
    record = a_domain_deletion()
    page.gate.add(record)
    browser = page.browser()
    reply = browser.decide(record.id, {**browser.see(record.id), "decision": "approve"})
    assert (reply.status, reply.json["status"]["state"] in {"approved", "executing", "succeeded"}) == (200, True)
    status = settled(browser, record.id)
    assert (status["state"], status["outcome"]["message"]) == ("succeeded", "Queued. Thank you.")
    assert page.gate.decisions == [(record.id, APPROVED)]
    assert page.gate.writes == [record.id]


def test_a_no_carries_its_reason_and_nothing_is_written(page: RunningPage) -> None:
    record = a_record()
    page.gate.add(record)
    browser = page.browser()
    decision = {**browser.see(record.id), "decision": "reject", "reason": "  Not to this host. "}
    assert browser.decide(record.id, decision).json["status"]["state"] == "rejected"
    no = replace(APPROVED, approve=False, reason="Not to this host.")
    assert (page.gate.decisions, page.gate.writes) == ([(record.id, no)], [])


@pytest.mark.parametrize("change", [{"digest": "sha256:" + "00" * 32}, {"version": 1}, {"version": 99}])
def test_3_a_decision_about_something_else_answers_409_with_how_it_is_now(
    page: RunningPage, change: dict[str, Any]
) -> None:
    record = a_record()
    page.gate.add(record)
    browser = page.browser()
    reply = browser.decide(record.id, {**browser.see(record.id), "decision": "approve", **change})
    assert (reply.status, reply.json["error"], reply.json["status_now"]["state"]) == (409, "changed", "pending")
    assert page.gate.decisions == []


def test_what_nobody_was_shown_cannot_be_approved(page: RunningPage) -> None:
    record = a_record()
    page.gate.add(record)
    decision = {"digest": record.digest, "version": record.version, "decision": "approve"}
    assert page.browser().decide(record.id, decision).status == 409
    assert page.gate.decisions == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"decision": "yes"},
        {"decision": True},
        {"decision": None},
        {"version": "2"},
        {"version": True},
        {"digest": None},
        {"approved": True},
        {"level": "operator"},
        {"reason": 1},
        {"reason": "x" * 501},
    ],
    ids=str,
)
def test_6_a_decision_that_is_not_exactly_one_is_refused(page: RunningPage, wrong: dict[str, Any]) -> None:
    record = a_record()
    page.gate.add(record)
    browser = page.browser()
    reply = browser.decide(record.id, {**browser.see(record.id), "decision": "approve", **wrong})
    assert (reply.status, page.gate.decisions) == (400, [])


def test_ten_answers_at_once_are_one_decision(page: RunningPage) -> None:
    record = a_record()
    page.gate.add(record)
    browsers = [page.browser() for _ in range(10)]
    seen = browsers[0].see(record.id)
    together = threading.Barrier(10)

    def answer(number: int) -> int:
        together.wait()
        decision = {**seen, "decision": "reject" if number % 2 else "approve"}
        return browsers[number].decide(record.id, decision).status

    with ThreadPoolExecutor(10) as pool:
        statuses = sorted(pool.map(answer, range(10)))
    assert statuses == [200] + [409] * 9
    assert len(page.gate.decisions) == 1


def test_an_answer_after_the_end_is_told_what_happened(page: RunningPage) -> None:
    record = a_record(expires_at=time.time() + 600)
    page.gate.add(record)
    browser = page.browser()
    seen = browser.see(record.id)
    page.gate.records[record.id] = replace(page.record(record.id), expires_at=time.time() - 1)
    reply = browser.decide(record.id, {**seen, "decision": "approve"})
    assert (reply.status, reply.json["status_now"]["state"], page.gate.writes) == (409, "expired", [])


def test_seeing_marks_it_shown_once(page: RunningPage) -> None:
    record = a_record()
    page.gate.add(record)
    first, second = page.browser().see(record.id), page.browser().see(record.id)
    assert first == second == {"digest": record.digest, "version": 2}
    assert page.record(record.id).shown_at is not None


def test_a_secret_is_given_once_and_only_after_success(page: RunningPage) -> None:
    pending = a_record(operation="create_credential")
    done = a_record(operation="create_credential", state="succeeded", finished_at=time.time())
    for record in (pending, done):
        page.gate.add(record)
        page.gate.secrets[record.id] = {"password": "generated-once"}
    browser = page.browser()
    ask = [browser.send("POST", f"/api/approvals/{one.id}/secret", {}).json for one in (pending, done, done)]
    assert [answer["secret"] for answer in ask] == [None, {"password": "generated-once"}, None]
    assert browser.get(f"/api/approvals/{done.id}").json["reveals"] is True


def test_what_the_gate_keeps_for_itself_is_not_told(page: RunningPage) -> None:
    record = a_record(state="succeeded", result={"result": {"message": "ok"}, "_sealed": "00ff"})
    page.gate.add(record)
    assert "_sealed" not in page.browser().get(f"/api/approvals/{record.id}").content.decode()


def test_bodies_and_pictures_stay_out_of_what_is_polled(page: RunningPage) -> None:
    record = a_send()
    page.gate.add(record)
    answer = page.browser().get(f"/api/approvals/{record.id}")
    assert answer.json["message"]["html"] is True
    assert b"Dear Ada" not in answer.content
    assert b"base64" not in answer.content


def test_a_long_poll_answers_as_soon_as_something_changes(page: RunningPage) -> None:
    record = a_record()
    page.gate.add(record)
    browser = page.browser()

    async def withdraw() -> None:
        page.gate.move(page.record(record.id), "cancelled", finished_at=time.time())

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(browser.get, f"/api/approvals/{record.id}/changes?version=1")
        page.run(withdraw())
        assert waiting.result(10).json["status"]["state"] == "cancelled"


def test_closing_ends_long_polls_at_once() -> None:
    record = a_record()
    with RunningPage([record]) as page, ThreadPoolExecutor(1) as pool:
        browser = page.browser()
        waiting = pool.submit(browser.get, f"/api/approvals/{record.id}/changes?version=1")
        begun = time.monotonic()
        page.run(page.page.close())
        assert time.monotonic() - begun < 5
        assert waiting.exception(10) is not None or waiting.result().status == 200


def test_12_text_from_outside_the_preview_is_made_visible(page: RunningPage) -> None:
    record = a_record(client="nice\u202eevil\x1b[31m", principal="a\u200bb", state="rejected", reason="x\u2066y\nz")
    page.gate.add(record)
    answer = page.browser().get(f"/api/approvals/{record.id}").json
    assert (answer["client"], answer["principal"], answer["status"]["reason"]) == (
        "nice⟨U+202E⟩evil⟨U+001B⟩[31m",
        "a⟨U+200B⟩b",
        "x⟨U+2066⟩y⏎z",
    )


# Putting off ------------------------------------------------------------------------------------------------------


def test_what_ends_soon_is_put_off_by_who_is_signed_in(page: RunningPage) -> None:
    record = a_record(expires_at=time.time() + 30)
    page.gate.add(record)
    reply = page.browser().send("POST", f"/api/approvals/{record.id}/time", {"more": True})
    assert (reply.status, reply.json["status"]["state"]) == (200, "pending")
    assert 890 < reply.json["status"]["expires_at"] - time.time() <= 900
    assert page.gate.decisions == []


@pytest.mark.parametrize("body", [{}, {"more": "yes"}, {"more": False}, {"more": True, "decision": "approve"}, []])
def test_putting_off_says_nothing_else(page: RunningPage, body: Any) -> None:
    record = a_record(expires_at=time.time() + 30)
    page.gate.add(record)
    assert page.browser().send("POST", f"/api/approvals/{record.id}/time", body).status == 400
    assert page.record(record.id) == record


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": None},
        {"Sec-Fetch-Site": "cross-site"},
        {"X-Approval-Key": "guessed"},
        {"Cookie": None},
    ],
)
def test_attack_23_no_page_of_a_stranger_puts_anything_off(page: RunningPage, headers: dict[str, str | None]) -> None:
    record = a_record(expires_at=time.time() + 30)
    page.gate.add(record)
    reply = page.browser().send("POST", f"/api/approvals/{record.id}/time", {"more": True}, headers)
    assert reply.status in {401, 403}
    assert page.record(record.id) == record


def test_nobody_puts_off_what_another_asked_for(page: RunningPage) -> None:
    record = a_record(expires_at=time.time() + 30, principal="bob")
    page.gate.add(record)
    stranger = page.browser(principal="ann")
    assert stranger.send("POST", f"/api/approvals/{record.id}/time", {"more": True}).status == 404
    assert page.record(record.id) == record


def test_what_is_over_is_not_put_off(page: RunningPage) -> None:
    record = a_record(state="rejected", finished_at=time.time())
    page.gate.add(record)
    reply = page.browser().send("POST", f"/api/approvals/{record.id}/time", {"more": True})
    assert (reply.status, reply.json["status_now"]["state"]) == (409, "rejected")

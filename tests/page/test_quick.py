"""Quick and calm: keys, the next one after a decision, several at once, more time; and what no key alone decides."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from maton_mailgun.approval.channels.page import Sessions
from maton_mailgun.approval.lifecycle.hold import TAKEN_BACK
from maton_mailgun.approval.store.record import Record

from .browser import Chromium
from .records import a_domain_deletion, a_preview, a_record, a_send
from .serving import RunningPage
from .visiting import focused, show

pytestmark = pytest.mark.browser


def letters(number: int, **changes: Any) -> list[Record]:
    """Mails of their own subjects, the first of them on top of the list."""
    asked = time.time() - 60
    found = []
    for at in range(number):
        record = a_send(1, created_at=asked - at, **changes)
        message = {**record.preview["message"], "subject": f"Letter {at + 1}", "html": None}
        found.append(replace(record, preview={**record.preview, "message": message}))
    return found


def opened(chromium: Chromium, page: RunningPage, *records: Record) -> None:
    """All of them waiting, and the first open."""
    for record in records:
        page.gate.add(record)
    chromium.go(page.page.link(records[0].id))
    drawn(chromium, page, records[0])


def drawn(chromium: Chromium, page: RunningPage, record: Record) -> None:
    """Wait until one is open and all of it is on the screen; then long enough for a yes to count."""
    chromium.until(lambda: chromium.run("return location.hash") == f"#/a/{record.id}", "another one is open")
    chromium.until(lambda: page.record(record.id).shown_at, "not marked as shown")
    chromium.until(lambda: "still loading" not in chromium.text("#decision-note"), "the message is not drawn")
    chromium.run("window.testTime += 2000")


def decided(page: RunningPage) -> list[tuple[str, bool]]:
    return [(approval, decision.approve) for approval, decision in page.gate.decisions]


# The next one -----------------------------------------------------------------------------------------------------


def test_the_next_that_waits_opens_after_a_decision_and_the_last_one_is_told_of(
    timed: Chromium, page: RunningPage
) -> None:
    first, second = letters(2)
    page.gate.go_on.clear()
    opened(timed, page, first, second)
    timed.click("#approve")
    drawn(timed, page, second)
    assert (timed.text("h1"), timed.text("#recent")) == ("Letter 2", "Running: Letter 1")
    page.run(_go_on(page))
    timed.until_text("Sent: Letter 1", "#recent")
    timed.click("#approve")
    timed.until_text("Sent", "#outcome-heading")
    assert timed.text("h1") == "Letter 2"
    assert decided(page) == [(first.id, True), (second.id, True)]


async def _go_on(page: RunningPage) -> None:
    page.gate.go_on.set()


def test_a_yes_that_is_held_can_be_undone_where_it_was_given_until_its_window_is_over(
    timed: Chromium, page: RunningPage
) -> None:
    first, second = letters(2, hold=30.0)
    opened(timed, page, first, second)
    timed.click("#approve")
    timed.until_text("Approved, can be undone", "#outcome-heading")
    assert (timed.text("h1"), page.gate.writes) == ("Letter 1", [])
    assert timed.text("#undo") == "Undo"
    timed.click("#undo")
    timed.until_text("Rejected", "#outcome-heading")
    undone = page.record(first.id)
    assert (undone.state, undone.reason) == ("rejected", TAKEN_BACK)
    assert (page.gate.writes, page.record(second.id).state) == ([], "pending")


def test_what_opens_after_a_decision_is_not_approved_by_the_same_click(timed: Chromium, page: RunningPage) -> None:
    first, second = letters(2)
    opened(timed, page, first, second)
    timed.click_at("#approve", counts=(1, 2))
    timed.until(lambda: page.record(second.id).shown_at, "the next one does not open")
    timed.click_at("#approve")
    assert decided(page) == [(first.id, True)]


def test_a_doubtful_outcome_of_the_one_before_is_said_while_the_next_is_open(
    timed: Chromium, page: RunningPage
) -> None:
    first, second = letters(2)
    page.gate.outcomes[first.id] = ("unknown", {"error": {"message": "The answer was lost."}})
    opened(timed, page, first, second)
    timed.click("#approve")
    timed.until_text("Letter 2", "h1")
    timed.until_text("May have happened: Letter 1", "#recent")


# Keys -------------------------------------------------------------------------------------------------------------


def test_keys_go_through_what_waits_approve_and_reject(timed: Chromium, page: RunningPage) -> None:
    first, second, third = letters(3)
    opened(timed, page, first, second, third)
    timed.press("j")
    drawn(timed, page, second)
    timed.press("k")
    drawn(timed, page, first)
    timed.press("j")
    drawn(timed, page, second)
    timed.press("a")
    drawn(timed, page, third)
    timed.press("r")
    timed.until(lambda: focused(timed) == "reason", "the reason is not asked for")
    timed.press("a", "j", "r")
    assert timed.run("return document.querySelector('#reason').value") == "ajr"
    assert decided(page) == [(second.id, True)]


@pytest.mark.parametrize("record", [a_domain_deletion(), a_record(risk="high"), a_record(access="delete")])
def test_attack_256_a_key_alone_decides_no_deletion_and_no_high_risk(
    timed: Chromium, page: RunningPage, record: Record
) -> None:
    record = replace(record, preview={**record.preview, "action": record.access})
    opened(timed, page, record)
    timed.click("h1")
    timed.run("window.testTime += 5000; scrollTo(0, 1e6)")
    timed.run("document.querySelector('#checked')?.click()")
    for _ in range(3):
        timed.press("a")
        timed.run("window.testTime += 5000")
    assert page.gate.decisions == []
    assert timed.text("#decision-note").startswith("A key alone does not decide this")


def test_attack_256_a_first_key_typed_for_another_window_approves_nothing(timed: Chromium, page: RunningPage) -> None:
    (record,) = letters(1)
    opened(timed, page, record)
    timed.press("a")
    assert (timed.text("#decision-note"), page.gate.decisions) == ("Press A once more to approve this.", [])
    timed.run("window.testTime += 5000")
    timed.press("n", "d")
    timed.run("window.testTime += 5000")
    timed.press("a")
    assert page.gate.decisions == []
    timed.run("window.testTime += 5000; dispatchEvent(new Event('focus')); window.testTime += 5000")
    timed.press("a")
    assert page.gate.decisions == []
    timed.run("window.testTime += 5000")
    timed.press("a")
    timed.until(lambda: page.gate.decisions, "the key does not count later either")


def test_attack_256_a_key_in_the_middle_of_others_or_too_soon_approves_nothing(
    timed: Chromium, page: RunningPage
) -> None:
    (record,) = letters(1)
    opened(timed, page, record)
    timed.click("h1")
    timed.press("j", "a")
    assert (timed.text("#decision-note"), page.gate.decisions) == (
        "Not counted: it came too soon. Look again, then press A once more.",
        [],
    )
    timed.run("window.testTime += 5000; dispatchEvent(new Event('resize')); window.testTime += 500")
    timed.press("a")
    assert page.gate.decisions == []


def test_attack_256_a_key_that_a_script_makes_approves_nothing(timed: Chromium, page: RunningPage) -> None:
    (record,) = letters(1)
    opened(timed, page, record)
    timed.click("h1")
    timed.run("window.testTime += 5000; dispatchEvent(new KeyboardEvent('keydown', {key: 'a', bubbles: true}))")
    assert page.gate.decisions == []


# A no -------------------------------------------------------------------------------------------------------------


def test_a_no_has_reasons_at_hand(timed: Chromium, page: RunningPage) -> None:
    (record,) = letters(1)
    opened(timed, page, record)
    timed.press("r")
    timed.click(".preset")
    timed.until_text("Rejected", "#outcome-heading")
    [(_, decision)] = page.gate.decisions
    assert (decision.approve, decision.reason) == (False, "Wrong recipients")


# Time -------------------------------------------------------------------------------------------------------------


def test_what_runs_out_can_be_put_off_and_stays_undecided(chromium: Chromium, page: RunningPage) -> None:
    record = a_record(expires_at=time.time() + 100)
    show(chromium, page, record)
    chromium.click("#more-time")
    chromium.until(lambda: page.record(record.id).expires_at > time.time() + 800, "it is not put off")
    chromium.until(lambda: not chromium.find("#more-time").is_displayed(), "the button stays")
    assert (page.record(record.id).state, page.gate.decisions) == ("pending", [])
    chromium.click("#approve")
    chromium.until_text("Created", "#outcome-heading")


# Several together -------------------------------------------------------------------------------------------------


def ticked(chromium: Chromium, records: list[Record]) -> None:
    for record in records:
        chromium.click(f".pick[value='{record.id}']")
    chromium.click("#together-now")
    chromium.until_text("Looked at: next", "#approve")


def test_several_are_looked_at_one_by_one_and_then_each_gets_its_own_yes(timed: Chromium, page: RunningPage) -> None:
    records = letters(5)
    refused = records[3]
    opened(timed, page, records[0], *records[1:], a_domain_deletion())
    assert len(timed.all(".pick")) == 5
    ticked(timed, records)
    for record in records[:-1]:
        drawn(timed, page, record)
        assert timed.text("#approve").startswith("Looked at: next")
        timed.click("#approve")
    drawn(timed, page, records[-1])
    assert (timed.text("#approve"), page.gate.decisions) == ("Approve all 5 and send", [])
    page.run(_changed(page, refused))
    timed.click("#approve")
    timed.until_text("4 of 5 were carried out.", "#together")
    assert decided(page) == [(one.id, True) for one in records if one is not refused]
    told = [row.text.replace("\n", " ") for row in timed.all("#together li")]
    assert told == [f"Letter {at} {'Sent' if at != 4 else CHANGED}" for at in range(1, 6)]


CHANGED = "Not approved: it had changed, or was decided already"


async def _changed(page: RunningPage, record: Record) -> None:
    page.gate.amend(page.record(record.id))


def test_attack_257_a_doubtful_outcome_stops_the_others(timed: Chromium, page: RunningPage) -> None:
    records = letters(3)
    page.gate.outcomes[records[1].id] = ("unknown", {"error": {"message": "The answer was lost."}})
    opened(timed, page, *records)
    ticked(timed, records)
    for record in records[:-1]:
        drawn(timed, page, record)
        timed.click("#approve")
    drawn(timed, page, records[-1])
    timed.click("#approve")
    timed.until_text("Stopped here", "#together")
    assert decided(page) == [(records[0].id, True), (records[1].id, True)]
    assert page.record(records[2].id).state == "pending"


def test_one_of_several_can_be_rejected_by_itself(timed: Chromium, page: RunningPage) -> None:
    records = letters(3)
    opened(timed, page, *records)
    ticked(timed, records)
    drawn(timed, page, records[0])
    timed.click("#approve")
    drawn(timed, page, records[1])
    timed.click("#reject")
    timed.click("#reject-now")
    drawn(timed, page, records[2])
    assert timed.text("#approve") == "Approve all 2 and send"
    timed.click("#approve")
    timed.until_text("All 2 were carried out.", "#together")
    assert decided(page) == [(records[1].id, False), (records[0].id, True), (records[2].id, True)]


def test_attack_257_deletions_and_high_risk_are_not_decided_together(timed: Chromium, page: RunningPage) -> None:
    grave = [*(a_domain_deletion() for _ in range(2)), *letters(2, risk="high")]
    opened(timed, page, *grave, a_record(), a_record(preview=a_preview(title="Change a route")))
    timed.until(lambda: len(timed.all("#list .item")) == 6, "not all are listed")
    assert timed.all(".pick") == []


# One tab ----------------------------------------------------------------------------------------------------------


def test_a_tab_that_is_before_the_person_is_enough_for_all(chromium: Chromium, page: RunningPage) -> None:
    show(chromium, page, a_send())
    other = a_record()
    assert page.run(page.page.open(other.id, principal=other.principal)) == "link"
    page.gate.add(other)
    chromium.until_text("1 new request waits", "#live")
    page.clock.now += 100
    for session in page.sessions._sessions.values():
        session.here_until = 0
    assert page.run(page.page.open(other.id, principal=other.principal, anew=True)) is None


NOTICES = """
window.notices = [];
class Notice extends EventTarget {
  static permission = "granted";
  constructor(title, options) { super(); notices.push([title, options.body]); }
}
window.Notification = Notice;
"""


def test_a_tab_behind_others_calls_the_person_without_what_the_message_says(
    chromium: Chromium, page: RunningPage
) -> None:
    """The browser's own notices cannot be read by a test: one of the same shape stands in their place."""
    script = chromium.devtools("Page.addScriptToEvaluateOnNewDocument", source=NOTICES)
    try:
        page.gate.add(a_record())
        chromium.go(page.page.link())
        chromium.until_text("1 request waits", "main")
        chromium.run("Object.defineProperty(document, 'hidden', {get: () => true, configurable: true})")
        (letter,) = letters(1)
        page.gate.add(letter)
        chromium.until(lambda: chromium.run("return notices.length"), "nobody is called")
        assert chromium.run("return notices") == [
            ["Waits for your decision", "Send a message: message to 1 recipients via mg.example.com"]
        ]
        assert page.run(page.page.open(letter.id, principal=letter.principal)) == "link"
    finally:
        chromium.devtools("Page.removeScriptToEvaluateOnNewDocument", identifier=script["identifier"])


def test_a_phone_whose_browser_has_no_notices_of_pages_shows_what_is_new_all_the_same(
    chromium: Chromium, page: RunningPage
) -> None:
    """Browsers on phones grant notices and then let only a service worker make one, which this page never has."""
    refusing = NOTICES.replace("{ super(); notices.push([title, options.body]); }", "{ throw new TypeError('no'); }")
    script = chromium.devtools("Page.addScriptToEvaluateOnNewDocument", source=refusing)
    try:
        page.gate.add(a_record())
        chromium.go(page.page.link())
        chromium.until_text("1 request waits", "main")
        chromium.run("Object.defineProperty(document, 'hidden', {get: () => true, configurable: true})")
        page.gate.add(*letters(1))
        chromium.run("dispatchEvent(new HashChangeEvent('hashchange'))")
        chromium.until_text("2 requests wait", "main")
        assert chromium.run("return document.getElementById('banner').hidden")
    finally:
        chromium.devtools("Page.removeScriptToEvaluateOnNewDocument", identifier=script["identifier"])


def test_a_tab_behind_others_gives_way_to_the_one_that_the_server_opens(chromium: Chromium, page: RunningPage) -> None:
    first, second = letters(2)
    show(chromium, page, first)
    old = chromium.tab()
    chromium.run(
        "Object.defineProperty(document, 'hidden', {get: () => true, configurable: true}); window.close = () => {}"
    )
    chromium.new_tab()
    show(chromium, page, second)
    new = chromium.tab()
    chromium.switch(old)
    chromium.until_text("Open in another tab", "main")
    assert chromium.all("#approve") == []
    chromium.click("main button")
    chromium.until_text("Letter 1", "h1")
    chromium.switch(new)
    assert chromium.text("h1") == "Letter 2"
    chromium.close_tab()
    chromium.switch(old)


def test_a_closed_tab_is_not_before_anybody(chromium: Chromium, page: RunningPage) -> None:
    (letter,) = letters(1)
    show(chromium, page, letter)
    chromium.until(lambda: page.sessions.here(letter.principal), "the tab does not say that it is there")
    chromium.go("about:blank")
    page.clock.now += 16
    assert not page.sessions.here(letter.principal)
    assert page.run(page.page.open(letter.id, principal=letter.principal)) is None


def test_a_tab_counts_for_those_whose_requests_it_may_show() -> None:
    sessions = Sessions(clock=lambda: 100.0)
    session, _ = sessions.open(decider="ann", principal="ann")
    assert not sessions.here("ann")
    session.here_until = 101.0
    assert (sessions.here("ann"), sessions.here("bob"), sessions.here(None)) == (True, False, False)
    session.here_until = 100.0
    assert not sessions.here("ann")

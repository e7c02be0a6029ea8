"""Whole journeys with the keyboard alone: every key goes to whatever the page has put the focus on."""

from __future__ import annotations

import pytest

from maton_mailgun.approval.lifecycle.hold import TAKEN_BACK

from .browser import Chromium
from .serving import PASSPHRASE, RunningPage
from .test_quick import decided, drawn, letters, opened
from .visiting import focused, tab_to

pytestmark = pytest.mark.browser


def tab_until(chromium: Chromium, css: str) -> None:
    """Press Tab until what has the focus is of `css`."""
    for _ in range(80):
        if chromium.run("return document.activeElement.matches(arguments[0])", css):
            return
        chromium.press("tab")
    raise AssertionError(f"Tab does not reach {css}")


def test_somebody_signs_in_opens_one_from_the_list_and_rejects_it_with_a_reason_at_hand(timed: Chromium) -> None:
    first, second = letters(2)
    with RunningPage([first, second], passphrase=True) as page:
        timed.go(page.origin)
        timed.find("#passphrase")
        tab_to(timed, "passphrase", most=4)
        timed.press(*PASSPHRASE, "enter")
        timed.until_text("2 requests wait", "main")
        tab_until(timed, f".item[href='#/a/{second.id}']")
        timed.press("enter")
        drawn(timed, page, second)
        assert focused(timed) == "h1"
        tab_to(timed, "reject")
        timed.press("enter")
        timed.until(lambda: focused(timed) == "reason", "the reason is not asked for")
        timed.press("tab", holding="shift")
        assert timed.run("return document.activeElement.textContent") == "Ask me first, in the chat"
        timed.press("enter")
        drawn(timed, page, first)
        [(approval, decision)] = page.gate.decisions
        assert (approval, decision.approve, decision.reason) == (second.id, False, "Ask me first, in the chat")


def test_several_are_ticked_looked_at_and_approved(timed: Chromium, page: RunningPage) -> None:
    first, second, third = letters(3)
    opened(timed, page, first, second, third)
    for record in (first, third):
        tab_until(timed, f".pick[value='{record.id}']")
        timed.press("space")
    tab_to(timed, "together-now")
    timed.press("enter")
    for record in (first, third):
        drawn(timed, page, record)
        tab_to(timed, "approve")
        timed.run("window.testTime += 2000")
        timed.press("enter")
    timed.until_text("All 2 were carried out.", "#together")
    assert decided(page) == [(first.id, True), (third.id, True)]
    assert page.record(second.id).state == "pending"


def test_a_yes_that_is_held_is_taken_back(timed: Chromium, page: RunningPage) -> None:
    (record,) = letters(1, hold=30.0)
    opened(timed, page, record)
    timed.press("a")
    timed.until_text("Press A once more", "#decision-note")
    timed.run("window.testTime += 2000")
    timed.press("a")
    timed.until_text("Approved, can be undone", "#outcome-heading")
    assert focused(timed) == "outcome-heading"
    timed.press("tab")
    assert focused(timed) == "undo"
    timed.press("enter")
    timed.until_text("Rejected", "#outcome-heading")
    undone = page.record(record.id)
    assert (undone.state, undone.reason, page.gate.writes) == ("rejected", TAKEN_BACK, [])

"""141: a yes on the page is to what was on the screen, and to nothing that only took the place of something else."""

from __future__ import annotations

import pytest

from maton_mailgun.approval.store.record import Record

from .browser import Chromium
from .records import a_send
from .serving import RunningPage
from .visiting import arm, focused, show, tab_to

PLACE = """
const box = document.querySelector(arguments[0]).getBoundingClientRect();
return [box.x, box.y, box.right, box.bottom];
"""


@pytest.mark.browser
def test_attack_141_a_message_that_does_not_load_cannot_be_approved(chromium: Chromium, page: RunningPage) -> None:
    record = a_send()
    page.gate.add(record)
    chromium.devtools("Network.enable")
    chromium.devtools("Network.setBlockedURLs", urls=["*/api/approvals/*/message"])
    try:
        chromium.go(page.page.link(record.id))
        chromium.until(lambda: page.record(record.id).shown_at, "not marked as shown")
        chromium.until_text("The message could not be loaded. Load the page anew.", "#decision-note")
        arm(chromium)
        chromium.click_at("#approve")
        assert page.gate.decisions == []
        assert chromium.run("return document.querySelector('#approve').getAttribute('aria-disabled')") == "true"
    finally:
        chromium.devtools("Network.setBlockedURLs", urls=[])
        chromium.console()


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 700, 390])
def test_attack_141_approve_never_comes_up_where_a_rejection_was_about_to_be_pressed(
    chromium: Chromium, page: RunningPage, width: int
) -> None:
    chromium.devtools("Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=False)
    try:
        show(chromium, page, a_send())
        approve = chromium.run(PLACE, "#approve")
        chromium.click("#reject")
        for button in ("#reject-now", "#reject-now + button"):
            place = chromium.run(PLACE, button)
            apart = place[2] <= approve[0] or approve[2] <= place[0] or place[3] <= approve[1] or approve[3] <= place[1]
            assert apart, (button, place, approve)
    finally:
        chromium.devtools("Emulation.clearDeviceMetricsOverride")


@pytest.mark.browser
def test_attack_141_a_click_right_after_leaving_the_rejection_approves_nothing(
    timed: Chromium, page: RunningPage
) -> None:
    drawn(timed, page, a_send())
    timed.run("window.testTime += 10000")
    timed.click("#reject")
    timed.press("escape")
    assert focused(timed) == "reject"
    timed.click_at("#approve")
    assert page.gate.decisions == []
    timed.run("window.testTime += 701")
    timed.click_at("#approve")
    timed.until(lambda: page.gate.decisions, "the click does not count later either")


@pytest.mark.browser
@pytest.mark.parametrize("event", ["focus", "pageshow", "resize"])
def test_attack_154_a_click_that_brings_the_window_forward_approves_nothing(
    timed: Chromium, page: RunningPage, event: str
) -> None:
    drawn(timed, page, record := a_send())
    timed.run(f"window.testTime += 10000; dispatchEvent(new Event({event!r})); window.testTime += 600")
    timed.click_at("#approve")
    assert (page.gate.decisions, timed.text("#decision-note")) == (
        [],
        "Not counted: this came up only just now. Look again, then press once more.",
    )
    timed.run("window.testTime += 200")
    timed.click_at("#approve")
    timed.until(lambda: page.gate.decisions, "the click does not count later either")
    assert page.record(record.id).shown_at is not None


@pytest.mark.browser
@pytest.mark.parametrize("key", ["enter", "space"])
def test_attack_154_keys_that_were_typed_for_another_window_approve_nothing(
    timed: Chromium, page: RunningPage, key: str
) -> None:
    drawn(timed, page, a_send())
    timed.run("window.testTime += 10000")
    tab_to(timed, "approve")
    timed.press(key)
    assert page.gate.decisions == []
    assert timed.text("#decision-note").startswith("Wait a moment, then press it again")
    timed.run("window.testTime += 1001")
    timed.press(key)
    timed.until(lambda: page.gate.decisions, "the key does not count later either")
    timed.until_text("Sent", "#outcome-heading")


@pytest.mark.browser
def test_attack_155_a_tab_that_was_signed_in_gives_nobody_a_passphrase(chromium: Chromium) -> None:
    """Another program took the port and asks for one in its own words."""
    with RunningPage(passphrase=True) as page:
        show(chromium, page, a_send())
        for session in list(page.sessions._sessions.values()):
            page.sessions.close(session)
        chromium.until_text("Your session has ended", "main")
        assert chromium.all("#passphrase") == []
        assert "Close this tab" in chromium.text("main")


def drawn(chromium: Chromium, page: RunningPage, record: Record) -> None:
    """Open a record by its link, until all of it is on the screen."""
    page.gate.add(record)
    chromium.go(page.page.link(record.id))
    chromium.until(lambda: page.record(record.id).shown_at, "not marked as shown")
    chromium.until(lambda: "still loading" not in chromium.text("#decision-note"), "the message is not drawn")


@pytest.mark.browser
def test_the_escape_of_an_input_method_stays_in_the_rejection(chromium: Chromium, page: RunningPage) -> None:
    show(chromium, page, a_send())
    chromium.click("#reject")
    chromium.until(lambda: focused(chromium) == "reason", "the reason is not asked for")
    chromium.run(
        "document.activeElement.dispatchEvent("
        "new KeyboardEvent('keydown', {key: 'Escape', isComposing: true, bubbles: true}))"
    )
    assert focused(chromium) == "reason"

"""141: a yes on the page is to what was on the screen, and to nothing that only took the place of something else."""

from __future__ import annotations

import pytest

from .browser import Chromium
from .records import a_send
from .serving import RunningPage
from .visiting import arm, focused, show

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
    chromium: Chromium, page: RunningPage
) -> None:
    clock = "window.testTime = 1000; performance.now = () => window.testTime"
    script = chromium.devtools("Page.addScriptToEvaluateOnNewDocument", source=clock)
    record = a_send()
    page.gate.add(record)
    try:
        chromium.go(page.page.link(record.id))
        chromium.until(lambda: page.record(record.id).shown_at, "not marked as shown")
        chromium.until(lambda: "still loading" not in chromium.text("#decision-note"), "the message is not drawn")
        chromium.run("window.testTime += 10000")
        chromium.click("#reject")
        chromium.press("escape")
        assert focused(chromium) == "reject"
        chromium.click_at("#approve")
        assert page.gate.decisions == []
        chromium.run("window.testTime += 701")
        chromium.click_at("#approve")
        chromium.until(lambda: page.gate.decisions, "the click does not count later either")
    finally:
        chromium.devtools("Page.removeScriptToEvaluateOnNewDocument", identifier=script["identifier"])


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

"""The emergency stop on the page: over the wire, and in a browser."""

from __future__ import annotations

from typing import Any

import pytest

from .browser import Chromium
from .records import a_record
from .serving import RunningPage
from .visiting import focused, show


def test_a_stop_rejects_what_waits_and_the_list_says_so(page: RunningPage) -> None:
    record = a_record()
    page.gate.add(record)
    browser = page.browser()
    assert browser.get("/api/approvals").json["stopped"] is None

    reply = browser.send("POST", "/api/stop", {"reason": "  it runs\nwild "})

    stopped = reply.json["stopped"]
    assert (reply.status, stopped["by"], stopped["reason"]) == (200, "person at the approval page", "it runs wild")
    listed = browser.get("/api/approvals").json
    assert (listed["stopped"], listed["pending"]) == (stopped, [])
    assert (page.record(record.id).state, page.gate.writes) == ("rejected", [])


@pytest.mark.parametrize(
    "wrong",
    [{"reason": 1}, {"reason": "x" * 501}, {"reason": "for ann@example.com"}, {"lift": True}, {"reason": "\ud800"}],
)
def test_a_stop_with_anything_else_stops_nothing(page: RunningPage, wrong: dict[str, Any]) -> None:
    reply = page.browser().send("POST", "/api/stop", wrong)
    assert (reply.status, page.gate.standing) == (400, None)


def test_who_is_not_signed_in_stops_nothing(page: RunningPage) -> None:
    assert page.send("POST", "/api/stop", {}).status == 401
    assert page.gate.standing is None


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH"])
def test_there_is_no_way_to_lift_it_on_the_page(page: RunningPage, method: str) -> None:
    browser = page.browser()
    browser.send("POST", "/api/stop", {})
    assert browser.send(method, "/api/stop", {}).status in {404, 405}
    assert browser.send("POST", "/api/resume", {}).status == 404
    assert page.gate.standing is not None


@pytest.mark.browser
def test_a_stop_is_asked_for_once_more_and_then_shown(chromium: Chromium, page: RunningPage) -> None:
    record = a_record()
    show(chromium, page, record)
    chromium.click("#stop")
    assert focused(chromium) == "stop-reason"
    assert page.gate.standing is None
    chromium.press("escape")
    assert (focused(chromium), chromium.all("#stop-now")) == ("stop", [])
    chromium.click("#stop")
    chromium.click("#stop-now")
    chromium.until_text("Stopped. person at the approval page stopped all writes", "#stop-place")
    assert "maton-mailgun approvals resume" in chromium.text("#stop-place")
    assert page.gate.standing is not None
    chromium.until_text("Rejected", "#outcome-heading")
    assert chromium.all("#approve") == []

"""What a person does on the page, for the tests in a browser."""

from __future__ import annotations

from maton_mailgun.approval.store.record import Record

from .browser import Chromium
from .serving import RunningPage

ARMED = "return performance.now() - (window.armed ??= performance.now()) > 1050"
"""A click on Approve counts 700 ms after the request appeared, a key one second after any other."""


def show(chromium: Chromium, page: RunningPage, record: Record) -> None:
    """Open `record` by a one-time link, as the server does, and wait until its buttons count."""
    page.gate.add(record)
    chromium.go(page.page.link(record.id))
    if record.state == "pending":
        chromium.find("#approve")
        chromium.until(lambda: page.record(record.id).shown_at, "not marked as shown")
        chromium.until(lambda: "still loading" not in chromium.text("#decision-note"), "the message is not drawn")
    arm(chromium)


def arm(chromium: Chromium) -> None:
    chromium.run("window.armed = undefined")
    chromium.until(lambda: chromium.run(ARMED), "the buttons do not count yet")


def focused(chromium: Chromium) -> str:
    return str(chromium.run("return document.activeElement?.id || document.activeElement?.tagName.toLowerCase()"))


def tab_to(chromium: Chromium, wanted: str, most: int = 60) -> None:
    """Press Tab until the element with that id has the focus."""
    for _ in range(most):
        chromium.press("tab")
        if focused(chromium) == wanted:
            return
    raise AssertionError(f"Tab does not reach {wanted}")

"""Ten different writes in a browser: what happens to whom, and what is odd, is on the first screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from maton_mailgun.approval.store.record import Record
from maton_mailgun.catalogue.rows import load

from .browser import Chromium
from .serving import RunningPage
from .ten_writes import WRITES, ten_writes
from .visiting import show

SCREENS = {"desktop": (1280, 900), "phone": (390, 844)}
ON_SCREEN = """
const bar = document.querySelector(".decision-place").getBoundingClientRect().top;
const seen = [];
const walker = document.createTreeWalker(document.querySelector(".detail"), NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const range = document.createRange();
  range.selectNodeContents(walker.currentNode);
  // Of a long text its first line.
  const [box] = range.getClientRects();
  if (box?.height && box.top >= 0 && box.bottom <= bar + 1) seen.push(walker.currentNode.data);
}
return seen.join("\\n");
"""
SAYS: dict[str, tuple[str, ...]] = {
    "an ordinary mail": ("Your order 8812", "ada@example.org", "billing@mg.example.com", "your order 8812 was sent"),
    "a mail with everything": (
        "Your invoice for March", "ada@example.org", "files@archive.example.net", "accounts@example.net", "first time",
        "A link shows www.example.com but leads to billing.example.net.",
    ),
    "a mail to who left": ("We miss you", "quiet@example.net", "quiet@example.net has unsubscribed", "Come back!"),
    "a mail to many": ("Our spring news", "120 recipients", "example.net", "Dear %recipient.first%"),
    "a mail for later": ("Reminder: your booking", "It leaves at", "ada@example.org", "See you on Friday"),
    "all mail forwarded": (
        "Forward all inbound mail to evil.example.xyz",
        "evil.example.xyz came in with the mail “Urgent: move our inbox”",
    ),
    "a domain deleted": ("Delete domain mg.example.com", "The domain is in use"),
    "a member changed": (
        "Change bob@example.org on mailing list developers@mg.example.com", "had opted out", "Can be changed back",
    ),
    "an opt-out removed": ("Delete unsubscribe of quiet@example.net", "asked not to get this mail"),
    "a webhook": ("Send permanent failure events to hooks.example.net", "Data will be forwarded to hooks.example.net."),
}  # fmt: skip


@pytest.fixture(scope="module")
def writes() -> Iterator[dict[str, Record]]:
    with ten_writes() as records:
        yield records


@pytest.mark.browser
@pytest.mark.parametrize("screen", SCREENS)
def test_who_what_and_what_is_odd_is_on_the_first_screen(
    chromium: Chromium, page: RunningPage, writes: dict[str, Record], pictures: Path, screen: str
) -> None:
    chromium.look(*SCREENS[screen])
    missing = {}
    for name, record in writes.items():
        show(chromium, page, record)
        chromium.picture(pictures / f"{name.replace(' ', '-')}-{screen}.png")
        seen = chromium.run(ON_SCREEN)
        if left := [words for words in SAYS[name] if words not in seen]:
            missing[name] = left
    assert missing == {}


@pytest.mark.browser
def test_each_waits_under_a_name_of_its_own(chromium: Chromium, page: RunningPage, writes: dict[str, Record]) -> None:
    for record in writes.values():
        page.gate.add(record)
    chromium.go(page.page.link())
    chromium.until(lambda: len(chromium.all(".item")) == len(WRITES), "not all are listed")
    titles = {element.text for element in chromium.all(".item-title")}
    assert len(titles) == len(WRITES)
    assert [words[0] for words in SAYS.values() if not any(title.startswith(words[0]) for title in titles)] == []


def texts(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for name, inner in part.items():
            # What the page keeps for itself, and what only its technical details show.
            if name not in {"operation", "covers", "id", "ticket", "digest"}:
                yield from texts(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from texts(inner)
    else:
        yield str(part)


def test_no_tool_is_named_to_a_person(page: RunningPage, writes: dict[str, Record]) -> None:
    names = {name for name in load() if "_" in name}
    named = set()
    for record in writes.values():
        page.gate.add(record)
        shown = "\n".join(texts(page.browser().get(f"/api/approvals/{record.id}").json))
        named |= {name for name in names if name in shown}
    assert named == set()


def test_nothing_that_the_message_says_is_said_again(page: RunningPage, writes: dict[str, Record]) -> None:
    page.gate.add(record := writes["a mail with everything"])
    shown = page.browser().get(f"/api/approvals/{record.id}").json
    rows = [(part["heading"], row["label"]) for part in shown["preview"]["sections"] for row in part["rows"]]
    assert rows == [
        ("Body", "Links lead to"),
        ("Body", "Loads from outside when opened"),
        ("Options", "Tag"),
        ("Options", "Tracking"),
    ]
    assert (shown["message"]["from"], shown["message"]["reply_to"], shown["remarks"]) == (
        "Example Billing <billing@mg.example.com>",
        "accounts@example.net",
        {"Reply-To": ["answers go here, not to From", "external"]},
    )
    assert [file["name"] for file in shown["message"]["attachments"]] == ["invoice-8812.pdf"]

"""Ten different writes in a browser: what happens to whom, and what is odd, is on the first screen."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import pytest

from maton_mailgun.approval.lifecycle.plain_fields import PlainField
from maton_mailgun.approval.preview.document import Preview
from maton_mailgun.approval.preview.heading import effect_beyond
from maton_mailgun.approval.store.record import Record
from maton_mailgun.catalogue.rows import load
from maton_mailgun.own_command import own_command

from .browser import Chromium
from .records import a_preview, a_record
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
TORN = """
const torn = [];
for (const title of document.querySelectorAll(".item-title bdi")) {
  const room = title.parentElement.getBoundingClientRect().width;
  const walker = document.createTreeWalker(title, NodeFilter.SHOW_TEXT);
  let text = "";
  const ends = [];
  while (walker.nextNode()) {
    for (let at = 0; at < walker.currentNode.length; at += 1) {
      const range = document.createRange();
      range.setStart(walker.currentNode, at);
      range.setEnd(walker.currentNode, at + 1);
      const box = range.getBoundingClientRect();
      ends.push([box.top, box.width]);
      text += walker.currentNode.data[at];
    }
  }
  for (const { index, 0: word } of text.matchAll(/\\S+/g)) {
    const letters = ends.slice(index, index + word.length);
    const breaks = [...word].flatMap((_, at) => (at && letters[at][0] !== letters[at - 1][0] ? [word[at - 1]] : []));
    const fits = letters.reduce((sum, [, width]) => sum + width, 0) <= room;
    if (breaks.some((letter) => fits || !"@.".includes(letter))) torn.push(word);
  }
}
return torn;
"""
"""Words of titles that are broken though a line has room for them, or elsewhere than behind an @ or a dot."""
SAYS: dict[str, tuple[str, ...]] = {
    "an ordinary mail": ("Your order 8812", "ada@example.org", "billing@mg.example.com", "your order 8812 was sent"),
    "a mail with everything": (
        "Your invoice for March", "ada@example.org", "files@archive.example.net", "accounts@example.net", "first time",
        "Hidden copy (Bcc) to files@archive.example.net", "Answers go to accounts@example.net",
        "Once sent, the message cannot be recalled.",
        "A link shows www.example.com but leads to billing.example.net.", "invoice-8812.pdf",
    ),
    "a mail to who left": ("We miss you", "quiet@example.net", "quiet@example.net has unsubscribed", "Come back!"),
    "a mail to many": (
        "Our spring news", "This message goes to 120 recipients.", "example.net", "Dear %recipient.first%",
    ),
    "a mail for later": ("Reminder: your booking", "It leaves at", "ada@example.org", "See you on Friday"),
    "all mail forwarded": (
        "Forward all inbound mail to evil.example.xyz",
        "evil.example.xyz came in with the mail “Urgent: move our inbox”",
        "all inbound mail of the account is forwarded to https://evil.example.xyz/in", "Can be removed again",
    ),
    "a domain deleted": ("Delete domain mg.example.com", "The domain is in use", "This cannot be undone"),
    "a member changed": (
        "Change bob@example.org on mailing list developers@mg.example.com", "had opted out", "Can be changed back",
    ),
    "an opt-out removed": (
        "Delete opt-out of quiet@example.net", "asked not to get this mail", "This cannot be undone",
    ),
    "a webhook": ("Send permanent failure events to hooks.example.net", "Data will be forwarded to hooks.example.net.",
                  "Can be removed again"),
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
@pytest.mark.parametrize("name", ["a mail to who left", "a mail with everything"])
def test_on_a_phone_no_yes_counts_before_each_warning_was_whole(
    chromium: Chromium, page: RunningPage, writes: dict[str, Record], name: str
) -> None:
    chromium.look(*SCREENS["phone"])
    show(chromium, page, writes[name])
    chromium.until_text("Read the warnings in full before you approve.", "#decision-note")
    chromium.click_at("#approve")
    assert page.record(writes[name].id).state == "pending"
    chromium.click("#more-warnings")
    cut = "return [...document.querySelectorAll('.warnings li')].some((one) => one.scrollWidth > one.clientWidth)"
    assert chromium.run(cut) is False
    assert "warnings" not in chromium.text("#decision-note")
    high = writes[name].risk == "high"
    assert chromium.find("#approve").get_attribute("aria-disabled") == str(high).lower()


@pytest.mark.browser
def test_each_waits_under_a_name_of_its_own(chromium: Chromium, page: RunningPage, writes: dict[str, Record]) -> None:
    for record in writes.values():
        page.gate.add(record)
    chromium.go(page.page.link())
    chromium.until(lambda: len(chromium.all(".item")) == len(WRITES), "not all are listed")
    titles = {element.text for element in chromium.all(".item-title")}
    assert len(titles) == len(WRITES)
    assert [words[0] for words in SAYS.values() if not any(title.startswith(words[0]) for title in titles)] == []
    assert chromium.run(TORN) == []


def test_the_list_says_of_each_how_many_warnings_it_has(page: RunningPage, writes: dict[str, Record]) -> None:
    names = {record.id: name for name, record in writes.items()}
    for record in writes.values():
        page.gate.add(record)
    listed = {names[one["id"]]: one["warnings"] for one in page.browser().get("/api/approvals").json["pending"]}
    assert listed == {name: len(record.preview["warnings"]) for name, record in writes.items()}
    assert (listed["an ordinary mail"], listed["a mail to who left"]) == (0, 4)


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


def test_what_replaces_something_is_called_so_in_the_list_and_on_the_button(page: RunningPage) -> None:
    preview = a_preview(action="change", title="Replace a bounce", headline="Replace bounce entry of a@b.example")
    page.gate.add(record := a_record(access="create", preview=preview))
    browser = page.browser()
    assert browser.get(f"/api/approvals/{record.id}").json["action"] == "change"
    (listed,) = browser.get("/api/approvals").json["pending"]
    assert (listed["action"], listed["title"]) == ("change", "Replace a bounce")


@pytest.mark.parametrize("access", ["delete", "send", "change"])
def test_no_preview_makes_something_else_of_what_deletes_or_sends(page: RunningPage, access: Any) -> None:
    page.gate.add(record := a_record(access=access, preview=a_preview(action="create")))
    assert page.browser().get(f"/api/approvals/{record.id}").json["action"] == access


def test_a_change_is_offered_only_where_there_is_something_to_change(page: RunningPage) -> None:
    plain, bare = a_record(), a_record()
    for record in (plain, bare):
        page.gate.add(record)
    page.gate.edits.plain[plain.id] = [PlainField("priority", "number", 3, "Lower first", required=False)]
    told = [page.browser().get(f"/api/approvals/{one.id}").json["editable"] for one in (plain, bare)]
    assert told == [True, False]


def test_commands_are_told_as_they_work_in_this_installation(page: RunningPage) -> None:
    told = page.send("GET", "/").content.decode()
    assert f'<meta name="command" content="{escape(own_command())}">' in told


@pytest.mark.parametrize(
    ("effect", "told"),
    [
        ("Deletes the route 4f3b. Mail is lost.", "Mail is lost."),
        ("Deletes the route 4f3B. Mail is lost.", None),
        ("Deletes the route 4f3b and another. Mail is lost.", None),
        ("Deletes the route 4f3b.", None),
        ("Deletes “a. b”. Mail is lost.", None),
    ],
)
def test_a_sentence_that_says_only_what_the_heading_says_is_left_out(effect: str, told: str | None) -> None:
    preview = Preview(headline="Delete route 4f3b", effect=effect)
    assert effect_beyond(preview) == (told or effect)

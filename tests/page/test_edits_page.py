"""A person changes what waits on the page: over a real socket, and in a browser over the real gate and the sandbox."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from attacks.bench import LETTER, Desk, House
from maton_mailgun.approval.channels.page import PageServer, start
from maton_mailgun.approval.channels.page.edit_pages import MOST_EDITED
from maton_mailgun.approval.lifecycle.plain_fields import PlainField
from maton_mailgun.approval.store.failures import StoreError
from maton_mailgun.approval.store.record import Record
from maton_mailgun.errors import BadArguments, PersonKeyMissing, Problem, SetupError
from maton_mailgun.exchange import Caller, Outcome
from maton_mailgun.sandbox import Sandbox

from .browser import Chromium
from .records import a_send
from .serving import Browser, RunningPage
from .visiting import arm, focused, tab_to

FIELDS = [
    PlainField("to", "list", ["ada@example.com"], "Recipients", required=False),
    PlainField("subject", "line", "Hello", "What it is about", required=False),
    PlainField("test_mode", "switch", None, "Do not deliver", required=False, usual=False),
]


def waiting(page: RunningPage) -> Record:
    record = a_send(1)
    page.gate.add(record)
    page.gate.edits.plain[record.id] = FIELDS
    return record


def save(browser: Browser, record: Record, *, digest: str | None = None, **changes: Any) -> Any:
    body = {"digest": digest or record.digest, "set": changes}
    return browser.send("POST", f"/api/approvals/{record.id}/edit", body)


# Over the wire --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "problem",
    [
        PersonKeyMissing(message="No key.", next="Ask."),
        SetupError("The policy is broken."),
        StoreError("It cannot be read."),
    ],
)
def test_what_cannot_be_changed_whatever_the_reason_is_shown_and_decided_all_the_same(
    page: RunningPage, problem: Exception
) -> None:
    record, browser = waiting(page), page.browser()
    page.gate.edits.out_of_order = problem
    told = browser.get(f"/api/approvals/{record.id}")
    assert (told.status, told.json["digest"], told.json["editable"]) == (200, record.digest, False)


def test_the_fields_have_their_values_and_a_change_makes_a_new_request_that_waits(page: RunningPage) -> None:
    record, browser = waiting(page), page.browser()

    told = browser.get(f"/api/approvals/{record.id}/fields").json
    new = save(browser, record, subject="Hello Ada").json["id"]

    assert (told["digest"], [field["name"] for field in told["fields"]]) == (
        record.digest,
        ["to", "subject", "test_mode"],
    )
    assert told["fields"][0] == {
        "name": "to",
        "label": "To",
        "kind": "list",
        "value": ["ada@example.com"],
        "about": "Recipients",
        "required": False,
        "usual": True,
        "choices": [],
    }
    assert page.gate.edits.made == [(record.id, {"subject": "Hello Ada"}, "person at the approval page")]
    detail = browser.get(f"/api/approvals/{new}").json
    assert (detail["state"], detail["replaces"], detail["edited_by"], detail["edits"]) == (
        "pending",
        record.id,
        ["person at the approval page"],
        [{"label": "Subject", "pieces": [["same", "Hello"], ["in", " Ada"]]}],
    )
    old = browser.get(f"/api/approvals/{record.id}").json["status"]
    assert (old["state"], old["superseded_by"], page.gate.writes) == ("superseded", new, [])


def test_a_yes_to_the_old_one_and_the_same_change_again_answer_409(page: RunningPage) -> None:
    record, browser = waiting(page), page.browser()
    seen = browser.see(record.id)
    assert save(browser, record, subject="Hello Ada").status == 200

    again = save(browser, record, subject="Hello Ada")
    late = browser.decide(record.id, {**seen, "decision": "approve"})

    assert (again.status, again.json["status_now"]["state"]) == (409, "superseded")
    assert (late.status, page.gate.decisions) == (409, [])


def test_what_is_wrong_with_a_change_is_told_field_by_field(page: RunningPage) -> None:
    record, browser = waiting(page), page.browser()
    page.gate.edits.refuse = BadArguments("send_message", [Problem("to[0]", "is no address", "Give name@host")])

    refused = save(browser, record, to=["nobody"])

    assert (refused.status, refused.json["problems"]) == (
        400,
        [{"path": "to[0]", "why": "is no address. Give name@host."}],
    )
    assert page.record(record.id).state == "pending"


@pytest.mark.parametrize(
    "body",
    [{}, {"set": {"subject": "x"}}, {"digest": 1, "set": {}}, {"digest": "d", "set": []}, {"digest": "d", "set": {}}],
)
def test_what_is_no_change_is_refused(page: RunningPage, body: dict[str, Any]) -> None:
    record, browser = waiting(page), page.browser()

    assert browser.send("POST", f"/api/approvals/{record.id}/edit", body).status == 400
    assert page.gate.edits.made == []


# In a browser, over the real gate -------------------------------------------------------------------------------------


class RealPage:
    """The page of a server over the sandbox, in a loop of its own."""

    def __init__(self) -> None:
        self._page = RunningPage()
        self._folder = tempfile.TemporaryDirectory()
        self._open = AsyncExitStack()
        self._page._start = self._start  # type: ignore[method-assign]

    async def _start(self) -> tuple[Any, PageServer]:
        home = Path(self._folder.name) / "home"
        home.mkdir(mode=0o700)
        self.desk = Desk(home, Sandbox())
        self.house: House = await self._open.enter_async_context(self.desk.open())
        page = await start(self.house.gate, reveals=lambda _: False, environ={}, sessions=self._page.sessions)
        return self.house.gate, page

    def __enter__(self) -> RealPage:
        self._page.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._open.aclose())
        self._page.__exit__()
        self._folder.cleanup()

    def run(self, work: Any) -> Any:
        return self._page.run(work)

    def propose(self, **changes: Any) -> str:
        async def asked() -> str:
            told = await self.house.engine.call(
                "send_message", {**LETTER, **changes}, Caller("local", "Desk Assistant")
            )
            assert isinstance(told, Outcome)
            return str(told.content["approval_id"])

        return str(self.run(asked()))

    def record(self, approval_id: str) -> Record:
        found = self.run(self.house.gate.get(approval_id))
        assert isinstance(found, Record)
        return found

    def link(self, approval_id: str) -> str:
        return self._page.page.link(approval_id)

    def ended(self, approval_id: str) -> Record:
        found: Record = self.run(
            self.house.gate.wait(approval_id, 10.0, lambda one: one.state not in ("pending", "approved", "executing"))
        )
        return found


@pytest.fixture(scope="module")
def real() -> Iterator[RealPage]:
    with RealPage() as running:
        yield running


ALL_IN_VIEW = """return [...document.querySelectorAll(".decision-place button")]
  .map((one) => one.getBoundingClientRect())
  .every((box) => box.left >= 0 && box.right <= document.documentElement.clientWidth)"""
WORDS = "return [...document.querySelectorAll(arguments[0])].map((one) => one.lastChild.data)"


def opened(chromium: Chromium, real: RealPage, approval_id: str) -> None:
    chromium.go(real.link(approval_id))
    drawn(chromium, real, approval_id)


def drawn(chromium: Chromium, real: RealPage, approval_id: str) -> None:
    chromium.until(lambda: chromium.run("return location.hash") == f"#/a/{approval_id}", "another one is open")
    chromium.until(lambda: real.record(approval_id).shown_at, "not marked as shown")
    chromium.until(lambda: "still loading" not in chromium.text("#decision-note"), "the message is not drawn")
    arm(chromium)


def put(chromium: Chromium, css: str, text: str) -> None:
    chromium.find(css).clear()
    chromium.type(css, text)


def new_one(chromium: Chromium, old: str) -> str:
    """The request that is open after a save."""
    place: str = chromium.until(
        lambda: (now := chromium.run("return location.hash")) != f"#/a/{old}" and now, "nothing else was opened"
    )
    return place.removeprefix("#/a/")


@pytest.mark.browser
@pytest.mark.parametrize("screen", [(1280, 900), (390, 844)], ids=["desktop", "phone"])
def test_a_person_changes_a_mail_sees_it_word_by_word_and_says_yes_to_that(
    chromium: Chromium, real: RealPage, pictures: Path, screen: tuple[int, int]
) -> None:
    chromium.look(*screen)
    sent = len(real.desk.writes())
    old = real.propose(subject=f"Hello {screen[0]}", text="Good morning Bob,\n\nsee you on Friday.\n")
    opened(chromium, real, old)
    assert chromium.run(ALL_IN_VIEW) is True
    chromium.click("#change")
    chromium.find("#edit")
    assert chromium.run(ALL_IN_VIEW) is True
    put(chromium, "#edit-subject", f"Hello Ann {screen[0]}")
    put(chromium, "#edit-to", "ann@example.net\nben@example.net")
    put(chromium, "#edit-text", "Good evening Bob,\n\nsee you on Saturday.\n")
    chromium.picture(pictures / f"edit-form-{screen[0]}.png")
    assert chromium.run("return document.documentElement.scrollWidth <= innerWidth")
    chromium.click("#save-edit")
    new = new_one(chromium, old)
    drawn(chromium, real, new)
    chromium.picture(pictures / f"edit-shown-{screen[0]}.png")

    words = chromium.text("#edits")
    assert "Changed by person at the approval page" in words
    gone, come = (chromium.run(WORDS, f"#edits {tag}") for tag in ("del", "ins"))
    assert (gone[-2:], come[-2:]) == (["morning", "Friday"], ["evening", "Saturday"])
    assert chromium.text("h1") == f"Hello Ann {screen[0]}"
    assert chromium.run("return document.documentElement.scrollWidth <= innerWidth")
    assert (real.record(old).state, real.record(new).state, len(real.desk.writes())) == ("superseded", "pending", sent)
    chromium.click("#approve")
    assert real.ended(new).state == "succeeded"
    form = dict(real.desk.writes()[-1]["form"])
    assert (len(real.desk.writes()), form["subject"]) == (sent + 1, f"Hello Ann {screen[0]}")


@pytest.mark.browser
def test_the_keyboard_alone_changes_it_and_a_mistake_is_told_at_its_field(chromium: Chromium, real: RealPage) -> None:
    old = real.propose(subject="By keyboard")
    opened(chromium, real, old)
    chromium.press("tab")
    chromium.press("e")
    chromium.find("#edit")
    tab_to(chromium, "edit-to")
    chromium.press("right", "right")
    chromium.type("#edit-to", "\nno address")
    chromium.press("enter", holding="control")
    chromium.until(lambda: chromium.text("#edit-to-problem"), "nothing is told")
    assert (focused(chromium), real.record(old).state) == ("edit-to", "pending")
    assert chromium.run("return document.querySelector('#edit-to').getAttribute('aria-invalid')") == "true"
    put(chromium, "#edit-to", "ann@example.net")
    tab_to(chromium, "save-edit", most=80)
    chromium.press("enter")
    new = new_one(chromium, old)
    assert real.record(new).edited_by == ("person at the approval page",)


@pytest.mark.browser
def test_back_changes_nothing_and_what_is_decided_meanwhile_cannot_be_saved(chromium: Chromium, real: RealPage) -> None:
    old = real.propose(subject="Back and forth")
    opened(chromium, real, old)
    chromium.click("#change")
    put(chromium, "#edit-subject", "Something else")
    chromium.click("#leave-edit")
    chromium.find("#approve")
    assert (chromium.text("h1"), real.record(old).state) == ("Back and forth", "pending")
    chromium.click("#change")
    chromium.find("#edit")
    real.run(real.house.gate.cancel(old, "local"))
    chromium.until_text("Withdrawn meanwhile", "#edit-problem")
    assert chromium.run("return document.querySelector('#save-edit').disabled")


@pytest.mark.browser
def test_who_has_the_old_one_open_is_led_to_what_stands_in_its_place(chromium: Chromium, real: RealPage) -> None:
    old = real.propose(subject="Open elsewhere")
    opened(chromium, real, old)
    new = real.run(real.house.gate.edits.edit(old, {"subject": "Changed elsewhere"}, "ben at a terminal"))
    chromium.until_text("Changed", "#outcome-heading")
    assert chromium.all("#approve") == []
    chromium.click("#superseded-by")
    drawn(chromium, real, new.id)
    assert "Changed by ben at a terminal" in chromium.text("#edits")


def test_a_body_that_nobody_types_is_refused(page: RunningPage) -> None:
    record, browser = waiting(page), page.browser()

    assert save(browser, record, subject="a" * MOST_EDITED).status == 413
    assert page.gate.edits.made == []

"""People sign in by name, and where two must say yes the first one sees that theirs is one of two."""

from __future__ import annotations

import time

import pytest

from .browser import Chromium
from .records import a_send
from .serving import RunningPage
from .visiting import arm

WORDS = "ana's plain words"


def test_a_name_and_its_passphrase_open_a_session_that_says_who_it_is(page: RunningPage) -> None:
    page.gate.people.known = {"Ana": WORDS}
    unknown = page.send("GET", "/api/approvals")
    assert (unknown.status, unknown.json) == (
        401,
        {"error": "sign_in", "message": "Sign in to see approvals.", "passphrase": True, "named": True},
    )
    for given in ({"passphrase": WORDS}, {"name": "Ana"}, {"name": ["Ana"], "passphrase": WORDS}):
        assert page.send("POST", "/api/session", given).status == 400
    assert page.send("POST", "/api/session", {"name": "Ana", "passphrase": "another"}).status == 401
    let_in = page.send("POST", "/api/session", {"name": "Ana", "passphrase": WORDS})
    assert (let_in.status, let_in.json["decider"]) == (200, "Ana, by passphrase")
    assert page.gate.people.tried == [("Ana", "127.0.0.1")] * 2


def test_wrong_guesses_at_a_name_lock_the_guesser_out(page: RunningPage) -> None:
    page.gate.people.known = {"Ana": WORDS}
    statuses = [page.send("POST", "/api/session", {"name": "Ana", "passphrase": str(n)}).status for n in range(6)]
    assert statuses == [401] * 5 + [429]
    assert len(page.gate.people.tried) == 5


def test_a_session_ends_when_its_person_goes_or_has_another_passphrase(page: RunningPage) -> None:
    page.gate.people.known = {"Ana": WORDS, "Bob": "bob's plain words"}
    ana, bob = page.named("Ana", WORDS), page.named("Bob", "bob's plain words")
    assert [one.get("/api/approvals").status for one in (ana, bob)] == [200, 200]
    page.gate.people.known = {"Bob": "bob's other words"}
    for browser in (ana, bob):
        told = browser.get("/api/approvals")
        assert (told.status, told.json["error"], told.json["named"]) == (401, "sign_in", True)
    page.gate.people.known = {"Ana": WORDS}
    assert ana.get("/api/approvals").status == 401


@pytest.mark.browser
def test_a_person_signs_in_and_their_yes_is_the_first_of_two(chromium: Chromium, page: RunningPage) -> None:
    page.gate.people.known = {"Ana": WORDS, "Bob": "bob's plain words"}
    record = a_send(1, approvers=2, created_at=time.time())
    page.gate.add(record)
    chromium.go(page.page.link(record.id))
    chromium.until_text("Sign in to see approvals", "h1")
    chromium.type("#name", "Ana")
    chromium.type("#passphrase", WORDS)
    chromium.click("form.sign-in button")
    chromium.until(lambda: page.record(record.id).shown_at, "not marked as shown")
    chromium.until_text("2 different people must say yes to this. The first yes alone does nothing.", "#decision-note")
    arm(chromium)
    chromium.click("#approve")
    chromium.until_text("Ana said yes, 1 more person needed", "#yeses")
    chromium.until_text("Your yes is recorded: Ana said yes, 1 more person needed.", ".remark")
    assert (page.record(record.id).state, page.gate.writes) == ("pending", [])
    assert page.gate.decisions == []

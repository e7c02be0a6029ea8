"""Attacks 307 to 314: whoever is not one of the people decides nothing, and nobody becomes one of them unseen."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from maton_mailgun.approval.channels import passphrase as secrets
from maton_mailgun.approval.channels import people as book
from maton_mailgun.approval.channels.page.app import create_app
from maton_mailgun.approval.channels.page.sessions import Sessions
from maton_mailgun.approval.channels.passphrase import PEOPLE_FILE, LockedOut, PassphraseError
from maton_mailgun.approval.channels.people import People, PeopleError, checked_name
from maton_mailgun.approval.lifecycle.decide import Decision, NotDecidable
from maton_mailgun.approval.store import audit
from maton_mailgun.approval.store.failures import StoreUnavailable, Tampered
from maton_mailgun.cli import approvals
from maton_mailgun.cli.exit_status import CommandFailed
from maton_mailgun.mail.person_names import key_of

from .bench import LETTER, Desk, House, structured

pytestmark = pytest.mark.anyio
ANAS, BOBS, CARLS = "ana's plain words", "bob's plain words", "carl's plain words"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guesses cost little here: what is tested is what they open."""
    cheap = {"n": 2, "r": 8, "p": 1}
    monkeypatch.setattr(secrets, "COST", cheap)
    monkeypatch.setattr(book, "_NOBODY", {**cheap, "salt": "00", "hash": "00"})


@pytest.fixture
async def house(desk: Desk) -> AsyncIterator[House]:
    async with desk.open() as opened:
        yield opened


async def ana_and_bob(people: People) -> None:
    await people.add("Ana", ANAS, by=[])
    await people.add("Bob", BOBS, by=["Ana"])


async def asked(house: House) -> str:
    async with house.client() as client:
        told = structured(await client.call_tool("send_message", LETTER))
    await house.gate.shown(told["approval_id"])
    return str(told["approval_id"])


def yes(person: str | None, **changes: Any) -> Decision:
    given: dict[str, Any] = {"approve": True, "level": "operator", "channel": "page", "person": person, **changes}
    return Decision(decider=f"{person}, by passphrase", **given)


def kept(people: People) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((people.home / PEOPLE_FILE).read_text())
    return content


async def signs_in(people: People, name: str, given: str, now: float, who: str = "terminal") -> str | None:
    return await people.verify(name, given, now=now, who=who)


# Attack 307: the file is in somebody else's hand -----------------------------------------------------------------


async def test_attack_307_a_file_that_somebody_wrote_or_put_back_lets_nobody_in(house: House, desk: Desk) -> None:
    people = house.gate.people
    await ana_and_bob(people)
    before = kept(people)
    assert await signs_in(people, "ana", ANAS, desk.clock()) == "Ana"
    await people.change("Ana", "another plain text")

    path = people.home / PEOPLE_FILE
    path.write_text(json.dumps({**before, **kept(people)}))
    assert await signs_in(people, "Ana", ANAS, desk.clock()) is None
    assert await signs_in(people, "Ana", "another plain text", desk.clock()) == "Ana"

    (mine, bobs) = (people.store.people, secrets.fresh_hash("the intruder's words"))
    listed = (await mine()).known
    path.write_text(json.dumps({**kept(people), listed["Bob"]: bobs}))
    assert await signs_in(people, "Bob", "the intruder's words", desk.clock()) is None


async def test_attack_307_without_the_file_nobody_is_let_in_and_no_shared_passphrase_counts(
    house: House, desk: Desk
) -> None:
    people = house.gate.people
    await people.add("Ana", ANAS, by=[])
    (people.home / PEOPLE_FILE).unlink()
    assert await people.names() == ["Ana"]
    assert await signs_in(people, "Ana", ANAS, desk.clock()) is None
    with pytest.raises(NotDecidable, match="Sign in with your own name"):
        await house.gate.decide(await asked(house), yes(None))
    assert desk.writes() == []


async def test_attack_307_a_file_that_others_can_write_is_not_taken(house: House, desk: Desk) -> None:
    people = house.gate.people
    await people.add("Ana", ANAS, by=[])
    (people.home / PEOPLE_FILE).chmod(0o666)
    with pytest.raises(PassphraseError, match="is not taken"):
        await signs_in(people, "Ana", ANAS, desk.clock())


async def test_attack_307_a_crash_between_file_and_audit_leaves_everybody_as_they_were(
    house: House, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = house.gate.people
    await people.add("Ana", ANAS, by=[])

    async def crashes(*_: object, **__: object) -> None:
        raise StoreUnavailable("the machine went down")

    with monkeypatch.context() as down:
        down.setattr(type(people.store), "set_people", crashes)
        with pytest.raises(StoreUnavailable):
            await people.change("Ana", "another plain text")
    assert await signs_in(people, "Ana", "another plain text", desk.clock()) is None
    assert await signs_in(people, "Ana", ANAS, desk.clock()) == "Ana"


# Attack 308: a name that is taken for another --------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["ana", "A N A", "Аna", "Ana\u200b", "Ána", "-Ana", "", "Ana\n", "Ana\u202e", "a" * 41]
)
async def test_attack_308_no_second_name_can_be_taken_for_one_that_is_there(house: House, name: str) -> None:
    people = house.gate.people
    await people.add("Ana", ANAS, by=[])
    if name == "Ana\n":
        assert checked_name(name) == "Ana"
    with pytest.raises(PeopleError):
        await people.add(name, BOBS, by=["Ana"])
    assert await people.names() == ["Ana"]


def test_attack_308_letters_that_look_alike_are_one() -> None:
    assert key_of("Oli 1") == key_of("0LI l") == "oll1".replace("1", "l")
    assert key_of("Arno") == key_of("amo")
    assert key_of("José") == key_of("JOSE")
    assert key_of("Ana") != key_of("Anna")


# Attack 309: weakening -------------------------------------------------------------------------------------------


async def test_attack_309_nobody_comes_or_goes_without_the_others(house: House) -> None:
    people = house.gate.people
    await people.add("Ana", ANAS, by=[])
    with pytest.raises(PeopleError, match="somebody who is there already"):
        await people.add("Bob", BOBS, by=[])
    with pytest.raises(PeopleError, match="somebody who is there already"):
        await people.add("Bob", BOBS, by=["Bob"])
    await people.add("Bob", BOBS, by=["Ana"])
    for by in ([], ["Ana"], ["Ana", "Ana"], ["Ana", "Carl"]):
        with pytest.raises(PeopleError, match="2 people who are there already"):
            await people.add("Carl", CARLS, by=by)
    await people.add("Carl", CARLS, by=["Ana", "Bob"])
    for by in (["Carl"], ["Ana", "Carl"]):
        with pytest.raises(PeopleError, match="2 people who are there already"):
            await people.remove("Carl", by=by)
    assert await people.remove("carl", by=["Ana", "Bob"]) == "Carl"
    with pytest.raises(PeopleError, match="somebody who is there already"):
        await people.remove("Ana", by=["Ana"])
    assert await people.remove("Ana", by=["Bob"]) == "Ana"
    with pytest.raises(PeopleError, match="Without the last one"):
        await people.remove("Bob", by=["Bob"])
    assert await people.names() == ["Bob"]
    assert len(kept(people)) == 1


async def test_attack_309_who_changes_the_people_is_in_the_audit_and_it_holds(house: House) -> None:
    people = house.gate.people
    await ana_and_bob(people)
    await people.remove("Bob", by=["Ana"])
    told = [json.loads(line) async for line in audit.export(house.gate.store)]
    changes = [(one["actor"], {k: v for k, v in one["detail"].items() if k != "people"}) for one in told]
    assert changes == [("terminal", {"added": "Ana"}), ("Ana", {"added": "Bob"}), ("Ana", {"removed": "Bob"})]
    assert all(hash_["hash"] not in json.dumps(told) for hash_ in kept(people).values())
    assert (await audit.verify(house.gate.store)).ok


async def test_attack_309_two_changes_at_once_do_not_undo_each_other(house: House) -> None:
    people = house.gate.people
    await people.add("Ana", ANAS, by=[])
    listed = await people.store.people()
    await people.add("Bob", BOBS, by=["Ana"])
    with pytest.raises(StoreUnavailable, match="by somebody else"):
        await people.store.set_people(listed.known, after=listed.seq, actor="Ana", what={"removed": "Bob"})
    assert await people.names() == ["Ana", "Bob"]


async def test_two_people_who_change_theirs_at_one_moment_both_sign_in_with_it(
    house: House, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = house.gate.people
    await ana_and_bob(people)
    takes, taken = type(people.store).set_people, []

    async def and_then_bob(*given: Any, **more: Any) -> Any:
        listed = await takes(*given, **more)
        taken.append(listed)
        if len(taken) == 1:
            await people.change("Bob", "bob's other words")
        return listed

    monkeypatch.setattr(type(people.store), "set_people", and_then_bob)
    await people.change("Ana", "ana's other words")
    assert await signs_in(people, "Ana", "ana's other words", desk.clock()) == "Ana"
    assert await signs_in(people, "Bob", "bob's other words", desk.clock()) == "Bob"
    assert len(kept(people)) == 2


async def test_what_came_too_late_to_be_taken_leaves_nothing_in_the_file(
    house: House, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = house.gate.people
    await ana_and_bob(people)
    before = kept(people)

    async def too_late(*_: object, **__: object) -> None:
        raise StoreUnavailable("The people were changed at this moment by somebody else.", certain=True)

    monkeypatch.setattr(type(people.store), "set_people", too_late)
    with pytest.raises(StoreUnavailable):
        await people.change("Ana", "ana's other words")
    assert kept(people) == before


# Attack 310: guessing --------------------------------------------------------------------------------------------


async def test_attack_310_wrong_guesses_at_one_person_lock_strangers_out_of_that_one_alone(
    house: House, desk: Desk
) -> None:
    people, now = house.gate.people, desk.clock()
    await ana_and_bob(people)
    for number in range(4):
        assert await signs_in(people, "Ana", "a wrong guess", now, f"page 192.0.2.{number}") is None
    with pytest.raises(LockedOut):
        await signs_in(people, "Ana", ANAS, now, "page 192.0.2.99")
    assert await signs_in(people, "Bob", BOBS, now, "page 192.0.2.99") == "Bob"
    assert await signs_in(people, "Ana", ANAS, now, "page browser 00ff") == "Ana"
    assert await signs_in(people, "Ana", ANAS, now) == "Ana"


# Attack 311: the database ----------------------------------------------------------------------------------------


async def test_attack_311_who_edits_the_list_in_the_database_locks_it(house: House, desk: Desk) -> None:
    people = house.gate.people
    await ana_and_bob(people)
    (row,) = desk.intrude("SELECT detail FROM maton_mailgun_audit WHERE to_state = 'people' ORDER BY seq DESC LIMIT 1")
    changed = row[0].replace("Bob", "Eve")
    desk.intrude("UPDATE maton_mailgun_audit SET detail = ? WHERE detail = ?", changed, row[0])
    with pytest.raises(Tampered):
        await people.names()


async def test_attack_311_without_its_entry_the_list_is_not_empty_but_locked(house: House, desk: Desk) -> None:
    people = house.gate.people
    await ana_and_bob(people)
    desk.intrude("DELETE FROM maton_mailgun_audit WHERE seq = (SELECT max(seq) FROM maton_mailgun_audit)")
    with pytest.raises(Tampered):
        await people.names()


# Attack 312: a yes of nobody -------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", [None, "Eve", "ana"])
async def test_attack_312_where_people_are_known_by_name_nobody_else_decides(
    house: House, desk: Desk, person: str | None
) -> None:
    await house.gate.people.add("Ana", ANAS, by=[])
    approval_id = await asked(house)
    for approve in (True, False):
        with pytest.raises(NotDecidable, match="Sign in with your own name"):
            await house.gate.decide(approval_id, yes(person, approve=approve))
    assert (await house.state(approval_id), desk.writes()) == ("pending", [])
    await house.gate.decide(approval_id, yes("Ana"))
    done = await house.gate.run(approval_id)
    assert (done.state, done.decided_by, len(desk.writes())) == ("succeeded", "Ana, by passphrase", 1)


# Attack 313: the page --------------------------------------------------------------------------------------------


async def test_attack_313_a_one_time_link_opens_nothing_where_people_sign_in_by_name(house: House) -> None:
    import httpx2

    sessions = Sessions()
    app = create_app(house.gate, sessions=sessions, allowed_hosts=("page:1",), reveals=lambda _: False)
    headers = {"Origin": "http://page:1", "Sec-Fetch-Site": "same-origin"}
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url="http://page:1", headers=headers
    ) as browser:
        token = sessions.token()
        await house.gate.people.add("Ana", ANAS, by=[])
        link = await browser.post("/api/session", json={"token": token})
        shared = await browser.post("/api/session", json={"passphrase": ANAS})
        wrong = await browser.post("/api/session", json={"name": "Ana", "passphrase": BOBS})
        assert [one.status_code for one in (link, shared, wrong)] == [401, 400, 401]
        assert (link.json()["named"], link.json()["passphrase"]) == (True, True)
        right = await browser.post("/api/session", json={"name": "ana", "passphrase": ANAS})
        assert (right.status_code, right.json()["decider"]) == (200, "Ana, by passphrase")
        (session,) = sessions._sessions.values()
        assert session.person == "Ana"


# Attack 314: the terminal ----------------------------------------------------------------------------------------


def test_attack_314_a_terminal_asks_for_a_name_and_takes_no_shared_passphrase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    from maton_mailgun.approval.channels.terminal import Terminal
    from maton_mailgun.config import load

    settings = load({"MATON_MAILGUN_HOME": str(tmp_path / "home")})

    async def prepare(desk: Terminal) -> None:
        desk.passphrase.set("the shared words", now=0.0)
        await desk.people.add("Ana", ANAS, by=[])

    approvals.at_desk(settings, prepare)
    typed = iter(["Ana", "the shared words", "Eve", ANAS, "Ana", ANAS])
    monkeypatch.setattr(approvals, "typed", lambda *_, **__: next(typed))
    for _ in range(2):
        with pytest.raises(CommandFailed, match="Nobody of this name has that passphrase"):
            approvals.require_passphrase(settings, "Passphrase: ")
    assert approvals.require_passphrase(settings, "Passphrase: ") == "Ana"
    assert asyncio.run(_names(settings)) == ["Ana"]


async def _names(settings: Any) -> list[str]:
    from maton_mailgun.approval.channels.terminal import Terminal

    desk = await Terminal.open(settings)
    try:
        return list(await desk.people.names())
    finally:
        await desk.close()

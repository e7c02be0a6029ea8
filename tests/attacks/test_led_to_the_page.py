"""Clients that lead a person to the page: the address opens nothing by itself, and opening it decides nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx2
import mcp_types as types
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from maton_mailgun.approval.channels import passphrase as secrets
from maton_mailgun.approval.channels.passphrase import Passphrase
from maton_mailgun.protocol.patience import CallPatience
from maton_mailgun.protocol.server import Visitor, build

from .bench import APPROVE, LETTER, ME, Clock, Desk, House, Person, decide, headline, structured

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
ERAS = pytest.mark.parametrize("mode", ["auto", "legacy"])
PASSPHRASE = "three plain words"
SOON = CallPatience(form=0.3, unanswered=0.3, beat=0.05)


class Guest:
    """Goes where the client leads them, and does something there."""

    def __init__(
        self,
        house: House,
        then: Callable[[str], Awaitable[Any]] | None = None,
        *,
        action: str = "accept",
        content: dict[str, Any] | None = None,
    ) -> None:
        self._house = house
        self._then = then
        self._action = action
        self._content = content
        self.led: list[types.ElicitRequestURLParams] = []

    async def __call__(self, _context: Any, asked: Any) -> types.ElicitResult:
        assert isinstance(asked, types.ElicitRequestURLParams), asked
        self.led.append(asked)
        if self._then is not None:
            (newest,) = await self._house.gate.list(limit=1)
            await self._then(newest.id)
        return types.ElicitResult(action=self._action, content=self._content)  # type: ignore[arg-type]


@asynccontextmanager
async def visited(desk: Desk, *, passphrase: bool = True, **changes: Any) -> AsyncIterator[House]:
    """A server whose questions only the page or the terminal decides."""
    if passphrase:
        desk.home.mkdir(mode=0o700, exist_ok=True)
        await asyncio.to_thread(Passphrase(desk.home).set, PASSPHRASE, now=0.0)
    async with desk.open(**{"approval": "operator", "page": True, **changes}) as house:
        yield house


@asynccontextmanager
async def client_of(
    house: House, guest: Any, mode: str, patience: CallPatience | None = None, heard: list[Any] | None = None
) -> AsyncIterator[Client]:
    async def hear(message: Any) -> None:
        if heard is not None:
            heard.append(message)

    server = build(house.engine, who=lambda _: Visitor(ME), patience=patience)
    info = types.Implementation(name="tester", version="1")
    async with Client(server, mode=mode, elicitation_callback=guest, client_info=info, message_handler=hear) as client:
        yield client


@ERAS
async def test_a_yes_on_the_page_that_the_client_led_to_is_one_write(desk: Desk, mode: str) -> None:
    heard: list[Any] = []
    async with visited(desk) as house:
        guest = Guest(house, lambda one: decide(house, one))
        async with client_of(house, guest, mode, heard=heard) as client:
            content = structured(await client.call_tool("send_message", LETTER))
            record = await house.only()
            page = await house.gate.page()
            (led,) = guest.led
            if mode == "legacy":
                while not heard:
                    await asyncio.wait_for(house.gate.wait(record.id, 0.01, lambda _: False), 5)
    assert (content["status"], content["approved_by"], len(desk.writes())) == ("executed", "person at the page", 1)
    assert led.url == f"http://{page.host}:{page.port}/#/a/{record.id}"
    assert led.message == (
        "Send a message: message to 1 recipient via mg(.)example(.)com. This waits for a person. The approval page "
        "shows all of it, asks who you are, and takes the decision. Opening it approves nothing."
    )
    told = [one.params.elicitation_id for one in heard if isinstance(one, types.ElicitCompleteNotification)]
    # Since 2026-07-28 the retry tells.
    assert (led.elicitation_id, told) == ((record.id, [record.id]) if mode == "legacy" else (None, []))


@ERAS
async def test_a_no_on_the_page_is_told_as_that(desk: Desk, mode: str) -> None:
    async with visited(desk) as house:
        guest = Guest(house, lambda one: decide(house, one, approve=False, reason="Too late"))
        async with client_of(house, guest, mode) as client:
            said = headline(await client.call_tool("send_message", LETTER))
    assert said.startswith("NOT EXECUTED. The user said no. Their reason: “Too late”.")
    assert desk.writes() == []


@ERAS
@pytest.mark.parametrize("action", ["accept", "decline", "cancel"])
async def test_who_did_not_decide_yet_leaves_it_open_and_the_model_is_told_where(
    desk: Desk, mode: str, action: str
) -> None:
    """A page that is not opened is no refusal: they may decide in the terminal."""
    async with visited(desk) as house:
        guest = Guest(house, action=action)
        async with client_of(house, guest, mode, SOON) as client:
            content = structured(await client.call_tool("send_message", LETTER))
            record = await house.only()
            again = structured(await client.call_tool("get_approval", {"approval_id": record.id}))
            (led,) = guest.led
    assert (record.state, content["status"], desk.writes()) == ("pending", "approval_required", [])
    expected = {"channel": "page", "url": led.url}
    if action == "accept":
        expected = {"channel": "page", "opened": True, "sign_in": "passphrase"}  # type: ignore[dict-item]
    assert again["decide"][0] == expected
    assert [way["channel"] for way in content["decide"]] == ["page", "cli"]


async def test_a_decision_after_the_call_is_told_to_an_earlier_client(desk: Desk) -> None:
    heard: list[Any] = []
    async with visited(desk) as house, client_of(house, Guest(house), "legacy", SOON, heard) as client:
        await client.call_tool("send_message", LETTER)
        record = await house.only()
        assert heard == []
        await decide(house, record.id)
        while not heard:
            await asyncio.wait_for(house.gate.wait(record.id, 0.01, lambda _: False), 5)
    (told,) = heard
    assert isinstance(told, types.ElicitCompleteNotification)
    assert told.params.elicitation_id == record.id


@ERAS
async def test_who_can_be_asked_by_a_form_is(desk: Desk, mode: str) -> None:
    person = Person(desk.clock, APPROVE)
    async with visited(desk, approval="client") as house, client_of(house, person, mode) as client:
        content = structured(await client.call_tool("send_message", LETTER))
    assert (content["status"], len(person.questions)) == ("executed", 1)


@ERAS
async def test_a_client_that_fails_to_lead_anybody_leaves_the_other_ways(desk: Desk, mode: str) -> None:
    class Failing(Guest):
        async def __call__(self, _context: Any, asked: Any) -> Any:
            self.led.append(asked)
            return types.ErrorData(code=-32603, message="no browser")

    async with visited(desk) as house, client_of(house, guest := Failing(house), mode, SOON) as client:
        if mode == "auto":
            with pytest.raises(MCPError):
                await client.call_tool("send_message", LETTER)
        else:
            content = structured(await client.call_tool("send_message", LETTER))
            assert content["decide"][-1]["channel"] == "cli"
        assert (await house.only()).state == "pending"
    assert (len(guest.led), desk.writes()) == (1, [])


@ERAS
async def test_attack_329_opening_is_never_a_yes_and_not_opening_never_a_no(desk: Desk, mode: str) -> None:
    """Whatever the client sends along, and however long it took."""
    for action, content in (
        ("accept", APPROVE),
        ("accept", None),
        ("decline", None),
        ("decline", {"decision": "reject"}),
    ):
        async with visited(desk, passphrase=not desk.home.exists() or not Passphrase(desk.home).is_set()) as house:

            async def later(_: str, clock: Clock = house.clock) -> None:
                clock.let_pass(30)

            guest = Guest(house, later, action=action, content=dict(content) if content else None)
            async with client_of(house, guest, mode, SOON) as client:
                told = structured(await client.call_tool("send_message", {**LETTER, "subject": f"{action} {content}"}))
                assert told["status"] == "approval_required"
            assert await house.state(told["approval_id"]) == "pending"
            await house.gate.cancel(told["approval_id"], ME)
    assert desk.writes() == []


@ERAS
async def test_attack_329_the_address_has_no_token_and_whoever_opens_it_must_sign_in(desk: Desk, mode: str) -> None:
    tried: list[tuple[int, int, int]] = []

    async def open_it(one: str) -> None:
        url = urlsplit(guest.led[0].url)
        assert (url.query, url.fragment.partition("?")[2]) == ("", "")
        # Whatever a resolver makes of the name: a browser leads it to this machine.
        known = {"Origin": f"{url.scheme}://{url.netloc}", "Host": url.netloc}
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{url.port}", headers=known) as browser:
            stranger = await browser.get(f"/api/approvals/{url.fragment.removeprefix('/a/')}")
            wrong = await browser.post("/api/session", json={"passphrase": "not the right words"})
            right = await browser.post("/api/session", json={"passphrase": PASSPHRASE})
            tried.append((stranger.status_code, wrong.status_code, right.status_code))
        await decide(house, one, approve=False)

    async with visited(desk) as house:
        guest = Guest(house, open_it)
        async with client_of(house, guest, mode) as client:
            await client.call_tool("send_message", LETTER)
    assert tried == [(401, 401, 200)]


@ERAS
async def test_attack_329_where_nobody_could_sign_in_nobody_is_led(desk: Desk, mode: str) -> None:
    async with visited(desk, passphrase=False) as house, client_of(house, guest := Guest(house), mode) as client:
        content = structured(await client.call_tool("send_message", LETTER))
    assert (guest.led, [way["channel"] for way in content["decide"]]) == ([], ["cli"])


@ERAS
async def test_who_has_a_passphrase_of_their_own_is_led_there_without_one_that_is_shared(
    desk: Desk, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "COST", {"n": 2, "r": 8, "p": 1})
    async with visited(desk, passphrase=False) as house:
        await house.gate.people.add("Ana", "plain words of Ana", by=[])
        async with client_of(house, guest := Guest(house), mode, SOON) as client:
            told = structured(await client.call_tool("send_message", LETTER))
        (led,) = guest.led
        assert urlsplit(led.url).fragment == f"/a/{told['approval_id']}"


@ERAS
async def test_attack_418_where_people_have_names_the_shared_passphrase_leads_nobody(
    desk: Desk, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they sign in with is lost: the shared one lets nobody in either."""
    monkeypatch.setattr(secrets, "COST", {"n": 2, "r": 8, "p": 1})
    async with visited(desk) as house:
        await house.gate.people.add("Ana", "plain words of Ana", by=[])
        (desk.home / secrets.PEOPLE_FILE).unlink()
        async with client_of(house, guest := Guest(house), mode, SOON) as client:
            await client.call_tool("send_message", LETTER)
    assert guest.led == []


async def test_who_has_a_passkey_is_led_to_the_name_that_browsers_keep_it_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "COST", {"n": 2, "r": 8, "p": 1})
    async with visited(desk, passphrase=False) as house:
        await house.gate.people.add("Ana", "plain words of Ana", by=[])
        await house.gate.people.add_passkey("Ana", {"id": "abc", "key": "def"}, by=["Ana"])
        async with client_of(house, guest := Guest(house), "auto", SOON) as client:
            await client.call_tool("send_message", LETTER)
        (led,) = guest.led
        assert urlsplit(led.url).hostname == "localhost"


@ERAS
async def test_attack_329_words_of_others_in_the_message_are_no_address(desk: Desk, mode: str) -> None:
    evil = {"domain": LETTER["domain"], "webhook_type": "opened", "urls": ["https://evil.example/approve"]}
    async with visited(desk) as house, client_of(house, guest := Guest(house), mode, SOON) as client:
        result = await client.call_tool("create_webhook", evil)
        assert structured(result)["status"] == "approval_required", json.dumps(structured(result))
    (led,) = guest.led
    assert "://" not in led.message
    assert urlsplit(led.url).hostname not in (None, "evil.example")


async def test_attack_329_who_did_not_go_is_not_pressed_by_calling_again(desk: Desk) -> None:
    async with visited(desk) as house:
        guest = Guest(house, action="decline")
        async with client_of(house, guest, "legacy", SOON) as client:
            for _ in range(3):
                await client.call_tool("send_message", LETTER)
    assert len(guest.led) == 1


@ERAS
async def test_attack_329_not_opening_is_no_refusal_of_what_no_form_can_hold(desk: Desk, mode: str) -> None:
    async with visited(desk, approval="client") as house:

        async def later(_: str) -> None:
            house.clock.let_pass(30)

        guest = Guest(house, later, action="decline")
        async with client_of(house, guest, mode, SOON) as client:
            told = structured(await client.call_tool("send_message", {**LETTER, "text": "word " * 20_000}))
            assert (told["status"], "no_form" in told) == ("approval_required", True)
        assert ((await house.only()).state, len(guest.led)) == ("pending", 1)


async def test_attack_329_the_same_connection_is_led_there_once(desk: Desk) -> None:
    async with visited(desk) as house, client_of(house, guest := Guest(house), "legacy", SOON) as client:
        for _ in range(3):
            await client.call_tool("send_message", LETTER)
    assert len(guest.led) == 1


async def test_attack_329_a_form_answer_under_the_state_of_a_visit_is_no_decision(desk: Desk) -> None:
    async with visited(desk) as house, client_of(house, Guest(house), "auto", SOON) as client:
        asked = await client.session.call_tool("send_message", LETTER, allow_input_required=True)
        assert isinstance(asked, types.InputRequiredResult)
        yes = types.ElicitResult(action="accept", content=dict(APPROVE))
        house.clock.let_pass(30)
        result = await client.session.call_tool(
            "send_message", LETTER, input_responses={"decision": yes}, request_state=asked.request_state
        )
        assert structured(result)["status"] == "approval_required"
        assert (await house.only()).state == "pending"

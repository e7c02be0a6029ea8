"""Passkeys at the server's address outside: made there by who was agreed upon, and good at that origin to the port."""

from __future__ import annotations

import asyncio
import json
import re
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from maton_mailgun.approval.binding.keys import load_keys
from maton_mailgun.approval.channels.passkey_offers import OFFER_SECONDS, OFFERS_FILE, PasskeyOffers
from maton_mailgun.approval.lifecycle.signed_decisions import Checked, check_all
from maton_mailgun.approval.store import audit
from maton_mailgun.cli import people as cli_people
from maton_mailgun.cli.screen import Screen
from maton_mailgun.config import PAGE_PREFIX, Settings
from maton_mailgun.protocol.entrance import Entrance
from maton_mailgun.protocol.served_names import ServedNames

from .authenticator import PRESENT, Authenticator
from .bench import Desk
from .test_passkeys import SIGNED, Browser, _cheap, _Exported, _exports  # noqa: F401 - fixtures

pytestmark = pytest.mark.anyio
OUTSIDE = "https://approve.example.com:8443"
RP = "approve.example.com"


@asynccontextmanager
async def browser_at(desk: Desk, origin: str = OUTSIDE) -> AsyncIterator[Browser]:
    """Ana's browser at the page of a server whose proxy has this origin."""
    path = desk.home / "policy.toml"
    path.write_text(SIGNED)
    path.chmod(0o600)
    async with desk.open(policy=path) as house:
        door = Entrance(house.engine, ServedNames("127.0.0.1", 8000, origin))
        transport = httpx2.ASGITransport(app=_Proxied(door))
        headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
        async with httpx2.AsyncClient(transport=transport, base_url=f"{origin}{PAGE_PREFIX}", headers=headers) as http:
            if not await house.gate.people.names():
                await house.gate.people.add("Ana", "plain words of Ana", by=[])
                await house.gate.people.add("Bob", "plain words of Bob", by=["Ana"])
            found = Browser(http, house)
            await found.sign_in()
            yield found


class _Proxied:
    """A proxy that ends TLS."""

    def __init__(self, door: Entrance) -> None:
        self._door = door

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._door({**scope, "scheme": "http"}, receive, send)


def offers_of(desk: Desk, clock: Any = None) -> PasskeyOffers:
    """What the terminal has of offers, beside the server."""
    key = load_keys(desk.home).seal
    return PasskeyOffers(desk.home, key) if clock is None else PasskeyOffers(desk.home, key, clock)


def offered(desk: Desk, origin: str = OUTSIDE, person: str = "Ana") -> str:
    return offers_of(desk).make(person, origin, by=["Ana", "Bob"])


async def options(browser: Browser, token: str) -> Any:
    return await browser.http.post("/api/passkey/options", json={"token": token})


async def makes(browser: Browser, token: str, **changes: Any) -> Any:
    """Have the device make what the server asks for."""
    challenge = (await options(browser, token)).json().get("challenge", "")
    made = browser.ana.make(challenge, **{"origin": OUTSIDE, "rp_id": RP, **changes})
    return await browser.http.post("/api/passkey", json={"token": token, "credential": made})


async def test_attack_394_a_passkey_that_is_made_outside_signs_there_and_the_audit_checks_it(desk: Desk) -> None:
    async with browser_at(desk) as browser:
        token = offered(desk)
        asked = (await options(browser, token)).json()
        assert (asked["rp"]["id"], asked["user"]["name"]) == (RP, "Ana")
        assert asked["authenticatorSelection"]["userVerification"] == "required"
        assert (await makes(browser, token)).json() == {"person": "Ana"}
        # Whoever's way of signing in has changed signs in anew.
        await browser.sign_in()
        record = await browser.asked()
        challenge = await browser.challenge(record)
        assert challenge["options"]["rpId"] == RP
        signed = await browser.signs(record, origin=OUTSIDE, rp_id=RP)
        assert (await browser.says(record, signed)).status_code == 200
        done = await browser.house.gate.run(record.id)
        assert (done.state, done.decided_by, len(desk.writes())) == ("succeeded", "Ana, by passphrase", 1)
        assert await check_all(browser.house.gate.store) == Checked(1)


async def test_attack_394_an_offer_is_taken_once_in_time_at_its_origin_and_not_by_a_guess(desk: Desk) -> None:
    now = [1_000_000.0]
    async with browser_at(desk) as browser:
        elsewhere = offered(desk, "https://approve.example.com")
        over = offers_of(desk, lambda: 0.0).make("Ana", OUTSIDE, by=["Ana", "Bob"])
        for token in ("guess", "", 7, None, elsewhere, over):
            assert (await options(browser, token)).status_code == 409  # type: ignore[arg-type]
        token = offered(desk)
        both = await asyncio.gather(makes(browser, token), makes(browser, token))
        assert sorted(answer.status_code for answer in both) == [200, 409]
        await browser.sign_in()
        assert (await options(browser, token)).status_code == 409
        assert len(await browser.house.gate.people.passkeys("Ana")) == 1
    offers = offers_of(desk, lambda: now[0])
    token = offers.make("Ana", OUTSIDE, by=["Ana", "Bob"])
    now[0] += OFFER_SECONDS
    assert (offers.standing(token), offers.take(token)) == (None, None)


async def test_attack_394_what_was_not_made_there_is_not_kept_and_may_be_made_again(desk: Desk) -> None:
    async with browser_at(desk) as browser:
        token = offered(desk)
        for changes in (
            {"origin": "https://approve.example.com"},
            {"origin": "https://approve.example.com:8444"},
            {"origin": "https://evil.example:8443"},
            {"rp_id": "example.com"},
            {"rp_id": "localhost"},
        ):
            assert (await makes(browser, token, **changes)).status_code == 409
        assert await browser.house.gate.people.passkeys("Ana") == []
        assert (await makes(browser, token)).status_code == 200


async def test_attack_394_an_offer_that_somebody_wrote_or_changed_is_none(desk: Desk) -> None:
    async with browser_at(desk) as browser:
        token, other = offered(desk), offered(desk, person="Bob")
        path = desk.home / OFFERS_FILE
        kept = json.loads(path.read_text())
        first, second = kept
        path.write_text(json.dumps({first: kept[second], second: kept[first]}))
        assert [(await options(browser, one)).status_code for one in (token, other)] == [409, 409]
        path.write_text(json.dumps({first: "AAAA", second: 7}))
        assert [(await options(browser, one)).status_code for one in (token, other)] == [409, 409]


async def test_attack_395_a_link_makes_a_passkey_for_nobody_but_whose_it_is(desk: Desk) -> None:
    async with browser_at(desk) as browser:
        token = offered(desk)
        await browser.sign_in("Bob")
        refused = await options(browser, token)
        assert (refused.status_code, "That link is Ana's" in refused.text) == (409, True)
        made = browser.ana.make("AAAA", origin=OUTSIDE, rp_id=RP)
        assert (await browser.http.post("/api/passkey", json={"token": token, "credential": made})).status_code == 409
        del browser.http.headers["X-Approval-Key"]
        stranger = await options(browser, token)
        assert (stranger.status_code, stranger.json()["named"]) == (401, True)
        assert await browser.house.gate.people.passkeys("Ana") == []


async def test_attack_395_a_yes_of_somebody_who_was_removed_since_makes_no_passkey(desk: Desk) -> None:
    async with browser_at(desk) as browser:
        people = browser.house.gate.people
        await people.add("Carl", "plain words of Carl", by=["Ana", "Bob"])
        token = offered(desk)
        await people.remove("Bob", by=["Ana", "Carl"])
        refused = await makes(browser, token)
        assert (refused.status_code, "needs the yes of 2 people" in refused.text) == (409, True)
        assert await people.passkeys("Ana") == []


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "https://approve.example.com"},
        {"origin": "https://approve.example.com:8444"},
        {"origin": "http://approve.example.com:8443"},
        {"origin": "https://evil.example:8443", "rp_id": "evil.example"},
        {"rp_id": "example.com"},
        {"flags": PRESENT},
    ],
)
async def test_attack_396_a_signature_made_elsewhere_does_not_hold_outside_either(
    desk: Desk, changes: dict[str, Any]
) -> None:
    async with browser_at(desk) as browser:
        await makes(browser, offered(desk))
        await browser.sign_in()
        record = await browser.asked()
        told = await browser.says(record, await browser.signs(record, **{"origin": OUTSIDE, "rp_id": RP, **changes}))
        assert (told.status_code, "does not hold" in told.text) == (409, True)
        assert ((await browser.record(record.id)).state, desk.writes()) == ("pending", [])


async def test_attack_396_a_passkey_is_good_at_the_address_it_was_made_for_alone(desk: Desk) -> None:
    """The same name and another port has the same passkeys in a browser."""
    async with browser_at(desk) as browser:
        await makes(browser, offered(desk))
        ana = browser.ana
        await browser.house.gate.people.add_passkey("Ana", Authenticator().passkey, by=["Ana", "Bob"])
    async with browser_at(desk, "https://approve.example.com") as browser:
        record = await browser.asked()
        given = {"decision": "approve", "digest": record.digest, "version": record.version}
        refused = await browser.http.post(f"/api/approvals/{record.id}/challenge", json=given)
        assert (refused.status_code, "Ana has no passkey for https://approve.example.com:" in refused.text) == (
            409,
            True,
        )
        statement = {"nonce": "x"}
        made = ana.sign("x", origin="https://approve.example.com", rp_id=RP)
        with pytest.raises(Exception, match="no passkey of this person"):
            await browser.house.gate.people.signed("Ana", "https://approve.example.com", statement, made)


async def test_attack_396_the_audit_shows_a_signature_of_another_address_than_its_passkeys(desk: Desk) -> None:
    async with browser_at(desk) as browser:
        await makes(browser, offered(desk))
        await browser.sign_in()
        record = await browser.asked()
        await browser.says(record, await browser.signs(record, origin=OUTSIDE, rp_id=RP))
        await browser.house.gate.run(record.id)
        lines = [json.loads(line) async for line in audit.export(browser.house.gate.store)]
    (made,) = [one for one in lines if "passkey_of" in one["detail"]]
    (signed,) = [one for one in lines if "signed" in one["detail"]]
    assert (made["detail"]["origin"], signed["detail"]["signed"]["origin"]) == (OUTSIDE, OUTSIDE)
    assert await check_all(_Exported(lines)) == Checked(1)  # type: ignore[arg-type]
    for other in ("https://approve.example.com", None):
        made["detail"]["origin"] = other
        why = "it was signed at another address than its passkey was made for"
        assert await check_all(_Exported(lines)) == Checked(1, signed["seq"], why)  # type: ignore[arg-type]


async def test_the_terminal_offers_it_at_the_address_outside_and_goes_on_when_it_is_made(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with browser_at(desk) as browser:
        settings = replace(Settings(home=desk.home), http_url=OUTSIDE)
        printed: asyncio.Queue[str] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def line(_: Any, text: str = "", *__: Any) -> None:
            loop.call_soon_threadsafe(printed.put_nowait, text)

        monkeypatch.setattr(Screen, "line", line)
        monkeypatch.setattr(cli_people, "OFFER_SECONDS", 20.0)
        adding = asyncio.create_task(asyncio.to_thread(cli_people._add_passkey, settings, "Ana", ["Ana", "Bob"]))
        assert "signs in there" in await printed.get()
        address, _, token = (await printed.get()).partition("?t=")
        assert address == f"{OUTSIDE}/approvals/#/passkey"
        assert (await makes(browser, token)).json() == {"person": "Ana"}
        assert await adding == 0
        assert f"Ana signs with a passkey at {OUTSIDE} what a rule asks it for." in await printed.get()
    assert json.loads((desk.home / OFFERS_FILE).read_text()) == {}


async def test_attack_397_the_page_is_put_on_a_phone_at_its_address_outside_and_nowhere_else(desk: Desk) -> None:
    """At a port of this machine another program would ask for the passphrase tomorrow."""
    for origin in (OUTSIDE, "http://approve.example.com", None):
        async with desk.open() as house:
            door = Entrance(house.engine, ServedNames("127.0.0.1", 8000, origin))
            base = f"{origin or 'http://127.0.0.1:8000'}{PAGE_PREFIX}/"
            async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=_Proxied(door)), base_url=base) as http:
                document = await http.get("")
                links = re.findall(r'<link rel="(?:manifest|apple-touch-icon)" href="([^"]+)">', document.text)
                if origin != OUTSIDE:
                    assert links == []
                    folder = re.findall(r'src="(static/[^/]+/)', document.text)[0]
                    assert (await http.get(f"{folder}app.webmanifest")).status_code == 404
                    continue
                manifest, touch = [await http.get(link) for link in links]
                told = manifest.json()
                icons = [await http.get(f"{links[0].rpartition('/')[0]}/{one['src']}") for one in told["icons"]]
                elsewhere = await http.get(links[0], headers={"Host": "evil.example"})
            assert (told["id"], told["start_url"], told["scope"], told["display"]) == (
                *["/approvals/"] * 3,
                "standalone",
            )
            assert manifest.headers["content-type"] == "application/manifest+json"
            assert "manifest-src 'self'" in document.headers["content-security-policy"]
            assert {(one.status_code, one.headers["content-type"]) for one in (touch, *icons)} == {(200, "image/png")}
            drawn = [struct.unpack(">II", one.content[16:24]) for one in (touch, *icons)]
            assert drawn == [(180, 180), (192, 192), (512, 512), (192, 192), (512, 512)]
            assert elsewhere.status_code == 421

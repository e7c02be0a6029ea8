"""Attack 301: a passkey signs one decision about one record at one origin; nothing else of it counts, ever."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from maton_mailgun.approval.binding.passkeys import PasskeyError, challenge_of, rp_id_of, statement_of
from maton_mailgun.approval.channels import passphrase as secrets
from maton_mailgun.approval.channels.page.app import create_app
from maton_mailgun.approval.channels.page.passkey_door import Registrar
from maton_mailgun.approval.channels.page.sessions import Sessions
from maton_mailgun.approval.channels.people import PeopleError
from maton_mailgun.approval.lifecycle.decide import Decision, NotDecidable
from maton_mailgun.approval.lifecycle.signed_decisions import Checked, check_all
from maton_mailgun.approval.store import audit
from maton_mailgun.approval.store.record import Record
from maton_mailgun.cli import audit as cli_audit

from .authenticator import PRESENT, Authenticator
from .bench import LETTER, Desk, House, structured

pytestmark = pytest.mark.anyio
SIGNED = '[[rule]]\nname = "signed"\ndecision = "ask"\nlevel = "passkey"\n'
ORIGIN = "http://localhost:4321"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "COST", {"n": 2, "r": 8, "p": 1})


@dataclass
class Browser:
    """Ana's browser, signed in on the page."""

    http: httpx2.AsyncClient
    house: House
    ana: Authenticator = field(default_factory=Authenticator)

    async def sign_in(self, name: str = "Ana") -> None:
        told = await self.http.post("/api/session", json={"name": name, "passphrase": f"plain words of {name}"})
        assert told.status_code == 200, told.text
        self.http.headers["X-Approval-Key"] = told.json()["key"]

    async def asked(self, number: int = 0) -> Record:
        """One more letter that waits, before the person."""
        async with self.house.client() as client:
            told = structured(await client.call_tool("send_message", {**LETTER, "subject": f"Number {number}"}))
        there = f"/api/approvals/{told['approval_id']}"
        await self.http.post(f"{there}/shown", json={})
        await self.http.get(f"{there}/message")
        return await self.record(told["approval_id"])

    async def record(self, approval_id: str) -> Record:
        found = await self.house.gate.get(approval_id)
        assert found is not None
        return found

    async def challenge(self, record: Record, decision: str = "approve") -> Any:
        given = {"decision": decision, "digest": record.digest, "version": record.version}
        told = await self.http.post(f"/api/approvals/{record.id}/challenge", json=given)
        assert told.status_code == 200, told.text
        return told.json()

    async def says(self, record: Record, signed: Mapping[str, Any] | None, decision: str = "approve") -> Any:
        given = {"decision": decision, "digest": record.digest, "version": record.version}
        if signed is not None:
            given["signed"] = dict(signed)
        return await self.http.post(f"/api/approvals/{record.id}/decision", json=given)

    async def signs(self, record: Record, **changes: Any) -> dict[str, Any]:
        asked = await self.challenge(record)
        made = self.ana.sign(asked["options"]["challenge"], **{"origin": ORIGIN, **changes})
        return {"nonce": asked["nonce"], "credential": made}


@pytest.fixture
async def browser(desk: Desk) -> AsyncIterator[Browser]:
    path = desk.home / "policy.toml"
    path.write_text(SIGNED)
    path.chmod(0o600)
    async with desk.open(policy=path) as house:
        people = house.gate.people
        app = create_app(house.gate, sessions=Sessions(), allowed_hosts=("localhost:4321",), reveals=lambda _: False)
        headers = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers) as http:
            found = Browser(http, house)
            await people.add("Ana", "plain words of Ana", by=[])
            await people.add("Bob", "plain words of Bob", by=["Ana"])
            await people.add_passkey("Ana", found.ana.passkey, by=["Ana", "Bob"])
            await found.sign_in()
            yield found


async def test_attack_301_a_signed_yes_is_carried_out_once_and_its_signature_is_in_the_audit(
    browser: Browser, desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = await browser.asked()
    assert record.level == "passkey"
    told = await browser.says(record, await browser.signs(record))
    assert told.status_code == 200, told.text
    done = await browser.house.gate.run(record.id)
    assert (done.state, done.decided_by, len(desk.writes())) == ("succeeded", "Ana, by passphrase", 1)
    store = browser.house.gate.store
    assert (await audit.verify(store)).ok
    assert await check_all(store) == Checked(1)
    (line,) = [one async for one in audit.export(store) if '"signed"' in one]
    assert json.loads(line)["detail"]["signed"]["origin"] == ORIGIN
    monkeypatch.setenv("MATON_MAILGUN_HOME", str(desk.home))
    assert await asyncio.to_thread(cli_audit.verify, argparse.Namespace(sandbox=False)) == 0
    assert "1 decision signed with a passkey, each as it says." in capsys.readouterr().out


async def test_attack_301_without_a_signature_nobody_approves_but_anybody_by_name_rejects(
    browser: Browser, desk: Desk
) -> None:
    record = await browser.asked()
    assert (await browser.says(record, None)).status_code == 409
    for level in ("client", "operator", "passkey"):
        with pytest.raises(NotDecidable):
            await browser.house.gate.decide(
                record.id, Decision(approve=True, level=level, channel="cli", decider="Ana", person="Ana")
            )
    assert (await browser.record(record.id)).state == "pending"
    await browser.sign_in("Bob")
    assert (await browser.says(record, None, "reject")).json()["status"]["state"] == "rejected"
    assert desk.writes() == []


async def test_attack_301_a_signature_counts_once_and_for_no_other_record_or_decision(
    browser: Browser, desk: Desk
) -> None:
    first, second = await browser.asked(1), await browser.asked(2)
    of_first = await browser.signs(first)
    other = await browser.says(second, of_first)
    assert (other.status_code, "of another decision" in other.text) == (409, True)
    again = await browser.says(first, of_first)
    assert (again.status_code, "used already" in again.text) == (409, True)
    of_a_no = await browser.challenge(first, "reject")
    made = browser.ana.sign(of_a_no["options"]["challenge"], origin=ORIGIN)
    turned = await browser.says(first, {"nonce": of_a_no["nonce"], "credential": made})
    assert (turned.status_code, "of another decision" in turned.text) == (409, True)
    asked = await browser.challenge(second)
    stolen = await browser.says(second, {"nonce": asked["nonce"], "credential": of_first["credential"]})
    assert (stolen.status_code, "does not hold" in stolen.text) == (409, True)
    assert {(await browser.record(one.id)).state for one in (first, second)} == {"pending"}
    assert desk.writes() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "http://localhost:4322"},
        {"origin": "https://localhost:4321"},
        {"origin": "http://evil.example"},
        {"rp_id": "evil.example"},
        {"flags": PRESENT},
    ],
)
async def test_attack_301_a_signature_made_elsewhere_or_without_the_lock_of_the_device_does_not_hold(
    browser: Browser, desk: Desk, changes: dict[str, Any]
) -> None:
    record = await browser.asked()
    told = await browser.says(record, await browser.signs(record, **changes))
    assert (told.status_code, "does not hold" in told.text) == (409, True)
    assert ((await browser.record(record.id)).state, desk.writes()) == ("pending", [])


async def test_attack_301_a_copied_key_shows_by_its_count(browser: Browser) -> None:
    first, second = await browser.asked(1), await browser.asked(2)
    browser.ana.count = 7
    assert (await browser.says(first, await browser.signs(first))).status_code == 200
    browser.ana.count = 7
    told = await browser.says(second, await browser.signs(second))
    assert (told.status_code, "does not hold" in told.text) == (409, True)


async def test_attack_301_another_key_and_another_persons_key_sign_nothing(browser: Browser) -> None:
    record = await browser.asked()
    mine, browser.ana = browser.ana, Authenticator()
    told = await browser.says(record, await browser.signs(record))
    assert (told.status_code, "no passkey of this person" in told.text) == (409, True)
    browser.ana = mine
    await browser.sign_in("Bob")
    given = {"decision": "approve", "digest": record.digest, "version": record.version}
    refused = await browser.http.post(f"/api/approvals/{record.id}/challenge", json=given)
    assert (refused.status_code, "Bob has no passkey" in refused.text) == (409, True)


async def test_attack_301_a_signature_of_another_record_is_refused_by_the_gate_itself(browser: Browser) -> None:
    first, second = await browser.asked(1), await browser.asked(2)
    people = browser.house.gate.people
    statement = statement_of(first, approve=True, person="Ana", nonce="once")
    made = browser.ana.sign(_text(challenge_of(statement)), origin=ORIGIN)
    evidence = await people.signed("Ana", ORIGIN, statement, made)
    given: dict[str, Any] = {"approve": True, "level": "passkey", "channel": "page", "decider": "Ana", "person": "Ana"}
    with pytest.raises(NotDecidable, match="another decision"):
        await browser.house.gate.decide(second.id, Decision(**given, signed=evidence))
    with pytest.raises(NotDecidable, match="Sign in with your own name"):
        await browser.house.gate.decide(first.id, Decision(**{**given, "person": "Eve"}, signed=evidence))


async def test_attack_301_a_passkey_comes_only_with_the_others_and_over_a_link_that_works_once(
    browser: Browser,
) -> None:
    people = browser.house.gate.people
    for by in ([], ["Ana"], ["Ana", "Ana"]):
        with pytest.raises(PeopleError, match="needs the yes of"):
            await people.add_passkey("Ana", Authenticator().passkey, by=by)
    await people.add("Carl", "plain words of Carl", by=["Ana", "Bob"])
    with pytest.raises(PeopleError, match="needs the yes of Carl too"):
        await people.add_passkey("Carl", Authenticator().passkey, by=["Ana", "Bob"])
    assert await people.passkeys("Ana") == [browser.ana.passkey]
    await people.change("Ana", "other plain words")
    assert await people.passkeys("Ana") == [browser.ana.passkey]

    registrar = Registrar("Ana")
    app = create_app(
        browser.house.gate,
        sessions=Sessions(),
        allowed_hosts=("localhost:4321",),
        reveals=lambda _: False,
        registrar=registrar,
    )
    headers = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=ORIGIN, headers=headers) as http:
        assert (await http.post("/api/passkey/options", json={"token": "guess"})).status_code == 401
        options = (await http.post("/api/passkey/options", json={"token": registrar.token})).json()
        assert (options["rp"]["id"], options["user"]["name"]) == ("localhost", "Ana")
        assert options["authenticatorSelection"]["userVerification"] == "required"
        new = Authenticator()
        elsewhere = new.make(options["challenge"], origin="http://localhost:1")
        for made in ({}, elsewhere):
            wrong = await http.post("/api/passkey", json={"token": registrar.token, "credential": made})
            assert (wrong.status_code, registrar.made.done()) == (409, False)
        right = {"token": registrar.token, "credential": new.make(options["challenge"], origin=ORIGIN)}
        assert (await http.post("/api/passkey", json=right)).json() == {"person": "Ana"}
        assert await registrar.made == new.passkey
        assert (await http.post("/api/passkey", json=right)).status_code == 401
    await browser.sign_in("Bob")
    unregistered = await browser.http.post("/api/passkey/options", json={"token": registrar.token})
    assert unregistered.status_code == 404


async def test_attack_301_the_audit_shows_a_signature_that_is_not_of_its_entry(browser: Browser) -> None:
    record = await browser.asked()
    await browser.says(record, await browser.signs(record))
    await browser.house.gate.run(record.id)
    lines = [json.loads(line) async for line in audit.export(browser.house.gate.store)]
    (at,) = [number for number, one in enumerate(lines) if "signed" in one["detail"]]

    async def checked(change: Any) -> Checked:
        changed = json.loads(json.dumps(lines))
        change(changed[at])
        return await check_all(_Exported(changed))  # type: ignore[arg-type]

    seq = lines[at]["seq"]
    assert await checked(lambda entry: None) == Checked(1)
    for change in (
        lambda entry: entry.update(approval_id="apr_" + "0" * 32),
        lambda entry: entry.update(digest="hmac-sha256:" + "0" * 64),
        lambda entry: entry["detail"]["signed"]["statement"].update(preview="0" * 64),
        lambda entry: entry["detail"]["signed"]["statement"].update(person="Bob"),
        lambda entry: entry["detail"]["signed"].update(origin="http://localhost:1"),
        lambda entry: entry["detail"]["signed"].update(signature="AAAA"),
        lambda entry: entry["detail"]["signed"].update(credential="AAAA"),
    ):
        assert (await checked(change)).first_bad == seq


async def test_attack_301_a_rule_that_wants_a_signature_since_stops_what_has_none(desk: Desk) -> None:
    path = desk.home / "policy.toml"
    path.write_text('[[rule]]\nname = "slowly"\ndecision = "ask"\nhold = "1s"\n')
    path.chmod(0o600)
    async with desk.open(policy=path) as house:
        async with house.client() as client:
            told = structured(await client.call_tool("send_message", LETTER))
        yes = Decision(approve=True, level="operator", channel="page", decider="ann at the page")
        await house.gate.decide(told["approval_id"], yes)
        path.write_text(SIGNED)
        desk.clock.let_pass(1.0)
        ended = await house.gate.wait(told["approval_id"], 10.0, lambda now: now.state == "stale")
    assert ended.reason == "The policy now wants this signed with a passkey."
    assert desk.writes() == []


@pytest.mark.parametrize(
    "origin", ["http://127.0.0.1:8000", "https://192.0.2.7", "http://mail.example.com", "https://[::1]"]
)
def test_no_passkey_is_asked_for_where_a_browser_keeps_none(origin: str) -> None:
    with pytest.raises(PasskeyError, match="open the page as http://localhost"):
        rp_id_of(origin)
    assert (rp_id_of(ORIGIN), rp_id_of("https://mail.example.com")) == ("localhost", "mail.example.com")


class _Exported:
    """A store whose audit reads like this."""

    def __init__(self, entries: list[dict[str, Any]]) -> None:
        self.entries = entries


@pytest.fixture(autouse=True)
def _exports(monkeypatch: pytest.MonkeyPatch) -> None:
    real = audit.export

    def export(store: Any) -> AsyncIterator[str]:
        if not isinstance(store, _Exported):
            return real(store)

        async def lines() -> AsyncIterator[str]:
            for entry in store.entries:
                await asyncio.sleep(0)
                yield json.dumps(entry)

        return lines()

    monkeypatch.setattr(audit, "export", export)


def _text(data: bytes) -> str:
    from .authenticator import text

    return text(data)

"""A passkey in a real browser: made over a link that works once, and then asked for by a yes that must be signed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import pytest

from attacks.bench import LETTER, Desk, House, structured
from maton_mailgun.approval.channels import passphrase
from maton_mailgun.approval.channels.page import start
from maton_mailgun.approval.channels.page.passkey_door import Registrar
from maton_mailgun.approval.lifecycle.signed_decisions import Checked, check_all
from maton_mailgun.sandbox import Sandbox

from .browser import Chromium
from .visiting import arm

pytestmark = [pytest.mark.browser, pytest.mark.slow]
T = TypeVar("T")


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self.loop)
        return future.result(30)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


@pytest.fixture
def loop() -> Iterator[Loop]:
    found = Loop()
    yield found
    found.close()


@pytest.fixture
def device(chromium: Chromium) -> Iterator[str]:
    """An authenticator that a person has unlocked."""
    chromium.devtools("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    yield chromium.devtools("WebAuthn.addVirtualAuthenticator", options=options)["authenticatorId"]
    chromium.devtools("WebAuthn.disable")


def test_a_passkey_is_made_and_signs_a_yes_which_the_audit_can_check(
    chromium: Chromium, device: str, loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passphrase, "COST", {"n": 2, "r": 8, "p": 1})
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    policy = home / "policy.toml"
    policy.write_text('[[rule]]\nname = "signed"\ndecision = "ask"\nlevel = "passkey"\n')
    policy.chmod(0o600)
    desk = Desk(home, Sandbox())
    opened = desk.open(policy=policy)
    house: House = loop.run(opened.__aenter__())
    try:
        people = house.gate.people
        loop.run(people.add("Ana", "ana's plain words", by=[]))

        async def registering() -> tuple[Registrar, Any]:
            registrar = Registrar("Ana")
            return registrar, await start(house.gate, reveals=lambda _: False, environ={}, registrar=registrar)

        registrar, page = loop.run(registering())
        chromium.go(f"http://localhost:{page.port}/#/passkey?t={registrar.token}")
        chromium.click("#make-passkey")
        chromium.until_text("The passkey is made", "h1")

        async def kept() -> None:
            await people.add_passkey("Ana", await registrar.made, by=["Ana"])

        loop.run(kept())

        async def asked() -> str:
            async with house.client() as client:
                return str(structured(await client.call_tool("send_message", LETTER))["approval_id"])

        approval_id = loop.run(asked())
        chromium.go(page.address(approval_id, host="localhost"))
        chromium.type("#name", "Ana")
        chromium.type("#passphrase", "ana's plain words")
        chromium.click("form.sign-in button")
        chromium.until(lambda: loop.run(house.only()).shown_at, "not marked as shown")
        chromium.until(lambda: "still loading" not in chromium.text("#decision-note"), "the message is not drawn")
        arm(chromium)
        chromium.devtools("WebAuthn.setUserVerified", authenticatorId=device, isUserVerified=False)
        chromium.click("#approve")
        chromium.until_text("No passkey was used", ".decision-problem")
        assert loop.run(house.only()).state == "pending"

        chromium.devtools("WebAuthn.setUserVerified", authenticatorId=device, isUserVerified=True)
        chromium.click("#approve")
        chromium.until_text("Sent", "#outcome-heading")
        record = loop.run(house.only())
        assert (record.state, record.decided_by, len(desk.writes())) == ("succeeded", "Ana, by passphrase", 1)
        assert loop.run(check_all(house.gate.store)) == Checked(1)
        loop.run(page.close())
    finally:
        loop.run(opened.__aexit__(None, None, None))

"""The page at an HTTPS address: a passkey is made and signs there, and a phone may keep the page."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime
import hashlib
import json
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from attacks.bench import LETTER, Desk, House, structured
from maton_mailgun.approval.binding.keys import load_keys
from maton_mailgun.approval.channels import passphrase
from maton_mailgun.approval.channels.passkey_offers import PasskeyOffers
from maton_mailgun.approval.lifecycle.signed_decisions import Checked, check_all
from maton_mailgun.loopback import listen
from maton_mailgun.protocol.entrance import Entrance
from maton_mailgun.protocol.served_names import ServedNames
from maton_mailgun.sandbox import Sandbox

from .browser import Chromium
from .test_passkeys import Loop, device, loop  # noqa: F401 - fixtures
from .visiting import arm

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.long]
NAME = "approve.example.com"


class Certificate:
    """A certificate of our own for one name."""

    def __init__(self, folder: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
        now = datetime.datetime.now(datetime.UTC)
        made = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=2))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
            .sign(key, SHA256())
        )
        self.path = folder / "certificate.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.path.write_bytes(private + made.public_bytes(Encoding.PEM))
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.pin = base64.b64encode(hashlib.sha256(public).digest()).decode()
        """By which a browser is told to trust this key and no other."""


@asynccontextmanager
async def proxied(certificate: Certificate, to: Callable[[], int]) -> AsyncIterator[int]:
    """The port of a proxy that ends TLS and passes all else on."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
            writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, before = await asyncio.open_connection("127.0.0.1", to())
        await asyncio.gather(pump(reader, before), pump(behind, writer))

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.path)
    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@asynccontextmanager
async def served(desk: Desk, certificate: Certificate) -> AsyncIterator[tuple[House, str]]:
    """A running server with a proxy in front, and the origin that it has outside."""
    policy = desk.home / "policy.toml"
    policy.write_text('[[rule]]\nname = "signed"\ndecision = "ask"\nlevel = "passkey"\n')
    policy.chmod(0o600)
    sockets = listen(0)
    port = sockets[0].getsockname()[1]
    async with desk.open(policy=policy) as house, proxied(certificate, lambda: port) as outside:
        origin = f"https://{NAME}:{outside}"
        door = Entrance(house.engine, ServedNames("127.0.0.1", port, origin))
        config = uvicorn.Config(door, lifespan="off", ws="none", log_config=None, timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
        running = asyncio.create_task(server.serve(sockets=sockets))
        try:
            yield house, origin
        finally:
            await door.stop(0.1)
            server.should_exit = True
            await running


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return Certificate(tmp_path)


@pytest.fixture
def chromium(open_chromium: Callable[..., Chromium], certificate: Certificate) -> Iterator[Chromium]:
    """A browser that finds the name on this machine and trusts the certificate."""
    rules = f"MAP {NAME} 127.0.0.1,MAP * ~NOTFOUND"
    browser = open_chromium(
        f"--host-resolver-rules={rules}", f"--ignore-certificate-errors-spki-list={certificate.pin}"
    )
    try:
        yield browser
    finally:
        browser.close()


def test_a_passkey_is_made_and_signs_at_an_https_address_where_a_phone_may_keep_the_page(
    chromium: Chromium,
    certificate: Certificate,
    loop: Loop,  # noqa: F811
    device: str,  # noqa: F811
    tmp_path: Path,
    pictures: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(passphrase, "COST", {"n": 2, "r": 8, "p": 1})
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    desk = Desk(home, Sandbox())
    opened = served(desk, certificate)
    house, origin = loop.run(opened.__aenter__())
    try:
        loop.run(house.gate.people.add("Ana", "ana's plain words", by=[]))
        token = PasskeyOffers(home, load_keys(home).seal).make("Ana", origin, by=["Ana"])
        chromium.look(390, 844)
        chromium.go(f"{origin}/approvals/#/passkey?t={token}")
        chromium.click("#make-passkey")
        # Whoever comes with the link signs in first.
        sign_in(chromium)
        chromium.until_text("A passkey for your decisions", "h1")
        chromium.click("#make-passkey")
        chromium.until_text("The passkey is made", "h1")
        (kept,) = loop.run(house.gate.people.passkeys("Ana"))
        assert kept["origin"] == origin

        async def asked() -> str:
            async with house.client() as client:
                return str(structured(await client.call_tool("send_message", LETTER))["approval_id"])

        approval_id = loop.run(asked())
        chromium.go("about:blank")
        chromium.go(f"{origin}/approvals/#/a/{approval_id}")
        sign_in(chromium)
        chromium.until(lambda: loop.run(house.only()).shown_at, "not marked as shown")
        chromium.until(lambda: "still loading" not in chromium.text("#decision-note"), "the message is not drawn")
        wide = chromium.run("return [document.documentElement.scrollWidth, innerWidth]")
        assert wide[0] <= wide[1] == 390
        chromium.picture(pictures / "outside-phone.png")
        arm(chromium)
        chromium.click("#approve")
        chromium.until_text("Sent", "#outcome-heading")
        record = loop.run(house.only())
        assert (record.state, record.decided_by, len(desk.writes())) == ("succeeded", "Ana, by passphrase", 1)
        assert loop.run(check_all(house.gate.store)) == Checked(1)

        manifest = chromium.devtools("Page.getAppManifest")
        assert manifest["errors"] == []
        assert json.loads(manifest["data"])["short_name"] == "Approvals"
        assert installability(chromium) == []
    finally:
        loop.run(opened.__aexit__(None, None, None))


def sign_in(chromium: Chromium) -> None:
    chromium.type("#name", "Ana")
    chromium.type("#passphrase", "ana's plain words")
    chromium.click("form.sign-in button")


def installability(chromium: Chromium) -> list[Any]:
    """Why the browser would not install the page."""
    found: list[Any] = chromium.devtools("Page.getInstallabilityErrors")["installabilityErrors"]
    return found

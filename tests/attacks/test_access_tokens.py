"""Attacks 330 to 337: what comes in over HTTP with a token, and what is given out without one."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import anyio
import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm
from mcp import Client
from prometheus_client.parser import text_string_to_metric_families

from e2e.issuer import AUDIENCE, Issuer, issuing
from maton_mailgun.config import load
from maton_mailgun.errors import SetupError
from maton_mailgun.protocol.access_tokens import SEEN_SECONDS, AccessTokens
from maton_mailgun.protocol.metrics import MetricsPage, PrometheusMeasures
from maton_mailgun.protocol.server import Visitor, build
from maton_mailgun.protocol.signing_keys import (
    FRESH_SECONDS,
    KEPT_SECONDS,
    PAUSE_SECONDS,
    KeysUnavailable,
    SigningKeys,
    fetched,
    usable,
)
from maton_mailgun.setting_values import OAuth

from .bench import LETTER, Desk

pytestmark = pytest.mark.anyio
ISSUER = "https://login.example.com"
RSA = generate_private_key(65537, 2048)
PUBLIC: dict[str, Any] = {**json.loads(RSAAlgorithm.to_jwk(RSA.public_key())), "kid": "one"}
PEM = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class Keys:
    """An address with keys, and how often it was asked."""

    def __init__(self, *keys: Mapping[str, Any]) -> None:
        self.keys = list(keys)
        self.asked = 0
        self.now = 0.0
        self.broken = False

    def __call__(self, _: str) -> bytes:
        self.asked += 1
        if self.broken:
            raise OSError
        return json.dumps({"keys": self.keys}).encode()

    def verifier(self) -> AccessTokens:
        trusted = OAuth(issuer=ISSUER, audience=AUDIENCE, keys_url="https://login.example.com/jwks")
        keys = SigningKeys(trusted.keys_url, fetch=self, clock=lambda: self.now)
        return AccessTokens(trusted, keys, clock=lambda: time.time() + self.now)


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    return {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "scope": "read propose", "exp": now + 600, **changed}


def signed(said: Mapping[str, Any], algorithm: str = "RS256", **headers: Any) -> str:
    return jwt.encode(dict(said), RSA, algorithm=algorithm, headers={"kid": "one", **headers})


def by_hand(header: Mapping[str, Any], said: Mapping[str, Any], secret: bytes | None) -> str:
    """A token as an attacker makes one, whom no library stops."""
    parts = [urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, said)]
    whole = b".".join(parts)
    seal = hmac.digest(secret, whole, hashlib.sha256) if secret is not None else b""
    return (whole + b"." + urlsafe_b64encode(seal).rstrip(b"=")).decode()


@pytest.mark.parametrize("algorithm", ["RS256", "PS512"])
async def test_a_good_token_counts(algorithm: str) -> None:
    found = await Keys(PUBLIC).verifier().verify_token(signed(claims(aud=["other", AUDIENCE]), algorithm))
    assert found is not None
    assert (found.subject, found.scopes, found.claims) == ("ann", ["read", "propose"], {"iss": ISSUER})


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "HS512", "RS256", ""])
@pytest.mark.parametrize("secret", [None, b"", PEM, json.dumps(PUBLIC).encode()], ids=["none", "empty", "pem", "jwk"])
async def test_attack_332_what_everybody_can_sign_is_no_token(algorithm: str, secret: bytes | None) -> None:
    """The public key as the secret of an HMAC is the classic (RFC 8725, 2.1)."""
    shared = {"kty": "oct", "kid": "one", "k": "AAAA", "alg": "HS256"}
    for keys in (Keys(PUBLIC), Keys(PUBLIC, shared), Keys(shared)):
        forged = by_hand({"alg": algorithm, "kid": "one", "typ": "at+jwt"}, claims(), secret)
        assert await keys.verifier().verify_token(forged) is None


@pytest.mark.parametrize("kind", ["logout+jwt", "dpop+jwt", "secevent+jwt", "id_token", "JOSE"])
async def test_attack_332_a_token_of_another_kind_does_not_count(kind: str) -> None:
    assert await Keys(PUBLIC).verifier().verify_token(signed(claims(), typ=kind)) is None


async def test_attack_332_a_token_brings_no_key_of_its_own() -> None:
    own = generate_private_key(65537, 2048)
    carried = json.loads(RSAAlgorithm.to_jwk(own.public_key()))
    headers = {"kid": "one", "jwk": carried, "jku": "https://evil.example/jwks", "x5u": "https://evil.example/x"}
    forged = jwt.encode(claims(), own, algorithm="RS256", headers=headers)
    keys = Keys(PUBLIC)
    assert await keys.verifier().verify_token(forged) is None
    assert keys.asked == 1


async def test_attack_332_a_key_for_another_algorithm_or_use_does_not_count() -> None:
    for changed in ({"alg": "RS512"}, {"use": "enc"}, {"key_ops": ["encrypt"]}, {"kty": "EC"}):
        assert await Keys({**PUBLIC, **changed}).verifier().verify_token(signed(claims())) is None


async def test_attack_332_a_short_key_does_not_count() -> None:
    weak = generate_private_key(65537, 1024)  # noqa: S505 - that is the point
    keys = Keys({**json.loads(RSAAlgorithm.to_jwk(weak.public_key())), "kid": "weak"})
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = jwt.encode(claims(), weak, algorithm="RS256", headers={"kid": "weak"})
    assert await keys.verifier().verify_token(token) is None


async def test_attack_332_a_token_without_kid_counts_only_where_one_key_can_be_meant() -> None:
    token = jwt.encode(claims(), RSA, algorithm="RS256")
    assert await Keys(PUBLIC).verifier().verify_token(token) is not None
    assert await Keys(PUBLIC, {**PUBLIC, "kid": "two"}).verifier().verify_token(token) is None


@pytest.mark.parametrize(
    "audience", ["https://other.example.com/mcp", AUDIENCE + "/", AUDIENCE.upper(), "", [], ["a", "b"], 7, None]
)
async def test_attack_333_a_token_for_another_service_does_not_count(audience: Any) -> None:
    assert await Keys(PUBLIC).verifier().verify_token(signed(claims(aud=audience))) is None


@pytest.mark.parametrize("issuer", [ISSUER + "/", "http://login.example.com", "", [ISSUER], None])
async def test_attack_333_a_token_of_another_issuer_does_not_count(issuer: Any) -> None:
    said = claims(iss=issuer)
    parts = [{"alg": "RS256", "kid": "one"}, said]
    try:
        token = signed(said)
    except TypeError:  # the library makes none like this
        whole = b".".join(urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
        seal = RSAAlgorithm(RSAAlgorithm.SHA256).sign(whole, RSA)
        token = (whole + b"." + urlsafe_b64encode(seal).rstrip(b"=")).decode()
    assert await Keys(PUBLIC).verifier().verify_token(token) is None


@pytest.mark.parametrize("junk", ["", "a", "a.b.c", "." * 9000, "é.é.é", "eyJhbGciOiJSUzI1NiJ9.e30.AAAA", "[.[.["])
async def test_attack_333_what_is_no_token_is_refused_without_a_word(junk: str) -> None:
    assert await Keys(PUBLIC).verifier().verify_token(junk) is None


async def test_attack_334_strange_tokens_fetch_the_keys_once_in_a_while() -> None:
    keys = Keys(PUBLIC)
    verifier = keys.verifier()
    assert await verifier.verify_token(signed(claims())) is not None
    for number in range(50):
        assert await verifier.verify_token(signed(claims(), kid=f"strange-{number}")) is None
    assert keys.asked == 1
    keys.now = PAUSE_SECONDS
    for number in range(50):
        assert await verifier.verify_token(signed(claims(), kid=f"strange-{number}")) is None
    assert keys.asked == 2
    # A new key counts as soon as it may be asked for, and the one that is gone counts no more.
    keys.keys = [{**PUBLIC, "kid": "two"}]
    keys.now = 2 * PAUSE_SECONDS + SEEN_SECONDS
    assert await verifier.verify_token(signed(claims(), kid="two")) is not None
    assert await verifier.verify_token(signed(claims())) is None


async def test_attack_342_a_withdrawn_key_stops_counting_and_one_of_a_silent_address_too() -> None:
    keys = Keys(PUBLIC)
    verifier = keys.verifier()
    assert await verifier.verify_token(signed(claims())) is not None
    keys.keys, keys.now = [], FRESH_SECONDS + 1
    # The question is asked beside this token, which still counts.
    assert await verifier.verify_token(signed(claims())) is not None
    await asyncio.wait({task for task in asyncio.all_tasks() if task.get_name() == "signing-keys"})
    keys.now += SEEN_SECONDS
    assert await verifier.verify_token(signed(claims())) is None
    assert keys.asked == 3

    silent = Keys(PUBLIC)
    verifier = silent.verifier()
    assert await verifier.verify_token(signed(claims())) is not None
    silent.broken = True
    silent.now = KEPT_SECONDS - 1
    assert await verifier.verify_token(signed(claims())) is not None
    silent.now = KEPT_SECONDS + SEEN_SECONDS
    with pytest.raises(KeysUnavailable):
        await verifier.verify_token(signed(claims()))


async def test_attack_334_many_at_once_share_one_request() -> None:
    keys = Keys(PUBLIC)
    verifier = keys.verifier()
    counted: list[bool] = []

    async def one(kid: str) -> None:
        counted.append(await verifier.verify_token(signed(claims(), kid=kid)) is not None)

    async with anyio.create_task_group() as group:
        for number in range(40):
            group.start_soon(one, "one" if number % 2 else "strange")
    assert (counted.count(True), keys.asked) == (20, 1)


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with issuing() as made:
        yield made


def test_attack_335_keys_are_not_fetched_from_where_the_address_points(issuer: Issuer) -> None:
    assert usable(json.loads(fetched(f"{issuer.url}/jwks")))
    with pytest.raises(OSError, match="302"):
        fetched(f"{issuer.url}/moved")


async def test_attack_336_who_may_read_changes_nothing(desk: Desk) -> None:
    async with desk.open() as house:
        async with house.client() as client:
            await client.call_tool("send_message", LETTER)
        approval = await house.only()
        reader = build(house.engine, who=lambda _: Visitor(approval.principal, may_propose=False))
        async with Client(reader) as client:
            for tool, arguments in (
                ("send_message", {**LETTER, "subject": "Again"}),
                ("cancel_approval", {"approval_id": approval.id}),
            ):
                told = await client.call_tool(tool, arguments)
                assert told.structured_content is not None
                assert told.structured_content["error"]["kind"] == "scope_missing"
        assert await house.state(approval.id) == "pending"
        assert len(await house.gate.list()) == 1


@pytest.mark.parametrize("mode", ["client", "relay"])
def test_attack_337_with_access_tokens_only_operators_approve(mode: str, tmp_path: Path) -> None:
    env = {
        "MATON_MAILGUN_HOME": str(tmp_path),
        "MATON_MAILGUN_OAUTH_ISSUER": ISSUER,
        "MATON_MAILGUN_OAUTH_AUDIENCE": AUDIENCE,
        "MATON_MAILGUN_OAUTH_KEYS": f"{ISSUER}/jwks",
    }
    assert load(env).approval == "operator"
    with pytest.raises(SetupError, match="can only be operator"):
        load({**env, "MATON_MAILGUN_APPROVAL": mode})


async def test_attack_330_strangers_words_are_counted_together(desk: Desk) -> None:
    measures = PrometheusMeasures({"list_domains"})
    async with desk.open() as house:
        house.engine.gateway.measures = measures
        async with house.client() as client:
            for number in range(30):
                with pytest.raises(Exception, match="Unknown tool"):
                    await client.call_tool(f"ann{number}@example.com", {})
        page = httpx2.ASGITransport(app=MetricsPage(house.engine, measures, only_here=True))
        async with httpx2.AsyncClient(transport=page, base_url="http://127.0.0.1:9464") as prometheus:
            said = (await prometheus.get("/metrics")).text
    (calls,) = [one for one in text_string_to_metric_families(said) if one.name == "maton_mailgun_calls"]
    counted = {tuple(sample.labels.values()): sample.value for sample in calls.samples if sample.name.endswith("total")}
    assert counted == {("unknown_tool", "other"): 30.0}


async def test_attack_331_a_page_that_rebinds_its_name_reads_no_numbers(desk: Desk) -> None:
    async with desk.open() as house:
        page = MetricsPage(house.engine, PrometheusMeasures(set()), only_here=True)
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=page), base_url="http://localhost") as browser:
            assert (await browser.get("/metrics", headers={"Host": "localhost:9464"})).status_code == 200
            for name in ("evil.example", "localhost.evil.example:9464", "127.0.0.1.evil.example"):
                assert (await browser.get("/metrics", headers={"Host": name})).status_code == 421

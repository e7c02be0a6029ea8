"""Attacks 373 to 375, 378 and 379: several people at one server, and what one of them does to another or may not do."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import mcp_types as types
import pytest
from mcp import Client
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend

from engine.inside import put
from engine.test_notices import Clock, Told, Waiting, notices_of, record, settled
from maton_mailgun import heard
from maton_mailgun.protocol import entrance, while_it_counts
from maton_mailgun.protocol.served_names import ServedNames
from maton_mailgun.protocol.server import Visitor, build
from maton_mailgun.setting_values import OAuth

from .bench import LETTER, ME, Desk, structured
from .test_access_tokens import PUBLIC, Keys, claims, signed
from .test_outcomes import run
from .test_peoples_keys import ANN, BOB, ISSUER, KEYS, Wire, serving, wire, written  # noqa: F401 - a fixture

pytestmark = pytest.mark.anyio
DOMAINS = types.PromptReference(type="ref/prompt", name="domain_ready")


async def test_attack_373_nobody_is_offered_what_was_read_with_anothers_key(
    desk: Desk,
    wire: Wire,  # noqa: F811
    tmp_path: Path,
) -> None:
    for name, key in KEYS.items():
        await put(wire.accounts[key], "/v4/domains", name=f"only-{name}.example")
    keys = written(tmp_path / "keys.toml", **KEYS)
    async with serving(desk, wire, keys) as house:
        server = build(house.engine, who=lambda _: Visitor(who[0]))
        who = [ANN]

        async def offered(principal: str) -> set[str]:
            who[0] = principal
            async with Client(server) as client:
                found = await client.complete(DOMAINS, {"name": "domain", "value": "only"})
            return set(found.completion.values)

        assert await offered(ANN) == {"only-ann.example"}
        assert await offered(BOB) == {"only-bob.example"}
        assert await offered(f"oauth:{ISSUER}#eve") == set()
        # And who is taken out of the file is out at once.
        written(keys, bob="key-of-bob")
        assert await offered(ANN) == set()
        written(keys, ann="key-of-eve")
        assert await offered(ANN) == set()
        assert await offered(BOB) == set()


async def test_attack_374_a_proposal_of_one_takes_no_others_out_of_the_notice(tmp_path: Path) -> None:
    """Whoever proposes within the same minute as somebody else must not keep those who decide from hearing of it."""
    clock, told = Clock(), Told()
    mine, other = record(1), record(2, principal="oauth:x#mallory", created_at=1_001.0)
    store = Waiting([mine])
    notices = notices_of(tmp_path, clock, store, told)
    notices.waits(record(9))
    store.records = [other, mine]
    notices.waits(mine)
    notices.waits(other)
    await settled(notices)
    (only,) = told.notices
    assert only.title == "2 writes wait for your yes"
    assert only.body.splitlines()[:2] == ["add_bounce: thing 2", "add_bounce: thing 1"]


async def test_attack_375_who_may_only_read_sends_no_write_by_asking_about_it(desk: Desk) -> None:
    """A yes that met "too many requests" goes on when somebody asks about it: not when that is a reader."""
    desk.arm("rate_429_retry_after")
    async with desk.open() as house:
        approval_id, _ = await run(house, "send_message", LETTER)
        waits = (await house.only()).retry_at
        assert waits is not None
        desk.clock.let_pass(waits - desk.clock.now)

        async def asked(*, may_propose: bool) -> dict[str, Any]:
            server = build(house.engine, who=lambda _: Visitor(ME, may_propose=may_propose))
            async with Client(server) as client:
                return structured(await client.call_tool("get_approval", {"approval_id": approval_id}))

        assert (await asked(may_propose=False))["status"] == "approved"
        assert [request["acted"] for request in desk.writes()] == [False]
        assert (await asked(may_propose=True))["status"] == "executed"
        assert [request["acted"] for request in desk.writes()] == [False, True]


async def test_attack_378_one_person_does_not_take_the_sessions_of_all(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entrance, "MOST_OF_ONE", 3)
    trusted = OAuth(issuer=ISSUER, audience=f"{ISSUER}/mcp", keys_url=f"{ISSUER}/jwks")
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    begin = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    accept = {"Accept": "application/json, text/event-stream"}
    async with desk.open(oauth=trusted, approval="operator") as house:
        door = entrance.Entrance(house.engine, ServedNames("127.0.0.1", 8000, None))
        door._callers._signed = BearerAuthBackend(Keys(PUBLIC).verifier())
        line = httpx2.ASGITransport(app=door)
        async with door._earlier.run(), httpx2.AsyncClient(transport=line, base_url="http://127.0.0.1:8000") as client:

            async def opened(subject: str, desk: str = "desk") -> httpx2.Response:
                token = signed(claims(sub=subject, client_id=desk))
                return await client.post("/mcp", json=begin, headers={**accept, "Authorization": f"Bearer {token}"})

            many = await asyncio.gather(*(opened("mallory", f"client {number % 2}") for number in range(6)))
            assert sorted(one.status_code for one in many) == [200] * 3 + [429] * 3
            assert (await opened("bob")).status_code == 200
            first = next(one for one in many if one.status_code == 200)
            number = many.index(first) % 2
            token = signed(claims(sub="mallory", client_id=f"client {number}"))
            ended = {"Mcp-Session-Id": first.headers["Mcp-Session-Id"], "Authorization": f"Bearer {token}", **accept}
            assert (await client.delete("/mcp", headers=ended)).status_code == 200
            assert [(await opened("mallory")).status_code for _ in range(2)] == [200, 429]
            assert not door._opening


async def test_attack_419_a_stream_ends_with_the_token_that_it_was_opened_with(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    def later() -> float:
        """A clock on which two minutes pass from one look to the next."""
        nonlocal looks
        looks += 1
        return time.time() + 120.0 * looks

    monkeypatch.setattr(while_it_counts, "LOOK_SECONDS", 0.005)
    monkeypatch.setattr(entrance, "while_it_counts", partial(while_it_counts.while_it_counts, clock=later))
    trusted = OAuth(issuer=ISSUER, audience=f"{ISSUER}/mcp", keys_url=f"{ISSUER}/jwks")
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    begin = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    headers = {"Accept": "application/json, text/event-stream", "Authorization": f"Bearer {signed(claims())}"}
    async with desk.open(oauth=trusted, approval="operator") as house:
        door = entrance.Entrance(house.engine, ServedNames("127.0.0.1", 8000, None))
        door._callers._signed = BearerAuthBackend(Keys(PUBLIC).verifier())
        line = httpx2.ASGITransport(app=door)
        async with door._earlier.run(), httpx2.AsyncClient(transport=line, base_url="http://127.0.0.1:8000") as client:
            opened = await client.post("/mcp", json=begin, headers=headers)
            headers |= {"Mcp-Session-Id": opened.headers["Mcp-Session-Id"]}
            for _ in range(2):
                looks = 0
                # This transport answers when the stream has ended, and the second one takes the first one's place.
                stream = await asyncio.wait_for(client.get("/mcp", headers=headers), 10)
                assert (stream.status_code, stream.headers["Content-Type"][:17]) == (200, "text/event-stream")
                assert looks > 3


def test_attack_379_what_one_person_reads_makes_nobody_else_forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads mail after mail would take the warning from another's question."""
    monkeypatch.setattr(heard, "_MOST", 60)
    known = heard.Heard()
    known.note("ada", "mail", {}, {"result": {"from": "eve@evil.example", "text": "see https://pay.evil.example"}})
    for number in range(20):
        text = " ".join(f"a{number}.{one}@d{number}.example" for one in range(10))
        known.note("mallory", "mail", {}, {"result": {"from": f"m{number}@d{number}.example", "text": text}})
    assert known.of_address("ada", "eve@evil.example") is not None
    assert known.of_host("ada", "pay.evil.example") is not None
    assert known.of_address("mallory", "a0.0@d0.example") is None
    assert known.of_address("mallory", "a19.9@d19.example") is not None
    assert known._many == sum(map(len, known._known.values())) == 60

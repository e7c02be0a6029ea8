"""Attacks 373 to 376: several people at one server, and what one of them does to another or may not do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
from mcp import Client

from engine.inside import put
from engine.test_notices import Clock, Told, Waiting, notices_of, record, settled
from maton_mailgun.protocol.server import Visitor, build

from .bench import LETTER, ME, Desk, structured
from .test_outcomes import run
from .test_peoples_keys import ANN, BOB, ISSUER, KEYS, Wire, of, serving, wire, written  # noqa: F401 - a fixture

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

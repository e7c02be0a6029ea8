"""Attack 361: the list of connections is a minute old, and the account behind it another one meanwhile. A read that
went out while the list was looked up again must not bring in the other account's data."""

from __future__ import annotations

from typing import Any

import pytest

from engine.doubles import MAIN, Says, Scripted, called, connection, engine_over, error
from maton_mailgun.call import Engine
from maton_mailgun.connections import CACHE_SECONDS, Connections

pytestmark = pytest.mark.anyio

SECRET = {"items": [{"name": "of the account that is gone"}]}
MINE = {"items": [{"name": "mine"}]}


async def _later(then: list[dict[str, Any]]) -> tuple[Engine, Scripted]:
    now = [0.0]
    transport = Scripted([Says(200, {"items": []}), Says(200, SECRET), Says(200, MINE)])
    engine = engine_over(transport)
    engine.connections = Connections(engine.gateway, engine.settings, clock=lambda: now[0])
    await called(engine, "list_domains")
    now[0] += CACHE_SECONDS
    transport.connections = then
    return engine, transport


async def test_attack_361_what_a_connection_that_is_gone_answered_is_not_told() -> None:
    engine, transport = await _later([connection("new")])
    outcome = await called(engine, "list_domains")
    assert [request.headers["maton-connection"] for request in transport.arrived[1:]] == [MAIN, "new"]
    assert ("mine" in outcome.text, "gone" in outcome.text) == (True, False)


async def test_attack_361_nor_where_there_are_several_now() -> None:
    engine, _ = await _later([connection(), connection("new")])
    outcome = await called(engine, "list_domains")
    assert error(outcome)["kind"] == "several_connections"
    assert "gone" not in outcome.text


async def test_attack_361_nor_where_there_is_none() -> None:
    engine, _ = await _later([])
    outcome = await called(engine, "list_domains")
    assert error(outcome)["kind"] == "no_connection"
    assert "gone" not in outcome.text

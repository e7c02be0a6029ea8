"""Which account a call works on: one is used and named, several are refused with their list, none is said."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from maton_mailgun.call import Engine
from maton_mailgun.config import Settings
from maton_mailgun.connections import CACHE_SECONDS, Connections
from maton_mailgun.errors import AnswerUnreadable, ConnectionUnknown, NoConnection, SeveralConnections
from maton_mailgun.exchange import Account

from .doubles import DOMAIN, MAIN, Says, Scripted, called, connection, engine_over, error

pytestmark = pytest.mark.anyio

GOOD = Says(200, {"items": []})


def _connections(transport: Scripted, *, preset: str | None = None, clock: Any = lambda: 0.0) -> Connections:
    settings = Settings(api_key="k", connection_id=preset)
    return Connections(engine_over(transport).gateway, settings, clock=clock)


async def test_the_only_one_is_used_and_always_named_to_the_gateway() -> None:
    """Maton's own default is never relied on: its documents disagree which one that is."""
    transport = Scripted([GOOD])
    await called(engine_over(transport), "list_domains")
    assert transport.arrived[0].headers["maton-connection"] == MAIN


async def test_several_are_refused_with_their_list_and_nothing_is_sent() -> None:
    many = [connection("one", metadata={"label": "Shop"}), connection("two", creation_time="2025-02-24T22:44:03Z")]
    transport = Scripted([GOOD], many)
    for tool, arguments in (("list_domains", {}), ("delete_bounce", {"domain": DOMAIN, "address": "a@example.net"})):
        outcome = await called(engine_over(transport), tool, **arguments)
        assert error(outcome)["kind"] == "several_connections"
        assert error(outcome)["connections"] == [
            {"connection_id": "one", "label": "Shop"},
            {"connection_id": "two", "label": "Mailgun connection of 2025-02-24"},
        ]
    assert transport.arrived == []


async def test_a_named_one_is_used_among_several() -> None:
    transport = Scripted([GOOD], [connection("one"), connection("two")])
    await called(engine_over(transport), "list_domains", connection_id="two")
    assert (transport.arrived[0].headers["maton-connection"], transport.looked_up) == ("two", 0)


async def test_the_operators_choice_counts_where_the_caller_names_none() -> None:
    transport = Scripted([GOOD], [connection("one"), connection("two")])
    await called(engine_over(transport, connection_id="two"), "list_domains")
    await called(engine_over(transport, connection_id="two"), "list_domains", connection_id="one")
    assert [request.headers["maton-connection"] for request in transport.arrived] == ["two", "one"]


async def test_none_is_said_with_what_to_do() -> None:
    transport = Scripted([GOOD], [])
    outcome = await called(engine_over(transport), "list_domains")
    assert error(outcome)["kind"] == "no_connection"
    assert "create_connection" in error(outcome)["next"]
    assert transport.arrived == []


@pytest.mark.parametrize(
    "other",
    [{"status": "PENDING"}, {"status": "FAILED"}, {"app": "slack"}, {"status": None}, {"connection_id": 7}],
    ids=str,
)
async def test_what_is_not_an_active_mailgun_connection_never_counts(other: dict[str, Any]) -> None:
    """Even where the gateway ignores the filters of the question."""
    with pytest.raises(NoConnection):
        await _connections(Scripted([GOOD], [{**connection("x"), **other}])).choose(None)
    chosen = await _connections(Scripted([GOOD], [{**connection("x"), **other}, connection()])).choose(None)
    assert chosen == Account(MAIN, "Mailgun connection")


@pytest.mark.parametrize("listed", [None, [], [{"connection_id": 7}]], ids=str)
async def test_an_empty_list_is_no_connection(listed: Any) -> None:
    with pytest.raises(NoConnection):
        await _connections(Scripted([GOOD], listed)).choose(None)


@pytest.mark.parametrize("listed", [7, "text", {"a": 1}, [1, None, "x", []]], ids=str)
async def test_what_is_no_list_of_connections_says_nothing_about_how_many_there_are(listed: Any) -> None:
    with pytest.raises(AnswerUnreadable):
        await _connections(Scripted([GOOD], listed)).choose(None)


async def test_a_named_one_that_is_not_active_is_refused_for_a_write_before_anything_is_asked() -> None:
    transport = Scripted([GOOD])
    arguments = {"domain": DOMAIN, "address": "a@example.net", "connection_id": "gone"}
    outcome = await called(engine_over(transport), "delete_bounce", **arguments)
    assert error(outcome)["kind"] == "connection_unknown"
    assert transport.arrived == []


async def test_the_list_is_kept_for_a_minute() -> None:
    now = [0.0]
    transport = Scripted([GOOD])
    connections = _connections(transport, clock=lambda: now[0])
    for seconds, look_ups in ((0, 1), (CACHE_SECONDS - 1, 1), (CACHE_SECONDS, 2)):
        now[0] = seconds
        await connections.choose(None)
        assert transport.looked_up == look_ups


async def test_what_is_missing_is_looked_up_again_before_it_is_refused() -> None:
    """A connection made a moment ago must be usable at once."""
    transport = Scripted([GOOD], [])
    connections = _connections(transport)
    with pytest.raises(NoConnection):
        await connections.choose(None)
    transport.connections = [connection("one"), connection("new")]
    assert (await connections.choose("new")).connection_id == "new"
    with pytest.raises(ConnectionUnknown):
        await connections.choose("gone")
    with pytest.raises(SeveralConnections):
        await connections.choose(None)


async def test_after_a_change_the_list_is_looked_up_again() -> None:
    transport = Scripted([GOOD])
    connections = _connections(transport)
    await connections.choose(None)
    connections.forget()
    await connections.choose(None)
    assert transport.looked_up == 2


async def test_without_a_key_every_call_says_what_to_set_and_nothing_is_sent() -> None:
    transport = Scripted([GOOD])
    for tool, arguments in (
        ("list_domains", {}),
        ("list_connections", {}),
        ("delete_bounce", {"domain": DOMAIN, "address": "a@example.net"}),
    ):
        outcome = await called(engine_over(transport, api_key=None), tool, **arguments)
        assert (outcome.is_error, error(outcome)["kind"]) == (True, "maton_key_missing")
        assert "MATON_API_KEY" in error(outcome)["next"]
        assert "maton.ai/settings" in error(outcome)["next"]
        assert "--sandbox" in error(outcome)["next"]
    assert (transport.arrived, transport.looked_up) == ([], 0)


async def test_wrong_arguments_are_told_even_without_a_key() -> None:
    outcome = await called(engine_over(Scripted([GOOD]), api_key=None), "list_domains", limt=1)
    assert error(outcome)["kind"] == "bad_arguments"


class _Held(Scripted):
    """A script whose look-ups of connections wait until they are let go."""

    def __init__(self, *steps: Says) -> None:
        super().__init__(steps)
        self.let = asyncio.Event()
        self.let.set()
        self.sent = asyncio.Event()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/connections":
            await self.let.wait()
        else:
            self.sent.set()
        return await super().handle_async_request(request)


async def _after_a_minute(transport: _Held, now: list[float]) -> Engine:
    """An engine whose list of connections is just too old, and whose next look-up is held up."""
    engine = engine_over(transport)
    engine.connections = Connections(engine.gateway, engine.settings, clock=lambda: now[0])
    await called(engine, "list_domains")
    now[0] += CACHE_SECONDS
    transport.let.clear()
    transport.sent.clear()
    return engine


async def test_after_a_minute_a_read_goes_out_beside_the_look_up() -> None:
    """So that the first call after a pause costs one round trip."""
    transport = _Held(GOOD)
    engine = await _after_a_minute(transport, now=[0.0])
    call = asyncio.create_task(called(engine, "list_domains"))
    async with asyncio.timeout(5):
        await transport.sent.wait()
    assert not call.done(), "what it brought counts when the account is known to be the one still"
    transport.let.set()
    assert (await call).content["status"] == "ok"
    assert (len(transport.arrived), transport.looked_up) == (2, 2)


async def test_a_write_waits_for_the_look_up_whenever_it_is_due() -> None:
    transport = _Held(GOOD)
    engine = await _after_a_minute(transport, now=[0.0])
    call = asyncio.create_task(engine.prepare("delete_bounce", {"domain": DOMAIN, "address": "a@example.net"}))
    done, _ = await asyncio.wait({call}, timeout=0.02)
    assert not done
    transport.let.set()
    assert (await call).account == Account(MAIN, "Mailgun connection")


async def test_a_read_that_fails_says_so_where_its_account_is_the_one_still() -> None:
    transport = _Held(GOOD, Says(404, {"message": "no such domain"}))
    engine = await _after_a_minute(transport, now=[0.0])
    transport.let.set()
    assert error(await called(engine, "list_domains"))["kind"] == "mailgun_refused"
    assert len(transport.arrived) == 2

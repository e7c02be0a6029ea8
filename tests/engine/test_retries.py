"""When the gateway is asked again, and when never: reads may repeat, a write leaves this machine at most once."""

from __future__ import annotations

import asyncio
import email.utils
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest

from maton_mailgun.config import Settings
from maton_mailgun.errors import MaybeSent, NotSent
from maton_mailgun.exchange import Outcome
from maton_mailgun.wire import gateway as gateway_module
from maton_mailgun.wire import retry
from maton_mailgun.wire.gateway import Gateway
from maton_mailgun.wire.request import Request

from .doubles import KEY, MAIN, Says, Scripted, Step, Waits, called, engine_over, error
from .peers import Peer, peer

pytestmark = pytest.mark.anyio

READ = Request("mailgun", "GET", "/v3/domains")
WRITE = Request("mailgun", "POST", "/v3/lists", form=(("address", "a@mg.example.com"),))
GOOD = Says(200, {"items": []})


async def _read(*steps: Step) -> tuple[Scripted, Waits, Outcome]:
    transport, waits = Scripted(list(steps)), Waits()
    outcome = await called(engine_over(transport, waits=waits), "list_domains")
    return transport, waits, outcome


@pytest.mark.parametrize("status", [420, 429, 500, 502, 503, 504])
async def test_a_read_goes_again_after_a_passing_failure(status: int) -> None:
    transport, waits, _ = await _read(Says(status), Says(status), GOOD)
    assert (len(transport.arrived), waits.seconds) == (3, [0.5, 1.0])


@pytest.mark.parametrize(
    "failure", [httpx2.ConnectError("x"), httpx2.ReadError("x"), httpx2.ReadTimeout("x"), OSError()]
)
async def test_a_read_goes_again_after_a_broken_connection(failure: Exception) -> None:
    transport, waits, _ = await _read(failure, GOOD)
    assert (len(transport.arrived), waits.seconds) == (2, [0.5])


@pytest.mark.parametrize("step", [Says(503), httpx2.ReadError("x"), httpx2.ConnectError("x")])
async def test_a_read_gives_up_after_four_attempts(step: Step) -> None:
    transport, waits, outcome = await _read(step)
    assert (len(transport.arrived), waits.seconds) == (4, [0.5, 1.0, 2.0])
    assert error(outcome)["kind"] in {"service_failed", "unreachable"}


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 413, 501, 301, 302, 307])
async def test_a_definite_answer_is_final(status: int) -> None:
    transport, waits, _ = await _read(Says(status), GOOD)
    assert (len(transport.arrived), waits.seconds) == (1, [])


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (Says(429, None, {"retry-after": "7"}), 7.0),
        (Says(429, None, {"retry-after": "1.5"}), 1.5),
        (Says(503, None, {"retry-after": "3"}), 3.0),
        (Says(429, {"retry-seconds": 11}), 11.0),
        (Says(429, {"message": "limit exceeded, try again after 12 seconds"}), 12.0),
        (Says(429, None, {"retry-after": "-5"}), 0.5),
        (Says(429, None, {"retry-after": "soon"}), 0.5),
        (Says(429, None, {"retry-after": "9" * 400}), 0.5),
        (Says(429, {"retry-seconds": True}), 0.5),
        (Says(429, {"retry-seconds": -3}), 0.0),
        (Says(429, b'{"retry-seconds": 1e999}'), 0.5),
    ],
)
async def test_the_wait_the_service_asks_for_is_kept(answer: Says, seconds: float) -> None:
    _, waits, _ = await _read(answer, GOOD)
    assert waits.seconds == [seconds]


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({"retry-after": email.utils.formatdate(1_000_009, usegmt=True)}, b"", 9.0),
        ({}, b'{"message": "try again after Mon, 12 Jan 1970 13:46:45 UTC"}', 5.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1000004"}, b"", 4.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1637982656000"}, b"", 1_636_982_656.0),
        ({"x-ratelimit-remaining": "3", "x-ratelimit-reset": "1000004"}, b"", None),
        ({"retry-after": email.utils.formatdate(5, usegmt=True)}, b"", 0.0),
        ({}, b"<html>", None),
        ({"retry-after": "²"}, b"", None),
    ],
)
def test_every_way_of_asking_for_a_wait_is_understood(
    headers: dict[str, str], body: bytes, expected: float | None
) -> None:
    """Dates, epoch seconds, and epoch milliseconds (recorded)."""
    assert retry.asked_wait(headers, body, now=1_000_000.0) == expected


async def test_a_wait_too_long_for_a_call_is_told_instead() -> None:
    transport, waits, outcome = await _read(Says(429, {"retry-seconds": 60}), GOOD)
    assert (len(transport.arrived), waits.seconds) == (1, [])
    assert error(outcome)["retry_after_seconds"] == 60.0
    assert "Nothing was carried out. Call again in 60 seconds." in outcome.text


def test_waits_are_spread() -> None:
    spread = {retry.after_reply("read", 1, 503, None, jitter=jitter) for jitter in (0.0, 0.5, 1.0)}
    assert spread == {0.25, 0.5, 0.75}


def _gateway(transport: httpx2.AsyncBaseTransport, waits: Waits) -> Gateway:
    return engine_over(transport, waits=waits).gateway


@pytest.mark.parametrize("failure", [httpx2.ReadError("x"), httpx2.WriteError("x"), httpx2.ReadTimeout("x"),
                                     httpx2.WriteTimeout("x"), httpx2.RemoteProtocolError("x"), OSError()])  # fmt: skip
async def test_a_write_never_goes_again_after_bytes_may_have_left(failure: Exception) -> None:
    transport, waits = Scripted([failure, GOOD]), Waits()
    with pytest.raises(MaybeSent):
        await _gateway(transport, waits).write(WRITE, MAIN, "create")
    assert (len(transport.arrived), waits.seconds) == (1, [])


@pytest.mark.parametrize("status", [420, 429, 500, 502, 503, 504])
async def test_a_write_never_goes_again_after_an_answer(status: int) -> None:
    transport, waits = Scripted([Says(status, None, {"retry-after": "1"}), GOOD]), Waits()
    reply = await _gateway(transport, waits).write(WRITE, MAIN, "send")
    assert (reply.status, len(transport.arrived), waits.seconds) == (status, 1, [])


@pytest.mark.parametrize("failure", [httpx2.ConnectError("x"), httpx2.ConnectTimeout("x"), httpx2.PoolTimeout("x")])
async def test_a_write_goes_again_while_nothing_has_left(failure: Exception) -> None:
    transport, waits = Scripted([failure, failure, GOOD]), Waits()
    reply = await _gateway(transport, waits).write(WRITE, MAIN, "create")
    assert (reply.status, waits.seconds) == (200, [0.5, 1.0])


async def test_a_write_that_never_connects_is_certainly_not_sent() -> None:
    transport, waits = Scripted([httpx2.ConnectError("x")]), Waits()
    with pytest.raises(NotSent):
        await _gateway(transport, waits).write(WRITE, MAIN, "create")
    assert len(waits.seconds) == 3


# On real sockets ------------------------------------------------------------------------------------------------------


@contextmanager
def _gateway_to(address: str) -> Iterator[tuple[Gateway, Waits]]:
    waits = Waits()
    yield engine_over(None, waits=waits, api_url=address).gateway, waits


def _closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


async def test_a_refused_connection_is_tried_again_even_for_a_write() -> None:
    with _gateway_to(f"http://127.0.0.1:{_closed_port()}") as (gateway, waits):
        with pytest.raises(NotSent, match="ConnectError"):
            await gateway.write(WRITE, MAIN, "delete")
        assert len(waits.seconds) == 3


@pytest.mark.parametrize("behaviour", ["hang up", "half an answer", "no HTTP"])
async def test_a_write_whose_connection_breaks_arrived_once_and_may_have_happened(behaviour: str) -> None:
    with peer(behaviour) as other, _gateway_to(other.url) as (gateway, waits):
        with pytest.raises(MaybeSent):
            await gateway.write(WRITE, MAIN, "create")
        assert (len(other.requests), waits.seconds) == (1, [])


async def test_a_read_whose_connection_breaks_arrives_four_times() -> None:
    with peer("hang up") as other, _gateway_to(other.url) as (gateway, _):
        with pytest.raises(MaybeSent):
            await gateway.read(READ, MAIN)
        assert len(other.requests) == 4


async def test_a_write_never_uses_a_connection_that_may_have_been_closed() -> None:
    """After a read has left a pooled connection, a write opens its own: a stale one would make its outcome doubtful."""
    with peer("answer") as other, _gateway_to(other.url) as (gateway, _):
        await gateway.read(READ, MAIN)
        await gateway.read(READ, MAIN)
        await gateway.write(WRITE, MAIN, "create")
        assert other.connections == 2
        await gateway.aclose()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed_and_the_key_goes_nowhere_else(status: int) -> None:
    """Attack 30."""
    with peer("answer") as canary:
        with peer("redirect", status=status, location=f"{canary.url}/mailgun/v3/domains") as other:
            engine = engine_over(None, api_url=other.url)
            outcome = await called(engine, "list_domains", connection_id=MAIN)
            assert error(outcome)["kind"] == "answer_unreadable"
            reply = await engine.gateway.write(WRITE, MAIN, "create")
            assert reply.status == status
            await engine.aclose()
        assert _carries_key(other)
        assert (canary.connections, canary.requests) == (0, [])


async def test_the_key_is_in_the_authorization_header_and_nowhere_else() -> None:
    with peer("answer") as other, _gateway_to(other.url) as (gateway, _):
        await gateway.read(READ, MAIN)
        await gateway.aclose()
    head = other.requests[0].decode("latin-1")
    assert head.count(KEY) == 1
    assert f"authorization: bearer {KEY}" in head.lower()


async def test_no_proxy_is_used_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """httpx2 itself would read the proxy from the environment."""
    with peer("answer") as canary, peer("answer") as other:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, canary.url)
        engine = engine_over(None, api_url=other.url)
        await called(engine, "list_domains", connection_id=MAIN)
        await engine.aclose()
        assert (canary.connections, len(other.requests)) == (0, 1)


async def test_an_endless_answer_is_given_up_once() -> None:
    """A read of a too large answer does not fetch it four times."""
    with peer("endless") as other:
        engine = engine_over(None, api_url=other.url)
        outcome = await called(engine, "list_domains", connection_id=MAIN)
        await engine.aclose()
    assert error(outcome)["kind"] == "answer_unreadable"
    assert len(other.requests) == 1


def _carries_key(other: Peer) -> bool:
    return all(f"bearer {KEY}" in request.decode("latin-1").lower() for request in other.requests)


class _Silent(httpx2.AsyncBaseTransport):
    """Takes a request and never answers, without breaking any limit on a single read."""

    arrived = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.arrived += 1
        await asyncio.Event().wait()
        raise AssertionError("nobody sets this event")


async def test_an_answer_that_never_ends_leaves_a_write_in_doubt_and_is_not_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gateway_module, "TOTAL_SECONDS", 0.01)
    transport = _Silent()
    gateway = Gateway(Settings(api_key=KEY, api_url="http://127.0.0.1:9"), transport)
    with pytest.raises(MaybeSent, match="no whole answer came within"):
        await gateway.write(WRITE, MAIN, "create")
    assert transport.arrived == 1

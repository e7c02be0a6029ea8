"""Faults on demand, each named one, over a real socket."""

from __future__ import annotations

import asyncio
import http.client
import time
from typing import Any

import httpx2
import pytest

from maton_mailgun.sandbox import Sandbox
from maton_mailgun.sandbox.control.faults import PRESETS

from .wire import DOMAIN, Wire

TOO_FAST = (
    "Domain mg.example.com is not allowed to send: account-requests-per-sec limit exceeded, try again after 120 seconds"
)
# kind: status, content type, what the body holds. None of them carries the operation out.
ANSWERS: dict[str, tuple[int, str, object]] = {
    "mailgun_401": (401, "text/plain", "Forbidden"),
    "sandbox_403": (403, "application/json", "Sandbox subdomains are for test purposes only."),
    "html_404": (404, "text/html", "<h1>404 Not Found</h1>"),
    "rate_420": (420, "application/json", {"message": TOO_FAST}),
    "rate_429_message": (429, "application/json", {"message": TOO_FAST}),
    "rate_429_retry_seconds": (429, "application/json", {"retry-seconds": 60}),
    "rate_429_retry_after": (429, "application/json", {"message": "Too Many Requests"}),
    "maton_429": (429, "application/json", {"error": {"message": "Rate limit exceeded", "code": 429}}),
    "html_500": (500, "text/html", "<h1>500 Internal Server Error</h1>"),
    "bad_gateway_502": (502, "text/html", "<h1>502 Bad Gateway</h1>"),
    "gateway_timeout_504": (504, "text/html", "<h1>504 Gateway Time-out</h1>"),
    "maton_401": (401, "application/json", {"error": {"message": "Invalid API key", "code": 401}}),
    "maton_400_no_connection": (
        400,
        "application/json",
        {"error": {"message": "No active connection found for app 'mailgun'", "code": 400}},
    ),
    "maton_500": (500, "application/json", {"error": {"message": "Internal Server Error", "code": 500}}),
    "sign_in_page": (200, "text/html", "<h1>200 Sign in to the network</h1>"),
    "empty_answer": (200, "text/plain", ""),
    "plain_answer": (200, "text/plain", "OK"),
    "other_json": (200, "application/json", {"hello": 1}),
    "error_with_200": (200, "application/json", {"error": {"message": "try later"}}),
    "redirect": (302, "text/plain", ""),
    "timeout_408": (408, "text/html", "<h1>408 Request Timeout</h1>"),
}
OTHERS = {"wrong_content_type", "items_null", "drop_before", "drop_after", "truncated", "slow", "slow_body"}


def test_every_named_fault_is_specified_here() -> None:
    assert set(PRESETS) == set(ANSWERS) | OTHERS


@pytest.mark.parametrize("kind", ANSWERS)
def test_answers_instead_of_acting(api: Wire, kind: str) -> None:
    status, content_type, content = ANSWERS[kind]
    api.fault(kind)
    reply = api.send_mail()
    assert (reply.status, reply.content_type) == (status, content_type)
    if isinstance(content, str):
        assert content in reply.text
    else:
        assert reply.json == content
    (record,) = api.requests()
    assert (record["status"], record["acted"], api.outbox()) == (status, False, [])
    assert api.send_mail().status == 200


def test_retry_after_is_a_header(api: Wire) -> None:
    api.fault("rate_429_retry_after")
    reply = api.call("GET", "/v3/domains")
    assert (reply.headers["retry-after"], reply.headers["x-ratelimit-remaining"]) == ("2", "0")


def test_an_answer_can_be_faulty_after_acting(api: Wire) -> None:
    """The gateway lost the answer of a send that happened."""
    api.control("POST", "faults", {"fault": {"kind": "bad_gateway_502"}, "act": True})
    assert api.send_mail().status == 502
    (record,) = api.requests()
    assert (record["status"], record["acted"], len(api.outbox())) == (502, True, 1)


def test_wrong_content_type_keeps_the_body(api: Wire) -> None:
    api.fault("wrong_content_type")
    reply = api.call("GET", "/v3/domains")
    assert (reply.status, reply.content_type, reply.json["total_count"]) == (200, "text/html", 4)


def test_items_null(api: Wire) -> None:
    api.fault("items_null")
    reply = api.call("GET", "/v3/domains")
    assert (reply.status, reply.json) == (200, {"total_count": 4, "items": None})


@pytest.mark.parametrize(("kind", "acted"), [("drop_before", False), ("drop_after", True)])
def test_dropped_connections_give_no_answer_at_all(api: Wire, kind: str, acted: bool) -> None:
    api.fault(kind)
    with pytest.raises(http.client.RemoteDisconnected):
        api.send_mail()
    (record,) = api.requests()
    assert (record["status"], record["acted"], len(api.outbox())) == (None, acted, int(acted))


def test_a_truncated_body_ends_before_its_length(api: Wire) -> None:
    api.fault("truncated")
    with pytest.raises(http.client.IncompleteRead) as error:
        api.call("GET", "/v3/domains")
    assert error.value.partial == b'{"total_count":4,"it'


@pytest.mark.parametrize("name", ["delay", "slow_body"])
def test_slow_answers_take_their_time(api: Wire, name: str) -> None:
    kind = "slow" if name == "delay" else "slow_body"
    api.fault(kind, **{name: 0.2})
    began = time.monotonic()
    assert api.call("GET", "/v3/domains").json["total_count"] == 4
    assert time.monotonic() - began >= 0.19


def test_a_fault_of_ones_own(api: Wire) -> None:
    fault = {"status": 418, "body": {"message": "no"}, "headers": {"X-Mine": "1"}}
    api.control("POST", "faults", {"fault": fault})
    reply = api.call("GET", "/v3/domains")
    assert (reply.status, reply.json, reply.headers["x-mine"]) == (418, {"message": "no"}, "1")


def test_match_and_times(api: Wire) -> None:
    match = {"method": "get", "path_regex": r"/bounces\?limit=5$"}
    api.control("POST", "faults", {"fault": {"kind": "html_500"}, "match": match, "times": 2})
    path = f"/v3/{DOMAIN}/bounces"
    calls = [("GET", path), ("DELETE", path + "?limit=5"), *[("GET", path + "?limit=5")] * 3]
    assert [api.call(method, target).status for method, target in calls] == [200, 200, 500, 500, 200]


def test_first_armed_is_first_used(api: Wire) -> None:
    api.fault("rate_420")
    api.fault("html_500")
    assert [api.call("GET", "/v3/domains").status for _ in range(3)] == [420, 500, 200]


def test_armed_faults_are_listed_and_removed(api: Wire) -> None:
    api.control("POST", "faults", {"fault": {"kind": "slow", "delay": 5}, "match": {"method": "PUT"}, "times": 3})
    listed = api.control("GET", "faults")
    assert listed["faults"] == [
        {"fault": {"kind": "slow", "delay": 5}, "match": {"method": "PUT"}, "times": 3, "act": True}
    ]
    assert listed["kinds"] == list(PRESETS)
    assert api.control("DELETE", "faults") == {"faults": []}
    assert api.control("GET", "faults")["faults"] == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"fault": {"kind": "unheard_of"}},
        {"fault": {"stauts": 500}},
        {"fault": {"status": 500}, "match": {"verb": "GET"}},
        {"fault": {"drop": "during"}},
        {"fault": {"status": 500}, "match": {"path_regex": "("}},
        {"fault": {"status": 500}, "times": "twice"},
        [],
    ],
)
def test_a_fault_that_cannot_be_read_is_explained(api: Wire, body: Any) -> None:
    reply = api.send("POST", "/_sandbox/faults", None, None, body, {})
    assert (reply.status, list(reply.json)) == (400, ["problem"])
    assert api.control("GET", "faults")["faults"] == []


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "truncated"])
def test_in_process_a_drop_is_a_connection_error(kind: str) -> None:
    sandbox = Sandbox()
    headers = {"Authorization": "Bearer sandbox-maton-key"}

    async def drop_and_try_again() -> int:
        transport = httpx2.ASGITransport(app=sandbox.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox.test", headers=headers) as client:
            await client.post("/_sandbox/faults", json={"fault": {"kind": kind}})
            with pytest.raises(ConnectionError):
                await client.get("/mailgun/v3/domains")
            return (await client.get("/mailgun/v3/domains")).status_code

    assert asyncio.run(drop_and_try_again()) == 200
    assert [record["acted"] for record in sandbox.requests] == [kind != "drop_before", True]

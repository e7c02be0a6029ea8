"""The sandbox's own paths, and its state as JSON."""

from __future__ import annotations

import json

import pytest

from maton_mailgun.sandbox import Sandbox, serve
from maton_mailgun.sandbox.web.calls import Call

from .wire import DOMAIN, Clock, Part, Wire


def test_request_record_in_full(api: Wire) -> None:
    """The path undecoded, keys in order and repeated, the key hidden."""
    api.call(
        "POST",
        f"/v3/{DOMAIN}/bounces?x=1&x=%2B",
        [("address", "a+b@example.net"), ("code", "1"), ("code", "2")],
        headers={"Maton-Connection": "78b5a036-c621-40c2-b74b-276195735af2"},
    )
    (record,) = api.requests()
    headers = record.pop("headers")
    assert headers["authorization"] == "Bearer [redacted]"
    assert headers["maton-connection"] == "78b5a036-c621-40c2-b74b-276195735af2"
    assert record == {
        "n": 1,
        "method": "POST",
        "path": f"/mailgun/v3/{DOMAIN}/bounces?x=1&x=%2B",
        "query": [["x", "1"], ["x", "+"]],
        "content_type": "application/x-www-form-urlencoded",
        "form": [["address", "a+b@example.net"], ["code", "1"], ["code", "2"]],
        "files": [],
        "json": None,
        "status": 200,
        "acted": True,
        "ignored": ["x"],
        "connection_id": "78b5a036-c621-40c2-b74b-276195735af2",
        "at": Clock.START,
    }


def test_the_raw_path_is_kept(api: Wire) -> None:
    api.call("GET", f"/v3/{DOMAIN}/bounces/a%2Bb%40example.net?q=%20")
    (record,) = api.requests()
    assert record["path"] == f"/mailgun/v3/{DOMAIN}/bounces/a%2Bb%40example.net?q=%20"
    assert (record["form"], record["status"], record["acted"], record["ignored"]) == (None, 404, False, [])


def test_files_and_json_are_recorded(api: Wire) -> None:
    api.call("POST", f"/v3/{DOMAIN}/messages", parts=[Part("attachment", b"abc", "a.txt", "text/plain")])
    api.maton("POST", "/connections", json_body={"app": "mailgun"})
    first, second = api.requests()
    assert first["form"] == []
    assert [(file["filename"], file["size"]) for file in first["files"]] == [("a.txt", 3)]
    assert (second["json"], second["form"]) == ({"app": "mailgun"}, None)


def test_control_paths_need_no_key_and_are_not_recorded(api: Wire) -> None:
    api.control("GET", "messages")
    assert api.requests() == []


def test_only_the_latest_ten_thousand_requests_are_kept() -> None:
    sandbox = Sandbox()
    for _ in range(10_003):
        sandbox.record(Call("GET", "/", "", ("",), {}))
    assert [sandbox.requests[0]["n"], sandbox.requests[-1]["n"], len(sandbox.requests)] == [4, 10_003, 10_000]


def test_reset_returns_to_the_seed(api: Wire) -> None:
    api.send_mail()
    api.fault("html_500")
    api.control("POST", "settings", {"default_connection": "newest"})
    api.control("POST", "clock", {"advance": 60})
    assert api.control("POST", "reset") == {"reset": True}
    assert (api.requests(), api.outbox()) == ([], [])
    assert api.control("GET", "faults")["faults"] == []
    assert api.control("GET", "settings")["default_connection"] == "oldest"
    assert api.control("POST", "clock", {}) == {"now": Clock.START}
    assert api.call("GET", "/v3/domains").json["total_count"] == 4


def test_reset_returns_to_the_state_it_began_with(api: Wire) -> None:
    """A seed of one's own is what every reset goes back to; nothing, and a state that is given, are still to be had."""
    api.call("DELETE", f"/v3/{DOMAIN}/bounces")
    own = Sandbox()
    own.begin_with(api.control("GET", "state"))
    with serve(own) as running:
        mine = Wire(running.host, running.port, api.clock)
        for body in (None, {"seed": True}):
            mine.call("POST", f"/v3/{DOMAIN}/bounces", [("address", "new@example.net")])
            assert mine.control("POST", "reset", body) == {"reset": True}
            assert mine.call("GET", f"/v3/{DOMAIN}/bounces").json["items"] == []
            assert mine.call("GET", "/v3/domains").json["total_count"] == 4
        mine.control("POST", "reset", {"seed": False})
        assert mine.mailgun("GET", "/v3/domains").json == {"total_count": 0, "items": []}
        mine.control("POST", "reset")
        assert mine.call("GET", "/v3/domains").json["total_count"] == 4


def test_reset_to_nothing(api: Wire) -> None:
    api.control("POST", "reset", {"seed": False})
    assert api.maton("GET", "/connections").json == {"connections": []}
    assert api.mailgun("GET", "/v3/domains").json == {"total_count": 0, "items": []}


def test_reset_to_a_state(api: Wire) -> None:
    api.send_mail()
    state = api.control("GET", "state")
    api.control("POST", "reset")
    api.control("POST", "reset", state)
    assert len(api.outbox()) == 1


def test_reset_to_nonsense_is_explained(api: Wire) -> None:
    reply = api.send("POST", "/_sandbox/reset", None, None, {"format": 1}, {})
    assert (reply.status, list(reply.json)) == (400, ["problem"])


@pytest.mark.parametrize(
    ("path", "body", "problem"),
    [
        (
            "settings",
            {"speed": 1},
            "unknown setting 'speed', known are: default_connection, smtp_password_in_answers, maton_rate_limit, "
            "delivery_delay, signing_key",
        ),
        ("settings", {"maton_rate_limit": "yes"}, "'maton_rate_limit' is a bool"),
        ("settings", {"default_connection": "best"}, "'default_connection' is 'oldest' or 'newest'"),
        ("connections", {"status": "OPEN"}, "status is one of ACTIVE, PENDING, FAILED"),
        ("events", {"event": "opened", "domain": "nobody.test"}, "unknown domain 'nobody.test'"),
        ("events", {"event": "bounced", "domain": DOMAIN}, None),
        ("events", {"event": "opened", "domain": DOMAIN, "recipeint": "x"}, None),
        ("events", {"event": "opened", "domain": DOMAIN, "message_id": "x"}, "no message with the id 'x'"),
        (
            "events",
            {"event": "failed", "domain": DOMAIN, "severity": "bad"},
            "severity is 'permanent' or 'temporary'",
        ),
        ("clock", [], "send a JSON object"),
    ],
)
def test_bad_control_requests_are_explained(api: Wire, path: str, body: dict[str, object], problem: str | None) -> None:
    reply = api.send("POST", f"/_sandbox/{path}", None, None, body, {})
    assert reply.status == 400
    assert reply.json["problem"] == (problem or reply.json["problem"])


@pytest.mark.parametrize(("method", "path"), [("GET", "nowhere"), ("DELETE", "messages")])
def test_unknown_control_paths_name_the_known_ones(api: Wire, method: str, path: str) -> None:
    reply = api.send(method, f"/_sandbox/{path}", None, None, None, {})
    assert reply.status == 404
    assert "POST /_sandbox/faults" in reply.json["problem"]


def test_flipping_an_unknown_connection_answers_404(api: Wire) -> None:
    reply = api.send("POST", "/_sandbox/connections/nope", None, None, {"status": "ACTIVE"}, {})
    assert (reply.status, reply.json) == (404, {"problem": "no such connection"})


def test_state_survives_a_round_trip_through_json(api: Wire, sandbox: Sandbox) -> None:
    """Everything a client can see is the same in the copy: attachments, scheduled mail, pages, counts, numbering."""
    api.call(
        "POST",
        f"/v3/{DOMAIN}/messages",
        parts=[
            *(Part(name, b"a@mg.example.com") for name in ("from", "to", "text", "o:tag")),
            Part("attachment", b"\x00\xff", "a.bin"),
        ],
    )
    api.send_mail(("o:deliverytime", "Thu, 15 Jan 2026 13:00:00 GMT"))
    api.control("POST", "events", {"event": "opened", "domain": DOMAIN})
    api.call("DELETE", "/v3/domains/unverified.example.com")
    api.control("POST", "settings", {"default_connection": "newest"})
    copy = Sandbox(seed=False, clock=api.clock)
    copy.load(json.loads(json.dumps(sandbox.dump())))
    assert copy.dump() == sandbox.dump()
    assert copy.messages == sandbox.messages
    with serve(copy) as running:
        other = Wire(running.host, running.port, api.clock)
        other.control("POST", "events", {"event": "opened", "domain": DOMAIN})
        api.control("POST", "events", {"event": "opened", "domain": DOMAIN})
        for path in (
            "/v3/domains",
            f"/v3/{DOMAIN}/events",
            f"/v3/{DOMAIN}/stats/total?event=opened&event=delivered",
            f"/v3/{DOMAIN}/tags",
            f"/v3/{DOMAIN}/templates?active=yes",
            "/v3/lists/pages",
            "/v3/routes",
        ):
            assert other.call("GET", path).body == api.call("GET", path).body
        for side in (api, other):
            side.control("POST", "clock", {"advance": 3600})
        assert other.events("?event=delivered") == api.events("?event=delivered")
        assert len(other.events("?event=delivered")) == 2


@pytest.mark.parametrize("state", [{}, [], {"format": 2}, {"format": 1, "account": 3, "connections": {}, "advance": 0}])
def test_load_refuses_what_is_no_state(state: object) -> None:
    sandbox = Sandbox()
    before = sandbox.dump()
    with pytest.raises(ValueError, match="not a sandbox state"):
        sandbox.load(state)  # type: ignore[arg-type]
    assert sandbox.dump() == before


def test_two_sandboxes_on_their_own_ports_do_not_share_anything() -> None:
    with serve(Sandbox()) as one, serve(Sandbox(api_keys=("other-key",))) as two:
        assert one.url == f"http://127.0.0.1:{one.port}"
        assert one.port != two.port
        assert Wire(one.host, one.port, Clock()).call("GET", "/v3/domains").status == 200
        assert Wire(two.host, two.port, Clock()).call("GET", "/v3/domains").status == 401
        assert (len(one.sandbox.requests), len(two.sandbox.requests)) == (1, 1)

"""Attacks 220 to 224: what a sandbox posts, to whom, and who may have it do so."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import httpx2
import pytest

from maton_mailgun.config import load
from maton_mailgun.runtime import engine
from maton_mailgun.sandbox import RunningSandbox, Sandbox, serve
from sandbox.receiver import Receiver, receiver

AUTH = ("api", "key-sandbox")
HOOKS = "/v3/domains/mg.example.com/webhooks"


@pytest.fixture
def desk() -> Iterator[Receiver]:
    with receiver() as listening:
        yield listening


@pytest.fixture
def running() -> Iterator[RunningSandbox]:
    with serve(Sandbox(calls=True)) as served:
        served.sandbox.account.routes.clear()
        yield served


def post(running: RunningSandbox, path: str, data: Any = None, **more: Any) -> httpx2.Response:
    return httpx2.post(f"{running.url}{path}", data=data, auth=AUTH, trust_env=False, **more)


def forward_to(running: RunningSandbox, *targets: str) -> None:
    actions = [f'forward("{target}")' for target in targets]
    assert post(running, "/v3/routes", {"expression": "catch_all()", "action": actions}).status_code == 200


def arrive(running: RunningSandbox, headers: dict[str, str] | None = None) -> httpx2.Response:
    mail = {"from": "eve@evil.example", "to": "desk@mg.example.com", "text": "Hello", "headers": headers or {}}
    return httpx2.post(f"{running.url}/_sandbox/inbound", json=mail, trust_env=False)


ELSEWHERE = (
    "http://evil.example/",
    "http://127.0.0.1.evil.example/",
    "http://localhost.evil.example/",
    "http://127.0.0.1@evil.example/",
    "http://127.0.0.1:80@evil.example/",
    "http://evil.example#@127.0.0.1/",
    "http://evil.example?@127.0.0.1/",
    "http://127.0.0.1\\@evil.example/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://127.1/",
    "http://0/",
    "http://0.0.0.0/",
    "http://[::]/",
    "http://[::1%25eth0]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://192.168.0.1/",
    "http://[fe80::1]/",
    "http:///",
    "http://[::1",
    "ftp://127.0.0.1/",
    "file:///etc/passwd",
    "gopher://127.0.0.1/",
)


@pytest.mark.parametrize("url", ELSEWHERE)
def test_attack_220_only_this_machine_is_called_and_no_name_is_looked_up(
    running: RunningSandbox, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a webhook, a forward and a notice alike: what is no loopback address as it stands is refused and recorded."""
    reached: list[object] = []

    def connect(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        reached.append(address)
        raise OSError("nobody is reached from here")

    outcomes = running.sandbox.callbacks.outcomes
    running.sandbox.account.domains["mg.example.com"].webhooks["accepted"] = [url]
    actions = [f'forward("{url}")', f'store(notify="{url}")']
    running.sandbox.account.routes["r"] = {
        "id": "r", "priority": 0, "description": "", "expression": "catch_all()", "actions": actions,
    }  # fmt: skip
    answer = arrive(running)
    assert answer.status_code == 200, answer.text
    with monkeypatch.context() as patched:
        patched.setattr(socket, "create_connection", connect)
        running.sandbox.callbacks.post("webhook", url, b"", "text/plain", 0)
        running.sandbox.callbacks.wait()
    assert reached == []
    assert [outcome["state"] for outcome in outcomes] == ["refused"] * 4
    assert [post["state"] for post in answer.json()["messages"][0]["posts"]] == ["refused", "refused"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.1."])
def test_this_machine_is_called_by_its_names(running: RunningSandbox, desk: Receiver, host: str) -> None:
    url = desk.url.replace("127.0.0.1", host) + "/in"
    forward_to(running, url.replace("//", "//user:pass@"))
    (made,) = arrive(running).json()["messages"][0]["posts"]
    expected = "refused" if host.endswith(".") else "called"
    assert (made["state"], made["target"], len(desk.posted)) == (expected, url, int(expected == "called"))
    for posted in desk.posted:
        assert posted.headers["authorization"] == "Basic dXNlcjpwYXNz"


def test_attack_220_a_redirect_is_not_followed(running: RunningSandbox, desk: Receiver) -> None:
    with receiver() as other:
        desk.status, desk.location = 307, f"{other.url}/taken"
        forward_to(running, desk.url)
        (made,) = arrive(running).json()["messages"][0]["posts"]
        assert (made["state"], made["status"], other.posted) == ("called", 307, [])


def test_attack_220_a_proxy_is_not_asked(
    running: RunningSandbox, desk: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiver() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        forward_to(running, desk.url)
        arrive(running)
        assert (len(desk.posted), proxy.posted) == (1, [])


def test_attack_221_a_sandbox_that_is_not_told_to_calls_nobody(desk: Receiver) -> None:
    """One within a server must not: what a model may set there could reach a page of this machine that decides."""
    with serve(Sandbox()) as running:
        running.sandbox.account.routes.clear()
        forward_to(running, desk.url)
        assert post(running, HOOKS, {"id": "accepted", "url": desk.url}).status_code == 200
        (made,) = arrive(running).json()["messages"][0]["posts"]
        post(running, "/v3/mg.example.com/messages", {"from": "a@mg.example.com", "to": "b@example.net", "text": "Hi"})
        running.sandbox.callbacks.wait()
        assert (made["state"], made["error"]) == ("refused", "this sandbox calls nobody")
        assert {outcome["state"] for outcome in running.sandbox.callbacks.outcomes} == {"refused"}
    assert desk.posted == []


def test_attack_221_the_sandbox_within_a_server_is_such_a_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("MATON_MAILGUN_HOME", str(tmp_path_factory.mktemp("home")))
    made: list[Sandbox] = []
    begin = Sandbox.__init__

    def noted(self: Sandbox, **given: Any) -> None:
        begin(self, **given)
        made.append(self)

    monkeypatch.setattr(Sandbox, "__init__", noted)
    engine(load(sandbox=True))
    assert [sandbox.callbacks.calls for sandbox in made] == [False]


def test_attack_222_posts_lead_in_no_circle(running: RunningSandbox) -> None:
    """A route that forwards to where mail arrives, and a webhook for sending that sends."""
    forward_to(running, f"{running.url}/_sandbox/inbound")
    url = f"{running.url.replace('//', '//api:key-sandbox@')}/v3/mg.example.com/messages"
    running.sandbox.account.domains["mg.example.com"].webhooks["accepted"] = [url]
    (made,) = arrive(running).json()["messages"][0]["posts"]
    running.sandbox.callbacks.wait()
    assert (made["state"], made["status"]) == ("called", 508)
    (_, webhook) = running.sandbox.callbacks.outcomes
    assert (webhook["state"], webhook["status"]) == ("called", 508)
    assert (running.sandbox.messages, len(running.sandbox.account.domains["mg.example.com"].received)) == ([], 1)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("path", ["/_sandbox/inbound", "/_sandbox/reset", "/_sandbox/faults", "/v3/routes", HOOKS])
def test_attack_223_a_page_of_another_site_changes_nothing(running: RunningSandbox, site: str, path: str) -> None:
    """Its form needs no permission, and the key of a sandbox is known to all."""
    before = running.sandbox.dump()
    headers = {"Sec-Fetch-Site": site, "Origin": "https://evil.example"}
    answer = post(running, path, {"from": "a@evil.example", "to": "x@mg.example.com", "text": ""}, headers=headers)
    assert (answer.status_code, running.sandbox.dump(), running.sandbox.requests) == (403, before, [])


def test_a_page_of_its_own_and_clients_that_say_nothing_may(running: RunningSandbox) -> None:
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {}):
        assert post(running, "/_sandbox/outbox/clear", headers=headers).status_code == 200


def test_attack_224_headers_stand_in_for_no_field(running: RunningSandbox, desk: Receiver) -> None:
    """A receiver that reads the first or the last of two values gets the signature and the words of Mailgun's alone."""
    forward_to(running, desk.url)
    forged = {
        "signature": "0" * 64, "Token": "x", "TIMESTAMP": "1", "recipient": "boss@mg.example.com",
        "body-plain": "pay", "Stripped-Text": "pay", "message-url": "https://evil.example/", "X-Own": "stays",
    }  # fmt: skip
    arrive(running, forged)
    pairs = parse_qsl(desk.posted[0].body.decode(), keep_blank_values=True)
    names = [name if name in ("From", "Subject") else name.lower() for name, _ in pairs]
    assert len(set(names)) == len(names)
    found = dict(pairs)
    assert (found["recipient"], found["body-plain"].strip(), found["X-Own"]) == (
        "desk@mg.example.com",
        "Hello",
        "stays",
    )
    assert "evil.example" not in " ".join(value for name, value in pairs if name.lower() == "message-url")

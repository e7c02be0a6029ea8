"""Attacks 17 and 23 to 26 at the real gate's page and terminal: only a person who was let in decides."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from maton_mailgun.approval.channels.passphrase import Passphrase
from maton_mailgun.approval.store.record import Record, finished

from .bench import KEY, LETTER, ME, Desk, House, structured

pytestmark = pytest.mark.anyio
HOSTILE = """<html><head><meta http-equiv="refresh" content="0;url=http://canary.example.net/">
<link rel="stylesheet" href="http://canary.example.net/c.css"></head>
<body onload="fetch('http://canary.example.net/l')" style="background:url(http://canary.example.net/b.png)">
<script src="http://canary.example.net/s.js"></script><img src="http://canary.example.net/i.png">
<form action="http://canary.example.net/f"><input name="p"><button>Pay</button></form>
<iframe src="http://canary.example.net/frame"></iframe><svg onload="fetch('http://canary.example.net/svg')"></svg>
</body></html>"""


class Browser:
    """A browser on the page of one server: its cookie, its half of the session, its headers."""

    def __init__(self, http: httpx2.AsyncClient, port: int) -> None:
        self._http = http
        self.origin = f"http://127.0.0.1:{port}"
        self.key = ""

    async def send(self, method: str, path: str, body: Any = None, **headers: str | None) -> httpx2.Response:
        """One request as the page itself sends it, with some headers changed; None leaves one out."""
        own: dict[str, str | None] = {"Origin": self.origin, "X-Approval-Key": self.key}
        own |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in own.items() if value is not None}
        content = {"json": body} if body is not None else {}
        return await self._http.request(method, self.origin + path, headers=sent, **content)

    async def sign_in(self, link: str) -> httpx2.Response:
        """Exchange the one-time token of a link."""
        reply = await self.send("POST", "/api/session", {"token": link.rpartition("t=")[2]})
        self.key = reply.json().get("key", "")
        return reply


@asynccontextmanager
async def page(house: House) -> AsyncIterator[Browser]:
    """Somebody at the page of the real gate, not let in yet."""
    served = await house.gate.page()
    # The port of a page that has gone must not come back with its cookie: each browser is a client of its own.
    async with httpx2.AsyncClient(trust_env=False) as http:
        yield Browser(http, served.port)


async def pending(house: House, **change: Any) -> Record:
    """A proposed message that waits for a person."""
    async with house.client() as client:
        content = structured(await client.call_tool("send_message", {**LETTER, **change}))
    record = await house.gate.get(content["approval_id"])
    assert record is not None
    return record


async def let_in(house: House, browser: Browser) -> None:
    """Open the page with a link of the server's own."""
    assert (await browser.sign_in((await house.gate.page()).link(principal=ME))).status_code == 200


async def yes_to(house: House, browser: Browser, record: Record) -> dict[str, Any]:
    """What the page posts for a yes, once it has shown the record."""
    await browser.send("POST", f"/api/approvals/{record.id}/shown", {})
    await browser.send("GET", f"/api/approvals/{record.id}/message")
    shown = await house.gate.get(record.id)
    assert shown is not None
    return {"decision": "approve", "digest": shown.digest, "version": shown.version}


async def test_a_yes_on_the_page_is_one_write(desk: Desk) -> None:
    async with desk.open() as house, page(house) as browser:
        record = await pending(house)
        await let_in(house, browser)
        body = await yes_to(house, browser, record)
        replies = [await browser.send("POST", f"/api/approvals/{record.id}/decision", body) for _ in range(3)]
        assert [reply.status_code for reply in replies] == [200, 409, 409]
        done = await house.gate.wait(record.id, 10.0, finished)
        assert (done.state, done.channel) == ("succeeded", "page")
    assert len(desk.writes()) == 1


# 17 ------------------------------------------------------------------------------------------------------------------


async def test_attack_17_a_hostile_message_reaches_the_frame_without_anything_that_could_load(desk: Desk) -> None:
    """In a real browser, with a canary server, this is watched by `test_17_…` in the page's own tests."""
    async with desk.open() as house, page(house) as browser:
        record = await pending(house, html=HOSTILE)
        await let_in(house, browser)
        ticket = (await browser.send("GET", f"/api/approvals/{record.id}")).json()["ticket"]
        frame = await browser.send("GET", f"/api/approvals/{record.id}/message/{ticket}")
    assert frame.status_code == 200
    policy = frame.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "allow-" not in policy
    markup = frame.text.lower()
    gone = ("<script", "<form", "<iframe", "<svg", "refresh", "onload", "<link", "url(http", 'src="http', 'href="http')
    assert not [word for word in gone if word in markup]
    assert desk.writes() == []


def test_attack_17_the_canary_is_watched_in_a_real_browser() -> None:
    browser_tests = Path(__file__).parents[1] / "page" / "test_canary.py"
    text = browser_tests.read_text()
    assert "def test_17_a_hostile_message_on_the_page_makes_no_request" in text
    assert "def test_17_the_canary_sings_when_nothing_protects" in text


# 23 and 24 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example.net"},
        {"Origin": None},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
    ids=str,
)
async def test_attack_23_a_decision_from_another_site_is_403(desk: Desk, headers: dict[str, str | None]) -> None:
    async with desk.open() as house, page(house) as browser:
        record = await pending(house)
        await let_in(house, browser)
        body = await yes_to(house, browser, record)
        reply = await browser.send("POST", f"/api/approvals/{record.id}/decision", body, **headers)
        assert reply.status_code == 403
        assert await house.state(record.id) == "pending"
    assert desk.writes() == []


async def test_attack_23_a_decision_without_the_pages_half_of_the_session_is_401(desk: Desk) -> None:
    async with desk.open() as house, page(house) as browser:
        record = await pending(house)
        await let_in(house, browser)
        body = await yes_to(house, browser, record)
        reply = await browser.send("POST", f"/api/approvals/{record.id}/decision", body, X_Approval_Key=None)
        assert reply.status_code == 401
        assert await house.state(record.id) == "pending"
    assert desk.writes() == []


@pytest.mark.parametrize("how", ["GET", "HEAD"])
async def test_attack_23_reading_never_decides(desk: Desk, how: str) -> None:
    async with desk.open() as house, page(house) as browser:
        record = await pending(house)
        await let_in(house, browser)
        body = await yes_to(house, browser, record)
        query = "&".join(f"{name}={value}" for name, value in body.items())
        for path in (f"/api/approvals/{record.id}/decision?{query}", f"/api/approvals/{record.id}?{query}"):
            await browser.send(how, path)
        assert await house.state(record.id) == "pending"
    assert desk.writes() == []


@pytest.mark.parametrize("host", ["evil.example.net", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example.net:{port}"])
async def test_attack_24_another_host_name_is_421(desk: Desk, host: str) -> None:
    async with desk.open() as house, page(house) as browser:
        record = await pending(house)
        await let_in(house, browser)
        body = await yes_to(house, browser, record)
        named = host.format(port=browser.origin.rpartition(":")[2])
        reply = await browser.send(
            "POST", f"/api/approvals/{record.id}/decision", body, Host=named, Origin=f"http://{named}"
        )
        assert reply.status_code == 421
        assert await house.state(record.id) == "pending"
    assert desk.writes() == []


@pytest.mark.parametrize("path", ["/", "/static/main.js", "/api/approvals", "/nothing"])
async def test_attack_24_nobody_may_frame_the_page(desk: Desk, path: str) -> None:
    async with desk.open() as house, page(house) as browser:
        reply = await browser.send("GET", path)
    assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
    assert reply.headers["x-frame-options"] == "DENY"


# 25 ------------------------------------------------------------------------------------------------------------------


async def test_attack_25_curl_without_a_token_is_401_and_then_locked_out(desk: Desk) -> None:
    async with desk.open() as house, page(house) as browser:
        record = await pending(house)
        body = {"decision": "approve", "digest": record.digest, "version": record.version}
        replies = [await browser.send("POST", f"/api/approvals/{record.id}/decision", body) for _ in range(25)]
        statuses = [reply.status_code for reply in replies]
        assert statuses == [401] * 20 + [429] * 5
        assert await house.state(record.id) == "pending"
    assert desk.writes() == []


async def test_attack_25_guessed_tokens_and_passphrases_lock_the_guesser_out(desk: Desk) -> None:
    Passphrase(desk.home).set("correct horse battery staple", now=desk.clock())
    async with desk.open() as house, page(house) as browser:
        record = await pending(house)
        for guess, free in (({"token": "x" * 43}, 5), ({"passphrase": "password"}, 4)):
            statuses = [(await browser.send("POST", "/api/session", guess)).status_code for _ in range(8)]
            assert statuses == [401] * free + [429] * (8 - free)
        right = {"passphrase": "correct horse battery staple"}
        locked = await browser.send("POST", "/api/session", right)
        assert (locked.status_code, locked.json()["error"]) == (429, "locked")
        assert await house.state(record.id) == "pending"
    assert desk.writes() == []


async def test_attack_111_guesses_over_http_lock_neither_the_terminal_nor_links_nor_known_browsers(desk: Desk) -> None:
    """Whoever reaches the page could else keep the person from saying no."""
    right = "correct horse battery staple"
    Passphrase(desk.home).set(right, now=desk.clock())
    async with desk.open() as house, page(house) as stranger, page(house) as known, page(house) as late:
        assert (await known.send("POST", "/api/session", {"passphrase": right})).status_code == 200
        for guess in [{"token": "x" * 43}, {"passphrase": "password"}] * 8:
            assert (await stranger.send("POST", "/api/session", guess)).status_code in {401, 429}
        assert (await stranger.send("POST", "/api/session", {"passphrase": right})).status_code == 429
        assert (await known.send("POST", "/api/session", {"passphrase": right})).status_code == 200
        assert (await late.sign_in((await house.gate.page()).link(principal=ME))).status_code == 200
        assert Passphrase(desk.home).verify(right, now=time.time()) is True
        # A known browser has no more guesses than others.
        tries = [(await known.send("POST", "/api/session", {"passphrase": "password"})).status_code for _ in range(8)]
        assert tries == [401] * 4 + [429] * 4


async def test_attack_25_no_token_is_in_what_a_model_gets(desk: Desk) -> None:
    async with desk.open() as house:
        link = (await house.gate.page()).link(principal=ME)
        token = link.rpartition("t=")[2]
        async with house.client() as client:
            result = await client.call_tool("send_message", LETTER)
            told = result.model_dump_json() + (await client.call_tool("list_approvals", {})).model_dump_json()
    assert token not in told
    assert "#/" not in told
    assert "?t=" not in told
    assert b"?t=" not in (desk.home / "approvals.sqlite").read_bytes()


def terminal(desk: Desk, *words: str, typed: str | None) -> tuple[int, str]:
    """Run the command line as a script would: on a pipe, or on a terminal of its own when something is typed."""
    command = [sys.executable, "-P", "-m", "maton_mailgun", "approvals", *words]
    environment = {**os.environ, "MATON_MAILGUN_HOME": str(desk.home), "MATON_API_KEY": KEY, "PAGER": "cat"}
    if typed is None:
        done = subprocess.run(
            command,
            input="yes\n" * 5,
            capture_output=True,
            text=True,
            env=environment,
            start_new_session=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr
    child, terminal_end = pty.fork()
    if child == 0:
        os.execve(sys.executable, command, environment)  # noqa: S606 - our own interpreter
    printed = b""
    sent = False
    while select.select([terminal_end], [], [], 30.0)[0]:
        try:
            chunk = os.read(terminal_end, 65_536)
        except OSError:
            break
        if not chunk:
            break
        printed += chunk
        if not sent and b"Passphrase" in printed:
            os.write(terminal_end, typed.encode() + b"\n")
            sent = True
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), printed.decode("utf-8", "replace")


async def test_attack_25_a_scripted_terminal_approves_nothing(desk: Desk) -> None:
    Passphrase(desk.home).set("correct horse battery staple", now=desk.clock())
    async with desk.open() as house:
        record = await pending(house)
        status, printed = terminal(desk, "approve", record.id, typed=None)
        assert status != 0
        assert "terminal" in printed
        status, printed = terminal(desk, "approve", record.id, typed="password")
        assert status != 0
        assert "That is not the passphrase" in printed
        assert await house.state(record.id) == "pending"
        assert desk.writes() == []
        # And the right one, from another process than the one that carries it out.
        status, printed = terminal(desk, "approve", record.id, "--wait", "0", typed="correct horse battery staple")
        done = await house.gate.wait(record.id, 10.0, finished)
        assert (done.state, done.channel) == ("succeeded", "cli")
    assert len(desk.writes()) == 1


# 26 ------------------------------------------------------------------------------------------------------------------


async def test_attack_26_guessed_ids_get_one_answer_and_then_none(desk: Desk) -> None:
    async with desk.open() as house, page(house) as browser:
        other = None
        async with house.client(principal="http:eve") as client:
            other = structured(await client.call_tool("send_message", LETTER))["approval_id"]
        await let_in(house, browser)
        ids = [other, *(f"apr_{number:032x}" for number in range(30))]
        replies = [await browser.send("GET", f"/api/approvals/{one}") for one in ids]
        answers = {reply.text for reply in replies if reply.status_code == 404}
        assert len(answers) == 1
        assert json.loads(answers.pop())["error"] == "not_found"
        statuses = [reply.status_code for reply in replies]
        assert statuses[:15] == [404] * 15
        assert set(statuses[15:]) == {429}


async def test_attack_26_a_malformed_id_is_a_schema_error_and_an_unknown_one_says_nothing(desk: Desk) -> None:
    async with desk.open() as house, house.client() as client:
        for wrong in ("", "apr_", "apr_" + "g" * 32, "../approvals", "apr_" + "0" * 33, "' OR 1=1 --"):
            result = await client.call_tool("get_approval", {"approval_id": wrong})
            assert structured(result)["error"]["kind"] == "bad_arguments"
        result = await client.call_tool("get_approval", {"approval_id": "apr_" + "0" * 32})
        assert structured(result)["error"]["message"] == "There is no such approval."

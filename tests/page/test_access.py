"""Who gets in, and what everybody else is told. Over a real socket; numbers are those of the attacks on approvals."""

from __future__ import annotations

import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.cookies import SimpleCookie
from typing import Any

import pytest

from maton_mailgun.approval.channels.page.fence import FRAME_POLICY, POLICY

from .records import a_record, a_send
from .serving import PASSPHRASE, Reply, RunningPage

API = (
    ("GET", "/api/session"),
    ("DELETE", "/api/session"),
    ("GET", "/api/approvals"),
    ("GET", "/api/approvals/{id}"),
    ("GET", "/api/approvals/{id}/changes?version=1"),
    ("POST", "/api/approvals/{id}/shown"),
    ("POST", "/api/approvals/{id}/decision"),
    ("POST", "/api/approvals/{id}/secret"),
    ("GET", "/api/approvals/{id}/message"),
    ("GET", "/api/approvals/{id}/message/ticket"),
    ("GET", "/api/nothing/of/the/kind"),
    ("PUT", "/api/approvals/{id}"),
)
WRITES = (*((method, path) for method, path in API if method != "GET"), ("POST", "/api/session"))


def refusal(reply: Reply) -> tuple[int, Any]:
    return reply.status, reply.json["error"]


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), API)
@pytest.mark.parametrize("which", ["known", "unknown"])
def test_25_without_a_session_every_api_path_answers_401(page: RunningPage, method: str, path: str, which: str) -> None:
    record = a_send()
    page.gate.add(record)
    there = path.format(id=record.id if which == "known" else "apr_" + "0" * 32)
    reply = page.send(method, there, None if method == "GET" else {})
    assert (reply.status, reply.json) == (
        401,
        {"error": "sign_in", "message": "Sign in to see approvals.", "passphrase": False},
    )


def test_25_one_half_of_a_session_is_no_session(page: RunningPage) -> None:
    browser = page.browser()
    other = page.browser()
    assert page.send("GET", "/api/approvals", headers={"Cookie": browser.cookie}).status == 401
    assert page.send("GET", "/api/approvals", headers={"X-Approval-Key": browser.key}).status == 401
    mixed = {"Cookie": browser.cookie, "X-Approval-Key": other.key}
    assert page.send("GET", "/api/approvals", headers=mixed).status == 401
    assert browser.get("/api/approvals").status == 200


def test_25_strangers_are_locked_out_while_the_signed_in_go_on(page: RunningPage) -> None:
    browser = page.browser()
    statuses = [page.send("GET", "/api/approvals").status for _ in range(22)]
    assert statuses == [401] * 20 + [429] * 2
    locked = page.send("GET", "/api/approvals")
    assert (locked.headers["Retry-After"], locked.json["error"]) == ("31", "locked")
    assert browser.get("/api/approvals").status == 200
    page.clock.now += 31
    assert page.send("GET", "/api/approvals").status == 401


def test_a_token_opens_one_session_once(page: RunningPage) -> None:
    token = page.token()
    first = page.send("POST", "/api/session", {"token": token})
    assert (first.status, first.json["decider"]) == (200, "person at the approval page")
    again = page.send("POST", "/api/session", {"token": token})
    assert refusal(again) == (401, "sign_in")


def test_a_token_that_comes_twice_closes_the_session_it_made(page: RunningPage) -> None:
    """Somebody else on the machine may read a link from the process list while the browser starts. Whoever of the two
    comes second ends what the first has got."""
    token = page.token()
    thief = page.send("POST", "/api/session", {"token": token})
    stolen = {"Cookie": thief.headers["Set-Cookie"].partition(";")[0], "X-Approval-Key": thief.json["key"]}
    assert page.send("GET", "/api/approvals", headers=stolen).status == 200
    assert page.send("POST", "/api/session", {"token": token}).status == 401
    assert page.send("GET", "/api/approvals", headers=stolen).status == 401


def test_a_token_is_good_for_ten_minutes(page: RunningPage) -> None:
    token = page.token()
    page.clock.now += 600
    assert page.send("POST", "/api/session", {"token": token}).status == 401


def test_a_token_has_256_bits(page: RunningPage) -> None:
    assert len(page.token()) == 43
    assert page.token() != page.token()


def test_a_second_link_in_the_same_browser_keeps_the_first_tab_working(page: RunningPage) -> None:
    browser = page.browser()
    reply = page.send("POST", "/api/session", {"token": page.token()}, {"Cookie": browser.cookie})
    assert (reply.status, reply.json["key"]) == (200, browser.key)
    assert browser.get("/api/approvals").status == 200


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(page: RunningPage) -> None:
    reply = page.send("POST", "/api/session", {"token": page.token()})
    [(name, cookie)] = SimpleCookie(reply.headers["Set-Cookie"]).items()
    assert name == f"maton_mailgun_{page.page.port}"
    kept = {key: cookie[key] for key in ("httponly", "samesite", "path", "max-age", "domain")}
    assert kept == {"httponly": True, "samesite": "strict", "path": "/", "max-age": "43200", "domain": ""}


@pytest.mark.parametrize("seconds", [3601, 12 * 3600 + 1])
def test_sessions_end_when_idle_and_in_any_case(page: RunningPage, seconds: float) -> None:
    browser = page.browser()
    used = 0.0
    while used + 3000 < seconds and seconds > 4000:
        page.clock.now += 3000
        used += 3000
        assert browser.get("/api/session").status == 200
    page.clock.now += seconds - used
    assert browser.get("/api/session").status == 401


def test_signing_out_ends_the_session(page: RunningPage) -> None:
    browser = page.browser()
    assert browser.send("DELETE", "/api/session").json == {"signed_out": True}
    assert browser.get("/api/session").status == 401


def test_a_session_of_one_principal_knows_nothing_of_another(page: RunningPage) -> None:
    mine, theirs = a_send(principal="ada"), a_send(principal="bob")
    page.gate.add(mine)
    page.gate.add(theirs)
    browser = page.browser(principal="ada")
    assert [one["id"] for one in browser.get("/api/approvals").json["pending"]] == [mine.id]
    unknown = browser.get("/api/approvals/apr_" + "0" * 32)
    foreign = browser.get(f"/api/approvals/{theirs.id}")
    assert (foreign.status, foreign.content) == (unknown.status, unknown.content)
    assert foreign.json == {"error": "not_found", "message": "There is nothing here."}


# Guessing ---------------------------------------------------------------------------------------------------------


def test_25_guessed_tokens_lock_the_guesser_out(page: RunningPage) -> None:
    guesses = [page.send("POST", "/api/session", {"token": f"guess-{n}"}).status for n in range(7)]
    assert guesses == [401] * 5 + [429] * 2
    page.clock.now += 31
    assert page.send("POST", "/api/session", {"token": "guess"}).status == 401


def test_a_right_link_is_good_whatever_others_of_the_address_tried(page: RunningPage) -> None:
    """Nobody guesses 256 bits."""
    for number in range(7):
        page.send("POST", "/api/session", {"token": f"guess-{number}"})
    assert page.send("POST", "/api/session", {"token": page.token()}).status == 200


def test_guessed_links_do_not_lock_the_passphrase() -> None:
    with RunningPage(passphrase=True) as page:
        for number in range(7):
            page.send("POST", "/api/session", {"token": f"guess-{number}"})
        assert page.send("POST", "/api/session", {"passphrase": PASSPHRASE}).status == 200


def test_a_browser_that_was_let_in_is_not_locked_by_strangers_of_its_address() -> None:
    """As behind a proxy, where all have one address."""
    with RunningPage(passphrase=True) as page:
        let_in = page.send("POST", "/api/session", {"passphrase": PASSPHRASE})
        known = next(one.partition(";")[0] for one in let_in.headers.get_all("Set-Cookie") or () if "_known=" in one)
        strangers = [page.send("POST", "/api/session", {"passphrase": "no"}).status for _ in range(6)]
        assert strangers == [401] * 5 + [429]
        assert page.send("POST", "/api/session", {"passphrase": PASSPHRASE}).status == 429
        assert page.send("POST", "/api/session", {"passphrase": PASSPHRASE}, {"Cookie": known}).status == 200
        # It may not guess on either, and one that was made up is a stranger's.
        own = [page.send("POST", "/api/session", {"passphrase": "no"}, {"Cookie": known}).status for _ in range(6)]
        assert own == [401] * 5 + [429]
        made_up = f"{known.partition('=')[0]}={'x' * 43}"
        assert page.send("POST", "/api/session", {"passphrase": PASSPHRASE}, {"Cookie": made_up}).status == 429


def test_a_lock_says_until_when() -> None:
    with RunningPage(passphrase=True) as page:
        for _ in range(5):
            page.send("POST", "/api/session", {"passphrase": "no"})
        locked = page.send("POST", "/api/session", {"passphrase": PASSPHRASE})
    until = datetime.fromtimestamp(locked.json["until"], UTC)
    assert locked.json == {
        "error": "locked",
        "message": f"Locked after too many failures, until {until:%H:%M:%S} UTC: try again in 31 seconds. "
        "A one-time link and the terminal are not locked by this.",
        "until": until.timestamp(),
    }
    assert 0 < until.timestamp() - time.time() <= 31


def test_26_guessed_ids_are_answered_alike_and_then_locked_out(page: RunningPage) -> None:
    record = a_record()
    page.gate.add(record)
    browser, colleague = page.browser(), page.browser()
    guesses = [browser.get(f"/api/approvals/apr_{n:032x}") for n in range(16)]
    assert [reply.status for reply in guesses] == [404] * 15 + [429]
    assert {reply.content for reply in guesses[:15]} == {b'{"error":"not_found","message":"There is nothing here."}'}
    assert browser.get(f"/api/approvals/{record.id}").status == 429
    assert colleague.get(f"/api/approvals/{record.id}").status == 200


def test_the_passphrase_is_not_offered_unless_configured(page: RunningPage) -> None:
    assert page.send("POST", "/api/session", {"passphrase": PASSPHRASE}).status == 400
    assert page.send("GET", "/api/session").json["passphrase"] is False


def test_the_passphrase_signs_in_where_it_is_configured() -> None:
    with RunningPage(passphrase=True) as page:
        assert page.send("GET", "/api/session").json["passphrase"] is True
        reply = page.send("POST", "/api/session", {"passphrase": PASSPHRASE})
        assert (reply.status, reply.json["decider"]) == (200, "approver, by passphrase")


def test_25_wrong_passphrases_lock_longer_each_time() -> None:
    with RunningPage(passphrase=True) as page:
        waits = []
        for _ in range(7):
            assert [page.send("POST", "/api/session", {"passphrase": "no"}).status for _ in range(5)] == [401] * 5
            locked = page.send("POST", "/api/session", {"passphrase": PASSPHRASE})
            assert locked.status == 429
            waits.append(int(locked.headers["Retry-After"]) - 1)
            page.clock.now += waits[-1] + 1
        assert waits == [30, 60, 120, 240, 480, 900, 900]
        assert page.send("POST", "/api/session", {"passphrase": PASSPHRASE}).status == 200


def test_25_guesses_sent_at_once_meet_the_lockout_too() -> None:
    with RunningPage(passphrase=True) as page, ThreadPoolExecutor(20) as pool:
        guess = lambda _: page.send("POST", "/api/session", {"passphrase": "no"}).status  # noqa: E731
        statuses = sorted(pool.map(guess, range(20)))
    assert statuses == [401] * 5 + [429] * 15


# Other sites ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": None},
        {"Origin": "null"},
        {"Origin": "https://attacker.test"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=lambda headers: "{}={}".format(*next(iter(headers.items()))),
)
def test_23_writes_from_elsewhere_answer_403(
    page: RunningPage, method: str, path: str, headers: dict[str, str | None]
) -> None:
    record = a_record()
    page.gate.add(record)
    browser = page.browser()
    seen = browser.see(record.id)
    body = {**seen, "decision": "approve"} if path.endswith("decision") else {"token": page.token()}
    reply = browser.send(method, path.format(id=record.id), body, headers)
    assert refusal(reply) == (403, "wrong_origin")
    assert page.gate.decisions == []


def test_23_reads_by_other_sites_answer_403(page: RunningPage) -> None:
    browser = page.browser()
    assert browser.send("GET", "/api/approvals", headers={"Sec-Fetch-Site": "cross-site"}).status == 403


@pytest.mark.parametrize("path", ["/api/approvals/{id}/decision?decision=approve", "/api/approvals/{id}/shown"])
def test_23_get_never_decides(page: RunningPage, path: str) -> None:
    record = a_record()
    page.gate.add(record)
    reply = page.browser().get(path.format(id=record.id))
    assert refusal(reply) == (404, "not_found")
    assert page.record(record.id) == record


@pytest.mark.slow
@pytest.mark.parametrize(
    "host", ["attacker.test", "127.0.0.1", "127.0.0.1:1", "localhost.attacker.test:{port}", "0.0.0.0:{port}", "", None]
)
@pytest.mark.parametrize("path", ["/", "{static}/main.js", "/api/approvals"])
def test_24_another_host_name_answers_421(page: RunningPage, host: str | None, path: str) -> None:
    named = host.format(port=page.page.port) if host is not None else None
    reply = page.send("GET", path.format(static=page.static()), headers={"Host": named})
    assert reply.status == (400 if host is None else 421)


@pytest.mark.slow
@pytest.mark.parametrize(
    "named",
    [
        [],
        ["{own}", "{own}"],
        ["{own}", "attacker.test"],
        ["{own}@attacker.test"],
        ["attacker.test@{own}"],
        ["{own}/"],
        ["{own}, attacker.test"],
        ["{own} attacker.test"],
        ["http://{own}"],
        ["[127.0.0.1"],
        ["{own}x"],
    ],
    ids=str,
)
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_24_a_request_that_does_not_say_its_host_once_and_rightly_answers_400(
    page: RunningPage, named: list[str], version: str
) -> None:
    """RFC 9112, section 3.2; whichever HTTP parser is installed."""
    hosts = "".join(f"Host: {host.format(own=page.host)}\r\n" for host in named)
    with socket.create_connection(("127.0.0.1", page.page.port), timeout=20) as connection:
        connection.sendall(f"GET / HTTP/{version}\r\n{hosts}Connection: close\r\n\r\n".encode())
        assert connection.makefile("rb").readline().split()[1] == b"400"


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}", "[::1]:{port}"])
def test_24_our_own_names_are_answered(page: RunningPage, host: str) -> None:
    assert page.send("GET", "/", headers={"Host": host.format(port=page.page.port)}).status == 200


EVERY_HEADER = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 200), ("{static}/page.css", 200), ("{static}/none.js", 404), ("/api/approvals", 401), ("/api/x", 401)],
)
def test_24_every_answer_carries_the_protecting_headers(page: RunningPage, path: str, status: int) -> None:
    reply = page.send("GET", path.format(static=page.static()))
    assert reply.status == status
    assert {name: reply.headers[name] for name in EVERY_HEADER} == EVERY_HEADER
    assert reply.headers["Permissions-Policy"]
    assert reply.headers["Server"] is None
    assert reply.headers["Access-Control-Allow-Origin"] is None


def test_24_refused_hosts_and_origins_carry_them_too(page: RunningPage) -> None:
    for reply in (
        page.send("GET", "/", headers={"Host": "attacker.test"}),
        page.send("POST", "/api/session", {}, {"Origin": None}),
    ):
        assert {name: reply.headers[name] for name in EVERY_HEADER} == EVERY_HEADER


def test_a_failure_inside_says_nothing_about_it(page: RunningPage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(**_: Any) -> Any:
        raise RuntimeError("secret-canary")

    monkeypatch.setattr(page.gate, "list", broken)
    reply = page.browser().get("/api/approvals")
    assert (reply.status, reply.json) == (
        500,
        {"error": "failed", "message": "The page failed to answer. Reload to see how things are now."},
    )
    assert {name: reply.headers[name] for name in EVERY_HEADER} == EVERY_HEADER


def test_only_the_message_may_be_framed_and_only_by_us(page: RunningPage) -> None:
    record = a_send()
    page.gate.add(record)
    browser = page.browser()
    ticket = browser.get(f"/api/approvals/{record.id}").json["ticket"]
    path = f"/api/approvals/{record.id}/message/{ticket}"
    reply = page.send("GET", path, headers={"Cookie": browser.cookie})
    named = ("Content-Security-Policy", "X-Frame-Options", "Referrer-Policy", "Content-Type")
    assert reply.status == 200
    assert {name: reply.headers[name] for name in named} == {
        "Content-Security-Policy": FRAME_POLICY,
        "X-Frame-Options": "SAMEORIGIN",
        "Referrer-Policy": "no-referrer",
        "Content-Type": "text/html; charset=utf-8",
    }
    assert page.send("GET", path).status == 401
    assert (
        page.send("GET", f"/api/approvals/{record.id}/message/guess", headers={"Cookie": browser.cookie}).status == 401
    )


def test_a_ticket_opens_no_other_message(page: RunningPage) -> None:
    one, other = a_send(), a_send()
    page.gate.add(one)
    page.gate.add(other)
    browser = page.browser()
    ticket = browser.get(f"/api/approvals/{one.id}").json["ticket"]
    path = f"/api/approvals/{other.id}/message/{ticket}"
    assert page.send("GET", path, headers={"Cookie": browser.cookie}).status == 401


# Bodies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b'{"token":"x"}', {"Content-Type": "text/plain"}, 415),
        (b"token=x", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (b'{"token":"x"}', {"Content-Type": None}, 415),
        (b"{", {}, 400),
        (b"[]", {}, 400),
        (b"\xff\xfe", {}, 400),
        (b"[" * 15_000, {}, 400),
        (b'{"token":1}', {}, 400),
        (b'{"token":"x","passphrase":"y"}', {}, 400),
        (b'{"token":"' + b"x" * 20_000 + b'"}', {}, 413),
    ],
    ids=["plain", "form", "untyped", "cut", "list", "binary", "deep", "number", "both", "large"],
)
def test_unusable_bodies_are_refused(
    page: RunningPage, body: bytes, headers: dict[str, str | None], status: int
) -> None:
    assert page.send("POST", "/api/session", body, headers).status == status


@pytest.mark.parametrize(
    "path",
    ["{static}/../app.py", "{static}/%2e%2e/app.py", "{static}/", "/static/main.js", "/index.html", "/../door.py"],
)
def test_nothing_but_the_pages_own_files_is_served(page: RunningPage, path: str) -> None:
    assert page.send("GET", path.format(static=page.static())).status == 404


def test_27_no_credential_reaches_a_log(page: RunningPage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    record = a_record()
    page.gate.add(record)
    link = page.page.link(record.id)
    token = link.partition("?t=")[2]
    browser = page.browser()
    page.send("POST", "/api/session", {"token": token})
    page.send("POST", "/api/session", {"token": token})
    page.send("POST", "/api/session", {"passphrase": "a passphrase"})
    assert browser.decide(record.id, {**browser.see(record.id), "decision": "approve"}).status == 200
    cookie = browser.cookie.partition("=")[2]
    assert all(secret not in caplog.text for secret in (token, browser.key, cookie, "a passphrase"))

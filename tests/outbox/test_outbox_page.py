"""The outbox page: what it says, and what a hostile mail cannot do on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from maton_mailgun.sandbox import RunningSandbox, Sandbox, serve

DOMAIN = "mg.example.com"
IMAGE = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def running() -> Iterator[RunningSandbox]:
    with serve(Sandbox()) as served:
        yield served


@pytest.fixture
def web(running: RunningSandbox) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=running.url, trust_env=False, auth=("api", "key-sandbox")) as client:
        yield client


def send(web: httpx2.Client, files: Any = (), **changes: str) -> str:
    """Sends a message and gives its storage key."""
    fields = {"from": "me@mg.example.com", "to": "you@example.net", "subject": "Hi", "text": "Hello", **changes}
    parts = [*((name, (None, value.encode())) for name, value in fields.items()), *files]
    assert web.post(f"/v3/{DOMAIN}/messages", files=parts).status_code == 200
    key: str = listed(web)["messages"][0]["key"]
    return key


def listed(web: httpx2.Client, query: str = "") -> dict[str, Any]:
    answer = web.get(f"/_sandbox/outbox/messages?{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("path", ["/_sandbox/", "/_sandbox/outbox"])
def test_the_page_may_load_from_its_own_origin_only(path: str, web: httpx2.Client) -> None:
    answer = web.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "'unsafe-inline'" not in policy
    assert "frame-ancestors 'none'" in policy


def test_every_file_the_page_names_is_served(web: httpx2.Client) -> None:
    page = web.get("/_sandbox/").text
    names = [piece.partition('"')[0] for piece in page.split("/_sandbox/outbox/static/")[1:]]
    assert set(names) == {"icon.svg", "outbox.css", "outbox.js"}
    for name in (*names, "detail.js", "dom.js"):
        answer = web.get(f"/_sandbox/outbox/static/{name}")
        assert answer.status_code == 200, name
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert web.get("/_sandbox/outbox/static/outbox_page.py").status_code == 404


def test_no_script_writes_markup(web: httpx2.Client) -> None:
    scripts = [web.get(f"/_sandbox/outbox/static/{name}.js").text for name in ("outbox", "detail", "dom")]
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert not any(word in script for script in scripts), word


def test_an_html_body_may_run_and_load_nothing(web: httpx2.Client) -> None:
    key = send(web, html="<p>Hi</p><script>alert(1)</script>")
    answer = web.get(f"/_sandbox/outbox/messages/{key}/html")
    assert answer.text == "<p>Hi</p><script>alert(1)</script>"
    assert answer.headers["content-security-policy"] == (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    )


def test_inline_images_are_put_in_place(web: httpx2.Client) -> None:
    files = [("inline", ("dot.png", IMAGE, "image/png")), ("inline", ("page.html", b"<b>", "text/html"))]
    key = send(web, files, html='<img src="cid:dot.png"><img src="cid:page.html"><img src="cid:other.png">')
    body = web.get(f"/_sandbox/outbox/messages/{key}/html").text
    assert body == ('<img src="data:image/png;base64,iVBORw0KGgo="><img src="cid:page.html"><img src="cid:other.png">')


def test_files_are_for_download_whatever_they_are(web: httpx2.Client) -> None:
    key = send(web, [("attachment", ('a"b.html', b"<script>alert(1)</script>", "text/html"))])
    answer = web.get(f"/_sandbox/outbox/messages/{key}/files/0")
    assert answer.content == b"<script>alert(1)</script>"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    assert web.get(f"/_sandbox/outbox/messages/{key}/files/1").status_code == 404


def test_the_list_tells_newest_first_what_became_of_each(web: httpx2.Client) -> None:
    send(web, subject="first", to="gone@example.net, you@example.net")
    send(web, subject="second", html="<p>Only <b>markup</b></p>", text="")
    rows = listed(web)["messages"]
    assert [(row["subject"], row["states"], row["snippet"]) for row in rows] == [
        ("second", {"delivered": 1}, "Only markup"),
        ("first", {"delivered": 1, "failed": 1}, "Hello"),
    ]


def test_search_finds_all_words_in_any_order(web: httpx2.Client) -> None:
    send(web, subject="Invoice for October")
    send(web, subject="Invoice for November", to="ann@example.net")
    assert [row["subject"] for row in listed(web, "q=ANN+invoice")["messages"]] == ["Invoice for November"]
    assert listed(web, "q=ann+october")["messages"] == []


def test_nothing_is_sent_again_while_nothing_changes(web: httpx2.Client) -> None:
    key = send(web)
    mark = listed(web)["mark"]
    assert web.get(f"/_sandbox/outbox/messages?mark={mark}").status_code == 204
    opened = {"event": "opened", "domain": DOMAIN, "recipient": "you@example.net"}
    assert web.post("/_sandbox/events", json=opened).status_code == 200
    assert web.get(f"/_sandbox/outbox/messages?mark={mark}").status_code == 200
    events = web.get(f"/_sandbox/outbox/messages/{key}").json()["events"]
    assert [event["event"] for event in events] == ["accepted", "delivered", "opened"]


def test_each_recipient_has_their_own_view(web: httpx2.Client) -> None:
    values = json.dumps({"a@example.net": {"n": "Ann"}, "b@example.net": {"n": "Ben"}})
    more = {"to": "a@example.net, b@example.net", "html": "<p>%recipient.n%</p>", "recipient-variables": values}
    key = send(web, **more)
    views = [web.get(f"/_sandbox/outbox/messages/{key}/html?copy={number}") for number in ("0", "1", "2", "x")]
    assert [(view.status_code, view.text) for view in views[:2]] == [(200, "<p>Ann</p>"), (200, "<p>Ben</p>")]
    assert [view.status_code for view in views[2:]] == [404, 404]


def test_clear_forgets_mail_and_keeps_the_account(web: httpx2.Client, running: RunningSandbox) -> None:
    key = send(web)
    assert web.post("/_sandbox/outbox/clear").status_code == 200
    assert listed(web)["messages"] == []
    assert web.get(f"/_sandbox/outbox/messages/{key}").status_code == 404
    assert web.get(f"/v3/{DOMAIN}/events").json()["items"] == []
    assert len(running.sandbox.account.domains[DOMAIN].bounces) == 2


def test_another_site_cannot_clear_it(web: httpx2.Client) -> None:
    send(web)
    assert web.post("/_sandbox/outbox/clear", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert len(listed(web)["messages"]) == 1

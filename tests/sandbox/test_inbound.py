"""Mail arrives: routes run as published, what they store can be read, what they forward is posted and signed."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any
from urllib.parse import parse_qsl

import httpx2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from starlette.datastructures import FormData
from starlette.requests import Request

from maton_mailgun.sandbox import RunningSandbox, Sandbox, serve
from maton_mailgun.sandbox.control.inbound import form_body
from maton_mailgun.sandbox.web.calls import Upload

from .receiver import Posted, Receiver, receiver
from .wire import DOMAIN, Clock, Part, Wire

KEY = "sandbox-signing-key"
PLAIN = (
    b"From: Dave <dave@example.net>\r\nTo: desk@mg.example.com\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    b"Message-Id: <1@example.net>\r\nX-Topic: invoice 42\r\n\r\nHello\r\n\r\n-- \r\nDave\r\n"
)


@pytest.fixture(scope="module")
def calling(clock: Clock) -> Iterator[RunningSandbox]:
    with serve(Sandbox(clock=clock, calls=True)) as running:
        yield running


@pytest.fixture
def api(calling: RunningSandbox, clock: Clock) -> Wire:
    clock.now = Clock.START
    calling.sandbox.reset()
    calling.sandbox.account.routes.clear()
    return Wire(calling.host, calling.port, clock)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def desk() -> Iterator[Receiver]:
    with receiver() as listening:
        yield listening


def route(api: Wire, expression: str, *actions: str, priority: int = 0) -> str:
    form = [("priority", str(priority)), ("expression", expression), *(("action", action) for action in actions)]
    answer = api.call("POST", "/v3/routes", form)
    assert answer.status == 200, answer.text
    found: str = answer.json["route"]["id"]
    return found


def arrive(api: Wire, raw: bytes = PLAIN, query: str = "") -> list[dict[str, Any]]:
    answer = api.raw("POST", f"/_sandbox/inbound{query}", raw, {"Content-Type": "message/rfc822"})
    assert answer.status == 200, answer.text
    found: list[dict[str, Any]] = answer.json["messages"]
    return found


async def form(posted: Posted) -> FormData:
    """The fields of a post, read by somebody else's parser."""

    async def body() -> dict[str, Any]:
        return {"type": "http.request", "body": posted.body}

    headers = [(name.encode(), value.encode()) for name, value in posted.headers.items()]
    return await Request({"type": "http", "method": "POST", "headers": headers}, body).form()


def fields(posted: Posted) -> dict[str, str]:
    assert posted.headers["content-type"] == "application/x-www-form-urlencoded"
    return dict(parse_qsl(posted.body.decode(), keep_blank_values=True, strict_parsing=True))


def is_signed(timestamp: str, token: str, signature: str) -> bool:
    """As Mailgun's documents and clients check it."""
    wanted = hmac.new(KEY.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted, signature) and len(token) == 50


# Which routes run.


def test_routes_run_in_order_of_priority_until_one_says_stop(api: Wire, desk: Receiver) -> None:
    last = route(api, "catch_all()", f'forward("{desk.url}/last")', priority=9)
    second = route(api, 'match_header("x-topic", "invoice")', f'forward("{desk.url}/second")', "stop()", priority=5)
    first = route(api, 'match_recipient("desk@.*")', f'forward("{desk.url}/first")', priority=-1)
    route(api, 'match_recipient("sales@.*")', f'forward("{desk.url}/never")', priority=-9)
    (message,) = arrive(api)
    assert message["routes"] == [first, second]
    assert [posted.path for posted in desk.posted] == ["/first", "/second"]
    api.call("PUT", f"/v3/routes/{second}", [("action", f'forward("{desk.url}/second")')])
    assert arrive(api)[0]["routes"] == [first, second, last]


@pytest.mark.parametrize(
    ("expression", "met"),
    [
        ("catch_all()", True),
        ('match_recipient("desk@mg.example.com")', True),
        ('match_recipient("DESK@.*")', True),
        ('match_recipient("esk@")', False),
        ('match_header("subject", "Grüße")', True),
        ('match_header("Subject", "üße")', False),
        ('match_header("x-topic", ".*4\\\\d")', True),
        ('match_header("x-other", ".*")', False),
        ('not match_header("x-other", ".*") and match_recipient("desk")', True),
        ('match_header("x-topic", "receipt") or match_header("from", ".*example.net")', True),
        ('not (match_recipient("desk") and match_header("x-topic", "invoice"))', False),
    ],
)
def test_filters_look_at_the_recipient_and_at_headers(api: Wire, expression: str, met: bool) -> None:
    answer = api.call("POST", "/v3/routes", [("expression", expression.replace("\\\\", "\\")), ("action", "store()")])
    assert answer.status == 200, answer.text
    (message,) = arrive(api)
    assert (len(message["routes"]), message["stored"]) == (int(met), met)


def test_captures_stand_in_the_target(api: Wire, desk: Receiver) -> None:
    route(api, r'match_recipient("(?P<who>.*)@(.*)")', rf'forward("{desk.url}/\g<who>/\2/\9")')
    arrive(api)
    assert [posted.path for posted in desk.posted] == [r"/desk/mg.example.com/\9"]


def test_every_recipient_is_taken_through_the_routes_alone(api: Wire) -> None:
    route(api, 'match_recipient("b@.*")', "store()")
    messages = arrive(api, PLAIN, "?recipient=a@mg.example.com&recipient=B@mg.example.com&recipient=b@mg.example.com")
    assert [(one["recipient"], one["stored"]) for one in messages] == [
        ("a@mg.example.com", False),
        ("b@mg.example.com", True),
    ]


def test_mail_that_no_route_takes_leaves_no_trace(api: Wire) -> None:
    (message,) = arrive(api)
    assert (message["routes"], message["stored"], message["storage_key"], message["posts"]) == ([], False, None, [])
    assert (api.events(), api.outbox()) == ([], [])


# What is stored.


def test_what_is_stored_is_read_through_the_api(api: Wire, calling: RunningSandbox) -> None:
    built = EmailMessage(policy=SMTP)
    built["From"], built["To"], built["Subject"] = "Dave <dave@example.net>", "desk@mg.example.com", "Re: Offer"
    built["Message-Id"], built["In-Reply-To"] = "<2@example.net>", "<1@mg.example.com>"
    built.set_content("Yes, please.\n\nOn Monday, Me wrote:\n> Do you want it?\n")
    built.add_alternative('<p>Yes</p><img src="cid:pic">', subtype="html")
    built.get_payload()[1].add_related(b"\x89PNG", "image", "png", cid="<pic>", filename="pic.png")  # type: ignore[union-attr, index]
    built.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="order.pdf")
    route(api, "catch_all()", "store()")
    (message,) = arrive(api, built.as_bytes())
    assert message["storage_url"].startswith(f"{calling.url}/v3/domains/{DOMAIN}/messages/")
    stored = httpx2.get(message["storage_url"], auth=("api", "key-sandbox"), trust_env=False).json()
    assert stored == api.mailgun("GET", f"/v3/domains/{DOMAIN}/messages/{message['storage_key']}").json
    files = [(file["name"], file["content-type"], file["size"]) for file in stored["attachments"]]
    assert files == [("pic.png", "image/png", 4), ("order.pdf", "application/pdf", 4)]
    assert stored["content-id-map"] == {"<pic>": stored["attachments"][0]}
    assert (stored["sender"], stored["recipients"], stored["subject"]) == (
        "dave@example.net",
        "desk@mg.example.com",
        "Re: Offer",
    )
    assert (stored["stripped-text"], stored["stripped-signature"]) == ("Yes, please.", "")
    assert stored["body-plain"].startswith("Yes, please.\r\n\r\nOn Monday")
    assert ["In-Reply-To", "<1@mg.example.com>"] in stored["message-headers"]
    file = httpx2.get(stored["attachments"][1]["url"], auth=("api", "key-sandbox"), trust_env=False)
    assert (file.content, file.headers["content-type"]) == (b"%PDF", "application/pdf")
    headers = {"Authorization": "Bearer sandbox-maton-key", "Accept": "message/rfc2822"}
    raw = api.raw("GET", f"/mailgun/v3/domains/{DOMAIN}/messages/{message['storage_key']}", headers=headers)
    assert raw.json["body-mime"].encode() == built.as_bytes()


def test_what_is_not_stored_cannot_be_read(api: Wire, desk: Receiver, calling: RunningSandbox) -> None:
    route(api, "catch_all()", f'forward("{desk.url}")')
    (message,) = arrive(api)
    (key,) = calling.sandbox.account.domains[DOMAIN].received
    assert message["storage_key"] is None
    assert api.call("GET", f"/v3/domains/{DOMAIN}/messages/{key}").status == 404
    assert all("storage" not in event for event in api.events())


def test_mail_that_arrived_is_not_in_the_outbox_and_survives_a_round_trip(api: Wire) -> None:
    route(api, "catch_all()", "store()")
    (message,) = arrive(api)
    assert api.outbox() == []
    state = api.control("GET", "state")
    path = f"/v3/domains/{DOMAIN}/messages/{message['storage_key']}"
    before = (api.events(), api.call("GET", path).json)
    api.control("POST", "reset", json.loads(json.dumps(state)))
    assert (api.events(), api.call("GET", path).json) == before
    assert api.control("GET", "state") == state


def test_the_events_of_what_arrives_come_with_time(api: Wire, desk: Receiver) -> None:
    found = route(api, "catch_all()", "store()", f'forward("{desk.url}/in")', 'forward("ann@example.org")')
    (message,) = arrive(api)
    api.control("POST", "clock", {"advance": 60})
    api.control("POST", "events", {"event": "opened", "domain": DOMAIN, "message_id": message["message_id"]})
    events = api.events("?ascending=yes")
    assert [(event["event"], event["recipient"]) for event in events] == [
        ("accepted", "desk@mg.example.com"),
        ("stored", "desk@mg.example.com"),
        ("delivered", f"{desk.url}/in"),
        ("delivered", "ann@example.org"),
        ("opened", "desk@mg.example.com"),
    ]
    assert [event["timestamp"] - Clock.START for event in events] == [0, 0, 0, 0, 60]
    accepted, stored, posted, forwarded, _ = events
    assert (accepted["method"], accepted["flags"]["is-routed"], accepted["routes"][0]["id"]) == ("SMTP", True, found)
    assert stored["storage"]["key"] == message["storage_key"]
    assert (posted["envelope"]["transport"], posted["delivery-status"]["code"]) == ("http", 200)
    assert (forwarded["envelope"]["transport"], forwarded["recipient-domain"]) == ("smtp", "example.org")
    assert {event["message"]["headers"]["message-id"] for event in events} == {"1@example.net"}
    assert api.events("?event=stored&message-id=1@example.net") == [stored]


# What is posted.


def test_a_forward_is_the_parsed_message_signed(api: Wire, desk: Receiver) -> None:
    route(api, "catch_all()", f'forward("{desk.url}/in?a=1")')
    (message,) = arrive(api, PLAIN, "?sender=bounce@example.net")
    (posted,) = desk.posted
    found = fields(posted)
    assert is_signed(found.pop("timestamp"), found.pop("token"), found.pop("signature"))
    assert (posted.method, posted.path) == ("POST", "/in?a=1")
    assert json.loads(found.pop("message-headers"))[2] == ["Subject", "Grüße"]
    assert found == {
        "recipient": "desk@mg.example.com",
        "sender": "bounce@example.net",
        "from": "Dave <dave@example.net>",
        "subject": "Grüße",
        "From": "Dave <dave@example.net>",
        "To": "desk@mg.example.com",
        "Subject": "Grüße",
        "Message-Id": "<1@example.net>",
        "X-Topic": "invoice 42",
        "body-plain": "Hello\r\n\r\n-- \r\nDave\r\n",
        "stripped-text": "Hello",
        "stripped-signature": "-- \nDave",
    }
    assert message["posts"] == [
        {"action": "forward", "target": f"{desk.url}/in?a=1", "state": "called", "status": 200, "error": None}
    ]


@pytest.mark.anyio
async def test_files_are_parts_of_their_own(api: Wire, desk: Receiver) -> None:
    parts = [
        Part("from", b"dave@example.net"),
        Part("to", b"desk@mg.example.com"),
        Part("subject", "Grüße".encode()),
        Part("text", b"Hello"),
        Part("attachment", b"\x00\r\n--x", 'a "b".bin', "application/x-odd"),
        Part("attachment", "é".encode(), "é.txt", "text/plain"),
    ]
    route(api, "catch_all()", f'forward("{desk.url}")')
    answer = api.send("POST", "/_sandbox/inbound", None, parts, None, {})
    assert answer.status == 200, answer.text
    found = await form(desk.posted[0])
    assert (found["attachment-count"], found["subject"], found["body-plain"]) == ("2", "Grüße", "Hello\r\n")
    first, second = found["attachment-1"], found["attachment-2"]
    assert not isinstance(first, str)
    assert not isinstance(second, str)
    assert (await first.read(), first.content_type) == (b"\x00\r\n--x", "application/x-odd")
    assert (await second.read(), second.filename) == ("é".encode(), "é.txt")


def test_a_target_that_ends_in_mime_gets_the_message_as_it_came(api: Wire, desk: Receiver) -> None:
    route(api, "catch_all()", f'forward("{desk.url}/raw-mime?x=1")')
    arrive(api)
    found = fields(desk.posted[0])
    assert found["body-mime"].encode() == PLAIN
    assert is_signed(found["timestamp"], found["token"], found["signature"])
    assert "body-plain" not in found


def test_a_notice_says_where_the_message_is_stored(api: Wire, desk: Receiver) -> None:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["message-url"] = "d@example.net", "desk@mg.example.com", "https://evil.example.net/"
    mail.set_content("Hello")
    mail.add_attachment(b"1", maintype="application", subtype="pdf", filename="a.pdf")
    route(api, "catch_all()", f'store(notify="{desk.url}/stored")')
    (message,) = arrive(api, mail.as_bytes())
    found = fields(desk.posted[0])
    assert (found["message-url"], found["domain"]) == (message["storage_url"], DOMAIN)
    (file,) = json.loads(found["attachments"])
    assert httpx2.get(file["url"], auth=("api", "key-sandbox"), trust_env=False).content == b"1"
    assert [event["event"] for event in api.events("?ascending=yes")] == ["accepted", "stored"]


@pytest.mark.parametrize(("status", "severity"), [(406, "permanent"), (500, "temporary"), (302, "temporary")])
def test_an_answer_that_is_no_success_is_a_failed_event(api: Wire, desk: Receiver, status: int, severity: str) -> None:
    desk.status = status
    route(api, "catch_all()", f'forward("{desk.url}")')
    (message,) = arrive(api)
    assert [(post["state"], post["status"]) for post in message["posts"]] == [("called", status)]
    failed, _ = api.events()
    assert (failed["event"], failed["severity"], failed["delivery-status"]["code"]) == ("failed", severity, status)


def test_nobody_listening_is_a_temporary_failure(api: Wire, desk: Receiver) -> None:
    with receiver() as gone:
        url = gone.url
    route(api, "catch_all()", f'forward("{url}, {desk.url}")')
    (message,) = arrive(api)
    assert [(post["state"], post["status"]) for post in message["posts"]] == [("failed", None), ("called", 200)]
    assert api.events("?event=failed")[0]["severity"] == "temporary"


# Webhooks.


def hook(api: Wire, kind: str, *urls: str) -> None:
    api.call("DELETE", f"/v3/domains/{DOMAIN}/webhooks/{kind}")
    answer = api.call("POST", f"/v3/domains/{DOMAIN}/webhooks", [("id", kind), *(("url", url) for url in urls)])
    assert answer.status == 200, answer.text


def test_webhooks_are_posted_with_the_event_and_a_signature(api: Wire, desk: Receiver, calling: RunningSandbox) -> None:
    for kind in ("accepted", "delivered", "opened", "permanent_fail", "temporary_fail"):
        hook(api, kind, f"{desk.url}/{kind}")
    api.send_mail(("o:tag", "news"))
    api.send_mail(to="gone@example.net")
    for injected in (
        {"event": "opened", "recipient": "gone@example.net"},
        {"event": "failed", "severity": "temporary", "recipient": "gone@example.net"},
    ):
        api.control("POST", "events", {"domain": DOMAIN, **injected})
    calling.sandbox.callbacks.wait()
    assert [posted.path for posted in desk.posted] == [
        "/accepted", "/delivered", "/accepted", "/permanent_fail", "/opened", "/temporary_fail",
    ]  # fmt: skip
    bodies = [json.loads(posted.body) for posted in desk.posted]
    assert {is_signed(**body["signature"]) for body in bodies} == {True}
    assert len({body["signature"]["token"] for body in bodies}) == 6
    told = [{key: value for key, value in body["event-data"].items() if key != "domain"} for body in bodies]
    listed = api.mailgun("GET", f"/v3/{DOMAIN}/events").json["items"]
    assert sorted(told, key=json.dumps) == sorted(listed, key=json.dumps)
    assert {
        (posted.headers["content-type"], body["event-data"]["domain"]["name"])
        for posted, body in zip(desk.posted, bodies, strict=True)
    } == {("application/json", DOMAIN)}


def test_scheduled_mail_is_told_when_it_leaves(api: Wire, desk: Receiver, calling: RunningSandbox) -> None:
    hook(api, "delivered", desk.url)
    api.send_mail(("o:deliverytime", "Thu, 15 Jan 2026 13:00:00 +0000"))
    assert api.control("GET", "callbacks") == {"callbacks": []}
    api.control("POST", "clock", {"advance": 3601})
    calling.sandbox.callbacks.wait()
    assert len(desk.posted) == 1
    outcome = {"kind": "webhook", "url": desk.url, "state": "called", "status": 200, "error": None}
    assert api.control("GET", "callbacks") == {"callbacks": [{**outcome, "at": Clock.START + 3601}]}


# What happens later.


def test_events_come_when_the_clock_has_come_to_them(api: Wire, desk: Receiver, calling: RunningSandbox) -> None:
    """A whole life of a message said at once, in any order; it is that of the message there was when it was said."""
    hook(api, "opened", desk.url)
    message_id = api.send_mail(to="ann@example.net").json["id"]
    for kind, after in (("clicked", 120), ("opened", 60), ("unsubscribed", 180.5)):
        said = api.control("POST", "events", {"event": kind, "domain": DOMAIN, "after": after})
        assert said == {"event": kind, "recipient": "ann@example.net", "due": Clock.START + after}
    api.send_mail(to="ben@example.net")
    state = api.control("GET", "state")
    assert [event["event"] for event in api.events("?recipient=ann@example.net")] == ["delivered", "accepted"]
    assert desk.posted == []
    api.control("POST", "clock", {"advance": 60})
    calling.sandbox.callbacks.wait()
    assert len(desk.posted) == 1
    api.control("POST", "clock", {"advance": 130})
    later = api.events("?ascending=yes&message-id=" + message_id.strip("<>"))
    assert [(event["event"], event["timestamp"] - Clock.START) for event in later] == [
        ("accepted", 0), ("delivered", 0), ("opened", 60), ("clicked", 120), ("unsubscribed", 180.5),
    ]  # fmt: skip
    assert api.call("GET", f"/v3/{DOMAIN}/unsubscribes/ann@example.net").status == 200
    api.control("POST", "reset", state)
    api.control("POST", "clock", {"advance": 60})
    assert [event["event"] for event in api.events("?recipient=ann@example.net")] == ["opened", "delivered", "accepted"]


def test_time_that_passes_brings_events_too(api: Wire, clock: Clock) -> None:
    api.send_mail()
    api.control("POST", "events", {"event": "opened", "domain": DOMAIN, "after": 60})
    clock.now += 61
    assert api.events("?event=opened")[0]["timestamp"] == Clock.START + 60


def test_what_was_to_happen_to_a_domain_that_is_gone_does_not(api: Wire) -> None:
    api.send_mail()
    api.control("POST", "events", {"event": "opened", "domain": DOMAIN, "after": 60})
    api.call("DELETE", f"/v3/domains/{DOMAIN}")
    api.control("POST", "clock", {"advance": 61})
    assert api.call("GET", "/v3/domains").status == 200


@pytest.mark.parametrize("after", [-1, "soon", float("inf"), None, True])
def test_a_time_that_never_comes_is_refused(api: Wire, after: object) -> None:
    body = {"event": "opened", "domain": DOMAIN, "after": after}
    answer = api.send("POST", "/_sandbox/events", None, None, body, {})
    assert (answer.status, answer.json) == (400, {"problem": "'after' is a number of seconds, 0 or more"})


# How it is given.


@pytest.mark.parametrize("way", ["json", "form", "multipart", "mime field", "mime file"])
def test_a_message_may_be_given_as_fields(api: Wire, way: str) -> None:
    route(api, "catch_all()", "store()")
    given = {"from": "dave@example.net", "to": "desk@mg.example.com", "subject": "Hi", "text": "Hello"}
    mime = b"From: dave@example.net\r\nTo: desk@mg.example.com\r\nSubject: Hi\r\nX-A: 1\r\n\r\nHello\n"
    answer = {
        "json": lambda: api.send("POST", "/_sandbox/inbound", None, None, {**given, "headers": {"X-A": "1"}}, {}),
        "form": lambda: api.send("POST", "/_sandbox/inbound", [*given.items(), ("h:X-A", "1")], None, None, {}),
        "multipart": lambda: api.send(
            "POST", "/_sandbox/inbound", None,
            [Part("h:X-A", b"1"), *(Part(name, value.encode()) for name, value in given.items())], None, {},
        ),
        "mime field": lambda: api.send("POST", "/_sandbox/inbound", [("mime", mime.decode())], None, None, {}),
        "mime file": lambda: api.send("POST", "/_sandbox/inbound", None, [Part("mime", mime, "a.eml")], None, {}),
    }[way]()  # fmt: skip
    assert answer.status == 200, answer.text
    (message,) = answer.json["messages"]
    stored = api.call("GET", f"/v3/domains/{DOMAIN}/messages/{message['storage_key']}").json
    assert (stored["subject"], stored["sender"], stored["body-plain"].strip()) == ("Hi", "dave@example.net", "Hello")
    assert ["X-A", "1"] in stored["message-headers"]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"from": "a@example.net", "to": "x@unknown.test", "text": ""}, "550 no domain"),
        ({"from": "a@example.net", "text": ""}, "no recipient"),
        ({"from": "a@example.net", "to": "x@mg.example.com", "txt": ""}, "unknown fields: txt"),
        ({"from": "a@example.net", "to": "x@mg.example.com", "headers": {"X": "a\r\nb"}}, "no header can be made"),
        ({"to": "x@mg.example.com", "mime": "no message"}, "a From header"),
        ([], "send a JSON object"),
    ],
)
def test_what_cannot_arrive_is_explained(api: Wire, body: object, problem: str) -> None:
    route(api, "catch_all()", "store()")
    answer = api.send("POST", "/_sandbox/inbound", None, None, body, {})
    assert (answer.status, problem in answer.json["problem"]) == (400, True), answer.text
    assert api.raw("POST", "/_sandbox/inbound", b"").status == 400
    assert api.events() == []


PIECES = st.sampled_from(
    [
        b"Subject: ", b"=?utf-8?q?=C3", b"=?x?b?AA?=", b"\r\n", b"\r\n\r\n", b"\n", b"Content-Type: ", b"text/plain",
        b"multipart/mixed; boundary=b", b"; charset=", b"nope", b"\x00", b"\xff", "é".encode(), b"--b\r\n", b"--b--",
        b"message/rfc822", b"message/delivery-status", b"text/html", b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Id: <a", b"Content-Disposition: attachment; filename*0*=utf-8''%ff", b'"', b"<", b">", b"(", b"@",
        b",", b"[", b":", b";", b"Message-Id: []\r\n", b"Cc: ", b"To: <", b"Message-Id: <", b" ",
        b"\xed\xa0\x80",
    ]
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(pieces=st.lists(PIECES, max_size=25))
@example(pieces=[b"To: <"])
@example(pieces=[b"Cc: ", b"@"])
@example(pieces=[b"Subject: ", b"\xff"])
@example(pieces=[b"Content-Disposition: attachment; filename*0*=utf-8''%ff", b"\r\n\r\n"])
def test_whatever_is_wrong_with_a_message_it_arrives_and_can_be_read(
    api: Wire, calling: RunningSandbox, pieces: list[bytes]
) -> None:
    """Python's parsers of headers fall over some of these."""
    calling.sandbox.reset()
    calling.sandbox.account.routes.clear()
    route(api, "catch_all()", "store()", 'forward("http://elsewhere.example/")')
    raw = b"From: dave@example.net\r\n" + b"".join(pieces)
    (message,) = arrive(api, raw, "?recipient=desk@mg.example.com")
    path = f"/v3/domains/{DOMAIN}/messages/{message['storage_key']}"
    accept = {"Authorization": "Bearer sandbox-maton-key", "Accept": "message/rfc2822"}
    stored = api.call("GET", path)
    assert (stored.status, api.raw("GET", f"/mailgun{path}", headers=accept).status) == (200, 200)
    assert [event["event"] for event in api.events("?ascending=yes")] == ["accepted", "stored", "failed"]
    assert api.control("GET", "state")["account"]["domains"][DOMAIN]["received"]
    sent = [Part("to", b"you@example.net"), Part("message", raw, "mail.eml", "message/rfc822")]
    assert api.call("POST", f"/v3/{DOMAIN}/messages.mime", parts=sent).status == 200
    assert len(api.outbox()) == 1


NAMES = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=12)


@given(name=NAMES.filter(str.strip), value=st.text(st.characters(blacklist_categories=["Cs"])), data=st.binary())
def test_no_name_or_file_ends_its_part(name: str, value: str, data: bytes) -> None:
    """A browser's way of writing names, read back by another parser: nothing in them becomes another part."""
    body, kind = form_body([("plain", value)], [Upload("attachment-1", name, "text/plain", data)])
    found = asyncio.run(form(Posted("POST", "/", {"content-type": kind}, body)))
    assert sorted(found.keys()) == ["attachment-1", "plain"]
    file = found["attachment-1"]
    assert not isinstance(file, str)
    assert (found["plain"], asyncio.run(file.read())) == (value, data)

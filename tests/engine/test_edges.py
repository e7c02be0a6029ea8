"""Answers and arguments at the edges: what the service did not mean to say, and what nobody can mean."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import pytest
from mcp import Client

from catalogue.files import ROWS
from maton_mailgun.protocol.server import build
from maton_mailgun.wire.gateway import Gateway
from maton_mailgun.wire.redaction import HIDDEN, redacted

from .doubles import DOMAIN, KEY, MAIN, Says, Scripted, called, catalogue, connection, engine_over, error, problems

pytestmark = pytest.mark.anyio

LIST = "l@mg.example.com"
GOOD = Says(200, {"items": []})


class Answers(httpx2.AsyncBaseTransport):
    """Answers the look-up of connections with bytes, after the others had time to ask too."""

    def __init__(self, content: bytes, status: int = 200) -> None:
        self.content, self.status, self.looked_up = content, status, 0
        self.asked = asyncio.Event()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path != "/connections":
            return GOOD.response()
        self.looked_up += 1
        self.asked.set()
        await asyncio.sleep(0)
        return httpx2.Response(self.status, content=self.content, headers={"content-type": "application/json"})


class Hangs(httpx2.AsyncBaseTransport):
    """Takes requests and never answers."""

    def __init__(self) -> None:
        self.asked = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked += 1
        await asyncio.Event().wait()
        raise AssertionError("nothing sets it")


# Pages ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://api.mailgun.net/v3/lists/l@mg.example.com/members/pages?page=next&address=b",
        "http://api.mailgun.net/v3/lists/l@mg.example.com/members/pages?page=next&address=b",
        "http://api.mailgun.net:80/v3/lists/l%40mg.example.com/members/pages?page=next&address=b",
        "https://api.eu.mailgun.net/v3/lists/%6c%40mg.example.com/members/pages?page=next&address=b",
    ],
)
async def test_a_next_page_is_followed_however_its_address_is_written(url: str) -> None:
    transport = Scripted([Says(200, {"items": [{"address": "a"}], "paging": {"next": url}}), GOOD])
    engine = engine_over(transport)
    read = await called(engine, "list_mailing_list_members", list_address=LIST)
    assert "note" not in read.content
    target = transport.arrived[1].url.raw_path.decode()
    assert target == "/mailgun/v3/lists/" + url.partition("/lists/")[2]
    assert transport.arrived[1].url.host == "127.0.0.1"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/v3/lists/l@mg.example.com/members/pages?page=next",
        "https://api.mailgun.net/v3/lists/other@mg.example.com/members/pages?page=next",
        "https://api.mailgun.net/v3/lists/l@mg.example.com/members/pages/%2e%2e?page=next",
        "https://api.mailgun.net/v3/lists/l%2540mg.example.com/members/pages?page=next",
        "ftp://api.mailgun.net/v3/lists/l@mg.example.com/members/pages?page=next",
        "https://me:secret@api.mailgun.net/v3/lists/l@mg.example.com/members/pages?page=next",
        17,
    ],
)
async def test_a_next_page_that_is_not_followed_is_told(url: Any) -> None:
    transport = Scripted([Says(200, {"items": [{"address": "a"}], "paging": {"next": url}})])
    content = (await called(engine_over(transport), "list_mailing_list_members", list_address=LIST)).content
    assert "next_cursor" not in content
    assert content["note"].startswith("There may be more: the service named a next page that is not of this list")


# One deadline ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [{}, {"connection_id": MAIN}])
async def test_a_read_that_hangs_ends_once_for_all_its_attempts(arguments: dict[str, Any]) -> None:
    transport = Hangs()
    engine = engine_over(transport)
    engine.gateway = engine.connections._gateway = Gateway(engine.settings, transport, reading=0.05)
    outcome = await called(engine, "list_domains", **arguments)
    assert error(outcome)["kind"] == "unreachable"
    assert transport.asked == 1


async def test_no_attempt_begins_that_the_deadline_would_cut_off() -> None:
    transport = Scripted([Says(503, {"message": "busy"})])
    engine = engine_over(transport)
    engine.gateway = Gateway(engine.settings, transport, jitter=lambda: 0.5, reading=0.4)
    outcome = await called(engine, "list_domains", connection_id=MAIN)
    assert (error(outcome)["kind"], len(transport.arrived)) == ("service_failed", 1)


# The look-up of connections -------------------------------------------------------------------------------------------


async def test_calls_that_begin_at_once_share_one_look_up() -> None:
    transport = Answers(json.dumps({"connections": [connection()]}).encode())
    engine = engine_over(transport)
    outcomes = await asyncio.gather(*(called(engine, "list_domains") for _ in range(10)))
    assert [outcome.content["status"] for outcome in outcomes] == ["ok"] * 10
    assert transport.looked_up == 1


async def test_a_call_that_is_given_up_does_not_take_the_others_with_it() -> None:
    transport = Answers(json.dumps({"connections": [connection()]}).encode())
    engine = engine_over(transport)
    first = asyncio.create_task(called(engine, "list_domains"))
    others = [asyncio.create_task(called(engine, "list_domains")) for _ in range(3)]
    await transport.asked.wait()
    first.cancel()
    assert [(await other).content["status"] for other in others] == ["ok"] * 3
    assert transport.looked_up == 1


async def test_a_look_up_that_failed_is_made_again() -> None:
    transport = Answers(b"<html>sign in</html>")
    engine = engine_over(transport)
    assert error(await called(engine, "list_domains"))["kind"] == "answer_unreadable"
    transport.content = json.dumps({"connections": [connection()]}).encode()
    assert (await called(engine, "list_domains")).content["status"] == "ok"


@pytest.mark.parametrize("tool", ["list_domains", "delete_bounce"])
@pytest.mark.parametrize(
    "content",
    [
        b"<html><h1>Welcome to the hotel</h1></html>",
        b"",
        b'{"error": "x"}',
        b"[]",
        b"{}",
        b'{"connections": "none"}',
        b'{"connections": [1]}',
        b"[" * 100_000,
        b'{"connections": ' * 3_000,
    ],
)
async def test_a_list_of_connections_that_is_none_does_not_mean_that_there_are_none(content: bytes, tool: str) -> None:
    arguments = {"domain": DOMAIN, "address": "a@example.net"} if tool == "delete_bounce" else {}
    outcome = await called(engine_over(Answers(content)), tool, **arguments)
    assert error(outcome)["kind"] == "answer_unreadable"
    assert "create_connection" not in outcome.text


async def test_half_a_character_in_a_label_is_replaced() -> None:
    both = [connection("one", metadata={"label": "a\ud83c"}), connection("two")]
    outcome = await called(engine_over(Answers(json.dumps({"connections": both}).encode())), "list_domains")
    assert error(outcome)["connections"][0] == {"connection_id": "one", "label": "a\ufffd"}
    outcome.text.encode()


# Arguments nobody can mean --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", ["list_domains", "delete_bounce", "get_connection"])
@pytest.mark.parametrize("given", ["ü", "x ", "x\ty", "x" * 100_000, "\ud83c", "a\r\nX: y"])
async def test_what_is_no_id_of_a_connection_is_refused(given: str, tool: str) -> None:
    needed = {"domain": DOMAIN, "address": "a@example.net"} if tool == "delete_bounce" else {}
    transport = Scripted([Says(500)])
    outcome = await called(engine_over(transport), tool, connection_id=given, **needed)
    assert problems(outcome) == [("connection_id", "is no id of a connection")]
    assert (transport.arrived, transport.looked_up) == ([], 0)


async def test_an_empty_id_leaves_the_choice_to_this_server_and_not_to_the_gateway() -> None:
    transport = Scripted([GOOD])
    await called(engine_over(transport), "list_domains", connection_id="")
    assert transport.arrived[0].headers["maton-connection"] == MAIN


@pytest.mark.parametrize("tool", [name for name, row in ROWS.items() if "{domain}" in row["request"]])
async def test_a_name_of_70000_characters_is_refused(tool: str) -> None:
    shapes = catalogue()[tool].properties
    arguments = {name: "x" * 70_000 for name in catalogue()[tool].path_arguments if shapes[name]["type"] == "string"}
    outcome = await called(engine_over(Scripted([Says(500)])), tool, **arguments)
    assert error(outcome)["kind"] == "bad_arguments"


@pytest.mark.parametrize("levels", [70, 500, 900])
@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_what_nests_too_deep_is_refused_in_words(levels: int, era: str) -> None:
    deep: Any = 1
    for _ in range(levels):
        deep = {"a": deep}
    arguments = {"list_address": LIST, "address": "a@example.net", "vars": deep}
    transport = Scripted([Says(500)])
    outcome = await called(engine_over(transport), "add_mailing_list_member", **arguments)
    assert problems(outcome) == [("vars", "is nested deeper than 64 levels")]
    if levels < 100:
        async with Client(build(engine_over(transport)), mode=era) as client:
            result = await client.call_tool("add_mailing_list_member", arguments)
        assert result.structured_content == outcome.content


# What is told ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("secret", "text", "left"),
    [
        ("a", "a bad password: a", f"{HIDDEN} bad password: {HIDDEN}"),
        ("key", "monkey key-3ax6 key turkey", f"monkey key-3ax6 {HIDDEN} turkey"),
        ("abcd", "apr_0abcd1 token=abcd", f"apr_0abcd1 token={HIDDEN}"),
        ("p&ss", "<p>p&amp;ss p%26ss p&ss</p>", f"<p>{HIDDEN} {HIDDEN} {HIDDEN}</p>"),
        ("x" * 20, "ax" + "x" * 20 + "b", f"a{HIDDEN}xb"),
    ],
)
def test_a_short_secret_goes_where_it_stands_alone_and_a_long_one_everywhere(secret: str, text: str, left: str) -> None:
    assert redacted({"message": [text]}, [secret]) == {"message": [left]}


@pytest.mark.parametrize(
    ("toolsets", "body", "told"),
    [
        (
            ("suppressions",),
            {"message": "Domain not found"},
            "Domains of Mailgun's EU region cannot be reached",
        ),
        (("suppressions",), {"error": {"code": "x", "message": "?"}}, "Tell the user what is wrong: no tool that is"),
        (None, {"message": "Domain not found"}, "Check the name with list_domains."),
    ],
)
async def test_advice_names_only_tools_that_are_offered(toolsets: Any, body: Any, told: str) -> None:
    engine = engine_over(Scripted([Says(404, body)]), toolsets=toolsets)
    outcome = await called(engine, "list_bounces", domain=DOMAIN)
    assert error(outcome)["next"].startswith(told)
    named = set(catalogue()) & set(error(outcome)["next"].replace(".", " ").replace(",", " ").split())
    assert named <= set(engine.catalogue)


def test_the_key_of_these_tests_is_long_enough_to_go_everywhere() -> None:
    assert redacted(f"x{KEY}y", [KEY]) == f"x{HIDDEN}y"

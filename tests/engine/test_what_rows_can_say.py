"""What a row can say that no operation of today needs: each from a call to the wire, and to what a person is shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx2
import pytest

from maton_mailgun.call import Engine
from maton_mailgun.config import Settings
from maton_mailgun.errors import SetupError
from maton_mailgun.protocol.server import tools
from maton_mailgun.wire.gateway import Gateway
from maton_mailgun.wire.paging import leads_elsewhere, next_page
from maton_mailgun.wire.request import FilePart, build

from .doubles import DOMAIN, KEY, Says, Scripted, Waits, approved, called, error, problems
from .notes import FULL_CALL, NOTES, notes, shown

STORED = {"message": "Notes stored"}


@pytest.fixture
def over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    catalogue = notes()
    monkeypatch.setattr("maton_mailgun.approval.lifecycle.services.load", lambda: catalogue)

    def engine(transport: Scripted, *, toolsets: tuple[str, ...] | None = ("notes",)) -> Engine:
        settings = Settings(api_key=KEY, api_url="http://127.0.0.1:9", home=tmp_path, page=False, toolsets=toolsets)
        offered = catalogue.only(toolsets, read_only=False)
        return Engine(settings, offered, Gateway(settings, transport, sleep=Waits(), jitter=lambda: 0.5))

    return engine


async def _arrived(engine: Engine, transport: Scripted, tool: str, **arguments: Any) -> httpx2.Request:
    outcome = await approved(engine, tool, **arguments)
    await engine.aclose()
    assert outcome.content["executed"] is True, outcome.content
    (sent,) = [request for request in transport.arrived if request.method != "GET"]
    return sent


@pytest.mark.anyio
async def test_headers_query_and_a_typed_body_arrive_together_as_they_were_given(over: Any) -> None:
    transport = Scripted([Says(body=STORED)])
    sent = await _arrived(over(transport), transport, "store_notes", **FULL_CALL)
    assert parse_qsl(sent.url.query.decode()) == [("dry-run", "no"), ("tags", "a"), ("tags", "b")]
    assert sent.headers["x-mailgun-on-behalf-of"] == "sub-1"
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.headers["content-type"] == "application/json"
    assert json.loads(sent.content) == {
        "kind": "note",
        "version": 2,
        "strict": True,
        "notes": NOTES,
        "size": 5,
        "open": True,
        "text": "5",
        "due": "Sat, 31 Jan 2026 09:00:00 +0000",
        "sendTo": ["Ann <ann@example.net>", "bob@example.net"],
        "pin": "1234",
    }


@pytest.mark.anyio
@pytest.mark.parametrize("given", [NOTES, [], [{"n": 30.0}]])
async def test_a_list_can_be_the_whole_body(over: Any, given: list[Any]) -> None:
    transport = Scripted([Says(body={**STORED, "data": {}})])
    sent = await _arrived(over(transport), transport, "replace_notes", domain=DOMAIN, notes=given, dry_run=True)
    assert json.loads(sent.content) == given
    assert b"30.0" not in sent.content
    assert sent.url.query == b"dry_run=yes"


@pytest.mark.anyio
async def test_a_deletion_can_have_a_body(over: Any) -> None:
    transport = Scripted([Says(body={**STORED, "data": {}})])
    sent = await _arrived(over(transport), transport, "drop_notes", domain=DOMAIN, ids=[1, 2])
    assert (sent.method, sent.content) == ("DELETE", b'{"ids":[1,2]}')


@pytest.mark.anyio
async def test_a_read_can_have_a_body_and_needs_no_yes(over: Any) -> None:
    transport = Scripted([Says(body={"data": {"list": []}})])
    outcome = await called(over(transport), "count_notes", domain=DOMAIN, filters=[{"open": True}])
    assert outcome.content["status"] == "ok"
    assert json.loads(transport.arrived[0].content) == {"filters": [{"open": True}]}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_does_not_have_is_not_sent(value: float) -> None:
    with pytest.raises(ValueError, match="a number that JSON does not have"):
        build(notes()["store_notes"], {"domain": DOMAIN, "notes": [{"n": [value]}]})


def test_a_file_is_never_dropped_from_a_json_body() -> None:
    part = FilePart("f", "f.txt", "text/plain", 1, "00", None, b"x")
    with pytest.raises(ValueError, match="which JSON cannot hold"):
        build(notes()["store_notes"], {"domain": DOMAIN}, (part,))


@pytest.mark.anyio
@pytest.mark.parametrize("value", ["ü", "a\u2028b", " a", "a ", ""])
async def test_a_header_that_could_be_read_in_two_ways_is_refused(over: Any, value: str) -> None:
    transport = Scripted([Says(body=STORED)])
    outcome = await called(over(transport), "store_notes", domain=DOMAIN, on_behalf_of=value)
    assert error(outcome)["kind"] == "bad_arguments"
    assert "printable ASCII" in problems(outcome)[0][1]
    assert transport.arrived == []


@pytest.mark.parametrize(
    ("one", "other"),
    [(5, 5.5), (True, False), ([], [{}]), ([{"a": 1}], [{"a": "1"}]), ([{"a": 1}], [{"a": 1}, {"a": 1}])],
)
@pytest.mark.parametrize("where", ["size", "open", "notes"])
def test_a_change_of_a_typed_value_is_seen(where: str, one: Any, other: Any) -> None:
    assert shown("store_notes", {**FULL_CALL, where: one})[1] != shown("store_notes", {**FULL_CALL, where: other})[1]


def test_each_item_of_a_list_that_is_the_whole_body_is_shown() -> None:
    many = [{"id": number, "text": "x" * 2_000} for number in range(300)]
    rows, terminal, _ = shown("replace_notes", {"domain": DOMAIN, "notes": many})
    assert rows == {f"[{number}]": json.dumps(item) for number, item in enumerate(many, 1)}
    assert json.dumps(many[-1]) in terminal
    assert shown("replace_notes", {"domain": DOMAIN, "notes": []})[0] == {"the body": "[]"}


@pytest.mark.anyio
async def test_a_list_deeper_in_the_answer_is_paged_to_its_end(over: Any) -> None:
    def page(*ids: int) -> Says:
        return Says(body={"data": {"list": [{"id": number} for number in ids], "total": 3}})

    transport = Scripted([page(1, 2), page(3)])
    engine = over(transport)
    first = (await called(engine, "list_notes", domain=DOMAIN, limit=2)).content
    second = (await called(engine, "list_notes", domain=DOMAIN, cursor=first["next_cursor"])).content
    found = [note["id"] for content in (first, second) for note in content["result"]["data"]["list"]]
    assert (found, "next_cursor" in second) == ([1, 2, 3], False)
    assert dict(parse_qsl(transport.arrived[1].url.query.decode())) == {"limit": "100", "skip": "2"}


@pytest.mark.anyio
async def test_a_list_deeper_in_the_answer_is_cut_by_whole_items_and_an_empty_one_is_a_list(over: Any) -> None:
    large = [{"id": number, "text": "x" * 5_000} for number in range(40)]
    transport = Scripted([Says(body={"data": {"list": large, "total": 40}}), Says(body={"data": {"list": None}})])
    engine = over(transport)
    content = (await called(engine, "list_notes", domain=DOMAIN)).content
    kept = content["result"]["data"]["list"]
    assert kept == [{**one, "text": f"⟪{one['text']}"} for one in large[: len(kept)]]
    assert content["note"] == f"{len(kept)} of 40 items fit into one answer; next_cursor leads to the others."
    empty = (await called(engine, "list_notes", domain=DOMAIN)).content
    assert empty["result"] == {"data": {"list": []}}


def test_that_a_deeper_list_goes_on_where_nobody_follows_is_said() -> None:
    operation = notes("list_notes", 'paging = "skip"', 'paging = "pivot"')["list_notes"]
    request = build(operation, {"domain": DOMAIN})
    answer = {"data": {"list": NOTES}, "paging": {"next": "https://evil.example/v4/notes?page=next"}}
    assert (next_page(operation, request, answer), leads_elsewhere(operation, request, answer)) == (None, True)


NOBODY = [
    Says(404, b"404 page not found\n", {"content-type": "text/plain"}),
    Says(404, b"<html>Cannot GET /mailgun/v4</html>", {"content-type": "text/html"}),
    Says(404, {"message": "Not Found"}),
    Says(404, {"error": {"code": "not_found", "message": "No route for this path"}}),
    Says(405, b""),
]


@pytest.mark.anyio
@pytest.mark.parametrize("answer", NOBODY)
async def test_what_the_gateway_does_not_pass_on_is_told_plainly(over: Any, answer: Says) -> None:
    expected = {
        "kind": "not_passed_on",
        "who": "maton",
        "message": f"The gateway answered {answer.status} in nobody's name: it does not seem to pass this call on.",
        "next": "Nothing was carried out. Tell the user that this cannot be done through Maton; do not try again.",
        "http_status": answer.status,
    }
    transport = Scripted([answer])
    assert error(await called(over(transport), "list_notes", domain=DOMAIN)) == expected
    engine = over(Scripted([answer]))
    written = await approved(engine, "store_notes", domain=DOMAIN)
    await engine.aclose()
    assert written.content["error"] == expected
    assert written.content["status"] == "failed"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Says(404, {"message": "Domain not found: mg.example.com"}), "mailgun_refused"),
        (Says(404, {"message": "Connection x not found", "type": "Not Found", "code": 404}), "connection_unknown"),
        (Says(403, b"Forbidden"), "mailgun_refused"),
    ],
)
async def test_what_the_service_says_of_a_resource_is_its_own_answer(over: Any, answer: Says, kind: str) -> None:
    assert error(await called(over(Scripted([answer])), "list_notes", domain=DOMAIN))["kind"] == kind


@pytest.mark.anyio
async def test_what_is_known_to_be_passed_on_is_answered_as_ever(over: Any) -> None:
    assert error(await called(over(Scripted([NOBODY[0]])), "count_notes", domain=DOMAIN))["kind"] == "mailgun_refused"


def test_what_a_call_costs_stands_in_the_description(over: Any) -> None:
    described = {tool["name"]: tool["description"] for tool in tools(over(Scripted()))}
    assert described["list_notes"] == "All notes. Mailgun bills each list."
    assert described["count_notes"] == "Counts notes."


@pytest.mark.anyio
async def test_what_is_for_those_who_name_it_is_offered_to_nobody_else(over: Any) -> None:
    assert set(over(Scripted()).catalogue) == {
        "store_notes",
        "replace_notes",
        "drop_notes",
        "list_notes",
        "count_notes",
    }
    engine = over(Scripted(), toolsets=None)
    assert set(engine.catalogue) == {"store_notes", "drop_notes", "count_notes"}
    outcome = await called(engine, "replace_notes", domain=DOMAIN, notes=[])
    assert error(outcome)["kind"] == "unknown_tool"


@pytest.mark.parametrize(
    ("tool", "old", "new", "told"),
    [
        ("store_notes", 'due = "date"', 'due = "file"', "encode.due is a file, which JSON cannot hold"),
        ("store_notes", 'body = "json"', 'body = "form"', "fixed.strict is a text: only JSON has numbers"),
        ("store_notes", 'in_query = ["dry_run", "tags"]', 'in_query = ["dryrun"]', "did you mean dry_run?"),
        ("store_notes", 'in_query = ["dry_run', 'in_query = ["on_behalf_of', "in in_query and in in_headers"),
        ("store_notes", 'in_query = ["dry_run', 'in_query = ["domain', "domain stands in the path already"),
        ("store_notes", 'dry_run = "dry-run"', 'dry_run = "q:*"', "is spread over many names"),
        ("store_notes", "in_headers =", "in_header =", "did you mean in_headers?"),
        ("replace_notes", 'body_is = "notes"', 'body_is = "note"', "did you mean notes?"),
        ("replace_notes", 'in_query = ["dry_run"]', "", "body_is = 'notes' leaves no place for dry_run"),
        ("replace_notes", 'body = "json"', 'body = "form"', "body_is is for body = 'json'"),
        ("drop_notes", 'body = "json"', 'body = "json"\nbody_is = "ids"', "is no argument that every call has"),
        ("list_notes", 'paging = "skip"', 'body = "json"', "does not go with GET"),
        ("list_notes", 'paging = "skip"', 'in_query = ["limit"]', "in_query is for tools with a body"),
        ("list_notes", '"data.list"', '"data list"', "items = 'data list' does not have its form"),
        ("list_notes", 'gateway = "unproven"', 'gateway = "unknown"', "there are passes, unproven"),
        ("list_notes", 'exposure = "named"', 'exposure = "hidden"', "there are always, named"),
        ("list_notes", 'billed = "Mailgun bills each list."', "billed = true", "billed = True: input should be a"),
    ],
)
def test_a_row_that_could_not_be_sent_stops_the_start(tool: str, old: str, new: str, told: str) -> None:
    with pytest.raises(SetupError) as refused:
        notes(tool, old, new)
    assert str(refused.value).startswith(f"tools/notes.toml: [tools.{tool}]: ")
    assert told in str(refused.value)

"""Numbers and logs of the whole account as the caller is told of them, over the sandbox and over odd answers."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import mcp_types as types
import pytest
from mcp import Client

from maton_mailgun.protocol.server import build
from maton_mailgun.wire.numbers_told import logs, metrics

from .doubles import Says, Scripted, called, engine_over, error

NUMBERS: dict[str, Any] = {
    "start": "Mon, 17 Feb 2025 00:00:00 +0000",
    "end": "Mon, 24 Feb 2025 00:00:00 +0000",
    "resolution": "day",
    "pagination": {"sort": "", "skip": 0, "limit": 2, "total": 5},
    "items": [
        {
            "dimensions": [{"dimension": "domain", "value": name, "display_value": name}],
            "metrics": {"delivered_count": number, "opened_rate": rate, "clicked_count": None},
        }
        for name, number, rate in (("a.example.com", 60, "0.8300"), ("b.example.com", 3, "0.0000"))
    ],
    "aggregates": {"metrics": {"delivered_count": 63, "clicked_count": None}},
}
TOLD = {
    "start": "Mon, 17 Feb 2025 00:00:00 +0000",
    "end": "Mon, 24 Feb 2025 00:00:00 +0000",
    "resolution": "day",
    "columns": ["domain", "delivered_count", "opened_rate"],
    "rows": [["a.example.com", 60, "0.8300"], ["b.example.com", 3, "0.0000"]],
    "total": 5,
    "next_skip": 2,
    "together": {"delivered_count": 63},
}
ENTRY = {
    "id": "x",
    "event": "failed",
    "@timestamp": "2025-02-18T16:30:18.530Z",
    "domain": {"name": "mg.example.com"},
    "recipient": "bob@example.net",
    "delivery-status": {"code": 550, "message": "No such mailbox", "description": ""},
    "tags": None,
    "message": {"headers": {"subject": "Hello there", "message-id": "1@mg.example.com"}},
}
LOG = {
    "start": "Mon, 17 Feb 2025 00:00:00 +0000",
    "end": "Mon, 24 Feb 2025 00:00:00 +0000",
    "items": [ENTRY],
    "pagination": {"next": "token-2", "total": 100},
}


@pytest.mark.anyio
@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_numbers_are_told_in_columns_and_rows_without_asking_anybody(era: str) -> None:
    transport = Scripted([Says(body=NUMBERS)])
    async with Client(build(engine_over(transport)), mode=era) as client:
        result = await client.call_tool(
            "query_metrics", {"metrics": ["delivered_count"], "limit": 2, "connection_id": "c"}
        )
    assert isinstance(result, types.CallToolResult)
    assert result.structured_content is not None
    assert result.structured_content["result"] == TOLD
    assert [(one.method, one.url.path) for one in transport.arrived] == [("POST", "/mailgun/v1/analytics/metrics")]


def test_entries_are_told_with_what_is_asked_for_most() -> None:
    assert logs(LOG) == {
        "start": "Mon, 17 Feb 2025 00:00:00 +0000",
        "end": "Mon, 24 Feb 2025 00:00:00 +0000",
        "columns": ["time", "event", "recipient", "domain", "subject", "message_id", "code", "said"],
        "rows": [
            [
                *("2025-02-18T16:30:18.530Z", "failed", "bob@example.net", "mg.example.com", "Hello there"),
                *("1@mg.example.com", 550, "No such mailbox"),
            ]
        ],
        "total": 100,
        "next_token": "token-2",
    }


@pytest.mark.parametrize("told", [metrics, logs])
@pytest.mark.parametrize("odd", [{}, {"items": None}, {"items": [None, 7]}, {"items": {}, "pagination": "no"}])
def test_an_odd_answer_has_no_rows(told: Any, odd: dict[str, Any]) -> None:
    assert told(odd) == {"columns": [], "rows": []}


@pytest.mark.anyio
async def test_a_question_is_asked_again_after_a_passing_failure_as_other_reads_are() -> None:
    transport = Scripted([Says(502, {"message": "later"}), Says(body=NUMBERS)])
    outcome = await called(
        engine_over(transport), "query_metrics", metrics=["delivered_count"], limit=2, connection_id="c"
    )
    assert outcome.content["result"] == TOLD
    assert len(transport.arrived) == 2


def _row(number: int) -> dict[str, Any]:
    return {
        "dimensions": [
            {"dimension": "domain", "value": f"{number}.example.com", "display_value": f"{number}.example.com"}
        ],
        "metrics": {"delivered_count": number},
    }


class Analytics(Scripted):
    """All of `total` rows, as many at a time as are asked for, as Mailgun pages them; `asked` is what was asked for."""

    def __init__(self, total: int, fails_at: int | None = None, text: str = "Hello") -> None:
        super().__init__([])
        self.total, self.fails_at, self.text = total, fails_at, text
        self.asked: list[dict[str, Any]] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/connections":
            return await super().handle_async_request(request)
        question = json.loads(await request.aread())
        pages = question["pagination"]
        self.asked.append(pages)
        if self.fails_at is not None and len(self.asked) >= self.fails_at:
            return Says(400, {"message": "not now"}).response()
        if request.url.path.endswith("metrics"):
            begin = pages.get("skip", 0)
            end = min(begin + pages["limit"], self.total)
            body = {**pages, "skip": begin, "total": self.total}
            return Says(body={"items": [_row(n) for n in range(begin, end)], "pagination": body}).response()
        begin = int(pages.get("token") or 0)
        end = min(begin + pages["limit"], self.total)
        entry = {**ENTRY, "message": {"headers": {"subject": self.text}}}
        items = [{**entry, "recipient": f"{number}@example.net"} for number in range(begin, end)]
        return Says(body={"items": items, "pagination": {"next": str(end), "total": self.total}}).response()


@pytest.mark.anyio
@pytest.mark.parametrize("era", ["auto", "legacy"])
@pytest.mark.parametrize(
    ("tool", "total", "limit", "pages", "goes_on"),
    [
        ("query_metrics", 700, 600, [250, 250, 100], {"next_skip": 600}),
        ("query_metrics", 600, 1000, [250, 250, 250], {}),
        ("query_logs", 400, 250, [100, 100, 50], {"next_token": "250"}),
        ("query_logs", 150, 300, [100, 100], {}),
        ("query_logs", 400, None, [50], {"next_token": "50"}),
    ],
)
async def test_as_many_rows_as_are_wanted_are_read_from_page_after_page(
    era: str, tool: str, total: int, limit: int | None, pages: list[int], goes_on: dict[str, Any]
) -> None:
    transport = Analytics(total)
    given = {**({"metrics": ["delivered_count"]} if tool == "query_metrics" else {}), "connection_id": "c"}
    async with Client(build(engine_over(transport)), mode=era) as client:
        result = await client.call_tool(tool, {**given, **({"limit": limit} if limit else {})})
    assert isinstance(result, types.CallToolResult)
    assert result.structured_content is not None
    told = result.structured_content["result"]
    assert [one["limit"] for one in transport.asked] == pages
    assert len(told["rows"]) == min(total, limit or 50)
    assert len({str(row) for row in told["rows"]}) == len(told["rows"])
    assert told["total"] == total
    assert {name: told[name] for name in ("next_skip", "next_token") if name in told} == goes_on


@pytest.mark.anyio
async def test_reading_goes_on_where_the_last_answer_ended() -> None:
    transport = Analytics(400)
    first = await called(engine_over(transport), "query_logs", limit=150, connection_id="c")
    token = first.content["result"]["next_token"]
    second = await called(
        engine_over(transport), "query_logs", limit=150, pagination={"token": token}, connection_id="c"
    )
    assert {str(row) for row in first.content["result"]["rows"]}.isdisjoint(map(str, second.content["result"]["rows"]))


@pytest.mark.anyio
async def test_a_service_that_gives_the_same_page_again_is_not_read_twice() -> None:
    outcome = await called(
        engine_over(Scripted([Says(body=NUMBERS)])), "query_metrics", metrics=["delivered_count"], connection_id="c"
    )
    assert outcome.content["result"] == TOLD


@pytest.mark.anyio
async def test_what_was_read_before_a_page_that_fails_is_told() -> None:
    outcome = await called(engine_over(Analytics(400, fails_at=3)), "query_logs", limit=300, connection_id="c")
    assert len(outcome.content["result"]["rows"]) == 200
    assert outcome.content["result"]["next_token"] == "200"
    assert "Reading on failed" in outcome.content["note"]


@pytest.mark.anyio
async def test_a_page_that_no_longer_fits_is_left_for_the_next_call() -> None:
    outcome = await called(engine_over(Analytics(900, text="x" * 400)), "query_logs", limit=900, connection_id="c")
    rows = len(outcome.content["result"]["rows"])
    assert (rows, outcome.content["result"]["next_token"]) == (100, "100")
    assert len(outcome.text) < 60_000


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("tool", "arguments"),
    [("query_metrics", {"metrics": ["delivered_count"]}), ("query_logs", {"start": "2025-02-17T00:00:00Z"})],
)
@pytest.mark.parametrize("says", [Says(404, {"message": "Not found"}), Says(405, {})])
async def test_a_gateway_that_does_not_pass_it_on_is_told_plainly(tool: str, arguments: Any, says: Says) -> None:
    transport = Scripted([says])
    outcome = await called(engine_over(transport), tool, connection_id="c", **arguments)
    assert error(outcome)["kind"] == "not_passed_on"
    assert len(transport.arrived) == 1

"""Numbers and logs of the whole account as the caller is told of them, over the sandbox and over odd answers."""

from __future__ import annotations

from typing import Any

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
        result = await client.call_tool("query_metrics", {"metrics": ["delivered_count"], "connection_id": "c"})
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
    outcome = await called(engine_over(transport), "query_metrics", metrics=["delivered_count"], connection_id="c")
    assert outcome.content["result"] == TOLD
    assert len(transport.arrived) == 2


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

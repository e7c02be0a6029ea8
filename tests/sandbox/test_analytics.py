"""Numbers and logs of the whole account, held against the list of events of one domain."""

from __future__ import annotations

import httpx2
import pytest

from maton_mailgun.sandbox import Sandbox

pytestmark = pytest.mark.anyio
DOMAIN = "mg.example.com"
LETTER = {"from": "a@mg.example.com", "subject": "s", "text": "t"}


async def asked(path: str, question: object, *to: str) -> httpx2.Response:
    """The answer to a question about an account that sent one message to each."""
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=Sandbox().app), base_url="http://mailgun.test", auth=("api", "key-sandbox")
    ) as client:
        await client.post(f"/v3/{DOMAIN}/bounces", data={"address": "gone@example.net"})
        for one in to:
            sent = await client.post(f"/v3/{DOMAIN}/messages", data={**LETTER, "to": one})
            assert sent.status_code == 200
        return await client.post(f"/v1/analytics/{path}", json=question)


def only(attribute: str, value: str, comparator: str = "=") -> dict[str, object]:
    return {"AND": [{"attribute": attribute, "comparator": comparator, "values": [{"label": value, "value": value}]}]}


async def test_numbers_are_counted_from_the_events_and_rates_are_texts() -> None:
    question = {
        "metrics": ["accepted_count", "delivered_count", "permanent_failed_count", "delivered_rate"],
        "dimensions": ["recipient_domain"],
        "include_aggregates": True,
        "filter": only("recipient_domain", "example.com", "!="),
    }
    answer = (await asked("metrics", question, "bob@example.net", "gone@example.net", "x@example.com")).json()
    numbers = {"accepted_count": 2, "delivered_count": 1, "permanent_failed_count": 1, "delivered_rate": "0.5000"}
    named = {"dimension": "recipient_domain", "value": "example.net", "display_value": "example.net"}
    assert answer["items"] == [{"dimensions": [named], "metrics": numbers}]
    assert answer["aggregates"] == {"metrics": numbers}
    assert answer["pagination"] == {"sort": "", "skip": 0, "limit": 1500, "total": 1}


async def test_logs_go_on_from_their_token_newest_first() -> None:
    question = {"events": ["accepted"], "pagination": {"limit": 1}}
    first = (await asked("logs", question, "bob@example.net", "ann@example.net")).json()
    assert [one["recipient"] for one in first["items"]] == ["ann@example.net"]
    assert first["pagination"]["total"] == 2
    going_on = {**question, "pagination": {"limit": 1, "token": first["pagination"]["next"]}}
    second = (await asked("logs", going_on, "bob@example.net", "ann@example.net")).json()
    assert [one["recipient"] for one in second["items"]] == ["bob@example.net"]


@pytest.mark.parametrize(
    ("path", "question"),
    [
        ("metrics", []),
        ("metrics", {"metrics": ["wishes_count"]}),
        ("metrics", {"dimensions": ["mood"]}),
        ("metrics", {"duration": "7"}),
        ("metrics", {"filter": only("mood", "good")}),
        ("metrics", {"filter": only("domain", DOMAIN, "like")}),
        ("metrics", {"filter": {"AND": ["x"]}}),
        ("metrics", {"filter": []}),
        ("metrics", {"metrics": [{}]}),
        ("metrics", {"pagination": {"limit": 0}}),
        ("metrics", {"pagination": {"skip": -1}}),
        ("logs", {"start": "yesterday"}),
        ("logs", {"pagination": {"token": "x"}}),
    ],
)
async def test_a_question_that_is_wrong_is_refused(path: str, question: object) -> None:
    assert (await asked(path, question)).status_code == 400

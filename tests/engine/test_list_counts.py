"""How many members of a mailing list are subscribed: one answer of few reads, held to the sandbox's account."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from maton_mailgun.combined.list_counts import MOST_REQUESTS
from maton_mailgun.sandbox import Sandbox

from .doubles import Says, Scripted, called, engine_over, error

pytestmark = pytest.mark.anyio
LIST = "developers@mg.example.com"


def with_members(subscribed: int, opted_out: int) -> Sandbox:
    """An account whose list has this many."""
    sandbox = Sandbox()
    members = sandbox.account.members[LIST]
    for address in [record["address"] for record in members.values()]:
        members.pop(address)
    for number in range(subscribed + opted_out):
        address = f"m{number:05}@example.net"
        members.put(address, {"address": address, "name": "", "vars": {}, "subscribed": number < subscribed})
    return sandbox


async def told(transport: httpx2.AsyncBaseTransport) -> dict[str, Any]:
    outcome = await called(engine_over(transport), "get_mailing_list", list_address=LIST)
    assert not outcome.is_error, outcome.content
    found: dict[str, Any] = outcome.content["result"]
    return found


@pytest.mark.parametrize(("subscribed", "opted_out"), [(3, 0), (0, 3), (1, 1), (230, 7)])
async def test_subscribed_and_unsubscribed_are_told_apart_in_three_requests(subscribed: int, opted_out: int) -> None:
    sandbox = with_members(subscribed, opted_out)
    found = await told(httpx2.ASGITransport(app=sandbox.app))
    assert found["list"]["members_count"] == subscribed + opted_out
    assert found["members"] == {"subscribed": subscribed, "unsubscribed": opted_out, "complete": True}
    assert len([one for one in sandbox.requests if "/v3/lists" in one["path"]]) == 3


async def test_a_list_without_members_costs_no_more_reads() -> None:
    sandbox = with_members(0, 0)
    assert (await told(httpx2.ASGITransport(app=sandbox.app)))["members"] == {
        "subscribed": 0, "unsubscribed": 0, "complete": True
    }  # fmt: skip
    assert len([one for one in sandbox.requests if "/v3" in one["path"]]) == 1


SETTINGS = {"list": {"address": LIST, "members_count": 5000}}


def page(number: int, *, last: bool = False, subscribed: bool = False) -> Says:
    """A page of 100 members and the address of the next."""
    items = [{"address": f"{number:03}{one:03}@example.net", "subscribed": subscribed} for one in range(100)]
    following = f"https://api.mailgun.net/v3/lists/{LIST}/members/pages?page=next&address={number}&limit=100"
    return Says(200, {"items": [] if last else items, "paging": {"next": following}})


@pytest.mark.parametrize(
    "counts",
    [
        # As documented: the number of all members, whatever was asked for.
        Says(200, {"items": [], "total_count": 5000}),
        Says(200, {"items": []}),
        Says(404, {"message": "Not Found"}),
        Says(200, {"items": [], "total_count": "many"}),
    ],
)
async def test_counts_that_do_not_add_up_are_not_believed_and_who_opted_out_is_read(counts: Says) -> None:
    transport = Scripted([Says(200, SETTINGS), counts, counts, page(1), page(2), page(3, last=True)])
    found = await told(transport)
    assert found["members"] == {"subscribed": 4800, "unsubscribed": 200, "complete": True}
    assert transport.arrived[3].url.params["subscribed"] == "no"


async def test_who_is_subscribed_is_not_counted_where_the_filter_is_not_heeded() -> None:
    ignored = Says(200, {"items": [], "total_count": 5000})
    steps = [Says(200, SETTINGS), ignored, ignored, page(1, subscribed=True), page(2), page(3, last=True)]
    assert (await told(Scripted(steps)))["members"] == {"subscribed": 4900, "unsubscribed": 100, "complete": True}


async def test_a_bound_that_is_reached_is_said_and_nothing_is_made_up() -> None:
    ignored = Says(200, {"items": [], "total_count": 5000})
    transport = Scripted([Says(200, SETTINGS), ignored, ignored, *(page(number) for number in range(60))])
    found = await told(transport)
    assert found["members"] == {"unsubscribed_at_least": 1000, "complete": False}
    assert "the list of members, with subscribed false" in found["note"]
    assert len(transport.arrived) == MOST_REQUESTS


async def test_settings_are_told_where_members_cannot_be_read() -> None:
    found = await told(Scripted([Says(200, SETTINGS), Says(403, {"message": "Forbidden"})]))
    assert found["list"] == SETTINGS["list"]
    assert found["members"] == {"unsubscribed_at_least": 0, "complete": False}
    assert found["NOT_READ"] == {"members": "⟪Mailgun refused: Forbidden"}


async def test_a_list_that_is_not_there_is_told_as_before() -> None:
    outcome = await called(
        engine_over(Scripted([Says(404, {"message": "Mailing list not found"})])), "get_mailing_list", list_address=LIST
    )
    assert error(outcome)["kind"] == "mailgun_refused"

"""What answers confirm without a second question: the present, what was asked for, and the same form after a write as
after a read. Over MCP, in both eras, against the sandbox's account."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import mcp_types as types
import pytest
from mcp import Client
from mcp.client.session import ClientRequestContext

from maton_mailgun.catalogue import files
from maton_mailgun.catalogue.rows import read
from maton_mailgun.errors import SetupError
from maton_mailgun.protocol.server import build
from maton_mailgun.sandbox import Sandbox

from .doubles import DOMAIN, Says, Scripted, approved, called, engine_over

pytestmark = pytest.mark.anyio
ERAS = ["auto", "legacy"]
ISO = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")
BASIC = {"Authorization": "Basic YXBpOmtleS1zYW5kYm94"}
TEAM = f"team@{DOMAIN}"
LETTER = {"domain": DOMAIN, "from": f"a@{DOMAIN}", "subject": "Hello", "text": "Ten?"}


class Assistant:
    """A client whose person says yes, beside the account that it works on."""

    def __init__(self, client: Client, sandbox: Sandbox) -> None:
        self._client, self._sandbox = client, sandbox

    async def told(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = await self._client.call_tool(tool, arguments)
        assert isinstance(result, types.CallToolResult)
        content: dict[str, Any] = result.structured_content
        return content

    async def made(self, path: str, **form: str) -> None:
        transport = httpx2.ASGITransport(app=self._sandbox.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox", headers=BASIC) as client:
            (await client.post(path, data=form)).raise_for_status()

    async def team(self, *members: str) -> None:
        await self.made("/v3/lists", address=TEAM)
        for address in members:
            await self.made(f"/v3/lists/{quote(TEAM)}/members", address=address)


@asynccontextmanager
async def assistant(era: str, home: Path, *, decides: bool = True) -> AsyncIterator[Assistant]:
    async def yes(context: ClientRequestContext, params: types.ElicitRequestParams) -> types.ElicitResult:
        return types.ElicitResult(action="accept", content={"decision": "approve"})

    sandbox = Sandbox()
    engine = engine_over(httpx2.ASGITransport(app=sandbox.app), home)
    async with Client(build(engine), mode=era, elicitation_callback=yes if decides else None) as client:
        yield Assistant(client, sandbox)
    await engine.aclose()


def near(told: str) -> bool:
    return abs(datetime.fromisoformat(told) - datetime.now(UTC)) < timedelta(minutes=1)


# The present ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
async def test_what_depends_on_the_time_says_what_time_it_is(era: str, tmp_path: Path) -> None:
    at_once = {**LETTER, "to": ["ann@example.net"]}
    later = {**at_once, "delivery_time": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
    async with assistant(era, tmp_path, decides=False) as tester:
        for tool, more in (
            ("list_events", {"limit": 1}),
            ("get_stats", {"events": ["accepted"]}),
            ("diagnose_delivery", {"recipient": "ann@example.net"}),
            ("send_message", later),
        ):
            content = await tester.told(tool, **{"domain": DOMAIN, **more})
            assert ISO.fullmatch(content["now"])
            assert near(content["now"])
        assert "now" not in await tester.told("list_bounces", domain=DOMAIN)
        assert "now" not in await tester.told("send_message", **at_once)


@pytest.mark.parametrize(
    ("begin", "zone"), [("2026-11-01T09:00:00+09:00", "+09:00"), ("Sun, 01 Nov 2026 09:00:00 -0530", "-05:30")]
)
async def test_the_present_is_told_in_the_zone_that_was_given_too(begin: str, zone: str) -> None:
    outcome = await called(
        engine_over(Scripted([Says(200, {"items": []})])), "list_events", domain=DOMAIN, begin=begin, ascending=True
    )
    utc, _, there = outcome.content["now"].partition(", which is ")
    assert there.endswith(zone)
    assert datetime.fromisoformat(utc) == datetime.fromisoformat(there)


@pytest.mark.parametrize("era", ERAS)
async def test_mail_that_waits_names_its_day_and_the_present_in_its_zone(era: str, tmp_path: Path) -> None:
    leaves = (datetime.now(UTC) + timedelta(days=1)).astimezone(datetime.fromisoformat("2026-01-01T00:00+09:00").tzinfo)
    async with assistant(era, tmp_path) as tester:
        content = await tester.told("send_message", **LETTER, to=["ann@example.net"], delivery_time=leaves.isoformat())
    assert f"It leaves at {leaves:%A} " in content["effect"]
    utc, _, there = content["now"].partition(", which is ")
    assert near(utc)
    assert there.endswith("+09:00")


# What was asked for ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
async def test_a_send_confirms_private_copies_tracking_tags_and_the_thread(era: str, tmp_path: Path) -> None:
    async with assistant(era, tmp_path) as tester:
        content = await tester.told(
            "send_message",
            **LETTER,
            to=["ann@example.net", "bob@example.net"],
            recipient_variables={"ann@example.net": {}, "bob@example.net": {}},
            tracking_opens=True,
            tracking_clicks="no",
            tags=["spring", "team"],
            headers={"In-Reply-To": "<q1@example.net>", "References": "<q0@example.net> <q1@example.net>"},
        )
    assert content["executed"] is True
    assert "to 2 recipients, all of them outside mg.example.com, each in a copy of their own" in content["effect"]
    assert sorted(content["options"]) == [
        "In-Reply-To: <q1@example.net>",
        "References: <q0@example.net> <q1@example.net>",
        "Tag: spring",
        "Tag: team",
        "Tracking clicks: no",
        "Tracking opens: yes",
    ]


async def test_hidden_copies_are_not_called_copies_of_their_own(tmp_path: Path) -> None:
    async with assistant("auto", tmp_path) as tester:
        content = await tester.told(
            "send_message", **LETTER, to=["ann@example.net"], bcc=["bob@example.net"], recipient_variables={}
        )
    assert "copy of their own" not in content["effect"]


@pytest.mark.parametrize("era", ERAS)
async def test_a_list_of_the_account_is_not_outside_and_its_members_may_be(era: str, tmp_path: Path) -> None:
    async with assistant(era, tmp_path, decides=False) as tester:
        await tester.team("ann@example.net")
        alone = await tester.told("send_message", **LETTER, to=[TEAM])
        both = await tester.told("send_message", **LETTER, to=[TEAM, "bob@example.net"])
    assert f"to {TEAM}, a mailing list with members outside {DOMAIN}, with the subject" in alone["effect"]
    assert (
        f"to 2 recipients, 1 of them outside {DOMAIN}, 1 mailing list with members outside {DOMAIN}, with"
        in both["effect"]
    )


async def test_a_list_whose_members_are_all_at_the_domain_is_inside(tmp_path: Path) -> None:
    async with assistant("auto", tmp_path, decides=False) as tester:
        await tester.team(f"ann@{DOMAIN}")
        content = await tester.told("send_message", **LETTER, to=[TEAM])
    assert f"to {TEAM}, a mailing list, with the subject" in content["effect"]


# What a target held ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
async def test_what_is_deleted_is_named_by_what_it_did(era: str, tmp_path: Path) -> None:
    async with assistant(era, tmp_path, decides=False) as tester:
        (row,) = (await tester.told("list_routes"))["result"]["rows"]
        deleted = await tester.told("delete_route", route_id=row[0])
        changed = await tester.told("update_route", route_id=row[0], priority=7)
        hooks = await tester.told("delete_webhook", domain=DOMAIN, webhook_type="delivered")
    assert re.match(
        rf"Deletes route {row[0]}, by which mail to .* is forwarded to .*\. Inbound mail", deleted["effect"]
    )
    assert "; at present mail to " in changed["effect"]
    assert "with all its URLs (https://hooks.example.com/mailgun/delivered)." in hooks["effect"]


def test_an_effect_that_names_its_target_needs_where_it_is_read() -> None:
    rows = files.texts("tools", ".toml")
    rows["messages"] = rows["messages"].replace('effect = "Sends 1 message[', 'effect = "Sends {before.id} message[', 1)
    with pytest.raises(SetupError, match=r"send_message\]: effect names what its target holds, which needs before"):
        read(rows, files.texts("schemas", ".json"))


# The same form --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
async def test_a_new_domain_is_told_as_it_is_read_afterwards(era: str, tmp_path: Path) -> None:
    async with assistant(era, tmp_path) as tester:
        written = await tester.told("create_domain", name="news.example.org")
        again = (await tester.told("get_domain", domain="news.example.org"))["result"]
        verified = await tester.told("verify_domain", domain="news.example.org")
    assert written["executed"] is True
    for key in ("sending_dns_records", "receiving_dns_records"):
        assert _records(written["result"], key) == _records(again, key)
        assert _records(verified["result"], key) == _records(again, key)
    assert {one["name"] for one in written["result"]["receiving_dns_records"]} == {"news.example.org"}


def _records(told: Mapping[str, Any], key: str) -> list[tuple[Any, ...]]:
    return [(one["record_type"], one["name"], one["value"], one["for"]) for one in told[key]]


@pytest.mark.parametrize("records", [5, [5], [{"record_type": "MX", "cached": 5}], "x"])
async def test_a_success_of_an_unusual_form_stays_a_success(records: Any, tmp_path: Path) -> None:
    body = {
        "domain": {"name": "news.example.org"},
        "message": "Domain DNS records have been updated",
        "sending_dns_records": records,
    }
    engine = engine_over(Scripted([Says(200, body)]), tmp_path)
    outcome = await approved(engine, "verify_domain", domain="news.example.org")
    assert outcome.content["executed"] is True
    await engine.aclose()


# Suppressed -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
async def test_one_question_about_an_address_looks_through_every_list(era: str, tmp_path: Path) -> None:
    async with assistant(era, tmp_path) as tester:
        await tester.made(f"/v3/{DOMAIN}/complaints", address="full@example.org")
        await tester.made(f"/v3/{DOMAIN}/whitelists", domain="example.org")
        there = (await tester.told("get_bounce", domain=DOMAIN, address="full@example.org"))["result"]
        other = (await tester.told("get_bounce", domain=DOMAIN, address="quiet@example.net"))["result"]
        nobody = (await tester.told("get_bounce", domain=DOMAIN, address="new@example.net"))["result"]
    assert there["error"] == "⟪Mailbox full"
    assert [one["list"] for one in there["on_other_lists"]] == ["complaints", "allowlist (the domain example.org)"]
    assert (other["bounced"], other["on_other_lists"][0]["list"]) == (False, "unsubscribes")
    assert nobody == {"address": "new@example.net", "bounced": False, "on_other_lists": []}


class _Lists(Scripted):
    """Answers the list of the path; `broken` ones with 500."""

    broken: tuple[str, ...] = ()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/connections":
            return await super().handle_async_request(request)
        broken = any(f"/{name}/" in request.url.path for name in self.broken)
        return (Says(500) if broken else Says(404, {"message": "Address not found in bounces table"})).response()


async def test_a_list_that_could_not_be_read_is_named() -> None:
    transport = _Lists()
    transport.broken = ("complaints",)
    outcome = await called(engine_over(transport), "get_bounce", domain=DOMAIN, address="a@example.net")
    assert outcome.content["result"]["NOT_READ"]["lists"] == ["complaints"]


async def test_where_the_bounces_cannot_be_read_nothing_is_told_of_them() -> None:
    transport = _Lists()
    transport.broken = ("bounces",)
    outcome = await called(engine_over(transport), "get_bounce", domain=DOMAIN, address="a@example.net")
    assert outcome.is_error
    assert outcome.content["error"]["who"] == "service"


# Columns --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [{"count_by": "status,code"}, {"distinct": "status"}, {"fields": "status"}])
@pytest.mark.parametrize("era", ERAS)
async def test_a_column_that_is_not_there_brings_the_names_of_those_that_are(
    era: str, asked: dict[str, str], tmp_path: Path
) -> None:
    async with assistant(era, tmp_path) as tester:
        told = (await tester.told("list_bounces", domain=DOMAIN, **asked))["result"]
    assert told["no_item_has"] == ["status"]
    assert told["fields_there_are"] == ["address", "code", "error", "created", "day", "hour"]


async def test_a_column_that_is_known_needs_no_names(tmp_path: Path) -> None:
    async with assistant("auto", tmp_path) as tester:
        told = (await tester.told("list_bounces", domain=DOMAIN, count_by="code"))["result"]
    assert set(told) == {"items", "complete", "columns", "rows"}
